"""What tasks tell of themselves is what they did."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.nemesis.history import Execution
from tests.nemesis.proof import Proof, missing, now
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "gcc is there")
WORKER = "n1-aaaaaaaa"


class Task:
    """Starts the program as a worker would."""

    def __init__(self, folder: Path) -> None:
        self.proof = Proof(folder)

    def start(self, word: str, *, task: str = "b/x", attempt: int = 1) -> subprocess.Popen[bytes]:
        env = {"DSGSPOOL_TASK": task, "DSGSPOOL_ATTEMPT": str(attempt), "DSGSPOOL_WORKER": WORKER}
        return subprocess.Popen([self.proof.program, word], env=env)

    def runs(self) -> list[Execution]:
        return self.proof.executions(lambda _worker: 0.0)


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return Task(tmp_path / "proof")


def test_a_run_tells_start_end_and_text_on_the_clock_of_its_boot(task: Task) -> None:
    before = now()
    assert task.start("150:0:0:0:id-1").wait() == 0
    (run,) = task.runs()
    assert (run.task, run.attempt, run.worker, run.id, run.ended) == ("b/x", 1, WORKER, "id-1", True)
    assert before < run.start < run.last - 0.14 < now()
    assert task.proof.boots == {WORKER: Path("/proc/sys/kernel/random/boot_id").read_text().strip()}


def test_a_killed_run_has_signs_of_life_and_no_end(task: Task) -> None:
    process = task.start("60000:0:0:0:id-1")
    wait_until(lambda: [run for run in task.runs() if run.last > run.start], 5)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (run,) = task.runs()
    assert (run.ended, run.failed) == (False, False)


def test_the_first_attempts_fail_when_they_are_told_to_and_later_ones_are_shorter(task: Task) -> None:
    assert task.start("0:0:1:0:id-1").wait() == 1
    assert task.start("60000:0:1:0:id-1", attempt=2).wait() == 0
    assert [(run.failed, run.ended) for run in task.runs()] == [(True, False), (False, True)]


def test_two_processes_of_one_task_at_a_time_are_noticed_and_two_tasks_are_not(task: Task) -> None:
    first = task.start("60000:0:0:0:id-1")
    wait_until(task.runs, 5)
    task.start("0:0:0:0:id-2", task="b/y").wait()
    task.start("0:0:0:0:id-1", attempt=2).wait()
    first.kill()
    first.wait()
    task.start("0:0:0:0:id-1", attempt=3).wait()
    assert [(run.task, run.attempt) for run in task.runs() if run.together] == [("b/x", 2)]


def test_what_a_run_leaves_behind_counts_as_alive(task: Task) -> None:
    assert task.start("0:0:0:1:id-1").wait() == 0
    (ended,) = task.runs()
    wait_until(lambda: task.runs()[0].last > ended.last + 0.1, 5)
    task.start("0:0:0:0:id-1", attempt=2).wait()
    assert [run.together for run in task.runs()] == [False, True]
    left = subprocess.run(["pgrep", "-f", f"^{task.proof.program} "], capture_output=True, text=True, check=True)
    for pid in left.stdout.split():
        os.kill(int(pid), signal.SIGKILL)
