"""What the product asks of the real kernel although it should ask the simulated one.

The rule: a real call about a path of the simulated share ends the schedule.  The product would take the answer, that
there is no such file, for the truth; a schedule in which nobody does anything breaks no promise.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterator

import greenlet

from tests.simulation.mount import ROOT
from tests.simulation.virtual import Thread

_playing: list[bool] = []


def _listen(event: str, arguments: tuple[object, ...]) -> None:
    """For every event of the interpreter that audit hooks hear of; those of files have the path first."""
    if not _playing or not arguments or not isinstance(path := arguments[0], str) or not path.startswith(f"{ROOT}/"):
        return
    thread = greenlet.getcurrent()
    if isinstance(thread, Thread) and (event == "open" or event.startswith("os.")):
        thread.process.sim.broken(f"{event}({path}) goes to the real kernel")


@functools.cache
def _begin_to_listen() -> None:
    sys.addaudithook(_listen)  # there is no way back, hence `_playing`


@contextlib.contextmanager
def no_leaks() -> Iterator[None]:
    """Meanwhile a leak breaks the schedule."""
    _begin_to_listen()
    _playing.append(True)
    try:
        yield
    finally:
        _playing.pop()
