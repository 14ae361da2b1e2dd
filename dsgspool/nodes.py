"""What is asked of a node's workers: when they may begin tasks there.  `nodes:` of spool.yaml, flags, control files.

The rule: what is nearest to the worker wins, key by key: its control file, then how it was started, then the first
pattern of spool.yaml that fits its node and says anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from fnmatch import fnmatchcase
from typing import Any

from dsgspool import fields as read
from dsgspool.classes import dataclass
from dsgspool.errors import InvalidTask
from dsgspool.hours import Hours, parse_hours
from dsgspool.yamltext import Node, check_keys, pairs, wrong


@dataclass(frozen=True, slots=True)
class Idle:
    """Others may keep at most so many CPUs busy (None = any number), and must not be at its screen or terminals."""

    load: float | None = 1.0
    users: bool = True


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds on one node; None = nothing is said."""

    run_between: Hours | None = None
    pin: bool | None = None
    only_when_idle: Idle | None = None  #: NEVER_MIND = tasks are taken whoever uses the node

    def over(self, other: Rules) -> Rules:
        """These, and where they say nothing the other's."""
        said = {key: value for key in KEYS if (value := getattr(self, key)) is not None}
        return replace(other, **said)


NEVER_MIND = Idle(None, users=False)
KEYS = tuple(field.name for field in fields(Rules))


def rules_of(nodes: Mapping[str, Rules], host: str) -> Rules:
    """What spool.yaml says of a node; patterns mean its name, with or without its domain."""
    found = Rules()
    for pattern, rules in nodes.items():
        if any(fnmatchcase(name, pattern) for name in (host, host.partition(".")[0])):
            found = found.over(rules)
    return found


def nodes(node: Node, what: str) -> dict[str, Rules]:
    """The reader of `nodes`."""
    return {key.value: _rules(value, f"{what}.{key.value}") for key, value in pairs(node, what)}


def _rules(node: Node, what: str) -> Rules:
    said = [(key.value, value) for key, value in pairs(node, what)]
    check_keys(node, KEYS)
    return Rules(**{key: READERS[key](value, f"{what}.{key}") for key, value in said})


def _hours(node: Node, what: str) -> Hours:
    try:
        return parse_hours(read.text(node, what))
    except InvalidTask as error:
        raise error if error.line else wrong(node, f"`{what}`: {error.reason}", error.remedy) from None


def _idle(node: Node, what: str) -> Idle:
    if node.kind == "scalar":
        return Idle() if read.boolean(node, what) else NEVER_MIND
    check_keys(node, ("load", "users"), what=what)
    said = {key.value: value for key, value in pairs(node, what)}
    load = said.get("load")
    return Idle(
        1.0 if load is None else None if read.is_null(load) else read.number(load, f"{what}.load", 0),
        "users" not in said or read.boolean(said["users"], f"{what}.users"),
    )


READERS: dict[str, Callable[[Node, str], Any]] = {"run_between": _hours, "pin": read.boolean, "only_when_idle": _idle}


def written(rules: Rules) -> Iterable[tuple[str, object]]:
    """What is said, as it stands in a file."""
    return ((key, _plain(value)) for key in KEYS if (value := getattr(rules, key)) is not None)


def _plain(value: Hours | Idle | bool) -> object:
    if isinstance(value, Hours):
        return value.text
    return {"load": value.load, "users": value.users} if isinstance(value, Idle) else value
