"""The leader makes the tasks of schedules/NAME.yaml when they are due.

The rule: a schedule is obeyed when a task file of the same owner and mode would be run here, asked at each reading; what is
wrong with one is told once and stops no other.  However many there are, a look ends after a moment and goes on at the next
turn, because a heart must beat in between.  Whoever leads, a tick is made once (spool/ticks.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsgspool.clock import iso
from dsgspool.errors import InvalidTask, StorageError
from dsgspool.janitor import SLICE
from dsgspool.records import time_at_rest
from dsgspool.schedules import IN_TIME, Schedule, parse_schedule
from dsgspool.spool.own import Text
from dsgspool.spool.ticks import NO_NAME, Instance, Ticks, is_name, read_schedule, schedule_files
from dsgspool.worker.admission import owner_of, why_foreign

if TYPE_CHECKING:
    from dsgspool.settings import Settings
    from dsgspool.worker.loop import Worker

INTERVAL = 2.0  #: seconds between two looks


class Scheduler:
    """The schedules, as a worker sees them while it leads."""

    def __init__(self, worker: Worker) -> None:
        self.worker, self.spool, self.fs = worker, worker.spool, worker.spool.fs
        self.ticks = Ticks(worker.janitor.moves)
        self._newest: dict[str, float] = {}  #: schedule -> its newest tick that was made
        self._told: dict[str, str] = {}
        self._left: list[
            tuple[str, str]
        ] = []  #: of this round (file, schedule) still to be looked at, the next one last
        self._parsed: dict[str, tuple[bytes, Settings, Schedule]] = {}  #: what a file said, and when that was true

    def turn(self) -> None:
        """Make what is due, one tick of each schedule at a time."""
        if not self.worker.leading:
            self._newest.clear()
            return
        began = self.worker.clock.boot()
        if not self._left:
            try:
                files = schedule_files(self.spool)
            except PermissionError as error:  # tasks go on without it
                self._tell_once("", str(error.strerror))
                return
            self._left = sorted(files.items(), reverse=True)
            self._parsed = {file: known for file, known in self._parsed.items() if file in files}
        while self._left:
            self._look(*self._left.pop())
            if self.worker.clock.boot() - began > SLICE:
                return

    def _look(self, file: str, name: str) -> None:
        try:
            text = read_schedule(self.spool, file)
            why = "" if is_name(name) else NO_NAME
            why = why or why_foreign(text, self.worker.settings, self.worker.me)
            now = self.worker.lease.server.now()
            if not why and time_at_rest(text.data, self.worker.settings.settle) > max(0.0, now - text.mtime):
                return  # it may still be written
            if not why:
                why = self._make(name, self._parse(file, text.data), text, now)
        except (InvalidTask, StorageError) as error:
            why = str(error)
        except OSError as error:
            why = f"{error.filename}: {error.strerror}"
        if why:
            self._tell_once(file, why)
        else:
            self._told.pop(file, None)

    def _parse(self, file: str, data: bytes) -> Schedule:
        """What a file says.  A thousand of them would take half of a CPU if each was parsed at every look."""
        settings = self.worker.settings
        known = self._parsed.get(file)
        if known is None or known[0] != data or known[1] != settings:
            known = (data, settings, parse_schedule(data, settings.task, settings.timezone))
            self._parsed[file] = known
        return known[2]

    def _make(self, name: str, schedule: Schedule, text: Text, now: float) -> str:
        """Make the next tick that is due; why that is not possible, '' when all is well."""
        newest = self._newest.pop(name, None) or self.ticks.newest(name, skips=schedule.skips) or 0.0
        owner = owner_of(text, self.worker.settings, self.worker.me)
        since = max(newest, text.mtime)
        if since > now + IN_TIME:  # a clock was wrong: nothing would come for years, and nobody would know why
            remedy = f"remove what is too new in schedules/ticks/{name}/" if newest > now else "touch it"
            return f"it makes nothing before {iso(since)}, which is to come: {remedy}"
        for tick in schedule.due(since, now)[:1]:
            if identity := self.ticks.make(Instance(name, schedule.text, owner), tick, now, skips=schedule.skips):
                self.worker.tell("schedule", f"{identity} is due: now in todo/", task=identity)
                self.worker.intake.came_back()
            newest = tick
        self._newest[name] = newest  # not after an error: then the next turn looks what was made
        return ""

    def _tell_once(self, file: str, why: str) -> None:
        if self._told.get(file) != why:
            self._told[file] = why
            self.worker.tell("schedule", f"schedules/{file} is not obeyed: {why}", what=f"schedules/{file}", why=why)
