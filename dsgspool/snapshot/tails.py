"""What running tasks say of themselves: progress and last line, from the ends of their logs.

The rule: of a log of any size only the last 4 kB are read, and a log that cannot be read says nothing.  The folder of the
logs is opened first (R6): otherwise a client goes on believing that a log which another node has begun is not there.
"""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import replace

from dsgspool import names
from dsgspool.progress import last_line, progress
from dsgspool.snapshot.values import Running, Snapshot
from dsgspool.spool import Spool

TAIL = 4096  #: bytes of each log
_BREAK = re.compile(rb"[\r\n]")


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
    ends = sorted((_end(spool, f"{stem}.{suffix}") for suffix in ("err", "out")), reverse=True)
    told = next((found for _, data in ends if (found := progress(data))), None)
    line = next(filter(None, (last_line(data) for _, data in ends)), "")
    return replace(run, progress=told.fraction if told else None, line=line)


def _stem(spool: Spool, run: Running) -> str:
    return f"{spool.logs}/{names.record_path(run.task, run.attempt).removesuffix('.yaml')}"


def _end(spool: Spool, path: str) -> tuple[float, bytes]:
    """When it was written and how it ends."""
    try:
        data, status = spool.fs.read_end(path, TAIL)
    except OSError:
        return 0.0, b""
    if status.st_size > len(data):  # its first line is half a one: `7%` may be the end of 37%
        data = _BREAK.split(data, maxsplit=1)[-1]
    return status.st_mtime, data
