"""What waits for what, batch by batch, as a picture: columns from what comes first to what comes last.

The rule: pure.  Text of others passes `plain` and is escaped; colours come from the style sheet, by the name of a state.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from dsgspool.classes import dataclass
from dsgspool.report.statistics import Part, bar
from dsgspool.report.text import plain
from dsgspool.report.words import count
from dsgspool.snapshot.values import Counts

if TYPE_CHECKING:
    from dsgspool.snapshot.graph import Graph, Line, Point
    from dsgspool.task import State

MOST = 40  #: boxes
LETTERS, MOST_WORDS = 24, 32  #: letters of a name, and of its counts
WIDTH, HEIGHT, GAP, SPACE = 232, 60, 64, 20  #: of a box, and between boxes

_SVG = Markup('<svg class="flow" width="{0}" height="{1}" viewBox="0 0 {0} {1}" role="img" aria-label="{2}">{3}</svg>')
#: A picture in the picture: what is too wide is cut at its edge.
_BOX = Markup(
    '<svg class="{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title><rect class="box" x="1" y="1" width="{}" height="{}"'
    ' rx="7"/><text x="14" y="24">{}</text><text x="14" y="43" class="dim">{}</text>{}</svg>'
)
_PART = Markup('<rect class="is-{}" x="{:.1f}" y="52" width="{:.1f}" height="4"/>')
_WAY = Markup('<path class="way" d="M{} {}C{} {} {} {} {} {}"/><path class="tip" d="M{} {}l-7 -4v8z"/>')
_BACK = Markup('<path class="way back" d="M{} {}C{} {} {} {} {} {}"/><path class="tip" d="M{} {}l-4 7h8z"/>')


@dataclass(frozen=True, slots=True)
class Place:
    """Where a box stands."""

    x: int
    y: int


def flow(graph: Graph, labels: Mapping[State, str]) -> Markup:
    """The picture.  `labels`: state -> as it is called on the page."""
    graph = graph.shortened(MOST)
    places = _places(graph)
    width = max(place.x for place in places.values()) + WIDTH + 2
    height = max(place.y for place in places.values()) + HEIGHT + SPACE
    points = {point.number: point for point in graph.points}
    ways = Markup("").join(_way(line, places) for line in graph.lines if line.first != line.later)
    boxes = Markup("").join(_box(point, places[point.number], labels) for point in graph.points)
    told = "; ".join(
        f"{plain(points[line.later].name)} comes after {plain(points[line.first].name)}" for line in graph.lines
    )
    return _SVG.format(width, height, told, ways + boxes)


def _places(graph: Graph) -> dict[int, Place]:
    """Where each box stands: as high as those that it comes after are on average."""
    column = _columns(graph)
    places: dict[int, Place] = {}
    for at in range(max(column.values()) + 1):
        mine = [point.number for point in graph.points if column[point.number] == at]
        above = {number: [places[first].y for first in _before(graph, number) if first in places] for number in mine}
        wish = {number: _mean(above[number]) for number in mine}
        y = 1
        for number in sorted(mine, key=lambda number: (wish[number], number)):
            places[number] = Place(1 + at * (WIDTH + GAP), max(y, round(wish[number])))
            y = places[number].y + HEIGHT + SPACE
    return places


def _columns(graph: Graph) -> dict[int, int]:
    """Behind all that it comes after, and then as near as may be to what comes after it: long lines cross boxes."""
    column: dict[int, int] = {}
    for point in graph.points:
        column[point.number] = max((column[first] + 1 for first in _before(graph, point.number)), default=0)
    later: dict[int, list[int]] = {}
    for line in graph.lines:
        if line.first < line.later:
            later.setdefault(line.first, []).append(line.later)
    for point in reversed(graph.points):
        if behind := later.get(point.number):
            column[point.number] = min(column[number] for number in behind) - 1
    return column


def _before(graph: Graph, number: int) -> Iterator[int]:
    """What a point comes after, without the way back that closes a circle."""
    return (line.first for line in graph.before(number) if line.first < number)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _way(line: Line, places: Mapping[int, Place]) -> Markup:
    """From the right edge of one box to the left one of the other; a way back goes below them."""
    start, end = places[line.first], places[line.later]
    if line.first > line.later:
        x1, x2, y1, y2 = start.x + WIDTH // 2, end.x + WIDTH // 2, start.y + HEIGHT, end.y + HEIGHT
        return _BACK.format(x1, y1, x1, y1 + SPACE, x2, y2 + SPACE, x2, y2 + 6, x2, y2)
    x1, x2, y1, y2 = start.x + WIDTH, end.x, start.y + HEIGHT // 2, end.y + HEIGHT // 2
    bend = GAP // 2
    return _WAY.format(x1, y1, x1 + bend, y1, x2 - bend - 7, y2, x2 - 6, y2, x2, y2)


def _box(point: Point, place: Place, labels: Mapping[State, str]) -> Markup:
    name, words = plain(point.name), _words(point, labels)
    short = name if len(name) <= LETTERS else f"{name[: LETTERS // 2]}…{name[-(LETTERS // 2) :]}"
    brief = words if len(words) <= MOST_WORDS else f"{words[:MOST_WORDS]}…"
    bars, kind = Markup("").join(_bars(_parts(point))), "nowhere" if point.missing else "point"
    return _BOX.format(
        kind, place.x, place.y, WIDTH, HEIGHT, f"{name}: {words}", WIDTH - 2, HEIGHT - 2, short, brief, bars
    )


def _words(point: Point, labels: Mapping[State, str]) -> str:
    if point.missing:
        return "nowhere in the spool"
    if point.kind == "task":
        return labels[next(iter(point.counts))]
    return ", ".join(f"{count(part.number)} {labels[part.state]}" for part in _parts(point))


def _parts(point: Point) -> list[Part]:
    return bar(Counts(**{str(state): number for state, number in point.counts.items()})) if point.counts else []


def _bars(parts: Sequence[Part]) -> Iterator[Markup]:
    x, room = 14.0, WIDTH - 28
    for part in parts:
        width = room * part.percent / 100
        yield _PART.format(part.state, x, width)
        x += width
