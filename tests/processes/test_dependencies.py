"""Dependencies with real workers: the order holds, whoever is killed when."""

from __future__ import annotations

import itertools
import shutil
import signal
from pathlib import Path

import pytest

from dsgspool import resources
from tests.support.history import History
from tests.support.processes import Workers, kill
from tests.support.spools import CALM, SpoolFolder

PATIENCE = 90.0  #: seconds: what only a leader finds may take a lease, 40 s here, when the one before died at once


def order(history: History) -> list[tuple[str, str]]:
    """(start or end, name) as they happened."""
    lines = [line.split() for line in history.file.read_text().splitlines()]
    return [(line[0], line[1]) for line in lines if line[0] in ("start", "end")]


def test_a_study_runs_in_the_order_that_its_files_say(folder: SpoolFolder, workers: Workers, history: History) -> None:
    folder.configure(CALM)
    folder.drop("report", history.command(), after=["sweep/"])
    for number in range(6):
        folder.drop(f"sweep/{number}", history.command(), after="prep")
    folder.drop("prep", history.command())
    folder.drop("broken", "exit 3")
    folder.drop("never", history.command(), after=["broken", "prep"])
    folder.drop("always", history.command(), after=[{"broken": "any"}, {"prep": "success"}])
    first, second = workers.start("--until-empty"), workers.start("--until-empty")
    assert (first.ends(60), second.ends(60)) == (0, 0)
    sweep = {f"sweep/{number}" for number in range(6)}
    history.assert_each_once({"prep", "report", "always", *sweep})
    told = order(history)
    for name in sweep:
        assert told.index(("end", "prep")) < told.index(("start", name))
        assert told.index(("end", name)) < told.index(("start", "report"))
    assert folder.ls("failed") == ["broken~exit3.yaml", "never~dependency.yaml"]
    assert folder.ls("waiting") == []
    assert folder.record("never")["reason"] == "broken has failed, and `after` wants its success"


def test_the_study_of_the_template_runs(folder: SpoolFolder, workers: Workers) -> None:
    shutil.copytree(Path(resources.spool_template()) / "examples/study", folder / "todo/study")
    workers.run_until_empty(60, slots=2)
    assert folder.done() == {f"study/{name}" for name in ("prep", "odd", "even", "sum", "clean")}
    assert folder.out("study/sum") == "the sum is 500500\n"
    assert not (folder / "../study-files").exists()


@pytest.mark.timeout(400)
def test_workers_that_are_killed_while_they_file_publish_and_wake_lose_no_wake_up(
    folder: SpoolFolder, workers: Workers, history: History
) -> None:
    """A line of ten, each behind the one before; the worker that runs is killed at each second of them.

    A worker may run several of them before it is killed, and then the same task is in the hands of one after the other:
    `max_lost` leaves room for all of them.
    """
    names = [f"line/{number}" for number in range(10)]
    folder.configure(max_lost=len(names))
    for before, name in zip(["", *names], names, strict=False):
        folder.drop(name, history.command(), **({"after": before} if before else {}))
    worker = workers.ready(slots=2)
    for name in names[1::2]:
        workers.wait_until(lambda name=name: history.starts(name), PATIENCE)
        kill(worker.guard, worker.pid, number=signal.SIGKILL)  # somewhere between start, publication and wake-up
        worker = workers.ready(slots=2)
    workers.wait_until(lambda: folder.done() == set(names), PATIENCE)
    history.assert_never_together()
    told = order(history)
    for before, name in itertools.pairwise(names):
        assert told.index(("end", before)) < told.index(("start", name))
    assert folder.ls("waiting") == []
