"""What a stretch of the table says as numbers, worked out once: a rendering puts the tallies of all stretches together.

The rule: pure, and nothing is rounded: values lie there in ascending order, so the quantiles of several tallies together
are those of the attempts themselves.  The tally of rows that are over for ever is kept beside them (columns.py).
"""

from __future__ import annotations

import math
from array import array
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import Any

from dsgspool.classes import dataclass
from dsgspool.report.table import FIRST, NO_END, NONE, Attempts

GIVEN_BACK = ("stopped", "revoked", "pruned", "cancelled")  #: outcomes that say nothing of the command
NEVER_BEGAN = ("dependency", "expired", "invalid")  #: outcomes without a command: what a worker wrote down and put away
SAYS_NOTHING = (*NO_END, *GIVEN_BACK, *NEVER_BEGAN)
KINDS = ("done", "failed", "back")  #: how an attempt may end: well, badly, or given back

Key = tuple[str, str, str]  #: batch ('' = outside of one), host, outcome


@dataclass(slots=True)
class Share:
    """What one batch has in a tally.  Moments are milliseconds, NONE = not known."""

    first: int  #: start
    last: int  #: end
    slowest: int  #: row of the longest attempt that ended well, -1 = none
    rows: array[int]  #: of attempts that ended by themselves, ascending, as all that follows is
    seconds: array[float]  #: run times of attempts that ended well
    waits: array[float]  #: seconds from submission to start, of first attempts
    memory: array[int]  #: largest samples, bytes

    def arrays(self) -> Iterator[array[Any]]:
        """In the order of the fields."""
        yield from (self.rows, self.seconds, self.waits, self.memory)


@dataclass(slots=True)
class Tally:
    """Rows [first, stop) of the table."""

    first: int
    stop: int
    counts: dict[Key, int]  #: attempts
    shares: dict[str, Share]  #: of each batch
    started: array[int]  #: moments, ms, ascending
    ended: dict[str, array[int]]  #: the same for each of KINDS, of attempts that began
    bad: array[float]  #: run times of attempts that ended badly; what was given back did not
    cpu_seconds: float  #: of all together
    logs: int  #: bytes

    @property
    def last(self) -> int:
        """The last end, ms."""
        return max((share.last for share in self.shares.values()), default=NONE)

    @classmethod
    def of(cls, table: Attempts, first: int, stop: int) -> Tally:
        """Walk over these rows; in C, as far as possible."""
        groups = _groups(table, first, stop)
        batches: dict[str, list[tuple[str, list[int]]]] = {}
        for (batch, _, outcome), rows in groups.items():
            batches.setdefault(batch, []).append((outcome, rows))
        started, seconds = table.started, table.seconds
        ran = {key: rows for key, rows in groups.items() if key[2] not in NEVER_BEGAN}
        begun = (started[row] for rows in ran.values() for row in rows)
        ended: dict[str, list[int]] = {kind: [] for kind in KINDS}
        bad: list[float] = []
        for (_, _, outcome), rows in ran.items():
            if outcome not in NO_END:
                ended[_kind(outcome)] += [table.ended[row] for row in rows if started[row] != NONE]
            if outcome not in NO_END and _kind(outcome) == "failed":
                bad += [seconds[row] for row in rows if seconds[row] >= 0]
        logs = (value for column in (table.out, table.err) for value in column[first:stop] if value > 0)
        return cls(
            first, stop, {key: len(rows) for key, rows in groups.items()},
            {batch: _share(table, parts) for batch, parts in batches.items()},
            array("q", sorted(filter(NONE.__lt__, begun))),
            {kind: array("q", sorted(filter(NONE.__lt__, moments))) for kind, moments in ended.items()},
            array("d", sorted(bad)), math.fsum(value for value in table.cpu_seconds[first:stop] if value >= 0), sum(logs),
        )  # fmt: skip

    # -- to be kept ----------------------------------------------------------------------------------------------

    def flat(self) -> tuple[dict[str, Any], list[array[Any]]]:
        """Small facts, for JSON, and all arrays."""
        facts = {
            "counts": [[*key, number] for key, number in self.counts.items()],
            "shares": [[batch, each.first, each.last, each.slowest] for batch, each in self.shares.items()],
            "cpu_seconds": self.cpu_seconds,
            "logs": self.logs,
        }
        arrays: list[array[Any]] = [self.started, *self.ended.values(), self.bad]
        for share in self.shares.values():
            arrays += share.arrays()
        return facts, arrays

    @classmethod
    def of_flat(cls, first: int, stop: int, facts: Mapping[str, Any], arrays: Iterable[array[Any]]) -> Tally:
        """What `flat` made.  KeyError, ValueError, TypeError or StopIteration when it did not."""
        left = iter(arrays)
        started, ended, bad = next(left), {kind: next(left) for kind in KINDS}, next(left)
        shares = {
            batch: Share(began, over, slowest, next(left), next(left), next(left), next(left))
            for batch, began, over, slowest in facts["shares"]
        }
        counts = {(batch, host, outcome): number for batch, host, outcome, number in facts["counts"]}
        return cls(first, stop, counts, shares, started, ended, bad, facts["cpu_seconds"], facts["logs"])


def batch_of(task: str) -> str:
    """The batch of a task, '' when it is in none."""
    return task.partition("/")[0] if "/" in task else ""


def by_itself(outcome: str) -> bool:
    """True for the end of an attempt that nobody stopped and whose worker lived."""
    return outcome not in ("lost", *SAYS_NOTHING)


def bad(outcomes: Mapping[str, int]) -> int:
    """How many of them are failures of a command that ran."""
    return sum(number for outcome, number in outcomes.items() if outcome not in ("done", *SAYS_NOTHING))


def _kind(outcome: str) -> str:
    return "done" if outcome == "done" else "back" if outcome in GIVEN_BACK else "failed"


def _groups(table: Attempts, first: int, stop: int) -> dict[Key, list[int]]:
    rows: defaultdict[Key, list[int]] = defaultdict(list)
    words: dict[str, str] = {}
    batches = [words.setdefault(batch, batch) for batch in map(batch_of, table.task[first:stop])]
    keys = zip(batches, table.host[first:stop], table.outcome[first:stop], strict=True)
    deque(map(list.append, map(rows.__getitem__, keys), count(first)), maxlen=0)
    return dict(rows)


def _share(table: Attempts, parts: Iterable[tuple[str, list[int]]]) -> Share:
    """Of one batch: (outcome, rows) of its parts."""
    parts = list(parts)
    started, submitted, seconds = table.started, table.submitted, table.seconds
    good = sorted(row for outcome, rows in parts if outcome == "done" for row in rows if seconds[row] >= 0)
    every = [row for outcome, rows in parts if outcome not in NEVER_BEGAN for row in rows]
    begun = [row for row in every if started[row] != NONE]
    firsts = [row for row in begun if submitted[row] != NONE and table.number[row] == FIRST]
    return Share(
        min((started[row] for row in begun), default=NONE),
        max((table.ended[row] for row in every if table.outcome[row] not in NO_END), default=NONE),
        max(good, key=seconds.__getitem__, default=-1),
        array("q", sorted(row for outcome, rows in parts if by_itself(outcome) for row in rows)),
        array("d", sorted(map(seconds.__getitem__, good))),
        array("d", sorted(max(0, started[row] - submitted[row]) / 1000 for row in firsts)),
        array("q", sorted(value for value in map(table.memory.__getitem__, every) if value > 0)),
    )
