"""The program that imports only the command that was asked for.

The rule: start-up is what a user feels at every command, so a command's module is imported when its name is on the
command line (all of them only for `--help`), and each module imports the core inside its functions.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from typer.core import TyperGroup
from typer.main import get_command

from dsgspool import __version__
from dsgspool.cli import exits, pasting
from dsgspool.cli.commands import COMMANDS
from dsgspool.cli.context import usage

if TYPE_CHECKING:
    from typer import _click


class Program(TyperGroup):
    """The root command: finds commands in the table, turns errors into exit codes."""

    _is_listing = False

    def list_commands(self, ctx: _click.Context) -> list[str]:  # noqa: ARG002 - the signature is typer's
        """Names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: _click.Context, cmd_name: str) -> _click.Command | None:  # noqa: ARG002
        """The command of that name, imported now."""
        return build(cmd_name, outline=self._is_listing) if cmd_name in COMMANDS else None

    def format_commands(self, ctx: _click.Context, formatter: _click.HelpFormatter) -> None:
        """The list of `--help`, for which nobody need know the options of all commands."""
        self._is_listing = True
        try:
            super().format_commands(ctx, formatter)
        finally:
            self._is_listing = False

    def resolve_command(
        self, ctx: _click.Context, args: list[str]
    ) -> tuple[str | None, _click.Command | None, list[str]]:
        """The command that the first argument names; for an unknown one, the names that are like it."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(COMMANDS)}"
            raise usage(f"no command is called {args[0]!r}: {hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: _click.Context) -> object:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise exits.ReaderGoneError from None

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: ARG002, FBT001, FBT002, RUF100
        windows_expand_args: bool = True,  # noqa: FBT001, FBT002, RUF100
        **extra: object,
    ) -> NoReturn:
        """Run and exit; every error becomes one line and the code that `exits` has for it."""
        run = functools.partial(super().main, args, prog_name or "dsgspool", complete_var, False)
        try:
            sys.exit(exits.guarded(lambda: run(windows_expand_args, **extra)))
        finally:
            pasting.GIVEN.set(None)


def build(name: str, *, outline: bool = False) -> _click.Command:
    """The command of that name from its module; `outline`: with its description and without its options."""
    module, _, attribute = COMMANDS[name].partition(":")
    target = getattr(importlib.import_module(f"dsgspool.cli.{module}"), attribute)
    if not isinstance(target, typer.Typer):
        if outline:
            target = _described(target.__doc__)
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(name)(target)
        target = single
    command = get_command(target)
    command.name = name
    return command


def _described(doc: str | None) -> Callable[[], None]:
    def nothing() -> None: ...

    nothing.__doc__ = doc
    return nothing


app = typer.Typer(
    cls=Program, rich_markup_mode=None, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False
)


def _version(asked: bool) -> None:
    if asked:
        from dsgspool.cli import output

        output.line(f"dsgspool {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    spool: Annotated[
        str | None,
        typer.Option("--spool", metavar="DIR", help="The spool (else DSGSPOOL_SPOOL, else upwards from here)."),
    ] = None,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """The queue you can ls: a shared folder of YAML files is the task queue.  No server, no database, no root."""
    context.obj = spool
    pasting.GIVEN.set(spool)
