"""What the attempts say as numbers: distributions for each batch and node, rates, bars.

The rule: pure, and distributions instead of means: quantiles and histograms of what was measured, nothing where nothing
was.  What the columns say is worked out in tallies; a million attempts are no objects.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from dataclasses import field
from itertools import chain, pairwise
from typing import TYPE_CHECKING

from dsgspool.classes import dataclass
from dsgspool.report.table import NO_END, NONE
from dsgspool.report.tally import NEVER_BEGAN, SAYS_NOTHING, Key, Share, Tally, batch_of
from dsgspool.task import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dsgspool.report.table import Attempts
    from dsgspool.snapshot.values import Counts

#: The parts of a bar from left to right.
ORDER = (State.DONE, State.FAILED, State.RUNNING, State.TODO, State.WAITING, State.HOLD)

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


# -- all tallies together --------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Groups:
    """The attempts by batch, host and outcome; those of the last hour by themselves."""

    table: Attempts
    taken: float
    tallies: Sequence[Tally]  #: of all rows, in their order
    counts: Counter[Key] = field(default_factory=Counter)  #: attempts
    by_batch: dict[str, Counter[str]] = field(default_factory=dict)  #: the same of each batch, by outcome
    by_host: dict[str, Counter[str]] = field(default_factory=dict)
    shares: dict[str, list[Share]] = field(default_factory=dict)  #: of each batch, in the order of the tallies
    recent: list[int] = field(default_factory=list)  #: rows of those that ran and ended in the last hour
    hour: dict[str, dict[str, int]] = field(default_factory=dict)  #: batch -> outcome -> how many of them

    @classmethod
    def of(cls, table: Attempts, taken: float, tallies: Sequence[Tally] = ()) -> Groups:
        """`tallies`: of all rows; what is not given is made."""
        groups = cls(table, taken, tallies or [Tally.of(table, 0, len(table))])
        limit = int((taken - HOUR) * 1000)
        for tally in groups.tallies:
            groups.counts.update(tally.counts)
            for batch, share in tally.shares.items():
                groups.shares.setdefault(batch, []).append(share)
            if tally.last >= limit:
                ended = enumerate(table.ended[tally.first : tally.stop], tally.first)
                late = [row for row, moment in ended if moment >= limit]
                groups.recent += [row for row in late if table.outcome[row] not in (*NO_END, *NEVER_BEGAN)]
        for (batch, host, outcome), number in groups.counts.items():
            groups.by_batch.setdefault(batch, Counter())[outcome] += number
            groups.by_host.setdefault(host, Counter())[outcome] += number
        for row in groups.recent:
            outcomes = groups.hour.setdefault(batch_of(table.task[row]), {})
            outcomes[table.outcome[row]] = outcomes.get(table.outcome[row], 0) + 1
        return groups

    def newest(self, most: int, batch: str | None = None, *, good: bool = True) -> list[int]:
        """Rows, in ascending order, of the newest attempts that ended well, or of all that ended by themselves."""
        found: list[int] = []
        outcome = self.table.outcome
        for rows in self._newest_first(batch):
            fitting = [row for row in rows if outcome[row] == "done"] if good else rows
            found += fitting[len(found) - most :][::-1]
            if len(found) >= most:
                break
        return found[::-1]

    def _newest_first(self, batch: str | None) -> Iterator[Sequence[int]]:
        if batch is not None:
            yield from (share.rows for share in reversed(self.shares.get(batch, ())))
            return
        for tally in reversed(self.tallies):
            yield sorted(chain.from_iterable(share.rows for share in tally.shares.values()))

    def running(self) -> list[int]:
        """Rows of attempts that have no end yet: none of them is over for ever."""
        return [row for row in range(self.table.settled, len(self.table)) if self.table.outcome[row] in NO_END]

    def outcomes(self, *, batch: str | None = None, host: str | None = None) -> dict[str, int]:
        """How often each outcome in a batch or on a host, the most frequent first."""
        if batch is not None or host is not None:
            found = self.by_batch.get(batch) if batch is not None else self.by_host.get(host or "")
            return dict(found.most_common()) if found else {}
        whole: Counter[str] = Counter()
        for counter in self.by_batch.values():
            whole.update(counter)
        return dict(whole.most_common())

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
        for (_, host, outcome), number in self.counts.items():
            if host and outcome not in SAYS_NOTHING:
                found[host] += number
        return dict(found)

    def batches_by_host(self) -> dict[str, dict[str, int]]:
        """Host -> batch -> attempts that began."""
        found: dict[str, Counter[str]] = {}
        for (batch, host, outcome), number in self.counts.items():
            if outcome not in NEVER_BEGAN:
                found.setdefault(host, Counter())[batch] += number
        return {host: dict(counter.most_common()) for host, counter in found.items()}

    def seconds(self, batch: str | None = None) -> list[float]:
        """Run times of attempts that ended well, ascending."""
        return merged(share.seconds for share in self._of(batch))

    def waits(self, batch: str) -> list[float]:
        """Seconds from submission to start, ascending, of first attempts: a file keeps its moment when it goes again."""
        return merged(share.waits for share in self._of(batch))

    def memory(self, batch: str) -> list[float]:
        """Largest samples, bytes, ascending."""
        return merged(share.memory for share in self._of(batch))

    def _of(self, batch: str | None) -> Iterable[Share]:
        return chain.from_iterable(self.shares.values()) if batch is None else self.shares.get(batch, ())

    def span(self, batch: str | None = None) -> tuple[float, float] | None:
        """First start and last end, None when nothing ended."""
        first = min((share.first for share in self._of(batch) if share.first != NONE), default=NONE)
        last = max((share.last for share in self._of(batch)), default=NONE)
        return None if NONE in (first, last) else (first / 1000, last / 1000)

    def slowest(self, batch: str) -> int:
        """Row of the longest attempt that ended well, -1 when there is none."""
        found = [share.slowest for share in self._of(batch) if share.slowest >= 0]
        return max(found, key=self.table.seconds.__getitem__, default=-1)


def merged(parts: Iterable[Iterable[float]]) -> list[float]:
    """Ascending values of several tallies as one ascending list: sorting finds the ascending parts by itself."""
    return sorted(chain.from_iterable(parts))


# -- use -------------------------------------------------------------------------------------------------------------


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
