"""`dsgspool status`.

The rule: one look at the folders, one screen: counts, batches, who runs what, which worker is silent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dsgspool.cli import output
from dsgspool.cli.arguments import Json
from dsgspool.cli.context import open_spool, server_clock, usage

if TYPE_CHECKING:
    from dsgspool.snapshot import Counts, Snapshot

STATES = ("todo", "waiting", "hold", "running", "done", "failed")
MAX_LINE = 200  #: characters of a log's line
MOST = 20  #: rows of one table on this screen; `list` and `workers` show all
MOST_STUCK = 3


def status(
    context: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Look again every 2 s until Ctrl-C.")] = False,
    as_json: Json = False,
) -> None:
    """Say how the spool is: counts, batches, running tasks, workers."""
    from dsgspool import snapshot

    spool = open_spool(context)
    if watch and as_json:
        raise usage("--watch and --json do not go together")
    while True:
        before = spool.clock.boot()
        seen = snapshot.with_tails(spool, snapshot.take(spool, server=server_clock(spool), brief=True))
        if as_json:
            output.json(document(seen))
            return
        if not watch:
            show(seen)
            return
        with output.repainted():
            show(seen)
        spool.clock.sleep(max(2.0, 20 * (spool.clock.boot() - before)))


def document(seen: Snapshot) -> dict[str, object]:
    """The status as --json shows it."""
    from dsgspool.cli.workers import entry

    return {
        "spool": seen.root,
        "taken_unix_s": seen.taken,
        "paused": seen.paused,
        "counts": _counts(seen.counts),
        "batches": {batch: _counts(counts) for batch, counts in seen.batches.items() if batch},
        "running": list(seen.running),
        "workers": [entry(worker) for worker in seen.workers],
        "next_due_unix_s": seen.next_due,
        "problems": list(seen.problems),
    }


def _counts(counts: Counts) -> dict[str, int]:
    return {state: getattr(counts, state) for state in STATES}


def show(seen: Snapshot) -> None:
    """Print it."""
    from dsgspool.clock import local

    output.heading(f"{seen.root}  {local(seen.taken)}{'  PAUSED' if seen.paused else ''}")
    rows = [(batch or "(no batch)", *_counts(counts).values()) for batch, counts in seen.batches.items()]
    total = ("all", *_counts(seen.counts).values())
    output.table(("", *STATES), [*rows[:MOST], total] if len(rows) > 1 else [total])
    _more(len(rows), "batches")
    if seen.next_due is not None:
        output.line(f"next due {local(seen.next_due)}")
    _show_stuck(seen)
    _show_running(seen)
    _show_workers(seen)
    for problem in seen.problems:
        output.error(problem)


def _show_stuck(seen: Snapshot) -> None:
    """What waits for ever, unless somebody does something."""
    from dsgspool.snapshot.awaited import stuck

    found = stuck(seen.tasks)
    for each in found[:MOST_STUCK]:
        output.line(f"stuck: {each.sentence}")
    _more(len(found), "such", MOST_STUCK)


def _show_running(seen: Snapshot) -> None:
    if not seen.running:
        return
    output.line("")
    rows = sorted(seen.running, key=lambda run: run.started or seen.taken)
    # A column that is empty for everybody is left out: the screen is narrow.
    head = ["RUNNING", "HOST", "ATTEMPT", "SINCE"]
    columns = [[run.task for run in rows], [run.host for run in rows], [run.attempt or "-" for run in rows]]
    columns.append(["-" if run.seconds is None else output.duration(run.seconds) for run in rows])
    if any(run.progress is not None for run in rows):
        head.append("PROGRESS")
        columns.append(["" if run.progress is None else f"{run.progress:.0%}" for run in rows])
    if any(run.line for run in rows):
        head.append("LAST LINE")
        columns.append([run.line[:MAX_LINE] for run in rows])
    output.table(head, list(zip(*columns, strict=True))[:MOST], least=20 if "LAST LINE" in head else None)
    _more(len(rows), "running tasks")


def _show_workers(seen: Snapshot) -> None:
    from dsgspool.cli.workers import row

    # Those that ended in order are history: `workers --all` shows them.
    there = [worker for worker in seen.workers if worker.alive or worker.running or not worker.ended]
    output.line("")
    if not there:
        output.line("no worker is running")
        return
    output.table(("WORKER", "STATE", "SLOTS", "HEARTBEAT"), [row(worker) for worker in there[:MOST]])
    _more(len(there), "workers")


def _more(count: int, what: str, most: int = MOST) -> None:
    if count > most:
        output.line(f"... and {count - most} more {what}")
