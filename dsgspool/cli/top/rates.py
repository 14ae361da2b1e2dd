"""How fast tasks are finished, and how long the rest takes at that rate.

The rule: pure.  The rate is that of the last minutes, from counts of done and failed; tasks that were requeued or pruned
make it no negative number.  It is a rate of files, so nothing is foretold while one of them is the rest of a sweep, which
becomes many.
"""

from __future__ import annotations

from collections import deque

from dsgspool.ranges import REST, parse_range
from dsgspool.snapshot import Snapshot
from dsgspool.task import State

WINDOW = 300.0  #: seconds that the rate is of
LEAST = 10.0  #: seconds that must have been seen


class Rates:
    """Remembers counts of finished tasks."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def note(self, now: float, finished: int) -> None:
        """So many are finished at that moment."""
        if self._seen and (now < self._seen[-1][0] or finished < self._seen[-1][1]):
            self._seen.clear()  # the clock was set, or tasks were taken away: begin anew
        self._seen.append((now, finished))
        while len(self._seen) > 2 and self._seen[1][0] <= now - WINDOW:
            self._seen.popleft()

    @property
    def per_minute(self) -> float | None:
        """Finished tasks a minute, None before enough was seen."""
        if not self._seen or (passed := self._seen[-1][0] - self._seen[0][0]) < LEAST:
            return None
        return (self._seen[-1][1] - self._seen[0][1]) / passed * 60.0

    def seconds_for(self, count: int) -> float | None:
        """How long so many tasks take at this rate, None when nobody can say."""
        rate = self.per_minute
        return count / rate * 60.0 if rate and count else None

    def left(self, seen: Snapshot) -> float | None:
        """How long all takes that can run now, None when nobody can say."""
        here = (task.identity for state in (State.TODO, State.RUNNING) for task in seen.in_state(state))
        if any(REST in identity and (part := parse_range(identity)) and part.is_rest for identity in here):
            return None
        return self.seconds_for(seen.counts.todo + seen.counts.running)
