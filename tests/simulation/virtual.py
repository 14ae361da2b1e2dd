"""Virtual time, and processes that take turns in it.

The rule: at any moment one process runs, until it waits; whose moment comes next is decided by the queue alone, so a
seed repeats a schedule exactly.  A dead process never runs again: whatever it still tries to do raises `Killed`.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import Any

import greenlet

MAX_STEPS = 300_000  #: a schedule that takes more goes round in circles


class Killed(BaseException):
    """The process is dead; its code must stop here, and nothing of it may catch this."""


class Broken(BaseException):
    """A promise was broken: stop the schedule.  No broad `except` of the product may swallow it."""


class Time:
    """The queue of everything that will happen."""

    def __init__(self) -> None:
        self.now = 0.0
        self.steps = 0
        self._queue: list[tuple[float, int, Callable[..., object], tuple[Any, ...]]] = []
        self._order = itertools.count()
        self.hub = greenlet.getcurrent()
        self._over = self.is_broken = False

    def at(self, when: float, call: Callable[..., object], *args: object) -> None:
        """Let something happen at a moment."""
        heapq.heappush(self._queue, (max(when, self.now), next(self._order), call, args))

    def run(self, until: float) -> None:
        """Let everything happen up to a moment, or until `stop`."""
        self._over = False
        self.at(until, self.stop)
        while not self._over:
            self.now, _, call, args = heapq.heappop(self._queue)
            call(*args)
            if self.is_broken or self.steps > MAX_STEPS:
                raise Broken

    def stop(self) -> None:
        """Make `run` return."""
        self._over = True

    def pause(self, process: Process, when: float) -> None:
        """Called by a process: wait until a moment."""
        self.steps += 1
        if self.is_broken or self.steps > MAX_STEPS:
            raise Killed
        if when < self._queue[0][0] and when >= process.stalled_until:
            self.now = when
            return
        heapq.heappush(self._queue, (when, next(self._order), process.resume, (process.turn,)))
        self.hub.switch()
        if not process.alive:
            raise Killed


class Thread(greenlet.greenlet):
    """A greenlet that knows whose it is."""

    process: Process


class Process:
    """Something that runs by itself: a worker, a guard, a person."""

    def __init__(self, time: Time, name: str, body: Callable[[], int]) -> None:
        self.time, self.name, self.body = time, name, body
        self.alive = True
        self.code: int | None = None
        self.turn = 0
        self.stalled_until = 0.0
        self.resting = False
        self.thread = Thread(self._live, parent=time.hub)
        self.thread.process = self

    def start(self, delay: float = 0.0) -> None:
        """Begin to run."""
        self.time.at(self.time.now + delay, self.resume, self.turn)

    def _live(self) -> None:
        try:
            code = self.body()
        except Killed:
            return
        if self.alive:
            self.die(code)

    def resume(self, turn: int) -> None:
        """Run on, if this is still what the process waits for."""
        if turn != self.turn or not self.alive:
            return
        if self.stalled_until > self.time.now:
            self.time.at(self.stalled_until, self.resume, turn)
            return
        self.turn += 1
        self.thread.switch()

    def rest(self, seconds: float) -> None:
        """Wait so long, or until somebody wakes me."""
        self.resting = True
        self.time.pause(self, self.time.now + max(seconds, 0.0))
        self.resting = False

    def wake(self) -> None:
        """End its rest."""
        if self.resting:
            self.time.at(self.time.now, self.resume, self.turn)

    def die(self, code: int) -> None:
        """It is gone; what it has on its stack is thrown away later, when nobody else is on the stack."""
        self.alive, self.code = False, code
        self.turn += 1
        self.gone()
        if self.thread is not greenlet.getcurrent():
            self.time.at(self.time.now, self.bury)

    def gone(self) -> None:
        """What follows from the end of the process."""

    def bury(self) -> None:
        """Unwind the stack of a dead process."""
        self.alive = False
        if self.thread and not self.thread.dead:
            self.thread.throw(Killed)


def current() -> Process:
    """The process that is running."""
    thread: Any = greenlet.getcurrent()
    return thread.process
