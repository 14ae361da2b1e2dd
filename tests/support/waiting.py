"""Waiting on a fact instead of sleeping."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

LOOK_EVERY = 0.01

T = TypeVar("T")


def wait_until(fact: Callable[[], T], seconds: float, describe: Callable[[], str] = str) -> T:
    """The fact's value once it is true; else an AssertionError with the last value seen and what `describe` says."""
    deadline = time.monotonic() + seconds
    while not (seen := fact()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not so within {seconds:g} s; last seen: {seen!r}\n{describe()}")
        time.sleep(LOOK_EVERY)
    return seen
