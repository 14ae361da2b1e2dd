"""What people, commands and janitors do to tasks that lie in shared folders.

The rule: one rename to a name with a fresh token, which can therefore overwrite nothing; after an error look in both
folders.  A task that a living worker holds keeps its `@WID.C`: moving it only tells the owner, who kills first and then
strips the claim.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from dsgspool import chance, names
from dsgspool.classes import dataclass
from dsgspool.clock import stamp
from dsgspool.errors import InvalidName, StorageError, TaskNotFound, WrongState
from dsgspool.listings import DEEPEST
from dsgspool.names import TaskName
from dsgspool.spool import Spool, task_name
from dsgspool.spool.meaning import is_ambiguous, meant
from dsgspool.task import SETTLING, TRANSITIONS, Budget, Decision, State


class Tokens:
    """Fresh tokens of one mover: its own random word and a counter."""

    def __init__(self, word: str = "") -> None:
        self.word = word or chance.word()
        self._counter = itertools.count(1)

    def __call__(self) -> str:
        return f"{self.word}-{next(self._counter)}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a task lies: `path` below the state's folder."""

    state: State
    path: str
    name: TaskName

    @property
    def identity(self) -> str:
        """BATCH/NAME"""
        return self.name.identity


def target_of(spool: Spool, name: TaskName, decision: Decision, token: str, now: float) -> str:
    """The path that a decision sends a task to: names of returned tasks carry the token, so they overwrite nothing."""
    match decision.state:
        case State.DONE:
            return f"{spool.done}/{name.plain().path}"
        case State.FAILED:
            return f"{spool.failed}/{name.failed(decision.tag, token if decision.unique else '').path}"
        case State.WAITING:
            until = names.until_folder(stamp(now + decision.delay + 0.999))
            folder = names.after_folder(decision.after) if decision.after else until
            return f"{spool.waiting}/{folder}/{name.returned(decision.budget, token).lane_path}"
        case State.HOLD:
            kept = name.failed(decision.tag, token) if decision.tag else name.returned(decision.budget, token)
            return f"{spool.hold}/{kept.path}"
        case _:
            given = name.returned(decision.budget, token)
            return f"{spool.todo}/{(replace(given, tag=decision.tag) if decision.tag else given).lane_path}"


def doubt(name: TaskName) -> str:
    """The tag under which somebody returns a file who has not looked into it: what no program named may be being written."""
    return "" if name.is_whole or name.budget != Budget() else SETTLING


def is_parked(spool: Spool, batch: str, lane: str = "") -> bool:
    """True when somebody moved the whole batch: its folder is in hold/ and no longer in todo/, nor in its lane there.

    A folder in hold/ alone says little: holding one task of a batch makes it too.
    """
    there, lanes = spool.fs.folder_is_there, ["", f"@{lane}/"] if lane else [""]
    if not batch or not there(f"{spool.hold}/{batch}"):
        return False
    return not any(there(f"{spool.todo}/{prefix}{batch}") for prefix in lanes)


def hold_alone(spool: Spool, batch: str) -> None:
    """Before one task of a batch goes to hold/: without a folder in todo/, which is swept when nothing is queued for long,
    that of hold/ would say that somebody moved the whole batch."""
    top, there = batch.partition("/")[0], spool.fs.folder_is_there
    if top and not there(f"{spool.hold}/{top}") and not there(f"{spool.todo}/{top}"):
        spool.fs.make_folder(f"{spool.todo}/{top}")


def park(spool: Spool, name: TaskName, decision: Decision) -> Decision:
    """The same decision, or hold/ when the task's batch was parked meanwhile."""
    going_back = decision.state in (State.TODO, State.WAITING)
    if going_back and is_parked(spool, name.batch.partition("/")[0], name.lane):
        return replace(decision, state=State.HOLD, delay=0.0)
    return decision


class Moves:
    """The verbs of the command line, each a rename a task."""

    def __init__(self, spool: Spool) -> None:
        self.spool, self.fs, self.token = spool, spool.fs, Tokens()

    # -- finding -------------------------------------------------------------------------------------------------

    def find(self, pattern: str, states: Iterable[State] = tuple(State)) -> list[Place]:
        """Every place where a task of that name (or shell pattern, with or without .yaml) lies."""
        wanted = tuple(states)
        # A task that is really called so comes first, wherever it lies.
        looked = tuple(State) if is_ambiguous(pattern) else wanted
        found = meant((p for s in looked for p in self._in_state(s)), pattern)
        return [place for place in found if place.state in wanted]

    def named(self, identities: Iterable[str], states: Iterable[State]) -> list[Place]:
        """Every place where one of very many tasks lies, from one look: their names as they are, and no patterns."""
        wanted = frozenset(identities)
        return [p for s in states for p in self._in_state(s) if p.identity in wanted]

    def came_at(self, place: Place) -> float:
        """When a file came where it lies, by its ctime, which a rename changes; 0 of what is gone or may not be opened."""
        try:
            return self.fs.status_of_entry(f"{self.spool.folder(place.state)}/{place.path}").st_ctime
        except OSError:
            return 0.0

    def newest(self, places: Iterable[Place]) -> list[Place]:
        """Of each task the file that came last: one that failed, and was done when it ran again, lies in two folders."""
        found: dict[str, list[Place]] = {}
        for place in places:
            found.setdefault(place.identity, []).append(place)
        return [max(files, key=self.came_at) if len(files) > 1 else files[0] for files in found.values()]

    def _in_state(self, state: State) -> Iterator[Place]:
        for path, name in self.spool.tasks(state):
            yield Place(state, path, name)

    def pick(self, verb: str, patterns: Iterable[str]) -> list[Place]:
        """Places that a verb applies to; WrongState or TaskNotFound when a pattern matches none of them."""
        found: list[Place] = []
        for pattern in patterns:
            places = self.find(pattern)
            if not places:
                raise TaskNotFound(pattern)
            fitting = [place for place in places if place.state in TRANSITIONS[verb][0]]
            if not fitting:
                raise WrongState(places[0].identity, places[0].state, verb, _remedy(places[0], verb))
            found += fitting
        return list(dict.fromkeys(found))

    # -- moving --------------------------------------------------------------------------------------------------

    def hold(self, place: Place) -> bool:
        """Park a task; of a running one the owner stops it first."""
        if place.state is State.RUNNING:
            return self.hand_back(place, State.HOLD)
        hold_alone(self.spool, place.name.batch)
        return self._move(place, f"{self.spool.hold}/{place.name.returned(place.name.budget, self.token()).path}")

    def release(self, place: Place) -> bool:
        """Let a parked or delayed task run."""
        return self._move(place, f"{self.spool.todo}/{place.name.returned(place.name.budget, self.token()).lane_path}")

    def requeue(self, place: Place) -> bool:
        """Run a finished task again, with a fresh budget of retries."""
        return self._move(place, f"{self.spool.todo}/{place.name.plain().returned(Budget(), self.token()).path}")

    def set_aside(self, place: Place) -> bool:
        """The same into hold/, where it can be changed before it runs again."""
        hold_alone(self.spool, place.name.batch)
        return self._move(place, f"{self.spool.hold}/{place.name.plain().returned(Budget(), self.token()).path}")

    def cancel(self, place: Place) -> bool:
        """Take a task out: to failed/~cancelled; a running one is killed by its owner at the next heartbeat."""
        if place.state is State.RUNNING:
            return self.hand_back(place, State.FAILED)
        return self._move(place, f"{self.spool.failed}/{place.name.failed('cancelled', self.token()).path}")

    def send(self, place: Place, name: TaskName, to: Decision) -> bool:
        """Move a file to where a decision sends it, under another name."""
        return self._move(place, target_of(self.spool, name, to, self.token(), 0.0))

    def hand_back(self, place: Place, state: State) -> bool:
        """Move a held file, claim and all, to a shared folder: that is how its owner is told to stop it.

        RACE: a person's copy keeps its `@`, and may lie there already; with a token of mine it is not overwritten.
        """
        name = place.name.returned(place.name.budget, self.token())
        kept = name.claimed(place.name.claim).flat if place.name.claim else name.path
        return self._move(place, f"{self.spool.folder(state)}/{kept}")

    def strip(self, place: Place, budget: Budget | None = None) -> bool:
        """Take the `@` off a name whose owner has let go or is dead; a return like any other, never the plain name."""
        name, token = place.name, self.token()
        if place.state is State.HOLD:
            hold_alone(self.spool, name.batch)
        if place.state in (State.FAILED, State.DONE):
            bare = name.failed("cancelled", token).path
        elif place.state is State.RUNNING:
            bare = f"{place.path.partition('/')[0]}/{name.returned(budget or name.budget, token).flat}"
        elif place.state is State.TODO:
            bare = name.returned(budget or name.budget, token).lane_path
        else:
            bare = name.returned(budget or name.budget, token).path
        return self._move(place, f"{self.spool.folder(place.state)}/{bare}")

    def park_copy(self, place: Place) -> bool:
        """A copy of a running task's file: into hold/, where a person finds it."""
        hold_alone(self.spool, place.name.batch)
        return self._move(place, f"{self.spool.hold}/{place.name.failed('duplicate', self.token()).path}")

    def due(self, folder: str, path: str) -> bool:
        """Bring a task back from waiting/FOLDER; one with a claim keeps it, as wherever a person puts such a name."""
        name = task_name(State.WAITING, f"{folder}/{path}")
        if name.claim is not None:
            return self.hand_back(Place(State.WAITING, f"{folder}/{path}", name), State.TODO)
        # RACE: a person may have copied it here, and not to its end.
        decision = park(self.spool, name, Decision(State.TODO, doubt(name), name.budget))
        target = target_of(self.spool, name, decision, self.token(), 0.0)
        return self._rename(f"{self.spool.waiting}/{folder}/{path}", target)

    def bring_back(self, folder: str, path: str) -> bool:
        """The same for whatever lies there."""
        try:
            return self.due(folder, path)
        except InvalidName:  # a person's: into todo/ as it is, where a worker says in a record what is wrong with it
            base = os.path.basename(path)
            taken = base in self.fs.names(self.spool.todo)
            return (
                not taken and self.fs.rename(f"{self.spool.waiting}/{folder}/{path}", f"{self.spool.todo}/{base}") == 0
            )

    def folders_below(self, top: str) -> Iterator[str]:
        """All folders in a folder; somebody's private one is left out."""
        if len(top) > len(self.spool.root) + DEEPEST:
            return
        with contextlib.suppress(PermissionError):
            for name in [name for name in self.fs.folders(top) if name[:1] != "."]:
                yield f"{top}/{name}"
                yield from self.folders_below(f"{top}/{name}")

    def remove_empty(self, folder: str, is_at_rest: Callable[[str], bool] = lambda _folder: True) -> None:
        """Remove a folder with the folders in it, as far as no file lies there and each is at rest."""
        if len(folder) > len(self.spool.root) + DEEPEST:
            return
        with contextlib.suppress(PermissionError):  # somebody's private folder stays
            is_old = is_at_rest(folder)  # asked before what is removed in it changes that
            for name in [name for name, is_folder in self.fs.scan(folder) if is_folder]:
                self.remove_empty(f"{folder}/{name}", is_at_rest)
            if is_old:
                self.fs.remove_folder(folder)

    def _move(self, place: Place, target: str) -> bool:
        return self._rename(f"{self.spool.folder(place.state)}/{place.path}", target)

    def _rename(self, source: str, target: str) -> bool:
        """One rename shared -> shared; True when the file is at the target, False when somebody else took it."""
        for _ in range(3):
            number = self.fs.rename_into(source, target)
            if number == 0 or self._is_listed(target):
                return True
            if not self._is_listed(source):
                return False
        raise StorageError("move", source, number)

    def _is_listed(self, path: str) -> bool:
        folder, name = os.path.split(path)
        try:
            return name in self.fs.names(folder)
        except FileNotFoundError:
            return False


def _remedy(place: Place, verb: str) -> str:
    if verb in ("cancel", "hold") and place.state in (State.DONE, State.FAILED):
        return "it is over already; `requeue` runs it again, `prune` removes old ones"
    return {
        State.TODO: "use `hold` to park it or `cancel` to take it out",
        State.WAITING: "use `release` to run it now, `hold` to park it or `cancel` to take it out",
        State.HOLD: "use `release` to let it run or `cancel` to take it out",
        State.RUNNING: "use `cancel` to stop it, or `hold` to stop and park it",
        State.DONE: "use `requeue` to run it again",
        State.FAILED: "use `requeue` to run it again",
    }[place.state]
