"""What a task may use: the length of its logs, the memory and the number of its processes.

The rule: what the kernel keeps for all processes of a task (memory, where the worker may divide its cgroup) is not looked
at.  The rest is, several times a second, and for those tasks only that have a limit; looking may take a twentieth of the
time.  Nothing is killed for memory that it shares: the sum of resident sets raises the suspicion, the proportional set
sizes decide.
"""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

from dsgspool import census, proc
from dsgspool.census import Process
from dsgspool.conditions import in_words
from dsgspool.task import Kind, Outcome

if TYPE_CHECKING:
    from dsgspool.worker.attempt import Attempt
    from dsgspool.worker.attempts import Attempts

PAUSE, SHARE = 0.25, 20.0  #: seconds between two looks at processes, and how many times longer than a look at least
RARELY = 4.0  #: seconds between two looks whether cgroups still hold
IDLE = 3600.0  #: seconds between two looks while no task has such a limit
IMPATIENCE = 2  #: a log that gets that many times longer than it may while its writer has its grace ends the grace
KINDS = frozenset({Kind.OOM, Kind.PROCESS_LIMIT})


class Limits:
    """Watches the running attempts of one worker."""

    def __init__(self, attempts: Attempts) -> None:
        self.attempts, self.fs, self.clock = attempts, attempts.fs, attempts.clock
        self.pause = IDLE

    def watch(self, attempt: Attempt) -> None:
        """It has begun: the next look is soon, if it has a limit that must be looked at."""
        if attempt.group or is_watched(attempt):
            duty, self.pause = self.attempts.worker.watching, PAUSE
            duty.next = min(duty.next, self.clock.boot() + PAUSE)

    # -- logs ----------------------------------------------------------------------------------------------------

    def check_logs(self) -> None:
        """Stop what writes more than its `max_log`, and kill what then goes on writing."""
        stopped = [attempt for attempt in self.attempts.clearing if attempt.kill_at is not None]
        for attempt in [*self.attempts.by_pid.values(), *stopped]:
            limit = attempt.task.max_log
            if limit is None or not attempt.logs or (size := max(map(self.fs.size, attempt.logs[:2]))) <= limit:
                continue
            self.attempts.stop(
                attempt, Outcome(Kind.LOG_LIMIT, reason=f"a log is longer than max_log ({in_words(limit)})")
            )
            if size > IMPATIENCE * limit and attempt.kill_at is not None:
                self.attempts.runner.kill(attempt)

    def cut(self, attempt: Attempt, outcome: Outcome) -> None:
        """Nobody writes any more: a log that got longer before that was seen loses what is over its limit."""
        limit = attempt.task.max_log
        if outcome.kind is not Kind.LOG_LIMIT or limit is None or not attempt.logs:
            return
        for log in attempt.logs[:2]:
            if (size := self.fs.size(log)) > limit:
                with contextlib.suppress(OSError):  # then it stays as long as it is
                    self.fs.cut(log, limit)
                    self.fs.append(log, f"\ndsgspool: cut here at max_log; it had {size} bytes\n".encode())

    # -- processes -----------------------------------------------------------------------------------------------

    def check_trees(self) -> None:
        """Kill what has more memory or more processes than it may."""
        watched = [each for each in self.attempts.by_pid.values() if is_watched(each)]
        if not watched:
            self.pause = RARELY if any(each.group for each in self.attempts.by_pid.values()) else IDLE
            return
        before = self.clock.boot()
        trees = census.trees(census.table(), {attempt.pid: attempt.held.claim for attempt in watched})
        for attempt in watched:
            self._check(attempt, trees[attempt.pid])
        self.pause = max(PAUSE, (self.clock.boot() - before) * SHARE)

    def _check(self, attempt: Attempt, tree: list[Process]) -> None:
        resident = sum(process.resident for process in tree)
        attempt.peak_memory = max(attempt.peak_memory, resident)
        if attempt.stopping is None and (outcome := _broken(attempt, tree, resident)):
            self.attempts.stop(attempt, outcome, 0.0)
        if attempt.stopping is not None and attempt.stopping.kind in KINDS:
            proc.send((process.pid for process in tree), signal.SIGKILL)  # also what left its session


def is_watched(attempt: Attempt) -> bool:
    """True when its processes have to be looked at."""
    limits = attempt.task.limits
    return limits.get("processes") is not None or (limits.get("memory") is not None and not _is_kept(attempt))


def _is_kept(attempt: Attempt) -> bool:
    """True while the kernel keeps its limit of memory."""
    return attempt.group is not None and attempt.group.holds()


def _broken(attempt: Attempt, tree: list[Process], resident: int) -> Outcome | None:
    memory, processes = attempt.task.limits.get("memory"), attempt.task.limits.get("processes")
    if processes is not None and len(tree) > processes:
        return Outcome(Kind.PROCESS_LIMIT, reason=f"it had {len(tree)} processes; limits.processes is {processes}")
    if memory is None or resident <= memory or _is_kept(attempt):
        return None
    used = census.proportional(tree)
    return _oom(attempt, f"its processes had {in_words(used)} of memory") if used > memory else None


def _oom(attempt: Attempt, what: str) -> Outcome:
    key = "resources.memory" if attempt.request.memory else "limits.memory"
    return Outcome(Kind.OOM, reason=f"{what}; {key} is {in_words(attempt.task.limits['memory'] or 0)}")


def by_kernel(attempt: Attempt) -> Outcome | None:
    """What the kernel did to all of it for its memory: its cgroup's own limit, or one further up."""
    if attempt.group is None:
        return None
    was_killed, is_its_limit = attempt.group.killed()
    if was_killed and is_its_limit:
        return _oom(attempt, "the kernel killed all its processes: there was no more memory for them")
    if was_killed and attempt.exit is not None and attempt.exit.signal == signal.SIGKILL:
        why = "killed by SIGKILL: this node, or the cgroup that its worker lives in, had no memory left"
        return Outcome(Kind.SIGNAL, signal.SIGKILL, why)
    return None
