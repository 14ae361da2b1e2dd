"""What the files of a sweep said is written down once (spool-format.md, decision (lxiv)), as a model: every order of steps.

The rule: a rest has as many items as the table that lies there, and a table that a rest goes by is never another one later.

    python -m tests.model.freezing [--without RULE]

One task file NAME, two workers that may be killed, taken for dead while they go on, and have a rename on the wire; the file that
they read has other rows each time; a person takes NAME away and submits it anew.  How a rest is divided is dividing.py.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import NamedTuple

from tests.model import small

RULES = {
    "once": "table/ is moved into place whole, and only where none lies",
    "obeys": "who comes second goes by the table that lies there",
    "table-first": "NAME is called rest-0-LAST when the table is there",
    "its-own": "a table of another file of that name is not gone by",
}
FAULTS = {"kill": 1, "presume": 1, "late": 1, "person": 1}


class Table(NamedTuple):
    """What somebody read, of which submission of NAME: it has `rows` rows."""

    of: int
    rows: int


class World(NamedTuple):
    """Where each submission of NAME lies (todo, a worker, `invalid`, away), the rests, the table, and what is on the wire."""

    names: frozenset[tuple[int, str]] = frozenset({(1, "todo")})
    rests: frozenset[tuple[int, int]] = frozenset()  # of which submission, how many items
    table: Table | None = None
    source: int = 1  # rows that the file has now
    minds: tuple[tuple[str, Table], ...] = ()  # what each worker has read
    dead: frozenset[str] = frozenset()
    presumed: frozenset[str] = frozenset()
    wire: frozenset[tuple] = frozenset()
    faults: tuple[tuple[str, int], ...] = tuple(sorted(FAULTS.items()))

    def spend(self, fault: str) -> World | None:
        """The world in which that happened, None when it has happened often enough."""
        left = small.spent(self.faults, fault)
        return left and self._replace(faults=left)


Step = tuple[str, World]


def broken(world: World) -> str:
    """Why a number may stand for other values than it did, or for none."""
    if len(world.rests) > 1:
        return "the items belong to two tasks"
    for of, count in world.rests:
        if world.table is None or world.table.rows != count:
            return f"{count} items go by a table of {world.table and world.table.rows} rows"
        if world.table.of != of:
            return "the items go by what an earlier submission had read"
    return ""


def execute(world: World, call: tuple, off: small.Off) -> World:
    """One rename on the server."""
    match call:
        case ("table", table):
            if world.table is not None and "once" not in off:
                return world
            return world._replace(table=table)
        case ("mv", of, place, target):
            if (of, place) not in world.names:
                return world
            return world._replace(names=world.names - {(of, place)} | {(of, target)})
        case ("rest", of, place, count):
            if (of, place) not in world.names:
                return world
            return world._replace(names=world.names - {(of, place)}, rests=world.rests | {(of, count)})
    raise AssertionError(call)


def call(label: str, world: World, what: tuple, off: small.Off) -> Iterator[Step]:
    """A call as its caller makes it: at once, or it hangs and comes later."""
    yield label, execute(world, what, off)
    if what not in world.wire and (late := world.spend("late")):
        yield f"{label}; the call hangs", late._replace(wire=late.wire | {what})


def steps(world: World, off: small.Off) -> Iterator[Step]:
    """Everything that can be next."""
    for worker in ("w1", "w2"):
        if worker in world.dead:
            continue
        yield from works(world, worker, off)
        if killed := world.spend("kill"):
            yield (
                f"{worker} is killed",
                killed._replace(dead=killed.dead | {worker}, presumed=killed.presumed | {worker}),
            )
        if worker not in world.presumed and (taken := world.spend("presume")):
            yield f"{worker} stands still and is taken for dead", taken._replace(presumed=taken.presumed | {worker})
    for of, place in world.names:
        if place in world.presumed:
            yield from call(f"a janitor gives NAME of {place} back", world, ("mv", of, place, "todo"), off)
    if (then := world.spend("person")) and len(world.names) == 1:
        [(of, place)] = world.names
        yield (
            f"a person takes NAME out of {place}, changes the file, and submits NAME anew",
            then._replace(names=frozenset({(of + 1, "todo")}), source=world.source + 1),
        )
    for what in world.wire:
        rest = world._replace(wire=world.wire - {what})
        yield f"late: {what}", execute(rest, what, off)
        yield f"never executed: {what}", rest


def works(world: World, worker: str, off: small.Off) -> Iterator[Step]:
    """A worker claims NAME, reads, puts the table into its place, and renames."""
    mine = [of for of, place in world.names if place == worker]
    if not mine and worker not in world.presumed:
        for of, place in world.names:
            if place == "todo" and not world.rests:
                others = tuple((who, table) for who, table in world.minds if who != worker)
                yield from call(f"{worker} claims NAME", world._replace(minds=others), ("mv", of, "todo", worker), off)
    mind = dict(world.minds).get(worker)
    # What it holds, as it believes: its guard may let it go on for a moment when its file is gone.
    if mind is not None and not mine:
        yield from call(f"{worker} puts its table into place", world, ("table", mind), off)
    for of in mine:
        yield from holds(world, worker, of, mind, off)


def holds(world: World, worker: str, of: int, mind: Table | None, off: small.Off) -> Iterator[Step]:
    """A worker that holds NAME."""
    there = world.table
    if mind is None and there is None:
        read = tuple(sorted({*world.minds, (worker, Table(of, world.source))}))
        for more in (0, 1):  # the file may grow behind it
            yield f"{worker} reads {world.source} rows", world._replace(minds=read, source=world.source + more)
        return
    if mind is not None and there != mind:
        yield from call(f"{worker} puts its table into place", world, ("table", mind), off)
    if there is None and "table-first" not in off:
        return
    counts = mind if there is None or (mind is not None and "obeys" in off) else there
    assert counts is not None
    if counts.of != of and "its-own" not in off:
        yield from call(f"{worker} finds the table of another file", world, ("mv", of, worker, "invalid"), off)
        return
    yield from call(f"{worker} calls NAME rest-0-{counts.rows - 1}", world, ("rest", of, worker, counts.rows), off)


def search(off: small.Off = frozenset()) -> tuple[int, list[str]]:
    """How many worlds there are, and the shortest way to one that is broken, [] when none is."""
    return small.search(World(), lambda world: steps(world, off), lambda world, _is_last: broken(world))


def main(arguments: list[str]) -> int:
    """Search, and tell what came out."""
    return small.main(arguments, "freezing", "What the files of a sweep said", RULES, search)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
