"""The verdict: a pure function from what happened and what lies there to the list of broken promises.

The rule: tasks that nobody touches are judged without mercy: each lies in done/, was completed once, with a run that
came to its end, and no two runs of it were alive together.  What people play with is judged by what no person's move may
cause.  Where an outcome is unknown, both are allowed, and only there.

The one excuse for two living runs is in the promise itself: the guard of the first one was not given CPU time (its node
or it itself was frozen, or it was killed together with its worker) for longer than the lease leaves room.  Even then the
older run must be gone within seconds after the thaw, and the task completed once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import chain
from typing import TypeVar

from dsgspool.ranges import parse_range
from tests.nemesis.history import (
    Accepted,
    Execution,
    History,
    Limits,
    Lying,
    Record,
    Rest,
    Sweep,
    Toy,
    Unguarded,
    Violation,
)  # fmt: skip

DONE, FAILED = "done", "failed"
SOON = 60.0  #: seconds after a standstill in which what was begun before may still come
T = TypeVar("T")


def violations(history: History, rest: Rest, limits: Limits) -> list[Violation]:
    """Every one; an empty list is the promise kept."""
    files = _group(rest.files, lambda file: file.name)
    records = _group(rest.records, lambda record: record.task)
    runs = _group(sorted(history.executions, key=lambda run: run.start), lambda run: run.task)
    found = []
    for name, task in history.plain.items():
        lying = files.get(name, [])
        if not task.whole:
            continue
        if task.sure or lying:
            found += _plain(task, lying, _once(records.get(name, []), rest.fenced), runs.get(name, []))
        elif runs.get(name):
            found.append(Violation("lost", name, "its submission had no answer, it ran, and now it is in no folder"))
    found += chain.from_iterable(_toy(toy) for toy in _of_toys(history.toys, rest))
    for name, each in runs.items():
        found += [*_overlaps(name, each, history.unguarded, limits), *_attempts(name, each)]
    for name, task in history.plain.items():
        found += _too_early(name, task, runs, limits)
    for sweep in history.sweeps:
        found += _sweep(sweep, rest, runs)
    found += _told(history, records, limits)
    found += _at_wrong_hours(history)
    for batch, most in history.most.items():
        mine = [run for run in history.executions if run.task.startswith(f"{batch}/")]
        found += _too_many(batch, most, sorted(mine, key=lambda run: run.start), history.unguarded, limits)
    late = {record.task for record in rest.records if _ended_late(record, rest.fenced, history.unguarded, limits)}
    return [*found, *_phantoms(history, rest), *_unrest(rest, late)]


def excused(history: History, limits: Limits) -> list[tuple[Execution, Execution]]:
    """Pairs of runs that were alive together because a guard stood still: to be counted and shown."""
    runs = _group(sorted(history.executions, key=lambda run: run.start), lambda run: run.task)
    pairs = (pair for each in runs.values() for pair in _alive_together(each, limits))
    return [pair for pair in pairs if _excuse(*pair, history.unguarded, limits)]


def _group(every: Iterable[T], key: Callable[[T], str]) -> dict[str, list[T]]:
    grouped: dict[str, list[T]] = defaultdict(list)
    for each in every:
        grouped[key(each)].append(each)
    return grouped


# -- tasks that nobody touches -------------------------------------------------------------------------------------------


def _once(records: list[Record], fenced: frozenset[str]) -> list[Record]:
    """Without what a worker that others had taken for dead wrote late: its command had ended, its end came too late."""
    good = sorted((record for record in records if record.outcome == DONE), key=lambda record: record.attempt)
    return [record for record in good if record is good[-1] or record.worker not in fenced]


def _plain(task: Accepted, lying: list[Lying], good: list[Record], runs: list[Execution]) -> Iterator[Violation]:
    name = task.name
    if not lying:
        yield Violation("lost", name, "accepted, and in no folder")
    if len(lying) > 1:
        yield Violation("twice-there", name, f"it lies in {_places(lying)}")
    for file in lying:
        if file.id != task.id:
            yield Violation(
                "overwritten", name, f"{file.state}/{file.path} holds {file.id or '?'} instead of {task.id}"
            )
        if file.state != (FAILED if task.fails else DONE):
            yield Violation("not-done", name, f"it lies in {file.state}/{file.path}")
    if len(good) > 1:
        yield Violation("completed-twice", name, f"attempts {[record.attempt for record in good]} ended with done")
    if any(file.state == DONE for file in lying):
        yield from _proven(name, lying[0], good, runs)


def _proven(name: str, file: Lying, good: list[Record], runs: list[Execution]) -> Iterator[Violation]:
    """The attempt that its record calls done ran to its end, ran this text, and was the last one."""
    if not good:
        yield Violation("done-without-record", name, "no record says done")
        return
    attempt, worker = good[-1].attempt, good[-1].worker
    if not any(run.ended and (run.attempt, run.worker) == (attempt, worker) for run in runs):
        yield Violation("done-without-run", name, f"attempt {attempt} of {worker} did not come to its end")
    if good[-1].digest != file.digest:
        yield Violation("overwritten", name, f"the text in done/ is not the one that attempt {attempt} ran")
    if late := [run.attempt for run in runs if run.attempt > attempt]:
        yield Violation("ran-after-done", name, f"attempt {attempt} had ended well, yet attempts {late} ran")


# -- sweeps, alerts, hours -------------------------------------------------------------------------------------------------


def _sweep(sweep: Sweep, rest: Rest, runs: Mapping[str, list[Execution]]) -> Iterator[Violation]:
    """Each item is covered by one chunk in done/ and ran to its good end, and no line of a success is told that was none."""
    name = sweep.name
    files = [file for file in rest.files if file.name == name or file.name.startswith(f"{name}/")]
    mine = {item: [run for run in runs.get(f"{name}/{item}", []) if run.ended] for item in range(sweep.count)}
    if not files and (sweep.sure or any(mine.values())):
        yield Violation("lost", name, "a sweep, and in no folder")
    if not files:
        return
    parts = [parse_range(file.name) for file in files]
    covered = Counter(item for part in parts if part for item in range(part.first, part.last + 1))
    shown = Counter(item for part in parts if part for item in rest.lines.get(part.identity, []))
    for file in files:
        if file.state != DONE or not (part := parse_range(file.name)) or part.is_rest:
            yield Violation("not-done", name, f"a part of it lies in {file.state}/{file.path}")
        if file.id != sweep.id:
            yield Violation(
                "overwritten", name, f"{file.state}/{file.path} holds {file.id or '?'} instead of {sweep.id}"
            )
    for item, ended in mine.items():
        if covered[item] != 1:
            rule = "twice-there" if covered[item] else "lost"
            yield Violation(rule, name, f"{covered[item]} chunks in done/ have its item {item}")
        if not ended:
            yield Violation("done-without-run", name, f"its item {item} never came to its end")
        if shown[item] > len(ended):
            yield Violation(
                "told-twice", name, f"{shown[item]} lines tell of {len(ended)} successes of its item {item}"
            )


def _told(history: History, records: Mapping[str, list[Record]], limits: Limits) -> Iterator[Violation]:
    """An event is told once at most, and once at least by who published it and came to its own good end."""
    told = Counter((each.task, each.event) for each in history.told)
    stood = {
        worker for pause in history.unguarded if pause.end - pause.begin >= limits.margin for worker in pause.workers
    }
    for task in (task for task in history.plain.values() if task.tells):
        tellers = [each.worker for each in history.told if (each.task, each.event) == (task.name, task.tells)]
        if len(tellers) > 1 and not stood.intersection(tellers):
            yield Violation("told-twice", task.name, f"{task.tells} is told by {', '.join(tellers)}")
        ends = sorted(records.get(task.name, []), key=lambda record: record.attempt)
        if not tellers and ends and ends[-1].outcome and ends[-1].worker in history.tellers:
            yield Violation("untold", task.name, f"{ends[-1].worker} published it, ended well, and told nobody")
    for (name, event), times in told.items():
        task = history.plain.get(name)
        if task is None or task.tells != event:
            yield Violation("told-falsely", name, f"{event} is told {times} times, and it has no such command")


def _at_wrong_hours(history: History) -> Iterator[Violation]:
    """A worker with hours starts nothing at others, but what it had begun to start when it was stopped."""
    for run in history.executions:
        rough = any(begin - SOON < run.start < end + SOON for begin, end in history.rough)
        if run.worker in history.resting and not rough and not history.hours(run.start):
            yield Violation(
                "wrong-hours", run.task, f"attempt {run.attempt} began on {run.worker}, which rests at that hour"
            )


# -- tasks that people play with -------------------------------------------------------------------------------------------


def _of_toys(toys: Mapping[str, Toy], rest: Rest) -> Iterator[tuple[str, Toy, list[Lying], list[Record]]]:
    files = _group(rest.files, lambda file: file.id)
    records = _group(rest.records, lambda record: record.id)
    for name, toy in toys.items():
        mine = [[*chain.from_iterable(every.get(each, []) for each in toy.ids)] for every in (files, records)]
        yield name, toy, mine[0], mine[1]


def _toy(seen: tuple[str, Toy, list[Lying], list[Record]]) -> Iterator[Violation]:
    name, toy, files, records = seen
    last = toy.ids[-1]
    if not toy.excused and last not in {each.id for each in chain(files, records)}:
        yield Violation("lost", name, f"its text {last} is in no folder and in no record")
    if not toy.excused and not files:
        yield Violation("lost", name, "nobody removed it, and it is in no folder")
    done = sum(record.outcome == DONE for record in records)
    if done > 1 + toy.touched:
        yield Violation("completed-twice", name, f"completed {done} times, and people touched it {toy.touched} times")
    if len(files) > 1 + toy.touched:
        yield Violation("twice-there", name, f"{len(files)} files, and people touched it {toy.touched} times")


# -- runs --------------------------------------------------------------------------------------------------------------------


def _alive_together(runs: list[Execution], limits: Limits) -> Iterator[tuple[Execution, Execution]]:
    """Pairs (older, newer) of one task's runs, in the order of their starts, that were alive at the same time."""
    for number, run in enumerate(runs):
        for older in runs[:number]:
            if older.last > run.start + (limits.slack if older.node != run.node else 0):
                yield older, run


def _overlaps(name: str, runs: list[Execution], unguarded: list[Unguarded], limits: Limits) -> Iterator[Violation]:
    for older, run in _alive_together(runs, limits):
        if not _excuse(older, run, unguarded, limits):
            yield Violation(
                "overlap", name, f"attempt {run.attempt} on {run.worker} began {older.last - run.start:.3f} s before the last "
                f"sign of life of attempt {older.attempt} on {older.worker}",
            )  # fmt: skip
    for number, run in enumerate(runs):
        if run.together and not any(_excuse(older, run, unguarded, limits) for older in runs[:number]):
            yield Violation("overlap", name, f"attempt {run.attempt} on {run.worker} met a living process of this task")


def _excuse(older: Execution, run: Execution, unguarded: list[Unguarded], limits: Limits) -> bool:
    """True when the older run's guard stood still so long before the newer start that it could not kill in time, and
    killed soon after."""
    for pause in unguarded:
        stood = min(pause.end, run.start) - max(pause.begin, run.start - 2 * limits.lease)
        if older.worker in pause.workers and stood >= limits.margin and older.last <= pause.end + 2 * limits.kill:
            return True
    return False


def _attempts(name: str, runs: list[Execution]) -> Iterator[Violation]:
    """An attempt's number is given once, ever: it serves as a fencing token."""
    for attempt, times in Counter(run.attempt for run in runs).items():
        if times > 1:
            workers = [run.worker for run in runs if run.attempt == attempt]
            yield Violation("attempt-twice", name, f"attempt {attempt} ran {times} times, on {', '.join(workers)}")


def _too_early(name: str, task: Accepted, runs: Mapping[str, list[Execution]], limits: Limits) -> Iterator[Violation]:
    """Nothing starts before what it waits for came to its end."""
    for run in runs.get(name, []):
        for other in task.after:
            ends = [each for each in runs.get(other, []) if each.ended]
            if not any(each.last <= run.start + (limits.slack if each.node != run.node else 0) for each in ends):
                yield Violation(
                    "too-early", name, f"attempt {run.attempt} on {run.worker} began before {other} had ended"
                )


def _too_many(
    batch: str, most: int, runs: list[Execution], unguarded: list[Unguarded], limits: Limits
) -> Iterator[Violation]:
    """Never do more of a batch run than its policy says; what a guard that stood still could not kill is not counted."""
    alive: dict[Execution, list[Execution]] = defaultdict(list)
    for older, run in _alive_together(runs, limits):
        if not _excuse(older, run, unguarded, limits):
            alive[run].append(older)
    for run, others in alive.items():
        if len(others) >= most:
            names = ", ".join(f"{each.task} on {each.worker}" for each in others)
            yield Violation("too-many", run.task, f"it began on {run.worker} beside {names}: {most} of {batch} may run")


# -- the spool at rest -------------------------------------------------------------------------------------------------------


def _phantoms(history: History, rest: Rest) -> Iterator[Violation]:
    """Nothing runs, lies there or is recorded that nobody handed in."""
    known = {each.id for each in (*history.plain.values(), *history.sweeps)} | {
        each for toy in history.toys.values() for each in toy.ids
    }
    where = [(run.task, run.id, "ran") for run in history.executions]
    where += [(file.name, file.id, f"lies in {file.state}/{file.path}") for file in rest.files]
    for name, its_id, what in where:
        if its_id not in known and its_id:
            yield Violation("phantom", name, f"a text {its_id} that nobody handed in {what}")


def _ended_late(record: Record, fenced: frozenset[str], unguarded: list[Unguarded], limits: Limits) -> bool:
    """A worker that stood still, together with its guard, until others had taken it for dead, ends records after the
    thaw: their `ended` is no moment at which a command was alive.  The commands themselves are judged by their proof."""
    stood = any(record.worker in pause.workers and pause.end - pause.begin >= limits.margin for pause in unguarded)
    return bool(record.outcome) and record.worker in fenced and stood


def _unrest(rest: Rest, late: Collection[str]) -> Iterator[Violation]:
    for file in rest.files:
        if "@" in file.path.rpartition("/")[2]:
            yield Violation("leftover-claim", file.name, f"{file.state}/{file.path}")
        elif file.state in ("todo", "waiting", "running"):
            yield Violation("stuck", file.name, f"{file.state}/{file.path}")
    for rule, lines in (("check", rest.problems), ("process", rest.processes), ("restless", rest.restless)):
        for line in lines:
            if rule == "check" and line.startswith("overlap: ") and line.split(": ")[1] in late:
                continue
            yield Violation(rule, "", line)


def _places(lying: Iterable[Lying]) -> str:
    return ", ".join(f"{file.state}/{file.path}" for file in lying)
