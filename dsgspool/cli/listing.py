"""`dsgspool list`.

The rule: what `ls` would show, in one table: state, name, and what the name and the folder say about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from dsgspool.cli import output
from dsgspool.cli.arguments import Json
from dsgspool.cli.context import open_spool, seen_as_told

if TYPE_CHECKING:
    from dsgspool.snapshot import TaskSeen


def listing(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="STATE|NAME", help="States (todo, failed ...), names, patterns."),
    ] = None,
    batch: Annotated[str, typer.Option("--batch", metavar="BATCH", help="Only this batch.")] = "",
    limit: Annotated[int | None, typer.Option("-n", "--limit", metavar="N", min=1, help="At most so many.")] = None,
    as_json: Json = False,
) -> None:
    """List tasks, by state, name, pattern or batch."""
    from dsgspool import snapshot

    tasks = _chosen(seen_as_told(snapshot.take(open_spool(context))).tasks, words or [], batch)
    shown = tasks[:limit]
    if as_json:
        output.json([entry(task) for task in shown])
        return
    output.table(("STATE", "NAME", "NOTE"), [(t.state, t.identity, remark(t)) for t in shown], shrink=1)
    if len(shown) < len(tasks):
        output.note(f"dsgspool: {len(tasks) - len(shown)} more")


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
        named = there.intersection(map(id, meant(tasks, pattern)))
        if not named:
            raise TaskNotFound(pattern)
        wanted |= named
    return [task for task in found if id(task) in wanted]


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
