"""`dsgspool worker`.

The rule: this process becomes the guard; nothing of the command line stays in memory for the days that a worker lives.
"""

from __future__ import annotations

from typing import Annotated

import typer

from dsgspool.cli.context import open_spool


def worker(
    context: typer.Context,
    slots: Annotated[
        int | None, typer.Option("--slots", metavar="N", min=1, help="Tasks at a time (else the CPUs it may use).")
    ] = None,
    until_empty: Annotated[bool, typer.Option("--until-empty", help="End when nothing is left to do.")] = False,
    paused: Annotated[bool, typer.Option("--paused", help="Start without taking tasks.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print problems only.")] = False,
) -> None:
    """Run tasks on this node until stopped.  Ctrl-C or SIGTERM: finish what runs, take no more; again: stop now."""
    from dsgspool import proc

    arguments = ["--spool", open_spool(context).root, "--slots", str(slots or proc.usable_cpus())]
    flags = {"--until-empty": until_empty, "--paused": paused, "--quiet": quiet}
    proc.become(proc.worker_command([*arguments, *(flag for flag, wanted in flags.items() if wanted)]))
