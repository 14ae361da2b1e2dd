"""What the book's numbers mean, batch by batch and node by node.

The rule: pure, one pass over the columns for each question, and distributions instead of means.  Quantiles are those of
the sorted values without interpolation: each is a time that some task really took.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from dsgspool.report.book import Book, Node
from dsgspool.report.failures import clusters
from dsgspool.report.forecast import Forecast, forecast
from dsgspool.report.table import NONE, Attempts
from dsgspool.snapshot.values import Counts
from dsgspool.task import State

#: The parts of a bar from left to right.
ORDER = (State.DONE, State.FAILED, State.RUNNING, State.TODO, State.WAITING, State.HOLD)
HOUR = 3600.0
LEAST = 0.4  #: percent of a bar that its smallest part gets, to be seen


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar."""

    state: State
    number: int
    percent: float


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Of `n` values; seconds, bytes, or whatever they are."""

    n: int
    least: float
    p10: float
    p50: float
    p90: float
    longest: float


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch, '' = what is in none.  Shares: of what was asked for, 1 = all of it; None = not known."""

    name: str
    counts: Counts
    forecast: Forecast | None
    per_hour: float  #: finished attempts, over the last hour or since the first
    run: Quantiles | None  #: seconds of attempts that ended well
    wait: Quantiles | None  #: seconds from submission to the start of the first attempt
    memory: Quantiles | None  #: bytes, peak
    cpu_share: float | None  #: CPU time used, of the slots taken times their run time
    memory_share: Quantiles | None  #: peak memory over limits.memory
    bad: int  #: attempts that ended badly, retried ones included


@dataclass(frozen=True, slots=True)
class NodeFigures:
    """A node.  `state`: alive, silent or gone; `busy_share`: of its slots over the last hour, None = it has none."""

    node: Node
    state: str
    slots: int
    used: int
    done: int
    failed: int  #: attempts that ended badly there
    lost: int  #: attempts that were lost with a worker of it
    busy_share: float | None


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened in the last `seconds`."""

    seconds: float
    done: int
    failed: int
    started: int
    new_clusters: tuple[str, ...]  #: patterns of causes that were not there before

    @property
    def nothing(self) -> bool:
        """True when nothing did."""
        return not (self.done or self.failed or self.started)


def bar(counts: Counts) -> list[Part]:
    """The parts of a bar that are not empty; the smallest is still to be seen."""
    numbers = [(state, getattr(counts, state.value)) for state in ORDER]
    shown = [(state, number, max(number / counts.total * 100, LEAST)) for state, number in numbers if number]
    whole = sum(percent for _, _, percent in shown)
    return [Part(state, number, percent / whole * 100) for state, number, percent in shown]


def quantiles(values: Iterable[float]) -> Quantiles | None:
    """None when there are no values."""
    found = sorted(values)
    if not found:
        return None
    p10, p50, p90 = (found[min(len(found) - 1, int(share * len(found)))] for share in (0.1, 0.5, 0.9))
    return Quantiles(len(found), found[0], p10, p50, p90, found[-1])


# -- batches ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Sums:
    """What one pass over the attempts collects of a batch."""

    run: array[float] = field(default_factory=lambda: array("d"))
    wait: array[float] = field(default_factory=lambda: array("d"))
    memory: array[float] = field(default_factory=lambda: array("d"))
    memory_share: array[float] = field(default_factory=lambda: array("d"))
    cpu_used: float = 0.0
    cpu_taken: float = 0.0
    recent: int = 0
    bad: int = 0
    first: int = NONE  #: ms: the earliest start


def sums(book: Book) -> dict[str, Sums]:
    """Batch -> what its attempts tell."""
    table = book.attempts
    since = int(1000 * (book.taken - HOUR))
    found: dict[str, Sums] = {}
    for row, (batch, outcome) in enumerate(zip(table.batch, table.outcome, strict=True)):
        each = found.get(batch)
        if each is None:
            each = found[batch] = Sums()
        _begun(each, table, row)
        if outcome:
            each.recent += table.ended[row] >= since
            each.bad += outcome not in ("done", "stopped", "revoked")
        if outcome == "done":
            _ended_well(each, table, row)
    return found


def _begun(each: Sums, table: Attempts, row: int) -> None:
    started = table.started[row]
    if started == NONE:
        return
    each.first = started if each.first == NONE else min(each.first, started)
    if table.number[row] == 1 and table.submitted[row] != NONE:
        each.wait.append(max(0, started - table.submitted[row]) / 1000)


def _ended_well(each: Sums, table: Attempts, row: int) -> None:
    seconds, cpu, memory = table.seconds[row], table.cpu_seconds[row], table.memory[row]
    if not math.isnan(seconds):
        each.run.append(seconds)
        if not math.isnan(cpu):
            each.cpu_used += cpu
            each.cpu_taken += seconds * max(1, table.cpus[row])
    if memory > 0:
        each.memory.append(memory)
        if table.memory_limit[row] > 0:
            each.memory_share.append(memory / table.memory_limit[row])


def batches(book: Book) -> tuple[Batch, ...]:
    """Those that are not through first, then by name; '' last.  Nothing when there are no batches."""
    collected = sums(book)
    found = [_batch(book, name, counts, collected.get(name, Sums())) for name, counts in book.snapshot.batches.items()]
    return tuple(sorted(found, key=lambda each: (not each.name, not each.counts.open, each.name)))


def _batch(book: Book, name: str, counts: Counts, each: Sums) -> Batch:
    span = min(HOUR, book.taken - each.first / 1000) if each.first != NONE else HOUR
    return Batch(
        name=name,
        counts=counts,
        forecast=forecast(book, name) if counts.running else None,
        per_hour=each.recent / max(span, 1.0) * HOUR,
        run=quantiles(each.run),
        wait=quantiles(each.wait),
        memory=quantiles(each.memory),
        cpu_share=each.cpu_used / each.cpu_taken if each.cpu_taken else None,
        memory_share=quantiles(each.memory_share),
        bad=each.bad,
    )


# -- nodes -----------------------------------------------------------------------------------------------------------


def nodes(book: Book) -> tuple[NodeFigures, ...]:
    """The living first, then the silent, then those that have gone."""
    table = book.attempts
    tally: dict[str, list[int]] = {}
    for host, outcome in zip(table.host, table.outcome, strict=True):
        numbers = tally.setdefault(host, [0, 0, 0])
        numbers[0] += outcome == "done"
        numbers[1] += outcome not in ("", "done", "lost", "stopped", "revoked")
        numbers[2] += outcome == "lost"
    busy = _busy(book)
    found = [_node(book, node, tally.get(node.host, [0, 0, 0]), busy.get(node.host, 0.0)) for node in book.nodes]
    rank = {"alive": 0, "silent": 1, "gone": 2}
    return tuple(sorted(found, key=lambda each: (rank[each.state], each.node.host)))


def _node(book: Book, node: Node, numbers: Sequence[int], busy: float) -> NodeFigures:
    began = [worker.started for worker in node.workers if worker.alive and worker.started is not None]
    window = min(HOUR, book.taken - min(began)) if began else 0.0
    return NodeFigures(
        node=node,
        state="alive" if node.alive else "silent" if node.silent else "gone",
        slots=node.slots,
        used=sum(len(worker.running) for worker in node.workers),
        done=numbers[0],
        failed=numbers[1],
        lost=numbers[2],
        busy_share=min(1.0, busy / (node.slots * window)) if node.slots and window > 0 else None,
    )


def _busy(book: Book) -> dict[str, float]:
    """Host -> slot seconds that attempts took in the last hour."""
    table, now = book.attempts, int(1000 * book.taken)
    since = now - int(1000 * HOUR)
    found: dict[str, float] = {}
    for row in range(len(table)):
        ended = table.ended[row] if table.outcome[row] else now
        if ended > since and table.started[row] != NONE:
            taken = (ended - max(since, table.started[row])) / 1000 * max(1, table.cpus[row])
            found[table.host[row]] = found.get(table.host[row], 0.0) + max(0.0, taken)
    return found


# -- what changed ----------------------------------------------------------------------------------------------------


def changes(book: Book, seconds: float = HOUR) -> Changes:
    """What the last hour brought."""
    table, since = book.attempts, int(1000 * (book.taken - seconds))
    done = sum(ended >= since and outcome == "done" for ended, outcome in zip(table.ended, table.outcome, strict=True))
    new = [each.pattern for each in clusters(book) if each.first is not None and each.first * 1000 >= since]
    return Changes(
        seconds=seconds,
        done=done,
        failed=sum(failure.moment is not None and failure.moment * 1000 >= since for failure in book.failed),
        started=sum(started >= since for started in table.started),
        new_clusters=tuple(new),
    )
