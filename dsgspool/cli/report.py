"""`dsgspool report`: the page that tells it all, for people who never open a terminal.

The rule: it prints the path of the page and nothing else on stdout, so that `xdg-open $(dsgspool report)` works; with
`--text` the same in 80 columns.  What goes wrong while it watches is told, and it goes on.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from dsgspool.cli import output, pages
from dsgspool.cli.context import open_spool, usage

if TYPE_CHECKING:
    from dsgspool.spool import Spool

LEAST = 1.0  #: seconds between two renderings


def report(
    context: typer.Context,
    text: Annotated[bool, typer.Option("--text", help="Print it too: 80 columns, for a terminal.")] = False,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Write it again and again until Ctrl-C.")] = False,
    every: Annotated[
        str, typer.Option("--every", metavar="TIME", help="How often: with --watch, 10s if not said.")
    ] = "",
) -> None:
    """Write reports/index.html, a page that any browser opens."""
    from dsgspool import fields
    from dsgspool.yamltext import Node

    if every and not watch:
        raise usage("--every goes with --watch")
    spool = open_spool(context)
    if watch:
        seconds = fields.duration(Node("scalar", 0, "str", every), "--every", LEAST) if every else 10.0
        _watch(spool, seconds, text=text)
    else:
        pages.write(spool, text=text)


def _watch(spool: Spool, every: float, *, text: bool) -> None:
    """Until Ctrl-C; the time from one beginning to the next is `every`, or twice what a rendering takes."""
    from dsgspool.cli.sentences import sentences
    from dsgspool.errors import SpoolError
    from dsgspool.report.site import write_site

    told, explain = "", sentences(spool)
    while True:
        began = spool.clock.boot()
        try:
            path = write_site(spool, every, explain)
            if text:
                output.wipe()
                pages.show(spool)
            elif path != told:
                output.line(path)
                sys.stdout.flush()  # a pipe would keep it until the end, which may be weeks away
                told = path
        except SpoolError as error:
            output.error(str(error))
        took = spool.clock.boot() - began
        spool.clock.sleep(max(every - took, took, 0.0))
