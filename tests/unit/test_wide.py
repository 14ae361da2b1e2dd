"""The rule: what is done for one of a thousand running commands does not grow with the others; counted, never timed."""

import os
import subprocess

import pytest

from dsgspool import census, proc
from dsgspool.census import Process
from dsgspool.worker.starting import SLICE

COMMANDS = 100
ME = os.getpid()


@pytest.fixture
def asked(monkeypatch):
    """Processes whose environment was read, in order: everyone else's is that of task 7."""
    found = []

    def marker(pid):
        found.append(pid)
        return "wid.7"

    monkeypatch.setattr(proc, "marker", marker)
    return found


def machine(*more):
    """A hundred commands of mine, their leaders from pid 1000 on, and some more processes."""
    leaders = [Process(1000 + number, ME, 1000 + number, 1) for number in range(COMMANDS)]
    return {each.pid: each for each in (*leaders, *more)}, {
        1000 + number: f"wid.{number}" for number in range(COMMANDS)
    }


def test_no_command_is_asked_whether_it_belongs_to_another_one(asked):
    """A look at 1,000 commands that asked each of them about all others took longer than a fence, and killed the worker."""
    table, claims = machine()
    trees = census.trees(table, claims)
    assert asked == []
    assert {leader: [each.pid for each in tree] for leader, tree in trees.items()} == {pid: [pid] for pid in claims}


def test_an_orphan_is_asked_once_and_counts_with_all_below_it(asked):
    orphan, below = Process(5, ME, 5, 10), Process(6, 5, 6, 20)
    trees = census.trees(*machine(orphan, below, Process(7, 1, 7, 1)))
    assert asked == [5]
    assert sorted(each.pid for each in trees[1007]) == [5, 6, 1007]
    assert [each.pid for each in trees[1008]] == [1008]


def test_who_is_signalled_is_found_without_a_look_at_the_whole_machine(monkeypatch):
    """1,000 commands that were stopped at once, by a look at all processes each, took longer than a fence as well."""
    looked, real = [], os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: looked.append(path) or real(path))
    assert census.descendants(ME)[0] == ME
    assert looked[0] == f"/proc/{ME}/task"
    assert "/proc" not in looked


def test_many_slots_are_filled_in_several_turns_with_heartbeats_between(inside, monkeypatch):
    worker = inside(slots=40)
    for number in range(40):
        worker.drop(f"x{number:02d}", "sleep 600")
    launch, beat = worker.worker.attempts.start, worker.worker.lease.beat
    begun, beats = [], []

    def slowly(ready):
        worker.clock.advance(2.0)
        begun.append(ready.held.name.identity)
        launch(ready)

    monkeypatch.setattr(worker.worker.attempts, "start", slowly)
    monkeypatch.setattr(worker.worker.lease, "beat", lambda: beats.append(len(begun)) or beat())
    worker.until(lambda: len(begun) == 40)
    assert SLICE < 2.0
    assert begun == sorted(begun)
    assert max(later - sooner for sooner, later in zip([0, *beats], [*beats, 40], strict=True)) <= 3  # 6 s


def test_who_is_signalled_is_found_where_the_kernel_tells_no_children(monkeypatch):
    """CONFIG_PROC_CHILDREN is no part of every kernel."""
    real = os.path.exists
    monkeypatch.setattr(os.path, "exists", lambda path: "children" not in str(path) and real(path))
    with subprocess.Popen(["sleep", "60"]) as child:
        try:
            assert child.pid in census.descendants(ME)
        finally:
            child.kill()
