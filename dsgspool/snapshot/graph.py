"""What comes after what, as points and lines, in an order in which what comes first stands first.

The rule: pure.  Only a circle breaks the order.  A part of it keeps the numbers that its points have in the whole.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace

from dsgspool.classes import dataclass
from dsgspool.snapshot.awaited import Stuck
from dsgspool.task import State


@dataclass(frozen=True, slots=True)
class Point:
    """A batch, a task, several like `tasks`, or what tasks wait for: a pattern (`asked`), or names that are `nowhere`."""

    number: int  #: from 1, in order
    name: str
    kind: str  #: batch, task, tasks, asked, nowhere
    tasks: tuple[str, ...] = ()
    counts: Mapping[State, int] = field(default_factory=dict)
    missing: tuple[str, ...] = ()  #: names, batches and patterns that are nowhere


@dataclass(frozen=True, slots=True)
class Line:
    """`waiters` tasks of the point `later` come after `awaited` tasks of the point `first`; numbers of points."""

    first: int
    later: int
    waiters: int
    awaited: int
    wants: tuple[str, ...] = ("success",)


@dataclass(frozen=True, slots=True)
class Graph:
    """`apart`: tasks that are not in it, since they have nothing to do with others; `cut`: points left out of it."""

    points: tuple[Point, ...] = ()
    lines: tuple[Line, ...] = ()  #: by later, then by first
    stuck: tuple[Stuck, ...] = ()
    apart: int = 0
    cut: int = 0

    def before(self, number: int) -> Sequence[Line]:
        """Lines to what a point comes after, in order."""
        start = bisect_left(self.lines, number, key=lambda line: line.later)
        return self.lines[start : bisect_right(self.lines, number, key=lambda line: line.later)]

    def around(self, wanted: Callable[[Point], bool]) -> Graph:
        """The part of it that comes, however far, before or after what is wanted."""
        start = {point.number for point in self.points if wanted(point)}
        earlier, later = dict[int, list[int]](), dict[int, list[int]]()
        for line in self.lines:
            earlier.setdefault(line.later, []).append(line.first)
            later.setdefault(line.first, []).append(line.later)
        part = self._only(_reached(start, earlier) | _reached(start, later))
        names = {name for point in part.points for name in point.tasks}
        return replace(part, stuck=tuple(each for each in self.stuck if not names.isdisjoint(each.tasks)), apart=0)

    def shortened(self, limit: int) -> Graph:
        """Its first points; what is nowhere is not counted."""
        numbers = [point.number for point in self.points if point.kind != "nowhere"]
        if len(numbers) <= limit:
            return self
        return replace(self._only(set(numbers[:limit])), cut=len(numbers) - limit)

    def _only(self, numbers: set[int]) -> Graph:
        """These points, and what they wait for and is nowhere."""
        nowhere = {point.number for point in self.points if point.kind == "nowhere"}
        numbers |= {line.first for line in self.lines if line.later in numbers} & nowhere
        points = tuple(point for point in self.points if point.number in numbers)
        lines = tuple(line for line in self.lines if line.first in numbers and line.later in numbers)
        return replace(self, points=points, lines=lines)


def _reached(start: set[int], ways: Mapping[int, list[int]]) -> set[int]:
    found, stack = set(start), [*start]
    while stack:
        new = [number for number in ways.get(stack.pop(), ()) if number not in found]
        found.update(new)
        stack += new
    return found


def ordered(names: Sequence[str], lines: Iterable[tuple[int, int]]) -> list[int]:
    """Positions of the names: each behind those that it comes after, as near to them as may be, else by name.

    `lines`: positions, (which comes first, which comes later).
    """
    by_name = sorted(range(len(names)), key=lambda at: (names[at], at))
    rank = {at: place for place, at in enumerate(by_name)}
    before: dict[int, list[int]] = {}
    for first, later in lines:
        before.setdefault(later, []).append(first)
    order: list[int] = []
    seen: set[int] = set()
    for start in by_name:
        stack = [(start, False)]
        while stack:
            at, is_over = stack.pop()
            if is_over:
                order.append(at)
            elif at not in seen:
                seen.add(at)
                stack.append((at, True))
                stack += [(first, False) for first in sorted(before.get(at, ()), key=rank.__getitem__, reverse=True)]
    return order
