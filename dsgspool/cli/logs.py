"""`dsgspool logs`.

The rule: on a terminal the text is made clean, into a pipe the bytes go as they are.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from dsgspool.cli import output
from dsgspool.cli.context import open_spool, usage

if TYPE_CHECKING:
    from dsgspool.cli.finding import Found
    from dsgspool.spool import Spool


def logs(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A task's name, or a pattern that fits one task.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the attempt is over.")] = False,
    stderr: Annotated[bool, typer.Option("--stderr", "-e", help="Its stderr instead of its stdout.")] = False,
    attempt: Annotated[int, typer.Option("--attempt", "-a", metavar="N", help="Which attempt; -1 = the newest.")] = -1,
    raw: Annotated[bool, typer.Option("--raw", help="Control characters too, also on a terminal.")] = False,
) -> None:
    """Print what a task wrote.  Another node's output is here within about 5 s."""
    from dsgspool.cli.following import Log
    from dsgspool.errors import TaskNotFound

    spool = open_spool(context)
    try:
        task = _started(spool, name, wait=follow)
    except TaskNotFound:
        _of_item(spool, name, "err" if stderr else "out", attempt, raw=raw or not output.is_terminal(), follow=follow)
        return
    number = _number(task, attempt)
    log = Log(spool, task.identity, number, "err" if stderr else "out")
    _print(log.follow(spool.clock.sleep) if follow else log.news(), raw=raw or not output.is_terminal())
    if not log.offset and not stderr and any(Log(spool, task.identity, number, "err").news()):
        output.hint("it wrote nothing to stdout, but something to stderr: add --stderr")


def _started(spool: Spool, name: str, *, wait: bool) -> Found:
    """The one task that is meant, once it has an attempt."""
    from dsgspool.cli.finding import find_all
    from dsgspool.errors import WrongState

    told = False
    while True:
        tasks = find_all(spool, name)
        if len(tasks) > 1:
            raise usage(
                f"{name!r} fits {len(tasks)} tasks, such as {tasks[0].identity} and {tasks[1].identity}: name one"
            )
        if tasks[0].attempts:
            return tasks[0]
        if not wait:
            raise WrongState(tasks[0].identity, tasks[0].state, "logs", "it has not run yet; -f waits for it")
        if not told:
            output.note(f"dsgspool: {tasks[0].identity} is {tasks[0].state}, waiting for it to start")
            told = True
        spool.clock.sleep(1.0)


def _of_item(spool: Spool, name: str, kind: str, attempt: int, *, raw: bool, follow: bool) -> None:
    """The same for one item of a sweep; TaskNotFound when there is none either."""
    from dsgspool.cli.items import find_item, output_of
    from dsgspool.errors import WrongState

    item = find_item(spool, name)
    if follow:
        raise usage(f"{item.identity} is an item of a sweep: follow its chunk, {item.task.identity}")
    if item.state == "excluded":
        raise WrongState(item.identity, item.state, "logs", "`exclude` of its sweep leaves it out, so it never runs")
    if not item.lines:
        raise WrongState(item.identity, item.state, "logs", f"it has not ended yet; its chunk is {item.task.identity}")
    lines = [line for line in item.lines if attempt in (-1, line.attempt.number)]
    if not lines:
        numbers = ", ".join(str(line.attempt.number) for line in item.lines)
        raise usage(f"{item.identity} did not end in attempt {attempt} of its chunk, but in {numbers}")
    _print(output_of(spool, lines[-1], kind), raw=raw)
    if kind == "out" and not lines[-1].out[1] and lines[-1].err[1]:
        output.hint("it wrote nothing to stdout, but something to stderr: add --stderr")


def _number(task: Found, attempt: int) -> int:
    numbers = [each.number for each in task.attempts]
    wanted = len(numbers) + 1 + attempt if attempt < 0 else attempt
    if wanted in numbers:
        return wanted
    raise usage(f"{task.identity} has no attempt {attempt}: it has {len(numbers)}")


def _print(chunks: Iterable[bytes], *, raw: bool) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    for chunk in chunks:
        if raw:
            output.raw(chunk)
        else:
            output.text(decoder.decode(chunk).replace("\r\n", "\n"))
    if not raw:
        output.text(decoder.decode(b"", final=True))
