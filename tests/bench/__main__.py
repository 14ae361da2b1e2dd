"""`python -m tests.bench`: how fast is it, side by side with its peers, as ratios to references of the same minutes.

The rule: machines are shared and noisy, so nothing is judged here, every figure stands beside its reference, and what
the machine did besides (its load) is written down.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import dsgspool
from dsgspool.spool.scan import LIMIT
from tests.bench import large, peers, plot, workloads
from tests.bench.workloads import Row

WORKLOADS = ("true", "shell", "durability", "sleeps", "submit", "pickup", "backlog", "wide", "crowd", "start-up")


def main() -> None:
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # as users have it: else each process compiles the package anew
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=2000, help="tasks in a round of `true`; of shell lines half of it")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", choices=WORKLOADS, help="this workload only; repeat")
    parser.add_argument("--no-peers", action="store_true", help="references only")
    parser.add_argument("--install", action="store_true", help="get peers that are missing: apt (as root) and PyPI")
    parser.add_argument(
        "--million", action="store_true", help="also a backlog of 1,000,000: flat, in batches, and in done/"
    )
    parser.add_argument("--smoke", action="store_true", help="small numbers, under two minutes: does it run at all")
    parser.add_argument("--memory-tasks", type=int, default=0, help="also run this many and tell the worker's memory")
    parser.add_argument("--json", help="write the figures to this file")
    parser.add_argument("--svg", help="write the plot to this file")
    parser.add_argument("--dir", default=None, help="where to make the spools (default: a temporary folder)")
    given = parser.parse_args()
    if given.smoke:
        given.tasks, given.rounds = min(given.tasks, 300), 1
    base = Path(tempfile.mkdtemp(prefix="dsgspool-bench-", dir=given.dir))
    found, absent = ([], {}) if given.no_peers else peers.find(install=given.install)
    facts = machine(found)
    print(f"{facts['cpus']} CPUs, load {facts['load']}, Python {facts['python']}, {facts['kernel']}, folder {base}")
    for name, why in absent.items():
        print(f"left out: {name}: {why}")
    rows = []
    try:
        for row in measure(base, given, found):
            rows.append(row)
            print(line(row), flush=True)
    finally:
        shutil.rmtree(base)
    write(given, facts, absent, rows)


def measure(base: Path, given: argparse.Namespace, found: list[peers.Peer]) -> Iterable[Row]:
    """All workloads that were asked for, one after the other."""
    wanted, tasks, rounds = given.only or WORKLOADS, given.tasks, given.rounds
    cache = peers.cache_folder()
    if "true" in wanted:
        yield from workloads.throughput(base, "true", tasks, rounds, found, cache)
    if "shell" in wanted:
        yield from workloads.throughput(base, "shell", max(tasks // 2, 50), rounds, found, cache)
    if "durability" in wanted:
        yield from workloads.durability(base, max(tasks // 4, 50), rounds)
    if "sleeps" in wanted:
        yield from workloads.sleeps(base, min(tasks, 640), rounds)
    if "submit" in wanted:
        yield from workloads.submit(base, rounds, 1000 if given.smoke else 10_000)
    if "pickup" in wanted:
        yield from workloads.pickup(base, 3 if given.smoke else 9)
    yield from measure_large(base, given, wanted)
    if "start-up" in wanted:
        yield from workloads.start_up(base, rounds)
    if given.memory_tasks:
        yield from workloads.memory(base, given.memory_tasks)


def measure_large(base: Path, given: argparse.Namespace, wanted: Collection[str]) -> Iterable[Row]:
    """Long queues, wide workers, many workers."""
    if "backlog" in wanted:
        sizes = [1000] if given.smoke else [1000, 10_000, 100_000] + [1_000_000] * given.million
        yield from large.backlog(base, sizes, 300 if given.smoke else LIMIT, everywhere=given.million)
    if "wide" in wanted:
        yield from large.wide(base, [16] if given.smoke else [64, 256, 1000], 2 if given.smoke else 20)
    if "crowd" in wanted:
        yield from large.crowd(base, *((3, 300) if given.smoke else (8, 10_000)))


def machine(found: list[peers.Peer]) -> dict[str, object]:
    """Where and when this was measured."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"), "cpus": os.cpu_count(), "load": round(os.getloadavg()[0], 1),
        "python": sys.version.split()[0], "kernel": "Linux " + ".".join(platform.release().split(".")[:2]), "dsgspool": dsgspool.__version__,
        "versions": peers.versions(found),
    }  # fmt: skip


def line(row: Row) -> str:
    """A row for people."""
    ratio = "" if row.ratio is None else f"  ratio {row.ratio:.2f}"
    cpu = "" if row.cpu_ms is None else f"  {row.cpu_ms:.2f} ms of CPU a task"
    return f"{row.workload:20} {row.who:32} {row.figure:9.1f} {row.unit}{ratio}{cpu}{f'  ({row.note})' if row.note else ''}"


def write(given: argparse.Namespace, facts: dict[str, object], absent: dict[str, str], rows: list[Row]) -> None:
    """JSON and plot, where they are wanted."""
    if given.json:
        told = {"machine": facts, "left_out": absent, "rows": [asdict(row) for row in rows]}
        Path(given.json).write_text(json.dumps(told, indent=1) + "\n")
    if given.svg:
        caption = (
            f"{facts['date']}, {facts['cpus']} CPUs, load {facts['load']}, {facts['kernel']}, Python {facts['python']}"
        )
        Path(given.svg).write_text(plot.svg(rows, caption))


if __name__ == "__main__":
    main()
