"""The product under measure: new spools, a worker, and what its journal says of the rate.

The rule: folders are always fresh, since many file systems are slow for minutes where files were deleted; the guarantees
are all on (record, both logs, guard, heartbeat, listings, default durability).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from dsgspool import proc
from dsgspool.spool import FOLDERS
from tests.bench.reference import Run, timed

TEXTS = {"true": 'command: ["true"]\n...\n', "shell": "command: echo hello; echo err >&2\n...\n"}


def new_spool(base: Path, text: str = "", tasks: int = 0, *, batch: int = 0, done: int = 0) -> Path:
    """A spool with that many tasks of one text in todo/, in batches of so many, and so many in done/."""
    spool = Path(tempfile.mkdtemp(prefix="spool-", dir=base))
    for folder in FOLDERS:
        (spool / folder).mkdir()
    (spool / "spool.yaml").write_text("format: 1\n")
    for number in range(tasks):
        folder = f"{spool}/todo/b{number // batch:05d}" if batch else f"{spool}/todo"
        if batch and not number % batch:
            os.mkdir(folder)
        with open(f"{folder}/t{number:07d}.yaml", "w") as file:
            file.write(text)
    for number in range(done):
        with open(f"{spool}/done/d{number:07d}.yaml", "w") as file:
            file.write(text)
    return spool


def command(spool: Path, *words: str) -> list[str]:
    """`dsgspool --spool SPOOL ...`"""
    return [sys.executable, "-m", "dsgspool", "--spool", str(spool), *words]


def worker(spool: Path, *more: str, slots: int = 2) -> subprocess.Popen[bytes]:
    """Start a worker."""
    return subprocess.Popen(proc.worker_command(["--spool", str(spool), "--slots", str(slots), "--quiet", *more]))


def drain(spool: Path, *, slots: int = 2) -> tuple[Run, Run]:
    """Let a worker run all that is queued: (from the first start to the last end, as a whole process)."""
    tasks = len(os.listdir(spool / "todo"))
    whole = timed(tasks, lambda: worker(spool, "--until-empty", slots=slots).wait())
    assert len(os.listdir(spool / "done")) == tasks
    return Run(tasks, span(spool), whole.cpu), whole


def drain_sweep(base: Path, text: str, tasks: int) -> Run:
    """Let a worker run one sweep of so many items."""
    spool = new_spool(base)
    sweep = f"sweep:\n  product:\n    number: 1..{tasks}\n...\n"
    (spool / "todo/s.yaml").write_text(text.replace("...\n", sweep))
    whole = timed(tasks, lambda: worker(spool, "--until-empty").wait())
    lines = [line for path in (spool / "logs/s").glob("*.items") for line in path.read_text().splitlines()]
    assert sum(not line.startswith("#") and " done " in line for line in lines) == tasks
    return Run(tasks, span(spool), whole.cpu)


def span(spool: Path, ends: int | None = None) -> float:
    """Seconds between the first start and the last end (or the end number `ends`) that the journals tell."""
    told = list(events(spool))
    starts = [moment(event) for event in told if event["event"] == "start" and "task" in event]
    ended = sorted(moment(event) for event in told if event["event"] == "end")
    return ended[-1 if ends is None else ends - 1] - min(starts)


def events(spool: Path) -> Iterator[dict[str, str]]:
    """All lines of all journals."""
    for path in (spool / "workers").glob("*.jsonl"):
        yield from map(json.loads, path.read_text().splitlines())


def moment(event: dict[str, str]) -> float:
    """When it happened, as Unix time."""
    return datetime.fromisoformat(event["at"]).timestamp()
