"""Regular expressions that are compiled when they are first used.

The rule: a command pays for what it uses.  The modules that every command imports hold eighty expressions, of which one
`dsgspool submit -- true` uses four; compiling all of them at import took as long as starting Python.
"""

from __future__ import annotations

import re
from typing import AnyStr, cast


def expression(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """What re.compile gives, later."""
    return cast("re.Pattern[AnyStr]", _Expression(pattern, flags))


class _Expression:
    """Stands in for a compiled expression; what was asked of it once is its own from then on, and as fast."""

    def __init__(self, pattern: str | bytes, flags: int) -> None:
        self.pattern, self.given_flags = pattern, flags

    def __getattr__(self, name: str) -> object:
        found = getattr(re.compile(self.pattern, self.given_flags), name)
        setattr(self, name, found)
        return found
