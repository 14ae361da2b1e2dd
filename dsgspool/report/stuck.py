"""What will not run whatever happens, until a person does something: how many tasks, and what would have to be there.

The rule: pure, and each task has one cause.  A batch that is tried on a few tasks is not stuck while those run.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING

from dsgspool.classes import dataclass
from dsgspool.names import parse_lane
from dsgspool.report.text import resume_command
from dsgspool.report.words import enumeration, halt, many
from dsgspool.requests import Request, why_unfit
from dsgspool.snapshot.awaited import stuck as waiting_for_ever
from dsgspool.task import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dsgspool.names import Lane
    from dsgspool.report.book import Book
    from dsgspool.snapshot.standings import Standing
    from dsgspool.snapshot.values import Snapshot, TaskSeen, WorkerSeen

STATES = {  # of a batch's policy -> in words behind `Batch NAME `, for several
    "paused": ("is paused", "are paused"),
    "tripped": ("is stopped by its breaker", "are stopped by their breakers"),
    "canary": ("is held back by its canary", "are held back by their canaries"),
    "stopped": (
        "is not started, as its policy cannot be obeyed",
        "are not started, as their policies cannot be obeyed",
    ),
}


@dataclass(frozen=True, slots=True)
class Unmet:
    """Tasks that want what no living worker has.  `wants`: of that what nobody has; `nearest`: a worker, and what it lacks."""

    wants: str
    tasks: tuple[str, ...]
    nearest: str


@dataclass(frozen=True, slots=True)
class Kept:
    """Tasks in todo/ that nobody will start."""

    wide: tuple[int, ...] = ()  #: the slots that each of them wants
    strange: int = 0  #: in lanes of a later version
    unmet: tuple[Unmet, ...] = ()
    lanes: Mapping[str, str] = field(default_factory=dict)  #: lane -> what of it no living worker has
    halted: Mapping[tuple[str, ...], int] = field(default_factory=dict)  #: who alone could, and takes nothing -> tasks
    held: Mapping[str, int] = field(default_factory=dict)  #: batch -> kept by its policy
    batches: Mapping[str, int] = field(default_factory=dict)  #: batch -> all of them

    @property
    def number(self) -> int:
        """All of them."""
        return sum(self.batches.values())


def kept(snapshot: Snapshot, requests: Mapping[str, Request]) -> Kept:
    """What is kept from running.  `requests`: what tasks of a lane want besides slots, as far as it is known."""
    limits = snapshot.limits
    workers = [replace(each, inventory=each.inventory.within(limits)) for each in snapshot.alive if each.slots]
    causes: dict[str, tuple[str, ...]] = {}
    alone: dict[str, tuple[str, ...]] = {}
    wide, strange, held_back, batches = [], 0, Counter[str](), Counter[str]()
    halted = Counter[tuple[str, ...]]()
    unmet: dict[tuple[str, ...], list[str]] = {}
    for task in snapshot.in_state(State.TODO):
        lane = task.name.lane
        if lane not in causes:
            causes[lane] = _cause(parse_lane(lane), requests.get(lane), workers)
            alone[lane] = () if causes[lane] else _only_halted(parse_lane(lane), requests.get(lane), workers)
        cause = causes[lane]
        if cause == ("strange",):
            strange += 1
        elif cause == ("wide",):
            wide.append(parse_lane(lane).cpus)
        elif cause:
            unmet.setdefault(cause, []).append(task.identity)
        elif _is_held(snapshot, task):
            held_back[task.batch] += 1
        elif alone[lane]:
            halted[alone[lane]] += 1
        else:
            continue
        batches[task.batch] += 1
    found = [Unmet(wants, tuple(tasks), nearest) for (wants, nearest), tasks in unmet.items()]
    found.sort(key=lambda each: -len(each.tasks))
    lanes = {lane: cause[0] for lane, cause in causes.items() if cause in unmet}
    return Kept(tuple(wide), strange, tuple(found), lanes, dict(halted), dict(held_back), dict(batches))


def _is_held(snapshot: Snapshot, task: TaskSeen) -> bool:
    standing = snapshot.policies.get(task.batch)
    return standing is not None and standing.stops and task.identity not in standing.only


def _cause(lane: Lane, request: Request | None, workers: Sequence[WorkerSeen]) -> tuple[str, ...]:
    """(`strange`), (`wide`), (what it wants that nobody has, the nearest node), or nothing."""
    if not lane.known:
        return ("strange",)
    if workers and lane.cpus > max(worker.slots for worker in workers):
        return ("wide",)
    if request is None or not workers:
        return ()
    lacks = {worker.wid: _lacks(lane.cpus, request, worker) for worker in workers}
    if not all(lacks.values()):
        return ()
    nearest = min(workers, key=lambda worker: (len(lacks[worker.wid]), worker.wid))
    return _wanted(lane.cpus, request, workers), f"{nearest.host}: {'; '.join(lacks[nearest.wid])}"


def _only_halted(lane: Lane, request: Request | None, workers: Sequence[WorkerSeen]) -> tuple[str, ...]:
    """The workers that can run it, when each is paused or drains; when all workers are or do, the verdict says it."""
    able = [worker for worker in workers if not _lacks(lane.cpus, request or Request(), worker)]
    are_all = all(worker.halted for worker in able)
    return tuple(worker.wid for worker in able) if are_all and not all(worker.halted for worker in workers) else ()


def _lacks(cpus: int, request: Request, worker: WorkerSeen) -> list[str]:
    few = [f"has {many(worker.slots, 'slot')}, it wants {cpus}"] if cpus > worker.slots else []
    return few + why_unfit(request, worker.inventory)


def _wanted(cpus: int, request: Request, workers: Sequence[WorkerSeen]) -> str:
    """What no worker has; everything, when each of it is somewhere and all of it nowhere."""
    parts = [part for part in _parts(request) if all(why_unfit(part, worker.inventory) for worker in workers)]
    whole = f"cpus={cpus} {request}" if cpus > 1 else str(request)
    return " ".join(map(str, parts)) or f"{whole} together"


def _parts(request: Request) -> Iterator[Request]:
    """The request as several, each of one thing."""
    nothing = Request()
    choosy = tuple(condition for condition in request.where if condition.chooses_gpus)
    if request.memory:
        yield replace(nothing, memory=request.memory[:1])
    if request.scratch:
        yield replace(nothing, scratch=request.scratch)
    if request.gpus or choosy:
        yield replace(nothing, gpus=request.gpus, gpu_memory=request.gpu_memory, where=choosy)
    for pair in request.named:
        yield replace(nothing, named=(pair,))
    for condition in request.where:
        if condition not in choosy:
            yield replace(nothing, where=(condition,))


# -- in words --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Remedy:
    """What would help: as a note of its own, and behind the sentence that says what is wrong."""

    alone: str
    behind: str


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why tasks will not run, in a sentence, and what would help."""

    sentence: str
    remedies: tuple[Remedy, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """All of it; one remedy goes on where the sentence ends."""
        if len(self.remedies) == 1:
            return (f"{self.sentence}{self.remedies[0].behind}",)
        return (self.sentence, *(remedy.alone for remedy in self.remedies))


def obstacles(book: Book) -> Iterator[Obstacle]:
    """What a person forgot first, what a person wanted last."""
    if lost := astray(book):
        folders = enumeration([f"waiting/{folder}" for folder in dict.fromkeys(task.waits_for for task in lost)], 2)
        yield Obstacle(
            f"{many(len(lost), 'task waits', 'tasks wait')} where nobody takes them: {folders} names no moment"
        )
    for found in waiting_for_ever(book.snapshot.tasks, knows_finished=False, finals=book.snapshot.finals):
        circle = f"{len(found.tasks)} tasks wait for each other: {found.sentence}"
        yield Obstacle(circle if found.kind == "circle" and len(found.tasks) > 1 else found.sentence)
    yield from _out_of_reach(book)
    for state in STATES:
        if batches := held(book, state):
            waiting = many(sum(map(book.kept.held.__getitem__, batches)), "task waits", "tasks wait")
            is_so = STATES[state][len(batches) > 1]
            sentence = f"Batch{'es' * (len(batches) > 1)} {enumeration(batches)} {is_so}, and {waiting}"
            yield Obstacle(sentence, tuple(_let_go(book, batch) for batch in batches))


def _code(command: str) -> str:
    """As code, unless a name with such a quote in it would end it early: half a command must not be copied."""
    return command if "`" in command else f"`{command}`"


def _out_of_reach(book: Book) -> Iterator[Obstacle]:
    """What tasks want that no living worker has."""
    slots = max((worker.slots for worker in book.snapshot.alive), default=0)
    if wide := book.kept.wide:
        wants = many(len(wide), "task wants", "tasks want")
        more = " or more" if len(set(wide)) > 1 else ""
        yield Obstacle(f"{wants} {min(wide)} slots{more}, and the largest worker has {slots}")
    for unmet in book.kept.unmet:
        sentence = f"No node can run {many(len(unmet.tasks), 'task')}: no living one has {unmet.wants}"
        yield Obstacle(sentence, (_nearest(book, unmet),))
    for wids, number in book.kept.halted.items():
        yield _behind_halted(book, wids, number)
    if strange := book.kept.strange:
        yield Obstacle(f"{many(strange, 'task lies', 'tasks lie')} in a lane that this version does not know")


def _behind_halted(book: Book, wids: tuple[str, ...], number: int) -> Obstacle:
    those = [worker for worker in book.snapshot.workers if worker.wid in wids]
    are = "is" if len(wids) == 1 else "are"
    sentence = f"Only {enumeration(list(wids))}, which {are} {halt(those)}, can run {many(number, 'task')}"
    if not (paused := [worker.wid for worker in those if worker.paused]):
        return Obstacle(sentence)
    command = f"dsgspool --spool {shlex.quote(book.root)} workers set {shlex.quote(paused[0])} paused=false"
    words = f"{_code(command)} lets it take tasks again"
    return Obstacle(sentence, (Remedy(f"Worker {paused[0]}: {words}", f": {words}"),))


def _nearest(book: Book, unmet: Unmet) -> Remedy:
    command = f"dsgspool --spool {shlex.quote(book.root)} why {shlex.quote(unmet.tasks[0])}"
    more = f"{unmet.nearest}; {_code(command)} says more"
    return Remedy(f"Nearest to {unmet.wants.removesuffix(' together')} is {more}", f". Nearest is {more}")


def _let_go(book: Book, batch: str) -> Remedy:
    standing = book.snapshot.policies[batch]
    command = resume(book, standing, batch)
    words = f": {why(book, standing)}{f'; {_code(command)} lets it go on' if command else ''}"
    return Remedy(f"Batch {batch}{words}", words)


def astray(book: Book) -> list[TaskSeen]:
    """Tasks in folders of waiting/ whose names say neither a moment nor a task."""
    return [task for task in book.snapshot.in_state(State.WAITING) if task.until is None and not task.after]


def held(book: Book, state: str) -> list[str]:
    """Batches with tasks that their policies hold back until a person does something."""
    standings = book.snapshot.policies
    return [name for name in sorted(book.kept.held) if standings[name].state == state]


def reasons(book: Book) -> dict[str, tuple[str, str]]:
    """Batch -> why none of it is started, in a few words, and the command that lets it go on, '' when none does."""
    found = {name: book.snapshot.policies[name] for state in STATES for name in held(book, state)}
    return {name: (label(each), resume(book, each, name)) for name, each in found.items()}


def resume(book: Book, standing: Standing, batch: str) -> str:
    """The command that lets a batch go on; '' where its policy has to be mended first."""
    return "" if standing.state == "stopped" else resume_command(book.root, batch)


def label(standing: Standing) -> str:
    """Of a batch that is not simply open, in a few words; '' for all others."""
    if standing.state == "canary" and not standing.stops:
        return f"canary: {many(len(standing.only), 'task is', 'tasks are')} tried first"
    labels = {
        "paused": "paused",
        "tripped": "breaker tripped",
        "canary": "canary failed",
        "stopped": "policy not obeyed",
    }
    return labels.get(standing.state, "")


def why(book: Book, standing: Standing) -> str:
    """Why it lets nothing start, with paths as seen from the spool."""
    return standing.why.replace(f"{book.root}/", "")


def limits(standing: Standing, running: int) -> list[tuple[str, str]]:
    """(key, value) of what a policy says beside its state."""
    policy = standing.policy
    found = []
    if policy.max_running is not None:
        found.append(("running of max_running", f"{running:,} of {policy.max_running:,}"))
    if policy.priority:
        found.append(("priority", str(policy.priority)))
    if policy.canary:
        found.append(("canary", many(policy.canary, "task")))
    if policy.breaker:
        found.append(("breaker", f"{policy.breaker.failures:,} failures of {policy.breaker.of:,}"))
    return found
