"""`dsgspool graph`.

The rule: one look at the spool, drawn; what was left out of the drawing is said on stderr, so that it can be piped.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from dsgspool.cli import output
from dsgspool.cli.arguments import Json
from dsgspool.cli.context import open_spool, seen_as_told, usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dsgspool.cli.afters import Afters
    from dsgspool.snapshot import TaskSeen
    from dsgspool.snapshot.graph import Graph, Point
    from dsgspool.spool import Spool

MOST = 200  #: points of a drawing
MOST_READ = 20_000  #: files
MOST_STUCK = 5


class Format(StrEnum):
    """How it is drawn."""

    TEXT = "text"
    DOT = "dot"
    MERMAID = "mermaid"


def graph(
    context: typer.Context,
    patterns: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", help="Only what comes before or after these: names, patterns."),
    ] = None,
    tasks: Annotated[bool, typer.Option("--tasks", help="Each task by itself, not batches as a whole.")] = False,
    whole: Annotated[
        bool, typer.Option("--all", help="Also what finished tasks came after, as their records say.")
    ] = False,
    form: Annotated[Format, typer.Option("--format", help="For people, for Graphviz or for Mermaid.")] = Format.TEXT,
    limit: Annotated[
        int | None, typer.Option("-n", "--limit", metavar="N", min=1, help=f"At most so many boxes ({MOST}).")
    ] = None,
    read: Annotated[int, typer.Option("--read", metavar="N", min=0, help="Read at most so many files.")] = MOST_READ,
    as_json: Json = False,
) -> None:
    """Draw what waits for what, batch by batch."""
    from dsgspool.cli import drawn

    if as_json and form is not Format.TEXT:
        raise usage("--json and --format do not go together: choose one")
    found, afters = _look(open_spool(context), patterns or [], read, each=tasks, finished=whole)
    if as_json:
        output.json(
            drawn.document(found if limit is None else found.shortened(limit), afters.unread + afters.unreadable)
        )
        return
    found = found.shortened(limit or MOST)
    if form is Format.TEXT:
        _show(found)
    else:
        output.lines(drawn.dot(found) if form is Format.DOT else drawn.mermaid(found))
    _note(found, afters, as_text=form is Format.TEXT)


def _look(spool: Spool, patterns: Sequence[str], most: int, *, each: bool, finished: bool) -> tuple[Graph, Afters]:
    """The graph, and what it was made from."""
    from dsgspool import snapshot
    from dsgspool.cli.afters import Afters
    from dsgspool.snapshot.awaited import settled
    from dsgspool.snapshot.sketch import draw
    from dsgspool.task import After, State

    seen = seen_as_told(snapshot.take(spool))
    tasks, finals = seen.tasks, seen.finals
    named = _named(tasks, patterns)
    afters = Afters(spool, most)
    afters.look(tasks, named, finished=finished)
    states = dict.fromkeys(finals, State.WAITING) | settled(
        tasks
    )  # a last task that is not made yet waits for its batch
    after = {**afters.entries, **{final: (After(f"{batch}/", "any"),) for final, batch in finals.items()}}
    found = draw(states, after, each=each, named=named | (finals.keys() & set(patterns)))
    if patterns:
        _check(tasks, patterns, found)
        found = found.around(lambda point: not named.isdisjoint(point.tasks) or _is_nowhere(point, patterns))
    return found, afters


def _named(tasks: Sequence[TaskSeen], patterns: Sequence[str]) -> set[str]:
    from dsgspool.spool.meaning import meant

    return {task.identity for pattern in patterns for task in meant(tasks, pattern)}


def _check(tasks: Sequence[TaskSeen], patterns: Sequence[str], found: Graph) -> None:
    """Raise for a pattern that means no task and nothing that one waits for."""
    from dsgspool.errors import TaskNotFound
    from dsgspool.spool.meaning import meant

    for pattern in patterns:
        if not meant(tasks, pattern) and not any(_is_nowhere(point, [pattern]) for point in found.points):
            raise TaskNotFound(pattern)


def _is_nowhere(point: Point, patterns: Sequence[str]) -> bool:
    return not {pattern.rstrip("/") for pattern in patterns}.isdisjoint(name.rstrip("/") for name in point.missing)


def _show(found: Graph) -> None:
    import shutil
    import sys

    from dsgspool.cli import drawn

    for row in drawn.text(found, shutil.get_terminal_size().columns if output.is_terminal() else sys.maxsize):
        output.painted(row)
    if not found.points:
        output.line("no task comes after another one")
    for each in found.stuck[:MOST_STUCK]:
        output.sentence(f"stuck: {each.sentence}")
    if len(found.stuck) > MOST_STUCK:
        output.line(f"... and {len(found.stuck) - MOST_STUCK} more such")
    if found.apart:
        who = "1 task that has" if found.apart == 1 else f"{found.apart:,} tasks that have"
        output.line(f"apart: {who} nothing to do with others")


def _note(found: Graph, afters: Afters, *, as_text: bool) -> None:
    """What is not in the drawing."""
    if found.cut:
        output.note(f"dsgspool: {found.cut:,} more are not drawn: -n draws more, and NAME what is around it")
    if afters.unread:
        output.note(
            f"dsgspool: {afters.unread:,} files were not read, and may come after others too: --read N reads more"
        )
    if afters.unreadable:
        output.note(f"dsgspool: {afters.unreadable:,} files cannot be read by you, and may come after others too")
    if found.stuck and not as_text:
        output.note("dsgspool: something waits for ever: the drawing as text says what")
