"""`python -m tests.bench`: how fast is it, as ratios to a reference in the same minutes, and how much memory it takes.

The rule: machines are shared and noisy, so every figure stands beside a reference that ran just before and just after
it, and the median of several rounds is printed.  Folders are always fresh: many file systems are slow for minutes where
files were deleted.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import psutil

from dsgspool import proc
from dsgspool.spool import FOLDERS

LINE = 'command: ["true"]\n...\n'


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=5000, help="tasks in a round of `true` (default 5000)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory-tasks", type=int, default=0, help="also run this many and print the worker's memory")
    parser.add_argument("--dir", default=None, help="where to make the spools (default: a temporary folder)")
    given = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="dsgspool-bench-", dir=given.dir))
    print(f"{os.cpu_count()} CPUs, Python {sys.version.split()[0]}, folder {base}")
    worker_throughput(base, given.tasks, given.rounds)
    start_up(base, given.rounds)
    bulk_submit(base, given.rounds)
    pickup(base)
    if given.memory_tasks:
        memory(base, given.memory_tasks)


def new_spool(base: Path) -> Path:
    spool = Path(tempfile.mkdtemp(prefix="spool-", dir=base))
    for folder in FOLDERS:
        (spool / folder).mkdir()
    (spool / "spool.yaml").write_text("format: 1\n")
    return spool


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def xargs(tasks: int) -> float:
    lines = "\n".join(map(str, range(tasks)))
    return seconds(lambda: subprocess.run(["xargs", "-P2", "-n1", "true"], input=lines, text=True, check=True))


def work(spool: Path, *more: str, slots: int = 2) -> subprocess.Popen[bytes]:
    command = proc.worker_command(["--spool", str(spool), "--slots", str(slots), "--quiet", *more])
    return subprocess.Popen(command)


def worker_throughput(base: Path, tasks: int, rounds: int) -> None:
    """`true`, 2 slots: record, both logs, guard, heartbeat, listings and record chain in place."""
    ratios, rates, whole = [], [], []
    for _ in range(rounds):
        spool = new_spool(base)
        for number in range(tasks):
            (spool / "todo" / f"t{number:06d}.yaml").write_text(LINE)
        before = xargs(tasks)
        elapsed = seconds(lambda spool=spool: work(spool, "--until-empty").wait())
        reference = tasks / ((before + xargs(tasks)) / 2)
        assert len(os.listdir(spool / "done")) == tasks
        rates.append(rate(spool))
        ratios.append(rates[-1] / reference)
        whole.append(tasks / elapsed / reference)
    print(
        f"true, {tasks} tasks, 2 slots: {statistics.median(rates):.0f}/s, {statistics.median(ratios):.2f} of xargs -P2 -n1 true "
        f"(as a whole process with start and end: {statistics.median(whole):.2f})"
    )


def rate(spool: Path) -> float:
    """Tasks per second between the first start and the last end in the journal."""
    events = [
        json.loads(line) for path in (spool / "workers").glob("*.jsonl") for line in path.read_text().splitlines()
    ]
    starts = [moment(e) for e in events if e["event"] == "start" and "task" in e]
    ends = [moment(e) for e in events if e["event"] == "end"]
    return len(ends) / (max(ends) - min(starts))


def moment(event: dict[str, str]) -> float:
    return datetime.fromisoformat(event["at"]).timestamp()


def start_up(base: Path, rounds: int) -> None:
    """Whole processes, against an interpreter that does nothing."""
    spool = new_spool(base)
    here = str(Path(__file__).parents[2])
    calls = {
        "submit -- true": ["--spool", str(spool), "submit", "--", "true"],
        "status": ["--spool", str(spool), "status"],
        "--help": ["--help"],
    }
    for name, arguments in calls.items():
        ratios = []
        for _ in range(5 * rounds):
            nothing = seconds(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True))
            command = [sys.executable, "-m", "dsgspool", *arguments]
            run = seconds(lambda c=command: subprocess.run(c, check=True, stdout=subprocess.DEVNULL, cwd=here))
            ratios.append(run / nothing)
        print(f"dsgspool {name}: {statistics.median(ratios):.1f} x python3 -c pass")


def bulk_submit(base: Path, rounds: int, tasks: int = 10_000) -> None:
    """`submit --each-line`, against a loop that writes, closes and renames such files."""
    ratios, lines = [], "\n".join(f"input{n}.fa" for n in range(tasks)).encode()
    for _ in range(rounds):
        spool, plain = new_spool(base), Path(tempfile.mkdtemp(dir=base))
        reference = seconds(lambda plain=plain: write_plainly(plain, tasks))
        command = [sys.executable, "-m", "dsgspool", "--spool", str(spool), "submit", "--each-line", "--", "fold", "{}"]
        run = seconds(lambda c=command: subprocess.run(c, input=lines, check=True, stdout=subprocess.DEVNULL))
        assert sum(len(files) for _, _, files in os.walk(spool / "todo")) == tasks
        ratios.append(reference / run)
    print(f"submit --each-line, {tasks} tasks: {statistics.median(ratios):.2f} of a plain write-close-rename loop")


def write_plainly(folder: Path, tasks: int) -> None:
    (folder / "tmp").mkdir()
    (folder / "todo").mkdir()
    for number in range(tasks):
        with open(f"{folder}/tmp/{number}", "w") as file:
            file.write(f"command: [fold, input{number}.fa]\n...\n")
        os.rename(f"{folder}/tmp/{number}", f"{folder}/todo/{number}.yaml")


def pickup(base: Path, files: int = 9) -> None:
    """From the close of a file in todo/ to the start of its command, on an idle worker."""
    spool = new_spool(base)
    worker = work(spool)
    delays = []
    try:
        time.sleep(2)
        for number in range(files):
            (spool / "todo" / f"p{number}.yaml").write_text('command: ["true"]\n')
            closed = time.time()
            record = spool / "logs" / f"p{number}.1.yaml"
            while not record.exists() or "started" not in record.read_text():
                time.sleep(0.005)
            started = record.read_text().split('started: "')[1].split('"')[0]
            delays.append(datetime.fromisoformat(started).timestamp() - closed)
            time.sleep(0.7)
    finally:
        worker.terminate()
        worker.wait()
    print(
        f"pickup by an idle worker: median {statistics.median(delays) * 1000:.0f} ms, worst {max(delays) * 1000:.0f} ms"
    )


def memory(base: Path, tasks: int) -> None:
    """Resident set of worker and guard together, at a tenth of the tasks and at the end."""
    spool = new_spool(base)
    for number in range(tasks):
        (spool / "todo" / f"t{number:06d}.yaml").write_text(LINE)
    worker, samples = work(spool, "--until-empty"), []
    while worker.poll() is None:
        try:
            guard = psutil.Process(worker.pid)
            inner = [p for p in guard.children() if "dsgspool.worker" in p.cmdline()]
            samples.append(
                (
                    len(os.listdir(spool / "done")),
                    (guard.memory_info().rss + sum(p.memory_info().rss for p in inner)) / 1e6,
                )
            )
        except psutil.Error:
            continue
        time.sleep(0.5)
    early = max(mb for done, mb in samples if done <= tasks / 10)
    print(
        f"memory of worker and guard, {tasks} tasks: {early:.0f} MB in the first tenth, at most {max(mb for _, mb in samples):.0f} MB"
    )


if __name__ == "__main__":
    main()
