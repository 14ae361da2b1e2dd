"""`dsgspool submit`, as typer knows it: for --help and for everything that is wrong on its command line.

The rule: the options stand in `ordering`, in one table; nothing is declared here that is not made from it.
"""

from __future__ import annotations

from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from dsgspool.cli import ordering

if TYPE_CHECKING:
    from typer import _click

_AFTER_DASHES = "dsgspool.after_dashes"
_WORDS = typer.Argument(metavar="FILE.yaml | -- COMMAND", help="Task files, or -- and a command.")


class _Dashed(TyperCommand):
    """Remembers what stood after `--`, because the parser drops it: a command, where else there are files."""

    def parse_args(self, ctx: _click.Context, args: list[str]) -> list[str]:
        ctx.meta[_AFTER_DASHES] = args[args.index("--") + 1 :] if "--" in args else []
        return super().parse_args(ctx, args)


def _parameter(option: ordering.Option) -> Parameter:
    """An option as typer wants it."""
    least = option.kind if isinstance(option.kind, int) else None
    info = typer.Option(option.flag, help=option.help, metavar=option.metavar, min=least)
    kinds: dict[str | int, Any] = {"flag": bool, "text": str | None, "many": list[str] | None}
    annotation: Any = Annotated.__class_getitem__((kinds.get(option.kind, int | None), info))  # type: ignore[attr-defined]
    default = False if option.kind == "flag" else None
    return Parameter(option.name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


app = typer.Typer(add_completion=False, rich_markup_mode=None)


def submit(context: typer.Context, words: list[str] | None, **options: Any) -> None:  # noqa: ANN401
    """Put tasks into todo/.  A command after --, task files, or one task for each line of stdin."""
    after: list[str] = context.meta[_AFTER_DASHES]
    files = (words or [])[: len(words or []) - len(after)]
    chosen = {key: value for key, value in options.items() if value not in (None, False, [])}
    ordering.submit(context.obj, ordering.Given(files, after, chosen))


submit.__dict__["__signature__"] = Signature(
    [
        Parameter("context", Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context),
        Parameter(
            "words", Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=Annotated[list[str] | None, _WORDS]
        ),
        *map(_parameter, ordering.OPTIONS),
    ]
)
app.command(cls=_Dashed)(submit)
