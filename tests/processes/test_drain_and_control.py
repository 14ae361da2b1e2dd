"""Ending and steering a worker: signals, the control file, --until-empty."""

from __future__ import annotations

import datetime
import re
import signal

import pytest

from tests.support.history import History
from tests.support.processes import Gate, WorkerProcess, Workers
from tests.support.spools import SpoolFolder

TOKEN = r"[a-z2-7]{8}-[0-9]+"


def gated(folder: SpoolFolder, workers: Workers, history: History, gate: Gate, *names: str) -> WorkerProcess:
    """A worker with one slot that runs the first task; the others queue."""
    worker = workers.ready(slots=1)
    for name in names:
        folder.drop(name, history.command(gate.wait))
        workers.wait_until(lambda: history.lines("start"))
    return worker


def control(folder: SpoolFolder, worker: WorkerProcess, text: str) -> None:
    folder.overwrite(f"workers/{worker.wid}.control.yaml", text)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_what_runs_is_finished_and_nothing_is_taken(
    number: int, folder: SpoolFolder, workers: Workers, history: History, gate: Gate
) -> None:
    worker = gated(folder, workers, history, gate, "a", "b")
    worker.signal(number)
    worker.says("draining")
    gate.open()
    assert worker.ends() == 0
    assert folder.states() == {"done": ["a.yaml"], "todo": ["b.yaml"]}
    history.assert_each_once({"a"})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_stops_what_runs_and_gives_it_back_uncounted(
    number: int, folder: SpoolFolder, workers: Workers, history: History, gate: Gate
) -> None:
    worker = gated(folder, workers, history, gate, "a")
    worker.signal(number)
    worker.says("draining")
    worker.signal(number)
    assert worker.ends() == 0
    assert re.fullmatch(rf"a~0\.{TOKEN}\.yaml", "".join(folder.ls("todo")))
    assert folder.outcome("a") == "stopped"
    assert not (folder / f"running/{worker.wids()[0]}").exists()


def test_stop_grace_ends_a_drain_that_takes_too_long(
    folder: SpoolFolder, workers: Workers, history: History, gate: Gate
) -> None:
    folder.configure(stop_grace="400ms")
    worker = gated(folder, workers, history, gate, "a")
    worker.signal()
    assert worker.ends(8) == 0
    assert folder.outcome("a") == "stopped"


def test_slots_can_be_changed_while_it_runs(
    folder: SpoolFolder, workers: Workers, history: History, gate: Gate
) -> None:
    worker = gated(folder, workers, history, gate, "a", "b", "c")
    control(folder, worker, "slots: 2\n")
    workers.wait_until(lambda: len(history.lines("start")) == 2)
    worker.lives_on()
    assert len(folder.ls("todo")) == 1
    control(folder, worker, "slots: 3\n")
    workers.wait_until(lambda: len(history.lines("start")) == 3)


def test_a_wide_task_that_no_longer_fits_after_slots_were_taken_away_blocks_nobody(
    folder: SpoolFolder, workers: Workers, history: History, gate: Gate
) -> None:
    worker = workers.ready(slots=3)
    folder.drop("a", history.command(gate.wait))
    workers.wait_until(lambda: history.lines("start"))
    folder.drop("wide", "true", cpus=3)
    workers.wait_until(lambda: folder.running("wide"))
    control(folder, worker, "slots: 2\n")
    folder.drop("b", history.command())
    workers.wait_until(lambda: folder.done() == {"b"})
    assert folder.ls("todo")[0].startswith("@cpus3/wide~0.")


def test_a_file_put_into_the_folder_of_a_draining_worker_is_given_back(
    folder: SpoolFolder, workers: Workers, history: History, gate: Gate
) -> None:
    worker = gated(folder, workers, history, gate, "a")
    worker.signal()
    worker.says("draining")
    folder.drop("gift", history.command(), state=f"running/{worker.wid}")
    workers.wait_until(lambda: folder.ls("todo"))
    gate.open()
    assert worker.ends() == 0
    assert re.fullmatch(rf"gift~0\.{TOKEN}\.yaml", "".join(folder.ls("todo")))
    history.assert_each_once({"a"})


def test_a_worker_can_be_paused_and_set_going_again(folder: SpoolFolder, workers: Workers, history: History) -> None:
    worker = workers.ready()
    control(folder, worker, "paused: true\n")
    worker.says("slots, paused")
    folder.drop("x", history.command())
    worker.lives_on()
    assert folder.states() == {"todo": ["x.yaml"]}
    (folder / f"workers/{worker.wid}.control.yaml").unlink()
    workers.wait_until(lambda: folder.done() == {"x"})


def test_a_worker_started_with_paused_waits_for_its_control_file(folder: SpoolFolder, workers: Workers) -> None:
    worker = workers.ready("--paused")
    folder.drop("x")
    worker.lives_on()
    assert folder.ls("todo") == ["x.yaml"]
    control(folder, worker, "paused: false\n")
    workers.wait_until(lambda: folder.done() == {"x"})


def test_the_control_file_drains(folder: SpoolFolder, workers: Workers, history: History, gate: Gate) -> None:
    worker = gated(folder, workers, history, gate, "a", "b")
    control(folder, worker, "drain: true\n")
    worker.says("draining")
    gate.open()
    assert worker.ends() == 0
    assert folder.states() == {"done": ["a.yaml"], "todo": ["b.yaml"]}


def test_a_broken_control_file_changes_nothing_and_is_told(folder: SpoolFolder, workers: Workers) -> None:
    worker = workers.ready()
    control(folder, worker, "slots: many\n")
    worker.says("control.yaml, line 1")
    folder.drop("x")
    workers.wait_until(lambda: folder.done() == {"x"})


def test_until_empty_waits_for_a_task_whose_time_has_not_come(folder: SpoolFolder, workers: Workers) -> None:
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=1)
    folder.drop("x", not_before=moment.isoformat())
    workers.run_until_empty()
    assert folder.states() == {"done": ["x.yaml"]}
    assert str(folder.record("x")["started"]) >= moment.isoformat()[:22]


def test_until_empty_waits_for_what_other_workers_run(
    folder: SpoolFolder, workers: Workers, history: History, gate: Gate
) -> None:
    gated(folder, workers, history, gate, "a")
    patient = workers.ready("--until-empty")
    patient.lives_on()
    assert patient.process.poll() is None
    gate.open()
    assert patient.ends() == 0
    assert folder.done() == {"a"}


def test_until_empty_ignores_hold_and_lanes_that_it_cannot_serve(folder: SpoolFolder, workers: Workers) -> None:
    folder.drop("parked", state="hold")
    folder.drop("@gpu/needs-a-gpu")
    folder.drop("@cpus9/wide")
    folder.drop("@p5,cpus9/also-wide")
    folder.drop("x")
    workers.run_until_empty(slots=2)
    assert folder.done() == {"x"}
    assert len(folder.ls("todo")) == 3


def test_a_task_that_waited_for_a_slot_does_not_begin_after_a_pause(
    folder: SpoolFolder, workers: Workers, gate: Gate
) -> None:
    worker = workers.ready(slots=2)
    folder.drop("a", gate.wait)
    workers.wait_until(lambda: folder.has_begun("a"))
    folder.drop("b", "true", cpus=2)
    workers.wait_until(lambda: folder.running("b"))
    (folder / "PAUSE").touch()
    worker.lives_on()
    gate.open()
    workers.wait_until(lambda: folder.done() == {"a"} and folder.ls("todo"))
    worker.lives_on()
    assert not folder.has_begun("b")
    (folder / "PAUSE").unlink()
    workers.wait_until(lambda: folder.done() == {"a", "b"})


def test_until_empty_does_not_end_while_the_spool_is_paused(folder: SpoolFolder, workers: Workers) -> None:
    (folder / "PAUSE").touch()
    folder.drop("x")
    worker = workers.ready("--until-empty")
    worker.lives_on()
    (folder / "PAUSE").unlink()
    assert worker.ends() == 0
    assert folder.done() == {"x"}


def test_until_empty_ends_at_once_in_an_empty_spool(folder: SpoolFolder, workers: Workers) -> None:
    worker = workers.run_until_empty()
    assert not (folder / f"running/{worker.wids()[0]}").exists()
