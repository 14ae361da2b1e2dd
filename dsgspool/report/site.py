"""Writes SPOOL/reports/index.html.

The rule: a reader sees the old page or the new one, never a half.  One writer at a time, by the FileLock reports/.lock;
who comes second leaves at once, because the first is about to write the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from dsgspool import __version__
from dsgspool.clock import ServerClock
from dsgspool.errors import StorageError
from dsgspool.names import record_path
from dsgspool.report.render import Log, Page, failures_shown, render
from dsgspool.report.statistics import last_failed
from dsgspool.report.text import last_lines
from dsgspool.snapshot import take

if TYPE_CHECKING:
    from dsgspool.snapshot import Snapshot, TaskSeen
    from dsgspool.spool import Spool

TAIL = 8192  #: bytes read from the end of a log


def write_site(spool: Spool) -> str:
    """Write the page, unless somebody else is at it; its path."""
    folder = f"{spool.root}/reports"
    path = f"{folder}/index.html"
    try:
        spool.fs.make_folder(folder)
        with _alone(spool, f"{folder}/.lock") as mine:
            if mine:
                spool.fs.replace(path, _page(spool, folder).encode(errors="replace"))
    except OSError as error:
        raise StorageError.of(error, "write the report to") from error
    return path


@contextlib.contextmanager
def _alone(spool: Spool, path: str) -> Iterator[bool]:
    """True inside while this is the only writer."""
    lock = FileLock(path, timeout=0, mode=0o660 if spool.fs.group else 0o644, preserve_lock_file=True)
    try:
        lock.acquire()
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _page(spool: Spool, folder: str) -> str:
    began = spool.clock.boot()
    snapshot = take(spool, records=True, server=_server(spool, f"{folder}/.lock"))
    page = Page(snapshot, _logs(spool, snapshot), __version__, lambda: spool.clock.boot() - began)
    return render(page)


def _server(spool: Spool, path: str) -> ServerClock:
    """The file server's time, from a file that is mine to touch."""
    server, before = ServerClock(spool.clock), spool.clock.boot()
    spool.fs.touch(path)
    server.set(spool.fs.status(path).st_mtime, before)
    return server


def _logs(spool: Spool, snapshot: Snapshot) -> dict[str, Log]:
    return {task.identity: _log(spool, task) for task in failures_shown(snapshot)}


def _log(spool: Spool, task: TaskSeen) -> Log:
    """The end of its error log, else of its output."""
    if attempt := last_failed(task):
        stem = f"{spool.logs}/{record_path(task.identity, attempt.number).removesuffix('.yaml')}"
        for suffix in ("err", "out"):
            with contextlib.suppress(OSError):
                if lines := last_lines(spool.fs.read_at(f"{stem}.{suffix}", -TAIL, TAIL)):
                    return Log(suffix, lines)
    return Log()
