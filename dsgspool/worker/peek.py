"""What must be known of a task before its record is made: whether it has to wait, and how many slots it wants.

The rule: a hint, found without the YAML parser, because nothing may be parsed before the record counts the attempt.
A top-level key stands at the beginning of a line and a block's lines never do, so what is found here is the key; what is
missed (flow style, odd quoting) is noticed after parsing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from dsgspool.expressions import expression

_CPUS = expression(rb"^cpus:\s*([0-9]{1,6})\s*(?:#.*)?$", re.MULTILINE)
_FORMAT = expression(rb"^format:\s*([0-9]{1,6})\s*(?:#.*)?$", re.MULTILINE)
_NOT_BEFORE = expression(rb"^not_before:\s*['\"]?([0-9T:. +Z-]+?)['\"]?\s*(?:#.*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Peek:
    """Hints; `not_before` is Unix time."""

    cpus: int = 1
    format: int = 1
    not_before: float | None = None


def peek(data: bytes) -> Peek:
    """Hints in a task file's text."""
    cpus, newer, moment = _CPUS.search(data), _FORMAT.search(data), _NOT_BEFORE.search(data)
    return Peek(
        cpus=max(1, int(cpus[1])) if cpus else 1,
        format=int(newer[1]) if newer else 1,
        not_before=_moment(moment[1].decode()) if moment else None,
    )


def _moment(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo else None
