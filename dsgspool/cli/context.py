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
