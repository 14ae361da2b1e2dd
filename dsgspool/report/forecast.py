"""When it will be done: a band that eight of ten forecasts lie in, from the distribution of durations so far.

The rule: honest or silent.  Each task that is left takes as long as one of the same batch did, drawn anew in many
rehearsals, as many at a time as run now on nodes that take more; that few are known widens the band; nothing is said while
too little is known, or while every node that works is at rest.  A node whose hours end before that counts as one at rest for the
likely and the late end, and when all of them are such nothing is said.  A sweep is foretold by its items, which take what
those of its chunks took: how many items a file stands for says nothing of another file.
The same book gives the same band: the dice are a counter.
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_right
from collections.abc import Container, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING

from dsgspool.classes import dataclass
from dsgspool.ranges import parse_range
from dsgspool.report.table import FIRST
from dsgspool.task import Kind

if TYPE_CHECKING:
    from dsgspool.report.book import Book, RunningNow
    from dsgspool.report.statistics import Groups

ENOUGH = 5  #: attempts that ended, below which nothing is foretold
THROWS = 20_000  #: of the dice for one forecast
REHEARSALS = (20, 100)  #: at least and at most
MANY = 200  #: tasks left, above which sums are drawn instead of tasks
NEWEST = 1000  #: attempts of a batch that a forecast rests on
UNKNOWN = 0.05  #: share of the tasks left that may be of batches nothing is known of
WHOLE = ("done", Kind.ITEMS)  #: what the outcome of a chunk begins with that ran all its items
_BITS = (1 << 64) - 1
_UNIT = 1 / (1 << 53)


@dataclass(frozen=True, slots=True)
class Forecast:
    """Seconds from now: one in ten ends before `early`, one in ten after `late`."""

    early: float
    likely: float
    late: float
    concurrency: int
    known: int  #: attempts that the forecast rests on


class Dice:
    """Even numbers in [0, 1), always the same."""

    def __init__(self) -> None:
        self._state = 0x9E3779B97F4A7C15

    def __call__(self) -> float:
        """The next one (a linear congruence, of which the upper bits are used)."""
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) & _BITS
        return (self._state >> 11) * _UNIT

    def normal(self) -> float:
        """A number of the standard normal distribution."""
        return math.sqrt(-2 * math.log(1 - self())) * math.cos(2 * math.pi * self())


class Pool:
    """Tasks of one batch that are left, and the durations that they may have."""

    def __init__(self, left: int, seconds: Sequence[float]) -> None:
        self.left, self.seconds = left, sorted(seconds)
        number = len(self.seconds)
        self.mean = math.fsum(self.seconds) / max(1, number)
        squares = math.fsum((each - self.mean) ** 2 for each in self.seconds)
        self.deviation = math.sqrt(squares / max(1, number - 1))
        self.doubt = self.deviation / max(self.mean, 1e-9) / math.sqrt(max(1, number))

    @property
    def is_known(self) -> bool:
        """True when enough of them ended."""
        return len(self.seconds) >= ENOUGH

    def factor(self, dice: Dice) -> float:
        """By how much the true mean may differ from the one seen."""
        return max(0.2, 1 + self.doubt * dice.normal())

    def draw(self, dice: Dice) -> float:
        """One duration."""
        return self.seconds[int(dice() * len(self.seconds))]

    def rest(self, run: RunningNow, dice: Dice) -> float:
        """How long a task that runs now goes on."""
        done = run.seconds or 0.0
        if run.progress is not None and 0.03 < run.progress < 1:
            return done * (1 - run.progress) / run.progress * (0.8 + 0.4 * dice())
        first = bisect_right(self.seconds, done)
        longer = len(self.seconds) - first
        if longer:
            return self.seconds[first + int(dice() * longer)] - done
        return done * dice() / 2  # longer than all others: nobody knows


class SweptPool(Pool):
    """Items of a sweep that are left, and (items, seconds) of its chunks that ended."""

    def __init__(self, left: int, ended: Sequence[tuple[int, float]]) -> None:
        chunks = sorted((seconds / items, items) for items, seconds in ended)
        super().__init__(left, [each for each, _ in chunks])
        self._until = [*accumulate(items for _, items in chunks)]
        number = max(1, sum(items for _, items in chunks))
        self.mean = math.fsum(each * items for each, items in chunks) / number
        squares = math.fsum(items * (each - self.mean) ** 2 for each, items in chunks)
        self.deviation = math.sqrt(squares / max(1, len(chunks) - 1))
        self.doubt = self.deviation / max(self.mean, 1e-9) / math.sqrt(number)

    def draw(self, dice: Dice) -> float:
        """One item: chunks count by their items, as the first ones have but one."""
        return self.seconds[bisect_right(self._until, int(dice() * self._until[-1]))]

    def rest(self, run: RunningNow, dice: Dice) -> float:
        """A chunk tells no progress: what its log says is said by one of its items."""
        part, done = parse_range(run.identity), run.seconds or 0.0
        items = part.count if part else 1
        whole = items * self.mean * self.factor(dice) + math.sqrt(items) * self.deviation * dice.normal()
        return max(whole - done, self.draw(dice) * dice())


def forecast(book: Book, groups: Groups, batch: str | None = None) -> Forecast | None:
    """The band for all that can run, or for one batch at its own concurrency; None when it cannot be told."""
    workers = book.snapshot.workers
    at_rest = {worker.wid for worker in workers if worker.rest}
    whole = _foretold(book, groups, batch, at_rest)
    if whole is None or not _left(book, batch):
        return whole
    end = book.snapshot.taken + whole.late
    closing = {worker.wid for worker in workers if worker.closes is not None and worker.closes < end}
    fewer = _foretold(book, groups, batch, at_rest | closing) if closing - at_rest else whole
    return fewer and replace(fewer, early=min(fewer.early, whole.early))


def _foretold(book: Book, groups: Groups, batch: str | None, at_rest: set[str]) -> Forecast | None:
    """The band when workers at rest begin nothing more."""
    running = [run for run in book.running if run.alive and (batch is None or _batch(run.identity) == batch)]
    if book.snapshot.paused or not running:
        return None
    left = _left(book, batch)
    taking = [run for run in running if run.worker not in at_rest]  # slots of the others get nothing new
    if left and not taking:
        return None
    names = dict.fromkeys([*left, *(_kind(book, run) for run in running)])
    pools = {name: _pool(book, groups, name, left.get(name, 0)) for name in names}
    dark = sum(files for name, files in left.items() if not pools[name].is_known)
    dark += sum(not pools[_kind(book, run)].is_known for run in running)
    known = sum(len(pool.seconds) for pool in pools.values() if pool.is_known)
    if not known or dark > UNKNOWN * (sum(left.values()) + len(running)):
        return None
    if any(isinstance(pool, SweptPool) and pool.left and not pool.is_known for pool in pools.values()):
        return None  # one file of it may be more than all the rest
    mine = [(run, pool) for run in running if (pool := pools[_kind(book, run)]).is_known]
    ends = sorted(_rehearsals([*pools.values()], mine, at_rest, THROWS if batch is None else THROWS // 5))
    early, likely, late = (ends[int(share * (len(ends) - 1))] for share in (0.1, 0.5, 0.9))
    return Forecast(early, likely, late, len(taking or running), known)


def _batch(identity: str) -> str:
    return identity.partition("/")[0] if "/" in identity else ""


def _kind(book: Book, run: RunningNow) -> str:
    return _kind_of(book.queued, run.identity)


def _kind_of(sweeps: Container[str], identity: str) -> str:
    """Its batch, or of a part of a sweep `SWEEP/`: what is foretold together."""
    part = parse_range(identity) if sweeps and identity[-1:].isdigit() else None
    return f"{part.sweep}/" if part and part.sweep in sweeps else _batch(identity)


def _pool(book: Book, groups: Groups, kind: str, files: int) -> Pool:
    """With the run times of its newest attempts that ended by themselves, well or badly."""
    table, batch = groups.table, kind.partition("/")[0]
    rows = [row for row in groups.newest(NEWEST, batch, good=False) if table.seconds[row] >= 0]
    if book.queued:
        rows = [row for row in rows if _kind_of(book.queued, table.task[row]) == kind]
    if not kind.endswith("/"):
        return Pool(files, [table.seconds[row] for row in rows])
    # A later attempt runs the items alone that failed, and one that ended otherwise may have run none.
    rows = [row for row in rows if table.number[row] == FIRST and table.outcome[row].startswith(WHOLE)]
    chunks = [(part.count, table.seconds[row]) for row in rows if (part := parse_range(table.task[row]))]
    return SweptPool(book.queued[kind[:-1]].items if files else 0, chunks)


def _left(book: Book, batch: str | None) -> dict[str, int]:
    """Files that will run without a person: those in todo/ that somebody can start; what waits for a moment is left out."""
    found: dict[str, int] = {}
    sweeps: dict[str, dict[str, int]] = {}  # by batch
    for sweep, seen in book.queued.items():
        sweeps.setdefault(_batch(f"{sweep}/"), {})[f"{sweep}/"] = seen.files
    for name, counts in book.snapshot.batches.items():
        number = counts.todo - book.kept.batches.get(name, 0)
        if number > 0 and batch in (None, name):
            parts = sweeps.get(name, {})
            found |= {kind: files for kind, files in parts.items() if files}
            if (others := number - sum(parts.values())) > 0:
                found[name] = others
    return found


def _rehearsals(pools: list[Pool], running: list[tuple[RunningNow, Pool]], at_rest: set[str], most: int) -> list[float]:
    """Seconds until the last one ends, as often as it is rehearsed; on a worker at rest the slots then stay empty."""
    dice = Dice()
    known = [pool for pool in pools if pool.is_known and pool.left]
    runs = [(run, pool) for run, pool in running if run.worker not in at_rest]
    alone = [(run, pool) for run, pool in running if run.worker in at_rest]
    left = sum(pool.left for pool in known)
    play, throws = (_play, left) if left <= MANY else (_sum, len(known))
    times = min(max(most // (throws + len(runs) + len(alone)), REHEARSALS[0]), REHEARSALS[1])
    return [
        max(
            play(known, [pool.rest(run, dice) for run, pool in runs] or [0.0], dice),
            *(pool.rest(run, dice) for run, pool in alone),
            0.0,
        )
        for _ in range(times)
    ]


def _play(pools: list[Pool], ends: list[float], dice: Dice) -> float:
    """Task by task onto the slot that is free first."""
    heapq.heapify(ends)
    last = max(ends)
    for pool in pools:
        factor = pool.factor(dice)
        for _ in range(pool.left):
            end = ends[0] + pool.draw(dice) * factor
            heapq.heapreplace(ends, end)
            last = max(last, end)
    return last


def _sum(pools: list[Pool], ends: list[float], dice: Dice) -> float:
    """The work that is left, shared by the slots; the last task keeps one slot busy a little longer."""
    work = tail = 0.0
    for pool in pools:
        noise = pool.deviation / math.sqrt(pool.left) * dice.normal()
        work += pool.left * max(0.2 * pool.mean, pool.mean * pool.factor(dice) + noise)
        tail = max(tail, pool.draw(dice))
    return (math.fsum(ends) + work) / len(ends) + tail * (1 - 1 / len(ends)) / 2


def capped(expected: Forecast | None, whole: Forecast | None) -> Forecast | None:
    """That of a batch: it is over before everything is, since it gets the slots of those that are over earlier."""
    if expected is None or whole is None:
        return expected
    early, likely, late = (min(getattr(expected, name), getattr(whole, name)) for name in ("early", "likely", "late"))
    return replace(expected, early=early, likely=likely, late=late)
