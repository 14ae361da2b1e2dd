"""`dsgspool submit`: a command, files, or a command for each line of standard input.

The rule: stdout carries the accepted names, one a line, and nothing else, so that `name=$(dsgspool submit -- ...)` and
`dsgspool wait $(...)` work; a name is printed when its task is on the server, never before.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, cast

import typer
from typer.core import TyperCommand

from dsgspool.cli import output
from dsgspool.cli.context import open_spool, server_now, usage

if TYPE_CHECKING:
    from typer import _click

    from dsgspool.cli.drafting import Command
    from dsgspool.spool import Spool
    from dsgspool.spool.submission import Draft, Submission

_AFTER_DASHES = "dsgspool.after_dashes"


class _Dashed(TyperCommand):
    """Remembers what stood after `--`, because the parser drops it: a command, where else there are files."""

    def parse_args(self, ctx: _click.Context, args: list[str]) -> list[str]:
        ctx.meta[_AFTER_DASHES] = args[args.index("--") + 1 :] if "--" in args else []
        return super().parse_args(ctx, args)


@dataclass(slots=True)
class Order:
    """What to submit.  One of `files`, `lines` and `command` alone."""

    command: Command | None = None
    files: list[str] = field(default_factory=list)
    lines: list[str] | None = None
    keys: dict[str, object] = field(default_factory=dict)
    name: str = ""
    batch: str = ""


app = typer.Typer(add_completion=False)


@app.command(cls=_Dashed)
def submit(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE.yaml... | -- COMMAND...", help="Task files, or -- and a command."),
    ] = None,
    each_line: Annotated[
        bool, typer.Option("--each-line", help="One task for each line of stdin; {} in the command is the line.")
    ] = False,
    name: Annotated[str, typer.Option("--name", help="Name of the task (else a word and 8 random letters).")] = "",
    batch: Annotated[str, typer.Option("--batch", help="Batch: the sub-folder that the tasks go to.")] = "",
    hold: Annotated[bool, typer.Option("--hold", help="Park it in hold/ instead of todo/.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the task files, submit nothing.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is over; exit 1 when it failed.")] = False,
    cwd: Annotated[str | None, typer.Option("--cwd", metavar="DIR", help="Where it runs (else here).")] = None,
    env: Annotated[list[str] | None, typer.Option("--env", metavar="K=V", help="Environment variable; repeat.")] = None,
    timeout: Annotated[str | None, typer.Option("--timeout", metavar="TIME", help="Such as 90s, 15m, 2h, 1d.")] = None,
    retries: Annotated[int | None, typer.Option("--retries", min=0, help="Tries after a first failure.")] = None,
    cpus: Annotated[int | None, typer.Option("--cpus", min=1, help="Slots that it takes.")] = None,
    description: Annotated[str | None, typer.Option("--description", help="A line for people.")] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="A word to find it by; repeat.")] = None,
    not_before: Annotated[
        str | None, typer.Option("--not-before", metavar="TIME", help="A delay (2h) or an ISO time with offset.")
    ] = None,
) -> None:
    """Put tasks into todo/: a command after --, task files, or one task for each line of stdin."""
    from dsgspool.cli import drafting

    after: list[str] = context.meta[_AFTER_DASHES]
    files = (words or [])[: len(words or []) - len(after)]
    order = Order(drafting.as_command(after) if after else None, files, name=name, batch=batch)
    given = {"timeout": timeout, "retries": retries, "cpus": cpus, "description": description, "tags": tag, "env": env}
    order.keys = {key: value for key, value in given.items() if value not in (None, [])}
    _check(order, options=bool(order.keys or cwd or not_before), each_line=each_line)
    spool = open_spool(context)
    if not files:
        _complete(spool, order.keys, cwd, not_before)
    if each_line:
        order.lines = drafting.lines_of(sys.stdin.buffer)
    _run(spool, order, hold=hold, dry_run=dry_run, wait=wait)


def _complete(spool: Spool, keys: dict[str, object], cwd: str | None, not_before: str | None) -> None:
    """Check the options as a task file would be checked, and put in what stands on no command line."""
    from dsgspool.cli import drafting

    for key in keys.keys() & {"timeout", "description"}:
        drafting.checked(key, str(keys[key]))
    for word in cast("list[str]", keys.get("tags", [])):
        drafting.checked("description", word)
    if "env" in keys:
        keys["env"] = drafting.environment(cast("list[str]", keys["env"]))
    if not_before:
        keys["not_before"] = drafting.moment(not_before, lambda: server_now(spool))
    keys["cwd"] = drafting.checked("cwd", drafting.working_folder(cwd))


def _check(order: Order, *, options: bool, each_line: bool) -> None:
    """Raise for what does not go together."""
    from dsgspool.cli.drafting import has_place
    from dsgspool.spool.submission import valid_batch

    if order.batch:
        valid_batch(order.batch)
    if each_line and order.name:
        raise usage("--each-line numbers the tasks itself: use --batch instead of --name")
    if each_line and order.command is not None and not has_place(order.command):
        raise usage("the command has no {} where a line of standard input could stand")
    if order.files and (order.command or each_line):
        raise usage("submit either files or a command, not both")
    if not (order.files or order.command or each_line):
        raise usage("nothing to submit: write `submit -- COMMAND ...`, `submit FILE.yaml ...` or `submit --each-line`")
    if order.files:
        _check_files(order, options=options)


def _check_files(order: Order, *, options: bool) -> None:
    if wrong := [file for file in order.files if not file.endswith((".yaml", ".yml"))]:
        raise usage(
            f"{wrong[0]!r} is no .yaml file: write -- before a command, as in `submit -- {' '.join(order.files)}`"
        )
    if order.name and len(order.files) > 1:
        raise usage("--name is for one task, and these are several files")
    if options:
        raise usage("options for the task itself are for commands: write them into the files")


def _run(spool: Spool, order: Order, *, hold: bool, dry_run: bool, wait: bool) -> None:
    """Dry run, or submit and print, then perhaps wait."""
    if dry_run:
        _show(spool, order)
        return
    accepted: list[str] = []
    output.lines(_noted(_accept(spool, order, spool.hold if hold else spool.todo), accepted))
    sys.stdout.flush()
    if wait:
        from dsgspool.cli.wait import wait_for

        wait_for(spool, set(accepted))
    elif not hold:
        _hint(spool)


def _noted(accepted: Iterable[str], noted: list[str]) -> Iterator[str]:
    for identity in accepted:
        noted.append(identity)
        yield identity


def _accept(spool: Spool, order: Order, folder: str) -> Iterator[str]:
    """Submit; yields the names as they are accepted."""
    from dsgspool.cli import drafting
    from dsgspool.spool.submission import Submission

    files = drafting.read_files(spool, order.files, order.batch) if order.files else []
    with closing(Submission(spool)) as submission:
        if order.lines is not None:
            texts = drafting.texts_of_lines(order.command, order.lines, order.keys)
            batch = order.batch or submission.unique(drafting.stem_of(order.command or "lines")).identity
            yield from submission.put_bulk(texts, batch, folder)
        else:
            yield from submission.put(_drafts(submission, order, files), folder)


def _drafts(submission: Submission, order: Order, files: list[tuple[str, bytes]]) -> list[Draft]:
    from dsgspool.cli import drafting
    from dsgspool.spool.submission import Draft

    identity = f"{order.batch}/{order.name}" if order.batch else order.name
    if order.command is None:
        return [Draft(submission.named(identity if order.name else name), data) for name, data in files]
    data = drafting.text_of(order.command, order.keys)
    name = submission.named(identity) if order.name else submission.unique(drafting.stem_of(order.command), order.batch)
    return [Draft(name, data)]


def _show(spool: Spool, order: Order) -> None:
    """What would be submitted: every task file, each with its name above it as a comment."""
    from dsgspool.cli import drafting

    prefix = f"{order.batch}/" if order.batch else ""
    if order.files:
        texts: Iterable[tuple[str, bytes]] = drafting.read_files(spool, order.files, order.batch)
    elif order.lines is not None:
        bodies = drafting.texts_of_lines(order.command, order.lines, order.keys)
        texts = ((f"{prefix or 'BATCH/'}{n // 1000:03d}/{n % 1000 + 1:05d}", text) for n, text in enumerate(bodies))
    else:
        generated = f"{drafting.stem_of(order.command or '')}-********"
        texts = [(prefix + (order.name or generated), drafting.text_of(order.command or "", order.keys))]
    for name, data in texts:
        output.line(f"# {name}")
        output.block(data.decode(errors="replace"))
    output.note("dsgspool: dry run, nothing was submitted")


def _hint(spool: Spool) -> None:
    """Say why nothing may happen now: the spool is paused, or no worker is there."""
    from dsgspool.cli.context import worker_ids

    if spool.is_paused():
        output.hint("the spool is paused; `dsgspool resume` lets the workers go on")
    elif not worker_ids(spool):
        output.hint("no worker is running yet; `dsgspool worker` starts one, on any node")
