"""The rule: no two running tasks of a worker share a CPU, and none is lost when a task ends."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsgspool import machine
from dsgspool.nodes import Rules
from dsgspool.worker.pinning import choose

CPUS = (0, 4, 1, 5, 2, 6, 3, 7)


@pytest.mark.parametrize(
    ("taken", "count", "chosen"),
    [
        ((), 1, (0,)),
        ((), 2, (0, 4)),
        ((0,), 2, (4, 1)),
        ((0, 1), 2, (5, 2)),
        ((4, 5, 6), 2, (3, 7)),
        ((4, 5, 6, 7), 2, (0, 1)),
        (CPUS, 1, ()),
        ((), 8, CPUS),
    ],
)
def test_neighbours_are_given_when_there_are_some(taken, count, chosen):
    assert choose(CPUS, taken, count) == chosen


@given(st.lists(st.integers(0, 15), unique=True), st.data())
def test_as_many_as_are_wanted_none_of_them_taken(cpus, data):
    taken = data.draw(st.sets(st.sampled_from(cpus))) if cpus else set()
    count = data.draw(st.integers(0, len(cpus) - len(taken)))
    found = choose(cpus, taken, count)
    assert len(set(found)) == len(found) == count
    assert not taken & set(found)
    assert set(found) <= set(cpus)


@pytest.fixture
def pinned(inside, monkeypatch):
    """A worker that pins to CPUs of which only two have to be there."""
    mine = sorted(os.sched_getaffinity(0))
    if len(mine) < 2:
        pytest.skip("needs two CPUs")
    monkeypatch.setattr(machine, "cpus", lambda: tuple(mine[:2]))
    return inside(rules=Rules(pin=True))


def on(worker, name):
    """CPUs of a running task."""
    return worker.until(lambda: worker.pid(name)) and os.sched_getaffinity(worker.pid(name))


def test_each_task_has_its_own_and_who_comes_later_gets_what_became_free(pinned):
    pinned.drop("a", pinned.gate("a"))
    pinned.drop("b", pinned.gate("b"))
    a, b = on(pinned, "a"), on(pinned, "b")
    assert len(a) == len(b) == 1 and not a & b
    assert (pinned.record("a")["pinned"], pinned.record("b")["pinned"]) == (list(a), list(b))
    pinned.drop("c", pinned.gate("c"))
    pinned.open("b")
    assert on(pinned, "c") == b
    pinned.open("a")
    pinned.open("c")
    pinned.until(lambda: pinned.lies() == ["done/a", "done/b", "done/c"])
    pinned.drop("wide", pinned.gate("w"), cpus=2)
    assert on(pinned, "wide") == a | b
    assert len(pinned.worker.attempts.pins.take(1)) == 0
    pinned.open("w")
    pinned.until(lambda: "done/wide" in pinned.lies())


def test_a_task_that_lies_in_a_wider_lane_sees_as_many_as_it_asks_for(pinned):
    pinned.drop("@cpus2/a", pinned.gate(), cpus=1)
    assert len(on(pinned, "a")) == 1
    pinned.open()
    pinned.until(lambda: pinned.lies() == ["done/a"])


def test_a_command_that_cannot_be_started_leaves_its_cpus_to_others(pinned):
    pinned.drop("a", ["/no/such/program"], cpus=2)
    pinned.until(lambda: pinned.lies() == ["failed/a~exit127"])
    assert len(pinned.worker.attempts.pins.take(2)) == 2


def test_there_are_no_more_slots_than_cpus_and_pinning_can_be_ended(pinned):
    path = f"{pinned.root}/workers/{pinned.wid}.control.yaml"
    with open(path, "w") as file:
        file.write("slots: 5\n...\n")
    pinned.live(6)
    assert pinned.worker.controls.slots == 2
    with open(path, "w") as file:
        file.write("slots: 5\npin: false\n...\n")
    pinned.live(6)
    assert pinned.worker.controls.slots == 5
    pinned.drop("a", pinned.gate())
    assert on(pinned, "a") == os.sched_getaffinity(0)
    assert "pinned" not in pinned.record("a")
    pinned.open()
    pinned.until(lambda: pinned.lies() == ["done/a"])
