"""What people do with ls, mv, cp and rm while workers run: every row of the table in docs/spool-format.md."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.support.history import History
from tests.support.processes import Gate, WorkerProcess, Workers, is_alive
from tests.support.spools import SpoolFolder

TOKEN = r"[a-z2-7]{8}-[0-9]+"
FIRST_HANGS = '[ "$DSGSPOOL_ATTEMPT" -gt 1 ] || sleep 60'


def running_x(
    folder: SpoolFolder, workers: Workers, history: History, body: str = FIRST_HANGS, slots: int = 1
) -> WorkerProcess:
    """A worker that runs task x."""
    worker = workers.ready(slots=slots)
    folder.drop("x", history.command(body))
    workers.wait_until(lambda: history.pid("x"))
    return worker


def test_todo_to_hold_parks_a_task_and_hold_to_todo_lets_it_go_on(folder: SpoolFolder, workers: Workers) -> None:
    folder.drop("x")
    folder.mv("todo/x.yaml", "hold/")
    workers.run_until_empty()
    assert folder.states() == {"hold": ["x.yaml"]}
    folder.mv("hold/x.yaml", "todo/")
    workers.run_until_empty()
    assert folder.states() == {"done": ["x.yaml"]}


def test_failed_to_todo_runs_it_again_with_a_fresh_budget(folder: SpoolFolder, workers: Workers) -> None:
    folder.drop("x", "exit 7", retries=1)
    for attempts in (2, 4):
        workers.run_until_empty()
        assert folder.ls("failed") == ["x~exit7.yaml"]
        assert [folder.outcome("x", n) for n in range(1, 6)] == ["exit7"] * attempts + [None] * (5 - attempts)
        folder.mv("failed/x~exit7.yaml", "todo/")


def test_done_to_todo_runs_it_again_in_its_batch(folder: SpoolFolder, workers: Workers) -> None:
    folder.drop("batch/x", "echo $DSGSPOOL_ATTEMPT")
    workers.run_until_empty()
    folder.mv("done/batch/x.yaml", "todo/batch/x.yaml")
    workers.run_until_empty()
    assert folder.states() == {"done": ["batch/x.yaml"]}
    assert folder.out("batch/x", 2) == "2\n"


def test_rm_in_todo_forgets_a_task(folder: SpoolFolder, workers: Workers) -> None:
    folder.drop("x")
    (folder / "todo/x.yaml").unlink()
    workers.run_until_empty()
    assert not folder.states()
    assert not folder.ls("logs")


def test_running_to_todo_stops_it_and_queues_it_again(folder: SpoolFolder, workers: Workers, history: History) -> None:
    running_x(folder, workers, history)
    command = history.pid("x")
    folder.mv(folder.running("x"), "todo/")
    workers.wait_until(lambda: folder.done() == {"x"})
    assert not is_alive(command)
    assert folder.outcome("x") == "revoked"
    assert re.fullmatch(rf"x~0\.{TOKEN}\.yaml", str(folder.record("x", 2)["file"]))
    history.assert_never_together()


@pytest.mark.parametrize(("state", "tag"), [("hold", "0"), ("failed", "cancelled")])
def test_running_to_hold_parks_it_and_running_to_failed_cancels_it(
    state: str, tag: str, folder: SpoolFolder, workers: Workers, history: History
) -> None:
    running_x(folder, workers, history)
    command = history.pid("x")
    folder.mv(folder.running("x"), f"{state}/")
    workers.wait_until(lambda: re.fullmatch(rf"x~{tag}\.{TOKEN}\.yaml", "".join(folder.ls(state))))
    assert not is_alive(command)
    assert folder.outcome("x") == "revoked"
    assert list(folder.states()) == [state]


def test_a_task_of_a_batch_keeps_its_batch_when_it_is_moved_out_of_running(
    folder: SpoolFolder, workers: Workers, history: History
) -> None:
    workers.ready(slots=1)
    folder.drop("sweep/x", history.command(FIRST_HANGS))
    workers.wait_until(lambda: history.pid("sweep/x"))
    folder.mv(folder.running("sweep/x"), "hold/")
    workers.wait_until(lambda: re.fullmatch(rf"sweep/x~0\.{TOKEN}\.yaml", "".join(folder.ls("hold"))))


def test_rm_in_running_cancels_and_forgets_it(folder: SpoolFolder, workers: Workers, history: History) -> None:
    running_x(folder, workers, history)
    command = history.pid("x")
    (folder / folder.running("x")).unlink()
    workers.wait_until(lambda: folder.outcome("x") == "revoked")
    assert not is_alive(command)
    assert not folder.states()


def test_a_cancelled_command_that_ignores_term_is_killed(
    folder: SpoolFolder, workers: Workers, history: History
) -> None:
    running_x(folder, workers, history, "trap '' TERM\nsleep 60 & wait; sleep 60")
    command = history.pid("x")
    (folder / folder.running("x")).unlink()
    workers.wait_until(lambda: not is_alive(command), 4)


def test_a_file_put_into_a_workers_folder_runs_there(folder: SpoolFolder, workers: Workers) -> None:
    chosen, _ = workers.ready(), workers.ready()
    for n in range(3):
        folder.drop(f"x{n}", state=f"running/{chosen.wid}")
    workers.wait_until(lambda: len(folder.done()) == 3)
    assert {folder.record(f"x{n}")["worker"] for n in range(3)} == {chosen.wid}


@pytest.mark.parametrize("slots", [1, 2])
def test_the_copy_of_a_running_task_is_parked_and_the_task_runs_on(
    slots: int, folder: SpoolFolder, workers: Workers, history: History, gate: Gate
) -> None:
    folder.configure(poll_min="1s", poll_max="1s")
    running_x(folder, workers, history, gate.wait, slots)
    shutil.copy(folder / folder.running("x"), folder / "todo")
    gate.open()
    workers.wait_until(lambda: folder.done() == {"x"})
    workers.wait_until(lambda: re.fullmatch(rf"x~duplicate\.{TOKEN}\.yaml", "".join(folder.ls("hold"))))
    history.assert_each_once({"x"})


def test_mv_of_a_batch_folder_pauses_and_resumes_the_batch(
    folder: SpoolFolder, workers: Workers, history: History, gate: Gate
) -> None:
    worker = workers.ready(slots=1)
    names = {folder.drop(f"sweep/{n:02d}", history.command(gate.wait), retries=1) for n in range(9)}
    workers.wait_until(lambda: history.lines("start"))
    folder.mv("todo/sweep", "hold/sweep")
    gate.open()
    workers.wait_until(lambda: len(folder.done()) == 1)
    worker.lives_on()
    assert len(folder.ls("hold")) == 8
    folder.mv("hold/sweep", "todo/sweep")
    workers.wait_until(lambda: folder.done() == names)
    history.assert_each_once(names)


def test_what_a_parked_batch_gets_back_is_parked_too(folder: SpoolFolder, workers: Workers, gate: Gate) -> None:
    workers.ready(slots=1)
    for name in ("sweep/a", "sweep/b"):
        folder.drop(name, f"{gate.wait}; exit 1", retries=3)
    workers.wait_until(lambda: folder.has_begun("sweep/a") or folder.has_begun("sweep/b"))
    folder.mv("todo/sweep", "hold/sweep")
    gate.open()
    workers.wait_until(lambda: any("~1." in path for path in folder.ls("hold")))
    assert list(folder.states()) == ["hold"]


def test_mv_of_a_finished_batch_runs_it_again(folder: SpoolFolder, workers: Workers, history: History) -> None:
    names = {folder.drop(f"sweep/{n}", history.command()) for n in range(5)}
    for _ in range(2):
        workers.run_until_empty()
        assert folder.done() == names
        shutil.rmtree(folder / "todo/sweep", ignore_errors=True)
        folder.mv("done/sweep", "todo/sweep")
    assert [history.starts(name) for name in sorted(names)] == [2] * 5


def test_mv_into_a_priority_lane_makes_a_task_the_next(folder: SpoolFolder, workers: Workers, history: History) -> None:
    for name in "abcd":
        folder.drop(name, history.command())
    (folder / "todo/@p10").mkdir()
    (folder / "todo/@p-5").mkdir()
    folder.mv("todo/c.yaml", "todo/@p10/")
    folder.mv("todo/a.yaml", "todo/@p-5/")
    workers.run_until_empty(slots=1)
    assert [line[0] for line in history.lines("start")] == ["c", "b", "d", "a"]


def test_touch_pause_stops_every_worker_and_rm_pause_lets_them_go_on(
    folder: SpoolFolder, workers: Workers, history: History
) -> None:
    both = [workers.ready(), workers.ready()]
    (folder / "PAUSE").touch()
    folder.drop("x", history.command())
    for worker in both:
        worker.lives_on()
    assert folder.states() == {"todo": ["x.yaml"]}
    (folder / "PAUSE").unlink()
    workers.wait_until(lambda: folder.done() == {"x"})


def test_a_second_file_of_a_name_waits_until_the_first_is_over(
    folder: SpoolFolder, workers: Workers, history: History, gate: Gate
) -> None:
    for _ in range(2):
        workers.ready(slots=2)
    for _ in range(2):
        folder.drop("x", history.command(gate.wait))
        workers.wait_until(lambda: not folder.ls("todo"))
    workers.wait_until(lambda: folder.ls("waiting"))
    gate.open()
    workers.wait_until(lambda: folder.done() == {"x"})
    folder.mv(f"waiting/{folder.ls('waiting')[0]}", "todo/")
    workers.wait_until(lambda: folder.outcome("x", 2) == "done")
    history.assert_never_together()


def test_a_file_edited_while_it_runs_is_parked_with_its_new_text(
    folder: SpoolFolder, workers: Workers, history: History, gate: Gate
) -> None:
    running_x(folder, workers, history, gate.wait)
    held = Path(folder / folder.running("x"))
    held.write_text("command: echo new\n")
    gate.open()
    workers.wait_until(lambda: re.fullmatch(rf"x~changed\.{TOKEN}\.yaml", "".join(folder.ls("hold"))))
    assert (folder / "hold" / folder.ls("hold")[0]).read_text() == "command: echo new\n"
    assert folder.outcome("x") == "done"


def test_a_running_file_moved_to_another_workers_folder_runs_there_after_it_was_stopped(
    folder: SpoolFolder, workers: Workers, history: History
) -> None:
    running_x(folder, workers, history)
    other = workers.ready()
    folder.mv(folder.running("x"), f"running/{other.wid}/")
    workers.wait_until(lambda: folder.done() == {"x"})
    assert folder.record("x", 2)["worker"] == other.wid
    history.assert_never_together()
