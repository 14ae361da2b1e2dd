"""`dsgspool pause` and `dsgspool resume`.

The rule: the file PAUSE is the whole mechanism, so that `touch PAUSE` and `rm PAUSE` do the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from dsgspool.cli import output
from dsgspool.cli.context import open_spool, worker_ids

if TYPE_CHECKING:
    from dsgspool.spool import Spool


def pause(context: typer.Context) -> None:
    """Let no worker of the spool take new tasks; running ones go on."""
    spool = open_spool(context)
    if not begin(spool):
        output.line("it was paused already")
        return
    workers = _workers(spool)
    output.line(
        f"paused: {workers} will take no new tasks; running ones go on"
        if workers != "no workers"
        else "paused; no worker is running, and one that starts will take no tasks"
    )


def resume(context: typer.Context) -> None:
    """Let the workers take tasks again."""
    spool = open_spool(context)
    if not end(spool):
        output.line("it was not paused")
        return
    workers = _workers(spool)
    output.line(
        f"resumed: {workers} will take tasks again" if workers != "no workers" else "resumed; no worker is running"
    )


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


def _workers(spool: Spool) -> str:
    count = len(worker_ids(spool))
    return "1 worker" if count == 1 else f"{count or 'no'} workers"
