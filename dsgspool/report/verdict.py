"""The state of affairs in one sentence: is it working, and if not, what is to be done about it first.

The rule: pure; the same book gives the same words.  What stops everything comes before what stops something, that before
progress, progress before what has failed; what else one should know stands in the notes, with the remedy where there is
one.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from dsgspool.classes import dataclass
from dsgspool.report import stuck
from dsgspool.report.figures import silence, state_of
from dsgspool.report.words import about, age, around, duration, enumeration, halt, many, moment, rounded
from dsgspool.task import State

if TYPE_CHECKING:
    from dsgspool.report.book import Book, Node, RunningNow
    from dsgspool.report.failures import Cause
    from dsgspool.report.forecast import Forecast
    from dsgspool.snapshot import WorkerSeen

NO_SPACE = "workers take no new tasks"  #: words of snapshot.look for a disk below `min_free`
FEW = 2  #: things that stop tasks, beside the one in the sentence, that are told in a row; more become a list
IDLE = 600.0  #: seconds without any start, while tasks and workers are there, that are no pause for breath


@dataclass(frozen=True, slots=True)
class Verdict:
    """`tone`: good, busy, idle, attention or bad.  `sentence` says it all; `sub` adds to it; `notes`: what else is wrong."""

    tone: str
    sentence: str
    sub: str = ""
    notes: tuple[str, ...] = ()


def verdict(
    book: Book,
    causes: Sequence[Cause],
    expected: Forecast | None = None,
    overdue: Sequence[tuple[RunningNow, float]] = (),
) -> Verdict:
    """The state of affairs."""
    stops = [("bad", words) for words in _stops_all(book)]
    tone, activity, sub = _activity(book, expected, is_stopped=bool(stops))
    known = {each.sentence: each for each in stuck.obstacles(book)}
    stops += [("attention", words) for words in (*_silent_nodes(book), *known, *map(_overdue, overdue), *_idle(book))]
    failed, remedies = failures_in_words(book, causes), _remedies(known.values())
    notes = (*_mute_workers(book), *remedies, *(problem for problem in book.problems if NO_SPACE not in problem))
    if not stops:
        if tone != "bad" and (failed or notes):
            tone = "attention"
        return Verdict(tone, "; ".join(filter(None, (activity, failed))), sub, notes)
    worst, others = stops[0][1], [words for _, words in stops[1:]]
    is_paused = tone == "attention" and book.snapshot.counts.open > 0  # which stops every task
    if tone == "bad" or (is_paused and stops[0][0] != "bad"):
        sentence, also = activity, [worst, *others, failed]
    elif tone == "busy" and stops[0][0] != "bad":
        sentence, also = f"{worst}; {_small(activity)}", [*others, failed]
    else:
        sentence, also = worst, [activity, *others, failed]
    if len(others) > FEW:  # too much for one paragraph
        also = [each for each in also if each not in others]
        told = [line for words in others for line in (known[words].lines if words in known else (words,))]
        first = _remedies([known[worst]] if worst in known else ())
        notes = (*first, *told, *(note for note in notes if note not in remedies))
    tones = (tone, *(each for each, _ in stops))
    return Verdict("bad" if "bad" in tones else "attention", sentence, ". ".join(filter(None, (*also, sub))), notes)


def failures_in_words(book: Book, causes: Sequence[Cause]) -> str:
    """`3 failures have 2 causes`, '' when there is none."""
    failed = book.failures
    if failed < 2:
        return "1 failure" if failed else ""
    return f"{failed:,} failures have {many(len(causes), 'cause')}"


def _small(sentence: str) -> str:
    """As the second half of a sentence."""
    return sentence[:1].lower() + sentence[1:]


# -- what goes on ----------------------------------------------------------------------------------------------------


def _activity(book: Book, expected: Forecast | None, *, is_stopped: bool) -> tuple[str, str, str]:
    """(tone, sentence, more)"""
    counts, alive = book.snapshot.counts, book.snapshot.alive
    if book.snapshot.paused and counts.open:
        running = f", {counts.running:,} still running" if counts.running else ""
        waiting = many(counts.todo + counts.waiting, "task waits", "tasks wait")
        resume = f"dsgspool --spool {shlex.quote(book.root)} resume"
        return "attention", f"Paused: {waiting}{running}", f"`{resume}`, or `rm PAUSE`, lets them go on"
    if not counts.open:
        return (*_at_rest(book), "")
    if not alive:
        waiting = many(counts.open, "task waits", "tasks wait")
        return "bad", f"No worker is alive, and {waiting}", f"Start one on any node: `{worker_command(book.root)}`"
    if counts.todo + counts.waiting and _are_halted(alive):
        running = f", {counts.running:,} still running" if counts.running else ""
        waiting = many(counts.todo + counts.waiting, "task waits", "tasks wait")
        how = "Paused" if any(worker.paused for worker in alive) else "Draining"
        return "attention", f"{how}: {waiting}, and {_halted_ones(alive)}{running}", _unhalt(book.root, alive)
    if counts.running:
        return "busy", _running(book, expected), ""
    if counts.todo and is_stopped:
        return "idle", many(counts.todo, "task waits", "tasks wait"), ""
    startable = counts.todo - book.kept.number
    takers = _takers(book)
    if startable and not takers:
        return "idle", f"Waiting: {_no_node(book, many(startable, 'task waits', 'tasks wait'))}", ""
    if startable:
        return "busy", f"About to start: {many(startable, 'task')} for {many(len(takers), 'worker')}", ""
    return "idle", _not_due(book), ""


def _takers(book: Book) -> list[WorkerSeen]:
    """Workers that take new tasks now."""
    return [worker for worker in book.snapshot.alive if worker.slots and not worker.rest]


def _are_halted(alive: Sequence[WorkerSeen]) -> bool:
    """True when each that has slots is paused or drains: it lasts until a person does something."""
    able = [worker for worker in alive if worker.slots]
    return bool(able) and all(worker.halted for worker in able)


def _halted_ones(alive: Sequence[WorkerSeen]) -> str:
    how = halt([worker for worker in alive if worker.halted])
    if len(alive) == 1:
        return f"the only worker is {how}"
    are_all = all(worker.halted for worker in alive)
    return f"all {len(alive):,} workers are {how}" if are_all else f"each worker that has slots is {how}"


def _unhalt(root: str, alive: Sequence[WorkerSeen]) -> str:
    if not any(worker.paused for worker in alive):
        return f"Start another one on any node: `{worker_command(root)}`"
    return f"`dsgspool --spool {shlex.quote(root)} workers set '*' paused=false` lets workers take tasks again"


def _no_node(book: Book, waiting: str) -> str:
    """Every worker rests, because its node is not to be had."""
    ends_at = [worker.rest.until for worker in book.snapshot.alive if worker.rest and worker.rest.until is not None]
    before = f"before {moment(min(ends_at), book.taken)}" if ends_at else "now, as somebody uses them"
    return f"{waiting}, and no node is to be had {before}"


def _not_due(book: Book) -> str:
    """Of those in waiting/ that somebody will take."""
    behind = sum(bool(task.after) for task in book.snapshot.in_state(State.WAITING))
    number = book.snapshot.counts.waiting - len(stuck.astray(book)) - behind
    due = book.snapshot.next_due
    when = f", the next at {moment(due, book.taken)}" if due is not None else ""
    words = [f"{many(number, 'task is', 'tasks are')} not due yet{when}"] if number > 0 else []
    words += [many(behind, "task waits for another", "tasks wait for others")] if behind else []
    return f"Waiting: {', '.join(words)}" if words else ""


def worker_command(root: str) -> str:
    """The command that starts a worker."""
    return f"dsgspool --spool {shlex.quote(root)} worker"


def _running(book: Book, expected: Forecast | None) -> str:
    nodes = len({run.host for run in book.running if run.alive}) or 1
    when = done_about(expected, book.taken)
    return f"Running on {many(nodes, 'node')}{f', {when}' if when else ''}"


def done_about(expected: Forecast | None, taken: float) -> str:
    """`done about 18:40`, `done in about 40 s`, '' when nothing can be foretold."""
    if expected is None:
        return ""
    if expected.likely < 90:
        return f"done in about {about(expected.likely)}"
    return f"done about {moment(rounded(taken + expected.likely, expected.likely), taken)}"


def band(expected: Forecast, book: Book) -> str:
    """The band in words, with what it rests on and what it leaves out."""
    going = f"if {many(expected.concurrency, 'task goes', 'tasks go')} on running at a time"
    between = "in {} to {}" if expected.likely < 90 else "between {} and {}"
    return (
        f"Eight in ten: {', '.join(filter(None, (between.format(*ends(expected, book.taken)), going, without(book))))}"
    )


def ends(expected: Forecast, taken: float) -> tuple[str, str]:
    """The band as two moments or durations, around that of `done_about`."""
    early, likely, late = expected.early, expected.likely, expected.late
    if likely < 90:
        first, last = around(likely, likely, (early, late))
        return about(first), about(last)
    first, last = around(taken + likely, likely, (taken + early, taken + late))
    return moment(first, taken), moment(last, taken)


def without(book: Book) -> str:
    """`without 6 that wait`: what a forecast says nothing of."""
    counts = book.snapshot.counts
    number = counts.waiting + counts.hold + book.kept.number
    return f"without {number:,} that {'waits' if number == 1 else 'wait'}" if number else ""


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
        cancelled = f", {book.cancelled:,} cancelled" if book.cancelled else ""
        tone = "attention" if book.failures else "good"
        return tone, f"Finished: {counts.done:,} of {counts.total:,} done{cancelled}{paused}"
    return "good", f"All done: {many(counts.done, 'task')}{paused}"


# -- what is wrong ---------------------------------------------------------------------------------------------------


def _stops_all(book: Book) -> Iterator[str]:
    """What keeps every task from starting."""
    if book.settings is None and book.settings_text:
        yield "spool.yaml cannot be understood, so no new task is taken"
    for problem in [problem for problem in book.problems if NO_SPACE in problem][:1]:
        yield f"The disk is too full: {problem.partition(': ')[2] or problem}"
    if book.snapshot.alive and book.snapshot.counts.todo and not any(worker.slots for worker in book.snapshot.alive):
        yield f"{many(len(book.snapshot.alive), 'worker')} with 0 slots: nothing can start"


def _silent_nodes(book: Book) -> list[str]:
    """Nodes of which nothing is heard though nobody has given them up; one sentence."""
    silent = sorted((node for node in book.nodes if state_of(node) == "silent"), key=lambda node: -_held(node))
    if not silent:
        return []
    held = sum(map(_held, silent))
    ages = [seconds for node in silent if (seconds := silence(node)) is not None]
    since = f"silent for {age(max(ages))}" if ages else "dead"
    if len(silent) == 1:
        has = "has been" if ages else "is"
        return [f"Node {silent[0].host} {has} {since}{f' and holds {_tasks(held)}' if held else ''}"]
    hosts = enumeration([node.host for node in silent])
    have = "have been" if ages else "are"
    return [f"Nodes {hosts} {have} {since}{f' and hold {_tasks(held)}' if held else ''}"]


def _tasks(number: int) -> str:
    return many(number, "task")


def _held(node: Node) -> int:
    return sum(len(worker.running) for worker in node.workers if not worker.alive)


def _overdue(found: tuple[RunningNow, float]) -> str:
    run, most = found
    so_far = duration(run.seconds or 0.0)
    return f"{run.identity} may be stuck: it has run for {so_far}, others of its batch took at most {duration(most)}"


def _idle(book: Book) -> Iterator[str]:
    """Tasks and workers are there, and nothing has started for long."""
    counts, past = book.snapshot.counts, book.past(IDLE)
    startable, takers = counts.todo - book.kept.number, _takers(book)
    if book.snapshot.paused or not startable or counts.running or not takers or past is None:
        return
    if past.counts.todo and not past.counts.running and past.counts.finished == counts.finished:
        since = duration(book.taken - past.moment)
        waiting = many(startable, "task waits", "tasks wait")
        yield f"Nothing has started for {since}, though {waiting} for {many(len(takers), 'worker')}"


def _remedies(found: Iterable[stuck.Obstacle]) -> tuple[str, ...]:
    return tuple(remedy.alone for each in found for remedy in each.remedies)


def _mute_workers(book: Book) -> Iterator[str]:
    """Silent ones, of nodes on which another one is alive."""
    for node in book.nodes:
        for worker in node.workers:
            if node.alive and not worker.alive and not worker.ended and worker.running:
                beat = worker.heartbeat_age
                silent = f"has been silent for {age(beat)}" if beat is not None else f"is dead ({worker.verdict})"
                yield f"Worker {worker.wid} {silent} and holds {many(len(worker.running), 'task')}"
