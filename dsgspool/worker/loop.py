"""The worker: claim, run, publish, until told to stop.

The rule: one thread, one loop.  A turn waits for a fact (a child that ended, a signal, the bell, a moment), then takes
every duty that is due.  Renames of one turn share one listing.  Whatever the file system refuses stops new claims, never
running commands or heartbeats, and is tried again; only the loss of the heartbeat itself ends the worker (the guard
kills it), and a worker that others declared dead publishes nothing.
"""

from __future__ import annotations

import heapq
import itertools
import os
import select
import signal
import traceback
from collections.abc import Callable

from dsgspool import proc
from dsgspool.errors import NodeError, SettingsError, SpoolError, StorageError
from dsgspool.janitor import SWEEP_INTERVAL, Janitor
from dsgspool.lease import Peers, Times
from dsgspool.settings import Settings
from dsgspool.spool import Spool
from dsgspool.worker.admission import Me, obeyed
from dsgspool.worker.alerts import Alerts
from dsgspool.worker.attempt import Attempt
from dsgspool.worker.attempts import Attempts
from dsgspool.worker.control import Controls
from dsgspool.worker.duty import Duty, due
from dsgspool.worker.finishing import INTERVAL as LEAST
from dsgspool.worker.finishing import Finishing
from dsgspool.worker.intake import Intake
from dsgspool.worker.journal import Journal
from dsgspool.worker.rounds import Rounds
from dsgspool.worker.scheduling import INTERVAL, Scheduler
from dsgspool.worker.station import Options, Station
from dsgspool.worker.watch import heard

RESTART = 75  #: exit code that asks the guard for a new incarnation (EX_TEMPFAIL)
PEER_INTERVAL = 1.0  #: seconds between two listings of workers/: a tombstone must be seen within 3 s
BUMP_INTERVAL, TEND_INTERVAL, NODE_INTERVAL = 30.0, 4.0, 30.0


class Fenced(Exception):
    """Others took this worker for dead, or its folder is gone."""


class Worker:
    """One incarnation of a worker, from mkdir running/WID to its end."""

    def __init__(self, spool: Spool, options: Options) -> None:
        self.spool, self.clock, self.options = spool, spool.clock, options
        self.station = Station(spool, options)
        self.signals: list[int] = []
        self.alarms: list[tuple[float, int, Attempt]] = []
        self._order = itertools.count()
        self._ears, self._mouth = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.settings: Settings = spool.settings()
        self.blocked_until = 0.0  #: BOOTTIME; no new claims before, because the file system refused something
        self._trouble = self._deaf = ""

    # -- life ----------------------------------------------------------------------------------------------------

    def run(self) -> int:
        """Work until drained, emptied or fenced; the exit code."""
        self._listen_to_signals()
        self._start()
        try:
            while not self.controls.is_over():
                self.turn()
        except Fenced as fact:
            self.journal.event(self.lease.server.now(), "fenced", f"{fact}: stopping everything, publishing nothing")
            return RESTART
        finally:
            self._end()
        return 1 if self.controls.orphaned else 0

    def _start(self) -> None:
        station = self.station
        self.own, self.lease = station.found()
        self.me = Me(self.lease.uid, station.spool_owner)
        self.journal = Journal(self.spool, station.wid, quiet=self.options.quiet)
        self.peers = Peers(self.spool.fs, self.clock, self.spool.workers, self._times, station.identity, station.wid)
        self.controls = Controls(self)
        self.attempts = Attempts(self)
        self.intake = Intake(self)
        self.alerts = Alerts(self)
        self.janitor = Janitor(self.spool, self.peers, station.wid, self.lease.server, self.tell, self.alerts.published)
        self.finishing = Finishing(self)
        self.rounds = Rounds(self)
        station.announce(self.lease)
        station.introduce(self.settings.fence)
        self.leading = False
        self.meeting = Duty(self._meet_peers, lambda: min(PEER_INTERVAL, self.settings.heartbeat))
        self.concluding = Duty(self.finishing.turn, lambda: LEAST)
        self.watching = Duty(self.attempts.limits.check_trees, lambda: self.attempts.limits.pause)
        self.duties = [
            Duty(self.beat, lambda: self.settings.heartbeat),
            self.meeting,
            self.controls.resting.duty,
            Duty(self._watch_peers, lambda: self.settings.heartbeat),
            Duty(self.attempts.tend, lambda: TEND_INTERVAL),
            Duty(self.attempts.sampler.look, lambda: NODE_INTERVAL),
            Duty(self.attempts.limits.check_logs, lambda: 1.0),
            self.watching,
            Duty(self.journal.save, lambda: self.settings.heartbeat),
            Duty(self._tidy, lambda: BUMP_INTERVAL),
            Duty(self._sweep, lambda: SWEEP_INTERVAL),
            Duty(Scheduler(self).turn, lambda: INTERVAL),
            self.concluding,
            Duty(self._report, lambda: self.settings.report_every or 3600.0),
        ]
        slots = self.controls.slots
        self.tell("start", f"worker {station.wid}: {self.controls.width}, spool {self.spool.root}", slots=slots)

    def _end(self) -> None:
        self.attempts.kill_all()
        self.attempts.endings.write_ends()
        self.alerts.stop()
        self.tell("stop", f"worker {self.station.wid} has ended")
        self.journal.flush(patience=1.0)
        self.journal.save()
        self.intake.bell.disarm()
        if self.intake.desk.is_empty:
            self.own.leave()
        self.attempts.runner.shut()
        self.lease.release()

    # -- one turn ------------------------------------------------------------------------------------------------

    def turn(self) -> None:
        """Wait for a fact, then do what is due."""
        self._wait()
        self.attend()
        self.guarded(self.attempts.endings.settle)
        self.guarded(self._strip)
        self.guarded(self.intake.turn)
        self.guarded(self.alerts.turn)
        self.journal.flush()

    def attend(self) -> None:
        """Take in what ended, and every duty that is due; nothing is claimed or published."""
        self.controls.take_signals()
        self.guarded(self.attempts.reap)
        self.guarded(self._ring_alarms)
        for what in due(self.duties, self.clock.boot()):
            self.guarded(what)

    def _wait(self) -> None:
        if heard(self._ears):  # while there is much to do something has mostly ended meanwhile
            return
        now = self.clock.boot()
        moments = [duty.next for duty in self.duties]
        moments += [alarm[0] for alarm in self.alarms[:1]] + [self.intake.next_moment(), self.attempts.next_moment()]
        left = min(*moments, self.janitor.next_moment(), self.alerts.next_moment()) - now
        if left > 0 and not self.signals:
            self._rest(left)
        heard(self._ears)

    def _rest(self, seconds: float) -> None:
        """Until a signal, the bell, or that long."""
        select.select([self._ears, self.intake.bell.ears], [], [], seconds)

    def alarm(self, when: float, attempt: Attempt) -> None:
        """Look at an attempt again at BOOTTIME `when`: its time-out, or the KILL after a TERM."""
        heapq.heappush(self.alarms, (when, next(self._order), attempt))

    def _ring_alarms(self) -> None:
        while self.alarms and self.alarms[0][0] <= self.clock.boot():
            self.attempts.on_alarm(heapq.heappop(self.alarms)[2])

    def guarded(self, duty: Callable[[], None]) -> None:
        """Take a duty; what the file system refuses is told once and stops claims for a moment."""
        try:
            duty()
        except Fenced:
            raise
        except OSError as error:
            self.trouble(str(StorageError.of(error)))
        except SpoolError as error:
            self.trouble(str(error))
        except Exception:  # noqa: BLE001 - the boundary: a bug in one duty must not kill the commands that run
            *lines, last = traceback.format_exc().splitlines()
            if self.trouble(f"internal error, please report it: {last}"):
                for line in lines:
                    self.tell("traceback", line)

    def trouble(self, text: str) -> bool:
        """Say what is wrong (once: True), and claim nothing for a second."""
        self.blocked_until = self.clock.boot() + 1.0
        if text == self._trouble:
            return False
        self._trouble = text
        self.tell("trouble", f"{text}; running tasks go on, no new ones are taken", why=text)
        return True

    def well(self) -> None:
        """The file system works again."""
        if self._trouble and self.clock.boot() >= self.blocked_until:
            self._trouble = ""
            self.tell("well", "the trouble is over")

    def tell(self, event: str, text: str = "", **facts: object) -> None:
        """One event for terminal and journal."""
        self.journal.event(self.lease.server.now(), event, text, **facts)

    # -- heartbeat and peers -------------------------------------------------------------------------------------

    def beat(self) -> None:
        """Touch the lock, list the own folder, tell the guard, and make memory agree with the folder (R2)."""
        try:
            before = self.lease.beat()
            listing = self.own.listing()
        except FileNotFoundError as error:
            self._check_still_there(error)
            raise
        self.station.guard.beat(before)
        self.intake.agreement.compare(listing)
        self._read_settings()
        self.controls.read()
        self.controls.check_space()
        self.intake.starting.mark_running()
        self.well()

    def _check_still_there(self, error: FileNotFoundError) -> None:
        """My lock or folder is gone while the spool itself is there: I was taken for dead."""
        if "workers" in self.spool.fs.names(self.spool.root):
            raise Fenced(f"{error.filename or self.lease.path} is gone") from None  # utime names no file

    def _read_settings(self) -> None:
        try:
            settings, self.settings = self.settings, obeyed(self.spool, self.me)
            if settings != self.settings:  # the next heartbeat comes by the new times
                now = self.clock.boot()
                for duty in self.duties:
                    duty.next = min(duty.next, now + duty.every())
            self.station.introduce(self.settings.fence)
            self.controls.settings_trouble = ""
        except (SettingsError, OSError) as error:
            why = str(StorageError.of(error, "read") if isinstance(error, OSError) else error)
            if self.controls.settings_trouble != why:
                self.tell("settings", f"{why}; the settings read before stay in force, no new tasks are taken")
            self.controls.settings_trouble = why

    def _times(self) -> Times:
        return Times(self.settings.heartbeat, self.settings.fence, self.settings.kill, self.settings.lease)

    def _meet_peers(self) -> None:
        self.peers.refresh()
        if f"{self.station.wid}.yaml" not in self.peers.files:
            self.station.announce(self.lease)  # somebody removed it: the others must go on knowing me
        if self.peers.files & {f"{self.station.wid}.fenced", f"{self.station.wid}.dead"}:
            raise Fenced("another worker or an operator took this one for dead")
        self.leading = self.janitor.leadership.leads()
        moved = self.janitor.due() if self.leading else 0
        if moved + self.janitor.bury():
            self.intake.came_back()

    def _strip(self) -> None:
        if self.janitor.strays.turn() + self.janitor.waiters.turn(leading=self.leading):
            self.intake.came_back()

    def _watch_peers(self) -> None:
        # RACE: only samples taken while my own heartbeats go through say anything about others (hazards H30).
        if self.clock.boot() - self.lease.beat_at <= 2 * self.settings.heartbeat:
            for wid in self.janitor.leadership.watched(leading=self.leading):
                self.peers.watch(wid)
        else:
            self.peers.start_over()

    def _tidy(self) -> None:
        if self.intake.bell.trouble != self._deaf:
            self._deaf = self.intake.bell.trouble
            self.tell("deaf", self._deaf)
        if self.leading:
            self.janitor.bump()
            self.janitor.strays.patrol()

    def _sweep(self) -> None:
        if self.leading and self.janitor.sweep():
            self.intake.came_back()

    def _report(self) -> None:
        if self.leading and self.settings.report_every:
            self.attempts.helpers.add(proc.start_quietly(self.station.report_command()))

    # -- signals -------------------------------------------------------------------------------------------------

    def _listen_to_signals(self) -> None:
        signal.set_wakeup_fd(self._mouth, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # started with nohup
                signal.signal(number, self._on_signal)
        if self.options.guard_pid and os.getppid() != self.options.guard_pid:
            raise NodeError("the guard died before the worker began")

    def _on_signal(self, number: int, _frame: object) -> None:
        if number != signal.SIGCHLD:
            self.signals.append(number)
