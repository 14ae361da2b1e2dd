"""The leader makes the tasks of schedules/NAME.yaml when they are due.

The rule: a schedule is obeyed when a task file of the same owner and mode would be run here, asked at each reading; what is
wrong with one is told once and stops no other.  Whoever leads, a tick is made once (spool/ticks.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsgspool.errors import InvalidTask
from dsgspool.names import SUFFIXES, is_ignored
from dsgspool.records import is_complete
from dsgspool.schedules import Schedule, parse_schedule
from dsgspool.spool.own import Text
from dsgspool.spool.ticks import Instance, Ticks, is_name
from dsgspool.worker.admission import why_foreign

if TYPE_CHECKING:
    from dsgspool.worker.loop import Worker

INTERVAL = 2.0  #: seconds between two looks


class Scheduler:
    """The schedules, as a worker sees them while it leads."""

    def __init__(self, worker: Worker) -> None:
        self.worker, self.spool, self.fs = worker, worker.spool, worker.spool.fs
        self.ticks = Ticks(worker.janitor.moves)
        self._newest: dict[str, float] = {}  #: schedule -> its newest tick that was made
        self._told: dict[str, str] = {}

    def turn(self) -> None:
        """Make what is due, one tick of each schedule at a time."""
        if not self.worker.leading:
            self._newest.clear()
            return
        for file, is_folder in sorted(self.fs.scan(f"{self.spool.root}/schedules")):
            if not is_folder and not is_ignored(file):
                self._look(file)

    def _look(self, file: str) -> None:
        name = file.removesuffix(SUFFIXES[0]).removesuffix(SUFFIXES[1])
        try:
            text = self._read(file)
            why = "" if is_name(name) else "its name cannot be that of a task"
            why = why or why_foreign(text, self.worker.settings, self.worker.me)
            now = self.worker.lease.server.now()
            if not why and not is_complete(text.data) and now - text.mtime < self.worker.settings.settle:
                return  # it may still be written
            schedule = (
                None if why else parse_schedule(text.data, self.worker.settings.task, self.worker.settings.timezone)
            )
        except InvalidTask as error:
            why, schedule = str(error), None
        except OSError as error:
            why, schedule = f"it cannot be read: {error.strerror}", None
        if schedule is None:
            self._tell_once(file, why)
        else:
            self._told.pop(file, None)
            self._make(name, schedule, text, now)

    def _read(self, file: str) -> Text:
        data, status = self.fs.read(f"{self.spool.root}/schedules/{file}", 1 << 18)
        if status.st_nlink != 1:
            raise InvalidTask("it is a hard link", remedy="copy it instead")
        return Text(data, (0, 0, 0), status.st_uid, status.st_gid, status.st_mode, status.st_mtime)

    def _make(self, name: str, schedule: Schedule, text: Text, now: float) -> None:
        newest = self._newest.pop(name, None) or self.ticks.newest(name) or 0.0
        # root's worker makes a task of the schedule's owner, not one of root.
        owner = text.uid if self.worker.settings.run_as == "owner" and text.uid != self.worker.me.uid else -1
        for tick in schedule.due(max(newest, text.mtime), now)[:1]:
            if identity := self.ticks.make(Instance(name, schedule.text, owner), tick, now, skips=schedule.skips):
                self.worker.tell("schedule", f"{identity} is due: now in todo/", task=identity)
                self.worker.intake.came_back()
            newest = tick
        self._newest[name] = newest  # not after an error: then the next turn looks what was made

    def _tell_once(self, file: str, why: str) -> None:
        if self._told.get(file) != why:
            self._told[file] = why
            self.worker.tell("schedule", f"schedules/{file} is not obeyed: {why}", why=why)
