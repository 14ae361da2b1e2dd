"""Real workers on nodes that are not always to be had."""

from __future__ import annotations

import datetime
import os

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
    folder.drop("a", gate.wait)
    worker = workers.ready("--until-empty", slots=1)
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


def test_a_worker_whose_node_is_in_use_leaves_tasks_to_others_until_it_is_told(
    folder: SpoolFolder, workers: Workers
) -> None:
    """Others' processes take some CPU always: this very test does."""
    folder.configure(nodes={"*": {"only_when_idle": {"load": 0, "users": False}}})
    worker = workers.ready()
    worker.says("only_when_idle: others' load is above 0")
    folder.drop("x")
    worker.lives_on()
    assert folder.ls("todo") == ["x.yaml"]
    folder.overwrite(f"workers/{worker.wid}.control.yaml", "only_when_idle: {load: 100000, users: false}\n")
    workers.wait_until(lambda: folder.done() == {"x"})


def test_typing_on_a_terminal_keeps_tasks_away(folder: SpoolFolder, workers: Workers) -> None:
    ours, theirs = os.openpty()
    try:
        os.write(ours, b"x\n")
        os.read(theirs, 9)
        folder.configure(nodes={"*": {"only_when_idle": {"load": None}}})
        folder.drop("x")
        worker = workers.ready()
        worker.says("takes tasks again when that is over (only_when_idle: somebody ")
        worker.lives_on()
        assert folder.ls("todo") == ["x.yaml"]
        folder.configure()
        workers.wait_until(lambda: folder.done() == {"x"})
    finally:
        os.close(ours)
        os.close(theirs)
