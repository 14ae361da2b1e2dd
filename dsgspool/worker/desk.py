"""What lies in my own folder, and why: the worker's memory of it, which is only a cache.

The rule (R1, R2): many renames share one listing, and the listing decides.  What memory knows and the folder does not
list is revoked; what the folder lists and memory does not know is a late claim or a person's gift.

    settling   claimed, but perhaps not written to its end yet: no slot, no record
    ready      whole, waits for a slot
    attempts   has a record
    leaving    its way out is decided; the rename is tried until the listing says that it is out
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from dataclasses import field

from dsgspool.classes import dataclass
from dsgspool.requests import NOTHING, Request
from dsgspool.spool.own import Held, OwnFolder, Text
from dsgspool.task import After
from dsgspool.worker.attempt import Attempt

PERHAPS = (0, errno.EIO, errno.ESTALE)  #: what a rename answers that may have been carried out


@dataclass(slots=True)
class Settling:
    """A file that somebody may still be writing: as it was `seen` at BOOTTIME `since`, last `looked` at then."""

    held: Held
    seen: tuple[int, int, int]
    since: float
    looked: float = 0.0

    @property
    def last(self) -> float:
        """BOOTTIME of the last look that showed the same file, or another one."""
        return max(self.since, self.looked)


@dataclass(slots=True)
class Ready:
    """A whole file that waits for `cpus` slots and for what else it wants; `after` is what the peek saw and is met."""

    held: Held
    text: Text
    cpus: int
    request: Request = NOTHING
    after: tuple[After, ...] = ()


@dataclass(slots=True)
class Leaving:
    """A file on its way out to `target`; `event` is told when it is out, `attempt` is the one that ended, if any."""

    held: Held
    target: str
    event: tuple[str, str, dict[str, object]] | None = None
    errno: int = 0  #: what the rename answered: a hint
    tries: int = 0
    attempt: Attempt | None = None


@dataclass()
class Exchange:
    """What one round of renames and its listing brought."""

    came: list[tuple[Held, int]] = field(default_factory=list)
    left: list[Leaving] = field(default_factory=list)
    lost: list[Held] = field(default_factory=list)  #: perhaps claimed, and not here
    refused: list[tuple[str, int]] = field(default_factory=list)  #: paths that cannot be taken, and the errno
    gone: list[str] = field(default_factory=list)  #: paths at which nothing lay


class Desk:
    """All files of mine by file name."""

    def __init__(self, own: OwnFolder) -> None:
        self.own = own
        self.settling: dict[str, Settling] = {}
        self.ready: dict[str, Ready] = {}
        self.attempts: dict[str, Attempt] = {}
        self.leaving: dict[str, Leaving] = {}
        self.doubtful: list[Held] = []  #: claimed, or perhaps so, and not taken in: something was refused on the way
        self.is_fresh = False  #: something leaves that was not tried yet

    @property
    def is_empty(self) -> bool:
        """True when nothing of mine is anywhere."""
        return not (self.settling or self.ready or self.attempts or self.leaving)

    def known(self) -> set[str]:
        """File names that should lie in my folder."""
        return {*self.settling, *self.ready, *self.attempts, *self.leaving}

    def send(self, leaving: Leaving) -> None:
        """Let a file go; the next exchange does it."""
        file = leaving.held.file
        for each in (self.settling, self.ready, self.attempts):
            each.pop(file, None)
        self.leaving[file] = leaving
        self.is_fresh = True

    def exchange(self, paths: Iterable[str], gifts: Iterable[str] = ()) -> Exchange:
        """Rename out what leaves, in what is wanted, and list once.  OSError when the listing fails: nothing is known."""
        result = Exchange()
        self.is_fresh = False
        for leaving in self.leaving.values():
            leaving.tries += 1
            leaving.errno = self.own.give(leaving.held, leaving.target, again=leaving.tries > 1)
        claimed = {path: self.own.claim(path) for path in paths}
        wanted = [*claimed.values(), *(self.own.adopt(file) for file in gifts)]
        if not self.leaving and not wanted:
            return result
        try:
            listing = self.own.listing()
        except OSError:
            self.doubtful += [held for held in wanted if held.errno in PERHAPS]
            raise
        for file in [file for file in self.leaving if file not in listing]:
            result.left.append(self.leaving.pop(file))
        for held in wanted:
            if held.file in listing:
                result.came.append((held, listing[held.file]))
            elif held.errno in PERHAPS:
                result.lost.append(held)
        # RACE: what comes is not taken in when its read, say, is refused, and a person may have it before the next look.
        self.doubtful += [held for held, _ in result.came]
        vain = {path: held.errno for path, held in claimed.items() if held.file not in listing}
        result.gone = [path for path, number in vain.items() if number == errno.ENOENT]
        result.refused = [(path, number) for path, number in vain.items() if number not in (*PERHAPS, errno.ENOENT)]
        return result
