"""Waiting on a fact instead of sleeping."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

LOOK_EVERY = 0.01
PATIENCE = 3.0  #: machines are shared: what takes so long on a quiet one may take so many times as long

T = TypeVar("T")


def wait_until(fact: Callable[[], T], seconds: float, describe: Callable[[], str] = str) -> T:
    """The fact's value once it is true; else an AssertionError with the last value seen and what `describe` says.

    `seconds` are those of a quiet machine.  How long something takes is measured and asserted by who promises it.
    """
    seconds *= PATIENCE
    deadline = time.monotonic() + seconds
    while not (seen := fact()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not so within {seconds:g} s; last seen: {seen!r}\n{describe()}")
        time.sleep(LOOK_EVERY)
    return seen
