"""`dsgspool status`.

The rule: one look at the folders, one screen: counts, batches, who runs what, which worker is silent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from dsgspool.cli import output
from dsgspool.cli.arguments import Json
from dsgspool.cli.context import open_spool, usage
from dsgspool.cli.overview import document, look, show

if TYPE_CHECKING:
    from dsgspool.spool import Spool


def status(
    context: typer.Context,
    watch: Annotated[
        bool,
        typer.Option("--watch", "-w", help="Look again every 2 s until Ctrl-C; with rates, newest failures and loads."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Say how the spool is: counts, batches, running tasks, workers."""
    spool = open_spool(context)
    if watch and as_json:
        raise usage("--watch and --json do not go together")
    if watch:
        _watch(spool)
    seen = look(spool)
    if as_json:
        output.json(document(seen))
    else:
        show(seen)


def _watch(spool: Spool) -> NoReturn:
    from dsgspool.cli.watching import Watch

    watch = Watch(spool)
    while True:
        before = spool.clock.boot()
        seen, news = watch.look()
        with output.repainted():
            show(seen, news)
        spool.clock.sleep(max(2.0, 20 * (spool.clock.boot() - before)))
