"""What `list` tells of tasks that a name does not say: their tags, and how their last attempts ended.

The rule: files are opened of those tasks only that are listed, or shown; one that has moved on, or is somebody's private one, is
passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from dsgspool.cli import output
from dsgspool.cli.behind import text_of
from dsgspool.clock import local
from dsgspool.codec import parse_task
from dsgspool.errors import InvalidTask
from dsgspool.names import record_path
from dsgspool.report.logs import error_of
from dsgspool.snapshot.attempts import read_attempt
from dsgspool.spool.policies import read_policies
from dsgspool.task import State

if TYPE_CHECKING:
    from dsgspool.snapshot import Attempt, Snapshot, TaskSeen
    from dsgspool.spool import Spool

HEAD = ("ENDED", "RAN", "LAST")
KEYS = ("ended_unix_s", "seconds", "last")
ROWS = 50  #: that are shown on a terminal when nobody says how many


def tagged(spool: Spool, tasks: Iterable[TaskSeen], tags: Sequence[str]) -> Iterator[TaskSeen]:
    """Those that have all of these tags: from their own text, their batch or the spool's defaults."""
    settings, policies = spool.settings(), read_policies(spool)
    for task in tasks:
        data, template = text_of(spool, task), policies.template(task.identity)
        if b"tags" not in data and "tags" not in template and not settings.task.tags:
            continue
        try:
            has = parse_task(data, settings.task, template, timezone=settings.timezone).tags
        except InvalidTask:
            continue
        if set(tags) <= set(has):
            yield task


def facts(spool: Spool, seen: Snapshot, task: TaskSeen) -> dict[str, float | str | None]:
    """Of its last attempt: when it ended (Unix time), how long it ran, or runs by now, and what it said last."""
    last = newest(spool, task.identity)
    if last is None:
        return dict.fromkeys(KEYS)
    is_running = task.state is State.RUNNING and not last.over and last.started is not None
    seconds = max(0.0, seen.taken - (last.started or 0.0)) if is_running else last.seconds
    return dict(zip(KEYS, (last.ended, seconds, _said(spool, last)), strict=True))


def cells(found: Mapping[str, float | str | None]) -> tuple[str, str, str]:
    """The same for a table."""
    ended, seconds, last = (found[key] for key in KEYS)
    return (
        local(ended) if isinstance(ended, float) else "-",
        output.duration(seconds) if isinstance(seconds, float) else "-",
        str(last or "-"),
    )


def _said(spool: Spool, last: Attempt) -> str | None:
    """Of one that ended badly the line of its log that says best why, or the reason, where that says more than its name."""
    if last.good or not last.over:
        return None
    stem = f"{spool.logs}/{record_path(last.task, last.number).removesuffix('.yaml')}"
    line = error_of(spool.fs, stem, (last.stderr_bytes, last.stdout_bytes))
    return (line or last.reason) if last.outcome.startswith("exit") else (last.reason or line)


def newest(spool: Spool, identity: str) -> Attempt | None:
    """Its last attempt that has a record."""
    found, number = None, 1
    while attempt := read_attempt(spool, identity, number):
        found, number = attempt, number + 1
    return found
