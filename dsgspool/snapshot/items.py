"""How far sweeps are, by the items that their files stand for.

The rule: counted by names alone, nothing is opened: a chunk's items count where its file lies, and of one that failed as many
as its name says.  A batch is a sweep when its files cover all numbers from 0 on, each once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from dsgspool.ranges import Range, parse_range
from dsgspool.snapshot.values import Counts, TaskSeen
from dsgspool.task import Kind, State


def swept(tasks: Iterable[TaskSeen]) -> dict[str, Counts]:
    """The items of each sweep, in the order of their names."""
    each = sorted(parts_of(tasks).items())
    return {sweep: _counts(parts) for sweep, parts in each if _is_whole([part for part, _ in parts])}


def parts_of(tasks: Iterable[TaskSeen]) -> dict[str, list[tuple[Range, TaskSeen]]]:
    """By the names of sweeps, the items that each file stands for."""
    found: dict[str, list[tuple[Range, TaskSeen]]] = {}
    for task in tasks:
        if task.name.identity[-1:].isdigit() and (part := parse_range(task.name.identity)):
            found.setdefault(part.sweep, []).append((part, task))
    return {sweep: _apart(parts) for sweep, parts in found.items()}


def _apart(parts: list[tuple[Range, TaskSeen]]) -> list[tuple[Range, TaskSeen]]:
    """A rest whose parts were taken out of it already stands for what comes before the first of them."""
    parts = sorted(parts, key=lambda part: part[0].first)
    found = []
    for (part, task), following in zip(parts, [*(part for part, _ in parts[1:]), None], strict=True):
        if part.is_rest and following and part.first < following.first <= part.last:
            part = part.part(part.first, following.first - 1, is_rest=True)
        found.append((part, task))
    return found


def _is_whole(parts: list[Range]) -> bool:
    expected = 0
    for part in parts:
        if part.first != expected:
            return False
        expected = part.last + 1
    return True


def failures_in(part: Range, tag: str) -> int:
    """How many items of a chunk in failed/ have failed."""
    return min(part.count, int(tag.removeprefix(Kind.ITEMS))) if tag.startswith(Kind.ITEMS) else part.count


def _counts(parts: list[tuple[Range, TaskSeen]]) -> Counts:
    counted = Counter[str]()
    for part, task in parts:
        counted[task.state] += part.count
        if task.state is State.FAILED:
            fine = part.count - failures_in(part, task.name.tag)
            counted[State.FAILED] -= fine
            counted[State.DONE] += fine
    return Counts(**counted)
