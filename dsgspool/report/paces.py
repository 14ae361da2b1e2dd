"""How fast it goes: attempts that ended, and the time in which that was work.

The rule: pure; a rate is over the time from the first of the work to the last of it within the last hour, or to now while
something runs, so it does not fall when the work is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsgspool.classes import dataclass
from dsgspool.report.statistics import HOUR
from dsgspool.report.table import NONE
from dsgspool.report.tally import bad, batch_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dsgspool.report.statistics import Groups

STEADY = 60.0  #: seconds below which a number of attempts is no rate


@dataclass(frozen=True, slots=True)
class Pace:
    """How many attempts ended well and badly between two moments, from the first of the work to the last of it."""

    done: int
    bad: int
    begin: float
    end: float
    is_going: bool  #: something runs still, so `end` is the moment of the look

    @property
    def seconds(self) -> float:
        """How long that was."""
        return max(0.001, self.end - self.begin)

    @property
    def is_rate(self) -> bool:
        """True while it goes on, and for long enough: what is over, or has just begun, is told as a number in a time."""
        return self.is_going and self.seconds >= STEADY

    @property
    def per_hour(self) -> tuple[float, float]:
        """Done and not done."""
        return self.done / self.seconds * HOUR, self.bad / self.seconds * HOUR


def paces(groups: Groups) -> dict[str, Pace]:
    """Of each batch that worked within the last hour: an idle time before its first attempt and behind its last is no work."""
    table, now = groups.table, int(groups.taken * 1000)
    since = now - int(HOUR * 1000)
    going = [row for row in groups.running() if not table.outcome[row] and table.started[row] != NONE]
    works = [(row, min(table.ended[row], now)) for row in groups.recent] + [(row, now) for row in going]
    spans: dict[str, tuple[int, int]] = {}
    for row, end in works:
        begin = max(since, min(end, table.started[row] if table.started[row] != NONE else end))
        first, last = spans.get(batch := batch_of(table.task[row]), (begin, end))
        spans[batch] = min(first, begin), max(last, end)
    run = {batch_of(table.task[row]) for row in going}
    found = {}
    for batch, (first, last) in spans.items():
        outcomes = groups.last_hour(batch)
        found[batch] = Pace(outcomes.get("done", 0), bad(outcomes), first / 1000, last / 1000, batch in run)
    return found


def together(found: Iterable[Pace]) -> Pace | None:
    """Of all of them."""
    every = list(found)
    if not every:
        return None
    begin, end = min(each.begin for each in every), max(each.end for each in every)
    done, failed = sum(each.done for each in every), sum(each.bad for each in every)
    return Pace(done, failed, begin, end, any(each.is_going for each in every))
