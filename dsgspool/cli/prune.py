"""`dsgspool prune`.

The rule: nothing is ever pruned by itself, and never without an age.  Each thing is a line, and how many it were is one on
stderr.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from dsgspool.cli import output
from dsgspool.cli.context import open_spool, server_now, usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dsgspool.spool.moves import Place
    from dsgspool.spool.pruning import Pruner

NAMED = 3  #: batches in a line
LEAST = 60.0  #: seconds: what has just ended is still being looked at


def prune(
    context: typer.Context,
    older_than: Annotated[str, typer.Option("--older-than", metavar="AGE", help="Such as 30d: finished longer ago.")],
    patterns: Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="Names, patterns; else all.")] = None,
    state: Annotated[str, typer.Option("--state", metavar="STATE", help="Only done, or only failed.")] = "",
    workers: Annotated[bool, typer.Option("--workers", help="Also the files of workers dead for that long.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be removed, remove nothing.")] = False,
) -> None:
    """Remove old finished tasks for good.  Their logs and records go too; prints each name, and how many."""
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
    left = list(pruner.interrupted(patterns or ()))
    _look_for(pruner, patterns or (), left)
    places = list(pruner.old([State(state)] if state else [State.FAILED, State.DONE], patterns or ()))
    places += left
    tasks, others = (_shown if dry_run else _removed)(pruner, places), list[str]()
    files = pruner.files
    kinds = [_workers] * workers + ([] if patterns or state else [_edits, _ticks, _ends, _sweeps])
    for thing in (thing for kind in kinds for thing in kind(pruner, dry_run)):
        output.line(thing)
        others.append(thing)
    none = "nothing" if places else f"nothing: none of it ended longer ago than {output.duration(age)}"
    total = _total(tasks, files, others) or none
    output.note(f"dsgspool: {'would remove' if dry_run else 'removed'} {total}")
    if going := _going(pruner, places) if tasks else ():
        more = f" and {len(going) - NAMED} more" if len(going) > NAMED else ""
        words = f"{', '.join(going[:NAMED])}{more}, which {'are' if len(going) > 1 else 'is'} not over"
        output.hint(f"what is pruned is counted nowhere: of {words}, `batch` and the report tell what is left")


def _going(pruner: Pruner, places: Iterable[Place]) -> Sequence[str]:
    """The batches of these that are not over: how much of them is done looks like less afterwards."""
    from dsgspool.spool.dependencies import OPEN_STATES
    from dsgspool.spool.policies import top_batch

    batches = {top_batch(place.identity) for place in places} - {""}
    states = OPEN_STATES if batches else ()
    left = {top_batch(name.identity) for state in states for _, name in pruner.spool.tasks(state)}
    return sorted(batches & left)


def _look_for(pruner: Pruner, patterns: Iterable[str], left: Iterable[Place]) -> None:
    """TaskNotFound for a pattern that means nothing, before anything is removed; `left`: what a killed prune has left."""
    from dsgspool.errors import TaskNotFound
    from dsgspool.spool.meaning import matches

    for pattern in patterns:
        if not pruner.moves.find(pattern) and not any(matches(place.name, pattern) for place in left):
            raise TaskNotFound(pattern)


def _shown(pruner: Pruner, places: Sequence[Place]) -> int:
    """Print what would be removed; how many tasks that is."""
    holders = {identity: pruner.holder(identity) for identity in dict.fromkeys(place.identity for place in places)}
    going = [place for place in places if not holders[place.identity]]
    output.lines(f"{place.state}/{place.path}" if place.path else f"logs/{place.identity}.*" for place in going)
    for identity, holder in holders.items():
        if holder:
            output.note(f"dsgspool: would keep {identity}: {holder} holds it")
    pruner.count(going)
    return len({place.identity for place in going})


def _removed(pruner: Pruner, places: Sequence[Place]) -> int:
    """Remove them, and print the names; how many tasks that were."""
    removed = kept = 0
    for result in pruner.run(places):
        if result.reason:
            kept += 1
            output.note(f"dsgspool: kept {result.identity}: {result.reason}")
        else:
            removed += 1
            output.line(result.identity)
    if kept:
        output.hint(f"{kept} were kept; prune again later")
    return removed


def _total(tasks: int, files: int, others: Sequence[str]) -> str:
    """How many of what, '' for none."""
    words = [f"{tasks:,} task{'s' * (tasks != 1)} with {files:,} file{'s' * (files != 1)}"] * bool(tasks)
    counted = Counter(thing.partition("/")[0] for thing in others)
    return ", ".join([*words, *(f"{number:,} of {folder}/" for folder, number in counted.items())])


def _workers(pruner: Pruner, dry_run: bool) -> Iterator[str]:
    for wid in pruner.old_workers():
        if not dry_run:
            pruner.remove_worker(wid)
        yield f"workers/{wid}"


def _edits(pruner: Pruner, dry_run: bool) -> Iterator[str]:
    """What `edit --undo` could put back is old too."""
    from dsgspool.spool.editing import old_edits, remove_edit

    for name in old_edits(pruner.spool, pruner.limit):
        if not dry_run:
            remove_edit(pruner.moves, name)
        yield f"edits/{name}"


def _ticks(pruner: Pruner, dry_run: bool) -> Iterator[str]:
    """That a tick of a schedule was made is remembered for a day at least, and of the newest for ever."""
    from dsgspool.spool.once import LEAST
    from dsgspool.spool.ticks import TICKS, Ticks

    ticks = Ticks(pruner.moves)
    for tick in ticks.old(min(pruner.limit, pruner.now - LEAST)):
        if not dry_run:
            ticks.remove(tick)
        yield f"{TICKS}/{tick}"


def _sweeps(pruner: Pruner, dry_run: bool) -> Iterator[str]:
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
        yield f"{FOLDER}/{sweep}"


def _ends(pruner: Pruner, dry_run: bool) -> Iterator[str]:
    """What was decided about a batch is remembered for a day at least, and while anything of it is left."""
    from dsgspool.spool.finals import Finals

    finals = Finals(pruner.moves)
    for file in finals.old(pruner.limit, pruner.now):
        if not dry_run:
            finals.remove(file)
        yield f"batches/{file}"
