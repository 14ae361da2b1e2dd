"""What is large: long queues, full folders, many slots on one worker, many workers on one queue.

The rule: CPU time and memory of the worker against the small case of the same run; nothing is judged by the clock, since others
use the machine.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.bench.crowd import counted
from tests.bench.reference import call, timed
from tests.bench.spools import TEXTS, command, new_spool, worker
from tests.bench.workloads import Row

MB = 1e6


def backlog(base: Path, sizes: list[int], tasks: int, *, everywhere: bool = False) -> Iterator[Row]:
    """The first tasks of a long queue: CPU time of worker and commands a task, against the shortest queue, without that of
    a worker's start and end.  `tasks`: how many; fewer than a look keeps would bear the cost of a whole one.

    `everywhere`: the longest one also in batches of 1,000, and with as many files in done/ besides.
    """
    cases: list[tuple[str, dict[str, int]]] = [(f"{size} queued", {"tasks": size}) for size in sizes]
    if everywhere:
        most = sizes[-1]
        cases.append((f"{most} in batches of 1,000", {"tasks": most, "batch": 1000}))
        cases.append((f"{sizes[0]} queued, {most} in done/", {"tasks": sizes[0], "done": most}))
    first: float | None = None
    start = timed(1, lambda: worker(new_spool(base), "--until-empty").wait()).cpu or 0.0
    for who, made in cases:
        spool = new_spool(base, TEXTS["true"], **made)
        wanted = min(tasks, made["tasks"])
        memory = [0.0]
        ran = timed(wanted, lambda spool=spool, wanted=wanted, memory=memory: _run_some(spool, wanted, memory))
        done = _ended(spool)
        cost = ((ran.cpu or 0.0) - start) / done * 1000
        first = first or cost
        yield Row(
            "backlog", who, cost, "ms of CPU a task", cost / first, note=f"{done} run, worker {max(memory):.0f} MB"
        )
        if who.startswith(f"{sizes[-1]} queued"):
            yield _status(spool, sizes[-1])
        shutil.rmtree(spool)


def _status(spool: Path, size: int) -> Row:
    ran = timed(1, lambda: call(command(spool, "status")))
    return Row("status", f"{size} queued", (ran.cpu or 0.0), "s of CPU")


def _ended(spool: Path) -> int:
    return sum(name.endswith(".yaml") for _, _, files in os.walk(spool / "logs") for name in files)


def _run_some(spool: Path, tasks: int, memory: list[float]) -> None:
    process = worker(spool, "--until-empty")
    while _ended(spool) < tasks:
        memory.append(_resident(process.pid))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.5)
            break
    process.terminate()
    process.wait()


def _inner(guard: int) -> psutil.Process:
    return next(each for each in psutil.Process(guard).children() if "dsgspool.worker" in each.cmdline())


def _resident(guard: int) -> float:
    try:
        return float(_inner(guard).memory_info().rss) / MB
    except (psutil.Error, StopIteration):
        return 0.0


def wide(base: Path, slots: list[int], seconds: float) -> Iterator[Row]:
    """Sleeping commands in all slots of one worker: its CPU time for keeping them, and its memory."""
    first: float | None = None
    for number in slots:
        spool = new_spool(base, 'command: [sleep, "3600"]\n...\n', number)
        process = worker(spool, slots=number)
        while len(os.listdir(spool / "logs")) < 3 * number:
            time.sleep(0.2)
        time.sleep(5)  # the first samples
        inner = _inner(process.pid)
        began, before = time.perf_counter(), sum(inner.cpu_times()[:2])
        time.sleep(seconds)
        used = (sum(inner.cpu_times()[:2]) - before) / (time.perf_counter() - began) * 100
        memory = float(inner.memory_info().rss) / MB
        first = first or memory
        yield Row("wide", f"{number} sleeps on {number} slots", used, "% of a core", note=f"worker {memory:.0f} MB")
        process.terminate()  # it starts nothing more, and ends with the last of its tasks
        for child in inner.children():
            child.kill()
        process.wait()
        shutil.rmtree(spool)


def crowd(base: Path, workers: int, tasks: int) -> Iterator[Row]:
    """Workers of two slots each, all at once, on one flat folder of `true`: a lost claim costs a rename."""
    spool = new_spool(base, TEXTS["true"], tasks)
    told = counted(spool, workers)
    assert len(os.listdir(spool / "done")) == tasks
    lost = 100 * told["lost"] / told["claims"]
    note = f"{told['claims']} claims, {told['lost']} lost, {told['looks']} looks"
    yield Row("crowd", f"{workers} workers, {tasks} tasks", lost, "% of renames lost", note=note)
