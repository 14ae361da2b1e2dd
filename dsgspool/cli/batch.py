"""`dsgspool batch`: what batches there are, and changing batches/NAME.yaml.

The rule: the file is the whole mechanism, so an editor does the same.  A change replaces the lines of its keys and leaves
every other line as somebody wrote it; what would not be a policy afterwards is not written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dsgspool.cli import output
from dsgspool.cli.arguments import Json
from dsgspool.cli.context import open_spool
from dsgspool.cli.pasting import pasted

if TYPE_CHECKING:
    from dsgspool.cli.policies import Seen

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="A batch: a folder in todo/.")]


@app.callback()
def batch() -> None:
    """List, show, pause and change batches.  A change holds for all that is still to run of todo/NAME/."""


@app.command("list")
def show_all(context: typer.Context, as_json: Json = False) -> None:
    """List the batches that have tasks or a policy."""
    from dsgspool.cli.overview import show_items
    from dsgspool.cli.policies import look

    found = look(open_spool(context))
    if as_json:
        output.json([seen.document() for seen in found])
    elif found:
        head = ("BATCH", "STATE", "PRIORITY", "MAX_RUNNING", "TODO", "WAITING", "HOLD", "RUNNING", "DONE", "FAILED")
        output.table(head, [seen.row() for seen in found])
        if items := {sweep: counts for seen in found for sweep, counts in seen.items.items()}:
            show_items(items)
        if untold := [seen.batch for seen in found if seen.is_divided and not seen.items]:
            output.sentence(f"counted in chunks of a sweep: {', '.join(untold)}")
    else:
        output.line("there are no batches: a folder in todo/ is one")


@app.command("show")
def show_one(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show one batch: how it stands, and its policy."""
    from dsgspool.cli.policies import look_at

    seen = look_at(open_spool(context), name)
    if as_json:
        output.json(seen.document())
        return
    _print(seen)


def _print(seen: Seen) -> None:
    output.heading(f"{seen.batch}  {seen.state}")
    output.fields(
        [
            ("why", pasted(seen.why)),
            ("tasks", seen.counted),
            *seen.swept,
            ("end", seen.ended),
            ("policy", seen.path or "none"),
        ]
    )
    output.block(seen.text, "    ")


@app.command("set")
def change(
    context: typer.Context,
    name: Name,
    changes: Annotated[
        list[str],
        typer.Argument(
            metavar="KEY=VALUE...",
            help="priority=10 max_running=40 canary=3 breaker='{of: 20, failures: 10}' canary=null",
        ),
    ],
) -> None:
    """Change the policy of a batch; `defaults` and `finally` are for an editor."""
    from dsgspool.cli.policies import write

    for line in write(open_spool(context), name, changes):
        output.line(line)


@app.command("pause")
def pause(context: typer.Context, name: Name) -> None:
    """Start nothing more of a batch; what runs goes on."""
    _switch(context, name, paused=True)


@app.command("resume")
def resume(context: typer.Context, name: Name) -> None:
    """Let a batch go on, also one that its canary or its breaker holds back."""
    _switch(context, name, paused=False)


def _switch(context: typer.Context, name: str, *, paused: bool) -> None:
    from dsgspool.cli.policies import go_on, read, write

    spool = open_spool(context)
    is_same = read(spool, name).paused == paused
    went_on = not paused and go_on(spool, name)
    if is_same and not went_on:
        output.line(f"{name} was {'paused already' if paused else 'not paused'}")
        return
    if not is_same:
        write(spool, name, [f"paused={str(paused).lower()}"])
    told = (
        "paused: nothing more of it is started; what runs goes on" if paused else "resumed: it goes on within seconds"
    )
    output.line(f"{name} is {told}")
