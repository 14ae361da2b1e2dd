"""When this worker takes no new tasks: its node is not to be had (outside of `run_between`, or in use), or it drains.

The rule: what runs goes on; what is claimed and has not begun is given back, nothing counted.  Asked at each heartbeat,
told once: on the terminal, in the journal, and in WID.rest for whoever looks from elsewhere.
"""

from __future__ import annotations

import zoneinfo
from typing import TYPE_CHECKING

from dsgspool.clock import iso
from dsgspool.spool.rest import DRAIN, Rest, dump_hours, dump_rest, hours_path_of, path_of
from dsgspool.worker.duty import Duty
from dsgspool.worker.idling import Idling

if TYPE_CHECKING:
    from dsgspool.hours import Hours
    from dsgspool.worker.loop import Worker


class Resting:
    """Whether this worker rests, and why."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.duty = Duty(self.look, lambda: worker.settings.heartbeat)
        self.idling = Idling(worker.clock)
        self.rest: Rest | None = None
        self._is_written = True
        self._asked: tuple[Hours, str | None] | None = None  #: what `rest.until` was worked out of
        self._closes: float | None = None  #: until when it takes tasks, as far as `run_between` says
        self._closes_by: tuple[Hours | None, str | None] = (None, None)  #: what that was worked out of
        self._is_told = True

    def look(self) -> None:
        """At each heartbeat."""
        before, self.rest = self.rest, self._because()
        if self.rest != before:
            self._is_written = False
            self._tell(self.rest)
        if not self._is_written:  # also when an earlier try was refused: it may have been carried out
            spool, path = self.worker.spool, path_of(self.worker.spool, self.worker.station.wid)
            spool.fs.replace(path, dump_rest(self.rest)) if self.rest else spool.fs.remove(path)
            self._is_written = True
        self._tell_hours()

    def _tell_hours(self) -> None:
        """For who foretells what will be done: until when tasks are taken here."""
        by = (None if self.rest else self.worker.controls.rules.run_between, self.worker.settings.timezone)
        now = self.worker.lease.server.now()
        if by != self._closes_by or (self._closes is not None and now >= self._closes):
            closes = by[0].changes(now, zoneinfo.ZoneInfo(by[1]) if by[1] else None) if by[0] else None
            self._is_told = self._is_told and closes == self._closes
            self._closes, self._closes_by = closes, by
        if not self._is_told:
            spool, path = self.worker.spool, hours_path_of(self.worker.spool, self.worker.station.wid)
            spool.fs.remove(path) if self._closes is None else spool.fs.replace(path, dump_hours(self._closes))
            self._is_told = True

    def _because(self) -> Rest | None:
        controls = self.worker.controls
        drain = Rest(DRAIN, controls.why_draining) if controls.draining else None
        return drain or self._because_of_hours() or self._because_of_others()

    def _because_of_hours(self) -> Rest | None:
        hours, timezone = self.worker.controls.rules.run_between, self.worker.settings.timezone
        now, zone = self.worker.lease.server.now(), zoneinfo.ZoneInfo(timezone) if timezone else None
        if hours is None or hours.hold(now, zone):
            return None
        if self._asked == (hours, timezone) and self.rest and self.rest.until and now < self.rest.until:
            return self.rest
        self._asked = hours, timezone
        return Rest("run_between", hours.text, hours.changes(now, zone))

    def _because_of_others(self) -> Rest | None:
        why = self.idling.why(self.worker.controls.rules.only_when_idle, self.worker.attempts.used)
        return Rest("only_when_idle", why) if why else None

    def _tell(self, rest: Rest | None) -> None:
        if rest is None:
            self.worker.tell("work", "this node is to be had again: taking tasks")
            self.worker.intake.look_soon()
        elif not rest.is_drain:  # of which it is told already
            text = f"no new tasks are taken, running ones go on; this worker {rest.of(self.worker.station.wid)}"
            facts = {"why": f"{rest.key}: {rest.why}"} | ({} if rest.until is None else {"until": iso(rest.until)})
            self.worker.tell("rest", text, **facts)
