"""`dsgspool schedule list`: what schedules/ will make, and when.

The rule: it reads the files as the leading worker does, and tells what is wrong with one in its line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from dsgspool.cli import output
from dsgspool.cli.arguments import Json
from dsgspool.cli.context import open_spool, server_clock

if TYPE_CHECKING:
    from dsgspool.spool import Spool

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def schedule() -> None:
    """Tasks that come again: schedules/NAME.yaml.  See docs/time.md."""


@app.command("list")
def list_schedules(
    context: typer.Context,
    count: Annotated[int, typer.Option("--next", min=1, max=100, metavar="N", help="So many ticks of each.")] = 3,
    as_json: Json = False,
) -> None:
    """Each schedule with its next ticks, in your time zone."""
    from dsgspool.clock import local
    from dsgspool.spool.ticks import schedule_files

    spool = open_spool(context)
    now = server_clock(spool).now()
    found = [_entry(spool, file, name, now, count) for file, name in sorted(schedule_files(spool).items())]
    if as_json:
        output.json(found)
        return
    head = ("SCHEDULE", "CRON", "ZONE", "NEXT")
    rows = [
        (entry["schedule"], entry["cron"], entry["timezone"], entry["wrong"] or ", ".join(map(local, entry["next"])))
        for entry in found
    ]
    output.table(head, rows)


def _entry(spool: Spool, file: str, name: str, now: float, count: int) -> dict[str, Any]:
    from dsgspool.errors import InvalidTask
    from dsgspool.schedules import parse_schedule

    settings = spool.settings()
    try:
        data = spool.fs.read(f"{spool.root}/schedules/{file}", 1 << 18)[0]
        found = parse_schedule(data, settings.task, settings.timezone)
    except (InvalidTask, OSError) as error:
        return {"schedule": name, "cron": "", "timezone": "", "next": [], "wrong": str(error)}
    ticks = found.following(now, count)
    return {"schedule": name, "cron": found.cron, "timezone": found.zone.key, "next": ticks, "wrong": ""}
