"""Watching tasks until they are over, by listing folders.

The rule: a task counts as over only when its file was seen in done/ or failed/; one that was seen nowhere is looked for
again, because it may have moved against the order in which the folders are listed.  Of several places of one name the one
that it came to last counts, and a sweep is over when all its parts are; items of which no part is seen are looked for
by themselves.  Parked tasks are not waited for.  Without names all of the spool is, but for what was cancelled before: else it
would depend on how fast workers are whether what has just failed counts.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import field
from itertools import chain

from dsgspool.classes import dataclass
from dsgspool.policy import ending
from dsgspool.ranges import Range, parse_range
from dsgspool.snapshot.items import failures_in
from dsgspool.spool import Spool
from dsgspool.spool.divisions import FOLDER
from dsgspool.spool.finals import OVER
from dsgspool.spool.moves import Moves, Place
from dsgspool.spool.policies import read_policies
from dsgspool.task import Kind, State

UNFINISHED = (State.TODO, State.WAITING, State.RUNNING)
LOOKS = 3  #: looks in a row at which a task must be nowhere before it counts as removed


def is_to_come(spool: Spool, identity: str) -> bool:
    """True for the last task of a batch that is not over yet."""
    batch = ending(identity)
    if not batch or f"{batch}.{OVER}" in dict(spool.fs.scan(f"{spool.root}/batches")):
        return False
    return bool(read_policies(spool).of(batch).final)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: all that is waited for, what of it ended how, what was parked, cancelled or removed meanwhile."""

    total: int
    done: int
    failed: int
    dropped: int
    running: int
    items: Progress | None = None  #: the same of the parts of sweeps, counted in items; None when there are none
    is_swept: bool = False  #: all that is waited for are such parts

    @property
    def finished(self) -> int:
        """Done, failed, parked, cancelled or removed."""
        return self.done + self.failed + self.dropped

    @property
    def shown(self) -> Progress:
        """In what people think: items where there is nothing else."""
        return self.items if self.items and self.is_swept else self


@dataclass(slots=True)
class Watch:
    """The tasks that are waited for."""

    spool: Spool
    open: set[str]
    done: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)  #: identity -> reason
    held: set[str] = field(default_factory=set)  #: parked before, so not waited for
    parked: set[str] = field(default_factory=set)
    cancelled: set[str] = field(default_factory=set)  #: a person took it away, which is no failure
    dropped: set[str] = field(default_factory=set)  #: cancelled before, and nobody named them
    removed: set[str] = field(default_factory=set)
    earlier: set[str] = field(default_factory=set)  #: failed before, and nobody named them
    running: int = 0
    _fine: tuple[int, int] = (0, 0)  #: how many of what is done are parts of sweeps, and the items of these
    _runs: Collection[str] = ()
    _sweeps: dict[str, bool] = field(default_factory=dict)  #: what might be one, as asked of sweeps/
    _missing: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, spool: Spool, patterns: Iterable[str]) -> Watch:
        """What matches; without patterns all that there is.  TaskNotFound for a pattern that fits nothing."""
        from dsgspool.errors import TaskNotFound

        if not (patterns := tuple(patterns)):
            return cls._of_all(spool)
        moves = Moves(spool)
        wanted: set[str] = set()
        for pattern in patterns:
            found = {place.identity for place in moves.find(pattern)}
            if not found and not is_to_come(spool, pattern):
                raise TaskNotFound(pattern)
            wanted |= found or {pattern}
        tasks = cls(spool, wanted)
        tasks._begin()
        return tasks

    @classmethod
    def _of_all(cls, spool: Spool) -> Watch:
        """All of the spool; of what is done, which may be a million files, no more is kept than the names.  Listed first
        and once more in its turn: what is running, which may go back to todo/ behind this look."""
        states = (State.RUNNING, *UNFINISHED, State.HOLD, State.FAILED)
        tasks = cls(spool, {name.identity for state in states for _, name in spool.tasks(state)})
        tasks.done = {name.identity for _, name in spool.tasks(State.DONE)} - tasks.open
        tasks._fine = tasks._items_in(tasks.done)
        tasks._begin()
        tasks.earlier = set(tasks.failed)
        tasks.dropped, tasks.cancelled = tasks.cancelled, set()
        return tasks

    def _begin(self) -> None:
        """The first look: what is in hold/ by then was so before."""
        self.look()
        self.held, self.parked = self.parked, set()

    def look(self) -> Progress:
        """List the folders and say how far it is."""
        seen = self._in(UNFINISHED)
        self._runs = [identity for identity, state in seen.items() if state is State.RUNNING]
        self.running = len(self._runs)
        vanished = self.open - seen.keys()
        self._settle(vanished)
        return self.progress

    @property
    def _gone(self) -> tuple[set[str], ...]:
        """Meanwhile: what was parked or cancelled before is not waited for."""
        return self.parked, self.cancelled, self.removed

    @property
    def progress(self) -> Progress:
        """The figures of the last look."""
        dropped = sum(map(len, self._gone))
        total = len(self.open) + len(self.done) + len(self.failed) + dropped
        parts, items = self._swept()
        return Progress(
            total, len(self.done), len(self.failed), dropped, self.running, items if parts else None, parts == total
        )

    def _swept(self) -> tuple[int, Progress]:
        """How many of the tasks are parts of sweeps, and how far their items are, by names alone."""
        (open_parts, left), (_, running) = self._items_in(self.open), self._items_in(self._runs)
        gone_parts, gone = self._items_in(chain(*self._gone))
        failed = [(part, tag) for identity, tag in self.failed.items() if (part := self._part(identity))]
        bad, failed_items = sum(failures_in(*each) for each in failed), sum(part.count for part, _ in failed)
        parts, fine = self._fine[0] + open_parts + gone_parts + len(failed), self._fine[1] + failed_items - bad
        return parts, Progress(fine + bad + left + gone, fine, bad, gone, running)

    def _items_in(self, identities: Iterable[str]) -> tuple[int, int]:
        """How many of these are parts of sweeps, and the items of these."""
        sizes = [part.count for identity in identities if (part := self._part(identity))]
        return len(sizes), sum(sizes)

    def _part(self, identity: str) -> Range | None:
        part = parse_range(identity) if identity[-1:].isdigit() else None
        if part and part.sweep not in self._sweeps:
            self._sweeps[part.sweep] = self.spool.fs.folder_is_there(f"{self.spool.root}/{FOLDER}/{part.sweep}")
        return part if part and self._sweeps[part.sweep] else None

    def _in(self, states: Iterable[State]) -> dict[str, State]:
        return {
            name.identity: state
            for state in states
            for _, name in self.spool.tasks(state)
            if name.identity in self.open
        }

    def _settle(self, vanished: set[str]) -> None:
        """Say where those went that are not todo, waiting or running; only their batches are listed."""
        lies = self._over(vanished)
        # RACE: it may have gone from running/ back to todo/ behind this look, and lie in done/ since an earlier run.
        back = self._in((State.RUNNING, *UNFINISHED)) if lies else {}
        for place in Moves(self.spool).newest([place for place in lies if place.identity not in back]):
            self._close(place.identity, place.state, place.name.tag)
        gone = [identity for identity in vanished & self.open if not is_to_come(self.spool, identity)]
        self._missing = {identity: self._missing.get(identity, 0) + 1 for identity in gone}
        ranges = functools.cache(lambda sweep: tuple(self._ranges(sweep)))
        for identity in gone:
            if parts := self._parts(identity, ranges):
                self.open.discard(identity)
                self.open |= parts
            elif self._missing[identity] >= LOOKS:
                self._close(identity, None)

    def _close(self, identity: str, state: State | None, tag: str = "") -> None:
        self.open.discard(identity)
        if state is State.DONE and identity not in self.done and (part := self._part(identity)):
            self._fine = self._fine[0] + 1, self._fine[1] + part.count
        if state is State.FAILED and tag == Kind.CANCELLED:
            self.cancelled.add(identity)
        elif state is State.FAILED:
            self.failed[identity] = tag
        else:
            {State.DONE: self.done, State.HOLD: self.parked, None: self.removed}[state].add(identity)

    def _over(self, identities: set[str]) -> list[Place]:
        """Where these lie, of all that is no more to be done; only their batches are listed."""
        batches = {identity.rpartition("/")[0] for identity in identities}
        return [
            Place(state, path, name)
            for state in (State.FAILED, State.DONE, State.HOLD)
            for batch in batches
            for path, name in self.spool.tasks(state, batch)
            if name.identity in identities
        ]

    def _parts(self, identity: str, ranges: Callable[[str], Iterable[Range]]) -> set[str]:
        """The parts of a sweep, or of a part of it, that are seen; of the items in none of them the name as one part each:
        somebody removed that, or this look missed it.  Nothing while no part is seen."""
        part = parse_range(identity)
        sweep = part.sweep if part else identity
        base = f"{self.spool.root}/{FOLDER}/{sweep}"
        if not self.spool.fs.folder_is_there(base):
            return set()
        found = ranges(sweep)
        # Asked after that: who divides the whole says so there first, and so which item is the last one.
        divided = [each for name, _ in self.spool.fs.scan(base) if (each := parse_range(f"{sweep}/{name}"))]
        reach, last = (part.first, part.last) if part else (0, max((each.last for each in divided), default=0))
        seen = sorted(
            (each for each in found if each.last >= reach and each.first <= last), key=lambda each: each.first
        )
        names = {each.identity for each in seen}
        for each in seen:
            if reach < each.first:
                names.add(each.part(reach, each.first - 1, is_rest=False).identity)
            reach = max(reach, each.last + 1)
        if seen and reach <= last:
            names.add(seen[-1].part(reach, last, is_rest=False).identity)
        return names

    def _ranges(self, sweep: str) -> Iterator[Range]:
        for state in State:
            batch = "" if state in UNFINISHED else sweep
            for _, name in self.spool.tasks(state, batch):
                if (part := parse_range(name.identity)) and part.sweep == sweep:
                    yield part


def watch(
    spool: Spool, tasks: Watch, timeout: float | None, alive: Callable[[], bool] = lambda: True
) -> Iterator[Progress]:
    """How far it is, again and again until all is over, time is up or `alive` says that it is in vain."""
    started = spool.clock.boot()
    while True:
        going_on = alive()
        before = spool.clock.boot()
        progress = tasks.look()
        now = spool.clock.boot()
        yield progress
        if not tasks.open or not going_on or (timeout is not None and now - started >= timeout):
            return
        # Never more than a twentieth of the time in listings.
        spool.clock.sleep(max(0.3, 20 * (now - before)))
