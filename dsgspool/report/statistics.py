"""What a snapshot means: the verdict, the causes of the failures, the bars, the forecast.

The rule: pure.  The same snapshot gives the same words; nothing here knows of files, clocks or HTML.  A sentence tells
what a person would do next something about, so trouble comes before progress.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from dsgspool.snapshot.attempts import Attempt
from dsgspool.snapshot.values import Counts, Snapshot, TaskSeen, WorkerSeen
from dsgspool.task import State

#: Words for a failure whose record has none.
PLAIN_REASONS = {
    "lost": "its worker died while it ran, as often as max_lost allows",
    "cancelled": "somebody took it away",
    "invalid": "the file cannot be run as it is",
    "timeout": "it ran longer than its timeout",
    "stopped": "its worker gave it back",
    "duplicate": "another file of this name was there",
}
#: The parts of a bar from left to right.
ORDER = (State.DONE, State.FAILED, State.RUNNING, State.TODO, State.WAITING, State.HOLD)
ENOUGH = 5  #: finished attempts below which nothing is foretold

_MASKS = (
    (re.compile(r"0x[0-9a-fA-F]+|\b[0-9a-f]{8,}\b"), "#"),
    (re.compile(r"(?:[\w.~+-]*/)+[\w.~+@%=-]*"), "/..."),
    (re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`"), "'...'"),
    (re.compile(r"\d+(?:[.,:]\d+)*"), "#"),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`tone`: good, busy, idle, attention or bad.  `trouble`: the failures; `notes`: what else one should know."""

    tone: str
    activity: str
    trouble: str = ""
    notes: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """All in one."""
        return f"{self.activity}; {self.trouble}" if self.trouble else self.activity


@dataclass(frozen=True, slots=True)
class Cause:
    """Failures that ended with the same tag and, numbers, paths and names aside, with the same words."""

    tag: str
    pattern: str
    tasks: tuple[TaskSeen, ...]  #: newest first
    hosts: tuple[str, ...]

    @property
    def newest(self) -> TaskSeen:
        """The failure to look at."""
        return self.tasks[0]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar."""

    state: State
    number: int
    percent: float


@dataclass(frozen=True, slots=True)
class Durations:
    """Run times in seconds of the attempts that ended well."""

    number: int
    median: float
    longest: float
    total: float


# -- the verdict -----------------------------------------------------------------------------------------------------


def verdict(snapshot: Snapshot) -> Verdict:
    """The state of affairs in one sentence."""
    tone, activity = _activity(snapshot)
    failed = snapshot.counts.failed
    trouble = failures_in_words(failed, len(causes(snapshot))) if failed else ""
    notes = (*_silent(snapshot), *snapshot.problems)
    if (trouble or notes) and tone != "bad":
        tone = "attention"
    return Verdict(tone, activity, trouble, notes)


def _activity(snapshot: Snapshot) -> tuple[str, str]:
    counts, workers = snapshot.counts, len(snapshot.alive)
    if snapshot.paused and counts.open:
        return "attention", _paused(counts)
    if not counts.open:
        return _at_rest(snapshot)
    if not workers:
        return "bad", f"No worker is alive and {_number(counts.open, 'task waits', 'tasks wait')}"
    if counts.running:
        busy = len({each.worker for each in snapshot.running})
        running = f"{counts.running} running on {_number(busy, 'worker', 'workers')}"
        return "busy", f"Running: {counts.done:,} of {counts.total:,} done, {running}"
    if counts.todo:
        waiting = _number(counts.todo, "task waits", "tasks wait")
        return "busy", f"About to start: {waiting} for {_number(workers, 'worker', 'workers')}"
    return "idle", f"Waiting: {_number(counts.waiting, 'task is', 'tasks are')} not due yet"


def _paused(counts: Counts) -> str:
    running = f", {counts.running} still running" if counts.running else ""
    return f"Paused: {_number(counts.todo + counts.waiting, 'task waits', 'tasks wait')}{running}"


def _at_rest(snapshot: Snapshot) -> tuple[str, str]:
    """Nothing can run."""
    counts = snapshot.counts
    paused = ", and the spool is paused" if snapshot.paused else ""
    if not counts.total:
        return "idle", f"Nothing to do: the spool is empty{paused}"
    if counts.hold:
        held = _number(counts.hold, "task is on hold", "tasks are on hold")
        return "attention", f"Nothing runs: {held}, {counts.done:,} of {counts.total:,} done{paused}"
    if counts.failed:
        return "attention", f"Finished: {counts.done:,} of {counts.total:,} done{paused}"
    return "good", f"All done: {_number(counts.done, 'task', 'tasks')}{paused}"


def failures_in_words(failed: int, number_of_causes: int) -> str:
    """`3 failures have 2 causes`"""
    if failed == 1:
        return "1 failure"
    return f"{failed:,} failures have {_number(number_of_causes, 'cause', 'causes')}"


def _silent(snapshot: Snapshot) -> list[str]:
    """A sentence for each worker that says nothing any more but has not ended."""
    found = []
    for worker in snapshot.workers:
        if not worker.alive and not worker.ended:
            held = f" and holds {_number(len(worker.running), 'task', 'tasks')}" if worker.running else ""
            age = worker.heartbeat_age
            silent = f"has been silent for {duration(age)}" if age is not None else f"is dead ({worker.verdict})"
            found.append(f"{worker.wid} {silent}{held}")
    return found


# -- failures --------------------------------------------------------------------------------------------------------


def last_failed(task: TaskSeen) -> Attempt | None:
    """The attempt that sent a task to failed/: the newest one that did not end well."""
    return next((attempt for attempt in reversed(task.attempts) if not attempt.good), task.newest)


def reason_of(task: TaskSeen) -> str:
    """Why a task failed, in words."""
    attempt = last_failed(task)
    plain = PLAIN_REASONS.get(task.reason, "it failed, and no record says why")
    if task.reason == "cancelled":  # by whom and how is told by no record alike
        return plain
    if attempt is None or (not attempt.over and not attempt.reason):
        return plain
    return attempt.reason or (f"exit code {attempt.exit_code}" if attempt.exit_code is not None else plain)


def failed_at(task: TaskSeen) -> float:
    """When it failed, as far as that is known."""
    attempt = last_failed(task)
    return (attempt.ended or attempt.started or 0.0) if attempt else 0.0


def failures(snapshot: Snapshot) -> list[TaskSeen]:
    """What lies in failed/, newest first."""
    return sorted(snapshot.in_state(State.FAILED), key=lambda task: (-failed_at(task), task.identity))


def causes(snapshot: Snapshot) -> list[Cause]:
    """The failures put together by what they have in common, the largest group first."""
    groups: dict[tuple[str, str], list[TaskSeen]] = {}
    for task in failures(snapshot):
        groups.setdefault((task.reason, mask(reason_of(task))), []).append(task)
    found = [Cause(tag, pattern, tuple(tasks), _hosts(tasks)) for (tag, pattern), tasks in groups.items()]
    return sorted(found, key=lambda cause: -len(cause.tasks))


def mask(text: str) -> str:
    """A reason without what differs from task to task: numbers, paths, quoted names."""
    for pattern, sign in _MASKS:
        text = pattern.sub(sign, text)
    return " ".join(text.split())[:160]


def _hosts(tasks: Iterable[TaskSeen]) -> tuple[str, ...]:
    return tuple(sorted({attempt.host for task in tasks if (attempt := last_failed(task)) and attempt.host}))


# -- numbers ---------------------------------------------------------------------------------------------------------


def bar(counts: Counts) -> list[Part]:
    """The parts of a bar that are not empty; a part of 1 in 10,000 is still to be seen."""
    numbers = [(state, getattr(counts, state.value)) for state in ORDER]
    shown = [(state, number, max(number / counts.total * 100, 0.4)) for state, number in numbers if number]
    whole = sum(percent for _, _, percent in shown)
    return [Part(state, number, percent / whole * 100) for state, number, percent in shown]


def durations(snapshot: Snapshot) -> Durations | None:
    """Run times of all attempts that ended well, None when there is none."""
    seconds = [a.seconds for task in snapshot.tasks for a in task.attempts if a.good and a.seconds is not None]
    if not seconds:
        return None
    return Durations(len(seconds), statistics.median(seconds), max(seconds), sum(seconds))


def remaining(snapshot: Snapshot) -> float | None:
    """Seconds until all that can run has run, at the present concurrency; None when too little is known."""
    known = durations(snapshot)
    going = snapshot.alive and snapshot.running and snapshot.counts.todo and not snapshot.paused
    if known is None or known.number < ENOUGH or not going:
        return None
    mean = known.total / known.number
    begun = sum(min(each.seconds or 0.0, mean) for each in snapshot.running)
    return max(mean * (snapshot.counts.todo + snapshot.counts.running) - begun, 0.0) / len(snapshot.running)


def workers_to_show(snapshot: Snapshot, limit: int = 20) -> list[WorkerSeen]:
    """The living and those that hold tasks, then the last that ended."""
    useful = [w for w in snapshot.workers if w.alive or w.running or not w.ended]
    ended = [w for w in snapshot.workers if w not in useful]
    ended.sort(key=lambda worker: -(worker.started or 0.0))
    return [*sorted(useful, key=lambda worker: (not worker.alive, worker.wid)), *ended[: max(0, limit - len(useful))]]


def duration(seconds: float) -> str:
    """`850 ms`, `12.3 s`, `4 min 05 s`, `12 min`, `2 h 10 min`, `3 d 4 h`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 10:
        return f"{minutes} min {rest:02d} s" if rest else f"{minutes} min"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def size(number: float) -> str:
    """`512 B`, `3.4 MB`"""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 999.5:
            return f"{number:.0f} {unit}" if unit == "B" or number >= 99.5 else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def _number(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
