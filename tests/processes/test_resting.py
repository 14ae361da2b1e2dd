"""Real workers on nodes that are not always to be had."""

from __future__ import annotations

import datetime

from dsgspool.snapshot import take
from dsgspool.spool import Spool
from tests.support.processes import Gate, Workers
from tests.support.spools import SpoolFolder


def later(hours: int = 2) -> str:
    """A window of an hour that begins in so many, in UTC."""
    now = datetime.datetime.now(datetime.UTC)
    return "-".join(f"{now + datetime.timedelta(hours=count):%H:%M}" for count in (hours, hours + 1))


def test_outside_of_its_hours_a_worker_finishes_what_runs_and_takes_nothing_until_it_is_told(
    folder: SpoolFolder, workers: Workers, gate: Gate
) -> None:
    folder.configure(timezone="UTC", nodes={"*": {"run_between": "always"}})
    worker = workers.ready("--until-empty", slots=1)
    folder.drop("a", gate.wait)
    workers.wait_until(lambda: folder.has_begun("a"))
    folder.drop("b")
    folder.configure(timezone="UTC", nodes={"*": {"run_between": later()}})
    worker.says("no new tasks are taken, running ones go on")
    gate.open()
    workers.wait_until(lambda: folder.done() == {"a"})
    worker.lives_on()
    assert folder.ls("todo") and worker.process.poll() is None  # with --until-empty it waits for its hours
    (seen,) = take(Spool.find(str(folder))).alive
    assert seen.rest and seen.rest.key == "run_between"
    folder.overwrite(f"workers/{worker.wid}.control.yaml", "run_between: always\n")
    assert worker.ends() == 0
    assert folder.done() == {"a", "b"}
    assert worker.output().count("no new tasks are taken") == worker.output().count("taking tasks") == 1


def test_a_worker_keeps_to_the_hours_that_it_was_started_with(folder: SpoolFolder, workers: Workers) -> None:
    folder.configure(timezone="UTC")
    folder.drop("x")
    worker = workers.ready("--run-between", later())
    worker.lives_on()
    assert folder.ls("todo") == ["x.yaml"]
    workers.ready("--run-between", "always")
    workers.wait_until(lambda: folder.done() == {"x"})
