"""The ends of batches with real workers: one last task, one word to whoever wants it, whoever is killed when."""

from __future__ import annotations

import json
import os
import shlex
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.history import History
from tests.support.processes import WorkerProcess, Workers, kill
from tests.support.spools import CALM, SpoolFolder


def policy(folder: SpoolFolder, batch: str, command: str, notify: object = None, more: str = "") -> None:
    """A policy with a last task, and with somebody to be told."""
    lines = [
        f"finally:\n  command: {json.dumps(command)}",
        *([f"notify: {json.dumps(notify)}"] if notify else []),
        more,
    ]
    folder.overwrite(f"batches/{batch}.yaml", "\n".join([*lines, "...\n"]))


def telling(path: Path) -> str:
    """A command that writes down what it is told."""
    facts = "$DSGSPOOL_EVENT $DSGSPOOL_BATCH $DSGSPOOL_BATCH_DONE $DSGSPOOL_BATCH_FAILED $DSGSPOOL_COUNT"
    return f'echo "{facts}" >> {shlex.quote(str(path))}; cat >> {shlex.quote(str(path))}.json'


def test_a_batch_with_failures_on_two_workers_ends_with_one_last_task_and_one_word(
    folder: SpoolFolder, workers: Workers, history: History, tmp_path: Path
) -> None:
    folder.configure(CALM)
    says = history.command("echo $DSGSPOOL_BATCH $DSGSPOOL_BATCH_DONE $DSGSPOOL_BATCH_FAILED")
    policy(folder, "s", says, telling(tmp_path / "told"))
    names = [f"s/{number:02d}" for number in range(30)]
    for number, name in enumerate(names):
        folder.drop(
            name,
            history.command(
                f"[ $(({number} % 5)) -gt 0 ] || {{ echo end $DSGSPOOL_TASK 1 >> {history.file}; exit 7; }}"
            ),
        )
    folder.drop("letter", history.command(), after="s.finally")
    started = [workers.start("--until-empty") for _ in range(2)]
    assert [worker.ends(60) for worker in started] == [0, 0]
    history.assert_each_once({*names, "s.finally", "letter"})
    told = [(line.split()[0], line.split()[1]) for line in history.file.read_text().splitlines()]
    assert told.index(("start", "s.finally")) > max(told.index(("end", name)) for name in names)
    assert folder.out("s.finally") == "s 24 6\n"
    assert (tmp_path / "told").read_text() == "over s 24 6 1\n"
    event = json.loads((tmp_path / "told.json").read_text())
    assert (event["event"], event["reason"]) == ("over", "24 done, 6 failed")
    assert folder.ls("batches") == ["s.over/over.json", "s.over/told", "s.yaml"]


@pytest.mark.timeout(300)
def test_a_leader_that_is_killed_at_the_moment_of_making_it_makes_it_no_second_time_and_loses_it_neither(
    folder: SpoolFolder, workers: Workers, history: History, tmp_path: Path
) -> None:
    """Killed before, while and after the folder comes into its place: each batch another moment."""
    batches = [f"s{number}" for number in range(3)]
    told = tmp_path / "told"
    told.touch()
    for batch in batches:
        policy(folder, batch, history.command(), telling(told))
    made_by_then: set[str] = set()
    for number, batch in enumerate(batches):
        first, second = workers.ready(), workers.ready()
        leader = workers.wait_until(lambda pair=(first, second): leading(folder, pair), 60)
        folder.drop(f"{batch}/x", history.command())
        sign = [f"done/{batch}/x.yaml", f"batches/{batch}.over", f"batches/{batch}.over/told"][number]
        while not os.path.exists(folder / sign):  # without a pause: a moment later it would be over
            assert first.process.poll() is None or second.process.poll() is None
        kill(leader.guard, leader.pid, number=signal.SIGKILL)
        if os.path.exists(
            folder / f"batches/{batch}.over/told"
        ):  # the leader was faster, and told it as it died, or not at all
            made_by_then.add(batch)
        workers.wait_until(lambda batch=batch: f"{batch}.finally" in folder.done(), 60)
        other = second if leader is first else first
        other.signal()
        assert other.ends() == 0
    workers.run_until_empty(60)
    history.assert_never_together()
    for name in [f"{batch}{end}" for batch in batches for end in ("/x", ".finally")]:
        outcomes = [folder.outcome(name, attempt) for attempt in range(1, 10)]
        assert [outcome for outcome in outcomes if outcome] == ["done"], (
            f"{name}: its worker may die, no second file comes"
        )
    counted = [line.split()[1] for line in told.read_text().splitlines()]
    assert len(counted) == len(set(counted)), "told at most once"
    assert set(batches) <= {*counted, *made_by_then}, "what was not made yet is told by the next leader"


def leading(folder: SpoolFolder, among: Sequence[WorkerProcess]) -> WorkerProcess | None:
    """The worker that leads, None while that is nobody of these."""
    links = sorted((folder / "workers").glob("janitor.*"), key=lambda path: int(path.suffix[1:]))
    wid = links[-1].read_text().strip() if links else ""
    return next((worker for worker in among if worker.wid == wid), None)


def test_a_breaker_that_trips_is_told_and_the_batch_is_not_over(
    folder: SpoolFolder, workers: Workers, tmp_path: Path
) -> None:
    policy(folder, "s", "true", telling(tmp_path / "told"), "breaker: {of: 4, failures: 2}")
    for number in range(8):  # each takes as long as a worker may take to look again: not all may have run by then
        folder.drop(f"s/{number}", "sleep 0.5; exit 1")
    workers.run_until_empty(30, slots=1)
    assert folder.ls("todo") and not folder.done()
    assert (tmp_path / "told").read_text() == "tripped s   1\n"
    (folder / "batches/s.resumed").touch()
    workers.run_until_empty(30)
    assert folder.done() == {"s.finally"}
    assert (tmp_path / "told").read_text().splitlines()[1:] == ["over s 0 8 1"]


def test_how_it_is_run_again(folder: SpoolFolder, workers: Workers) -> None:
    policy(folder, "s", "echo $DSGSPOOL_BATCH_DONE $DSGSPOOL_BATCH_FAILED")
    folder.drop("s/1", "[ -e $DSGSPOOL_SPOOL/mended ]")
    folder.drop("s/2")
    workers.run_until_empty()
    assert folder.out("s.finally") == "1 1\n"
    (folder / "mended").touch()
    folder.mv("failed/s/1~exit1.yaml", "todo/s/")
    workers.run_until_empty()
    assert folder.record("s.finally", 2) == {}, "it is not made again by itself"
    (folder / "batches/s.over/over.json").unlink()
    (folder / "batches/s.over").rmdir()
    workers.run_until_empty()
    assert folder.out("s.finally", 2) == "2 0\n"
    folder.mv("done/s.finally.yaml", "todo/")
    workers.run_until_empty()
    assert folder.out("s.finally", 3) == "2 0\n"
