"""Names of the parts of a sweep: pure arithmetic.

    NAME/0100-0199        a chunk: the items 100 to 199, both counted
    NAME/rest-0200-9999   items of which nobody has begun any

The rule: all numbers of a sweep have as many digits as its last one, so that names sort as their items do.
"""

from __future__ import annotations

import re

from dsgspool.classes import dataclass
from dsgspool.expressions import expression

REST = "rest-"
INDEX = "items"  #: what the name of a chunk's index ends with, beside .out and .err
ONLY = "only"  #: what the name of a file ends with that says which items an attempt is to run
_RANGE = expression(r"(.+)/(rest-)?([0-9]{1,8})-([0-9]{1,8})\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Range:
    """Items `first` to `last` of a sweep, of which nobody has begun any (`is_rest`) or which belong to one chunk."""

    sweep: str
    first: int
    last: int
    width: int
    is_rest: bool = False

    @property
    def numbers(self) -> str:
        """`0100-0199`"""
        return f"{self.first:0{self.width}d}-{self.last:0{self.width}d}"

    @property
    def identity(self) -> str:
        """The task's name."""
        return f"{self.sweep}/{REST if self.is_rest else ''}{self.numbers}"

    @property
    def count(self) -> int:
        """How many items."""
        return self.last - self.first + 1

    def part(self, first: int, last: int, *, is_rest: bool) -> Range:
        """A part of it."""
        return Range(self.sweep, first, last, self.width, is_rest)


def parse_range(identity: str) -> Range | None:
    """The range that a task's name says, None when it says none."""
    if not (found := _RANGE.match(identity)) or len(found[3]) != len(found[4]) or found[3] > found[4]:
        return None
    return Range(found[1], int(found[3]), int(found[4]), len(found[3]), bool(found[2]))


def whole(sweep: str, count: int) -> Range:
    """All items of a sweep."""
    return Range(sweep, 0, count - 1, len(str(count - 1)), is_rest=True)
