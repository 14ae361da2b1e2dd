"""`dsgspool why`.

The rule: the reason first, in one sentence; then what is good to know; last what would change it, as a command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dsgspool.cli import output
from dsgspool.cli.arguments import Json, Patterns
from dsgspool.cli.context import open_spool, server_clock

if TYPE_CHECKING:
    from dsgspool.cli.behind import Answer
    from dsgspool.cli.reasons import Reasons


def why(
    context: typer.Context,
    patterns: Patterns,
    limit: Annotated[int, typer.Option("-n", "--limit", metavar="N", min=1, help="At most so many.")] = 20,
    as_json: Json = False,
) -> None:
    """Say why a task is not running, or why it failed, and what would change that."""
    from dsgspool import snapshot
    from dsgspool.cli.reasons import Reasons

    spool = open_spool(context)
    seen = snapshot.take(spool, server=server_clock(spool))
    reasons = Reasons(spool, seen)
    answers = [answer for pattern in patterns for answer in _answers(reasons, pattern)]
    if as_json:
        output.json(answers)
        return
    for answer in answers[:limit]:
        _print(answer)
    if len(answers) > limit:
        output.note(f"dsgspool: {len(answers) - limit} more")


def _answers(reasons: Reasons, pattern: str) -> list[Answer]:
    """One for each file that the pattern means; TaskNotFound when nothing is known of it."""
    from dsgspool.cli.finding import plain
    from dsgspool.errors import TaskNotFound
    from dsgspool.spool.moves import matches

    found = [reasons.of(task) for task in reasons.seen.tasks if matches(task.name, pattern)]
    found = found or list(filter(None, [reasons.of_gone(plain(pattern))]))
    if not found:
        raise TaskNotFound(pattern)
    return found


def _print(answer: Answer) -> None:
    output.heading(f"{answer.task}  {answer.state}")
    output.line(f"  {answer.because}")
    for text in answer.more:
        output.line(f"  {text}")
    for wid, text in answer.nodes.items():
        output.line(f"  {wid}: {text}")
    for text in answer.remedies:
        output.line(f"  -> {text}")
