"""What keys do to the spool.

The rule: the moves are those of the commands, each one rename of the very file that was on the screen; what came of it is
told in one line, and trouble is a line too.
"""

from __future__ import annotations

from dsgspool.cli import choosing, pause
from dsgspool.cli.top.model import Act
from dsgspool.cli.top.values import Row
from dsgspool.errors import SpoolError, StorageError
from dsgspool.names import record_path
from dsgspool.spool import Spool, task_name
from dsgspool.spool.moves import Moves, Place
from dsgspool.task import State

DONE = {"hold": "is held", "cancel": "is cancelled", "requeue": "will run again"}


def do(spool: Spool, act: Act) -> str:
    """Do it; one line for the person."""
    try:
        if act.verb == "pause":
            pause.begin(spool)
            return "paused: no new tasks are taken, running ones go on; p resumes"
        if act.verb == "resume":
            pause.end(spool)
            return "resumed"
        return _move(spool, act.verb, act.row) if act.row else ""
    except SpoolError as error:
        return str(error)
    except OSError as error:
        return str(StorageError.of(error))


def _move(spool: Spool, verb: str, row: Row) -> str:
    moves = Moves(spool)
    place = Place(row.state, row.path, task_name(row.state, row.path))
    if not (choosing.whole(moves) if verb == "requeue" else getattr(moves, verb))(place):
        return f"{row.identity} is not in {row.state}/ any more: somebody moved it meanwhile"
    stops = "; its worker stops it at its next heartbeat" if row.state is State.RUNNING else ""
    return f"{row.identity} {DONE[verb]}{stops}"


def logs(spool: Spool, row: Row) -> list[str]:
    """The logs of the attempt that have something in them, the one that was written last first."""
    stem = f"{spool.logs}/{record_path(row.identity, row.attempt).removesuffix('.yaml')}"
    found = []
    for suffix in ("err", "out"):
        try:
            spool.fs.see(f"{stem}.{suffix}")
            status = spool.fs.status(f"{stem}.{suffix}")
        except OSError:
            continue
        if status.st_size:
            found.append((status.st_mtime, f"{stem}.{suffix}"))
    return [path for _, path in sorted(found, reverse=True)]
