"""What the attempts say as numbers: distributions for each batch and node, rates, bars.

The rule: pure, and distributions instead of means: quantiles and histograms of what was measured, nothing where nothing
was.  The columns of the table are walked once, into groups of rows; a million attempts are no objects.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from itertools import count, pairwise
from typing import TYPE_CHECKING

from dsgspool.report.table import NONE
from dsgspool.task import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dsgspool.report.table import Attempts
    from dsgspool.snapshot.values import Counts

#: The parts of a bar from left to right.
ORDER = (State.DONE, State.FAILED, State.RUNNING, State.TODO, State.WAITING, State.HOLD)
Group = tuple[str, list[int]]  #: (outcome, rows)

GIVEN_BACK = ("stopped", "revoked", "pruned")  #: outcomes that say nothing of the command
BINS = 24  #: of a histogram
NEWEST = 2000  #: attempts of a batch that are looked at one by one
HOUR = 3600.0
DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar."""

    state: State
    number: int
    percent: float


def bar(counts: Counts) -> list[Part]:
    """The parts of a bar that are not empty; a part of 1 in 10,000 is still to be seen."""
    numbers = [(state, getattr(counts, state.value)) for state in ORDER]
    shown = [(state, number, max(number / counts.total * 100, 0.4)) for state, number in numbers if number]
    whole = sum(percent for _, _, percent in shown)
    return [Part(state, number, percent / whole * 100) for state, number, percent in shown]


# -- distributions ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Histogram:
    """`counts[i]` values lie in [edges[i], edges[i + 1]); the last one includes its end.  Log-spaced."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]

    @property
    def most(self) -> int:
        """The largest count."""
        return max(self.counts, default=0)


@dataclass(frozen=True, slots=True)
class Distribution:
    """Some values in ascending order; never empty."""

    values: Sequence[float]

    @property
    def number(self) -> int:
        """How many."""
        return len(self.values)

    def quantile(self, share: float) -> float:
        """Linear between the two nearest values."""
        at = (len(self.values) - 1) * share
        low = math.floor(at)
        high = min(low + 1, len(self.values) - 1)
        return self.values[low] + (self.values[high] - self.values[low]) * (at - low)

    @property
    def p10(self) -> float:
        """One in ten is below."""
        return self.quantile(0.1)

    @property
    def p50(self) -> float:
        """The median."""
        return self.quantile(0.5)

    @property
    def p90(self) -> float:
        """One in ten is above."""
        return self.quantile(0.9)

    @property
    def largest(self) -> float:
        """The last one."""
        return self.values[-1]

    @property
    def sum(self) -> float:
        """All together."""
        return math.fsum(self.values)


def distribution(values: Iterable[float]) -> Distribution | None:
    """None when there are no values."""
    found = sorted(values)
    return Distribution(found) if found else None


def log_edges(low: float, high: float, bins: int = BINS) -> tuple[float, ...]:
    """Edges whose ratios are equal, from `low` to `high`; at least a factor of four apart."""
    low = max(low, high / 1e6, 1e-3)
    high = max(high, low)
    if high < 4 * low:
        middle = math.sqrt(low * high)
        low, high = middle / 2, middle * 2
    step = (math.log(high) - math.log(low)) / bins
    return tuple(math.exp(math.log(low) + step * number) for number in range(bins + 1))


def histogram(values: Sequence[float], edges: tuple[float, ...]) -> Histogram:
    """How many of the (ascending) values lie between each two edges; what lies outside counts at the end."""
    at = [0, *(bisect_left(values, edge) for edge in edges[1:-1]), len(values)]
    return Histogram(edges, tuple(after - before for before, after in pairwise(at)))


# -- groups of rows --------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Groups:
    """Rows of the table by batch, host and outcome ('' = still running); those of the last hour by themselves."""

    table: Attempts
    taken: float
    rows: dict[tuple[str, str, str], list[int]] = field(default_factory=dict)
    by_batch: dict[str, list[Group]] = field(default_factory=dict)
    by_host: dict[str, list[Group]] = field(default_factory=dict)
    recent: list[int] = field(default_factory=list)  #: ended in the last hour
    hour: dict[str, dict[str, int]] = field(default_factory=dict)  #: batch -> outcome -> how many of them

    @classmethod
    def of(cls, table: Attempts, taken: float) -> Groups:
        """The one walk over all rows; in C, because there may be a million."""
        rows: defaultdict[tuple[str, str, str], list[int]] = defaultdict(list)
        keys = zip(table.batch, table.host, table.outcome, strict=True)
        deque(map(list.append, map(rows.__getitem__, keys), count()), maxlen=0)
        groups = cls(table, taken, dict(rows))
        for (batch, host, outcome), numbers in rows.items():
            groups.by_batch.setdefault(batch, []).append((outcome, numbers))
            groups.by_host.setdefault(host, []).append((outcome, numbers))
        limit = int((taken - HOUR) * 1000)
        groups.recent = [row for row, ended in enumerate(table.ended) if ended >= limit and table.outcome[row]]
        for row in groups.recent:
            outcomes = groups.hour.setdefault(table.batch[row], {})
            outcomes[table.outcome[row]] = outcomes.get(table.outcome[row], 0) + 1
        return groups

    def pick(self, batch: str | None = None) -> Iterator[Group]:
        """(outcome, rows) of one batch, or all of them."""
        if batch is not None:
            yield from self.by_batch.get(batch, ())
            return
        for (_, _, outcome), rows in self.rows.items():
            yield outcome, rows

    def newest(self, most: int, batch: str | None = None, *, good: bool = True) -> list[int]:
        """Rows, in ascending order, of the newest attempts that ended well, or of all that ended by themselves."""
        found = [
            row
            for outcome, rows in self.pick(batch)
            if outcome == "done" or not (good or outcome in ("", "lost", *GIVEN_BACK))
            for row in rows[-most:]
        ]
        return sorted(found)[-most:]

    def outcomes(self, *, batch: str | None = None, host: str | None = None) -> dict[str, int]:
        """How often each outcome in a batch or on a host, the most frequent first."""
        found: Counter[str] = Counter()
        for outcome, rows in self.by_host.get(host, ()) if host is not None else self.pick(batch):
            found[outcome] += len(rows)
        return dict(found.most_common())

    def last_hour(self, batch: str | None = None) -> dict[str, int]:
        """How many attempts ended in the last hour, by outcome."""
        if batch is not None:
            return self.hour.get(batch, {})
        found: Counter[str] = Counter()
        for outcomes in self.hour.values():
            found.update(outcomes)
        return dict(found)

    def ended_by_host(self) -> dict[str, int]:
        """How many attempts ended by themselves on each node."""
        found: Counter[str] = Counter()
        for (_, host, outcome), rows in self.rows.items():
            if host and outcome and outcome not in GIVEN_BACK:
                found[host] += len(rows)
        return dict(found)

    def batches_by_host(self) -> dict[str, dict[str, int]]:
        """Host -> batch -> attempts."""
        found: dict[str, Counter[str]] = {}
        for (batch, host, _), rows in self.rows.items():
            found.setdefault(host, Counter())[batch] += len(rows)
        return {host: dict(counter.most_common()) for host, counter in found.items()}

    def seconds(self, batch: str) -> list[float]:
        """Run times of attempts that ended well; in no order."""
        column = self.table.seconds.__getitem__
        return [
            value
            for outcome, rows in self.pick(batch)
            if outcome == "done"
            for value in map(column, rows)
            if value >= 0
        ]

    def waits(self, batch: str) -> list[float]:
        """Seconds from submission to start; of later attempts too, because one waits for them as well."""
        submitted, started = self.table.submitted.__getitem__, self.table.started.__getitem__
        pairs = (zip(map(started, rows), map(submitted, rows), strict=True) for _, rows in self.pick(batch))
        return [
            (start - sent) / 1000 if start > sent else 0.0
            for each in pairs
            for start, sent in each
            if start != NONE != sent
        ]

    def memory(self, batch: str) -> list[float]:
        """Largest samples, bytes."""
        column = self.table.memory.__getitem__
        return [value for _, rows in self.pick(batch) for value in map(column, rows) if value > 0]

    def span(self, batch: str | None = None) -> tuple[float, float] | None:
        """First start and last end, None when nothing ended."""
        started, ended = self.table.started.__getitem__, self.table.ended.__getitem__
        firsts, lasts = [], []
        for _, rows in self.pick(batch):
            first = min(map(started, rows))
            firsts.append(first if first != NONE else min(filter(NONE.__lt__, map(started, rows)), default=NONE))
            lasts.append(max(map(ended, rows)))
        first, last = min(filter(NONE.__lt__, firsts), default=NONE), max(lasts, default=NONE)
        return None if NONE in (first, last) else (first / 1000, last / 1000)

    def slowest(self, batch: str) -> int:
        """Row of the longest attempt that ended well, -1 when there is none."""
        column = self.table.seconds.__getitem__
        found = [max(rows, key=column) for outcome, rows in self.pick(batch) if outcome == "done"]
        return max((row for row in found if column(row) >= 0), key=column, default=-1)


# -- rates and use ---------------------------------------------------------------------------------------------------


def rates(groups: Groups) -> tuple[float, float] | None:
    """(done, not done) an hour, in the last hour or since the first start when that is later; None before 5 min."""
    span = groups.span()
    if span is None or groups.taken - span[0] < 300:
        return None
    seconds = min(HOUR, groups.taken - span[0])
    ended = groups.last_hour()
    bad = sum(number for outcome, number in ended.items() if outcome != "done" and outcome not in GIVEN_BACK)
    return ended.get("done", 0) / seconds * HOUR, bad / seconds * HOUR


@dataclass(frozen=True, slots=True)
class Use:
    """Requested against used, of the newest attempts that ended well and were measured.  Shares: 0 to 1 and more."""

    number: int
    cpus: int | None  #: requested, the most frequent
    cpu: Distribution | None  #: share of the requested CPUs that was busy
    memory: Distribution | None  #: share of the memory limit that was used


def use(groups: Groups, batch: str | None = None) -> Use | None:
    """None when nothing was measured."""
    table, rows = groups.table, groups.newest(NEWEST, batch)
    measured = [
        row for row in rows if table.seconds[row] >= 0.5 and table.cpus[row] > 0 and table.cpu_seconds[row] >= 0
    ]
    cpu = [table.cpu_seconds[row] / table.seconds[row] / table.cpus[row] for row in measured]
    limited = [row for row in rows if table.memory_limit[row] > 0 and table.memory[row] > 0]
    memory = [table.memory[row] / table.memory_limit[row] for row in limited]
    if not cpu and not memory:
        return None
    asked = Counter(map(table.cpus.__getitem__, measured)).most_common(1)
    return Use(max(len(cpu), len(memory)), asked[0][0] if asked else None, distribution(cpu), distribution(memory))
