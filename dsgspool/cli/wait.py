"""`dsgspool wait`, and the bar that `submit --wait` and `demo` show too.

The rule: exit 0 means that every task that was waited for is done: what somebody parks, cancels or removes meanwhile is not.
What lay in hold/ before is not waited for.  Everything shown goes to stderr.  Without names what failed before counts too, and
is said to be that; what was cancelled before does not.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from dsgspool.cli import exits, output
from dsgspool.cli.context import open_spool
from dsgspool.cli.pasting import pasted

if TYPE_CHECKING:
    from dsgspool.cli.waiting import Progress, Watch
    from dsgspool.spool import Spool


NAMED = 5  #: tasks in a line


def wait(
    context: typer.Context,
    patterns: Annotated[
        list[str] | None, typer.Argument(metavar="NAME...", help="Names or patterns (else the whole spool).")
    ] = None,
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="TIME", help="Give up after 90s, 15m, 2h ...")
    ] = None,
) -> None:
    """Wait until tasks are over; exit 1 unless all are done.

    What was over before counts too.  What lies in hold/ is not waited for; nor, without NAME, what was cancelled before.
    The `finally` task of a batch is no part of it; for both: dsgspool wait BATCH BATCH.finally"""
    from dsgspool import fields
    from dsgspool.cli.waiting import Watch
    from dsgspool.yamltext import Node

    spool = open_spool(context)
    seconds = fields.duration(Node("scalar", 0, "str", timeout), "--timeout") if timeout else None
    finish(spool, Watch.of(spool, patterns or ()), seconds)


def wait_for(spool: Spool, identities: set[str]) -> None:
    """Wait for tasks that were just submitted."""
    from dsgspool.cli.waiting import Watch

    finish(spool, Watch(spool, identities), None)


def finish(spool: Spool, tasks: Watch, timeout: float | None) -> None:
    """Wait, show it, say why nothing moves and what failed, and exit with 1 unless all went well."""
    from dsgspool.cli.stillness import Stillness
    from dsgspool.cli.waiting import watch

    stillness = Stillness(tasks)
    for step in shown(watch(spool, tasks, timeout)):
        for line in stillness.lines(step):
            output.note(output.clean_line(pasted(line)))
    for identity in sorted(tasks.failed.keys() - tasks.earlier):
        output.note(f"failed: {_failure(tasks, identity)}")
    undone = (
        ("cancelled", tasks.cancelled),
        ("parked in hold/ meanwhile", tasks.parked),
        ("removed meanwhile", tasks.removed),
    )
    passed = (("not waited for, as in hold/", tasks.held), ("not waited for, as cancelled before", tasks.dropped))
    for words, names in (*passed, *undone):
        if names:
            output.note(f"{words}: {', '.join(sorted(names)[:NAMED])}{' ...' if len(names) > NAMED else ''}")
    if tasks.earlier:
        _tell_earlier(tasks)
    if tasks.open:
        number = len(tasks.open)
        what = f"{number:,} tasks are not over, such as" if number > 1 else "1 task is not over:"
        output.error(f"time is up: {what} {min(tasks.open)}")
    if tasks.open or tasks.failed or any(names for _, names in undone):
        raise SystemExit(exits.FAILED)


def _failure(tasks: Watch, identity: str) -> str:
    reason = tasks.failed[identity]
    return f"{identity} ({reason if reason and not reason[0].isdigit() else 'see its record'})"


def _tell_earlier(tasks: Watch) -> None:
    """What lay in failed/ from the beginning: old ones are many, and one that has just failed is among them."""
    earlier = sorted(tasks.earlier)
    more = f" ... ({len(earlier):,} in all)" if len(earlier) > NAMED else ""
    output.note(f"failed before: {', '.join(_failure(tasks, identity) for identity in earlier[:NAMED])}{more}")
    output.hint(
        "to leave out what failed before, name what to wait for: dsgspool wait NAME; to be rid of it: "
        "dsgspool requeue --failed, or dsgspool prune --state failed --older-than 1d"
    )


def shown(steps: Iterable[Progress]) -> Iterator[Progress]:
    """The same steps, shown as a bar on a terminal and as plain lines elsewhere."""
    return _bar(steps) if output.is_terminal(sys.stderr) else _lines(steps)


def _bar(steps: Iterable[Progress]) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        Task,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rest(TimeRemainingColumn):
        """Nothing while nothing runs: what is left may wait for ever."""

        def render(self, task: Task) -> Text:
            return super().render(task) if task.fields["running"] else Text("-:--:--", style="progress.remaining")

    figures = TextColumn(
        "{task.fields[unit]}[green]{task.fields[done]} done[/] [red]{task.fields[failed]} failed[/] "
        "{task.fields[running]} running"
    )
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        figures,
        TimeElapsedColumn(),
        TextColumn("ETA"),
        Rest(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None, unit="", done=0, failed=0, running=0)
        for step in steps:
            now, unit = step.shown, "items: " if step.shown is step.items else ""
            counts = {"unit": unit, "done": now.done, "failed": now.failed, "running": now.running}
            bar.update(task, total=now.total, completed=now.finished, **counts)  # type: ignore[arg-type]
            yield step


def _lines(steps: Iterable[Progress]) -> Iterator[Progress]:
    from dsgspool.clock import SystemClock

    clock = SystemClock()
    began, first, said, last = clock.boot(), 0, -10.0, None
    for step in steps:
        now = clock.boot() - began
        first = step.shown.finished if last is None else first
        if step != last and (now - said >= 5 or step.finished == step.total):
            output.note(_line(step, now, step.shown.finished - first))
            said = now
        last = step
        yield step


def _line(step: Progress, seconds: float, finished: int) -> str:
    now, items = step.shown, step.items
    left = now.total - now.finished
    eta = f", ETA {output.duration(seconds / finished * left)}" if left and finished and step.running else ""
    gone = f", {now.dropped} taken out" if now.dropped else ""
    unit = " items" if now is items else ""
    beside = f"; of sweeps {items.finished} of {items.total} items" if items and now is not items else ""
    return (
        f"{now.finished} of {now.total}{unit}: {now.done} done, {now.failed} failed{gone}, {now.running} running"
        f"{eta}{beside}"
    )
