"""`dsgspool list`.

The rule: what `ls` would show, in one table: state, name, and what the name and the folder say about it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from dsgspool.cli import output
from dsgspool.cli.arguments import Json
from dsgspool.cli.context import open_spool, seen_as_told

if TYPE_CHECKING:
    from dsgspool.errors import TaskNotFound
    from dsgspool.snapshot import Snapshot, TaskSeen
    from dsgspool.spool import Spool

HEAD = ("STATE", "NAME", "NOTE")


def listing(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="STATE|NAME...", help="States (todo, failed ...), names, patterns."),
    ] = None,
    batch: Annotated[str, typer.Option("--batch", metavar="BATCH", help="Only this batch.")] = "",
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="WORD", help="Only those with this tag; repeat: with all of these."),
    ] = None,
    limit: Annotated[int | None, typer.Option("-n", "--limit", metavar="N", min=1, help="At most so many.")] = None,
    is_long: Annotated[
        bool, typer.Option("-l", "--long", help="Also when each ended, how long it ran, and what went wrong.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List tasks, by state, name, pattern, batch or tag."""
    from dsgspool import snapshot

    spool = open_spool(context)
    seen = seen_as_told(snapshot.take(spool))
    tasks = _chosen(seen.tasks, words or [], batch)
    if tag:
        from dsgspool.cli import opened

        tasks = list(opened.tagged(spool, tasks, tag))
    if is_long:
        _long(spool, seen, tasks, limit, as_json=as_json)
        return
    shown = tasks[:limit]
    if as_json:
        output.json([entry(task) for task in shown])
        return
    output.table(HEAD, [row(task) for task in shown], shrink=1)
    if len(shown) < len(tasks):
        output.note(f"dsgspool: {len(tasks) - len(shown)} more")


def _long(spool: Spool, seen: Snapshot, tasks: Sequence[TaskSeen], limit: int | None, *, as_json: bool) -> None:
    """With what the records of those that are shown say."""
    from dsgspool.cli import opened

    is_cut = limit is None and not as_json and output.is_terminal()
    shown = tasks[: opened.ROWS if is_cut else limit]
    found = [opened.facts(spool, seen, task) for task in shown]
    if as_json:
        output.json([{**entry(task), **facts} for task, facts in zip(shown, found, strict=True)])
        return
    rows = [(*row(task), *opened.cells(facts)) for task, facts in zip(shown, found, strict=True)]
    output.table((*HEAD, *opened.HEAD), rows, shrink=1, least=20)
    if len(shown) < len(tasks):
        how = f"; all of them: add -n {len(tasks)}, or | less" if is_cut else ""
        output.note(f"dsgspool: {len(tasks) - len(shown):,} more{how}")


def _chosen(tasks: Sequence[TaskSeen], words: list[str], batch: str) -> list[TaskSeen]:
    """Tasks that fit; TaskNotFound for a pattern that fits none."""
    from dsgspool.errors import TaskNotFound
    from dsgspool.spool.meaning import meant
    from dsgspool.task import State

    states = {word for word in words if word in tuple(State)} or set(State)
    patterns = [word for word in words if word not in tuple(State)]
    found = [task for task in tasks if task.state in states]
    if batch:
        found = [task for task in found if task.identity.startswith(f"{batch.rstrip('/')}/")]
    if not patterns:
        return found
    there, wanted = {id(task) for task in found}, set[int]()
    for pattern in patterns:
        every = {id(task) for task in meant(tasks, pattern)}
        named = there & every
        if not named:
            raise _elsewhere(pattern, len(every), states, batch) if every else TaskNotFound(pattern)
        wanted |= named
    return [task for task in found if id(task) in wanted]


def _elsewhere(pattern: str, number: int, states: Collection[str], batch: str) -> TaskNotFound:
    """What matches lies in other folders."""
    import shlex

    from dsgspool.errors import TaskNotFound
    from dsgspool.task import State

    folders = " or ".join(f"{state}/" for state in State if state in states) if len(states) < len(State) else ""
    where = " of ".join(filter(None, (folders, batch and f"the batch {batch}")))
    lie = f"{number:,} files lie" if number > 1 else "1 file lies"
    return TaskNotFound(pattern, f"{lie} elsewhere; see with: dsgspool list {shlex.quote(pattern)}", where=where)


def row(task: TaskSeen) -> tuple[str, str, str]:
    """A task as the table shows it."""
    return task.state, task.identity, remark(task)


def entry(task: TaskSeen) -> dict[str, object]:
    """A task as --json shows it."""
    claim = task.name.claim
    return {
        "task": task.identity,
        "state": str(task.state),
        "batch": task.batch,
        "reason": task.reason,
        "file": f"{task.state}/{task.path}",
        "attempt": task.attempt,
        "failures": task.name.budget.failures,
        "losses": task.name.budget.losses,
        "worker": claim.wid if claim else None,
        "until_unix_s": task.until,
        "waits_for": task.after or None,
    }


def remark(task: TaskSeen) -> str:
    """What its name and folder say beyond the state."""
    from dsgspool.clock import local

    budget, claim = task.name.budget, task.name.claim
    parts = [f"on {claim.wid}"] if claim else []
    parts += [task.reason] if task.reason else []
    parts += [f"until {local(task.until)}"] if task.until is not None else []
    parts += (
        [f"waits for {task.after}"] if task.after else [task.waits_for] if task.waits_for and not task.until else []
    )
    parts += [f"failed {budget.failures}x"] if budget.failures else []
    parts += [f"lost {budget.losses}x"] if budget.losses else []
    parts += [f"lane {task.name.lane}"] if task.name.lane else []
    return ", ".join(parts)
