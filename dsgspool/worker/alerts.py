"""Commands that learn how tasks ended: `on_done` and `on_failed`, run by the worker that publishes; `notify` of batches.

The rule: an event is told in one run of its command, and never in two; a worker that dies between publishing a task and
telling of it tells nothing.  A command has one run at a time: what happens meanwhile goes into its next run, so a thousand
failures make a few digests and not a thousand mails.  No run holds up a task, a heartbeat or, for longer than LIMIT, the
worker's end.
"""

from __future__ import annotations

import json
import shlex
import signal
from collections.abc import Collection, Iterable, Mapping
from dataclasses import field
from itertools import islice
from typing import TYPE_CHECKING

from dsgspool import proc, redaction
from dsgspool.accounts import Account, account
from dsgspool.classes import dataclass
from dsgspool.clock import iso
from dsgspool.codec import parse_task
from dsgspool.errors import InvalidTask
from dsgspool.names import TaskName, record_path
from dsgspool.proc import Exit
from dsgspool.spawning import Launch
from dsgspool.spool.own import MAX_TASK_BYTES, text_of
from dsgspool.task import Kind, Task
from dsgspool.worker import launch
from dsgspool.worker.admission import why_foreign
from dsgspool.worker.attempt import Attempt
from dsgspool.worker.last_words import last_words

if TYPE_CHECKING:
    from dsgspool.worker.loop import Worker

LIMIT = 60.0  #: seconds that one run may take
AT_ONCE = 16  #: runs: commands may differ from task to task, and a thousand of them fail in a second
LARGEST = 16 << 20  #: bytes that one run may print onto this machine's own disk
LOOK = 1.0  #: seconds between two looks at that
MOST_WAITING = 1000  #: different commands that wait for their run: each task may name one of its own
NEVER_BEGAN = (Kind.INVALID, Kind.DEPENDENCY, Kind.EXPIRED)  #: a record tells of them, and no logs
MOST = 1000  #: events that one run is told line by line; what is more is counted


@dataclass(frozen=True, slots=True)
class Call:
    """A command line as it is to be run, and as whom (None = the worker); `what` is `on_failed`, `on_done` or `notify`, which
    is told of one `batch`."""

    what: str
    argv: tuple[str, ...]
    uid: int | None
    user: Account | None = field(compare=False)
    batch: str = ""

    def shown(self, secrets: Collection[str]) -> str:
        """As people wrote it, without secrets: what the shell is given, or program and arguments."""
        words = [redaction.hide(word, redaction.worth_hiding(secrets)) for word in self.argv]
        return words[-1] if self.argv[1:2] == ("-c",) else shlex.join(words)


@dataclass(slots=True)
class Digest:
    """Events that wait for the next run of a command."""

    lines: list[Mapping[str, object]] = field(default_factory=list)
    count: int = 0
    secrets: set[str] = field(default_factory=set)  #: values that are not to be seen where a run is told of

    def add(self, facts: Mapping[str, object], secrets: Iterable[str]) -> None:
        """One more."""
        self.count += 1
        if len(self.lines) < MOST:
            self.lines.append(facts)
            self.secrets.update(secrets)


@dataclass(frozen=True, slots=True)
class Run:
    """A command that runs: until BOOTTIME `until`, told of `count` events; `files` are removed at its end."""

    call: Call
    until: float
    count: int
    files: tuple[str, str]
    secrets: Collection[str]


class Alerts:
    """The alerts of one worker."""

    def __init__(self, worker: Worker) -> None:
        self.worker, self.spool, self.fs, self.clock = worker, worker.spool, worker.spool.fs, worker.clock
        self.waiting: dict[Call, Digest] = {}
        self.running: dict[int, Run] = {}
        self._next: dict[Call, float] = {}  #: BOOTTIME before which a command is not run again
        self._killed: dict[int, str] = {}  #: why, by pid
        self._count = 0
        self._left_out = 0  #: events, since more commands waited than are kept

    @property
    def is_busy(self) -> bool:
        """True while something has to be told; what was killed and does not die, on a share that hangs, holds up nobody."""
        return bool(self.waiting or self.running.keys() - self._killed.keys())

    # -- what happened -------------------------------------------------------------------------------------------

    def published(self, name: TaskName, target: str, attempt: Attempt | None = None) -> None:
        """A task lies in done/ or failed/ now, at the path `target`; `attempt` is what this worker knows of its end."""
        what = "on_done" if target.startswith(f"{self.spool.done}/") else "on_failed"
        known = (attempt.task, attempt.user) if attempt and attempt.argv else self._read(name, target)
        command = known and getattr(known[0], what)
        if known and command:
            secrets = attempt.environment.secrets if attempt else ()
            self.happened(what, command, *known, self._facts(what, name, target, attempt), secrets)

    def happened(
        self,
        what: str,
        command: str | tuple[str, ...],
        task: Task,
        user: Account | None,
        facts: Mapping[str, object],
        secrets: Iterable[str] = (),
    ) -> None:
        """An event that `what` is to be told of, by a command that is run by the shell of `task`; its own secrets, and those
        given, are not seen where the worker tells of that command."""
        argv = tuple(command) if isinstance(command, tuple) else (task.shell, "-c", command)
        call = Call(what, argv, user.uid if user else None, user, str(facts.get("batch", "")))
        hidden = {*secrets, *redaction.secret_values(task.env, task.params)}
        # A batch is told of once, ever: that is never left out.
        if call in self.waiting or call.batch or len(self.waiting) < MOST_WAITING:
            self.waiting.setdefault(call, Digest()).add(facts, hidden)
        else:
            self._leave_out(call, hidden)

    def _leave_out(self, call: Call, secrets: Collection[str]) -> None:
        """Too many wait: to keep them all would take the memory of the node.  Told at the first one, and at the last."""
        if not self._left_out:
            why = f"{MOST_WAITING:,} different commands wait for their run, no more are kept"
            remedy = "give all tasks the same one: $DSGSPOOL_TASK and its standard input say which"
            self.worker.tell("alert", f"{call.what}: {call.shown(secrets)}: {why} ({remedy})", what=call.what, why=why)
        self._left_out += 1

    def _read(self, name: TaskName, target: str) -> tuple[Task, Account | None] | None:
        """What a file says that was published unparsed, and whose command that is; None = nobody's."""
        settings, uid = self.worker.settings, self.worker.lease.uid
        nobody = None if settings.run_as == "owner" else (settings.task, None)
        try:
            self.fs.see(target)
            text = text_of(*self.fs.read(target, MAX_TASK_BYTES))
            if why_foreign(text, settings, self.worker.me):
                return nobody
            user = account(text.uid) if settings.run_as == "owner" and text.uid != uid else None
        except (OSError, KeyError):
            return nobody
        try:
            template = self.worker.intake.turnstile.policy(name.identity).defaults
            return parse_task(text.data, settings.task, template, timezone=settings.timezone), user
        except InvalidTask:
            return settings.task, user

    def _facts(self, what: str, name: TaskName, target: str, attempt: Attempt | None) -> dict[str, object]:
        outcome = attempt.outcome if attempt else None
        number = attempt.number if attempt else name.budget.attempts
        logs = f"{self.spool.logs}/{record_path(name.identity, number)[:-5]}" if number else ""
        printed = logs and not (outcome and outcome.kind in NEVER_BEGAN)
        known: dict[str, object] = {
            "event": what.removeprefix("on_"), "task": name.identity, "attempt": number or None, "file": target,
            "outcome": outcome.tag if outcome else None, "reason": (outcome and outcome.reason) or None,
            "exit_code": outcome.code if outcome else None, "record": f"{logs}.yaml" if logs else None,
            "stdout": f"{logs}.out" if printed else None, "stderr": f"{logs}.err" if printed else None,
            "at": iso(self.worker.lease.server.now()),
        }  # fmt: skip
        return {key: value for key, value in known.items() if value is not None}

    # -- telling -------------------------------------------------------------------------------------------------

    def turn(self) -> None:
        """Start what waits and may start; kill what takes too long."""
        now = self.clock.boot()
        for pid, run in [(pid, run) for pid, run in self.running.items() if pid not in self._killed]:
            if why := f"killed after {LIMIT:g} s" if now >= run.until else self._prints_too_much(run):
                self._killed[pid] = why
                proc.send_group(pid, signal.SIGKILL)
        running = {run.call for run in self.running.values()}
        due = (call for call in self.waiting if call not in running and now >= self._due(call))
        for call in list(islice(due, AT_ONCE - len(running))):
            self._start(call, self.waiting.pop(call))
        if self._left_out and not self.waiting:
            lost, self._left_out = self._left_out, 0
            self.worker.tell("alert", f"{lost:,} alerts were left out: too many different commands waited", lost=lost)

    def _prints_too_much(self, run: Run) -> str:
        try:
            is_large = self.fs.status(run.files[1]).st_size > LARGEST
        except FileNotFoundError:  # a sweeper of /tmp took it
            return ""
        return f"killed: it printed more than {LARGEST >> 20} MiB" if is_large else ""

    def next_moment(self) -> float:
        """BOOTTIME at which `turn` has something to do."""
        running = {run.call for run in self.running.values()}
        soon = self.clock.boot() + LOOK
        moments = [min(run.until, soon) for pid, run in self.running.items() if pid not in self._killed]
        if len(running) < AT_ONCE:
            moments += [self._due(call) for call in self.waiting if call not in running]
        return min(moments, default=self.clock.boot() + 3600.0)

    def _due(self, call: Call) -> float:
        controls = self.worker.controls
        return 0.0 if controls.draining or controls.emptied else self._next.get(call, 0.0)

    def _start(self, call: Call, digest: Digest) -> None:
        """OSError never: a command that cannot be started is told of, and its events are lost."""
        self._count += 1
        scripts, runner = self.worker.attempts.runner.scripts, self.worker.attempts.runner
        lines = "".join(f"{json.dumps(line)}\n" for line in digest.lines)
        stdin = output = -1
        events = words = ""
        try:
            events = scripts.write(f"alert-{self._count}.jsonl", lines, call.user)
            words = scripts.write(f"alert-{self._count}.txt", "", None)
            stdin, output = self.fs.open_input(events), self.fs.open_log(words)
            argv, cwd = list(call.argv), self.spool.root
            kept = launch.for_others(runner.inherited) if call.user else runner.inherited
            env = {**kept, **self._variables(digest)}
            if call.user:
                argv, cwd, env = call.user.wrap(argv, cwd, events), "/", {**env, **call.user.variables()}
            pid = proc.spawn(Launch(argv, cwd, env, stdin, output, output, user=call.user))
        except (OSError, ValueError) as error:
            self._tell(call, digest.count, digest.secrets, str(error))
            for path in filter(None, (events, words)):
                self.fs.remove(path)
            return
        finally:
            for descriptor in (stdin, output):
                if descriptor >= 0:
                    self.fs.close(descriptor)
        now = self.clock.boot()
        self.running[pid] = Run(call, now + LIMIT, digest.count, (events, words), digest.secrets)
        self._keep_away(call, now)
        self.worker.attempts.helpers.add(pid)

    def _keep_away(self, call: Call, now: float) -> None:
        """Not again before `alert_every`; what is over is forgotten: each task may name a command of its own."""
        if every := self.worker.settings.alert_every:
            self._next[call] = now + every
        if len(self._next) % MOST == 0:
            self._next = {known: moment for known, moment in self._next.items() if moment > now}

    def _variables(self, digest: Digest) -> dict[str, str]:
        first = {f"DSGSPOOL_{key.upper()}": str(value).replace("\0", "?") for key, value in digest.lines[0].items()}
        return {
            **first,
            "DSGSPOOL_COUNT": str(digest.count),
            "DSGSPOOL_WORKER": self.worker.station.wid,
            "DSGSPOOL_SPOOL": self.spool.root,
        }

    def ended(self, exit_: Exit) -> None:
        """A child ended; when it was one of these, say what went wrong with it."""
        if (run := self.running.pop(exit_.pid, None)) is None:
            return
        proc.send_group(exit_.pid, signal.SIGKILL)  # what it left in its session
        if why := self._killed.pop(exit_.pid, ""):
            self._tell(run.call, run.count, run.secrets, why)
        elif exit_.code != 0:
            how = f"exit code {exit_.code}" if exit_.signal is None else launch.signal_name(exit_.signal)
            self._tell(run.call, run.count, run.secrets, f"{how}{last_words(self.fs, run.files[1], run.secrets)}")
        for path in run.files:
            self.fs.remove(path)

    def _tell(self, call: Call, count: int, secrets: Collection[str], why: str) -> None:
        events, why = (
            "1 event" if count == 1 else f"{count} events",
            redaction.hide(why, redaction.worth_hiding(secrets)),
        )
        self.worker.tell("alert", f"{call.what} ({events}): {call.shown(secrets)}: {why}", what=call.what, why=why)

    def stop(self) -> None:
        """The worker ends at once: nothing of it may run on."""
        for pid, run in self.running.items():
            proc.send_group(pid, signal.SIGKILL)
            for path in run.files:
                self.fs.remove(path)
        counts = [digest.count for digest in self.waiting.values()] + [run.count for run in self.running.values()]
        if lost := sum(counts) + self._left_out:
            self.worker.tell("alert", f"{lost} alerts were cut off or not sent: the worker was stopped", lost=lost)
