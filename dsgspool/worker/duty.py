"""Something that a worker does every now and then.

The rule: the loop asks `next`, which whoever wants it sooner may set; what is due is done once, however late it is.
"""

from __future__ import annotations

from collections.abc import Callable

from dsgspool.classes import dataclass


@dataclass(slots=True)
class Duty:
    """Something to do every now and then: `next` is BOOTTIME."""

    what: Callable[[], None]
    every: Callable[[], float]
    next: float = 0.0
