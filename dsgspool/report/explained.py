"""Why single tasks do not run, in the words of `dsgspool why`, of as many as a rendering has time for.

The rule: whoever renders says who can tell, and without that nothing is said; what cannot be told keeps no page from
being written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from dsgspool.errors import SpoolError
from dsgspool.task import State

if TYPE_CHECKING:
    from dsgspool.report.book import Book

Explain = Callable[[Collection[str]], Mapping[str, str]]  #: names of tasks -> why each does not run

MOST = 200  #: tasks of which that is told
MOST_STEPS = 200_000  #: each of them is compared with all that are not over
MOST_FILES = 50_000  #: in the spool: to tell it, all of them are listed once more


def explained(book: Book, explain: Explain | None) -> Mapping[str, str]:
    """Name -> sentence: first of what no node can run, then of what waits and is parked, then in the order of the queue."""
    if explain is None or book.snapshot.counts.total > MOST_FILES:
        return {}
    first = [unmet.tasks[0] for unmet in book.kept.unmet]
    waiting = [task.identity for task in book.snapshot.in_state(State.WAITING) if task.until is None]
    others = [task.identity for state in (State.HOLD, State.TODO) for task in book.snapshot.in_state(state)]
    names = list(dict.fromkeys([*first, *waiting, *others]))
    try:
        return explain(names[: min(MOST, MOST_STEPS // max(len(names), 1))]) if names else {}
    except (SpoolError, OSError):  # it stands among the problems of the page
        return {}
