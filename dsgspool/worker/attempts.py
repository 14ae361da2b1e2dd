"""The attempts of one worker: start, watch, stop, clear away what they left.

The rule: an attempt comes to its end (endings.py) only after the last of its processes is gone.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from dsgspool import machine, names, proc
from dsgspool.classes import replace
from dsgspool.clock import iso
from dsgspool.codec import NewerFormat
from dsgspool.errors import InvalidTask
from dsgspool.spool.chain import Busy, Chain
from dsgspool.spool.own import Held, Text
from dsgspool.task import Decision, Kind, Outcome, State
from dsgspool.worker import leftovers, sweeping, telling
from dsgspool.worker.admission import user_of
from dsgspool.worker.attempt import Attempt
from dsgspool.worker.desk import Ready
from dsgspool.worker.endings import Endings
from dsgspool.worker.limits import Limits
from dsgspool.worker.pinning import Pins
from dsgspool.worker.runner import Runner
from dsgspool.worker.sampling import Sampler
from dsgspool.worker.sorting import late

if TYPE_CHECKING:
    from dsgspool.worker.loop import Worker

BUSY_PAUSE = 30.0  #: seconds that a task waits when another attempt of its name is alive
CLEAR_PAUSE = 0.02  #: seconds between two looks for what a command left behind
RETRY_PAUSE = 0.5  #: seconds before a record's end is tried again
#: What the file system says when something lies in the place of a record.
MISPLACED = frozenset({
    errno.ENOTDIR, errno.EISDIR, errno.EINVAL, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOENT, errno.EEXIST,
})  # fmt: skip
STOPPED = Outcome(Kind.STOPPED, reason="its worker was told to stop")


class Attempts:
    """Everything of this worker that has a record."""

    def __init__(self, worker: Worker) -> None:
        self.worker, self.spool, self.fs, self.clock = worker, worker.spool, worker.spool.fs, worker.clock
        self.server, station = worker.lease.server, worker.station
        self.runner = Runner(self.spool, station.wid, self.server, station.scratch, station.cgroups)
        self.chain = Chain(self.spool, worker.peers.is_dead_by_now, lambda: worker.settings.lease)
        self.by_pid: dict[int, Attempt] = {}
        self.clearing: list[Attempt] = []
        self.endings = Endings(worker, self.runner)
        self.limits = Limits(self)
        self.sampler = Sampler(self.clock, worker.tell)
        self.pins = Pins(worker)
        self.helpers: set[int] = set()
        self.used = 0  #: slots taken

    @property
    def is_busy(self) -> bool:
        """True while anything of an attempt is left."""
        return bool(self.by_pid or self.clearing or self.endings.pending)

    @property
    def has_processes(self) -> bool:
        """True while a command or something that it left runs."""
        return bool(self.by_pid or self.clearing)

    def next_moment(self) -> float:
        """BOOTTIME at which something here must be looked at without a signal."""
        now = self.clock.boot()
        pause = RETRY_PAUSE if self.clearing or self.endings.pending else 3600.0
        return now + (pause if all(attempt.has_grace(now) for attempt in self.clearing) else CLEAR_PAUSE)

    # -- starting ------------------------------------------------------------------------------------------------

    def start(self, ready: Ready) -> None:
        """Begin the attempt of a whole file.  OSError = the share's trouble: the file stays ready.

        Making the record and signing it are one turn, with no heartbeat between: the rule for records that name nobody
        (chain.py) stands on that.
        """
        attempt = self._begin(ready.held)
        if attempt is None:
            return
        attempt.slots, attempt.request = ready.cpus, ready.request
        self.used += ready.cpus
        attempt.gpus = self.worker.intake.packing.take(ready.request)
        attempt.pinned = self.pins.take(ready.cpus)
        outcome: Outcome | None = Outcome(Kind.INVALID, reason="internal error: see what its worker printed")
        try:
            self.runner.open(attempt)
            attempt.user = user_of(ready.text, self.worker.settings, self.worker.me)
            policy = self.worker.intake.turnstile.policy(attempt.name.identity)
            self.runner.prepare(attempt, ready.text, self.worker.settings, policy)
            outcome = self._must_wait(attempt, ready) or self._taken_away(attempt)
            if attempt.task.sweep:
                outcome = outcome or sweeping.expand(attempt, self.worker)
            outcome = outcome or self._launch(attempt)
        except NewerFormat as error:
            outcome = self._to_lane(attempt, f"format{error.format}", str(error))
        except InvalidTask as error:
            attempt.keeps_text = self.runner.keep_text(attempt, ready.text)
            outcome = Outcome(Kind.INVALID, reason=self._where(attempt, error))
        except OSError as error:
            self.worker.trouble(f"cannot start {attempt.name.identity}: {error}")
            outcome = Outcome(Kind.STOPPED, reason=f"not started: {error}")
        finally:  # also when a bug goes on to the loop's boundary: it must not cost the worker a slot
            if outcome is not None:
                self.conclude(attempt, outcome)

    def reject(self, held: Held, reason: str, kind: Kind = Kind.INVALID, text: Text | None = None) -> None:
        """A thing that is no task, or one that never may run: its record says why, and it goes to failed/~invalid."""
        attempt = self._begin(held)
        if attempt is not None:
            try:
                self.runner.open(attempt)
                attempt.keeps_text = text is not None and self.runner.keep_text(attempt, text)
            finally:  # a full disk: the outcome stands, its record is written when there is space
                self.conclude(attempt, Outcome(kind, reason=reason))

    def _begin(self, held: Held) -> Attempt | None:
        """Take the lock on the name; when it is taken the file waits and comes back."""
        desk = self.worker.intake.desk
        try:
            got = self.chain.begin(held.name)
        except OSError as error:
            if not self._is_its_own_fault(error):
                raise
            why = f"it can have no record: logs/{held.name.identity}: {error.strerror}"
            decision = Decision(State.FAILED, "invalid", unique=True)
            told = f"invalid {held.name.identity}  ({why})"
            desk.send(self.endings.leaving(held, decision, ("invalid", told, {"why": why})))
            return None
        if isinstance(got, Busy):
            why = f"attempt {got.attempt} of it is alive ({got.holder}): waiting {BUSY_PAUSE:.0f} s"
            decision = Decision(State.WAITING, budget=held.name.budget, delay=BUSY_PAUSE)
            desk.send(self.endings.leaving(held, decision, ("busy", f"{held.name.identity}: {why}", {"why": why})))
            return None
        desk.ready.pop(held.file, None)
        desk.settling.pop(held.file, None)
        desk.attempts[held.file] = attempt = Attempt(held, got.attempt, got.descriptor)
        return attempt

    def _is_its_own_fault(self, error: OSError) -> bool:
        """True when something lies in the place of this task's record, while the folder of all records is well."""
        return error.errno in MISPLACED and self.fs.folder_is_there(self.spool.logs)

    def _must_wait(self, attempt: Attempt, ready: Ready) -> Outcome | None:
        """What the peek at the text missed (flow style): that it is late, what it waits for, more CPUs than were thought of."""
        if why := late(attempt.name, attempt.task.expires, ready.text, self.server.now()):
            attempt.keeps_text = True
            return Outcome(Kind.EXPIRED, reason=why)
        moment, cpus = attempt.task.not_before, attempt.task.cpus
        if moment is not None and moment > self.server.now():
            attempt.decision = Decision(State.WAITING, budget=attempt.name.budget, delay=moment - self.server.now())
            return Outcome(Kind.STOPPED, reason=f"not before {iso(moment)}")
        if attempt.task.after != ready.after and (waits := self._waits(attempt)):
            return waits
        if cpus > attempt.slots:
            lane = names.lane_for(names.parse_lane(attempt.name.lane).priority, cpus, attempt.request)
            return self._to_lane(attempt, lane, f"wants {cpus} slots")
        return None

    def _taken_away(self, attempt: Attempt) -> Outcome | None:
        """RACE: a person took the file while I was slow, and elsewhere it ran and ended: then there are more records than
        its name tells of.  None can come any more, now that I hold the newest."""
        is_expected = attempt.number <= attempt.name.budget.attempts + 1
        if is_expected or attempt.held.file in self.worker.own.listing():
            return None
        return Outcome(Kind.REVOKED, reason="its file was taken out of running/")

    def _waits(self, attempt: Attempt) -> Outcome | None:
        """What else it waits for."""
        verdict = self.worker.janitor.waiters.dependencies.judge(attempt.name.identity, attempt.task.after)
        if verdict is None:
            return None
        attempt.keeps_text = True
        if verdict.culprit:
            return Outcome(Kind.DEPENDENCY, reason=verdict.reason)
        attempt.decision = Decision(State.WAITING, budget=attempt.name.budget, after=verdict.entry.what)
        return Outcome(Kind.STOPPED, reason=f"waits for {verdict.entry.what}")

    def _to_lane(self, attempt: Attempt, lane: str, why: str) -> Outcome:
        """Give a file back into the lane that says why it cannot be run here."""
        attempt.lane = lane
        attempt.decision = Decision(State.TODO, budget=attempt.name.budget)
        return Outcome(Kind.STOPPED, reason=f"{why}: now in todo/@{lane}/")

    def _where(self, attempt: Attempt, error: InvalidTask) -> str:
        return str(InvalidTask(error.reason, line=error.line, remedy=error.remedy, path=attempt.name.plain().path))

    def _launch(self, attempt: Attempt) -> Outcome | None:
        outcome = self.runner.launch(attempt)
        if outcome is not None:
            return outcome
        self.by_pid[attempt.pid] = attempt
        self.limits.watch(attempt)
        if attempt.task.timeout is not None:
            self.worker.alarm(attempt.began + attempt.task.timeout, attempt)
        self.worker.tell("start", telling.started(attempt), **telling.facts(attempt, 0.0))
        return None

    # -- stopping ------------------------------------------------------------------------------------------------

    def on_alarm(self, attempt: Attempt) -> None:
        """A moment of this attempt has come."""
        now = self.clock.boot()
        if attempt.exit is not None or attempt.pid not in self.by_pid:
            return
        if attempt.kill_at is not None and now >= attempt.kill_at:
            self.runner.kill(attempt)
        elif attempt.stopping is None and attempt.task.timeout is not None:
            self.stop(attempt, Outcome(Kind.TIMEOUT, reason=telling.overdue(attempt.task.timeout)))

    def stop(self, attempt: Attempt, why: Outcome, grace: float | None = None) -> None:
        """TERM now, KILL after the grace."""
        self.runner.stop(attempt, why, attempt.task.grace if grace is None else grace, self.by_pid)
        if attempt.kill_at is not None:
            self.worker.alarm(attempt.kill_at, attempt)

    def revoke(self, attempt: Attempt) -> None:
        """Its file was taken away: whoever did that wants it stopped."""
        if attempt.pid in self.by_pid and attempt.stopping is None:
            self.worker.tell(
                "revoke", f"revoked {attempt.name.identity}: its file was taken away", task=attempt.name.identity
            )
            grace = min(attempt.task.grace, self.worker.settings.kill)
            self.stop(attempt, Outcome(Kind.REVOKED, reason="its file was taken out of running/"), grace)

    def stop_all(self) -> None:
        """Kill everything; the files are given back uncounted."""
        for attempt in list(self.by_pid.values()):
            self.stop(attempt, STOPPED)

    def kill_now(self) -> None:
        """No more grace for anything."""
        for attempt in [*self.by_pid.values(), *self.clearing]:
            self.runner.kill(attempt)

    def kill_all(self) -> None:
        """The last thing a worker does, fenced or not: nothing of it may run on."""
        for attempt in list(self.by_pid.values()):
            self.stop(attempt, Outcome(Kind.REVOKED, reason="its worker was fenced"), 0.0)
        self.kill_now()  # also what was stopped before, and has its grace
        deadline = self.clock.boot() + self.worker.settings.kill
        while (self.by_pid or self.clearing) and self.clock.boot() < deadline:
            self.reap()
            self.clock.sleep(CLEAR_PAUSE)

    # -- watching ------------------------------------------------------------------------------------------------

    def tend(self) -> None:
        """Every few seconds: sample memory, and on a share put new log lines on the server for readers elsewhere."""
        self.sampler.take(self.by_pid.values())
        # Sorted is a heap.  Time-outs of a day would keep each attempt of that day in memory, 4 kB of it.
        self.worker.alarms[:] = sorted(alarm for alarm in self.worker.alarms if alarm[2].pid in self.by_pid)
        for log in [log for attempt in self.by_pid.values() if self.runner.flushes for log in attempt.logs or ()]:
            self.runner.flush_log(log)

    # -- ending --------------------------------------------------------------------------------------------------

    def reap(self) -> None:
        """Take in every child that ended; clear away what the ended commands left."""
        for exit_ in proc.reap():
            attempt = self.by_pid.pop(exit_.pid, None)
            if attempt is None:
                for known in (self.helpers, machine.unkilled):
                    known.discard(exit_.pid)
                self.worker.alerts.ended(exit_)
            else:
                attempt.exit = exit_
                self.clearing.append(attempt)
        if self.clearing:
            self._clear()

    def _clear(self) -> None:
        others = {*self.by_pid, *self.helpers, *machine.unkilled}
        claims = {attempt.held.claim: attempt.pid for attempt in (*self.by_pid.values(), *self.clearing)}
        # Mostly nothing is left.
        left = None if others.issuperset(proc.children()) else leftovers.look(others, claims)
        for attempt in list(self.clearing):
            if left is None or leftovers.clear(attempt, left, self.clock.boot()):
                outcome = self.runner.classify(attempt)
                if outcome.kind is Kind.STOPPED and attempt.stopping is None and attempt.decision is None:
                    self.worker.trouble(f"{attempt.name.identity}: {outcome.reason}")  # or it would be claimed at once
                self.limits.cut(attempt, outcome)
                self.clearing.remove(attempt)
                self.conclude(attempt, outcome)

    def conclude(self, attempt: Attempt, outcome: Outcome) -> None:
        """It has ended with this outcome; `settle` writes it down and sends the file on."""
        hidden = attempt.environment.hide(outcome.reason)
        attempt.outcome = outcome if hidden == outcome.reason else replace(outcome, reason=hidden)
        self.worker.intake.sharing.charge(attempt)
        self.used, attempt.slots = self.used - attempt.slots, 0
        self.worker.intake.packing.give(attempt)
        self.endings.pending.append(attempt)
