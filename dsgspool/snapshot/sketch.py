"""From tasks and what each comes after to a graph that is small enough to be looked at.

The rule: pure.  Tasks that come after nothing and that nothing comes after are counted and not drawn; a batch with one that
is tied to others is drawn as a whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from dsgspool.snapshot.awaited import FINISHED, Meant, lasting, meant_by
from dsgspool.snapshot.graph import Graph, Line, Point, ordered
from dsgspool.snapshot.parts import Parting, Waits, each_of_few
from dsgspool.spool.policies import top_batch
from dsgspool.task import After, State

OVER = (*FINISHED, State.RUNNING)  #: these wait for nothing any more


def draw(states: Mapping[str, State], after: Waits, *, each: bool = False, named: Collection[str] = ()) -> Graph:
    """The graph of these tasks.  `each`: every task is a point; `named`: tasks that are drawn in any case."""
    sketch = _Sketch(states, after)
    tied = {name for name in states if name in sketch.awaited or after.get(name) or name in named}
    if each:
        sketch.take_each(tied)
    else:
        sketch.take_together(tied, named)
    sketch.tie()
    waiting = {
        name: [entry.what for entry in entries]
        for name, entries in sorted(after.items())
        if entries and states.get(name, State.DONE) not in OVER
    }
    return replace(
        sketch.graph(), stuck=tuple(lasting(waiting, states, sketch.meant)), apart=len(states) - len(sketch.home)
    )


def called(names: Collection[str]) -> str:
    """One name for all of them."""
    return f"{min(names)} and {len(names) - 1:,} more" if len(names) > 1 else min(names)


class _Sketch:
    """Points and lines in the making; points are numbered as they come."""

    def __init__(self, states: Mapping[str, State], after: Waits) -> None:
        self.states, self.after = states, after
        self.meant: Meant = meant_by(states, sorted({entry.what for entries in after.values() for entry in entries}))
        self.awaited = set[str]().union(*self.meant.values())
        self.points: list[Point] = []
        self.home: dict[str, int] = {}  #: task -> its point
        self.apart: dict[str, int] = {}  #: what has a point of its own beside those of its tasks -> that
        self.pairs: dict[tuple[int, int], set[tuple[str, After]]] = {}  #: (first, later) -> who comes after what

    def add(self, name: str, kind: str, tasks: Iterable[str] = (), missing: Iterable[str] = ()) -> int:
        """A new point."""
        tasks, number = tuple(sorted(tasks)), len(self.points)
        counts = Counter(self.states[task] for task in tasks)
        self.points.append(Point(number, name, kind, tasks, counts, tuple(missing)))
        return number

    def take(self, tasks: Collection[str], batch: str = "") -> None:
        """One point of all these tasks, which are the whole `batch`, a part of one or outside of any."""
        if batch:
            number = self.add(f"{batch}/", "batch", tasks)
        else:
            number = self.add(called(tasks), "tasks" if len(tasks) > 1 else "task", tasks)
        self.home.update(dict.fromkeys(tasks, number))

    def take_each(self, tied: Iterable[str]) -> None:
        """A point for each task, and for each batch and pattern: else there were a line for each pair of tasks."""
        for name in sorted(tied):
            self.take([name])
        waiters = Counter((entry.what, name) for name, entries in self.after.items() for entry in entries)
        for what, names in self.meant.items():
            if After(what).is_many and names:
                self.apart[what] = self.add(what, "asked", names)
                for name in names:
                    if not waiters[what, name]:
                        self.pair(self.home[name], self.apart[what], name, After(name))

    def take_together(self, tied: Collection[str], named: Collection[str]) -> None:
        """Points for the parts of batches."""
        batches: dict[str, list[str]] = {}
        tops = set(map(top_batch, tied)) - {""}
        for name in sorted(self.states):
            if name in tied or top_batch(name) in tops:
                batches.setdefault(top_batch(name), []).append(name)
        parting = Parting(self.after, self.meant, named)
        for batch, tasks in sorted(batches.items()):
            parts = parting.parts(batch, tasks)
            for part in parts:
                self.take(part, batch if len(parts) == 1 else "")

    def pair(self, first: int, later: int, waiter: str, entry: After) -> None:
        """Somebody of a point comes after something of another one."""
        self.pairs.setdefault((first, later), set()).add((waiter, entry))

    def tie(self) -> None:
        """Lines for all that tasks come after."""
        mine = [(name, entry) for name, entries in sorted(self.after.items()) for entry in entries if name in self.home]
        self._take_nowhere(mine)
        homes = {what: Counter(self.home[name] for name in names) for what, names in self.meant.items()}
        for name, entry in mine:
            self._tie(name, entry, homes[entry.what])

    def _take_nowhere(self, pairs: Iterable[tuple[str, After]]) -> None:
        """Points for what is nowhere; many of one batch that the same points wait for are one."""
        waiters: dict[str, set[int]] = {}
        for name, entry in pairs:
            if not self.meant[entry.what]:
                waiters.setdefault(entry.what, set()).add(self.home[name])
        alike: dict[object, list[str]] = {}
        for what, points in sorted(waiters.items()):
            alike.setdefault((top_batch(what), frozenset(points)), []).append(what)
        for part in (part for whats in alike.values() for part in each_of_few(whats)):
            self.apart.update(dict.fromkeys(part, self.add(called(part), "nowhere", missing=part)))

    def _tie(self, name: str, entry: After, homes: Mapping[int, int]) -> None:
        later, what = self.home[name], entry.what
        if what in self.apart:
            self.pair(self.apart[what], later, name, entry)
            return
        is_many, itself = After(what).is_many, name in self.meant[what]
        for first, number in homes.items():
            if not (is_many and itself and first == later and number == 1):  # a batch that it belongs to: the others
                self.pair(first, later, name, entry)

    def graph(self) -> Graph:
        """All that was taken, in order."""
        order = ordered([point.name for point in self.points], self.pairs)
        number = {old: new for new, old in enumerate(order, 1)}
        points = tuple(replace(self.points[old], number=number[old]) for old in order)
        lines = [self._line(first, later, number) for first, later in self.pairs]
        return Graph(points, tuple(sorted(lines, key=lambda line: (line.later, line.first))))

    def _line(self, first: int, later: int, number: Mapping[int, int]) -> Line:
        pairs = self.pairs[first, later]
        waiters, wants = {name for name, _ in pairs}, tuple(sorted({entry.wants for _, entry in pairs}))
        return Line(number[first], number[later], len(waiters), len(self._awaited(first, later)), wants)

    def _awaited(self, first: int, later: int) -> Collection[str]:
        pairs, point = self.pairs[first, later], self.points[first]
        if point.kind in ("asked", "task"):
            return point.tasks
        if point.kind == "nowhere":
            return {entry.what for _, entry in pairs}
        meant = (self.meant[what] for what in {entry.what for _, entry in pairs})
        awaited = set[str]().union(*meant).intersection(point.tasks)
        waiters = {name for name, _ in pairs}
        return awaited - waiters if first == later and len(waiters) == 1 else awaited
