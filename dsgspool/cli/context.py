"""What commands get from the global options.

The rule: the spool is found in one place, by `--spool`, DSGSPOOL_SPOOL or the folders upwards from here.
"""

from __future__ import annotations

import contextlib
import os
import shlex
from typing import TYPE_CHECKING

from dsgspool.cli import exits

if TYPE_CHECKING:
    from collections.abc import Iterator

    import typer

    from dsgspool.clock import ServerClock
    from dsgspool.snapshot import Snapshot
    from dsgspool.spool import Spool


def open_spool(context: typer.Context) -> Spool:
    """The spool that this command is about; NotASpool when there is none."""
    from dsgspool.spool import Spool

    return Spool.find(context.obj)


def program() -> str:
    """How to call dsgspool from this shell: by name when it is on PATH, else by its path."""
    import shutil
    import sys

    return "dsgspool" if shutil.which("dsgspool") else shlex.join([os.path.abspath(sys.argv[0])])


def usage(reason: str) -> exits.UsageError:
    """The error for options and arguments that do not go together."""
    return exits.UsageError(reason)


@contextlib.contextmanager
def to_come_told(spool: Spool) -> Iterator[None]:
    """The last task of a batch that is not over is no unknown one: TaskNotFound says when it is made."""
    from dsgspool.errors import TaskNotFound

    try:
        yield
    except TaskNotFound as error:
        from dsgspool.cli.waiting import is_to_come
        from dsgspool.policy import ending
        from dsgspool.spool.policies import path_of

        if not is_to_come(spool, error.pattern):
            raise
        batch = ending(error.pattern)
        where = f"what it runs is said by `finally` in {path_of(spool, batch)}"
        raise TaskNotFound(error.pattern, f"it is made when the batch {batch} is over; {where}") from None


def seen_as_told(seen: Snapshot) -> Snapshot:
    """The same snapshot; that a folder could not be listed is said: what is missing looks as if it were not there."""
    from dsgspool.cli import output

    for problem in seen.unseen:
        output.note(f"dsgspool: not all is shown: {problem}")
    return seen


def server_clock(spool: Spool) -> ServerClock:
    """The file server's time for a listing; this machine's own where nothing may be written."""
    from dsgspool.clock import ServerClock

    clock = ServerClock(spool.clock)
    with contextlib.suppress(OSError):
        clock.set(server_now(spool), spool.clock.boot())
    return clock


def server_now(spool: Spool) -> float:
    """Unix time by the file server's clock: what it stamps on a new file."""
    return stamped(spool).st_mtime


def stamped(spool: Spool) -> os.stat_result:
    """What the file server says of a file that I have just made: its time, and whom it takes me for (st_uid)."""
    from dsgspool.chance import word

    path = f"{spool.tmp}/.{word()}.now"
    spool.fs.create_whole(path, b"", sync=False)
    try:
        return spool.fs.status(path)
    finally:
        spool.fs.remove(path)


def worker_ids(spool: Spool) -> list[str]:
    """Workers that are there and that nobody knows to be dead; one that was killed a moment ago may still be among them."""
    files = set(spool.fs.names(spool.workers))
    known = (file[:-5] for file in files if file.endswith(".yaml") and not file.endswith(".control.yaml"))
    return sorted(wid for wid in known if files.isdisjoint((f"{wid}.dead", f"{wid}.fenced")))
