"""`wait` says why nothing moves: seldom, short, and only what is known."""

import os
from itertools import pairwise

import pytest

from dsgspool.cli import stillness
from dsgspool.cli.stillness import AFTER, Stillness
from dsgspool.cli.wait import finish
from dsgspool.cli.waiting import Watch
from dsgspool.errors import SettingsError
from dsgspool.names import lane_for
from dsgspool.snapshot import counting
from dsgspool.spool import Spool
from tests.support.clocks import Clock

WID = "n1-abcdefgh"


@pytest.fixture
def told(spool):
    """What is said when one more look is made after so many seconds."""
    clock, made = Clock(), []

    def look(seconds, *patterns):
        if not made:
            made.append(Watch.of(Spool(str(spool), clock=clock), patterns))
            made.append(Stillness(made[0]))
        clock.now += seconds
        return made[1].lines(made[0].look())

    return look


@pytest.fixture
def worker(spool):
    """A worker of two slots that is alive."""
    (spool / "workers" / f"{WID}.lock").write_text("")
    (spool / "workers" / f"{WID}.yaml").write_text(f'worker: "{WID}"\nhost: "n1"\nslots: 2\nuser: {os.getuid()}\n...\n')


@pytest.mark.usefixtures("worker")
def test_why_nothing_moves_is_said_after_a_while_and_again_only_when_it_is_another_reason(spool, put, told):
    put(f"todo/@{lane_for(0, 8)}/huge.yaml", "command: x\ncpus: 8\n...\n")
    for name in ("x1", "x2", "x3"):
        put(f"waiting/after-prep/{name}.yaml", "command: x\nafter: prep\n...\n")
    assert told(0) == told(AFTER - 1) == []
    assert told(1) == [
        "4 left, and none of them runs:",
        "  x1 and 2 more: it waits for prep, which is nowhere in the spool: not submitted yet, removed, or misspelt",
        f"  huge: it wants 8 slots, and the largest worker, {WID}, has 2",
        "  ask with: dsgspool why NAME",
    ]
    assert [told(AFTER) for _ in range(30)] == [[]] * 30
    (spool / "workers" / f"{WID}.dead").touch()
    assert [line for _ in range(7) for line in told(AFTER)][2] == "  huge: no worker is alive"


def test_after_a_change_it_is_said_anew(spool, put, told):
    put("todo/a.yaml")
    put("todo/b.yaml")
    told(0)
    assert told(AFTER)[1:] == ["  a and 1 more: no worker is alive", "  ask with: dsgspool why a"]
    os.rename(spool / "todo/a.yaml", spool / "done/a.yaml")
    assert told(AFTER) == []
    assert told(AFTER)[0] == "1 left, and none of them runs:"


def test_while_something_of_it_runs_nothing_is_asked(put, told, monkeypatch):
    put("todo/a.yaml")
    put(f"running/{WID}/b@{WID}.1.yaml")
    monkeypatch.setattr(Stillness, "_told", None)
    assert told(0) == told(AFTER) == told(AFTER * 100) == []


def test_a_look_that_takes_long_is_seldom(put, told, monkeypatch):
    put("todo/a.yaml")
    looks = []

    def slow(self):
        self.tasks.spool.clock.now += 2.0
        looks.append(self.tasks.spool.clock.now)
        return iter(())

    monkeypatch.setattr(Stillness, "_told", slow)
    for _ in range(200):
        told(AFTER)
    assert len(looks) == 10 and min(b - a for a, b in pairwise(looks)) >= 2.0 * stillness.SHARE


def test_of_many_reasons_some_are_shown_and_the_rest_is_counted(put, told):
    for name in "abcde":
        put(f"waiting/after-no-{name}/{name}.yaml", f"command: x\nafter: no-{name}\n...\n")
    told(0)
    said = told(AFTER)
    assert (len(said), said[-1]) == (5, "  and 2 more; ask with: dsgspool why NAME")


def test_where_very_many_lie_nothing_is_told_that_is_not_known(put, told, monkeypatch):
    """Only counted, done/ could hold what a task waits for, and it would be called nowhere."""
    monkeypatch.setattr(counting, "MANY", 2)
    for name in "pqrs":
        put(f"done/{name}.yaml")
    put("todo/a.yaml", "command: x\nafter: p\n...\n")
    told(0)
    monkeypatch.setattr(stillness, "MOST", 3)
    assert told(AFTER) == [
        "1 left, and none of them runs: no worker is alive (dsgspool worker); ask with: dsgspool why a"
    ]


def test_what_cannot_be_told_ends_no_wait(put, told, monkeypatch):
    def broken(self):
        raise SettingsError(f"{self.tasks.spool.root}/spool.yaml", "no mapping")

    monkeypatch.setattr(Stillness, "_told", broken)
    put("todo/a.yaml")
    told(0)
    (line,) = told(AFTER)
    assert line.startswith("1 left, and none of them runs; why cannot be told: ") and "no mapping" in line


def test_the_last_task_of_a_batch_that_is_to_come_is_told_of(put, told):
    put("batches/s.yaml", "finally: {command: ./merge.sh}\n...\n")
    put("hold/s/1.yaml")
    told(0, "s.finally")
    assert told(AFTER)[1].startswith(
        "  s.finally: it is made when the batch s is over (batches/s.yaml), of which 1 of 1"
    )


def test_wait_prints_it_to_stderr(spool, put, capsys):
    put("todo/a.yaml")
    tasks = Watch.of(Spool(str(spool), clock=Clock()), ())
    with pytest.raises(SystemExit, match="1"):
        finish(tasks.spool, tasks, AFTER + 1)
    printed = capsys.readouterr()
    assert "  a: no worker is alive\n  ask with: dsgspool why a\n" in printed.err and printed.out == ""
