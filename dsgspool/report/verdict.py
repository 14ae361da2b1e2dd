"""The state of affairs in one sentence: is it working, and if not, what is to be done about it first.

The rule: pure; the same book gives the same words.  Trouble that stops everything comes before progress, progress before
what has failed; what else one should know stands in the notes, each with the remedy where there is one.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from dsgspool import clock, names
from dsgspool.report.book import Book, Node
from dsgspool.report.failures import clusters
from dsgspool.report.forecast import Forecast, forecast
from dsgspool.report.units import duration, many
from dsgspool.task import State

NO_SPACE = "workers take no new tasks"  #: words of snapshot.look for a disk below `min_free`
ASTRAY = (" lies in no folder of ", " is no moment")  #: and for tasks that nobody will ever take
AFTER = "after-"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`tone`: good, busy, idle, attention or bad.  `sentence` says it all; `sub` adds to it; `notes`: what else is wrong."""

    tone: str
    sentence: str
    sub: str = ""
    notes: tuple[str, ...] = ()


def verdict(book: Book) -> Verdict:
    """Of the whole spool."""
    tone, activity, sub = _activity(book)
    stops, notes = _stops(book), list(_notes(book))
    failed = failures_in_words(book)
    if stops:
        sub = ". ".join(filter(None, (activity, failed, *stops[1:])))
        return Verdict("bad", stops[0], sub, tuple(notes))
    if (failed or notes) and tone != "bad":
        tone = "attention"
    return Verdict(tone, f"{activity}; {failed}" if failed else activity, sub, tuple(notes))


def failures_in_words(book: Book) -> str:
    """`3 failures have 2 causes`, '' when there is none."""
    failed = book.snapshot.counts.failed
    if failed < 2:
        return "1 failure" if failed else ""
    causes = len(clusters(book))
    return f"{failed:,} failures have {many(causes, 'cause')}"


# -- what goes on ----------------------------------------------------------------------------------------------------


def _activity(book: Book) -> tuple[str, str, str]:
    """(tone, sentence, more)"""
    counts, alive = book.snapshot.counts, book.snapshot.alive
    if book.snapshot.paused and counts.open:
        running = f", {counts.running:,} still running" if counts.running else ""
        waiting = many(counts.todo + counts.waiting, "task waits", "tasks wait")
        return "attention", f"Paused: {waiting}{running}", "`dsgspool resume` or `rm PAUSE` lets them go on."
    if not counts.open:
        return (*_at_rest(book), "")
    if not alive:
        waiting = many(counts.open, "task waits", "tasks wait")
        start = f"dsgspool --spool {shlex.quote(book.root)} worker"
        return "bad", f"No worker is alive, and {waiting}", f"Start one on any node: `{start}`"
    if counts.running:
        return "busy", _running(book), f"{counts.done:,} of {counts.total:,} done, {counts.running:,} running"
    if counts.todo:
        return "busy", f"About to start: {many(counts.todo, 'task')} for {many(len(alive), 'worker')}", ""
    due = book.snapshot.next_due
    when = f"; the next at {moment(due, book.taken)}" if due is not None else ""
    return "idle", f"Waiting: {many(counts.waiting, 'task is', 'tasks are')} not due yet{when}", ""


def _running(book: Book) -> str:
    nodes = len({run.host for run in book.running if run.alive}) or 1
    when = done_about(forecast(book), book.taken)
    return f"Running on {many(nodes, 'node')}{f', {when}' if when else ''}"


def done_about(expected: Forecast | None, taken: float) -> str:
    """`done about 18:40`, '' when nothing can be foretold."""
    return f"done about {moment(taken + expected.likely, taken)}" if expected else ""


def moment(unix: float, taken: float) -> str:
    """`18:40` today, `Sat 18:40` within days, else the date: local time, as seen from when the page was written."""
    date, _, time = clock.local(unix).partition(" ")
    if date == clock.local(taken).partition(" ")[0]:
        return time[:5]
    return f"{date} {time[:5]}"


def _at_rest(book: Book) -> tuple[str, str]:
    """Nothing can run."""
    counts = book.snapshot.counts
    paused = ", and the spool is paused" if book.snapshot.paused else ""
    if not counts.total:
        return "idle", f"Nothing to do: the spool is empty{paused}"
    if counts.hold:
        held = many(counts.hold, "task is on hold", "tasks are on hold")
        return "attention", f"Nothing runs: {held}, {counts.done:,} of {counts.total:,} done{paused}"
    if counts.failed:
        return "attention", f"Finished: {counts.done:,} of {counts.total:,} done{paused}"
    return "good", f"All done: {many(counts.done, 'task')}{paused}"


# -- what is wrong ---------------------------------------------------------------------------------------------------


def _stops(book: Book) -> list[str]:
    """What keeps tasks from running, a sentence each, the worst first."""
    found = [problem for problem in book.problems if NO_SPACE in problem]
    return [*(_no_space(problem) for problem in found[:1]), *_silent_nodes(book), *_stuck(book)]


def _no_space(problem: str) -> str:
    return f"The disk is full: {problem.split(': ', 1)[-1]}"


def _silent_nodes(book: Book) -> Iterator[str]:
    if not book.snapshot.alive and book.snapshot.counts.open:
        return  # nobody at all is alive: said already
    for node in (node for node in book.nodes if node.silent and not node.alive):
        held = sum(len(worker.running) for worker in node.workers)
        holds = f" and holds {many(held, 'task')}" if held else ""
        yield f"Node {node.host} {_silence(node)}{holds}"


def _silence(node: Node) -> str:
    ages = [worker.heartbeat_age for worker in node.workers if not worker.ended and worker.heartbeat_age is not None]
    return f"has been silent for {duration(min(ages))}" if ages else "is dead"


def _stuck(book: Book) -> Iterator[str]:
    """Tasks that will not run whatever happens, until a person does something."""
    astray = [problem for problem in book.problems if any(words in problem for words in ASTRAY)]
    if astray:
        yield f"{many(len(astray), 'place holds tasks', 'places hold tasks')} that nobody takes"
    yield from _too_wide(book)
    yield from _after(book)


def _too_wide(book: Book) -> Iterator[str]:
    slots = max((worker.slots for worker in book.snapshot.alive), default=0)
    wide = [
        lane.cpus
        for task in book.snapshot.in_state(State.TODO)
        if task.name.lane and (lane := names.parse_lane(task.name.lane)).cpus > slots
    ]
    if wide and slots:
        yield (
            f"{many(len(wide), 'task wants', 'tasks want')} {min(wide)} slots or more, and the largest worker has {slots}"
        )


def _after(book: Book) -> Iterator[str]:
    """Tasks that wait for one which has failed, or which is nowhere."""
    waiting: dict[str, int] = {}
    for task in book.snapshot.in_state(State.WAITING):
        if task.waits_for.startswith(AFTER):
            waiting[task.waits_for.removeprefix(AFTER).replace("%", "/")] = waiting.get(task.waits_for, 0) + 1
    if not waiting:
        return
    failed = {failure.identity for failure in book.failed}
    known = {task.identity for task in book.snapshot.tasks} | set(book.attempts.task)
    for name, number in sorted(waiting.items()):
        if name in failed or name not in known:
            why = "which has failed" if name in failed else "which is nowhere"
            yield f"{many(number, 'task waits', 'tasks wait')} for {name}, {why}"


def _notes(book: Book) -> Iterator[str]:
    """What does not stop the rest."""
    for worker in book.snapshot.workers:
        node = next((node for node in book.nodes if node.host == worker.host), None)
        if not worker.alive and not worker.ended and node is not None and node.alive:
            age = worker.heartbeat_age
            silent = f"has been silent for {duration(age)}" if age is not None else f"is dead ({worker.verdict})"
            held = f" and holds {many(len(worker.running), 'task')}" if worker.running else ""
            yield f"Worker {worker.wid} {silent}{held}"
    yield from (problem for problem in book.problems if NO_SPACE not in problem)
