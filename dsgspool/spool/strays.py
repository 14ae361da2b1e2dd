"""Names that carry a claim which is over, wherever a person moved or copied them: found and made bare bit by bit.

The rule: a walk through done/ and failed/ may last longer than the fence of whoever makes it.  So it goes on for a moment
at each turn of its worker, whose heart beats in between; and a claim is forgotten only after a whole walk that began when
it was known, and found nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dsgspool.errors import StorageError
from dsgspool.names import TaskName
from dsgspool.spool import held_name
from dsgspool.spool.moves import Moves, Place
from dsgspool.task import State

SLICE = 0.1  #: seconds of one turn
PAUSE = 1.0  #: at least so long after a walk that failed; and ten times as long as it lasted
STATES = (State.HOLD, State.TODO, State.FAILED, State.DONE, State.RUNNING)
SHORT = (State.HOLD, State.TODO)


class Strays:
    """Claims to be taken off names: all those of dead workers (`wanted` holds their WID), and single ones (WID.C)."""

    def __init__(
        self,
        moves: Moves,
        is_dead: Callable[[str], bool],
        has_ended: Callable[[TaskName], bool],
        tell: Callable[..., None],
    ) -> None:
        self.moves, self.spool, self.is_dead, self.has_ended, self.tell = moves, moves.spool, is_dead, has_ended, tell
        self.wanted: set[str] = set()
        self._on_patrol = self._failed = False
        self._walk: Iterator[bool] | None = None
        self._began = self._retry_at = self._until = 0.0  #: BOOTTIME

    def want(self, owner: str) -> None:
        """Strip the names of this dead worker, or of this claim, which is over."""
        self.wanted.add(owner)

    def patrol(self) -> None:
        """Look for names of any dead owner in todo/ and hold/, and of ended attempts in hold/: people move and copy late."""
        self._on_patrol = True

    @property
    def is_busy(self) -> bool:
        """True while claims are looked for; what fails is tried again later and keeps nobody waiting."""
        return bool(self.wanted) and not self._failed

    @property
    def is_owing(self) -> bool:
        """True while single claims are looked for: their owner must not end before."""
        return self.is_busy and any("." in owner for owner in self.wanted)

    def next_moment(self) -> float:
        """BOOTTIME of the next turn that has something to do."""
        return self._retry_at if self._has_work() else float("inf")

    def _has_work(self) -> bool:
        return bool(self.wanted or self._on_patrol or self._walk)

    def turn(self) -> int:
        """Go on for a moment; the number of names that were made bare."""
        moved, began = 0, self.spool.clock.boot()
        if began < self._retry_at:
            return 0
        self._until = began + SLICE
        try:
            while self._has_work() and self.spool.clock.boot() <= self._until:
                moved += self._step()
        except OSError as error:  # no reason to stop anything else
            self._put_off(error)
        return moved

    def _step(self) -> bool:
        """Some names more; True when one was made bare."""
        if self._walk is None:
            self._began, self._walk = self.spool.clock.boot(), self._round()
        try:
            return next(self._walk)
        except StopIteration:
            self._walk, self._failed = None, False
            return False

    def _put_off(self, error: OSError) -> None:
        now = self.spool.clock.boot()
        if not self._failed:
            self.tell("strip", f"a name keeps its @: {StorageError.of(error)}; trying again")
        self._walk, self._failed = None, True
        self._retry_at = now + max(PAUSE, 10 * (now - self._began))

    def _round(self) -> Iterator[bool]:
        """A whole walk, some names at a time.

        RACE: a person may have copied a file and moved it, and moves one from a folder that is still to come into one that
        was looked at.  So every name is made bare, and who was found is looked for once more.
        """
        asked, found = frozenset(self.wanted), set[str]()
        self._on_patrol = False
        for state in STATES if asked else SHORT:
            places: list[tuple[Place, str]] = []
            for path in self.spool.fs.find(self.spool.folder(state), ""):
                name = held_name(state, path) if "@" in path else None
                if name is not None and (owner := self._owner(state, path, name)):
                    places.append((Place(state, path, name), owner))
                if self.spool.clock.boot() > self._until:
                    yield False
            for place, owner in places:  # not before: an NFS client may pass over names of a folder that changes
                if is_bare := self.moves.strip(place):
                    found.add(owner)
                    self.tell("strip", f"{place.identity} now lies in {state}/", task=place.identity)
                yield is_bare
        self.wanted -= asked - found

    def _owner(self, state: State, path: str, name: TaskName) -> str:
        """Whom a name is to be taken from, '' when it may keep its claim."""
        claim, wid = str(name.claim), name.claim.wid if name.claim else ""
        if claim in self.wanted:
            return claim
        if state is State.RUNNING and path.startswith(f"{wid}/"):
            return ""  # the sweep of that folder reads its record
        is_over = wid in self.wanted or (state in SHORT and self.is_dead(wid))
        # RACE: a copy in hold/ outlives the attempt of its original, and the owner never misses it.
        return wid if is_over or (state is State.HOLD and self.has_ended(name)) else ""
