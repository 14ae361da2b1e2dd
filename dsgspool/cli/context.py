"""What commands get from the global options.

The rule: the spool is found in one place, by `--spool`, DSGSPOOL_SPOOL or the folders upwards from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dsgspool.spool import Spool

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Patterns = Annotated[list[str], typer.Argument(metavar="NAME...", help="Names or patterns such as 'sweep-a/*'.")]


def open_spool(context: typer.Context) -> Spool:
    """The spool that this command is about; NotASpool when there is none."""
    from dsgspool.spool import Spool

    return Spool.find(context.obj)


def usage(reason: str) -> typer.BadParameter:
    """The error for options and arguments that do not go together (exit code 2)."""
    error = typer.BadParameter(reason)
    error.format_message = lambda: reason  # type: ignore[method-assign]
    return error


def server_now(spool: Spool) -> float:
    """Unix time by the file server's clock: what it stamps on a new file."""
    from dsgspool.proc import random_word

    path = f"{spool.tmp}/.{random_word()}.now"
    spool.fs.create_whole(path, b"", sync=False)
    try:
        return spool.fs.status(path).st_mtime
    finally:
        spool.fs.remove(path)


def worker_ids(spool: Spool) -> list[str]:
    """Workers that are there and have left no tombstone; one that was killed a moment ago may still be among them."""
    files = set(spool.fs.names(spool.workers))
    known = (file[:-5] for file in files if file.endswith(".yaml") and not file.endswith(".control.yaml"))
    return sorted(wid for wid in known if f"{wid}.dead" not in files)
