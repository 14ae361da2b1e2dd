"""Everything that the page says, worked out once: sections, plots, report.txt and the title all read the same digest.

The rule: pure, and frozen.  Whoever shows something asks the digest, so that no two places of a report differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsgspool.classes import dataclass
from dsgspool.report import failures, figures, forecast, paces, statistics, verdict

if TYPE_CHECKING:
    from dsgspool.report.book import Book
    from dsgspool.report.failures import Cause, Matrix
    from dsgspool.report.figures import Batch, Changes, NodeFigures
    from dsgspool.report.forecast import Forecast
    from dsgspool.report.paces import Pace
    from dsgspool.report.statistics import Groups
    from dsgspool.report.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Digest:
    """`book` is what it was made of."""

    book: Book
    groups: Groups
    verdict: Verdict
    forecast: Forecast | None
    causes: tuple[Cause, ...]  #: of failures, the largest first
    cancelled: tuple[Cause, ...]  #: what people took away, as one group; () = nothing
    matrix: Matrix | None
    batches: tuple[Batch, ...]  #: those that are not through first, '' last
    nodes: tuple[NodeFigures, ...]  #: the silent first, then the living
    changes: Changes  #: of the last hour
    pace: Pace | None  #: of everything, in the last hour


def digest(book: Book) -> Digest:
    """Work it out."""
    groups = statistics.Groups.of(book.attempts, book.taken, book.tallies)
    attempts = groups.ended_by_host()
    found = failures.causes((each for each in book.failed if not each.is_cancelled), figures.ended(groups))
    expected = forecast.forecast(book, groups)
    nodes = figures.nodes(book, groups)
    return Digest(
        book=book,
        groups=groups,
        verdict=verdict.verdict(book, found, expected, figures.overdue(book, groups)),
        forecast=expected,
        causes=tuple(found),
        cancelled=tuple(failures.causes(each for each in book.failed if each.is_cancelled)),
        matrix=failures.matrix(found, attempts),
        batches=figures.batches(book, groups, expected),
        nodes=nodes,
        changes=figures.changes(book, groups, found),
        pace=paces.together(paces.paces(groups).values()),
    )
