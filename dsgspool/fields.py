"""One field of a task file or of spool.yaml: from a node to a value of the type that is wanted.

The rule: every reader takes the node and the field's name, and raises InvalidTask with line, fact and remedy; none of
them guesses.  YAML 1.1 reads `no` as false, `12:30` as 750 and `2026-01-01` as a date: that is refused, not repaired.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dsgspool.expressions import expression
from dsgspool.redaction import MASK, is_secret
from dsgspool.task import Expiry
from dsgspool.yamltext import Node, did_you_mean, pairs, wrong

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_INTEGER = expression(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_NUMBER = expression(r"[-+]?[0-9]{1,18}(?:\.[0-9]{0,18})?(?:[eE][-+]?[0-9]{1,2})?")
_PART = r"(?:([0-9]{1,12}(?:\.[0-9]{1,9})?)"
_DURATION = expression(" ?".join(rf"{_PART}{unit})?" for unit in ("d", "h", "m", "s", "ms")))
_SECONDS = (86400.0, 3600.0, 60.0, 1.0, 0.001)
_SIZE = expression(r"([0-9]{1,18}(?:\.[0-9]{1,9})?) ?([KMGTP]?)(?:I?B)?", re.IGNORECASE)
_DAY = expression(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_REMEDY_DURATION = "write it with units, such as 90s, 15m, 2h, 1h30m or 1d; a plain number counts seconds"


def is_null(node: Node) -> bool:
    """True for an explicit `null` or `~`; a key with nothing behind it is more often a slip."""
    return node.kind == "scalar" and node.tag == "null" and node.value != ""


def _scalar(node: Node, what: str, kind: str) -> Node:
    if node.kind != "scalar":
        raise wrong(
            node, f"`{what}` is a {node.kind} and must be {kind}", "text with [ ] { } or `: ` in it needs quotes"
        )
    if node.tag == "null":
        raise wrong(node, f"`{what}` has no value and must be {kind}", "write one, or remove the line")
    return node


def text(node: Node, what: str) -> str:
    """Text; plain numbers are taken as they are written."""
    value = _scalar(node, what, "text").value
    kind = node.tag
    if kind in ("bool", "timestamp") or (kind in ("int", "float") and ":" in value):
        truth = "true" if value.lower() in ("yes", "on", "true") else "false"
        read = {"bool": truth, "timestamp": "a date"}.get(kind, "a number of base 60")
        shown = MASK if is_secret(what) else value
        raise wrong(node, f"`{what}`: YAML reads {shown} as {read}", f'put it in quotes: "{shown}"')
    if "\0" in value:
        raise wrong(node, f"`{what}` has a NUL character in it", "remove it")
    return value


def integer(node: Node, what: str, low: int | None = None, high: int | None = None) -> int:
    """A whole number from low to high."""
    value = _scalar(node, what, "a whole number")
    if value.style or not _INTEGER.fullmatch(value.value):
        raise wrong(node, f"`{what}` is {_short(value)} and must be a whole number", "write it plainly, such as 3")
    return int(_in_range(node, what, int(value.value), low, high))


def number(node: Node, what: str, low: float | None = None, high: float | None = None) -> float:
    """A number from low to high."""
    value = _scalar(node, what, "a number")
    if value.style or not _NUMBER.fullmatch(value.value):
        raise wrong(node, f"`{what}` is {_short(value)} and must be a number", "write it plainly, such as 1.5")
    return _in_range(node, what, float(value.value), low, high)


def _short(node: Node) -> str:
    return repr(node.value if len(node.value) < 40 else node.value[:37] + "...")


def _in_range(node: Node, what: str, value: float, low: float | None, high: float | None) -> float:
    if (low is not None and value < low) or (high is not None and value > high):
        span = f"at least {low}" if high is None else f"from {low} to {high}"
        raise wrong(node, f"`{what}` is {value} and must be {span}", "change it")
    return value


def boolean(node: Node, what: str) -> bool:
    """True or false."""
    value = _scalar(node, what, "true or false")
    if value.tag != "bool":
        raise wrong(
            node, f"`{what}` is {_short(value)} and must be true or false", "write true or false without quotes"
        )
    return value.value.lower() in ("yes", "on", "true")


def choice(node: Node, what: str, words: tuple[str, ...]) -> str:
    """One of some words."""
    value = _scalar(node, what, " or ".join(words)).value
    if value not in words:
        raise wrong(node, f"`{what}` is {value!r} and must be {' or '.join(words)}", did_you_mean(value, words))
    return value


def duration(node: Node, what: str, low: float = 0.0, high: float | None = None) -> float:
    """Seconds of `90s 15m 2h 1d 1h30m 500ms`, or of a plain number."""
    value = _scalar(node, what, "a duration").value
    match = _DURATION.fullmatch(value) if value else None
    if _NUMBER.fullmatch(value):
        seconds = float(value)
    elif match:
        seconds = sum(float(part) * unit for part, unit in zip(match.groups(), _SECONDS, strict=True) if part)
    else:
        reason = "YAML counts colons by 60" if ":" in value else "that is no duration"
        raise wrong(node, f"`{what}` is {value!r}: {reason}", _REMEDY_DURATION)
    return _in_range(node, what, seconds, low, high)


def size(node: Node, what: str) -> int:
    """Bytes of `512M 16G 1.5T` (multiples of 1,024), or of a plain number."""
    value = _scalar(node, what, "a size").value
    match = _SIZE.fullmatch(value)
    if not match:
        remedy = "write it like 512M, 16G or 1.5T; a plain number counts bytes"
        raise wrong(node, f"`{what}` is {value!r}: that is no size", remedy)
    return round(float(match[1]) * float(1024 ** " KMGTP".index(match[2].upper() or " ")))


def items(node: Node, what: str) -> list[Node]:
    """The nodes of a list."""
    if node.kind != "list":
        raise wrong(node, f"`{what}` must be a list", f"write it as `{what}: [a, b]`")
    return node.children


def texts(node: Node, what: str) -> tuple[str, ...]:
    """A list of texts."""
    return tuple(text(item, what) for item in items(node, what))


def text_mapping(node: Node, what: str) -> dict[str, str]:
    """A mapping of names to texts."""
    return {key.value: text(value, f"{what}.{key.value}") for key, value in pairs(node, what)}


def expiry(node: Node, what: str, timezone: str | None = None) -> Expiry:
    """A date and time as `moment` reads it, or a duration, which counts from when the file was written."""
    if node.kind == "scalar" and _DAY.match(node.value):
        return Expiry(moment(node, what, timezone))
    if node.kind == "scalar" and (node.value[:1].isalpha() or "-" in node.value[1:]):
        reason = f"`{what}` is {node.value!r}: that is neither a duration nor a date and time"
        raise wrong(node, reason, "such as 2h or 1d12h, or 2026-11-21T21:00+01:00")
    return Expiry(age=duration(node, what))


def zone(node: Node, what: str) -> ZoneInfo:
    """A time zone that this machine knows."""
    import zoneinfo

    name = text(node, what)
    try:
        return zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise wrong(
            node, f"`{what}`: this machine knows no {name!r}", "write one such as Europe/Berlin or UTC"
        ) from None


def moment(node: Node, what: str, timezone: str | None = None) -> float:
    """Unix time of an ISO 8601 date and time with its offset; without one the time zone decides, if there is one."""
    import datetime
    import zoneinfo

    value = _scalar(node, what, "a date and time").value
    try:
        stamp = datetime.datetime.fromisoformat(re.sub(r"\s+(?=[-+Zz]\S*$)", "", value if _DAY.match(value) else ""))
    except ValueError:
        raise wrong(
            node, f"`{what}` is {value!r}: that is no date and time", "such as 2026-11-21T21:00+01:00"
        ) from None
    if stamp.tzinfo is None:
        if not timezone:
            remedy = f"write {stamp.isoformat()}+01:00 or ...Z, or set `timezone` in spool.yaml"
            raise wrong(node, f"`{what}` has no offset from UTC", remedy)
        stamp = stamp.replace(tzinfo=zoneinfo.ZoneInfo(timezone))
        if stamp.utcoffset() != stamp.replace(fold=1).utcoffset():
            raise wrong(node, f"`{what}` happens twice or never on that day in {timezone}", "write the offset")
    return stamp.timestamp()
