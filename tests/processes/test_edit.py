"""Editing a queue beside workers that empty it: each task runs once, with one of the texts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.processes import Workers
from tests.support.spools import SpoolFolder

ROOT = Path(__file__).resolve().parents[2]


def start_edit(folder: SpoolFolder, *words: str) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "dsgspool", "--spool", str(folder), "edit", *words, "--yes"]
    return subprocess.Popen(argv, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, stderr=-1)


def test_two_editors_and_two_workers_lose_and_double_nothing(folder: SpoolFolder, workers: Workers) -> None:
    names = {f"s/{number:03d}" for number in range(80)}
    for name in names:
        folder.drop(name, "echo ${WHO:-nobody}")
    editors = [start_edit(folder, "s", "env.WHO=ann"), start_edit(folder, "s", "--sed", "s/nobody/somebody/")]
    workers.wait_until((folder / "edits").exists, 20)  # else a slow machine has run all before an editor began
    for _ in range(2):
        workers.ready(slots=2)
    for editor in editors:
        _, told = editor.communicate(timeout=60)
        assert editor.returncode in (0, 5, 6), told.decode()
    workers.wait_until(lambda: folder.done() == names, 60)
    assert folder.states().keys() == {"done"}
    assert [name for name in names if folder.has_begun(name, 2)] == []
    assert {folder.out(name) for name in names} <= {"nobody\n", "ann\n", "somebody\n"}
    assert not [name for name in os.listdir(folder / "edits") if name.endswith(".open")]


def test_a_task_that_no_node_could_take_runs_when_it_wants_no_more_than_they_have(
    folder: SpoolFolder, workers: Workers
) -> None:
    folder.drop("big", "true", resources={"memory": "900T"})
    workers.ready(slots=1)
    workers.wait_until(lambda: any(path.name.startswith("@") for path in (folder / "todo").iterdir()), 20)
    editor = start_edit(folder, "big", "resources=")
    assert editor.communicate(timeout=60) and editor.returncode == 0
    workers.wait_until(lambda: folder.done() == {"big"}, 30)
