"""`dsgspool requeue SWEEP/123`: some items of finished chunks run again.

The rule: the chunk's own file is requeued, so nothing is there twice; logs/NAME.N.only says which of its items its next attempt,
number N, is to run.  It is written whole before the file is moved: without it all that failed would run.
"""

from __future__ import annotations

from collections.abc import Iterable

from dsgspool.cli import output
from dsgspool.cli.finding import attempts_of
from dsgspool.errors import TaskNotFound, WrongState
from dsgspool.expressions import expression
from dsgspool.names import record_path
from dsgspool.ranges import ONLY, parse_range
from dsgspool.spool.moves import Moves, Place
from dsgspool.task import TRANSITIONS

_ITEMS = expression(r"(.+)/([0-9]{1,8})(?:-([0-9]{1,8}))?")


def apart(moves: Moves, patterns: Iterable[str]) -> tuple[list[str], dict[Place, set[int]]]:
    """Patterns that mean tasks, and the items that the others mean, by their chunks."""
    tasks: list[str] = []
    items: dict[Place, set[int]] = {}
    for pattern in patterns:
        if not _ITEMS.fullmatch(pattern) or moves.find(pattern):
            tasks.append(pattern)
            continue
        for place, numbers in _items(moves, pattern).items():
            items.setdefault(place, set()).update(numbers)
    return tasks, items


def _items(moves: Moves, pattern: str) -> dict[Place, set[int]]:
    """The finished chunks of the items that a pattern means; WrongState for one that is not finished."""
    meant = _ITEMS.fullmatch(pattern)
    assert meant is not None
    first, last = int(meant[2]), int(meant[3] or meant[2])
    found: dict[Place, set[int]] = {}
    for place in moves.find(f"{meant[1]}/"):
        part = parse_range(place.identity)
        if part is None or part.sweep != meant[1] or part.first > last or part.last < first:
            continue
        if place.state not in TRANSITIONS["requeue"][0]:
            raise WrongState(place.identity, place.state, "requeue", "its items run again when it is finished")
        found[place] = set(range(max(first, part.first), min(last, part.last) + 1))
    if not found:
        raise TaskNotFound(pattern)
    return found


def requeue(moves: Moves, items: dict[Place, set[int]]) -> None:
    """Let these run again, and print their names."""
    for place, numbers in items.items():
        number = len(attempts_of(moves.spool, place.identity)) + 1
        path = f"{moves.spool.logs}/{record_path(place.identity, number).removesuffix('yaml')}{ONLY}"
        # What a killed one of me has chosen, or somebody a moment ago, is to run as well.
        before = (moves.fs.read_fresh(path) or b"").decode().split()
        chosen = sorted(numbers | {int(word) for word in before if word.isdigit()})
        moves.fs.replace(path, "".join(f"{item}\n" for item in chosen).encode())
        if moves.requeue(place):
            part = parse_range(place.identity)
            output.lines(f"{part.sweep if part else ''}/{item}" for item in sorted(numbers))
        else:
            output.note(f"dsgspool: {place.identity} is not in {place.state}/ any more: somebody moved it meanwhile")
