"""The numbers behind the plots of the page, as its script draws them.

The rule: pure, and bounded whatever the size of the spool: so many bins, so many points, so many batches.  A plot of too
little to be a picture is not made.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Any

from dsgspool.report.book import Book, Load
from dsgspool.report.statistics import sums
from dsgspool.report.table import NONE

Series = dict[str, Any]

DAY = 86400.0
BINS = 160  #: of time
BARS = 24  #: of a histogram
LEAST = 5  #: values of a histogram
MOST_BATCHES, MOST_POINTS, MOST_LOADS = 40, 2000, 600


def series(book: Book) -> dict[str, Series]:
    """Key -> plot."""
    found: dict[str, Series] = {**_over_time(book), **_histograms(book)}
    for node in book.nodes:
        if len(node.loads) > 1:
            found[f"load:{node.host}"] = _load(node.loads[-MOST_LOADS:], node.cpus)
    if used := _cpu_used(book):
        found["cpu-used"] = used
    if past := _queue(book):
        found["queue"] = past
    return found


# -- over time -------------------------------------------------------------------------------------------------------


def _over_time(book: Book) -> dict[str, Series]:
    """What ran and what ended, from the first start (at most a day ago) until now."""
    table = book.attempts
    starts = sorted(started / 1000 for started in table.started if started != NONE)
    if not starts:
        return {}
    end = book.taken
    begin = max(starts[0], end - DAY)
    if end - begin < 1:
        return {}
    width = (end - begin) / BINS
    edges = [begin + width * number for number in range(BINS + 1)]
    ends = sorted(
        ended / 1000
        for started, ended, outcome in zip(table.started, table.ended, table.outcome, strict=True)
        if outcome and started != NONE and ended != NONE
    )
    running = [max(0, bisect_right(starts, edge) - bisect_right(ends, edge)) for edge in edges]
    concurrency = _lines(edges, [("running", "running", running)], "tasks at a time")
    lines = [("done", "done", _ended(book, edges, good=True)), ("failed", "failed", _ended(book, edges, good=False))]
    return {"concurrency": concurrency, "throughput": _lines(edges[1:], lines, f"attempts ended in {width:.0f} s")}


def _ended(book: Book, edges: Sequence[float], *, good: bool) -> list[int]:
    table = book.attempts
    moments = sorted(
        ended / 1000
        for ended, outcome in zip(table.ended, table.outcome, strict=True)
        if ended != NONE and outcome and (outcome == "done") is good and outcome not in ("stopped", "revoked")
    )
    until = [bisect_right(moments, edge) for edge in edges]
    return [later - earlier for earlier, later in zip(until, until[1:], strict=False)]


def _queue(book: Book) -> Series | None:
    """How many waited at earlier renderings, and now."""
    past = [(each.moment, each.counts) for each in book.previous]
    past.append((book.taken, book.snapshot.counts))
    if len(past) < 3:
        return None
    waiting = [counts.todo + counts.waiting for _, counts in past]
    return _lines([moment for moment, _ in past], [("to do", "todo", waiting)], "tasks")


def _lines(x: Sequence[float], lines: Iterable[tuple[str, str, Sequence[float | None]]], unit: str) -> Series:
    found = [{"label": label, "state": state, "y": list(y)} for label, state, y in lines]
    return {"kind": "lines", "x": [round(moment, 3) for moment in x], "lines": found, "ylabel": unit}


def _load(loads: Sequence[Load], cpus: int | None) -> Series:
    memory = [
        None if load.memory_used is None or not load.memory_total else round(load.memory_used / load.memory_total, 4)
        for load in loads
    ]
    share = [None if load.load is None else round(load.load / (cpus or 1), 4) for load in loads]
    lines = [
        ("load per CPU", "running", share),
        ("CPU", "done", [load.cpu for load in loads]),
        ("memory", "waiting", memory),
    ]
    kept = [line for line in lines if any(value is not None for value in line[2])]
    return _lines([load.moment for load in loads], kept, "share")


# -- distributions ---------------------------------------------------------------------------------------------------


def _histograms(book: Book) -> dict[str, Series]:
    collected = sums(book)
    names = sorted(collected, key=lambda name: (-len(collected[name].run), name))[:MOST_BATCHES]
    found = {}
    for name in names:
        each = collected[name]
        for kind, values, unit in (("run", each.run, "s"), ("wait", each.wait, "s"), ("memory", each.memory, "B")):
            if plot := histogram(values, kind, unit):
                found[f"{kind}:{name}"] = plot
    return found


def histogram(values: Sequence[float], label: str, unit: str) -> Series | None:
    """Bars between edges that grow by a constant factor; None for too few values, or all the same."""
    if len(values) < LEAST:
        return None
    least = max(min(values), 0.001)
    most = max(max(values), least)
    if most / least < 1.02:
        least, most = least / 1.5, most * 1.5
    factor = (most / least) ** (1 / BARS)
    edges = [least * factor**number for number in range(BARS + 1)]
    numbers = [0] * BARS
    scale = math.log(factor)
    for value in values:
        numbers[min(BARS - 1, max(0, int(math.log(max(value, least) / least) / scale)))] += 1
    return {
        "kind": "bars", "edges": [float(f"{edge:.6g}") for edge in edges], "groups": [{"label": label, "y": numbers}],
        "unit": unit,
    }  # fmt: skip


def _cpu_used(book: Book) -> Series | None:
    """Cores asked for against cores used, of the newest attempts that ended well."""
    table = book.attempts
    points: list[tuple[int, float, str]] = []
    for row in range(len(table) - 1, -1, -1):
        seconds, used = table.seconds[row], table.cpu_seconds[row]
        if table.outcome[row] == "done" and seconds > 0.05 and not math.isnan(used):
            points.append((max(1, table.cpus[row]), round(used / seconds, 3), table.task[row]))
            if len(points) == MOST_POINTS:
                break
    if len({cpus for cpus, _, _ in points}) < 2:
        return None
    return {
        "kind": "scatter", "points": [list(point) for point in points], "xlabel": "CPUs asked for",
        "ylabel": "CPUs used", "diagonal": True,
    }  # fmt: skip
