"""From a whole file to its start: what may begin now.

The rule: in order, so that a wide task at the head is not overtaken, or it would starve.  What wants some of what is counted for
the whole spool marks it first (counted.py), and goes back, into the lane that says so, when there is too little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsgspool import names
from dsgspool.spool.policies import top_batch
from dsgspool.worker.desk import Ready
from dsgspool.worker.dividing import Dividing

if TYPE_CHECKING:
    from dsgspool.worker.intake import Intake


SLICE = 0.5  #: seconds of starts in one turn: 1,000 slots that are filled at once must not keep a heart from beating


class Starting:
    """Starts what is ready on the desk of an intake."""

    def __init__(self, intake: Intake) -> None:
        self.intake, self.worker, self.desk, self.packing = intake, intake.worker, intake.desk, intake.packing
        self.dividing = Dividing(intake)

    def next(self) -> Ready | None:
        """The first of those that wait, when there is room for it here."""
        return self.packing.startable(self.desk.ready.values(), self.worker.controls.slots - self.worker.attempts.used)

    def turn(self) -> None:
        """Start what fits."""
        self.packing.counted.tidy()
        for ready in [r for r in self.desk.ready.values() if r.cpus > self.worker.controls.slots]:
            # Somebody lowered the slots since it was claimed.
            self.intake.sorting.unfit(ready.held, ready.cpus, ready.request)
        for ready in [r for r in self.desk.ready.values() if self.intake.turnstile.forbids(r.held)]:
            self.worker.attempts.endings.give_back(ready.held)
        began = self.worker.clock.boot()
        while (first := self.next()) and self._may_go_on(began):
            if chunk := self.dividing.chunk_of(first):
                self._start(chunk)

    def _start(self, ready: Ready) -> None:
        if self.packing.counted.of(ready.held.name.identity, ready.request):
            self._start_marked(ready)
        else:
            self.worker.attempts.start(ready)

    def _may_go_on(self, began: float) -> bool:
        now = self.worker.clock.boot()
        return now - began <= SLICE and now >= self.worker.blocked_until

    def mark_running(self) -> None:
        """At each heartbeat: what began before it was limited is marked now."""
        policies, attempts = self.intake.turnstile.policies, self.worker.attempts
        running = [*attempts.by_pid.values(), *attempts.clearing]
        if any(top_batch(attempt.name.identity) for attempt in running):
            policies.freshen(self.worker.settings.heartbeat)
        self.packing.counted.heed()
        for attempt in running:
            if claim := attempt.name.claim:
                self.packing.counted.mark(claim, self.packing.counted.of(attempt.name.identity, attempt.request))

    def _start_marked(self, ready: Ready) -> None:
        """Start what wants some of what is counted for the whole spool, when there is enough.

        RACE: what could not be marked or counted goes back: a mark of that name might still land, and be taken for the next one.
        """
        counted, priority = self.packing.counted, names.parse_lane(ready.held.name.lane).priority
        try:
            if counted.take(ready.held, ready.request):
                self.worker.attempts.start(ready)
        finally:
            if ready.held.file not in self.desk.attempts:
                counted.give(ready.held.name.claim)
            if ready.held.file in self.desk.ready:
                lane = names.lane_for(priority, ready.cpus, ready.request)
                self.worker.attempts.endings.give_back(ready.held, lane=lane)
