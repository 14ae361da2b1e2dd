"""What the small models share (dividing.py, freezing.py, counting.py, ticking.py): a search, and how it is started and told.

The rule: breadth first, so the first broken world has the shortest way; a world is a value, and what is next is a function of it.
"""

from __future__ import annotations

import argparse
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

W = TypeVar("W")
Off = frozenset[str]
Faults = tuple[tuple[str, int], ...]


def spent(faults: Faults, fault: str) -> Faults | None:
    """How often each fault may still happen, after this one; None when it has happened often enough."""
    left = dict(faults)
    if not left[fault]:
        return None
    left[fault] -= 1
    return tuple(sorted(left.items()))


def search(
    first: W, steps: Callable[[W], Iterable[tuple[str, W]]], broken: Callable[[W, bool], str]
) -> tuple[int, list[str]]:
    """How many worlds there are, and the shortest way to one that is broken, [] when none is; `broken` hears also
    whether a world is the last of its way."""
    came: dict[W, tuple[W, str] | None] = {first: None}
    queue = deque([first])
    while queue:
        world = queue.popleft()
        new = 0
        for label, then in steps(world):
            new += 1
            if then not in came:
                came[then] = (world, label)
                queue.append(then)
                if problem := broken(then, False):
                    return len(came), [*_way(came, then), problem]
        if not new and (problem := broken(world, True)):
            return len(came), [*_way(came, world), problem]
    return len(came), []


def _way(came: Mapping[W, tuple[W, str] | None], world: W) -> list[str]:
    way = []
    while (before := came[world]) is not None:
        world, label = before
        way.append(label)
    return way[::-1]


def main(
    arguments: list[str], name: str, about: str, rules: Iterable[str], found: Callable[[Off], tuple[int, list[str]]]
) -> int:
    """Search, and tell what came out."""
    parser = argparse.ArgumentParser(prog=f"python -m tests.model.{name}", description=about)
    parser.add_argument("--without", action="append", default=[], choices=sorted(rules))
    worlds, way = found(frozenset(parser.parse_args(arguments).without))
    print(f"{worlds:,} worlds")
    for number, line in enumerate(way, 1):
        print(f"{number:4}  {line}")
    print("BROKEN" if way else "nothing is broken")
    return 1 if way else 0
