"""What the doctor says: findings, and the commands that mend what is broken.

The rule: plain values that travel through a pipe as JSON.  A fix is shown as the very commands that it consists of.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any

from dsgspool.classes import dataclass

GROUPS = ("mount", "semantics", "machine", "spool", "peers")


class Status(StrEnum):
    """How a check went; `NOTE` is good to know and asks for nothing."""

    OK = "ok"
    NOTE = "note"
    WARN = "warn"
    FAIL = "FAIL"
    FIXED = "fixed"  # it was broken, and --fix has mended it


@dataclass(frozen=True, slots=True)
class Fix:
    """Commands that mend a finding.  `safe`: --fix carries them out; `done`: it did."""

    commands: tuple[str, ...]
    safe: bool = False
    done: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's list."""

    id: str
    group: str
    status: Status
    text: str
    remedy: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    fix: Fix | None = None


def plain(finding: Finding) -> dict[str, Any]:
    """A finding as JSON holds it."""
    fix = finding.fix
    return {
        "id": finding.id,
        "group": finding.group,
        "status": str(finding.status),
        "text": finding.text,
        "remedy": finding.remedy,
        "facts": dict(finding.facts),
        "fix": None
        if fix is None
        else {"commands": list(fix.commands), "safe": fix.safe, "done": fix.done, "error": fix.error},
    }


def finding_of(data: Mapping[str, Any]) -> Finding:
    """The finding that `plain` wrote."""
    fix = data["fix"]
    return Finding(
        **{**data, "status": Status(data["status"])}
        | {"fix": fix and Fix(tuple(fix["commands"]), fix["safe"], fix["done"], fix["error"])}
    )


def quoted(path: str) -> str:
    """A path as a shell takes it; what cannot be printed is written $'\\ooo', because a screen would change it."""
    if path.isprintable():
        return shlex.quote(path)
    safe = (chr(byte) if 32 <= byte < 127 and chr(byte) not in "'\\" else f"\\{byte:03o}" for byte in os.fsencode(path))
    return f"$'{''.join(safe)}'"


def many(number: int, word: str) -> str:
    """`1 task`, `2 tasks`, `3 processes`"""
    ending = "" if number == 1 else "es" if word.endswith("s") else "s"
    return f"{number:,} {word}{ending}"


def some(names: list[str], most: int = 3) -> str:
    """`a, b, c and 7 more`"""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
