"""What running tasks say of themselves: progress and last line, from the ends of their logs.

The rule: of a log of any size only the last 4 kB are read, and a log that cannot be read says nothing.  The folder of the
logs is opened first (R6): otherwise a client goes on believing that a log which another node has begun is not there.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import replace

from dsgspool import names
from dsgspool.expressions import expression
from dsgspool.progress import last_line, progress
from dsgspool.snapshot.values import Running, Snapshot
from dsgspool.spool import Spool

Read = Callable[[str, int], bytes | None]

TAIL = 4096  #: bytes of each log
_BREAK = expression(rb"[\r\n]")


def with_tails(spool: Spool, seen: Snapshot, read: Read | None = None, most: int | None = None) -> Snapshot:
    """The same snapshot; its running tasks, or the first `most` of them, with what they said last.

    `read(path, limit)`: the last bytes of a log, None when they are not for the reader; else all that can be read is.
    """
    read = read or (lambda path, limit: spool.fs.read_at(path, -limit, limit))
    told = [run for run in seen.running if run.attempt][:most]
    for folder in {os.path.dirname(_stem(spool, run)) for run in told}:
        with contextlib.suppress(OSError):
            spool.fs.see(f"{folder}/.")
    lines = {run.claim: _with_tail(spool, run, read) for run in told}
    return replace(seen, running=tuple(lines.get(run.claim, run) for run in seen.running))


def _with_tail(spool: Spool, run: Running, read: Read) -> Running:
    """Progress and line: each from the log that was written last, when that one has it, else from the other."""
    stem = _stem(spool, run)
    ends = {path: data for path in (f"{stem}.err", f"{stem}.out") if (data := _end(read, path))}
    if len(ends) > 1:
        ends = {path: ends[path] for path in sorted(ends, key=lambda path: _written(spool, path), reverse=True)}
    told = next(filter(None, map(progress, ends.values())), None)
    return replace(run, progress=told.fraction if told else None, line=last_line(*ends.values()))


def _stem(spool: Spool, run: Running) -> str:
    return f"{spool.logs}/{names.record_path(run.task, run.attempt).removesuffix('.yaml')}"


def _end(read: Read, path: str) -> bytes:
    try:
        data = read(path, TAIL + 1) or b""
    except OSError:
        return b""
    # The first line of a longer one is half a line: `7%` may be the end of 37%.
    return _BREAK.split(data, maxsplit=1)[-1] if len(data) > TAIL else data


def _written(spool: Spool, path: str) -> float:
    try:
        return spool.fs.status(path).st_mtime
    except OSError:
        return 0.0
