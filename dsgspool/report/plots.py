"""The numbers behind the plots of the page, as its script draws them.

The rule: pure, and bounded whatever the size of the spool: so many bins, so many points, so many batches.  A plot of too
little to be a picture is not made.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from dsgspool.report.statistics import histogram, log_edges
from dsgspool.report.table import FIRST, NONE
from dsgspool.report.tally import KINDS

if TYPE_CHECKING:
    from dsgspool.report.book import Book, Load
    from dsgspool.report.digest import Digest
    from dsgspool.report.figures import Batch
    from dsgspool.report.statistics import Distribution, Groups

Series = dict[str, Any]

DAY = 86400.0
BINS = 96  #: of time, at most twice as many
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)  #: seconds
LEAST = 5  #: values of a histogram
MOST_BATCHES, MOST_POINTS, MOST_LOADS = 40, 2000, 600
TOGETHER = 6  #: batches in one picture


def series(digest: Digest) -> dict[str, Series]:
    """Key -> plot.

    `throughput`, `concurrency`, `queue`; `run`, `wait`, `memory` of several batches, `run:BATCH` ... of one;
    `load:HOST`; `wait-run`, `cpu-used`, `memory-used`.
    """
    book = digest.book
    found: dict[str, Series] = {**_over_time(book, digest.groups), **_histograms(digest.batches)}
    for node in book.nodes:
        if len(node.loads) > 2:
            found[f"load:{node.host}"] = _load(_thinned(node.loads), node.cpus)
    others = {
        "queue": _queue(book), "wait-run": _wait_run(digest.groups), "cpu-used": _cpu_used(digest.groups),
        "memory-used": _memory_used(digest.groups),
    }  # fmt: skip
    return found | {key: plot for key, plot in others.items() if plot}


# -- over time -------------------------------------------------------------------------------------------------------


def bins(begin: float, end: float) -> list[float]:
    """Edges of intervals of a round length from before `begin` to `end`, at most BINS or so of them."""
    step = next((step for step in STEPS if (end - begin) / step <= BINS), math.ceil((end - begin) / BINS / DAY) * DAY)
    first = math.floor(begin / step) * step
    return [first + step * number for number in range(max(1, math.ceil((end - first) / step)) + 1)]


def _over_time(book: Book, groups: Groups) -> dict[str, Series]:
    """What ran and what ended, from the first start (at most a day before the last end) until now."""
    span = groups.span()
    first = span[0] if span else min((run.started for run in book.running if run.started is not None), default=None)
    if first is None:
        return {}
    last = book.taken if book.snapshot.counts.running or span is None else min(book.taken, span[1] + 1)
    edges = bins(max(first, last - DAY), last)
    if len(edges) < 4:
        return {}
    begin, step = int(edges[0] * 1000), round((edges[1] - edges[0]) * 1000)
    begun = _before([tally.started for tally in groups.tallies], begin, step, len(edges))
    over = {kind: _before([tally.ended[kind] for tally in groups.tallies], begin, step, len(edges)) for kind in KINDS}
    gone = map(sum, zip(*over.values(), strict=True))
    running = [max(0, came - went) for came, went in zip(begun, gone, strict=True)]
    running[-1] = sum(run.alive and run.started is not None for run in book.running)
    concurrency = _lines([*edges[:-1], last], [("running at a time", "running", running)], "tasks")
    between = {kind: [after - before for before, after in pairwise(over[kind])] for kind in ("done", "failed")}
    lines = [(kind, kind, numbers) for kind, numbers in between.items() if any(numbers)]
    throughput = {**_lines(edges[:-1], lines, "attempts"), "step": step / 1000, "stacked": True}
    return {"concurrency": concurrency, **({"throughput": throughput} if lines else {})}


def _before(moments: Sequence[Sequence[int]], begin: int, step: int, edges: int) -> list[int]:
    """How many of the (ascending) moments come before each edge; before the last one all of them do."""
    inner = [sum(bisect_left(each, begin + step * number) for each in moments) for number in range(edges - 1)]
    return [*inner, sum(map(len, moments))]


def _queue(book: Book) -> Series | None:
    """How many waited at earlier renderings, and now."""
    past = [(each.moment, each.counts) for each in book.previous if each.moment < book.taken]
    past.append((book.taken, book.snapshot.counts))
    waiting = [counts.todo + counts.waiting for _, counts in past]
    if len(past) < 4 or not any(waiting):
        return None
    return _lines([moment for moment, _ in past], [("waiting to run", "todo", waiting)], "tasks")


def _lines(x: Sequence[float], lines: Iterable[tuple[str, str, Sequence[float | None]]], unit: str) -> Series:
    found = [{"label": label, "state": state, "y": list(y)} for label, state, y in lines]
    return {"kind": "lines", "x": [round(moment, 3) for moment in x], "lines": found, "ylabel": unit}


def _thinned(loads: Sequence[Load]) -> Sequence[Load]:
    return loads[:: -(-len(loads) // MOST_LOADS)]


def _load(loads: Sequence[Load], cpus: int | None) -> Series:
    """Shares of the node: busy CPUs, load for each CPU, memory in use."""
    memory = [
        None if load.memory_used is None or not load.memory_total else round(load.memory_used / load.memory_total, 4)
        for load in loads
    ]
    share = [None if load.load is None else round(load.load / (cpus or 1), 4) for load in loads]
    busy = [None if load.cpu is None else round(load.cpu, 4) for load in loads]
    lines = [("CPU busy", "done", busy), ("load per CPU", "running", share), ("memory in use", "waiting", memory)]
    kept = [line for line in lines if any(value is not None for value in line[2])]
    return {**_lines([load.moment for load in loads], kept, "share of the node"), "percent": True}


# -- distributions ---------------------------------------------------------------------------------------------------


def _histograms(batches: Sequence[Batch]) -> dict[str, Series]:
    """Of each batch by itself, and of the largest ones between the same edges."""
    found: dict[str, Series] = {}
    for kind, unit in (("run", "s"), ("wait", "s"), ("memory", "B")):
        known = [
            (batch.name, values) for batch in batches if (values := getattr(batch, kind)) and values.number >= LEAST
        ]
        known.sort(key=lambda item: -item[1].number)
        for name, values in known[:MOST_BATCHES]:
            found[f"{kind}:{name}"] = _bars([(name, values)], unit)
        if known:
            found[kind] = _bars(known[:TOGETHER], unit)
    return found


def _bars(groups: Sequence[tuple[str, Distribution]], unit: str) -> Series:
    low = min(values.quantile(0.002) for _, values in groups)
    edges = log_edges(low, max(values.largest for _, values in groups))
    bars = [{"label": name, "y": list(histogram(values.values, edges).counts)} for name, values in groups]
    return {"kind": "bars", "edges": [float(f"{edge:.6g}") for edge in edges], "groups": bars, "unit": unit}


# -- waited and ran, requested and used ------------------------------------------------------------------------------


def _wait_run(groups: Groups) -> Series | None:
    """Run times against waits, seconds, of the newest attempts that ended well and were the first of their tasks."""
    table = groups.table
    points = [
        [table.seconds[row], max(0.01, (table.started[row] - table.submitted[row]) / 1000), table.task[row]]
        for row in groups.newest(MOST_POINTS)
        if table.seconds[row] > 0 and table.started[row] != NONE != table.submitted[row] and table.number[row] == FIRST
    ]
    return {**_scatter(points, "ran", "waited"), "unit": "s"} if len(points) >= LEAST else None


def _cpu_used(groups: Groups) -> Series | None:
    """CPUs asked for against CPUs used, of the newest attempts that ended well."""
    table = groups.table
    points = [
        [table.cpus[row], float(f"{table.cpu_seconds[row] / table.seconds[row]:.3g}"), table.task[row]]
        for row in groups.newest(MOST_POINTS)
        if table.seconds[row] >= 0.5 and table.cpu_seconds[row] >= 0 and table.cpus[row] > 0
    ]
    return _scatter(points, "CPUs asked for", "CPUs used") if len(points) >= LEAST else None


def _memory_used(groups: Groups) -> Series | None:
    """Memory limits against largest samples, of the newest attempts that ended by themselves."""
    table = groups.table
    points = [
        [table.memory_limit[row], table.memory[row], table.task[row]]
        for row in groups.newest(MOST_POINTS, good=False)
        if table.memory_limit[row] > 0 and table.memory[row] > 0
    ]
    return {**_scatter(points, "memory asked for", "memory used"), "unit": "B"} if len(points) >= LEAST else None


def _scatter(points: list[list[Any]], x: str, y: str) -> Series:
    return {"kind": "scatter", "points": points, "xlabel": x, "ylabel": y, "diagonal": True}
