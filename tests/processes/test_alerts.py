"""`on_failed` and `on_done`: commands that are told, once, by the worker that publishes."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.support.processes import Workers, is_alive
from tests.support.spools import FAST, SpoolFolder

KNOWN = "$DSGSPOOL_EVENT $DSGSPOOL_TASK $DSGSPOOL_OUTCOME $DSGSPOOL_COUNT"


def told(path: Path) -> list[dict[str, object]]:
    """The events on the standard input of all runs."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def with_alerts(folder: SpoolFolder, settings: dict[str, object] | None = None, **defaults: object) -> None:
    folder.configure(FAST, **(settings or {}), defaults={**FAST["defaults"], **defaults})  # type: ignore[dict-item]


def test_a_failure_is_told_once_with_what_one_needs_to_know(
    folder: SpoolFolder, workers: Workers, tmp_path: Path
) -> None:
    with_alerts(folder, on_failed=f"echo {KNOWN} > {tmp_path}/env; cat >> {tmp_path}/events", on_done="exit 3")
    folder.drop("sweep/x", "echo the reason >&2; exit 7", retries=1)
    worker = workers.run_until_empty()
    assert (tmp_path / "env").read_text() == "failed sweep/x exit7 1\n"
    (event,) = told(tmp_path / "events")
    logs = f"{folder}/logs/sweep/x.2"
    assert event.pop("at")
    assert event == {
        "event": "failed", "task": "sweep/x", "attempt": 2, "outcome": "exit7", "exit_code": 7,
        "reason": "exit code 7: the reason", "file": f"{folder}/failed/sweep/x~exit7.yaml", "record": f"{logs}.yaml",
        "stdout": f"{logs}.out", "stderr": f"{logs}.err",
    }  # fmt: skip
    assert "alert" not in worker.output(), "the first of two attempts was no failure, and nothing was done"


def test_a_task_says_itself_whom_to_tell_and_null_switches_the_spools_off(
    folder: SpoolFolder, workers: Workers, tmp_path: Path
) -> None:
    with_alerts(folder, on_done=f"echo {KNOWN} >> {tmp_path}/all", on_failed=f"echo {KNOWN} >> {tmp_path}/all")
    folder.drop("own", on_done=["/bin/sh", "-c", f"echo {KNOWN} >> {tmp_path}/own"])
    folder.drop("silent", on_done=None)
    folder.drop("loud")
    folder.drop("wrong", nonsense=1)
    folder.drop("waits", after="wrong", on_failed=f"echo {KNOWN} >> {tmp_path}/own")
    workers.run_until_empty()
    assert sorted((tmp_path / "own").read_text().splitlines()) == ["done own done 1", "failed waits dependency 1"]
    assert sorted((tmp_path / "all").read_text().splitlines()) == ["done loud done 1", "failed wrong invalid 1"]


def test_what_happens_while_a_command_runs_goes_into_one_more_run(
    folder: SpoolFolder, workers: Workers, tmp_path: Path
) -> None:
    """Each event stands in exactly one run."""
    wait = f"while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"
    with_alerts(folder, on_failed=f"{wait}; echo $DSGSPOOL_COUNT >> {tmp_path}/runs; cat >> {tmp_path}/events")
    names = [folder.drop(f"t{number:02d}", "false") for number in range(40)]
    worker = workers.start("--until-empty", slots=4)
    workers.wait_until(lambda: len(folder.ls("failed")) == 40, 20)
    worker.lives_on()
    assert worker.process.poll() is None, "it ends only when all is told"
    (tmp_path / "go").touch()
    assert worker.ends() == 0
    first, *rest = map(int, (tmp_path / "runs").read_text().split())
    assert (first + sum(rest), len(rest)) == (40, 1)
    assert Counter(event["task"] for event in told(tmp_path / "events")) == Counter(names)


def test_between_two_runs_lies_the_time_that_the_spool_asks_for_and_the_end_waits_for_none(
    folder: SpoolFolder, workers: Workers, tmp_path: Path
) -> None:
    with_alerts(folder, {"alert_every": "1h"}, on_done=f"echo $DSGSPOOL_COUNT >> {tmp_path}/runs")
    worker = workers.ready()
    folder.drop("first")
    worker.wait_until((tmp_path / "runs").exists, 10)
    for number in range(3):
        folder.drop(f"later{number}")
    workers.wait_until(lambda: len(folder.ls("done")) == 4)
    worker.lives_on()
    assert (tmp_path / "runs").read_text() == "1\n"
    worker.signal()
    assert worker.ends() == 0
    assert (tmp_path / "runs").read_text() == "1\n3\n"


def test_a_task_that_is_given_up_with_its_dead_worker_is_told_by_whoever_publishes_it(
    folder: SpoolFolder, workers: Workers, tmp_path: Path
) -> None:
    with_alerts(folder, {"max_lost": 1})
    folder.drop("lost", "sleep 60", on_failed=f"echo $DSGSPOOL_EVENT $DSGSPOOL_TASK $DSGSPOOL_FILE >> {tmp_path}/told")
    victim = workers.ready()
    workers.wait_until(lambda: folder.record("lost").get("worker"))
    os.kill(victim.pid, signal.SIGKILL)
    workers.run_until_empty()
    (file,) = folder.ls("failed")
    assert (tmp_path / "told").read_text() == f"failed lost {folder}/failed/{file}\n"


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("echo no route to mail >&2; exit 4", "exit code 4: no route to mail"),
        ("kill -9 $$", "SIGKILL"),
        (["/no/such/mailer"], "No such file or directory"),
    ],
)
def test_a_command_that_fails_is_named_and_costs_the_task_nothing(
    folder: SpoolFolder, workers: Workers, command: object, why: str
) -> None:
    folder.drop("x", on_done=command)
    worker = workers.run_until_empty()
    assert folder.done() == {"x"}
    assert "on_done (1 event)" in worker.output() and why in worker.output()


def test_what_a_command_leaves_in_a_session_of_its_own_is_gone_when_the_worker_has_ended(
    folder: SpoolFolder, workers: Workers, tmp_path: Path
) -> None:
    pid = tmp_path / "pid"
    folder.drop("x", on_done=f"setsid sh -c 'echo $$ > {pid}; sleep 600' & while [ ! -s {pid} ]; do sleep 0.02; done")
    workers.run_until_empty()
    assert not is_alive(int(pid.read_text()))


def test_a_worker_that_is_told_to_stop_at_once_leaves_no_command_and_says_what_was_not_told(
    folder: SpoolFolder, workers: Workers, tmp_path: Path
) -> None:
    folder.drop("x", on_done=f"echo $$ > {tmp_path}/pid; sleep 600 & sleep 600")
    worker = workers.ready()
    pid = int(worker.wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), 10))
    worker.signal()
    worker.says("draining")
    worker.lives_on()
    assert is_alive(pid)
    worker.signal()
    assert worker.ends() == 0
    assert not is_alive(pid)
    assert "1 alerts were cut off" in worker.output()
