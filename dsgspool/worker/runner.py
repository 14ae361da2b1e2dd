"""One attempt of one task, from the claimed file to the end of its record: a pipeline of small steps.

    begin    the record is made (that is the lock on the name) before the text is even parsed
    prepare  parse, resolve, write the record's first part, flush
    launch   open the logs, start the command in its own session
    stop     TERM, after `grace` KILL, of the whole process tree
    clear    kill what the command left behind, until nothing is left (leftovers.py)
    finish   append the end to the record

The rule: a command starts only when its record is on the server, and an attempt ends only when all its processes are
gone.  Every step can be told 'the disk is full' (OSError): nothing is lost, the step is taken again.
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import signal
from collections.abc import Collection

from dsgspool import census, cgroups, proc
from dsgspool.clock import ServerClock, iso
from dsgspool.names import record_path
from dsgspool.policy import Policy
from dsgspool.redaction import mask_text
from dsgspool.settings import Settings
from dsgspool.spawning import Launch
from dsgspool.spool import Spool
from dsgspool.spool.chain import next_line
from dsgspool.spool.own import Text
from dsgspool.task import PUBLISHED, Decision, Kind, Outcome, Retry, decide
from dsgspool.worker import freezing, launch, leftovers, limits, sweeping
from dsgspool.worker.attempt import Attempt
from dsgspool.worker.definitions import Definitions
from dsgspool.worker.last_words import last_words
from dsgspool.worker.launch import Who
from dsgspool.worker.outlets import open_logs
from dsgspool.worker.provenance import Provenance
from dsgspool.worker.scripts import Scripts
from dsgspool.yamlwriting import dump, on_line

_WHATEVER_IT_SAYS = contextlib.suppress(OSError)  #: one for all: to make it takes as long as to close a file


class Runner:
    """Takes attempts through their steps for one worker."""

    def __init__(
        self, spool: Spool, wid: str, server: ServerClock, scratch: str = "", tree: cgroups.Tree | None = None
    ) -> None:
        self.spool, self.fs, self.clock, self.wid = spool, spool.fs, spool.clock, wid
        self.server, self.scratch, self.cgroups = server, scratch, tree
        self.flushes = spool.fs.mount(spool.logs).is_remote
        self.provenance = Provenance(self.fs, self.clock)
        self._signature = dump([("worker", wid), ("host", os.uname().nodename), ("pid", os.getpid())])
        self.inherited = dict(os.environ)  #: the scientist's environment, as the worker was started with it
        self._nothing = self.fs.open_input(os.devnull)
        self.scripts = Scripts(self.fs, wid)
        self.definitions = Definitions(spool, self.inherited, self.scripts)

    def open(self, attempt: Attempt) -> None:
        """Write who makes this attempt, before the text is parsed: a file that kills its worker there must count."""
        name = attempt.name
        file = attempt.held.original or f"{name.stem.rpartition('/')[2]}.yaml"
        head = (
            f"format: 1\ntask: {on_line(name.identity)}\nattempt: {attempt.number}\n{self._signature}"
            f'claim: {on_line(attempt.held.claim)}\nstarted: "{iso(self.server.now())}"\nfile: {on_line(file)}\n'
        )
        self.fs.append(attempt.record, head.encode())

    def prepare(self, attempt: Attempt, text: Text, settings: Settings, policy: Policy) -> None:
        """Parse, resolve and put the first part of the record on the server.  InvalidTask, OSError."""
        attempt.text = text
        lines = self.definitions.apply(attempt, text, settings, policy)
        attempt.pinned = attempt.pinned[: attempt.task.cpus]
        first = f'submitted: "{iso(max(text.mtime, 0.0))}"\n'
        commit = "" if attempt.user else self.provenance.commit(attempt.cwd)
        if commit or attempt.gpus or attempt.pinned:
            got = ("git", commit), ("gpus", [gpu.index for gpu in attempt.gpus or ()]), ("pinned", attempt.pinned)
            first += dump((key, value) for key, value in got if value)
        strict = settings.durability == "strict"
        self.fs.append(attempt.record, (first + lines).encode(), sync=self.flushes or strict)
        if strict:
            self.fs.sync_folder(f"{self.spool.logs}/{attempt.name.batch}")

    def keep_text(self, attempt: Attempt, text: Text) -> bool:
        """Keep the text of an invalid task in its record, so that nothing is lost when its file is replaced."""
        try:
            self.fs.append(attempt.record, dump([("text", mask_text(text.data.decode("utf-8-sig")))]).encode())
        except (UnicodeDecodeError, OSError):
            return False
        return True

    def launch(self, attempt: Attempt) -> Outcome | None:
        """Open the logs and start the command; an Outcome when it could not be started for its own fault, else OSError."""
        kinds = sweeping.kinds(attempt)
        attempt.logs = open_logs(self.fs, self._logs(attempt), kinds, exclusive=attempt.user is not None)
        if attempt.user:
            # Whoever may write a log must own it: moved into todo/, root's file would be root's task.
            for log in attempt.logs:
                self.fs.give(log, attempt.user.uid)
        attempt.began = self.clock.boot()
        try:
            path = launch.input_path(attempt.task, attempt.cwd)
            stdin = self.fs.open_input(path) if path and not attempt.user else self._nothing
        except OSError as error:
            if error.errno in launch.NODE_TROUBLE:
                raise
            return self._not_started(attempt, f"its stdin file cannot be read: {error.filename}: {error.strerror}", 126)
        try:
            attempt.pid = self._spawn(attempt, stdin, path)
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno in launch.NODE_TROUBLE:
                raise
            return self._not_started(attempt, *launch.why(error, attempt.argv, attempt.cwd))
        finally:
            if stdin != self._nothing:
                self.fs.close(stdin)
            freezing.let_go(attempt, self.fs)
        if attempt.task.nice:
            proc.set_nice(attempt.pid, attempt.task.nice)
        return None

    def _spawn(self, attempt: Attempt, stdin: int, path: str) -> int:
        memory = attempt.task.limits.get("memory")
        attempt.group = self.cgroups.make(attempt.held.claim, memory) if self.cgroups and memory is not None else None
        if attempt.group is None:
            return proc.spawn(self._launch(attempt, stdin, path))
        try:
            with attempt.group.entry() as entry:
                return proc.spawn(self._launch(attempt, entry, path))
        except (OSError, ValueError):
            attempt.group.remove()
            raise

    def _launch(self, attempt: Attempt, stdin: int, path: str) -> Launch:
        who = Who(
            attempt.name.identity, attempt.number, self.wid, attempt.held.claim, self.spool.root, attempt.task.cpus,
            attempt.request.bytes, self.scratch if attempt.request.scratch else "",
        )  # fmt: skip
        assert attempt.logs is not None
        argv, cwd, user = sweeping.command(attempt, self.scripts, self.server.now()), attempt.cwd, attempt.user
        out, err, *kept = attempt.logs
        if user:
            argv, cwd = user.wrap(argv, cwd, path or os.devnull), "/"
        if attempt.group:
            argv = cgroups.entering(argv, os.devnull if user else path or os.devnull)
        return Launch(
            argv, cwd, self._environment(attempt, who), stdin, out, err, user=user, cpus=attempt.pinned,
            umask=-1 if attempt.task.umask is None else attempt.task.umask, kept=[*kept, *attempt.kept],
        )  # fmt: skip

    def _environment(self, attempt: Attempt, who: Who) -> dict[str, str]:
        kept = launch.for_others(self.inherited) if attempt.user else self.inherited
        user = attempt.user.variables() if attempt.user else {}
        return {**kept, **user, **attempt.environment.added, **who.variables()}

    def _not_started(self, attempt: Attempt, reason: str, code: int) -> Outcome:
        # Whoever reads the error log first should find it there, as from a shell.
        assert attempt.logs is not None
        reason = attempt.environment.hide(reason)
        self.fs.append(attempt.logs[1], f"dsgspool: {reason}\n".encode(errors="replace"))
        return Outcome(Kind.EXIT, code, reason)

    # -- stopping ------------------------------------------------------------------------------------------------

    def stop(self, attempt: Attempt, why: Outcome, grace: float, commands: Collection[int]) -> None:
        """Ask all its processes to end; `kill` follows after `grace` seconds.  The first reason stays."""
        if attempt.stopping is None:
            attempt.stopping = why
            attempt.kill_at = self.clock.boot() + grace
            self._signal(attempt, signal.SIGTERM if grace > 0 else signal.SIGKILL)
            if grace > 0:  # else each of these would keep its slot for the whole grace
                leftovers.tell(attempt, commands)

    def kill(self, attempt: Attempt) -> None:
        """KILL of the whole tree."""
        attempt.kill_at = None
        self._signal(attempt, signal.SIGKILL)

    def _signal(self, attempt: Attempt, number: int) -> None:
        if attempt.exit is None:
            proc.send_group(attempt.pid, number)
            proc.send(census.descendants(attempt.pid), number)
            if attempt.group and number == signal.SIGKILL:
                attempt.group.kill()

    # -- ending --------------------------------------------------------------------------------------------------

    def classify(self, attempt: Attempt) -> Outcome:
        """How it ended, once all its processes are gone; its cgroup goes with them."""
        by_kernel = limits.by_kernel(attempt)
        if attempt.chunk:
            sweeping.hear(attempt, self.fs, self._logs(attempt))
        if attempt.group:
            attempt.peak_memory = attempt.group.peak(attempt.peak_memory)
            attempt.group.remove()
        if attempt.stopping is not None:
            return attempt.stopping
        if by_kernel is not None:
            return by_kernel
        assert attempt.exit is not None
        code, number = attempt.exit.code, attempt.exit.signal
        if number is not None:
            return Outcome(Kind.SIGNAL, number, launch.why_killed(number, attempt.task.limits))
        if code in attempt.task.success_codes and not (attempt.chunk or attempt.freezing):
            return Outcome(Kind.DONE, code)
        words = last_words(self.fs, f"{self._logs(attempt)}.err", attempt.environment.secrets)
        failure = Outcome(Kind.EXIT, code, f"exit code {code}{words}")
        return sweeping.outcome_of(attempt, self.fs, self._logs(attempt), failure)

    def _logs(self, attempt: Attempt) -> str:
        return f"{self.spool.logs}/{record_path(attempt.name.identity, attempt.number)[:-5]}"

    def decide(self, attempt: Attempt, outcome: Outcome, settings: Settings) -> Decision | None:
        """What follows, by the task's own retry policy."""
        if outcome.kind is Kind.DONE:
            return PUBLISHED
        task = attempt.task
        retry = Retry(task.retries, task.backoff, settings.max_lost, len(task.request.memory))
        return decide(outcome, attempt.name.budget, retry, random.random())  # noqa: S311 - spreads retries, no secret

    def finish(self, attempt: Attempt, settings: Settings) -> None:
        """Append the end; OSError = try again later, the attempt stays as it is.  May be called again."""
        outcome, exit_ = attempt.outcome, attempt.exit
        assert outcome is not None
        seconds = round(self.clock.boot() - attempt.began, 3) if attempt.began else 0.0
        end = {
            "exit_code": exit_.code if exit_ else outcome.code, "signal": exit_.signal if exit_ else None,
            "outcome": outcome.tag, "reason": outcome.reason or None, "next": next_line(attempt.decision),
            "read_bytes": (exit_ and exit_.read_bytes) or None, "written_bytes": (exit_ and exit_.written_bytes) or None,
            "peak_memory_bytes": attempt.peak_memory or None, "leftovers": len(attempt.leftovers) or None,
            **(sweeping.counts(attempt) if attempt.chunk else {}),
        }  # fmt: skip
        last = f'ended: "{iso(self.server.now())}"\nseconds: {seconds}\n'
        if exit_:
            last += f"cpu_seconds: {round(exit_.cpu_seconds, 3)}\n"
        if attempt.logs:
            out, err = attempt.logs[:2]
            last += f"stdout_bytes: {self.fs.size(out)}\nstderr_bytes: {self.fs.size(err)}\n"
        last += dump([(key, value) for key, value in end.items() if value is not None])
        self.fs.append(attempt.record, f"{last}...\n".encode(), sync=self.flushes or settings.durability == "strict")

    def flush_log(self, log: int) -> None:
        """Put what was written to it on the server; one that another client of an NFSv3 share has removed is none."""
        try:
            self.fs.sync(log)
        except OSError as error:
            if error.errno != errno.ESTALE:
                raise

    def close(self, attempt: Attempt) -> None:
        """Close record and logs and forget the script.  The record's end is on the server: what fails now changes nothing."""
        descriptors = (attempt.record, *(attempt.logs or ()))
        attempt.record, attempt.logs = -1, None  # a second close of a number could hit somebody else's file
        for descriptor in descriptors:
            with _WHATEVER_IT_SAYS:
                self.fs.close(descriptor)
        with _WHATEVER_IT_SAYS:
            freezing.clear(attempt, self.fs)
        parts = [part for part in (attempt.chunk, attempt.freezing) if part]
        for script in filter(None, (attempt.script, *(part.script for part in parts))):
            with _WHATEVER_IT_SAYS:
                self.fs.remove(script)

    def shut(self) -> None:
        """Nothing is started any more: take back what was laid out for commands on this machine."""
        self.scripts.shut()
        if self.cgroups:
            self.cgroups.leave()
