"""Who may tell a worker what: signals, the control file, PAUSE, the end of the queue.

The rule: a drain finishes what runs and gives back what does not; a stop kills and gives back uncounted; neither loses
anything.  Control works without a restart: workers/WID.control.yaml is read at every heartbeat.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from dsgspool.errors import SettingsError, StorageError
from dsgspool.settings import Control, parse_control
from dsgspool.worker.resting import Resting

if TYPE_CHECKING:
    from dsgspool.worker.loop import Worker


class Controls:
    """What this worker was told."""

    def __init__(self, worker: Worker) -> None:
        self.worker, self.options = worker, worker.options
        self.control = Control(paused=worker.options.paused)
        self.draining = self.stopping = self.orphaned = self.emptied = False
        self.settings_trouble = self.low_space = self.why_draining = ""
        self.rules = worker.station.rules(worker.settings)  #: what holds on this node
        self.resting = Resting(worker)
        self._trouble = ""
        self._drain_since = self._stop_since = 0.0

    @property
    def slots(self) -> int:
        """How many commands may run at once: pinned ones at most as there are CPUs."""
        wanted = self.control.slots if self.control.slots is not None else self.options.slots
        return min(wanted, len(self.worker.attempts.pins.cpus)) if self.rules.pin else wanted

    @property
    def starts_nothing(self) -> bool:
        """True while also what it has claimed must not be started here."""
        return self.draining or self.resting.rest is not None

    def may_claim(self) -> bool:
        """True when nobody said otherwise."""
        is_told = self.starts_nothing or self.stopping or self.control.paused
        return not (is_told or self.settings_trouble or self.low_space)

    def is_over(self) -> bool:
        """True when there is nothing left to do and nothing more is wanted."""
        idle = self.worker.intake.desk.is_empty and not self.worker.attempts.is_busy
        idle = idle and not self.worker.janitor.strays.is_owing
        idle = idle and (self.stopping or not self.worker.alerts.is_busy)
        if self.stopping and not self.worker.attempts.has_processes:
            # What cannot be published now is published by the others, from the records.
            idle = idle or self.worker.clock.boot() - self._stop_since > self.worker.settings.kill
        return idle and (self.draining or self.stopping or self.emptied)

    @property
    def width(self) -> str:
        """Its slots in words."""
        return f"{self.slots} slot{'s' if self.slots != 1 else ''}"

    def take_signals(self) -> None:
        """TERM or INT: drain; the second one: stop.  TERM because the guard died: stop and exit with an error."""
        while self.worker.signals:
            number = self.worker.signals.pop(0)
            if self.options.guard_pid and os.getppid() != self.options.guard_pid:
                self.orphaned = True
                self.stop("the guard is dead")
            elif self.stopping:
                self.worker.attempts.kill_now()
            elif self.draining:
                self.stop(f"{signal.Signals(number).name} came again")
            else:
                self.drain(signal.Signals(number).name)
        grace = self.worker.settings.stop_grace
        waited = self.worker.clock.boot() - self._drain_since
        if self.draining and not self.stopping and grace is not None and waited > grace:
            self.stop(f"the grace of {grace:.0f} s for the drain is over")

    def drain(self, why: str) -> None:
        """Take nothing more, finish what runs."""
        if not self.draining:
            self.draining, self._drain_since, self.why_draining = True, self.worker.clock.boot(), why
            running = len(self.worker.attempts.by_pid)
            self.worker.tell(
                "drain", f"draining ({why}): running tasks go on to their end ({running}), no new ones are taken"
            )
            self.worker.intake.give_all_back()
            if not self.is_over():  # whoever looks from elsewhere is told at once
                self.resting.duty.next = 0.0

    def stop(self, why: str) -> None:
        """Kill what runs and give it back uncounted."""
        if not self.stopping:
            self.stopping = self.draining = True
            self.why_draining = why  # also without a drain before it
            self._stop_since = self.worker.clock.boot()
            self.worker.tell("stop-now", f"stopping ({why}): running tasks are killed and given back uncounted")
            self.worker.intake.give_all_back()
            self.worker.attempts.stop_all()

    def check_space(self) -> None:
        """Below `min_free` nothing new is begun: what runs needs the rest."""
        spool, was_low = self.worker.spool, self.low_space
        self.low_space = self.worker.settings.min_free.why_low(*spool.fs.space(spool.root))
        if self.low_space and not was_low:
            why = f"{spool.root}: {self.low_space}"
            self.worker.tell("space", f"{why}; running tasks go on, no new ones are taken", why=why)
        elif was_low and not self.low_space:
            self.worker.tell("well", "there is space again")
            self.worker.intake.look_soon()

    def read(self) -> None:
        """The control file and the settings as they are now."""
        self._read()
        self.rules = self.control.rules.over(self.worker.station.rules(self.worker.settings))

    def _read(self) -> None:
        """A control file that is broken, or that I may not read, changes nothing."""
        path = f"{self.worker.spool.workers}/{self.worker.station.wid}.control.yaml"
        is_there, paused = os.path.basename(path) in self.worker.peers.files, self.options.paused
        try:
            data = self.worker.spool.fs.read_fresh(path) if is_there else None
            control = parse_control(data, path, paused=paused) if data else Control(paused=paused)
        except (SettingsError, OSError) as error:
            why = str(StorageError.of(error, "read") if isinstance(error, OSError) else error)
            if why != self._trouble:
                self._trouble = why
                self.worker.tell("control", f"{why}; nothing changed")
            return
        if control != self.control:
            self.control = control
            told = f"{self.width}, {'paused' if control.paused else 'not paused'}"
            self.worker.tell("control", f"told by {os.path.basename(path)}: {told}")
            self.worker.intake.look_soon()
        if control.drain:
            self.drain("control file")
