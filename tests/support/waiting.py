"""Waiting on a fact instead of sleeping."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

LOOK_EVERY = 0.01
PATIENCE = 3.0  #: machines are shared: what takes so long on a quiet one may take so many times as long
#: Seconds until another has the task of a killed worker.  Beside three other tests nobody is asked for more than that no
#: lease was waited for; .ci/run asks for the 3 s with nothing beside.
AT_ONCE = 20.0 if "PYTEST_XDIST_WORKER" in os.environ else 3.0

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


def wait_for_tick(folder: os.PathLike[str] | str) -> None:
    """Until the clock that stamps files has gone on: of two stamps in one tick nobody knows which came first."""
    probe = os.path.join(folder, ".tick")

    def stamp() -> int:
        with open(probe, "w"):
            return os.stat(probe).st_ctime_ns

    first = stamp()
    wait_until(lambda: stamp() > first, 1.0)
    os.unlink(probe)
