"""The rule: a desktop belongs to whoever sits at it; a worker's own tasks do not count against it."""

from types import SimpleNamespace

import pytest

from dsgspool import census, machine, proc
from dsgspool.nodes import NEVER_MIND, Idle, Rules
from dsgspool.snapshot import take
from dsgspool.worker.idling import CALM, INTERVAL, Idling
from tests.support.doors import FakeClock

LOAD, PEOPLE = "others' load is above 1", "somebody used a terminal in the last 15 minutes"


@pytest.fixture
def node(monkeypatch):
    """What is seen of a machine: `average`, `cpu` of others in seconds so far, `people`; `looks` are counted."""
    node = SimpleNamespace(average=0.2, cpu=1000.0, people="", looks=0)

    def cpu_of_others():
        node.looks += 1
        return node.cpu

    monkeypatch.setattr(proc, "node_look", lambda: proc.NodeLook(node.average, 1, 2, 0.0, 0.0))
    monkeypatch.setattr(census, "cpu_of_others", cpu_of_others)
    monkeypatch.setattr(machine, "in_use", lambda _: node.people)
    return node


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def idling(clock):
    return Idling(clock)


def later(node, clock, cores=0.0, seconds=INTERVAL):
    """Time passes in which others keep so many CPUs busy."""
    clock.advance(seconds)
    node.cpu += cores * seconds


def test_others_load_keeps_tasks_away_until_it_was_low_for_a_minute(node, clock, idling):
    assert idling.why(Idle(), 0) == ""
    later(node, clock, 0.9)
    assert idling.why(Idle(), 0) == ""
    later(node, clock, 1.1)
    assert idling.why(Idle(), 0) == LOAD
    for _ in range(round(CALM / INTERVAL) - 1):
        later(node, clock, 0.1)
        assert idling.why(Idle(), 0) == LOAD
    later(node, clock, 0.1)
    assert idling.why(Idle(), 0) == ""


def test_at_the_first_look_the_load_average_counts_without_the_workers_own_tasks(node, clock, idling):
    node.average = 4.5
    assert idling.why(Idle(), 4) == ""
    assert Idling(clock).why(Idle(), 3) == LOAD


def test_after_a_sleep_the_load_average_counts_and_not_the_mean_of_the_night(node, clock, idling):
    idling.why(Idle(), 0)
    later(node, clock, 0.0, seconds=8 * 3600.0)
    node.average = 3.0
    assert idling.why(Idle(), 0) == LOAD


def test_people_keep_tasks_away_whatever_the_load(node, clock, idling):
    node.people = PEOPLE
    assert idling.why(Idle(), 0) == PEOPLE
    assert Idling(clock).why(Idle(users=False), 0) == ""
    node.average = 9.0
    assert Idling(clock).why(Idle(load=None), 0) == PEOPLE
    node.people = ""
    assert Idling(clock).why(Idle(load=None), 0) == ""


def test_it_looks_every_ten_seconds_and_only_where_it_is_asked_for(node, clock, idling):
    for _ in range(20):
        idling.why(Idle(), 0)
        clock.advance(1.0)
    assert node.looks == 2
    for idle in (None, NEVER_MIND):
        idling.why(idle, 0)
        clock.advance(INTERVAL)
    assert node.looks == 2


def test_what_is_asked_for_anew_is_looked_at_at_once(node, idling):
    node.people = PEOPLE
    assert idling.why(Idle(), 0) == PEOPLE
    assert idling.why(NEVER_MIND, 0) == ""
    assert idling.why(None, 0) == ""
    assert idling.why(Idle(), 0) == PEOPLE


def test_a_worker_on_a_node_in_use_rests_and_takes_tasks_again_by_itself(node, inside, world):
    worker = inside(rules=Rules(only_when_idle=Idle()))
    node.people = PEOPLE
    worker.live(INTERVAL + 5)
    worker.drop("x")
    worker.live(10)
    assert worker.lies() == ["todo/x"]
    (seen,) = take(worker.worker.spool).workers
    assert seen.rest.of(seen.wid) == f"takes tasks again when that is over (only_when_idle: {PEOPLE})"
    node.people = ""
    worker.live(CALM + 2 * INTERVAL)
    worker.until(lambda: worker.lies() == ["done/x"])


def test_without_such_a_rule_nothing_is_looked_at(node, inside):
    worker = inside()
    worker.drop("x")
    worker.until(lambda: worker.lies() == ["done/x"])
    worker.live(20)
    assert node.looks == 0
