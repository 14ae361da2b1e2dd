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
from pathlib import Path

from dsgspool import proc
from tests.bench.counting import COUNTS


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
