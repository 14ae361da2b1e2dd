"""Workers and guards killed with force: nothing is lost, nothing runs twice at the same time."""

from __future__ import annotations

import json
import re
import signal
import time
from pathlib import Path

import pytest

from tests.support.history import History
from tests.support.processes import WorkerProcess, Workers, adopting_orphans, exit_code_of_orphan, is_alive, kill
from tests.support.spools import SpoolFolder
from tests.support.waiting import AT_ONCE

FIRST_HANGS = '[ "$DSGSPOOL_ATTEMPT" -gt 1 ] || sleep 60'
TOKEN = r"[a-z2-7]{8}-[0-9]+"
GHOST = "elsewhere-ghostaaa"


def start_task(folder: SpoolFolder, workers: Workers, history: History, body: str = FIRST_HANGS) -> WorkerProcess:
    """A worker that runs task x."""
    worker = workers.ready(slots=1)
    folder.drop("x", history.command(body))
    workers.wait_until(lambda: history.pid("x"))
    return worker


def leave_ghost(folder: SpoolFolder, *, tombstone: bool) -> None:
    """A worker of another machine, as it stands in workers/."""
    facts = {"worker": GHOST, "host": "elsewhere", "machine_id": "f" * 32, "boot_id": "b", "pid_namespace": "pid:[1]"}
    numbers = {"pid": 1, "start": 1, "guard_pid": 1, "guard_start": 1}
    text = "".join(f"{key}: {json.dumps(value)}\n" for key, value in {**facts, **numbers}.items())
    (folder / f"running/{GHOST}").mkdir()
    for suffix, content in {"lock": "", "yaml": f"{text}...\n", **({"dead": "{}\n"} if tombstone else {})}.items():
        folder.overwrite(f"workers/{GHOST}.{suffix}", content)


def test_tasks_of_a_killed_worker_die_and_another_worker_takes_over_within_3_seconds(
    folder: SpoolFolder, workers: Workers, history: History
) -> None:
    first = start_task(folder, workers, history)
    command = history.pid("x")
    workers.ready()
    kill(first.pid)
    killed = time.monotonic()
    workers.wait_until(lambda: history.starts("x") == 2, 3)
    assert time.monotonic() - killed < AT_ONCE
    assert not is_alive(command)
    assert (folder / f"workers/{first.wid}.dead").exists()
    workers.wait_until(lambda: folder.done() == {"x"})
    history.assert_never_together()


def test_a_loss_is_counted_in_the_name(folder: SpoolFolder, workers: Workers, history: History) -> None:
    first = start_task(folder, workers, history)
    workers.ready()
    kill(first.pid)
    workers.wait_until(lambda: folder.done() == {"x"})
    assert re.fullmatch(rf"x~0l1\.{TOKEN}\.yaml", str(folder.record("x", 2)["file"]))


def test_a_task_that_was_lost_too_often_goes_to_failed(folder: SpoolFolder, workers: Workers, history: History) -> None:
    folder.configure(max_lost=2)
    everyone = [workers.ready(slots=1) for _ in range(3)]
    folder.drop("x", history.command("sleep 60"))
    for attempt in (1, 2):
        wid = workers.wait_until(lambda n=attempt: folder.has_begun("x", n) and folder.record("x", n).get("worker"))
        kill(next(worker.pid for worker in everyone if worker.wid == wid))
    workers.wait_until(lambda: folder.ls("failed"))
    assert re.fullmatch(rf"x~lost\.{TOKEN}\.yaml", folder.ls("failed")[0])
    history.assert_never_together()


def test_a_worker_without_its_guard_kills_gives_back_uncounted_and_ends_with_an_error(
    folder: SpoolFolder, workers: Workers, history: History
) -> None:
    with adopting_orphans():
        worker = start_task(folder, workers, history)
        pid, command = worker.pid, history.pid("x")
        kill(worker.guard)
        assert exit_code_of_orphan(pid, 5) == 1
    assert not is_alive(command)
    assert folder.outcome("x") == "stopped"
    assert re.fullmatch(rf"x~0\.{TOKEN}\.yaml", folder.ls("todo")[0])


def test_what_a_dead_guard_and_worker_left_is_killed_before_another_takes_over(
    folder: SpoolFolder, workers: Workers, history: History
) -> None:
    first = start_task(folder, workers, history)
    workers.ready()
    pair, command = (first.guard, first.pid), history.pid("x")
    kill(*pair, number=signal.SIGSTOP)
    kill(*pair)
    workers.wait_until(lambda: folder.done() == {"x"})
    assert not is_alive(command)
    history.assert_never_together()


def test_with_default_times_a_neighbour_on_the_machine_has_the_tasks_of_guard_and_worker_within_3_seconds(
    folder: SpoolFolder, workers: Workers, history: History
) -> None:
    folder.overwrite("spool.yaml", "format: 1\n")
    first = start_task(folder, workers, history)
    workers.ready()
    command = history.pid("x")
    kill(first.guard, first.pid)
    killed = time.monotonic()
    workers.wait_until(lambda: history.starts("x") == 2, 3)
    seconds = time.monotonic() - killed
    print(f"guard and worker killed, default times: a neighbour has the task after {seconds:.1f} s")
    assert seconds < AT_ONCE
    assert not is_alive(command)
    workers.wait_until(lambda: folder.done() == {"x"})
    history.assert_never_together()


def test_a_worker_that_stands_still_is_fenced_by_its_guard_which_starts_a_new_one(
    folder: SpoolFolder, workers: Workers, history: History
) -> None:
    worker = start_task(folder, workers, history)
    first, command = worker.wid, history.pid("x")
    kill(worker.pid, number=signal.SIGSTOP)
    workers.wait_until(lambda: folder.done() == {"x"})
    assert not is_alive(command)
    assert worker.wid != first
    assert (folder / f"workers/{first}.dead").exists()
    history.assert_never_together()


@pytest.mark.parametrize(
    ("outcome", "following", "place"),
    [("done", "done", "done/x.yaml"), ("exit3", "failed~exit3", "failed/x~exit3.yaml")],
)
def test_an_attempt_that_ended_before_the_crash_is_published_and_never_run_again(
    outcome: str, following: str, place: str, folder: SpoolFolder, workers: Workers, history: History
) -> None:
    leave_ghost(folder, tombstone=True)
    end = f"ended: 2026-11-21T00:00:00.000Z\noutcome: {outcome}\nnext: {following}\n...\n"
    folder.overwrite("logs/x.1.yaml", f"format: 1\ntask: x\nattempt: 1\nworker: {GHOST}\nclaim: {GHOST}.1\n{end}")
    folder.drop(f"x@{GHOST}.1", history.command(), state=f"running/{GHOST}")
    workers.run_until_empty()
    assert folder.where("x") == [place]
    assert not history.starts("x")


def test_a_claim_whose_attempt_never_began_is_given_back_uncounted(
    folder: SpoolFolder, workers: Workers, history: History
) -> None:
    leave_ghost(folder, tombstone=True)
    folder.drop(f"batch%x@{GHOST}.1", history.command(), state=f"running/{GHOST}")
    workers.run_until_empty()
    history.assert_each_once({"batch/x"})
    assert str(folder.record("batch/x")["file"]).startswith("x~settling.")


def test_a_worker_that_began_since_the_last_listing_counts_as_alive(
    folder: SpoolFolder, workers: Workers, history: History
) -> None:
    worker = workers.ready()
    worker.lives_on()
    leave_ghost(folder, tombstone=False)
    folder.overwrite("logs/x.1.yaml", f"format: 1\ntask: x\nworker: {GHOST}\nclaim: {GHOST}.1\n")
    folder.drop(f"x@{GHOST}.1", history.command(), state=f"running/{GHOST}")
    folder.drop("x", history.command())
    workers.wait_until(lambda: folder.ls("waiting"))
    assert folder.ls(f"running/{GHOST}") == [f"x@{GHOST}.1.yaml"]
    assert not history.starts("x")


def test_a_worker_of_another_machine_is_dead_when_its_heartbeat_stays_away_for_the_lease(
    folder: SpoolFolder, workers: Workers, history: History
) -> None:
    folder.configure(fence="700ms", kill="200ms", lease="1.6s")
    leave_ghost(folder, tombstone=False)
    folder.drop(f"x@{GHOST}.1", history.command(), state=f"running/{GHOST}")
    workers.run_until_empty()
    history.assert_each_once({"x"})
    assert (folder / f"workers/{GHOST}.fenced").exists()


def test_what_a_command_left_behind_is_dead_before_it_is_published(
    folder: SpoolFolder, workers: Workers, tmp_path: Path
) -> None:
    file = tmp_path / "pids"
    child = f"setsid sh -c 'echo $$ >> {file}; exec sleep 60' &"
    workers.ready()
    folder.drop("x", f"touch {file}\n{child}\n({child}) &\nwhile [ $(wc -l < {file}) -lt 2 ]; do sleep 0.01; done")
    workers.wait_until(lambda: folder.done() == {"x"})
    pids = [int(pid) for pid in file.read_text().split()]
    assert [is_alive(pid) for pid in pids] == [False, False]
    assert int(str(folder.record("x")["leftovers"])) >= 2


def test_what_one_command_leaves_behind_costs_no_other_command_its_children(
    folder: SpoolFolder, workers: Workers, tmp_path: Path
) -> None:
    file = tmp_path / "pid"
    worker = workers.ready(slots=2)
    # Its background process is an orphan, and its environment says nothing of the task.
    folder.drop("long", f"(env -i sh -c 'echo $$ > {file}; exec sleep 60' &)\nsleep 60")
    workers.wait_until(lambda: file.exists() and file.read_text())
    folder.drop("short", "true")
    worker.wait_until(lambda: folder.done() == {"short"}, 10)
    assert is_alive(int(file.read_text()))
