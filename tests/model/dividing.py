"""How a rest of a sweep is divided (spool-format.md, decision (lvi)), as a model of its own: every order of steps.

The rule: in every world each item belongs to exactly one task.  What a file called rest-A-B stands for is told by
sweeps/A-B/: its first items are the chunk A-HEAD, the others what lies in that folder; without it all of A-B is its own.

    python -m tests.model.dividing [--without RULE]

One sweep, two workers, who may be killed, taken for dead while they go on, and have calls on the wire that are executed
later; a person who parks, releases and copies, or whose command cuts a rest at the borders of some items (decision lxv), without
holding it, and may be killed.  A chunk is a task, and that one runs once is what the big model shows.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from tests.model import small

Range = tuple[int, int]  #: first and last item
RULES = {
    "once": "sweeps/A-B/ is moved into place whole, and only where none lies",
    "obeys": "who divides goes by what lies there and not by what it had in mind",
    "parts-first": "rest-A-B gets its new name when the folder has no parts any more",
    "looks": "a command that cuts goes by what lies there too",
    "own-name": "a rest is never run under its own name, not even when it is short",
}
FAULTS = {"kill": 1, "presume": 1, "late": 1, "person": 1}


class File(NamedTuple):
    """One file: in todo, hold, a worker's folder, or `tasks`: what is no affair of this model any more; `claim` 0 = none."""

    place: str
    kind: str
    span: Range
    claim: int = 0
    copy: int = 0


class Folder(NamedTuple):
    """sweeps/A-B/: the last item of the chunk that comes first, and the parts that still lie in it."""

    span: Range
    head: int
    parts: frozenset[Range]


class World(NamedTuple):
    """All that is on the server, whom somebody takes for dead, what each worker last decided, and what is on the wire."""

    files: frozenset[File]
    folders: frozenset[Folder] = frozenset()
    dead: frozenset[str] = frozenset()  # killed
    presumed: frozenset[str] = frozenset()  # killed or not: janitors take its files
    minds: tuple[tuple[str, Range, int], ...] = ()  # worker, rest, head: what it goes by
    wire: frozenset[tuple] = frozenset()
    faults: tuple[tuple[str, int], ...] = tuple(sorted(FAULTS.items()))
    claims: int = 0
    cutting: tuple[Range, Range] | None = None  #: a command's rest, and the chunk that it would make of it

    def spend(self, fault: str) -> World | None:
        """The world in which that happened, None when it has happened often enough."""
        left = small.spent(self.faults, fault)
        return left and self._replace(faults=left)

    def folder(self, span: Range) -> Folder | None:
        """sweeps/A-B/"""
        return next((each for each in self.folders if each.span == span), None)


Step = tuple[str, World]


def broken(world: World) -> str:
    """An item that belongs to no task, or to two."""
    owners: dict[int, set[str]] = {}
    for file in world.files:
        for item, owner in _stands_for(world, file):
            owners.setdefault(item, set()).add(owner)
    last = max(file.span[1] for file in world.files)
    for item in range(max(last, ITEMS - 1) + 1):
        if len(tasks := owners.get(item, set())) != 1:
            return f"item {item} belongs to {' and '.join(sorted(tasks)) or 'no task'}"
    return ""


def _stands_for(world: World, file: File) -> Iterator[tuple[int, str]]:
    first, last = file.span
    if file.kind == "rest" and file.place != "tasks" and (folder := world.folder(file.span)):
        yield from ((item, f"{first}-{folder.head}") for item in range(first, folder.head + 1))
        for part in folder.parts:
            yield from _stands_for(world, File("sweeps", "rest", part))
    else:
        name = f"{first}-{last}" if file.kind == "chunk" else f"rest-{first}-{last}"
        yield from ((item, name) for item in range(first, last + 1))


ITEMS = 3


def ways(span: Range) -> Iterator[tuple[int, frozenset[Range]]]:
    """What a worker may have in mind: how long the chunk is, and into how many parts the others go."""
    first, last = span
    yield last, frozenset()
    if first < last:
        yield first, frozenset({(first + 1, last)})
    if first + 1 < last:
        yield first, frozenset({(first + 1, first + 1), (first + 2, last)})


# -- the server ------------------------------------------------------------------------------------------------------


def execute(world: World, call: tuple, off: small.Off) -> World:
    """One call: a rename of a file, of a part out of sweeps/, or of a folder into sweeps/."""
    match call:
        case ("mv", source, target):
            if source not in world.files:
                return world
            return world._replace(files=world.files - {source} | {target})
        case ("part", span, part):
            folder = world.folder(span)
            if folder is None or part not in folder.parts:
                return world
            folders = world.folders - {folder} | {folder._replace(parts=folder.parts - {part})}
            return world._replace(folders=folders, files=world.files | {File("todo", "rest", part)})
        case ("divide", folder):
            there = world.folder(folder.span)
            if there is not None and "once" not in off:
                return world
            return world._replace(folders=world.folders - {there} | {folder})
    raise AssertionError(call)


def call(label: str, world: World, what: tuple, off: small.Off) -> Iterator[Step]:
    """A call as its caller makes it: at once, or it hangs and comes later."""
    yield label, execute(world, what, off)
    if what not in world.wire and (late := world.spend("late")):
        yield f"{label}; the call hangs", late._replace(wire=late.wire | {what})


# -- who takes steps -------------------------------------------------------------------------------------------------


def steps(world: World, off: small.Off) -> Iterator[Step]:
    """Everything that can be next."""
    for worker in ("w1", "w2"):
        if worker not in world.dead:
            yield from works(world, worker, off)
            if killed := world.spend("kill"):
                yield (
                    f"{worker} is killed",
                    killed._replace(dead=killed.dead | {worker}, presumed=killed.presumed | {worker}),
                )
            if worker not in world.presumed and (taken := world.spend("presume")):
                yield f"{worker} stands still and is taken for dead", taken._replace(presumed=taken.presumed | {worker})
    for file in world.files:
        if file.place in world.presumed:
            back = file._replace(place="todo", claim=0)
            yield from call(f"a janitor gives {_name(file)} of {file.place} back", world, ("mv", file, back), off)
    yield from person(world)
    yield from commands(world, off)
    for what in world.wire:
        rest = world._replace(wire=world.wire - {what})
        yield f"late: {what[0]} {what[1:]}", execute(rest, what, off)
        yield f"never executed: {what[0]} {what[1:]}", rest


def works(world: World, worker: str, off: small.Off) -> Iterator[Step]:
    """A worker claims, and goes on with what its own folder shows (R1)."""
    own = [file for file in world.files if file.place == worker]
    if not own and worker not in world.presumed:
        for file in world.files:
            if file.place == "todo":
                claimed = file._replace(place=worker, claim=world.claims + 1)
                numbered = world._replace(claims=world.claims + 1)
                yield from call(f"{worker} claims {_name(file)}", numbered, ("mv", file, claimed), off)
    for file in own:
        yield from divides(world, worker, file, off)


def divides(world: World, worker: str, rest: File, off: small.Off) -> Iterator[Step]:
    """A worker that holds a rest."""
    folder = world.folder(rest.span)
    mind = next((head for who, span, head in world.minds if (who, span) == (worker, rest.span)), None)
    if folder is None:
        if mind is None or "obeys" not in off:
            for head, parts in ways(rest.span):
                thinks = world
                if "obeys" in off:
                    thinks = world._replace(minds=tuple(sorted({*world.minds, (worker, rest.span, head)})))
                made = ("divide", Folder(rest.span, head, parts))
                yield from call(
                    f"{worker} divides {_name(rest)} after {head}, parts {sorted(parts)}", thinks, made, off
                )
        if "own-name" in off:
            over = rest._replace(place="tasks", claim=0)
            yield from call(f"{worker} runs {_name(rest)} as it is", world, ("mv", rest, over), off)
        return
    for part in folder.parts:
        yield from call(f"{worker} moves part {part} to todo/", world, ("part", rest.span, part), off)
    if not folder.parts or "parts-first" in off:
        head = folder.head if mind is None else mind
        chunk = File("tasks", "chunk", (rest.span[0], head))  # a task from now on, wherever it lies
        yield from call(f"{worker} calls {_name(rest)} {_name(chunk)}", world, ("mv", rest, chunk), off)


def commands(world: World, off: small.Off) -> Iterator[Step]:
    """A command that holds nothing: it makes the folder, moves the parts, renames the file where it lies; or stops."""
    if world.cutting is None:
        for file in world.files:
            if file.kind == "rest" and file.place in ("todo", "hold", "w1") and (then := world.spend("person")):
                first, last = file.span
                parts = frozenset({(first + 1, last)} if first < last else ())
                thinks = then._replace(cutting=(file.span, (first, first)))
                made = ("divide", Folder(file.span, first, parts))
                yield from call(f"a command cuts {_name(file)} of {file.place}", thinks, made, off)
        return
    span, mine = world.cutting
    if (folder := world.folder(span)) is None:
        return
    for part in folder.parts:
        yield from call(f"the command moves part {part} to todo/", world, ("part", span, part), off)
    for file in world.files:
        if (file.kind, file.span) == ("rest", span) and file.place in ("todo", "hold") and not folder.parts:
            chunk = File("tasks", "chunk", mine if "looks" in off else (span[0], folder.head))
            yield from call(f"the command calls {_name(file)} {_name(chunk)}", world, ("mv", file, chunk), off)


def person(world: World) -> Iterator[Step]:
    """mv to hold/ and back, and a copy of what is being divided."""
    if (then := world.spend("person")) is None:
        return
    for file in world.files:
        if file.place in ("w1", "w2", "todo"):
            parked = then.files - {file} | {file._replace(place="hold")}
            yield f"a person parks {_name(file)} of {file.place}", then._replace(files=parked)
        if file.place == "hold":
            back = then.files - {file} | {file._replace(place="todo", claim=0)}
            yield f"a person releases {_name(file)}", then._replace(files=back)
        if file.place in ("w1", "w2") and not file.copy:
            copied = then.files | {file._replace(place="todo", claim=0, copy=1)}
            yield f"a person copies {_name(file)} of {file.place} to todo/", then._replace(files=copied)


def _name(file: File) -> str:
    return f"{'rest-' if file.kind == 'rest' else ''}{file.span[0]}-{file.span[1]}"


# -- the search ------------------------------------------------------------------------------------------------------


def normal(world: World) -> World:
    """Claims are only compared for equality: numbered anew, in the order of the files."""
    numbers: dict[int, int] = {0: 0}
    held = sorted(f.claim for f in chain(world.files, *(_files_of(call) for call in world.wire)))
    for claim in held:
        numbers.setdefault(claim, len(numbers))
    if all(old == new for old, new in numbers.items()):
        return world._replace(claims=len(numbers) - 1)

    def again(value: object) -> object:
        return value._replace(claim=numbers[value.claim]) if isinstance(value, File) else value

    return world._replace(
        files=frozenset(map(again, world.files)),
        wire=frozenset(tuple(map(again, call)) for call in world.wire),
        claims=len(numbers) - 1,
    )


def _files_of(call: tuple) -> list[File]:
    return [each for each in call if isinstance(each, File)]


def search(off: small.Off = frozenset()) -> tuple[int, list[str]]:
    """How many worlds there are, and the shortest way to one that is broken, [] when none is."""
    first = World(frozenset({File("todo", "rest", (0, ITEMS - 1))}))
    return small.search(
        first,
        lambda world: ((label, normal(then)) for label, then in steps(world, off)),
        lambda world, _is_last: broken(world),
    )


def main(arguments: list[str]) -> int:
    """Search, and tell what came out."""
    return small.main(arguments, "dividing", "How a rest of a sweep is divided", RULES, search)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
