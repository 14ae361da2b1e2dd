"""How much this worker may take of what is counted for the whole spool: `resources`, and how many may run (`max_running`).

The rule: a worker plans with its part of what is free, and starts only what it has marked in taken/ and then found room for.
Whoever finds too many gives back its own, whoever was first, so no command above a limit is ever started; what has ended is
given back as soon as no process of it is left.
"""

from __future__ import annotations

import contextlib
import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from dsgspool.lease import Peers
from dsgspool.names import Claim
from dsgspool.requests import NOTHING, Request
from dsgspool.settings import Settings
from dsgspool.spool import Spool
from dsgspool.spool.own import Held
from dsgspool.spool.policies import top_batch
from dsgspool.spool.submission import TICK
from dsgspool.spool.taken import WHOLE, Mark, Taken, crowd_of, is_crowd, totals
from dsgspool.task import State
from dsgspool.worker.desk import Desk
from dsgspool.worker.turnstile import Turnstile

INTERVAL = 30.0  #: seconds between two looks for marks of mine that landed late
RETRY_PAUSE = 1.0
NEW = 2  #: heartbeats after which whatever ran when a limit was named is marked
Wants = tuple[tuple[str, int], ...]


class Part:
    """What one round of choosing may take: of each resource one task's worth, or else no more than a worker's share."""

    def __init__(self, free: Mapping[str, int], workers: int) -> None:
        self.free = Counter(free)
        self._share = {name: number // max(1, workers) for name, number in free.items()}
        self._taken: Counter[str] = Counter()

    def takes(self, wants: Wants) -> bool:
        """True when there is room for one more."""
        return all(
            amount <= self.free[name] and (not self._taken[name] or self._taken[name] + amount <= self._share[name])
            for name, amount in wants
        )

    def take(self, wants: Wants) -> None:
        """One more is claimed."""
        self.keep(wants)
        self._taken.update(dict(wants))

    def keep(self, wants: Iterable[tuple[str, int]]) -> None:
        """No other may have that."""
        self.free.subtract(dict(wants))


class Counted:
    """Takes and gives back, for one worker."""

    def __init__(
        self, spool: Spool, wid: str, settings: Callable[[], Settings], peers: Peers, desk: Desk, turnstile: Turnstile
    ) -> None:
        self.spool, self.wid, self.settings, self.peers = spool, wid, settings, peers
        self.desk, self.turnstile = desk, turnstile
        self.taken = Taken(spool)
        self.mine: dict[Claim, frozenset[Mark]] = {}  #: what I hold
        self._unsure: set[Claim] = set()  #: of these perhaps not all marks are there
        self.rests_until = 0.0  #: BOOTTIME; nothing that wants any is taken before
        self.touch_at = math.inf  #: BOOTTIME at which the folder is touched, after I gave something back
        self._is_remote = spool.fs.mount(spool.todo).is_remote
        self._has_marked = False
        self._tidy_at = 0.0  #: BOOTTIME of the next look at my marks, when nothing else makes me look
        self._known_at: dict[str, float] = {}  #: what `max_running` limits -> BOOTTIME since which I know that

    @property
    def limits(self) -> Mapping[str, int]:
        """How much there is of each resource."""
        return self.settings().resources

    def named(self, request: Request) -> Wants:
        """What it wants of the whole spool's resources."""
        limits = self.limits
        return tuple(pair for pair in request.named if pair[0] in limits) if request.named else ()

    def of(self, identity: str, request: Request) -> Wants:
        """The same, and one of each number of tasks that may run."""
        wants = self.named(request) if request.named else ()
        crowds = self.turnstile.limits((top_batch(identity),))
        return (*wants, *((what, 1) for what in crowds)) if crowds else wants

    # -- before a claim ------------------------------------------------------------------------------------------

    def part(self) -> Part:
        """What is free of each now, besides what lies here and has not begun."""
        free = Counter[str]()
        if self.spool.clock.boot() >= self.rests_until:
            taken = self._count()
            free.update({name: most - taken[name] for name, most in {**self.limits, **self.heed()}.items()})
            for ready in self.desk.ready.values():
                free.subtract(dict(self.of(ready.held.name.identity, ready.request)))
            for settling in self.desk.settling.values():
                free.subtract(dict(self.of(settling.held.name.identity, NOTHING)))
        return Part(free, len(self.peers.living()))

    def heed(self) -> dict[str, int]:
        """How many may run, of all that is limited so; what is limited only now is new."""
        limits, now = self.turnstile.limits(self.turnstile.policies.entries), self.spool.clock.boot()
        self._known_at = {what: self._known_at.get(what, now) for what in limits}
        return limits

    def _count(self) -> Counter[str]:
        """How much is taken.

        RACE: what ran when a limit was named has no mark before its worker knows of that: so long its claim counts.
        """
        marks = self._marks()
        taken, known = totals(marks), {(mark.resource, mark.claim) for mark in marks}
        since = self.spool.clock.boot() - NEW * self.settings().heartbeat
        new = {what for what in self.heed() if self._known_at[what] > since}
        begun = {attempt.name.claim for attempt in self.desk.attempts.values()}
        for _, name in self.spool.held(State.RUNNING) if new else ():
            claim = name.claim
            counts = claim in begun or (claim is not None and claim.wid != self.wid)
            for what in {WHOLE, crowd_of(top_batch(name.identity))} & new if counts else ():
                taken[what] += (what, claim) not in known
        return taken

    # -- before a record -----------------------------------------------------------------------------------------

    def take(self, held: Held, request: Request) -> bool:
        """Mark what it wants and count; False, or OSError: it may not begin, and nothing is marked.

        RACE: two workers counted before either had marked.  Both count again, and all that find too many give back.
        """
        claim, wants = held.name.claim, self.of(held.name.identity, request)
        if not wants or claim is None:
            return True
        try:
            self.mark(claim, wants)
            # What a person put here runs however many run, but not without a licence.
            asked = [mark for mark in self.mine[claim] if not (held.is_gift and is_crowd(mark.resource))]
            is_allowed = self._is_allowed(asked)
        except OSError:
            self.give(claim)
            self._tidy_at = 0.0
            self.rests_until = (
                self.spool.clock.boot() + self.settings().poll_max
            )  # or it would be claimed again at once
            raise
        if not is_allowed:
            self.give(claim)
            pause = random.uniform(0.2, 1.0) * self.settings().poll_min  # noqa: S311 - or they would meet again
            self.rests_until = self.spool.clock.boot() + pause
        return is_allowed

    def mark(self, claim: Claim, wants: Wants) -> None:
        """Let others see what it takes.  OSError: asked for once more, that is made up for."""
        before = self.mine.get(claim, frozenset())
        marks = before | {Mark(name, amount, claim) for name, amount in wants}
        if marks == before and claim not in self._unsure:
            return
        self.mine[claim] = marks
        self._unsure.add(claim)
        self._has_marked = True
        for mark in sorted(marks, key=lambda mark: mark.file):
            self.taken.make(mark)
        self._unsure.discard(claim)

    def _is_allowed(self, marks: Iterable[Mark]) -> bool:
        """A listing that lacks what I have just made is not believed."""
        found, limits = self._marks(), {**self.limits, **self.heed()}
        taken = totals(found)
        return all(mark in found and taken[mark.resource] <= limits.get(mark.resource, 0) for mark in marks)

    # -- the end -------------------------------------------------------------------------------------------------

    def give(self, claim: Claim | None) -> None:
        """Nothing of it runs: others may have what it had.  What cannot be removed now is removed later.

        RACE: an NFSv3 client that listed the folder in the clock tick of my removal would believe the mark for ever.
        """
        for mark in self.mine.pop(claim, ()) if claim and self.mine else ():
            self._unsure.discard(mark.claim)
            self.rests_until = 0.0
            self.touch_at = self.spool.clock.boot() + TICK if self._is_remote else math.inf
            try:
                self.taken.remove(mark)
            except OSError:
                self._tidy_at = self.spool.clock.boot() + RETRY_PAUSE

    def tidy(self) -> None:
        """Let others see what I gave back; look for marks of mine that are not mine any more: one could not be removed, or
        was made late."""
        if self.spool.clock.boot() >= self.touch_at:
            self.touch_at = math.inf
            with contextlib.suppress(OSError):
                self.spool.fs.touch(self.taken.folder)
        if (self.limits or self._has_marked) and self.spool.clock.boot() >= self._tidy_at:
            self._marks()

    def _marks(self) -> list[Mark]:
        """All marks, and of me only those that I know; those that somebody removed are made anew at the next heartbeat."""
        found, mine = self.taken.marks(), {mark for marks in self.mine.values() for mark in marks}
        self._unsure.update(mark.claim for mark in mine.difference(found))
        astray = {mark for mark in found if mark.claim.wid == self.wid} - mine
        for mark in astray:
            self.taken.remove(mark)
        self._tidy_at = self.spool.clock.boot() + INTERVAL
        return [mark for mark in found if mark not in astray]
