"""A spool of its own for every test, the command line in this process, and the real thing as a process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dsgspool.cli.app import app
from dsgspool.spool.laying import lay_down

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def spool(tmp_path, monkeypatch):
    """A new spool; commands without --spool use it."""
    root = tmp_path / "spool"
    list(lay_down(str(root)))
    monkeypatch.setenv("DSGSPOOL_SPOOL", str(root))
    monkeypatch.chdir(tmp_path)
    return root


@pytest.fixture
def run():
    """Run a command line in this process: result with exit_code, stdout, stderr."""
    return lambda *words, stdin=None: CliRunner().invoke(app, [str(word) for word in words], input=stdin)


@pytest.fixture
def process(tmp_path):
    """Run `python -m dsgspool ...` as a process."""

    def start(*words, stdin="", seconds=60, **environment):
        env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
        argv = [sys.executable, "-m", "dsgspool", *map(str, words)]
        return subprocess.run(argv, input=stdin, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=seconds)

    return start


@pytest.fixture
def put(spool):
    """Make a task file by hand: put('failed/a~exit1.yaml')."""

    def make(path, text="command: echo hi\n"):
        file = spool / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    return make


@pytest.fixture
def record(spool):
    """Make the record of an attempt by hand."""

    def make(task, number=1, outcome="done", *, over=True, out="", err="", **facts):
        stem = spool / "logs" / f"{task}.{number}"
        stem.parent.mkdir(parents=True, exist_ok=True)
        lines = {"task": task, "attempt": number, "host": "n1", "outcome": outcome, **facts}
        text = "".join(f"{key}: {value}\n" for key, value in lines.items() if value is not None)
        Path(f"{stem}.yaml").write_text(text + ("...\n" if over else ""))
        Path(f"{stem}.out").write_text(out)
        Path(f"{stem}.err").write_text(err)
        return stem

    return make


@pytest.fixture
def listed(spool):
    """Names in a folder of the spool, below it, without tokens."""

    def names(folder):
        found = (str(path.relative_to(spool / folder)) for path in (spool / folder).rglob("*") if path.is_file())
        return sorted(name.split("~0.")[0].removesuffix(".yaml") for name in found)

    return names
