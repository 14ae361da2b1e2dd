"""`python -m tests.bench.report`: what a rendering of the report costs, beside a loop that only reads the same records.

The rule: files as a worker writes them (record, both logs, the task in done/ or failed/), made fast; every figure is of
a whole process, `python -m dsgspool report`, as the kernel says, and CPU time is what is compared: others may be at work.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from dsgspool.clock import iso
from dsgspool.spool import FOLDERS
from dsgspool.yamlwriting import dump

BATCH = 5000
NODES = 12
NOW = time.time()
READ_ALL = """
import os, sys
for folder, _, files in os.walk(sys.argv[1]):
    for name in files:
        if name.endswith(".yaml"):
            with open(f"{folder}/{name}", "rb") as file:
                file.read()
"""
ERRORS = (
    'Traceback (most recent call last):\n  File "run.py", line 31, in <module>\nValueError: sample {} has no reads\n',
    "loading /data/in/{}.fa\nMemoryError\n",
    "slurp: cannot open /scratch/{}/index: No space left on device\n",
)


def main() -> None:
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # as users have it: else each process compiles the package anew
    parser = argparse.ArgumentParser(prog="python -m tests.bench.report", description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--more", type=int, default=1000, help="new tasks before the second rendering")
    parser.add_argument("--dir", default=None, help="where to make the spool (default: a temporary folder)")
    parser.add_argument(
        "--no-logs", action="store_true", help="tasks that printed nothing, so that a million is made sooner"
    )
    parser.add_argument("--keep", action="store_true", help="leave the spool there and say where it is")
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="dsgspool-report-", dir=given.dir))
    try:
        measure(root, given.tasks, given.more, logs=not given.no_logs)
    finally:
        if given.keep:
            print(root)
        else:
            shutil.rmtree(root)


def measure(root: Path, tasks: int, more: int, *, logs: bool = True) -> None:
    made = time.perf_counter()
    seed(root, tasks)
    fill(root, 0, tasks, logs=logs)
    print(
        f"{tasks} tasks made in {time.perf_counter() - made:.0f} s; {os.cpu_count()} CPUs, Python {sys.version.split()[0]}"
    )
    read_all(root)
    reference = read_all(root)
    print(f"reading all records in a loop: {reference}")
    for what in ("first rendering", "nothing new", f"{more} new tasks"):
        if what.startswith(str(more)):
            fill(root, tasks, tasks + more, logs=logs)
        cost = render(root)
        print(f"{what}: {cost} ({cost.cpu / reference.cpu:.2f} x), peak {cost.peak:.0f} MB", flush=True)
    print_sizes(root)


def print_sizes(root: Path) -> None:
    for folder in ("reports", "reports/data"):
        files = [path for path in (root / folder).iterdir() if path.is_file()]
        largest = sorted(files, key=lambda path: -path.stat().st_size)[:4]
        told = ", ".join(f"{path.name} {path.stat().st_size / 1e6:.2f} MB" for path in largest)
        print(f"{folder}: {len(files)} files, {sum(path.stat().st_size for path in files) / 1e6:.0f} MB; {told}")


@dataclass(frozen=True)
class Cost:
    """Of a whole process: seconds by the clock and of CPU, and the most memory that it had, MB."""

    wall: float
    cpu: float
    peak: float

    def __str__(self) -> str:
        return f"{self.wall:.2f} s, CPU {self.cpu:.2f} s"


def read_all(root: Path) -> Cost:
    return _run([sys.executable, "-c", READ_ALL, str(root / "logs")])


def render(root: Path) -> Cost:
    return _run([sys.executable, "-m", "dsgspool", "--spool", str(root), "report"])


def _run(command: list[str]) -> Cost:
    folder = Path(__file__).parents[2]
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=folder)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    assert child.stderr is not None
    assert status == 0, child.stderr.read().decode()
    child.stderr.close()
    child.returncode = 0
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def seed(root: Path, tasks: int) -> None:
    for folder in FOLDERS:
        (root / folder).mkdir()
    (root / "spool.yaml").write_text("format: 1\nreport_every: 60s\n")
    for number in range(NODES):
        wid = f"n{number}-aaaaaaaa"
        facts = {
            "worker": wid,
            "host": f"n{number}",
            "pid": 1,
            "slots": 16,
            "cpus": 16,
            "started": iso(NOW - 5 * tasks),
        }
        (root / f"workers/{wid}.yaml").write_text(
            "".join(f"{k}: {json.dumps(v)}\n" for k, v in facts.items()) + "...\n"
        )
        (root / f"workers/{wid}.lock").touch()


def fill(root: Path, first: int, stop: int, *, logs: bool = True) -> None:
    """Tasks that have ended: 1 in 50 failed for good, 1 in 20 was retried."""
    chance = random.Random(first)
    for number in range(first, stop):
        identity = f"sweep-{number // BATCH:03d}/sample-{number:07d}"
        if number % BATCH == 0 or number == first:
            for folder in ("done", "failed", "logs"):
                (root / folder / identity).parent.mkdir(exist_ok=True)
        fails = number % 50 == 7
        attempt = 1
        if number % 20 == 3:
            ended(root, identity, attempt, chance, "exit1", logs=logs)
            attempt = 2
        ended(root, identity, attempt, chance, "exit1" if fails else "done", logs=logs)
        text = f"command: [fold, sample-{number}.fa]\nretries: 1\n...\n"
        plainly(f"{root}/{f'failed/{identity}~exit1' if fails else f'done/{identity}'}.yaml", text)


def ended(root: Path, identity: str, attempt: int, chance: random.Random, outcome: str, *, logs: bool) -> None:
    node, seconds = chance.randrange(NODES), round(chance.lognormvariate(4, 1), 3)
    began = NOW - chance.random() * 86400 * 5
    wid = f"n{node}-aaaaaaaa"
    error = "" if outcome == "done" or not logs else chance.choice(ERRORS).format(chance.randrange(10**6))
    output = f"sample {identity}\n" * 5 if logs else ""
    facts = {
        "format": 1, "task": identity, "attempt": attempt, "worker": wid, "claim": f"{wid}.{chance.randrange(10**9)}",
        "host": f"n{node}", "pid": 4242, "started": iso(began), "file": f"{identity.rpartition('/')[2]}.yaml",
        "submitted": iso(began - 3600 * chance.random()),
        "digest": f"{chance.getrandbits(256):064x}", "cpus": 1, "command": ["fold", "sample.fa"], "cwd": "/data/study",
        "environment": {"OMP_NUM_THREADS": "1"}, "text": "command: [fold, sample.fa]\nretries: 1\n...\n",
        "ended": iso(began + seconds), "seconds": seconds, "exit_code": int(outcome != "done"), "outcome": outcome,
        **({"reason": "exit code 1"} if outcome != "done" else {}),
        "next": "done" if outcome == "done" else "failed~exit1", "cpu_seconds": round(seconds * 0.9, 3),
        "peak_memory_bytes": chance.randrange(10**7, 10**9), "stdout_bytes": len(output), "stderr_bytes": len(error),
    }  # fmt: skip
    stem = f"{root}/logs/{identity}.{attempt}"
    plainly(f"{stem}.yaml", dump(facts.items()) + "...\n")
    if logs:
        plainly(f"{stem}.out", output)
        plainly(f"{stem}.err", error)


def plainly(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


if __name__ == "__main__":
    main()
