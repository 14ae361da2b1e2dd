"""`dsgspool schedule list`: what schedules/ will make, and when.

The rule: it reads the files as the leading worker does, and tells in a file's line what is wrong with it, or why a worker
of whoever asks would not obey it.
"""

from __future__ import annotations

import os
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
    from dsgspool.errors import InvalidTask, StorageError
    from dsgspool.schedules import parse_schedule
    from dsgspool.spool.ticks import NO_NAME, is_name, read_schedule
    from dsgspool.worker.admission import Me, why_foreign

    settings = spool.settings()
    me = Me(os.geteuid(), spool.fs.status_of_folder(spool.root).st_uid)
    try:
        text = read_schedule(spool, file)
        wrong = why_foreign(text, settings, me) if is_name(name) else NO_NAME
        found = parse_schedule(text.data, settings.task, settings.timezone)
    except (InvalidTask, OSError) as error:
        error = StorageError.of(error, "read") if isinstance(error, OSError) else error
        return {"schedule": name, "cron": "", "timezone": "", "next": [], "wrong": str(error)}
    ticks = [] if wrong else found.following(now, count)
    return {"schedule": name, "cron": found.cron, "timezone": found.zone.key, "next": ticks, "wrong": wrong}
