"""Some items of a sweep, as people call them: SWEEP/123, SWEEP/300-400.

The rule: of a rest they are taken out by dividing it at their borders (spool/divisions.py).  A chunk is never cut: it is held or
cancelled whole, and when some of a finished one are to run again its own file is requeued, and logs/NAME.N.only says which its
next attempt, number N, is to run.  That is written whole before the file is moved: without it all that failed would run.
A chunk that is requeued as a whole takes no choice with it that was made before.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterable, Iterator

from dsgspool.cli import output
from dsgspool.cli.finding import attempts_of
from dsgspool.errors import InvalidTask, TaskNotFound, WrongState
from dsgspool.expressions import expression
from dsgspool.items import Sweep
from dsgspool.names import record_path
from dsgspool.ranges import ONLY, Range, parse_range
from dsgspool.spool.divisions import Divisions
from dsgspool.spool.moves import Moves, Place
from dsgspool.spool.written import Tables
from dsgspool.task import TRANSITIONS, Budget, State

LOOKS = 20  #: as often it is looked for what others divide meanwhile
UNDIVIDED = (State.TODO, State.WAITING, State.HOLD)
_SWEEP = expression(rb"^sweep:", re.MULTILINE)
_ITEMS = expression(r"(.+)/([0-9]{1,8})(?:-([0-9]{1,8}))?")


def named(moves: Moves, patterns: Iterable[str]) -> tuple[list[str], list[str]]:
    """Patterns that mean tasks, and those that mean items."""
    patterns = list(patterns)
    items = [pattern for pattern in patterns if _ITEMS.fullmatch(pattern) and not moves.find(pattern)]
    return [pattern for pattern in patterns if pattern not in items], items


def apart(moves: Moves, patterns: Iterable[str]) -> tuple[list[str], dict[Place, set[int]], list[Place]]:
    """Patterns that mean tasks, the items of finished chunks that the others mean, and what they mean of cancelled rests."""
    items: dict[Place, set[int]] = {}
    rests: list[Place] = []
    tasks, others = named(moves, patterns)
    for pattern in others:
        sweep, first, last = _meant(pattern)
        parts = _parts(moves, sweep, first, last)
        if parts and not any(True for place, part in parts for _ in _left_in(moves, place, part, first, last)):
            remedy = "`exclude` leaves it out of the sweep; to run it, submit another one"
            raise WrongState(pattern, "excluded", "requeue", remedy)
        if is_cut := any(part.is_rest and place.state is State.FAILED for place, part in parts):
            rests += _move(moves, "requeue", pattern)
        for place, numbers in _items(moves, pattern, only=is_cut).items():
            items.setdefault(place, set()).update(numbers)
    return tasks, items, rests


def _meant(pattern: str) -> tuple[str, int, int]:
    meant = _ITEMS.fullmatch(pattern)
    assert meant is not None
    return meant[1], int(meant[2]), int(meant[3] or meant[2])


def move(moves: Moves, verb: str, patterns: Iterable[str]) -> list[Place]:
    """Cut the rests at the borders of the items that patterns mean, and print what moved by that; what is meant as a whole."""
    return [place for pattern in patterns for place in _move(moves, verb, pattern)]


def _move(moves: Moves, verb: str, pattern: str) -> list[Place]:
    """RACE: a worker may divide a rest before I do: then its parts are looked for, and divided."""
    states, state = TRANSITIONS[verb]
    assert state is not None
    sweep, first, last = _meant(pattern)
    is_cut = False
    for _ in range(LOOKS):
        parts = _parts(moves, sweep, first, last)
        if verb == "requeue":
            parts = [(place, part) for place, part in parts if part.is_rest]
        if not parts:
            raise not_found(moves, sweep, pattern)
        fitting = [(place, part) for place, part in parts if place.state in states]
        if not fitting and not is_cut:
            place = parts[0][0]
            raise WrongState(place.identity, place.state, verb, "these items have run, or are where you want them")
        across = [(place, part) for place, part in fitting if part.first < first or part.last > last]
        if chunks := [place for place, part in across if not part.is_rest]:
            remedy = f"a chunk is never divided: {verb} it whole, or leave it"
            raise WrongState(chunks[0].identity, chunks[0].state, verb, remedy, part=True)
        if not across:
            return [place for place, _ in fitting]
        place, part = across[0]
        meant = part.part(max(first, part.first), min(last, part.last), is_rest=True)
        if _cut(moves, place, meant, state):
            is_cut = True
            output.line(f"{sweep}/{meant.numbers}")
    raise WrongState(place.identity, place.state, verb, "it is divided again and again: try once more")


def _parts(moves: Moves, sweep: str, first: int, last: int) -> list[tuple[Place, Range]]:
    """The files that stand for some of these items.  A rest whose parts were taken out of it is as good as a chunk."""
    found = ((place, parse_range(place.identity)) for place in moves.find(f"{sweep}/"))
    parts = sorted(
        ((place, part) for place, part in found if part and part.sweep == sweep), key=lambda each: each[1].first
    )
    starts = [part.first for _, part in parts]
    each = [
        (place, part.part(part.first, before - 1, is_rest=False))
        if part.is_rest and (before := min((n for n in starts if n > part.first), default=part.last + 1)) <= part.last
        else (place, part)
        for place, part in parts
    ]
    return [(place, part) for place, part in each if part.first <= last and part.last >= first]


def _cut(moves: Moves, place: Place, meant: Range, state: State) -> bool:
    try:
        data, status = moves.fs.read(f"{moves.spool.folder(place.state)}/{place.path}")
    except FileNotFoundError:  # RACE: it was claimed meanwhile
        return False
    if os.geteuid() not in (0, status.st_uid):
        remedy = "what is made of it must be theirs too: ask them, or root"
        raise WrongState(place.identity, f"a file of uid {status.st_uid}", "divide", remedy)
    is_private = os.geteuid() != status.st_uid or not status.st_mode & 0o077
    return Divisions(moves).cut(place, meant, state, data, status.st_uid if is_private else -1)


def _items(moves: Moves, pattern: str, *, only: bool = False) -> dict[Place, set[int]]:
    """The finished chunks of the items that a pattern means; WrongState for one that is not finished.  `only`: others of these
    items are no chunk's, and are queued."""
    sweep, first, last = _meant(pattern)
    found: dict[Place, set[int]] = {}
    for place, part in _parts(moves, sweep, first, last):
        if only and (part.is_rest or place.state is State.TODO):
            continue
        if place.state not in TRANSITIONS["requeue"][0]:
            raise WrongState(place.identity, place.state, "requeue", "its items run again when it is finished")
        found[place] = set(_left_in(moves, place, part, first, last))
    found = {place: numbers for place, numbers in found.items() if numbers}
    if not found and not only:
        raise not_found(moves, sweep, pattern)
    return found


def _left_in(moves: Moves, place: Place, part: Range, first: int, last: int) -> Iterator[int]:
    """The items of a part that are meant and not excluded; where nobody can tell, all that are meant."""
    with contextlib.ExitStack() as stack:
        sweep = None
        with contextlib.suppress(InvalidTask, OSError):
            data = moves.fs.read(f"{moves.spool.folder(place.state)}/{place.path}")[0]
            sweep = stack.enter_context(Tables(moves).sweep_of(part.sweep, data)) if b"exclude" in data else None
        for number in range(max(first, part.first), min(last, part.last) + 1):
            if sweep is None or _is_left_in(sweep, number):
                yield number


def _is_left_in(sweep: Sweep, number: int) -> bool:
    try:
        return sweep.values(number) is not None
    except (OSError, ValueError, LookupError):  # what is wrong with text or table its chunk will say
        return True


def not_found(moves: Moves, sweep: str, pattern: str) -> TaskNotFound:
    """Of a sweep that nobody has divided yet there are no items; its own file is there."""
    whole = next((place for place in moves.find(sweep, UNDIVIDED) if place.identity == sweep), None)
    data = None if whole is None else moves.fs.read_fresh(f"{moves.spool.folder(whole.state)}/{whole.path}")
    if data is None or not _SWEEP.search(data):
        return TaskNotFound(pattern)
    return TaskNotFound(pattern, f"{sweep} has no items before a worker divides it; until then it goes as a whole")


def requeue(moves: Moves, items: dict[Place, set[int]]) -> None:
    """Let these run again, and print their names."""
    for place, numbers in items.items():
        _, path = _next(moves, place)
        _choose(moves, path, numbers | _standing(moves, place, path))
        if moves.requeue(place):
            part = parse_range(place.identity)
            output.lines(f"{part.sweep if part else ''}/{item}" for item in sorted(numbers))
        else:
            output.note(f"dsgspool: {place.identity} is not in {place.state}/ any more: somebody moved it meanwhile")


def whole(moves: Moves, to: Callable[[Place], bool] | None = None) -> Callable[[Place], bool]:
    """How a finished task is queued anew, or goes where `to` puts it: of a chunk runs what has not succeeded, whatever was
    chosen of it before."""
    listed: dict[str, frozenset[str]] = {}

    def queue(place: Place) -> bool:
        if (part := parse_range(place.identity)) and not part.is_rest:
            if part.sweep not in listed:
                found = moves.fs.scan(f"{moves.spool.logs}/{part.sweep}")
                listed[part.sweep] = frozenset(file.partition(".")[0] for file, _ in found if file.endswith(f".{ONLY}"))
            if part.numbers in listed[part.sweep]:
                _choose_anew(moves, place, part)
        return to(place) if to else moves.requeue(place)

    return queue


def _choose_anew(moves: Moves, place: Place, part: Range) -> None:
    """A chunk that was given back and cancelled is called as one that is only tried again: so what it is to run
    is written down."""
    from dsgspool.worker import sweeping
    from dsgspool.worker.chunk import finished

    fs, logs = moves.fs, moves.spool.logs
    number, path = _next(moves, place)
    standing = _standing(moves, place, path)
    if not standing and sweeping.tried_again(fs, logs, place.name.returned(Budget(), ""), number) is None:
        fs.remove(path)
        return
    done = finished(sweeping.earlier(fs, logs, place.identity, number, None))
    _choose(moves, path, standing | set(range(part.first, part.last + 1)) - done)


def _next(moves: Moves, place: Place) -> tuple[int, str]:
    """The number of a chunk's next attempt, and the file that says what that is to run."""
    number = len(attempts_of(moves.spool, place.identity)) + 1
    return number, f"{moves.spool.logs}/{record_path(place.identity, number).removesuffix('yaml')}{ONLY}"


def _choose(moves: Moves, path: str, numbers: set[int]) -> None:
    moves.fs.replace(path, "".join(f"{item}\n" for item in sorted(numbers)).encode())


def _standing(moves: Moves, place: Place, path: str) -> set[int]:
    """What was chosen for its next attempt since a chunk came where it lies: by one of me that was killed, or by somebody a
    moment ago, and is to run as well.  What is older was queued, and taken out before it began."""
    try:
        moves.fs.see(path)
        data, status = moves.fs.read(path)
    except (FileNotFoundError, NotADirectoryError):
        return set()
    if status.st_mtime <= moves.came_at(place):
        return set()
    return {int(word) for word in data.split() if word.isdigit()}
