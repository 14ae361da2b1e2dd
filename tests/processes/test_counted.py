"""Resources that are counted for the whole spool, with real workers: never too many, most of the time all, none is lost."""

from __future__ import annotations

import os
from itertools import pairwise

import pytest

from dsgspool.spool import Spool
from dsgspool.spool.taken import Taken
from tests.support.history import History
from tests.support.processes import Gate, Workers, kill
from tests.support.spools import CALM, FAST, SpoolFolder

LICENCES = 3


def in_use(folder: SpoolFolder, names: set[str]) -> list[float]:
    """Seconds in which none, one, two ... of the tasks ran, by the moments that each of them wrote."""
    events: list[tuple[float, int]] = []
    for name in names:
        begun, ended = map(float, folder.out(name).split())
        events += [(begun, 1), (ended, -1)]
    seconds, now = [0.0] * (len(names) + 1), 0
    for (moment, step), (then, _) in pairwise(sorted(events)):
        now += step
        seconds[now] += then - moment
    return seconds


def stamped(body: str) -> str:
    """A command that writes when it began and when it ended."""
    return f"date +%s.%N; {body}; date +%s.%N"


@pytest.mark.load
def test_four_workers_never_have_more_than_there_is_and_most_of_the_time_all_of_it(
    folder: SpoolFolder, workers: Workers
) -> None:
    folder.configure(CALM, resources={"licence": LICENCES})
    names = {folder.drop(f"{number:03d}", stamped("sleep 0.25"), resources={"licence": 1}) for number in range(200)}
    (folder / "PAUSE").touch()
    started = [workers.ready("--until-empty", slots=4) for _ in range(4)]
    (folder / "PAUSE").unlink()
    assert [worker.ends(120) for worker in started] == [0] * 4
    assert folder.done() == names
    seconds = in_use(folder, names)
    print("seconds with 0, 1, 2, 3 in use:", [round(each, 2) for each in seconds[:5]])
    assert sum(seconds[LICENCES + 1 :]) == 0
    assert seconds[LICENCES] > sum(seconds) / 2
    assert folder.ls("taken") == []


@pytest.mark.parametrize("both", [False, True])
def test_what_a_killed_worker_had_comes_back_and_only_then_others_begin(
    both: bool, folder: SpoolFolder, workers: Workers, history: History
) -> None:
    folder.configure(FAST, resources={"licence": 1})
    first = workers.ready(slots=1)
    body = '[ "$DSGSPOOL_ATTEMPT" -gt 1 ] || sleep 60'
    folder.drop("x", history.command(body), resources={"licence": 1})
    workers.wait_until(lambda: history.pid("x"))
    second = workers.ready()
    folder.drop("y", history.command("true"), resources={"licence": 1})
    second.lives_on(6)
    assert (len(folder.ls("taken")), folder.has_begun("y")) == (1, False)
    kill(*([first.guard, first.pid] if both else [first.pid]))
    workers.wait_until(lambda: folder.done() == {"x", "y"}, 20)
    history.assert_never_together()
    assert folder.ls("taken") == []


def test_what_a_partitioned_worker_has_stays_its_own_until_it_is_proven_dead(
    folder: SpoolFolder, workers: Workers
) -> None:
    """A worker of another machine that is silent: only the lease tells."""
    from tests.processes.test_crash import GHOST, leave_ghost

    folder.configure(FAST, resources={"licence": 2})
    leave_ghost(folder, tombstone=False)
    (folder / f"taken/licence=2@{GHOST}.1").touch()
    worker = workers.ready()
    folder.drop("x", resources={"licence": 1})
    worker.lives_on(20)
    assert not folder.has_begun("x")
    workers.wait_until(lambda: folder.done() == {"x"}, 20)
    assert (folder / f"workers/{GHOST}.fenced").exists()
    assert folder.ls("taken") == []


def test_a_lower_limit_stops_nothing_and_a_higher_one_lets_more_begin(
    folder: SpoolFolder, workers: Workers, gate: Gate
) -> None:
    folder.configure(FAST, resources={"licence": 2})
    worker = workers.ready(slots=4)
    names = {folder.drop(name, gate.wait, resources={"licence": 1}) for name in "abc"}
    workers.wait_until(lambda: len(folder.ls("taken")) == 2)
    folder.configure(FAST, resources={"licence": 1})
    worker.lives_on(4)
    assert sorted(mark.amount for mark in Taken(Spool.open(str(folder))).marks()) == [1, 1]
    folder.configure(FAST, resources={"licence": 3})
    workers.wait_until(lambda: len(folder.ls("taken")) == 3)
    gate.open()
    workers.wait_until(lambda: folder.done() == names)
    assert not os.listdir(folder / "taken")
