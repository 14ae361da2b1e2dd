"""Commands that are proposed, as they can be pasted into the shell in which this one was typed.

The rule: they name the spool that `--spool` gave, as nothing else in that shell says which it is, or something says another one.
What stands in quotes is a name, and stays as it is.
"""

from __future__ import annotations

from contextvars import ContextVar

from dsgspool.cli.commands import COMMANDS
from dsgspool.expressions import expression

GIVEN: ContextVar[str | None] = ContextVar("given", default=None)  #: what `--spool` said

_NO_SPOOL = ("init", "demo")  #: are about a folder of their own
_VERBS = "|".join(name for name in COMMANDS if name not in _NO_SPOOL)
_PROGRAM = expression(
    rf"(?<!\w)'[^']*'|(?:^|(?<=&& )|(?<=[:;] )|(?<= or )|(?<=[`(]))(?P<program>dsgspool )(?=(?:{_VERBS})(?!\w))"
)


def pasted(text: str) -> str:
    """A line with the commands in it as they work here."""
    given = GIVEN.get()
    if not given:
        return text
    import shlex

    program = f"dsgspool --spool {shlex.quote(given)} "
    return _PROGRAM.sub(lambda found: program if found["program"] else found[0], text)
