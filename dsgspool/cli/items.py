"""One item of a sweep, as people call it: SWEEP/123.

The rule: what is known of it stands in the index of its chunk, a line for each time that it ended, which also says which bytes
of the chunk's logs are its own.  A task that is really called so comes first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dsgspool.classes import dataclass
from dsgspool.errors import InvalidTask, TaskNotFound
from dsgspool.expressions import expression
from dsgspool.names import record_path
from dsgspool.ranges import INDEX, ONLY, Range, parse_range
from dsgspool.spool.moves import Moves
from dsgspool.spool.written import Tables
from dsgspool.task import State

if TYPE_CHECKING:
    from dsgspool.cli.finding import Attempt, Found
    from dsgspool.spool import Spool
    from dsgspool.spool.moves import Place

_NAME = expression(r"(.+)/([0-9]{1,8})")
PIECE = 1 << 18


@dataclass(frozen=True, slots=True)
class Line:
    """That an item ended, in an attempt of its chunk; where its output lies: (offset, bytes)."""

    attempt: Attempt
    outcome: str
    started: str
    seconds: float
    out: tuple[int, int]
    err: tuple[int, int]

    def part(self, kind: str) -> tuple[int, int]:
        """Where its stdout (out) or stderr (err) lies in the chunk's log."""
        return self.err if kind == "err" else self.out


@dataclass(frozen=True, slots=True)
class Item:
    """An item, the file that stands for it (a chunk's, or that of a rest), and each time that it ended, oldest first."""

    number: int
    range: Range
    task: Found
    lines: list[Line]
    values: dict[str, str] | None  #: in the order of the file; None = it is excluded
    is_known: bool = True  #: `values` could be read
    is_again: bool = False  #: it has ended, and the attempt that is queued or runs is to run it once more

    @property
    def identity(self) -> str:
        """SWEEP/123"""
        return f"{self.range.sweep}/{self.number}"

    @property
    def state(self) -> str:
        """Where it stands: done or failed when it ended so, else the folder of the file that stands for it."""
        if self.values is None and self.is_known:
            return "excluded"
        newest = self.lines[-1] if self.lines else None
        is_over = self.task.state in (State.DONE, State.FAILED)
        if newest and not self.is_again and (newest.outcome == "done" or is_over):
            return "done" if newest.outcome == "done" else "failed"
        return self.task.state


def find_item(spool: Spool, name: str) -> Item:
    """The item of that name; TaskNotFound when there is none."""
    from dsgspool.cli.finding import Found, attempts_of
    from dsgspool.spool.moves import Moves

    if not (named := _NAME.fullmatch(name)):
        raise TaskNotFound(name)
    number = int(named[2])
    places: dict[str, list[Place]] = {}
    for place in Moves(spool).find(f"{named[1]}/"):
        part = parse_range(place.identity)
        if part and part.sweep == named[1] and part.first <= number <= part.last:
            places.setdefault(place.identity, []).append(place)
    ranges = sorted(filter(None, map(parse_range, places)), key=lambda part: part.is_rest)
    if not ranges:  # none, or it was pruned
        from dsgspool.cli.choosing import not_found

        raise not_found(Moves(spool), named[1], name)
    task = Found(ranges[0].identity, places[ranges[0].identity], attempts_of(spool, ranges[0].identity))
    lines = [line for attempt in task.attempts if (line := _line(spool, attempt, number))]
    try:
        values, is_known = _values(spool, task, named[1], number), True
    except (InvalidTask, OSError, ValueError):
        values, is_known = None, False
    is_again = bool(lines) and _is_again(spool, task, number, lines[-1].attempt.number)
    return Item(number, ranges[0], task, lines, values, is_known, is_again)


def _is_again(spool: Spool, task: Found, item: int, ended: int) -> bool:
    """True when since its newest end it was chosen to run again (`requeue`), or all of its chunk, which was done."""
    if task.state in (State.DONE, State.FAILED):
        return False
    for number in range(ended + 1, len(task.attempts) + 2):  # the last one may be still to come
        stem = record_path(task.identity, number).removesuffix("yaml")
        chosen = spool.fs.read_fresh(f"{spool.logs}/{stem}{ONLY}")
        before = task.attempts[number - 2]
        if (
            str(item).encode() in chosen.split()
            if chosen is not None
            else before.over and before.record.outcome == "done"
        ):
            return True
    return False


def _line(spool: Spool, attempt: Attempt, number: int) -> Line | None:
    data = spool.fs.read_fresh(f"{spool.root}/{attempt.path(INDEX)}") or b""
    at = data.find(b"\n%d " % number)  # the first line is a heading
    fields = data[at + 1 : end].decode(errors="replace").split() if 0 <= at < (end := data.find(b"\n", at + 1)) else []
    try:
        _, outcome, started, seconds, out, out_bytes, err, err_bytes = fields
        parts = (int(out), int(out_bytes)), (int(err), int(err_bytes))
        return Line(attempt, outcome, started, float(seconds), *parts)
    except ValueError:  # it has not ended, or somebody else wrote to this file
        return None


def _values(spool: Spool, task: Found, sweep: str, number: int) -> dict[str, str] | None:
    place = task.places[0]
    data = spool.fs.read(f"{spool.folder(place.state)}/{place.path}")[0]
    with Tables(Moves(spool)).sweep_of(sweep, data) as found:
        values = found.values(number)
        return values and {key: values[key] for key in found.keys}


def output_of(spool: Spool, line: Line, kind: str) -> Iterator[bytes]:
    """What the item wrote, in pieces."""
    offset, left = line.part(kind)
    while left > 0 and (data := spool.fs.read_at(f"{spool.root}/{line.attempt.path(kind)}", offset, min(left, PIECE))):
        yield data
        offset, left = offset + len(data), left - len(data)
