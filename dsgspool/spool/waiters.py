"""Tasks in waiting/after-WHAT/: woken when WHAT is finished.

The rule: a task lies there for one thing only, and no wake-up is lost.  Who publishes WHAT looks into its folder
afterwards; who files a task there looks at WHAT afterwards; so at least one of the two sees the other.  What a crash
leaves out, and what people move, the leader's round finds.  To wake means to move to todo/: whoever claims the task
there asks for all of its `after` again, so waking one too often does no harm.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from dsgspool import names
from dsgspool.errors import InvalidName, StorageError
from dsgspool.spool import task_name
from dsgspool.spool.dependencies import Dependencies, Standing, meaning
from dsgspool.spool.moves import Moves
from dsgspool.spool.returning import LASTING, Returning
from dsgspool.task import After, State

SLICE = 0.1  #: seconds of one turn: a heart must beat in between
SHARE = 50.0  #: rounds may take a fiftieth of the time
PAUSE = 1.0  #: seconds at least between two rounds


class Waiters:
    """Wakes what waits."""

    def __init__(self, moves: Moves, tell: Callable[..., None]) -> None:
        self.moves, self.spool, self.fs, self.tell = moves, moves.spool, moves.spool.fs, tell
        self.dependencies, self.returning = Dependencies(self.spool), Returning(moves, tell)
        self.round_at = float("-inf")  #: BOOTTIME at which the last whole round began
        self._wanted: dict[str, bool] = {}  #: folders to look into, in order; False = only when their thing is finished
        self._turn: Iterator[bool] | None = None
        self._folder = ""  #: that `_turn` looks into
        self._round: Iterator[bool] | None = None
        self._began = self._round_next = self._retry_at = 0.0
        self._is_asked = self._failed = False

    def published(self, identity: str) -> None:
        """This task now lies in done/ or failed/: look who waits for it."""
        self._wanted[names.after_folder(identity)] = True

    def filed(self, what: str) -> None:
        """A task now waits for that, which may have come meanwhile."""
        self._wanted.setdefault(names.after_folder(what), False)

    def ask(self) -> None:
        """A round, whoever leads, and at once unless one goes on: a worker that waits for nothing else wants to end."""
        self._is_asked = True
        if self._round is None:
            self._round_next = 0.0

    @property
    def is_busy(self) -> bool:
        """True while somebody may be woken by what was published; what fails is tried again and keeps nobody waiting."""
        return bool(self._wanted or self._turn) and not self._failed

    def next_moment(self) -> float:
        """BOOTTIME of the next turn that has something to do."""
        if self._wanted or self._turn:
            return self._retry_at
        return max(self._retry_at, self._round_next) if self._round or self._is_asked else float("inf")

    def turn(self, *, leading: bool) -> int:
        """Go on for a moment; the number of tasks that were woken."""
        began = self.spool.clock.boot()
        if began < self._retry_at:
            return 0
        try:
            woken = self._wake_wanted(began)
            if (
                not self._wanted
                and not self._turn
                and began >= self._round_next
                and (leading or self._is_asked or self._round)
            ):
                woken += self._go_round(began)
        except OSError as error:  # no reason to stop anything else
            self._put_off(error)
            return 0
        self._failed = False
        return woken

    def _put_off(self, error: OSError) -> None:
        if not self._failed:
            self.tell("wake", f"what waits in waiting/ cannot be looked at: {StorageError.of(error)}; trying again")
        if self._turn:
            self._wanted.setdefault(self._folder, False)
        self._failed, self._turn, self._round = True, None, None
        self._retry_at = self.spool.clock.boot() + PAUSE

    def _wake_wanted(self, began: float) -> int:
        woken = 0
        self._pass_over_unawaited()
        while (self._turn or self._wanted) and not self._is_late(began):
            if self._turn is None:
                # No longer wanted from now on: what is filed there while I look must be looked for once more.
                self._folder, is_published = next(iter(self._wanted.items()))
                del self._wanted[self._folder]
                self._turn = self._try(self._folder, is_published=is_published)
            for is_woken in self._turn:
                woken += is_woken
                if self._is_late(began):
                    return woken
            self._turn = None
        return woken

    def _pass_over_unawaited(self) -> None:
        """Mostly nobody waits for anything: then one call answers for all that was published since the last turn."""
        published = [folder for folder, is_published in self._wanted.items() if is_published]
        if published and not self.fs.may_hold_folders(self.spool.waiting):
            for folder in published:
                del self._wanted[folder]

    def _go_round(self, began: float) -> int:
        """All folders bit by bit, and then for a while none: as long as the round took, times `SHARE`."""
        woken = 0
        if self._round is None:
            self._is_asked = False
            self._began, self._round = began, self._all()
        for is_woken in self._round:
            woken += is_woken
            if self._is_late(began):
                break
        else:
            self._round, self.round_at = None, self._began
        spent = self.spool.clock.boot() - began
        self._round_next = began + (SHARE * spent if self._round else max(PAUSE, SHARE * spent))
        return woken

    def _all(self) -> Iterator[bool]:
        folders = [name for name, is_folder in self.fs.scan(self.spool.waiting) if is_folder]
        whats = {what: folder for folder in folders if (what := names.parse_after(folder))}
        for what in [what for what in whats if After(what).is_many]:
            yield from self._try(whats[what], is_published=False)
        for what, is_open in self.dependencies.open_names(what for what in whats if not After(what).is_many):
            if is_open:
                yield False
            else:
                yield from self._try(whats[what], is_published=False)

    def listed_again(self) -> Iterator[str]:
        """Folders that each round lists though nothing is over: those for batches and patterns, which are few."""
        for name in self.fs.folders(self.spool.waiting):
            if (what := names.parse_after(name)) and After(what).is_many:
                yield (folder := f"{self.spool.waiting}/{name}")
                yield from self.moves.folders_below(folder)

    def _try(self, folder: str, *, is_published: bool) -> Iterator[bool]:
        """Wake what lies in a folder; a thing of which nobody may ask, or that cannot be moved, keeps no other waiting."""
        try:
            yield from self._wake(folder, is_published=is_published)
        except OSError as error:
            if error.errno not in LASTING:
                raise
            self.returning.tell_once(folder, error)
            yield False

    def _wake(self, folder: str, *, is_published: bool) -> Iterator[bool]:
        """Everything in a folder whose thing is finished goes to todo/; an empty folder is removed.

        Nobody waits for most tasks: that must cost few calls, and must not be what a client remembers.  One that I have just
        published is over.  Who waits for another one is listed only when that is over: thousands may wait for it.
        """
        path, what = f"{self.spool.waiting}/{folder}", names.parse_after(folder)
        is_many = After(what).is_many
        standings: dict[str, Standing] = {}
        if not is_many:
            standings[""] = Standing.DONE if is_published else self.dependencies.standing(what)[0]
            if standings[""] is Standing.OPEN:
                yield False
                return
        is_left = False
        for below in self.returning.below(folder):
            but = self._itself(what, f"{folder}/{below}") if is_many else ""
            if but not in standings:
                standings[but] = self.dependencies.standing(what, but)[0]
            is_woken = standings[but] is not Standing.OPEN and self.returning.bring_back(folder, below)
            is_left |= not is_woken
            yield is_woken
        if not is_left and not self.fs.remove_folder(path):
            self.moves.remove_empty(path)

    def _itself(self, what: str, path: str) -> str:
        """The identity of a waiting task when it belongs to the batch that it waits for: it must not wait for itself."""
        with contextlib.suppress(InvalidName):
            identity = task_name(State.WAITING, path).identity
            return identity if meaning(what)(identity) else ""
        return ""

    def _is_late(self, began: float) -> bool:
        return self.spool.clock.boot() - began > SLICE
