"""Watching tasks until they are over, by listing folders.

The rule: a task counts as over only when its file was seen in done/ or failed/; one that was seen nowhere is looked for
again, because it may have moved against the order in which the folders are listed.  Parked tasks are not waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import field

from dsgspool.classes import dataclass
from dsgspool.policy import ending
from dsgspool.spool import Spool
from dsgspool.spool.finals import OVER
from dsgspool.spool.moves import Moves
from dsgspool.spool.policies import read_policies
from dsgspool.task import State

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
    """How far it is: all that was waited for, what of it ended how, what was parked or removed meanwhile."""

    total: int
    done: int
    failed: int
    dropped: int
    running: int

    @property
    def finished(self) -> int:
        """Done, failed, parked or removed."""
        return self.done + self.failed + self.dropped


@dataclass(slots=True)
class Watch:
    """The tasks that are waited for."""

    spool: Spool
    open: set[str]
    done: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)  #: identity -> reason
    parked: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    running: int = 0
    _missing: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, spool: Spool, patterns: Iterable[str]) -> Watch:
        """What matches; without patterns all that is not finished.  TaskNotFound for a pattern that fits nothing."""
        from dsgspool.errors import TaskNotFound

        moves = Moves(spool)
        wanted: set[str] = set()
        for pattern in patterns:
            found = {place.identity for place in moves.find(pattern)}
            if not found and not is_to_come(spool, pattern):
                raise TaskNotFound(pattern)
            wanted |= found or {pattern}
        return cls(spool, wanted or {place.identity for place in moves.find("*", UNFINISHED)})

    def look(self) -> Progress:
        """List the folders and say how far it is."""
        seen = self._in(UNFINISHED)
        self.running = sum(state is State.RUNNING for state in seen.values())
        vanished = self.open - seen.keys()
        self._settle(vanished)
        return self.progress

    @property
    def progress(self) -> Progress:
        """The figures of the last look."""
        dropped = len(self.parked) + len(self.removed)
        total = len(self.open) + len(self.done) + len(self.failed) + dropped
        return Progress(total, len(self.done), len(self.failed), dropped, self.running)

    def _in(self, states: Iterable[State]) -> dict[str, State]:
        return {
            name.identity: state
            for state in states
            for _, name in self.spool.tasks(state)
            if name.identity in self.open
        }

    def _settle(self, vanished: set[str]) -> None:
        """Say where those went that are not todo, waiting or running; only their batches are listed."""
        batches = {identity.rpartition("/")[0] for identity in vanished}
        for identity, state, tag in self._finished(batches):
            if identity in vanished & self.open:
                self._close(identity, state, tag)
        gone = [identity for identity in vanished & self.open if not is_to_come(self.spool, identity)]
        self._missing = {identity: self._missing.get(identity, 0) + 1 for identity in gone}
        for identity, looks in self._missing.items():
            if looks >= LOOKS:
                self._close(identity, None)

    def _close(self, identity: str, state: State | None, tag: str = "") -> None:
        self.open.discard(identity)
        if state is State.FAILED:
            self.failed[identity] = tag
        else:
            {State.DONE: self.done, State.HOLD: self.parked, None: self.removed}[state].add(identity)

    def _finished(self, batches: set[str]) -> Iterator[tuple[str, State, str]]:
        # A task may lie in done/ from an earlier run and in failed/ now: failed/ is asked first.
        for state in (State.FAILED, State.DONE, State.HOLD):
            for batch in batches:
                for _, name in self.spool.tasks(state, batch):
                    yield name.identity, state, name.tag


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
