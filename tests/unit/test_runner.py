"""The rule: an attempt ends only when all its processes are gone, and it takes none of another's with it."""

import os

import pytest

from dsgspool import census, proc
from dsgspool.accounts import Account
from dsgspool.clock import ServerClock
from dsgspool.names import Claim, TaskName
from dsgspool.proc import Exit
from dsgspool.spool.own import Held
from dsgspool.worker.attempt import Attempt
from dsgspool.worker.leftovers import clear, look
from dsgspool.worker.runner import Runner

WID = "n1-aaaaaaaa"
MINE, OTHER, ENDED, HELPER, CHILD = 100, 200, 250, 260, 300
CLAIMS = {f"{WID}.1": MINE, f"{WID}.2": OTHER, f"{WID}.3": ENDED}


@pytest.fixture
def runner(world):
    runner = Runner(world.spool, WID, ServerClock(world.clock))
    yield runner
    os.close(runner._nothing)


@pytest.fixture
def attempt():
    """It has ended; its pid was MINE."""
    held = Held(TaskName("x", claim=Claim(WID, 1)))
    return Attempt(held, 1, -1, pid=MINE, exit=Exit(MINE, 0, None, 0.0))


@pytest.fixture
def processes(monkeypatch):
    """My children: pid -> (session, claim, parent if not me); the dead go.  Gives what was killed, each alone."""
    table, killed = {}, []

    def send(pids, _number):
        for pid in pids:
            killed.append(pid)
            table.pop(pid)

    def parent(pid):
        return (*table[pid], os.getpid())[2]

    monkeypatch.setattr(proc, "children", lambda: [pid for pid in table if parent(pid) == os.getpid()])
    monkeypatch.setattr(proc, "session", lambda pid: table[pid][0])
    monkeypatch.setattr(proc, "marker", lambda pid: table[pid][1])
    monkeypatch.setattr(proc, "group", {CHILD: 0, CHILD + 1: 0}.__getitem__)
    monkeypatch.setattr(
        census, "table", lambda: {pid: census.Process(pid, parent(pid), table[pid][0], 0) for pid in table}
    )
    monkeypatch.setattr(proc, "send", send)
    return table, killed


@pytest.mark.parametrize("child", [(MINE, ""), (CHILD, f"{WID}.1")], ids=["in its session", "with its claim"])
def test_what_it_left_is_killed_and_then_nothing_is_left(attempt, processes, child):
    table, killed = processes
    table[CHILD] = child
    assert not clear(attempt, look({OTHER}, CLAIMS), 0.0)
    assert killed == [CHILD]
    assert clear(attempt, look({OTHER}, CLAIMS), 0.0)


def test_what_is_below_what_it_left_is_killed_too(attempt, processes):
    table, killed = processes
    table.update({CHILD: (MINE, ""), CHILD + 1: (CHILD + 1, "", CHILD), OTHER: (OTHER, f"{WID}.2")})
    clear(attempt, look({OTHER}, CLAIMS), 0.0)
    assert sorted(killed) == [CHILD, CHILD + 1]
    assert attempt.leftovers == {CHILD, CHILD + 1}


def test_groups_of_what_it_left_are_killed_whole_and_first(attempt, processes, monkeypatch):
    """A fork bomb outruns one signal after another."""
    table, killed = processes
    table[CHILD] = (MINE, "")
    monkeypatch.setattr(proc, "group", {CHILD: MINE}.__getitem__)
    monkeypatch.setattr(proc, "send_group", lambda group, _number: killed.append(("group", group)))
    clear(attempt, look({OTHER}, CLAIMS), 0.0)
    assert killed == [("group", MINE), CHILD]


def test_a_child_that_says_not_whose_it_is_is_looked_at_twice(attempt, processes):
    """A process in the middle of exec shows no environment: at the second look it may say that it is another's."""
    table, killed = processes
    table[CHILD] = (CHILD, "")
    assert not clear(attempt, look({OTHER}, CLAIMS), 0.0)
    assert killed == []
    table[CHILD] = (CHILD, f"{WID}.2")
    assert clear(attempt, look({OTHER}, CLAIMS), 0.0)
    table[CHILD] = (CHILD, "")
    clear(attempt, look({OTHER}, CLAIMS), 0.0)
    clear(attempt, look({OTHER}, CLAIMS), 0.0)
    assert killed == [CHILD]


def test_children_of_other_commands_are_spared(attempt, processes):
    table, killed = processes
    table.update({OTHER: (OTHER, f"{WID}.2"), CHILD: (OTHER, ""), HELPER: (HELPER, ""), CHILD + 1: (HELPER, "")})
    for _ in range(3):
        assert clear(attempt, look({OTHER, HELPER}, CLAIMS), 0.0)
    assert killed == []


@pytest.mark.parametrize("child", [(ENDED, ""), (CHILD, f"{WID}.3")], ids=["in its session", "with its claim"])
def test_what_another_ended_command_left_is_its_own(attempt, processes, child):
    """It may have its grace."""
    table, killed = processes
    table[CHILD] = child
    for _ in range(3):
        assert clear(attempt, look({OTHER}, CLAIMS), 0.0)
    assert killed == []


def test_a_log_that_is_given_to_a_user_is_a_new_file(runner, attempt, world, monkeypatch):
    """Who may move files into logs/ would else be given whatever lay there."""
    monkeypatch.setattr(runner.fs, "give", lambda *_: pytest.fail("it was given away"))
    attempt.user = Account(4711, 4711, [4711], "ann", "/")
    for name in ("x.1.out", "x.1.err"):
        with open(f"{world.root}/logs/{name}", "w"):
            pass
        with pytest.raises(FileExistsError):
            runner.launch(attempt)
        os.unlink(f"{world.root}/logs/{name}")
