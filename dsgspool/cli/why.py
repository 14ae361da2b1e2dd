"""`dsgspool why`.

The rule: the reason first, in one sentence; then what is good to know; last what would change it, as a command, which is
never broken into lines.  What is equal of many tasks is told once; programs get an answer for each.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from dsgspool.cli import output
from dsgspool.cli.arguments import Json, Patterns
from dsgspool.cli.context import open_spool, seen_as_told, server_clock
from dsgspool.cli.pasting import pasted

if TYPE_CHECKING:
    from collections.abc import Callable

    from dsgspool.cli.behind import Answer
    from dsgspool.cli.items import Item
    from dsgspool.cli.reasons import Reasons
    from dsgspool.snapshot import TaskSeen

ORDER = ("failed", "waiting", "hold", "todo", "running", "done")  #: what a person has to do something about, first


def why(
    context: typer.Context,
    patterns: Patterns,
    limit: Annotated[
        int | None, typer.Option("-n", "--limit", metavar="N", min=1, help="Of so many tasks at most.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say why a task is not running, or why it failed.  Below stands what would change that."""
    from dsgspool import snapshot
    from dsgspool.cli.reasons import Reasons
    from dsgspool.errors import TaskNotFound

    spool = open_spool(context)
    seen = seen_as_told(snapshot.take(spool, server=server_clock(spool)))
    reasons = Reasons(spool, seen)
    asked: list[Callable[[], Answer]] = []
    unknown: list[TaskNotFound] = []
    told = set[int]()
    for pattern in dict.fromkeys(patterns):
        try:
            asked += _questions(reasons, pattern, told)
        except TaskNotFound as error:  # the others are answered all the same
            unknown.append(error)
    left = _tell(reasons, asked, limit, as_json=as_json)
    if left:
        output.note(f"dsgspool: {left} more")
    for other in unknown[1:]:
        output.error(pasted(str(other)))
    if unknown:
        raise unknown[0]


def _tell(reasons: Reasons, asked: list[Callable[[], Answer]], limit: int | None, *, as_json: bool) -> int:
    """How many were not told.  Each is worked out when it is its turn, as it reads files."""
    from dsgspool.cli.alike import LEAST, answered

    if as_json:
        limit = limit or LEAST
        if asked:
            output.json([_here(reasons, answer()) for answer in asked[:limit]])
        return max(0, len(asked) - limit)
    groups = answered(asked, limit, reasons.spool.clock)
    for group in groups:
        _print(reasons, group)
    return len(asked) - sum(map(len, groups))


def _questions(reasons: Reasons, pattern: str, told: set[int]) -> list[Callable[[], Answer]]:
    """One for each file that the pattern means and none did before, what failed first; TaskNotFound when nothing is known
    of it."""
    from dsgspool.cli.finding import plain
    from dsgspool.cli.items import find_item
    from dsgspool.spool.meaning import meant

    if found := sorted(meant(reasons.seen.tasks, pattern), key=lambda task: (ORDER.index(task.state), task.identity)):
        fresh = [task for task in found if id(task) not in told]
        told.update(map(id, fresh))
        return [partial(reasons.of, task) for task in fresh]
    if (gone := reasons.of_gone(plain(pattern))) is not None:
        return [lambda: gone]
    item = find_item(reasons.spool, pattern)  # TaskNotFound when it is none either
    return [
        partial(_of_item, reasons, item, task) for task in reasons.seen.tasks if task.identity == item.task.identity
    ]


def _of_item(reasons: Reasons, item: Item, task: TaskSeen) -> Answer:
    """Why an item of a sweep stands as it does: how it ended, else what there is to say of its chunk."""
    from dsgspool.cli.behind import Answer

    answer = reasons.of(task)
    if item.state == "excluded":
        return Answer(
            item.identity, item.state, "it is excluded: `exclude` of its sweep leaves it out, so it never runs"
        )
    if not item.lines or item.state not in ("done", "failed"):
        what = f"it is one of {task.identity}: {answer.because}"
        return replace(answer, task=item.identity, state=item.state, because=what)
    newest = item.lines[-1]
    because = f"it ended as {newest.outcome} in attempt {newest.attempt.number} of its chunk, {task.identity}"
    is_failed = item.state == "failed"
    name = shlex.quote(item.identity)
    remedies = [f"dsgspool logs {name} --stderr", f"dsgspool requeue {name}"] if is_failed else []
    return replace(answer, task=item.identity, state=item.state, because=because, more=[], nodes={}, remedies=remedies)


def _print(reasons: Reasons, group: list[Answer]) -> None:
    from dsgspool.cli.alike import remedies, title, told

    output.heading(f"{title(group)}  {group[0].state}")
    for text in told(group):
        output.sentence(pasted(text), "  ")
    for text in remedies(group):
        output.line(f"  -> {pasted(reasons.behind.exact(text, (answer.task for answer in group)))}")


def _here(reasons: Reasons, answer: Answer) -> Answer:
    """The same, with commands for this shell."""
    remedies = [pasted(reasons.behind.exact(text, [answer.task])) for text in answer.remedies]
    return replace(answer, because=pasted(answer.because), more=[*map(pasted, answer.more)], remedies=remedies)
