"""`dsgspool pause` and `dsgspool resume`.

The rule: the file PAUSE is the whole mechanism, so that `touch PAUSE` and `rm PAUSE` do the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from dsgspool.cli import output
from dsgspool.cli.context import open_spool, server_clock
from dsgspool.cli.pasting import pasted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dsgspool.snapshot import WorkerSeen
    from dsgspool.spool import Spool


def pause(context: typer.Context) -> None:
    """Let no worker of the spool take new tasks; running ones go on."""
    spool = open_spool(context)
    if not begin(spool):
        output.line("it was paused already")
        return
    if takers := _takers(alive := _alive(spool)):
        output.line(f"paused: {takers} will take no new tasks; running ones go on")
    else:
        others = "takes tasks" if alive else "is running"
        output.line(f"paused; no worker {others}, and one that starts will take no tasks")


def resume(context: typer.Context) -> None:
    """Let the workers take tasks again."""
    spool = open_spool(context)
    if not end(spool):
        output.line("it was not paused")
        return
    if takers := _takers(alive := _alive(spool)):
        output.line(f"resumed: {takers} will take tasks again")
    else:
        output.line(pasted(f"resumed; no worker {'takes tasks, see: dsgspool workers' if alive else 'is running'}"))


def begin(spool: Spool) -> bool:
    """Pause; False when it was."""
    from dsgspool.spool import PAUSE

    try:
        spool.fs.create_whole(f"{spool.root}/{PAUSE}", b"paused by `dsgspool pause`; remove this file to go on\n")
    except FileExistsError:
        return False
    return True


def end(spool: Spool) -> bool:
    """Resume; False when it was not paused."""
    from dsgspool.spool import PAUSE

    return spool.fs.remove(f"{spool.root}/{PAUSE}")


def _alive(spool: Spool) -> Sequence[WorkerSeen]:
    """Of these the dead are left out, whose files stay for long."""
    from dsgspool import snapshot

    return snapshot.take(spool, server=server_clock(spool), states=()).alive


def _takers(alive: Sequence[WorkerSeen]) -> str:
    """How many of them are neither paused themselves nor about to end, '' = none."""
    count = sum(not worker.halted for worker in alive)
    return "1 worker" if count == 1 else f"{count} workers" if count else ""
