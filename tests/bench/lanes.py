"""`python -m tests.bench.lanes`: does each task find its node without being claimed in vain?

The rule: the kernel is the witness.  inotify tells of every rename into running/, so a claim that led to no start is
counted whatever a worker says of it.  Eight workers of four kinds, twenty lanes; tasks are submitted, or dropped as
files that nobody has sorted.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from watchdog.events import FileMovedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers.inotify import InotifyObserver

from dsgspool import names
from dsgspool.worker.peek import peek
from tests.bench import spools

#: What the workers of each kind are started with: two of each.
KINDS: dict[str, tuple[str, ...]] = {
    "small": ("--label", "kind=small"),
    "wide": ("--label", "kind=wide", "--resource", "tape=4"),
    "licensed": ("--label", "kind=licensed", "--resource", "licence=3"),
    "both": ("--label", "kind=both", "--resource", "licence=4", "--resource", "tape=4"),
}
SLOTS = 2
#: Requests of the lanes: some fit everywhere, some one kind only; with two priorities that makes twenty.
REQUESTS = (
    "", "cpus: 2", "resources: {tape: 1}", "resources: {licence: 1}", "resources: {licence: 1, tape: 1}",
    "resources: {licence: 4}", "where: kind=small", "where: kind!=small", "resources: {cpus: 2, tape: 4}",
    "resources: {memory: 8M}",
)  # fmt: skip
PRIORITIES = (0, 10)


class Witness(FileSystemEventHandler):
    """Counts what goes into running/: how often each task is claimed; `is_over` when all that was before has been seen."""

    def __init__(self, spool: Path) -> None:
        self.claims: Counter[str] = Counter()
        self.last, self.is_over = f"{spool}/running/last", threading.Event()

    def dispatch(self, event: FileSystemEvent) -> None:
        """One rename; only running/ is watched, so what comes from elsewhere has no source."""
        target = os.fsdecode(event.dest_path)
        if target == self.last:
            self.is_over.set()
        elif isinstance(event, FileMovedEvent) and target and not event.src_path:
            self.claims[names.parse_flat(os.path.basename(target)).identity] += 1


def texts(tasks: int) -> list[tuple[str, int, bytes]]:
    """(name, priority, text) of tasks, evenly over the lanes, in an order by chance."""
    lanes = [(priority, request) for priority in PRIORITIES for request in REQUESTS]
    chosen = [lanes[number % len(lanes)] for number in range(tasks)]
    random.Random(1).shuffle(chosen)
    line = 'command: ["true"]\n{}...\n'
    return [
        (f"t{number:07d}", priority, line.format(f"{request}\n" if request else "").encode())
        for number, (priority, request) in enumerate(chosen)
    ]


def fill(spool: Path, tasks: int, *, submitted: bool) -> None:
    """Lay them into todo/: into the lanes that `submit` chooses, or into those of their priority only."""
    for name, priority, data in texts(tasks):
        hint = peek(data)
        lane = names.lane_for(priority, hint.cpus, hint.request) if submitted else names.lane_for(priority, 1)
        folder = spool / "todo" / (f"@{lane}" if lane else "")
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.yaml").write_bytes(data)


def measure(base: Path, tasks: int, *, submitted: bool) -> tuple[Counter[str], int, float]:
    """(what was seen, tasks that started, seconds)."""
    spool = spools.new_spool(base)
    fill(spool, tasks, submitted=submitted)
    witness, observer = Witness(spool), InotifyObserver(generate_full_events=True)
    observer.schedule(witness, f"{spool}/running", recursive=True, event_filter=[FileMovedEvent])
    observer.start()
    began = time.monotonic()
    workers = [spools.worker(spool, "--until-empty", *words, slots=SLOTS) for words in KINDS.values() for _ in range(2)]
    assert [worker.wait() for worker in workers] == [0] * len(workers)
    seconds = time.monotonic() - began
    (spool / "end").touch()
    os.rename(spool / "end", witness.last)  # events come late, but in order
    is_whole = witness.is_over.wait(60 + seconds) and len(witness.claims) == tasks
    assert is_whole, "the kernel lost events (fs.inotify.max_queued_events): take fewer tasks"
    observer.stop()
    observer.join()
    assert len(os.listdir(spool / "done")) == tasks, sorted(os.listdir(spool / "failed"))[:5]
    starts = sum(event["event"] == "start" and "task" in event for event in spools.events(spool))
    shutil.rmtree(spool)
    return witness.claims, starts, seconds


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.lanes")
    parser.add_argument("--tasks", type=int, default=2000)
    given = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    print(
        f"{2 * len(KINDS)} workers of {len(KINDS)} kinds, {len(REQUESTS) * len(PRIORITIES)} lanes; load {os.getloadavg()[0]:.1f}"
    )
    with tempfile.TemporaryDirectory(prefix="dsgspool-bench-") as folder:
        for submitted in (True, False):
            claims, starts, seconds = measure(Path(folder), given.tasks, submitted=submitted)
            number, most = sum(claims.values()), max(claims.values())
            words = f"{number / starts:.3f} claims per start ({number:,} and {starts:,}), at most {most} of one task"
            print(f"{'submitted' if submitted else 'dropped':9}  {words}; {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
