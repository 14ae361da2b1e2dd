"""What failed by a limit and would fail by it again: the command that gives it twice as much first, or takes `expires` out.

The rule: the limit is the one that the record names, so nothing else is opened; a chunk of a sweep has the text of its sweep,
which is not changed part by part, and what cannot be told for certain is not offered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from dsgspool.expressions import expression
from dsgspool.ranges import parse_range
from dsgspool.task import Kind

NEVER = "expires="  #: it expires no more
_LIMIT = {
    Kind.TIMEOUT: expression(r"still running after (?P<amount>[0-9.]+) s"),
    Kind.OOM: expression(
        r".*; (?P<key>(?:limits|resources)\.memory) is (?P<amount>[0-9.]+)(?: (?P<unit>[KMGT]?)i?B)?", re.DOTALL
    ),
}


def larger(failures: Iterable[tuple[str, str, str]]) -> str:
    """`timeout=2h`, or `expires=`, for (identity, reason in the name, reason in the record) of all of them, '' where that
    is not what helps."""
    failed = [*failures]
    if failed and all(tag == Kind.EXPIRED and not parse_range(identity) for identity, tag, _ in failed):
        return NEVER
    found = [_limit(*failure) for failure in failed]
    keys = {limit[0] if limit else "" for limit in found}
    if len(keys) != 1 or "" in keys:
        return ""
    (key,), twice = keys, 2 * max(limit[1] for limit in found if limit)
    return f"{key}={_duration(twice) if key == 'timeout' else _size(int(twice))}"


def run_changed(program: str, names: str, change: str) -> str:
    """The line that parks them, changes them and lets them run."""
    return " && ".join(
        [f"{program} requeue --hold {names}", f"{program} edit {names} {change} --yes", f"{program} release {names}"]
    )


def _limit(identity: str, tag: str, reason: str) -> tuple[str, float] | None:
    if tag not in (Kind.TIMEOUT, Kind.OOM) or parse_range(identity):
        return None
    match = _LIMIT[Kind(tag)].fullmatch(reason)
    if not match:
        return None
    power = " KMGT".index(match.groupdict().get("unit") or " ")
    return match.groupdict().get("key", "timeout"), float(match["amount"]) * 1024**power


def _duration(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"


def _size(count: int) -> str:
    count = -(-count // 1024**2) * 1024**2 if count > 1024**3 else count  # told with one decimal
    for power, unit in ((4, "T"), (3, "G"), (2, "M"), (1, "K")):
        if count % 1024**power == 0:
            return f"{count // 1024**power}{unit}"
    return str(count)
