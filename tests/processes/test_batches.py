"""Batches with real workers: a policy says what runs and how many at once, and editing it changes the rest."""

from __future__ import annotations

from tests.support.history import History
from tests.support.processes import Gate, Workers
from tests.support.spools import CALM, SpoolFolder


def policy(folder: SpoolFolder, batch: str, text: str) -> None:
    folder.overwrite(f"batches/{batch}.yaml", f"{text}\n...\n")


def test_a_task_file_may_hold_only_params(folder: SpoolFolder, workers: Workers) -> None:
    policy(folder, "s", "defaults: {command: 'echo seed {seed}', env: {A: '{seed}'}}")
    for seed in (1, 2):
        folder.drop(f"s/{seed}", None, params={"seed": seed})
    workers.run_until_empty()
    assert folder.out("s/1") == "seed 1\n"
    assert folder.out("s/2") == "seed 2\n"
    record = folder.record("s/2")
    assert record["policy"] == "defaults: {command: 'echo seed {seed}', env: {A: '{seed}'}}\n...\n"
    assert record["command"] == ["/bin/sh", "-c", "echo seed 2"]
    assert record["environment"]["A"] == "2"


def test_editing_the_policy_changes_what_is_still_to_run(folder: SpoolFolder, workers: Workers, gate: Gate) -> None:
    policy(folder, "s", f"defaults: {{command: '{gate.wait}; echo old'}}")
    for number in range(3):
        folder.drop(f"s/{number}", None, description="x")
    worker = workers.ready(slots=1)
    worker.wait_until(lambda: folder.has_begun("s/0"), 10)
    policy(folder, "s", "defaults: {command: echo new}")
    worker.lives_on(2)  # its last look is older than poll_min
    gate.open()
    worker.wait_until(lambda: len(folder.done()) == 3, 10)
    assert [folder.out(f"s/{n}") for n in range(3)] == ["old\n", "new\n", "new\n"]
    assert "echo old" in folder.record("s/0")["policy"]
    assert "echo new" in folder.record("s/2")["policy"]


def most_at_once(history: History, prefix: str = "") -> int:
    """The largest number of commands that ran at the same time."""
    now = most = 0
    for line in history.file.read_text().splitlines():
        word, name, *_ = line.split()
        if name.startswith(prefix):
            now += {"start": 1, "end": -1}.get(word, 0)
            most = max(most, now)
    return most


def test_no_more_run_at_once_than_batch_and_spool_say_whoever_claims(
    folder: SpoolFolder, workers: Workers, history: History
) -> None:
    folder.configure(CALM, max_running=5)
    policy(folder, "s", "max_running: 2")
    names = {f"s/{number:02d}" for number in range(20)} | {f"t/{number:02d}" for number in range(20)}
    for name in names:
        folder.drop(name, history.command("sleep 0.1"))
    (folder / "PAUSE").touch()
    started = [workers.ready("--until-empty", slots=4) for _ in range(3)]
    (folder / "PAUSE").unlink()
    assert [worker.ends(60) for worker in started] == [0] * 3
    history.assert_each_once(names)
    assert most_at_once(history, "s/") <= 2
    assert most_at_once(history) <= 5
    assert len({str(folder.record(name)["worker"]) for name in names}) > 1
