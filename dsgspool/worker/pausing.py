"""PAUSE in the spool, and a worker that is paused: what it has claimed and not begun does not begin.

The rule: it goes back, nothing counted; what a person put here runs all the same.  A look for PAUSE is a listing, so it is made
with each look at todo/, and before a start only when that was some time ago.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dsgspool.worker.intake import Intake


class Pausing:
    """Whether PAUSE lies there, for one intake."""

    def __init__(self, intake: Intake) -> None:
        self.intake, self.worker = intake, intake.worker
        self.is_there = False
        self._looked_at = float("-inf")

    def look(self) -> None:
        """List the spool's folder."""
        self.is_there, self._looked_at = self.worker.spool.is_paused(), self.worker.clock.boot()

    def holds_back(self) -> bool:
        """True when what I claimed may not begin now; looks again when something would, and the last look was long ago."""
        now = self.worker.clock.boot()
        if now - self._looked_at >= self.worker.settings.poll_min and self.intake.starting.next():
            self.look()
        return self.is_there or self.worker.controls.control.paused
