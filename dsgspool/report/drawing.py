"""Small pictures that need no script: what stands in a figure until the script draws a larger one, and on paper.

The rule: pure; numbers in, elements out, no text of others.  Colours and dashes come from the style sheet, by the name of
a state or by the number of a line.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from dsgspool.classes import dataclass

if TYPE_CHECKING:
    from dsgspool.report.statistics import Distribution

WIDTH, HEIGHT = 640.0, 160.0
MOST_DOTS = 400
_SVG = Markup('<svg viewBox="0 0 640 160" preserveAspectRatio="none" aria-hidden="true" focusable="false">{}</svg>')
_LINE = Markup('<path class="line {}" d="{}"/>')
_AREA = Markup('<path class="area {}" d="{}"/>')
_DOT = Markup('<circle cx="{}" cy="{}" r="3"/>')


def sketch(series: Mapping[str, Any]) -> Markup:
    """A picture of a plot of the page."""
    drawer = {"lines": _lines, "bars": _bars, "scatter": _scatter}[series["kind"]]
    return _SVG.format(Markup("").join(drawer(series)))


def largest(series: Mapping[str, Any]) -> float:
    """The value at the upper edge of the picture."""
    if series["kind"] == "lines" and series.get("stacked"):
        return max((math.fsum(each or 0 for each in column) for column in _columns(series)), default=0.0)
    if series["kind"] == "scatter":
        return max((point[1] for point in series["points"]), default=0.0)
    groups = series["lines"] if series["kind"] == "lines" else series["groups"]
    return max((each for group in groups for each in group["y"] if each is not None), default=0.0)


def _columns(series: Mapping[str, Any]) -> Iterable[tuple[float | None, ...]]:
    return zip(*(line["y"] for line in series["lines"]), strict=True)


def _name(line: Mapping[str, Any], number: int) -> str:
    state = str(line.get("state") or "")
    return f"is-{state}" if state.isalpha() else f"is-{number}"


def _lines(series: Mapping[str, Any]) -> Iterable[Markup]:
    x, top = series["x"], largest(series) or 1.0
    if series.get("stacked"):
        yield from _stack(series, top)
        return
    begin, whole = x[0], (x[-1] - x[0]) or 1.0
    for number, line in enumerate(series["lines"]):
        points = [
            (WIDTH * (at - begin) / whole, _height(value, top))
            for at, value in zip(x, line["y"], strict=True)
            if value is not None
        ]
        if len(series["lines"]) == 1 and points:
            yield _AREA.format(_name(line, number), f"{_path(points)}V{HEIGHT:g}H{points[0][0]:.1f}Z")
        yield _LINE.format(_name(line, number), _path(points))


def _stack(series: Mapping[str, Any], top: float) -> Iterable[Markup]:
    """Bars on top of each other, one for each interval."""
    number = len(series["x"])
    step = WIDTH / max(1, number)
    below = [0.0] * number
    for which, line in enumerate(series["lines"]):
        parts = []
        for at, value in enumerate(line["y"]):
            if value:
                foot, head = _height(below[at], top), _height(below[at] + value, top)
                parts.append(f"M{at * step:.1f} {foot:.1f}V{head:.1f}h{step * 0.86:.1f}V{foot:.1f}Z")
                below[at] += value
        yield _AREA.format(_name(line, which), "".join(parts))


def _bars(series: Mapping[str, Any]) -> Iterable[Markup]:
    """Steps, one outline for each group."""
    top = largest(series) or 1.0
    for number, group in enumerate(series["groups"]):
        step = WIDTH / max(1, len(group["y"]))
        path = "".join(
            f"{'L' if at else 'M'}{at * step:.1f} {_height(value, top):.1f}h{step:.1f}"
            for at, value in enumerate(group["y"])
        )
        if len(series["groups"]) == 1:
            yield _AREA.format(_name(group, number), f"{path}V{HEIGHT:g}H0Z")
        yield _LINE.format(_name(group, number), path)


def _scatter(series: Mapping[str, Any]) -> Iterable[Markup]:
    points = [point for point in series["points"][:MOST_DOTS] if point[0] is not None and point[1] is not None]
    most = max((max(point[0], point[1]) for point in points), default=1.0) or 1.0
    yield Markup('<path class="diagonal" d="M0 160L640 0"/>')
    for x, y, *_ in points:
        yield _DOT.format(f"{WIDTH * x / most:.1f}", f"{_height(y, most):.1f}")


def _height(value: float, top: float) -> float:
    return HEIGHT - (HEIGHT - 4) * min(1.0, value / top)


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "".join(f"{'L' if at else 'M'}{x:.1f} {y:.1f}" for at, (x, y) in enumerate(points))


# -- distributions on one scale --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Strip:
    """Where a distribution lies on a scale that it shares with others, in percent."""

    p10: float
    p50: float
    p90: float
    largest: float


def strips(values: Sequence[Distribution | None]) -> list[Strip | None]:
    """On a logarithmic scale from the smallest p10 to the largest value of all of them."""
    known = [each for each in values if each is not None]
    if not known:
        return [None for _ in values]
    high = max(max(each.largest for each in known), 1e-9)
    low = max(min(each.p10 for each in known), high / 1e5, 1e-9)
    width = math.log(high / low) or 1.0

    def place(value: float) -> float:
        return round(100 * math.log(max(value, low) / low) / width, 2)

    def strip(each: Distribution) -> Strip:
        return Strip(place(each.p10), place(each.p50), place(each.p90), place(each.largest))

    return [None if each is None else strip(each) for each in values]
