"""When it will be done: an early, a likely and a late moment, from how long tasks took and how many run now.

The rule: pure, and honest.  Nothing is foretold from fewer than ENOUGH finished attempts, or when nothing runs.  The
band is where four of five such spools would end if the present number of tasks went on running side by side and
run times kept their distribution; it knows neither nodes that come nor tasks that are still to be handed in.

The work left is a sum of independent run times.  Its variance has the spread of the single ones and the uncertainty of
their mean (standard error), n s^2 + n^2 s^2 / k; the normal quantile 1.2816 makes it a band of 80 %.  What runs now
needs the mean of those known run times that are longer than it has been running (its conditional expectation), or what
its own progress says.  At the end slots stand empty while the last tasks run, for up to a whole long one.
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from dsgspool.report.book import Book
from dsgspool.task import State

ENOUGH = 5  #: finished attempts below which nothing is foretold
NEWEST = 2000  #: finished attempts that a forecast goes by
QUANTILE = 1.2816  #: of the normal distribution: 10 % lie above
OVERDUE = 0.5  #: of its age: what a task still needs that has run longer than any before it


@dataclass(frozen=True, slots=True)
class Forecast:
    """Seconds from the look until all that can run has run."""

    early: float
    likely: float
    late: float


def forecast(book: Book, batch: str | None = None) -> Forecast | None:
    """For the whole spool or one batch ('' = what is in none); None when too little is known."""
    running = [run for run in book.running if run.alive and run.started is not None and _is_of(run.identity, batch)]
    if not running or book.snapshot.paused:
        return None
    known = sorted(run_times(book, batch))
    if len(known) < ENOUGH:
        return None
    ahead = sum(
        task.state in (State.TODO, State.WAITING) and _is_of(task.identity, batch) for task in book.snapshot.tasks
    )
    return _forecast(known, ahead, [(run.seconds or 0.0, run.progress) for run in running])


def run_times(book: Book, batch: str | None = None) -> list[float]:
    """Seconds of the newest attempts that ended well."""
    table = book.attempts
    found = []
    for row in range(len(table) - 1, -1, -1):
        if table.outcome[row] == "done" and not math.isnan(table.seconds[row]) and _is_of(table.task[row], batch):
            found.append(table.seconds[row])
            if len(found) == NEWEST:
                break
    return found


def _is_of(identity: str, batch: str | None) -> bool:
    return batch is None or (identity.partition("/")[0] if "/" in identity else "") == batch


def _forecast(known: Sequence[float], ahead: int, running: Sequence[tuple[float, float | None]]) -> Forecast:
    mean, spread, side = statistics.fmean(known), statistics.pstdev(known), len(running)
    left = [_left(known, age, progress) for age, progress in running]
    work = ahead * mean + sum(left)
    units = ahead + side
    error = QUANTILE * math.sqrt(units * spread**2 + (units * spread) ** 2 / len(known))
    likely = max(work / side, max(left))
    # While the last tasks run, other slots stand empty: half a task on the average, a long one when it comes badly.
    empty = (1 - 1 / side) if ahead else 0.0
    return Forecast(
        early=max(
            (work - error) / side, max(left) / 2
        ),  # what needs longest cannot be over much sooner than it is thought
        likely=likely + empty * mean / 2,
        late=likely + error / side + empty * known[int(0.9 * (len(known) - 1))],
    )


def _left(known: Sequence[float], age: float, progress: float | None) -> float:
    """Seconds that a task which has run for `age` still needs."""
    if progress is not None and progress > 0.02:
        return age * (1 - progress) / progress
    first = bisect_right(known, age)
    longer = len(known) - first
    if not longer:
        return OVERDUE * age
    return math.fsum(known[first:]) / longer - age
