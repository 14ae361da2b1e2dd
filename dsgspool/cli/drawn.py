"""A graph of what comes after what, as text for people, for Graphviz, for Mermaid and for programs.

The rule: names are hostile.  Each passes `clean_line` first; in Graphviz and Mermaid it stands in quotation marks only, with
every sign that could end those or mean something in them written as a number, and points are called n1, n2 and so on.
"""

from __future__ import annotations

from collections.abc import Iterator

from dsgspool.cli.output import clean_line, paint, short, shortened, width
from dsgspool.snapshot.awaited import FINISHED
from dsgspool.snapshot.graph import Graph, Line, Point
from dsgspool.task import State

WORDS = {
    State.DONE: "done", State.FAILED: "failed", State.RUNNING: "running",
    State.TODO: "todo", State.WAITING: "waiting", State.HOLD: "on hold",
}  # fmt: skip
ARROW = "  <- "
MOST = 12  #: arrows of one point
WIDE = 44  #: columns of names as far as the others stand in one column behind them
LEAST = 16  #: columns that a name keeps


def counted(point: Point) -> list[tuple[str, str]]:
    """(`40 done`, the state for its colour) of each state that there is; of one task without the number."""
    there = [(state, word) for state, word in WORDS.items() if point.counts.get(state)]
    return [(word if point.kind == "task" else f"{point.counts[state]:,} {word}", str(state)) for state, word in there]


def told(first: Point, later: Point, line: Line) -> str:
    """What there is to say of a line besides its ends: how what is waited for has to end, and of how many tasks it speaks.

    That what is finished already came after it too is only known where its records were read.
    """
    parts = [] if line.wants == ("success",) else [" or ".join(line.wants)]
    if line.awaited < (size := len(first.tasks) or len(first.missing)):
        parts.append(f"{line.awaited:,} of {size:,}")
    left = sum(number for state, number in later.counts.items() if state not in FINISHED)
    if later.kind != "asked" and line.waiters not in (len(later.tasks), left):
        parts.append(f"for {line.waiters:,} of {len(later.tasks):,}")
    return ", ".join(parts)


# -- for people ------------------------------------------------------------------------------------------------------


def text(graph: Graph, columns: int) -> Iterator[str]:
    """Lines with their colours, none longer than so many columns."""
    points = {point.number: point for point in graph.points}
    names = (clean_line(point.name) for point in graph.points if not point.missing)
    room = max((size for size in map(width, names) if size <= WIDE), default=0)
    for point in graph.points:
        if not point.missing:
            yield _titled(point, room, columns)
        lines = graph.before(point.number)
        for line in lines[:MOST]:
            yield _arrow(points[line.first], point, line, columns)
        if len(lines) > MOST:
            yield f"{ARROW}and {len(lines) - MOST:,} more"


def _nowhere(point: Point) -> str:
    return f"{'is' if len(point.missing) == 1 else 'are'} nowhere in the spool"


def _titled(point: Point, room: int, columns: int) -> str:
    parts = counted(point)
    size = sum(width(word) + 2 for word, _ in parts)
    name = shortened(clean_line(point.name), max(LEAST, columns - size))
    row = f"{name}{' ' * (room - width(name))}"
    left = columns - width(row)
    for at, (word, state) in enumerate(parts):
        between = ", " if at else "  "
        if (left := left - len(between) - width(word)) < 0:
            return row
        row += between + paint(word, state)
    return row


def _arrow(first: Point, later: Point, line: Line, columns: int) -> str:
    name, more = clean_line(first.name), told(first, later, line)
    if first is later:
        name = "others of it"
    elif first.number > later.number:
        more = f"{more}, below" if more else "below"
    behind = (f" ({more})" if more else "") + (f", which {_nowhere(first)}" if first.missing else "")
    return short(f"{ARROW}{shortened(name, max(LEAST, columns - len(ARROW) - width(behind)))}{behind}", columns)


# -- for programs that draw ------------------------------------------------------------------------------------------


def dot(graph: Graph) -> Iterator[str]:
    """Graphviz."""
    points = {point.number: point for point in graph.points}
    yield "digraph dsgspool {"
    yield "  rankdir=LR;"
    yield "  node [shape=box];"
    for point in graph.points:
        style = ", style=dashed" if point.missing else ""
        label = "\\n".join(map(_dot, _label(point)))
        yield f'  n{point.number} [label="{label}"{style}];'
    for line in graph.lines:
        more = told(points[line.first], points[line.later], line)
        words = f' [label="{_dot(more)}"]' if more else ""
        yield f"  n{line.first} -> n{line.later}{words};"
    yield "}"


def _dot(part: str) -> str:
    """Also `&` is a sign of Graphviz: it reads `&lt;` as `<`."""
    return part.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")


def mermaid(graph: Graph) -> Iterator[str]:
    """Mermaid."""
    points = {point.number: point for point in graph.points}
    yield "flowchart LR"
    for point in graph.points:
        label = "<br>".join(map(_mermaid, _label(point)))
        yield f'  n{point.number}["{label}"]'
    for line in graph.lines:
        more = told(points[line.first], points[line.later], line)
        label = f'|"{_mermaid(more)}"|' if more else ""
        yield f"  n{line.first} -->{label} n{line.later}"
    for point in graph.points:
        if point.missing:
            yield f"  style n{point.number} stroke-dasharray: 4"


def _mermaid(part: str) -> str:
    """Signs as numbers; `:` too, since Mermaid takes a `#` behind it for a colour.

    Two things it finds in any text: `direction TB`, which turns the drawing, and `fa:fa-car`, the name of a picture, also
    where it is written in numbers (U+2060, which nobody sees, keeps it apart).
    """
    signs = part.replace(":fa-", ":\u2060fa-")
    text = "".join(sign if sign.isalnum() or sign in " -_/.," else f"#{ord(sign)};" for sign in signs)
    return text.replace("direction", "#100;irection")


def _label(point: Point) -> list[str]:
    counts = ", ".join(word for word, _ in counted(point))
    return [clean_line(point.name), _nowhere(point) if point.missing else counts]


# -- for programs ----------------------------------------------------------------------------------------------------


def document(graph: Graph, unread: int) -> dict[str, object]:
    """What --json prints."""
    return {
        "points": [
            {
                "number": point.number,
                "name": point.name,
                "kind": point.kind,
                "tasks": len(point.tasks),
                "missing": point.missing,
                "counts": {str(state): point.counts.get(state, 0) for state in WORDS} if point.tasks else {},
                "after": [
                    {"number": line.first, "wants": line.wants, "waiters": line.waiters, "awaited": line.awaited}
                    for line in graph.before(point.number)
                ],
            }
            for point in graph.points
        ],
        "stuck": [{"kind": e.kind, "what": e.what, "tasks": e.tasks, "sentence": e.sentence} for e in graph.stuck],
        "tasks_apart": graph.apart,
        "points_left_out": graph.cut,
        "files_not_read": unread,
    }
