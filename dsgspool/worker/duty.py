"""Something that a worker does every now and then.

The rule: the loop asks `next`, which whoever wants it sooner may set; what is due is done once, however late it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from dsgspool.classes import dataclass


@dataclass(slots=True)
class Duty:
    """Something to do every now and then: `next` is BOOTTIME."""

    what: Callable[[], None]
    every: Callable[[], float]
    next: float = 0.0


def due(duties: Iterable[Duty], now: float) -> Iterator[Callable[[], None]]:
    """What is due, each with its next moment set before it is taken."""
    for duty in duties:
        if now >= duty.next:
            duty.next = now + duty.every()
            yield duty.what
