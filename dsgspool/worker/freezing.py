"""From files that a sweep names to its table (spool/written.py), and back from that to its items.

The rule: they are read once, by a process of the attempt that claimed the sweep (reading.py); everybody else goes by the table.
The worker looks at nothing but its last line.
"""

from __future__ import annotations

import functools
import marshal
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from dsgspool.classes import dataclass
from dsgspool.codec import parse_task
from dsgspool.errors import InvalidTask
from dsgspool.fs import Fs
from dsgspool.items import Sweep
from dsgspool.policy import Policy
from dsgspool.ranges import parse_range
from dsgspool.settings import Settings
from dsgspool.spool.own import Text
from dsgspool.spool.written import Tables, Written, facts_of
from dsgspool.task import Kind, Outcome, Task
from dsgspool.worker.admission import Me, group_id, why_foreign

if TYPE_CHECKING:
    from dsgspool.worker.attempt import Attempt
    from dsgspool.worker.scripts import Scripts

OF_ANOTHER = "the rows that are written down for a sweep of this name are of another file"
SAID_BYTES = 4096  #: at the end of an error log, in which the reason stands


@dataclass(slots=True)
class Freezing:
    """A table that is being written, in a folder that nobody knows."""

    tables: Tables
    parse: Callable[..., Task]
    staged: str
    plan: dict[str, object]
    script: str = ""  #: the file that the plan was written to


def parsed(attempt: Attempt, text: Text, settings: Settings, policy: Policy, tables: Callable[[], Tables]) -> Task:
    """The task of a text; what it takes from files is what its table says.  InvalidTask, OSError."""
    parse = functools.partial(parse_task, text.data, settings.task, policy.defaults, timezone=settings.timezone)
    task = parse()
    if task.sweep is None or not task.sweep.sources:
        return task
    attempt.parse, part = parse, parse_range(attempt.name.identity)
    written = tables().find(part.sweep if part else attempt.name.identity)
    if written is None and part:
        what = f"its rows are not written down: there is no {tables().folder(part.sweep)}"
        raise InvalidTask(what, remedy="submit the sweep anew, under another name")
    if written is None:
        return task
    attempt.kept.append(written.descriptor)
    if why := why_not_believed(written, text, settings):
        raise InvalidTask(f"{tables().folder(part.sweep if part else attempt.name.identity)}: {why}")
    if not part and not written.is_of(text.data, text.mtime):
        return task  # an earlier one's: no new sweep of that name can begin
    return parse(parts=written.parts)


def why_not_believed(written: Written, text: Text, settings: Settings) -> str:
    """Why the rows are not run, though they lie where they have to: whoever can write them decides what is run."""
    status = written.status
    if settings.run_as == "owner" and status.st_uid != text.uid:
        return f"its owner is uid {status.st_uid}, and the sweep's is uid {text.uid}"
    whose = Text(b"", (0, 0, 0), status.st_uid, status.st_gid, status.st_mode)
    return why_foreign(whose, settings, Me(text.uid, text.uid))


def begin(attempt: Attempt, tables: Tables, settings: Settings, owner: int) -> None:
    """Lay out what the process is to read and where it writes."""
    text, sweep = attempt.text, attempt.task.sweep
    assert text is not None and sweep is not None and attempt.parse is not None
    staged, rows = tables.stage(owner)
    attempt.kept.append(rows)
    trusted = group_id(settings.group) if settings.group is not None and settings.run_as != "owner" else -1
    plan = {
        "sources": sweep.sources, "uids": [text.uid], "gid": trusted, "facts": facts_of(text.data, text.mtime),
    }  # fmt: skip
    attempt.freezing = Freezing(tables, attempt.parse, staged, plan)


def command(attempt: Attempt, scripts: Scripts) -> list[str]:
    """The command line of the process that reads."""
    from dsgspool.worker import reading

    freezing = attempt.freezing
    assert freezing is not None
    freezing.script = scripts.write(f"{attempt.held.claim}.plan", marshal.dumps(freezing.plan), attempt.user)
    return [sys.executable, "-I", "-S", os.path.abspath(reading.__file__), freezing.script, str(attempt.kept[-1])]


def ended(attempt: Attempt, fs: Fs, logs: str, of_process: Outcome) -> Sweep | Outcome:
    """The sweep with its rows, once its process has ended well and the table is in its place; else how the attempt ended."""
    from dsgspool.worker import reading

    freezing, exit_ = attempt.freezing, attempt.exit
    assert freezing is not None and exit_ is not None
    if exit_.code == reading.TROUBLE:
        return Outcome(Kind.STOPPED, reason=f"given back: {of_process.reason}")
    if exit_.code == reading.WRONG:
        said = fs.read_at(f"{logs}.err", -SAID_BYTES, SAID_BYTES).decode(errors="replace")
        return invalid(attempt, said.rpartition(reading.SAID)[2].strip())
    if exit_.code != 0:
        return of_process
    try:
        return _put(freezing, attempt.name.identity)
    except InvalidTask as error:
        return invalid(attempt, str(error))
    except OSError as error:
        return Outcome(Kind.STOPPED, reason=f"its rows were not written down: {error}")


def _put(freezing: Freezing, sweep: str) -> Sweep:
    tables, staged = freezing.tables, freezing.staged
    _with_parts(freezing, tables.read(staged))  # what is wrong with it is told before anybody can go by it
    freezing.staged = ""
    tables.put(staged, sweep)
    # RACE: another worker put one there, before I stood still or while I did: what lies there counts.
    return _with_parts(freezing, tables.find(sweep))


def _with_parts(freezing: Freezing, written: Written | None) -> Sweep:
    if written is None:
        raise InvalidTask("its rows are gone", remedy="submit it anew")
    freezing.tables.fs.close(written.descriptor)
    if {"digest": written.digest, "mtime": written.mtime} != freezing.plan["facts"]:
        raise InvalidTask(OF_ANOTHER, remedy="submit it under another name")
    sweep = freezing.parse(parts=written.parts).sweep
    assert sweep is not None
    return sweep


def invalid(attempt: Attempt, reason: str) -> Outcome:
    """The end of a sweep whose files are wrong."""
    attempt.keeps_text = True
    return Outcome(Kind.INVALID, reason=str(InvalidTask(reason, path=attempt.name.plain().path)))


def clear(attempt: Attempt, fs: Fs) -> None:
    """Throw away what did not become a table."""
    let_go(attempt, fs)
    if attempt.freezing and attempt.freezing.staged:
        attempt.freezing.tables.drop(attempt.freezing.staged)


def let_go(attempt: Attempt, fs: Fs) -> None:
    """Close what its process has now, or never got."""
    while attempt.kept:
        fs.close(attempt.kept.pop())
