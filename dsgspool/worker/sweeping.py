"""Attempts of sweeps: what becomes of one, and the process of a chunk.

The rule: a sweep is read and counted by the worker, and its items are nobody's business but the chunk's (chunk.py): the worker
starts that process as any command, and learns from the last line of its index how it went.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from dsgspool import names
from dsgspool.classes import dataclass
from dsgspool.errors import InvalidName, InvalidTask
from dsgspool.expressions import expression
from dsgspool.fs import Fs
from dsgspool.items import MARK, Sweep, readable
from dsgspool.names import TaskName
from dsgspool.ranges import INDEX, ONLY, Range, parse_range, whole
from dsgspool.records import parse_record, record_is_over
from dsgspool.spool.chain import next_of
from dsgspool.spool.divisions import Divisions, own_place
from dsgspool.spool.written import Tables
from dsgspool.task import Decision, Kind, Outcome, State
from dsgspool.worker import chunk, freezing, launch
from dsgspool.worker.admission import owner_of
from dsgspool.worker.environment import Environment
from dsgspool.worker.outlets import KINDS
from dsgspool.worker.peek import is_sweep
from dsgspool.worker.scripts import Scripts

if TYPE_CHECKING:
    from dsgspool.worker.attempt import Attempt
    from dsgspool.worker.loop import Worker

OTHER_NAME = "take another name, or wait until `dsgspool prune` has forgotten that one"
LOOK_AGAIN = 3.0  #: seconds until a sweep is tried again of whose name nobody could tell whether it is new
BACK = (State.TODO, State.WAITING)  #: where an attempt goes that is followed by another without anybody's doing
TAIL = 1024  #: bytes at the end of an index in which its last line is looked for
_LAST = expression(rb"^# (\d+) done, (\d+) failed, (\d+) run in ([0-9.]+) s(?:; failed: ([^\n]*))?\n\Z", re.MULTILINE)


@dataclass(slots=True)
class Chunk:
    """The items that an attempt runs; what is set when tells how far it got."""

    range: Range
    plan: dict[str, object]
    script: str = ""  #: the file that the plan was written to
    done: int | None = None  #: items that are done, also by earlier attempts; None = it did not say
    failed: int | None = None
    ran: int = 0
    seconds: float = 0.0
    named: str = ""  #: some of those that failed, for people

    def hear(self, tail: bytes) -> None:
        """How it went, as the end of its index says."""
        if found := _LAST.search(tail):
            self.done, self.failed, self.ran = int(found[1]), int(found[2]), int(found[3])
            self.seconds, self.named = float(found[4]), (found[5] or b"").decode(errors="replace")


def expand(attempt: Attempt, worker: Worker) -> Outcome | None:
    """What becomes of a sweep that was claimed; None for a chunk of one, for one whose files are to be read first, and for any
    other task.  InvalidTask, OSError."""
    sweep, identity, text = attempt.task.sweep, attempt.name.identity, attempt.text
    if sweep is None or attempt.chunk:
        return None
    if part := parse_range(identity):
        what = f"its name says items {part.numbers}, and `sweep` has {sweep.count:,}"
        raise InvalidTask(what, remedy=f"call it as in {whole(part.sweep, sweep.count).identity}, or put it outside")
    assert text is not None
    if not is_sweep(text.data):
        raise InvalidTask("`sweep` does not stand at the beginning of a line", remedy="write each key on a line")
    divisions = Divisions(worker.janitor.moves)
    if not sweep.sources:
        return _expanded(attempt, sweep, divisions)
    if (why := divisions.why_not_new(identity)) is None:
        return _look_again(attempt)
    if why := why or (freezing.OF_ANOTHER if attempt.kept else ""):
        raise InvalidTask(why, remedy=OTHER_NAME)
    owner = owner_of(text, worker.settings, worker.me)
    freezing.begin(attempt, Tables(worker.janitor.moves), worker.settings, owner)
    return None


def _expanded(attempt: Attempt, sweep: Sweep, divisions: Divisions) -> Outcome:
    """What becomes of a sweep whose items are known.  InvalidTask, OSError."""
    identity, text = attempt.name.identity, attempt.text
    assert text is not None
    if fits(parse_range(f"-/{identity}"), sweep.count):  # moved by hand, without its folder: all items would run again
        remedy = f"move it to todo/NAME/{identity}.yaml, NAME being the sweep's; a sweep needs another name"
        raise InvalidTask(f"it is called as items {identity} of a sweep are, without the sweep's folder", remedy=remedy)
    try:
        first = names.check_identity(whole(identity, sweep.count).identity)
    except InvalidName as error:
        raise InvalidTask(f"its items could have no names: {error}", remedy="take a shorter name") from None
    # Whose text it is, is said when nothing can be wrong with it any more: a mended one has another.
    if (why := divisions.begin(identity, text.data, has_table=attempt.parse is not None)) is None:
        return _look_again(attempt)
    if why:
        raise InvalidTask(why, remedy=OTHER_NAME)
    attempt.becomes, attempt.decision = first, Decision(State.TODO)
    items = "item" if sweep.count == 1 else "items"
    return Outcome(Kind.STOPPED, reason=f"{sweep.count:,} {items}, now in todo/{identity}/")


def _look_again(attempt: Attempt) -> Outcome:
    attempt.decision = Decision(State.WAITING, budget=attempt.name.budget, delay=LOOK_AGAIN)
    return Outcome(Kind.STOPPED, reason="a folder that is listed cannot be opened: it is looked at again")


def fits(part: Range | None, count: int) -> bool:
    """True for items of a sweep that has so many."""
    return part is not None and part.last < count and part.width == whole("", count).width


def lay_out(attempt: Attempt, fs: Fs, logs: str, default_cwd: str) -> None:
    """Take what is each item's apart from what is the chunk's."""
    task, known = attempt.task, attempt.environment
    assert task.sweep is not None
    own = {name: value for name, value in known.added.items() if MARK in value}
    shown = {name: readable(value) for name, value in known.shown.items()}
    part = parse_range(attempt.name.identity)
    if part and not part.is_rest and fits(part, task.sweep.count):
        only = chosen(fs, logs, attempt.name.identity, attempt.number)
        attempt.chunk = Chunk(
            part,
            {
                "sweep": task.sweep.facts(), "first": part.first, "last": part.last, "env": own,
                "only": only, "again": tried_again(fs, logs, attempt.name, attempt.number),
                "argv": launch.limited(attempt.argv, task.limits), "cwd": attempt.cwd if MARK in attempt.cwd else "",
                "codes": sorted(task.success_codes), "timeout": task.timeout, "grace": task.grace,
                "stdin": bool(task.stdin), "earlier": earlier(fs, logs, attempt.name.identity, attempt.number, only),
            },
        )  # fmt: skip
    attempt.argv = [readable(word) for word in attempt.argv]
    attempt.cwd = default_cwd if MARK in attempt.cwd else attempt.cwd
    attempt.environment = Environment(
        {name: value for name, value in known.added.items() if name not in own}, shown, known.secrets
    )
    limits = {key: value for key, value in task.limits.items() if key not in launch.RLIMITS}
    attempt.task = replace(task, timeout=None, limits=limits)


def earlier(fs: Fs, logs: str, identity: str, number: int, only: list[int] | None) -> list[tuple[list[int], str, bool]]:
    """Indexes, oldest first, of the attempts since the last one that was done as a whole: who runs it again then wants all of it,
    or says which of its items (`only`).  Before each: the items that were chosen for it, whatever came of them before; behind it:
    whether it ended by itself, or nobody knows how, so that an item may have killed it."""
    found: list[tuple[list[int], str, bool]] = []
    for before in range(number - 1, 0, -1):
        record = f"{logs}/{names.record_path(identity, before)}"
        data = fs.read_fresh(record)
        # RACE: its worker may have died while it wrote the end: then nothing was published, and the attempt was lost.
        outcome = parse_record(data).outcome if data is not None and record_is_over(data) else ""
        if outcome == Kind.DONE and only is None:
            break
        only = chosen(fs, logs, identity, before)
        was_stopped = outcome in (Kind.STOPPED, Kind.REVOKED)
        found.insert(0, (only or [], f"{record.removesuffix('yaml')}{INDEX}", not was_stopped))
    return found


def chosen(fs: Fs, logs: str, identity: str, number: int) -> list[int] | None:
    """The only items that an attempt is to run, when somebody chose some; None = all that have not succeeded."""
    path = f"{logs}/{names.record_path(identity, number).removesuffix('yaml')}{ONLY}"
    with own_place(path):
        data = fs.read_fresh(path)
    return None if data is None else [int(word) for word in data.split() if word.isdigit() and len(word) < 9]


def tried_again(fs: Fs, logs: str, name: TaskName, number: int) -> list[int] | None:
    """The items that were chosen for an attempt which this one only tries again, as it failed, was given back or lost;
    None = there was no choice, or somebody has queued it anew since: by hand, as the name of what ended shows."""
    budget = name.budget
    for before in range(number - 1 if name.tag[:1].isdigit() else 0, 0, -1):
        data = fs.read_fresh(f"{logs}/{names.record_path(name.identity, before)}") or b""
        follows = next_of(data) if record_is_over(data) else Decision(State.TODO if budget.losses else State.FAILED)
        is_newest = before == number - 1 and record_is_over(data)
        if follows is None or follows.state not in BACK or (is_newest and follows.budget != budget):
            return None
        if (found := chosen(fs, logs, name.identity, before)) is not None:
            return found
    return None


def command(attempt: Attempt, scripts: Scripts, now: float) -> list[str]:
    """The command line of an attempt, and of a chunk that of its process, whose plan is written down."""
    part = attempt.chunk
    if attempt.freezing:
        return freezing.command(attempt, scripts)
    if part is None:
        return launch.limited(attempt.argv, attempt.task.limits)
    assert attempt.logs is not None
    plan = marshal.dumps({**part.plan, "now": now, "table": attempt.kept[-1] if attempt.kept else None})
    part.script = scripts.write(f"{attempt.held.claim}.plan", plan, attempt.user)
    return [sys.executable, "-I", "-S", os.path.abspath(chunk.__file__), part.script, str(attempt.logs[-1])]


def kinds(attempt: Attempt) -> tuple[str, ...]:
    """What the names of the files end with that it writes to."""
    return (*KINDS, INDEX) if attempt.chunk else KINDS


def hear(attempt: Attempt, fs: Fs, logs: str) -> None:
    """Learn how its items went, if it has any."""
    if attempt.chunk:
        with contextlib.suppress(OSError):
            attempt.chunk.hear(fs.read_at(f"{logs}.{INDEX}", -TAIL, TAIL))


def outcome_of(attempt: Attempt, fs: Fs, logs: str, of_process: Outcome) -> Outcome:
    """How an attempt ended whose process ended so: of a chunk its items tell."""
    part, exit_ = attempt.chunk, attempt.exit
    assert exit_ is not None
    if attempt.freezing:
        found = freezing.ended(attempt, fs, logs, of_process)
        if isinstance(found, Outcome):
            return found
        try:
            return _expanded(attempt, found, Divisions(attempt.freezing.tables.moves))
        except InvalidTask as error:
            return freezing.invalid(attempt, str(error))
        except OSError as error:
            return Outcome(Kind.STOPPED, reason=f"it could not begin: {error}")
    if part is None:
        return of_process
    if exit_.code == chunk.TROUBLE:
        return Outcome(Kind.STOPPED, reason=f"given back: {of_process.reason}")
    if exit_.code == 0:
        return Outcome(Kind.DONE, 0)
    if exit_.code == chunk.SOME_FAILED and part.failed:
        more = ", ..." if part.failed > len(part.named.split(", ")) else ""
        named = f": {part.named}{more}" if part.named else ""
        what = "items failed" if named else "items have not succeeded"
        every = (part.done or 0) + part.failed  # without what is excluded
        return Outcome(Kind.ITEMS, part.failed, f"{part.failed:,} of {every:,} {what}{named}")
    return of_process


def counts(attempt: Attempt) -> dict[str, int | None]:
    """What its record says of its items."""
    part = attempt.chunk
    return {"items_done": part.done, "items_failed": part.failed} if part else {}
