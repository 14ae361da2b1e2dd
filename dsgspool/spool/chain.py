"""The chain of records of a name: logs/NAME.1.yaml, NAME.2.yaml ... is a lock on that name that costs nothing extra.

The rule: an attempt begins by creating record N with O_EXCL, only when record N-1 is there and over.  A record is over
when it has its end (the last line `...`) or its writer is proven dead; what the folders list does not matter.  One that
is empty or unreadable is alive until unchanged for a whole lease on my clock and no claim that held a file of the name
at my first look is still in a living worker's folder.  So at most one attempt of a name is alive at any time.
(docs/model.md shows, rule by rule, the steps that lead to two live attempts without it.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from dsgspool import names
from dsgspool.classes import dataclass
from dsgspool.expressions import expression
from dsgspool.names import TaskName
from dsgspool.records import record_claim, record_is_over
from dsgspool.spool import Spool
from dsgspool.task import Budget, Decision, State

_NEXT = expression(rb"^next: ['\"]?([a-z]+)(?:~([a-z0-9-]+))?(?:\+([0-9.]+))?['\"]?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Begun:
    """Attempt number `attempt` is mine; `descriptor` is its open record."""

    attempt: int
    descriptor: int


@dataclass(frozen=True, slots=True)
class Busy:
    """An attempt of this name is alive."""

    attempt: int
    holder: str


@dataclass(frozen=True, slots=True)
class _Mute:
    """A record that did not say who makes it: which file, since when (my BOOTTIME), and who held files of its name."""

    file: tuple[int, int, bytes]  #: inode, mtime, content: a pruned record may be made anew, as empty as the old one
    since: float
    held: frozenset[str]


def next_line(decision: Decision | None) -> str:
    """What follows from an attempt, as its record says it: `done`, `failed~exit1`, `waiting~1+30.0`, `nothing`."""
    if decision is None:
        return "nothing"
    budget = decision.budget
    counts = f"{budget.failures}l{budget.losses}{f'o{budget.ooms}' if budget.ooms else ''}"
    tag = decision.tag or (counts if decision.state in (State.TODO, State.WAITING, State.HOLD) else "")
    return f"{decision.state}{f'~{tag}' if tag else ''}{f'+{decision.delay:.1f}' if decision.delay else ''}"


def next_of(data: bytes) -> Decision | None:
    """The decision that a record's end carries, None when it has none: then the file is given back uncounted."""
    if not (found := _NEXT.search(data)) or found[1].decode() not in tuple(State):
        return None
    tag = (found[2] or b"").decode()
    budget = TaskName("x", tag).budget
    fresh = budget == Budget() and not tag[:1].isdigit()
    unique = tag in ("invalid", "lost", "cancelled")
    return Decision(State(found[1].decode()), tag if fresh else "", budget, float(found[3] or 0), unique)


class Chain:
    """Begins attempts.  `is_dead(wid)` comes from the lease; `now` is the file server's time, for who cannot watch."""

    def __init__(
        self, spool: Spool, is_dead: Callable[[str], bool], lease: Callable[[], float], now: float | None = None
    ) -> None:
        self.spool, self.fs, self.is_dead, self.lease, self.now = spool, spool.fs, is_dead, lease, now
        self._mute: dict[str, _Mute] = {}

    def path(self, identity: str, attempt: int) -> str:
        """Path of a record."""
        return f"{self.spool.logs}/{names.record_path(identity, attempt)}"

    def begin(self, name: TaskName) -> Begun | Busy:
        """Make the next record of a name, or say which attempt is alive.  OSError is the share's trouble, not the task's."""
        attempt = name.budget.attempts + 1
        while attempt > 1:
            before = self._judge(name, attempt - 1)
            if isinstance(before, Busy):
                return before
            if before:
                break
            attempt = 1  # the record before is missing: people delete logs; walk up from the first
        while True:
            if (descriptor := self._create(self.path(name.identity, attempt))) is not None:
                before = self._look_back(name, attempt)
                if before is True:
                    return Begun(attempt, descriptor)
                self._abandon(descriptor)
                if isinstance(before, Busy):
                    return before
                attempt = 1
                continue
            found = self._judge(name, attempt)
            if isinstance(found, Busy):
                return found
            attempt += 1 if found else 0

    def _look_back(self, name: TaskName, attempt: int) -> bool | Busy:
        """True when every record before mine is (still) there and over, False when one is gone.

        RACE: `prune` removes records from 1 upwards.  Between my look at them and the creation of mine it may have removed
        all, and somebody else may already run attempt 1 anew, with ended records of walkers like me above it.
        """
        for number in range(attempt - 1, 0, -1):
            before = self._judge(name, number)
            if before is not True:
                return before
        return True

    def _abandon(self, descriptor: int) -> None:
        self.fs.append(
            descriptor, b"outcome: stopped\nreason: records before it were pruned meanwhile\n...\n", sync=True
        )
        self.fs.close(descriptor)

    def _create(self, path: str) -> int | None:
        try:
            return self.fs.create(path)
        except FileExistsError:
            return None
        except FileNotFoundError:
            self.fs.make_folder(path.rpartition("/")[0])
        try:
            return self.fs.create(path)
        except FileExistsError:  # another worker made folder and record at the same moment
            return None

    def _judge(self, name: TaskName, attempt: int) -> bool | Busy:
        """False = there is no such record, True = it is over, Busy = it is alive."""
        path = self.path(name.identity, attempt)
        before = self.spool.clock.boot()
        data = self.fs.read_fresh(path)
        if data is None:
            return False
        if record_is_over(data):
            return True
        holder = record_claim(data) or ""
        wid = holder.rpartition(".")[0]
        over = self.is_dead(wid) if names.is_wid(wid) else self._mute_is_over(path, data, name, before)
        return True if over else Busy(attempt, holder or "an attempt that has written nothing yet")

    def _mute_is_over(self, path: str, data: bytes, name: TaskName, before: float) -> bool:
        """A record that names no writer: over when unchanged for a lease and no claim from before is held any more.

        RACE: only claims that were held at my first look can have made it.  If any file of that name counted, two of
        them would wait for each other for ever (test_two_files_of_one_name_do_not_wait_for_each_other).
        """
        status = self.fs.status(path)
        if self.now is not None:  # a command is over before a lease is: mtime and now are both the file server's
            return self.now - status.st_mtime > self.lease() and not any(self._holders(name))
        file = (status.st_ino, status.st_mtime_ns, data)
        if path not in self._mute or self._mute[path].file != file:
            held = frozenset(self._holders(name))
            self._mute[path] = _Mute(file, self.spool.clock.boot(), held)
            return False
        first = self._mute[path]
        return before - first.since >= self.lease() and not first.held.intersection(self._holders(name))

    def _holders(self, name: TaskName) -> Iterator[str]:
        """Claims of living workers, other than mine, that hold a file of that name."""
        for _, other in self.spool.tasks(State.RUNNING):
            if other.identity != name.identity or not other.claim or other.claim == name.claim:
                continue
            if not self.is_dead(other.claim.wid):
                yield str(other.claim)

    def is_over(self, identity: str, attempt: int) -> bool:
        """True when that record is there and no attempt is alive that it could belong to."""
        return self._judge(TaskName(identity), attempt) is True

    def holder(self, identity: str, attempt: int) -> str:
        """Who holds that record, '' when it is over or not there."""
        found = self._judge(TaskName(identity), attempt)
        return found.holder if isinstance(found, Busy) else ""

    def of_claim(self, name: TaskName) -> tuple[int, bytes] | None:
        """(attempt, content) of the record that this very claim wrote, None when it never got that far."""
        attempt = name.budget.attempts + 1
        if attempt > 1 and self.fs.read_fresh(self.path(name.identity, attempt - 1)) is None:
            attempt = 1  # people delete logs; `begin` started from the first then, too
        while (data := self.fs.read_fresh(self.path(name.identity, attempt))) is not None:
            if record_claim(data) == str(name.claim):
                return attempt, data
            attempt += 1
        return None

    def has_ended(self, name: TaskName) -> bool:
        """True when the attempt of this very claim has its end: nothing of it runs any more."""
        found = self.of_claim(name)
        return found is not None and record_is_over(found[1])

    def count(self, identity: str) -> int:
        """Number of the newest record of a name, 0 when it has none."""
        attempt = 0
        while self.fs.read_fresh(self.path(identity, attempt + 1)) is not None:
            attempt += 1
        return attempt
