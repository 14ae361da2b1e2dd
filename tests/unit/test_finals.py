"""That a batch was over is said once, whoever finds it, how late, and whatever became of the batch since."""

import json
import os

import pytest

from dsgspool.spool import Spool
from dsgspool.spool.finals import Finals, Tally, batch_over, facts_of
from dsgspool.spool.moves import Moves
from tests.support.actors import STATES
from tests.support.doors import Crash, CrashingFs, files_below


@pytest.fixture
def finals(world):
    return of(world)


def of(world, fs=None):
    return Finals(Moves(Spool(world.root, fs or world.fs, world.clock)))


def put(world, *paths):
    for path in paths:
        os.makedirs(os.path.dirname(f"{world.root}/{path}"), exist_ok=True)
        open(f"{world.root}/{path}.yaml", "w").close()


def tally(finals, batch="s"):
    return list(finals.tally(batch))[-1:]


def text(world):
    found = world.text()
    world.accept(found)
    return found


@pytest.mark.parametrize(
    "left",
    [
        "todo/s/x", "todo/@p5/s/x", "waiting/after-t/s/x", "waiting/until-21001231T000000Z/s/x", "hold/s/x", "hold/s/y/x",
        "running/n1-aaaaaaaa/s%x~0@n1-aaaaaaaa.1", "edits/e.open/out/todo/s/x", "failed/s%x~0.bbbbbbbb-1@n1-aaaaaaaa.1",
    ],
)  # fmt: skip
def test_a_batch_is_over_when_nothing_of_it_is_left(world, finals, left):
    put(world, "done/s/1", "done/s/000/2", "failed/s/3~exit1", left, "todo/t/1", "todo/s")
    assert tally(finals) == []
    os.unlink(f"{world.root}/{left}.yaml")
    assert tally(finals) == [Tally(2, 1)]


def test_a_batch_of_which_nothing_ended_is_not_over(world, finals):
    assert tally(finals) == []
    put(world, "done/s", "done/t/1", "failed/.s", "done/s/.x")
    assert tally(finals) == []


@pytest.mark.parametrize("to", ["todo/s/2~0.aaaaaaaa-1", "running/n1-aaaaaaaa/s%2~0@n1-aaaaaaaa.1"])
def test_what_is_requeued_while_it_is_counted_keeps_it_open(world, finals, to):
    put(world, "done/s/1", "failed/s/2~exit1")
    looks = finals.tally("s")
    next(looks)
    put(world, to)
    assert list(looks) == [None]


def test_its_last_task_knows_nothing_of_the_batch_and_is_in_todo_once(world, finals):
    assert finals.make("s", Tally(2, 1), 1e9, text(world), -1)
    assert finals.publish("s") == "s.finally" and finals.publish("s") == ""
    assert [path.partition("~")[0] for path in files_below(world.root, STATES)] == ["todo/s.finally"]
    assert files_below(world.root, ["batches", "tmp"]) == ["batches/s.over/over.json"]
    with open(f"{world.root}/batches/s.over/over.json") as file:
        assert json.load(file) == {"at": "2001-09-09T01:46:40.000Z", "done": 2, "failed": 1}
    assert facts_of(world.spool, "s")["failed"] == 1 and facts_of(world.spool, "t") == {}
    world.check()


@pytest.mark.parametrize("fate", ["todo", "done", "removed"])
def test_a_leader_that_is_slow_by_an_hour_makes_it_no_second_time(world, fate):
    of(world).make("s", Tally(1, 0), 1e9, text(world), -1)
    of(world).publish("s")
    [path] = files_below(world.root, ["todo"])
    if fate == "done":
        world.succeeded.add(world.version(f"{world.root}/{path}"))
        os.rename(f"{world.root}/{path}", f"{world.root}/done/s.finally.yaml")
    elif fate == "removed":
        os.unlink(f"{world.root}/{path}")
    before = files_below(world.root, STATES)
    assert not of(world).make("s", Tally(1, 0), 1e9, world.text(), -1) and of(world).publish("s") == ""
    assert files_below(world.root, STATES) == before and os.listdir(f"{world.root}/tmp") == []


@pytest.mark.parametrize("how", ["before", "torn", "after"])
def test_a_leader_that_dies_anywhere_leaves_it_to_the_next(world, how):
    at = died = 0
    while at == died:
        at += 1
        batch, said = f"s{at}", text(world)
        fs = CrashingFs(world.clock, at, how, world.on_rename)
        finals = of(world, fs)
        fs.armed = True
        try:
            finals.make(batch, Tally(1, 0), 1e9, said, -1)
            finals.publish(batch)
        except Crash:
            died = at
        of(world).make(batch, Tally(1, 0), 1e9, said, -1)
        of(world).publish(batch)
        world.check()
        assert not of(world).make(batch, Tally(1, 0), 1e9, said, -1) and of(world).publish(batch) == ""
    assert died >= 8 or how == "torn"


def test_of_two_leaders_one_tells(world):
    of(world).make("s", Tally(1, 0), 1e9, None, -1)
    for event in ("over", "tripped", "canary"):
        assert [of(world).is_mine("s", event) for _ in range(3)] == [True, False, False]
    assert files_below(world.root, ["batches"]) == [
        "batches/s.over/over.json", "batches/s.over/told", "batches/s.told-canary", "batches/s.told-tripped",
    ]  # fmt: skip


def test_that_it_was_over_is_forgotten_when_it_is_old_and_nothing_of_the_batch_is_left(world, finals):
    finals.make("s", Tally(1, 0), 1e9, None, -1)
    now = os.stat(f"{world.root}/batches/s.over").st_mtime
    assert finals.old(now + 1e6, now + 80_000) == [], "a leader that sleeps might make it again"
    assert finals.old(now - 1.0, now + 90_000) == [], "younger than what is pruned"
    for left in ("done/s/1", "failed/s/1~exit1", "hold/s/1"):
        put(world, left)
        assert finals.old(now + 1e6, now + 1e6) == [], "it would be over once more"
        os.unlink(f"{world.root}/{left}.yaml")
    assert finals.old(now + 1e6, now + 1e6) == ["s.over"]
    finals.remove("s.over")
    assert os.listdir(f"{world.root}/batches") == []


def test_what_was_decided_about_a_batch_is_forgotten_with_it_and_its_policy_stays(world, finals):
    """Else of the next one of that name none would be tried first, and its breaker would not trip."""
    marks = ["s.passed", "s.resumed", "s.told-canary", "s.told-tripped", "s.tripped"]
    for file in [*marks, "s.yaml", "t.canary", "notes.txt"]:
        with open(f"{world.root}/batches/{file}", "w"):
            pass
    now = os.stat(f"{world.root}/batches/s.passed").st_mtime
    put(world, "done/t/1")
    os.utime(f"{world.root}/batches/s.tripped", (now + 100, now + 100))
    assert finals.old(now + 50, now + 1e6) == [], "the batch goes on, or has just begun"
    assert finals.old(now + 1e6, now + 1e6) == marks
    for file in marks:
        finals.remove(file)
    assert sorted(os.listdir(f"{world.root}/batches")) == ["notes.txt", "s.yaml", "t.canary"]


@pytest.mark.parametrize(
    ("file", "batch"),
    [("s.over", "s"), ("a b.over", "a b"), ("s.yaml", ""), ("over", ""), (".over", ""), ("a~b.over", "")],
)
def test_names(file, batch):
    assert batch_over(file) == batch
