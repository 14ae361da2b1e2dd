"""Many workers on one queue: how many of their claims others had won before.

The rule: the workers are real and count for themselves (counting.py); a claim that was lost costs a rename on the server.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from dsgspool import proc
from tests.bench.counting import COUNTS
from tests.bench.spools import TEXTS, new_spool
from tests.bench.workloads import Row


def crowd(base: Path, workers: int, tasks: int) -> Iterator[Row]:
    """Workers of two slots each, all at once, on one flat folder of `true`."""
    spool = new_spool(base, TEXTS["true"], tasks)
    told = counted(spool, workers)
    assert len(os.listdir(spool / "done")) == tasks
    lost = 100 * told["lost"] / told["claims"]
    note = f"{told['claims']} claims, {told['lost']} lost, {told['looks']} looks"
    yield Row(f"crowd, {workers} workers", f"{tasks} tasks, renames lost", lost, "%", note=note)


def counted(spool: Path, workers: int, *words: str, slots: int = 2) -> Counter[str]:
    """Run that many counting workers until all is done: what they counted together."""
    told = Path(tempfile.mkdtemp(prefix="counts-", dir=spool.parent))
    command = proc.worker_command(["--spool", str(spool), "--slots", str(slots), "--quiet", "--until-empty", *words])
    command[command.index("dsgspool.worker")] = "tests.bench.counting"
    environment = {**os.environ, COUNTS: str(told), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    running = [subprocess.Popen(command, env=environment) for _ in range(workers)]
    for process in running:
        process.wait()
    return sum((Counter(json.loads(path.read_text())) for path in told.iterdir()), Counter[str]())
