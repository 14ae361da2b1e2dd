"""What running tasks say of themselves: progress and last line, from the ends of their logs.

The rule: of a log of any size only the last 4 kB are read, and a log that cannot be read says nothing.  The folder of the
logs is opened first (R6): otherwise a client goes on believing that a log which another node has begun is not there.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace

from dsgspool import names
from dsgspool.expressions import expression
from dsgspool.progress import last_line, progress
from dsgspool.snapshot.values import Running, Snapshot
from dsgspool.spool import Spool

TAIL = 4096  #: bytes of each log
_BREAK = expression(rb"[\r\n]")


def with_tails(spool: Spool, seen: Snapshot) -> Snapshot:
    """The same snapshot; its running tasks with what they said last."""
    folders = {os.path.dirname(_stem(spool, run)) for run in seen.running if run.attempt}
    for folder in folders:
        with contextlib.suppress(OSError):
            spool.fs.see(f"{folder}/.")
    return replace(seen, running=tuple(_with_tail(spool, run) if run.attempt else run for run in seen.running))


def _with_tail(spool: Spool, run: Running) -> Running:
    """The line is that of the log which was written last; any of the two may tell the progress."""
    stem = _stem(spool, run)
    ends = {path: data for path in (f"{stem}.err", f"{stem}.out") if (data := _end(spool, path))}
    if len(ends) > 1:
        ends = {path: ends[path] for path in sorted(ends, key=lambda path: _written(spool, path), reverse=True)}
    told = next(filter(None, map(progress, ends.values())), None)
    line = next(filter(None, map(last_line, ends.values())), "")
    return replace(run, progress=told.fraction if told else None, line=line)


def _stem(spool: Spool, run: Running) -> str:
    return f"{spool.logs}/{names.record_path(run.task, run.attempt).removesuffix('.yaml')}"


def _end(spool: Spool, path: str) -> bytes:
    try:
        data = spool.fs.read_at(path, -TAIL - 1, TAIL + 1)
    except OSError:
        return b""
    # The first line of a longer one is half a line: `7%` may be the end of 37%.
    return _BREAK.split(data, maxsplit=1)[-1] if len(data) > TAIL else data


def _written(spool: Spool, path: str) -> float:
    try:
        return spool.fs.status(path).st_mtime
    except OSError:
        return 0.0
