"""`dsgspool prune`.

The rule: nothing is ever pruned by itself, and never without an age.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from dsgspool.cli import output
from dsgspool.cli.context import open_spool, server_now, usage

if TYPE_CHECKING:
    from dsgspool.spool.pruning import Pruned, Pruner

LEAST = 60.0  #: seconds: what has just ended is still being looked at


def prune(
    context: typer.Context,
    older_than: Annotated[str, typer.Option("--older-than", metavar="AGE", help="Such as 30d: finished longer ago.")],
    patterns: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Only these names or patterns.")] = None,
    state: Annotated[str, typer.Option("--state", metavar="STATE", help="Only done, or only failed.")] = "",
    workers: Annotated[bool, typer.Option("--workers", help="Also the files of workers dead for that long.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be removed, remove nothing.")] = False,
) -> None:
    """Remove old finished tasks for good.  Their logs and records go too; prints each name."""
    from dsgspool import fields
    from dsgspool.spool.pruning import Pruner
    from dsgspool.task import State
    from dsgspool.yamltext import Node

    if state not in ("", "done", "failed"):
        raise usage(f"--state is {state!r} and must be done or failed")
    spool = open_spool(context)
    age = fields.duration(Node("scalar", 0, "str", older_than), "--older-than")
    if age < LEAST:
        output.note(f"dsgspool: what ended less than {LEAST:.0f} s ago stays: it may still be looked at")
        age = LEAST
    pruner = Pruner(spool, server_now(spool), age)
    places = list(pruner.old([State(state)] if state else [State.FAILED, State.DONE], patterns or ()))
    places += pruner.interrupted(patterns or ())
    if dry_run:
        output.lines(f"{place.state}/{place.path}" if place.path else f"logs/{place.identity}.*" for place in places)
    else:
        _report(pruner.run(places))
    if workers:
        _workers(pruner, dry_run=dry_run)
    if not patterns and not state:
        _edits(pruner, dry_run=dry_run)
        _ticks(pruner, dry_run=dry_run)
        _ends(pruner, dry_run=dry_run)
        _sweeps(pruner, dry_run=dry_run)


def _report(results: Iterable[Pruned]) -> None:
    kept = 0
    for result in results:
        if result.reason:
            kept += 1
            output.note(f"dsgspool: kept {result.identity}: {result.reason}")
        else:
            output.line(result.identity)
    if kept:
        output.hint(f"{kept} were kept; prune again later")


def _workers(pruner: Pruner, *, dry_run: bool) -> None:
    for wid in pruner.old_workers():
        if not dry_run:
            pruner.remove_worker(wid)
        output.line(f"workers/{wid}")


def _edits(pruner: Pruner, *, dry_run: bool) -> None:
    """What `edit --undo` could put back is old too."""
    from dsgspool.spool.editing import old_edits, remove_edit

    for name in old_edits(pruner.spool, pruner.limit):
        if not dry_run:
            remove_edit(pruner.moves, name)
        output.line(f"edits/{name}")


def _ticks(pruner: Pruner, *, dry_run: bool) -> None:
    """That a tick of a schedule was made is remembered for a day at least, and of the newest for ever."""
    from dsgspool.spool.once import LEAST
    from dsgspool.spool.ticks import TICKS, Ticks

    ticks = Ticks(pruner.moves)
    for tick in ticks.old(min(pruner.limit, pruner.now - LEAST)):
        if not dry_run:
            ticks.remove(tick)
        output.line(f"{TICKS}/{tick}")


def _sweeps(pruner: Pruner, *, dry_run: bool) -> None:
    """How a sweep was divided is remembered as long; the record of its own file, which became its chunks, goes with it."""
    from dsgspool.names import TaskName
    from dsgspool.spool.divisions import FOLDER, Divisions
    from dsgspool.spool.moves import Place
    from dsgspool.task import State

    divisions = Divisions(pruner.moves)
    for sweep in divisions.old(pruner.limit, pruner.now):
        if not dry_run:
            divisions.remove(sweep)
            list(pruner.run([Place(State.DONE, "", TaskName(sweep))]))
        output.line(f"{FOLDER}/{sweep}")


def _ends(pruner: Pruner, *, dry_run: bool) -> None:
    """What was decided about a batch is remembered for a day at least, and while anything of it is left."""
    from dsgspool.spool.finals import Finals

    finals = Finals(pruner.moves)
    for file in finals.old(pruner.limit, pruner.now):
        if not dry_run:
            finals.remove(file)
        output.line(f"batches/{file}")
