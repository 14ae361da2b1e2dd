"""What waits for other tasks, and what of it will wait for ever unless a person does something.

The rule: pure, and from listings alone.  A waiting task lies in the folder of ONE thing that it waits for, so tasks that
wait for each other in a circle are found by following folders; no task file is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import chain, islice
from types import MappingProxyType

from dsgspool.classes import dataclass
from dsgspool.snapshot.values import TaskSeen
from dsgspool.spool.dependencies import meaning, top_of
from dsgspool.task import After, State

FINISHED = (State.DONE, State.FAILED)
CIRCLES = 100  #: are told: where thousands wait for each other there is one for nearly each of them
NAMED = 6  #: names of a circle that are told


@dataclass(frozen=True, slots=True)
class Stuck:
    """Why `tasks` wait for ever: `what` is unknown, is on hold, or is the beginning of a circle of names."""

    kind: str  #: unknown, hold, circle
    what: str
    tasks: tuple[str, ...]
    meant: str = ""  #: of what is unknown: the batch of that name, or the task in the waiter's own batch

    @property
    def sentence(self) -> str:
        """For people."""
        if self.kind == "circle":
            more = len(self.tasks) - NAMED
            names = self.tasks if more <= 1 else (*self.tasks[: NAMED - 1], f"({more:,} more)", self.tasks[-1])
            return " waits for ".join((*names, self.tasks[0]))
        number = len(self.tasks)
        who = self.tasks[0] if number == 1 else f"{self.tasks[0]} and {number - 1:,} more"
        is_there = "is on hold" if self.kind == "hold" else no_task(self.what, self.meant)
        return f"{who} {'waits' if number == 1 else 'wait'} for {self.what}, which {is_there}"


def no_task(what: str, meant: str) -> str:
    """Of a name that is no task's: what it is instead."""
    if meant == f"{what}/":
        return f"is a batch: write {meant}"
    return f"is nowhere in the spool{f': did you mean {meant}?' if meant else ''}"


def meant_instead(what: str, waiters: Collection[str], is_there: Callable[[str], bool]) -> str:
    """What may be meant by a name that is no task's; '' when nothing is.  `is_there`: a task, or with a `/` a batch, which is
    not meant by those that lie in it: two that wait for all of it wait for each other, and one alone for nothing."""
    if After(what).is_many:
        return ""
    if is_there(f"{what}/") and not any(name.startswith(f"{what}/") for name in waiters):
        return f"{what}/"
    for folder in dict.fromkeys(chain.from_iterable(map(_folders, waiters))):
        if (name := f"{folder}/{what}") not in waiters and is_there(name):
            return name
    return ""


def _folders(identity: str) -> Iterator[str]:
    """Those that a name lies in, the innermost first."""
    while identity := identity.rpartition("/")[0]:
        yield identity


def there_in(names: Collection[str]) -> Callable[[str], bool]:
    """Whether a task of these names is called so, or, with a `/`, one of the batches in which they lie."""
    lie = {name.rpartition("/")[0] for name in names}
    batches = lie.union(*map(_folders, lie))
    return lambda what: what[:-1] in batches if what.endswith("/") else what in names


def stuck(
    tasks: Iterable[TaskSeen], *, knows_finished: bool = True, finals: Mapping[str, str] = MappingProxyType({})
) -> list[Stuck]:
    """Everything of that kind.  `knows_finished`: done/ and failed/ were listed, so that a name in no folder is unknown, but
    for the last task of a batch in `finals`, which comes after all of it."""
    tasks = tuple(tasks)
    waiting = {task.identity: (task.after,) for task in tasks if task.after}
    if not waiting:
        return []
    there = settled(tasks)
    states = dict.fromkeys(finals, State.WAITING) | there
    waiting |= ends(finals, {what for (what,) in waiting.values()} - there.keys())
    meant = meant_by(states, {what for (what,) in waiting.values()})
    return lasting(waiting, states, meant, knows_finished=knows_finished)


def ends(finals: Mapping[str, str], wanted: Collection[str]) -> dict[str, tuple[str]]:
    """Last tasks of batches that somebody waits for, as tasks that wait for their batch."""
    return {final: (f"{batch}/",) for final, batch in finals.items() if final in wanted}


def settled(tasks: Iterable[TaskSeen]) -> dict[str, State]:
    """The state of each name: of several files of one name the finished one decides, as it does for a worker."""
    states: dict[str, State] = {}
    for task in tasks:
        if states.get(task.identity) not in FINISHED:
            states[task.identity] = task.state
    return states


Meant = Mapping[str, Mapping[str, None]]  #: name, batch or pattern -> the tasks that it means, in order


def meant_by(names: Iterable[str], wanted: Iterable[str]) -> Meant:
    """Which of the names are meant by each name, batch and pattern."""
    tops: dict[str, dict[str, None]] = {"": dict.fromkeys(sorted(names))}
    for name in tops[""]:
        if "/" in name:
            tops.setdefault(name.partition("/")[0], {})[name] = None
    found: dict[str, Mapping[str, None]] = {}
    for what in wanted:
        if After(what).is_many:
            found[what] = dict.fromkeys(filter(meaning(what), tops.get(top_of(what).partition("/")[0], ())))
        else:
            found[what] = {what: None} if what in tops[""] else {}
    return found


def lasting(
    waiting: Mapping[str, Collection[str]],
    states: Mapping[str, State],
    meant: Meant,
    *,
    knows_finished: bool = True,
) -> list[Stuck]:
    """The same, of tasks that wait for several things each.  `waiting`: identity -> names, batches and patterns."""
    found = [Stuck("circle", circle[0], circle) for circle in islice(circles(waiting, meant), CIRCLES)]
    waiters: dict[str, list[str]] = {}
    for identity, after in waiting.items():
        for what in after:
            waiters.setdefault(what, []).append(identity)
    kinds = {what: _kind(what, states, meant[what], names) for what, names in sorted(waiters.items())}
    is_there = there_in(states) if knows_finished and "unknown" in kinds.values() else None
    for what, kind in kinds.items():
        names = sorted(waiters[what])
        if kind == "hold":
            found.append(Stuck(kind, what, tuple(names)))
        elif kind and is_there:
            found.append(Stuck(kind, what, tuple(names), meant_instead(what, names, is_there)))
    return found


def _kind(what: str, states: Mapping[str, State], meant: Collection[str], waiters: list[str]) -> str:
    """'' for what may still come."""
    if not After(what).is_many:
        return {State.HOLD: "hold", None: "unknown"}.get(states.get(what), "")
    own = set(waiters)
    mine = {states[identity] for identity in meant if identity not in own}
    if not mine:
        return "unknown"
    return "hold" if mine - set(FINISHED) == {State.HOLD} else ""


def circles(waiting: Mapping[str, Collection[str]], meant: Meant | None = None) -> Iterator[tuple[str, ...]]:
    """Each circle once, from its first name on; a batch leads to those of it that wait themselves."""
    many = {what for after in waiting.values() for what in after if After(what).is_many}
    meant = meant_by(waiting, many) if meant is None else meant
    members = {what: [name for name in meant[what] if name in waiting] for what in many}
    state: dict[str, int] = {}  # 1 = on the path, 2 = over
    for start in waiting:
        path: list[str] = []
        stack: list[tuple[str, bool]] = [(start, False)]
        while stack:
            node, is_left = stack.pop()
            if is_left:
                state[node] = 2
                path.pop()
            elif state.get(node) == 1:
                circle = [name for name in path[path.index(node) :] if name in waiting]
                first = circle.index(min(circle))
                yield (*circle[first:], *circle[:first])
            elif node not in state:
                state[node] = 1
                path.append(node)
                stack.append((node, True))
                stack += [(next_, False) for next_ in _next(node, waiting, members)]


def _next(node: str, waiting: Mapping[str, Collection[str]], members: Mapping[str, list[str]]) -> Collection[str]:
    if node in members:
        # One that waits for its own batch does not wait for itself; two of them wait for each other.
        own = [name for name in members[node] if node in waiting[name]]
        return members[node] if len(own) > 1 else [name for name in members[node] if name not in own]
    return waiting.get(node, ())
