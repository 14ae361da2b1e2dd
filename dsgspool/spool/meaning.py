"""Which tasks a person means by a name, a shell pattern or a folder.

The rule: what is really called so comes first.  Brackets and `.yaml` may stand in a name, so `a[1]` is that task where there
is one, and never a1 beside it: a verb for one task must not move another.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from typing import Protocol, TypeVar

from dsgspool.names import TaskName


class Named(Protocol):
    """Whatever has a task's name."""

    @property
    def name(self) -> TaskName:
        """The name as its file says it."""


T = TypeVar("T", bound=Named)


def meant(things: Iterable[T], pattern: str) -> list[T]:
    """Those that a name or pattern means: `a[1]` is a1, and `x.yaml` is x, unless something is really called so."""
    found: list[T] = []
    exact: list[T] = []
    may_be_both = is_ambiguous(pattern)
    for thing in things:
        if may_be_both and _is_called(thing.name.identity, pattern):
            exact.append(thing)
        elif not exact and matches(thing.name, pattern):
            found.append(thing)
    return exact or found


def alone(identity: str) -> str:
    """A pattern that means this task only, where its name means a batch as well."""
    before = identity[: len(identity) - len(identity.lstrip("!"))]  # which means the contrary in brackets
    rest = identity[len(before) :]
    return before + "".join(f"[{letter}]" if at == 0 or letter in "*?[" else letter for at, letter in enumerate(rest))


def _base(pattern: str) -> str:
    """`b` of `b/*` and of `b/`: the name that stands in front."""
    return pattern.removesuffix("/*").rstrip("/")


def is_ambiguous(pattern: str) -> bool:
    """True when it may be a name as well as a pattern; what holds another `*` is a pattern."""
    base = _base(pattern)
    return "*" not in base and (any(c in base for c in "?[") or base.endswith((".yaml", ".yml")))


def _is_called(identity: str, pattern: str) -> bool:
    return identity == pattern or identity.startswith(f"{_base(pattern)}/")


def matches(name: TaskName, pattern: str) -> bool:
    """True when a name or shell pattern means this task; a folder's name stands for what is in it."""
    pattern = pattern.removesuffix(".yaml").removesuffix(".yml").rstrip("/")
    if any(c in pattern for c in "*?["):
        return fnmatch.fnmatchcase(name.identity, pattern) or fnmatch.fnmatchcase(name.stem, pattern)
    return pattern in (name.identity, name.stem, name.path.removesuffix(".yaml"), name.flat.removesuffix(".yaml")) or (
        name.identity.startswith(f"{pattern}/")
    )
