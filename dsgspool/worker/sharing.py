"""Turns of owners and batches (`fair` in spool.yaml): who had less of late comes first.

The rule: what counts is slots times seconds, halved with each hour that has passed, of what this worker ran itself; what
runs counts as it goes, and what has just begun for as long as tasks mostly take.  It is asked at each claim, not only at a
look.  Where nobody takes turns nothing is counted, and the queue is one line.
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from dsgspool.spool.owners import Owners
from dsgspool.spool.scan import Look, Part, Share, Sight
from dsgspool.spool.turns import FairLook, cpus_of, share_of

if TYPE_CHECKING:
    from dsgspool.worker.attempt import Attempt
    from dsgspool.worker.intake import Intake

HALF_LIFE = 3600.0
MOST_KNOWN = 4096  #: shares that are remembered
ALL: Share = (-1, "")
PART_TURN = 120.0  #: seconds after which workers exchange their parts, or what a busy one has would wait for it
TELL_INTERVAL, MOST_TOLD = 30.0, 64  #: seconds, entries
NEWS = 0.1  #: part of the mean run time that the last task makes


def weight(seconds: float) -> float:
    """What so many seconds until now count, the older ones less."""
    return HALF_LIFE / math.log(2) * -math.expm1(-seconds / HALF_LIFE * math.log(2))


class Queue:
    """Candidates: those of the highest priority first, and of these one of the share that comes next."""

    def __init__(self, sight: Sight, next_of: Callable[[Iterable[Share]], Share]) -> None:
        self._places, self._next_of = sight.shares, next_of
        self._levels: dict[int, dict[Share, deque[str]]] = {}
        if not sight.shares and sight.candidates:
            self._levels[0] = {ALL: deque(sight.candidates)}
            return
        for path in sight.candidates:
            self._line(path).append(path)

    def _line(self, path: str) -> deque[str]:
        level, share = self._places.get(path, (0, ALL))
        return self._levels.setdefault(level, {}).setdefault(share, deque())

    def __bool__(self) -> bool:
        return bool(self._levels)

    def __iter__(self) -> Iterator[str]:
        return (path for level in self._levels.values() for line in level.values() for path in line)

    def clear(self) -> None:
        """Forget all."""
        self._levels.clear()

    def extendleft(self, paths: Iterable[str]) -> None:
        """Put some back, each to the head of its line."""
        for path in paths:
            self._line(path).appendleft(path)

    def popleft(self) -> str:
        """Take the one whose turn it is."""
        priority = max(self._levels)
        level = self._levels[priority]
        share = self._next_of(level) if len(level) > 1 else next(iter(level))
        path = level[share].popleft()
        if not level[share]:
            del level[share]
        if not level:
            del self._levels[priority]
        return path

    def share(self, path: str) -> Share:
        """Whose turn a candidate takes."""
        return self._places.get(path, (0, ALL))[1]


class Sharing:
    """What everybody had of late, for one worker."""

    def __init__(self, intake: Intake) -> None:
        self.intake, self.worker, self.clock = intake, intake.worker, intake.clock
        self.owners = Owners(intake.spool)
        self.used: dict[Share, tuple[float, float]] = {}  #: slot-seconds at BOOTTIME; an owner's stand under batch '/'
        self.typical = 1.0  #: seconds that a task mostly takes
        self._now: dict[Share, float] | None = None  #: the same and what is under way; None = to be worked out
        self._taken: dict[str, Share] = {}  #: whose turn a path took that was claimed since, while it may not be whole
        self._waiting: list[Share] = []  #: whose candidates the last look found
        self._line = self.queue()
        self._tells_at = 0.0  #: BOOTTIME
        self._part_turn = 0

    # -- looking -------------------------------------------------------------------------------------------------

    def look(self) -> Sight:
        """Look at todo/."""
        spool, turns, intake = self.intake.spool, self.worker.settings.turns, self.intake
        options: dict[str, Any] = {
            "slots": self.worker.controls.slots,
            "part": self._part(),
            "refused": intake.refusals.now(),
            "policies": intake.turnstile.policies,
            "most": intake.packing.most,
            "weight": intake.packing.weight,
            "breathe": self.breathe,
        }
        self._now = None
        if not turns:
            return Look(spool, **options).take()
        return FairLook(spool, turns=turns, use=self.use, owners=self.owners, **options).take()

    def breathe(self) -> None:
        """In the middle of a long look: a heart must beat, and time goes on for what runs."""
        if self.clock.boot() - self.worker.lease.beat_at >= self.worker.settings.heartbeat:
            self.worker.attend()

    def _part(self) -> Part:
        """The names that this worker tries first: each living one has others, so that they seldom meet."""
        self._part_turn = self._turn()
        if self.intake.has_met:
            self.intake.peers.refresh()  # mostly those are new: who knows of all begins where nobody else does
        living, wid = self.intake.peers.living(), self.worker.station.wid
        number = living.index(wid) if wid in living else 0
        return Part((number + self._part_turn) % len(living), len(living)) if len(living) > 1 else Part()

    def _turn(self) -> int:
        return int(self.worker.lease.server.now() // PART_TURN)

    def has_turned(self) -> bool:
        """True when what the last look found first is now another one's part."""
        return self._turn() != self._part_turn and len(self.intake.peers.living()) > 1

    def queue(self, sight: Sight | None = None) -> Queue:
        """What a look found, to be claimed in turn."""
        sight = sight or Sight()
        self._line, self._waiting = Queue(sight, self._next), sorted({share for _, share in sight.shares.values()})
        return self._line

    def took(self, path: str) -> str:
        """A candidate is to be claimed now: it counts from here on."""
        if self._now is not None:
            self._taken[path] = share = self._line.share(path)
            self._add(share, cpus_of(path) * self.typical)
        return path

    def tell(self) -> None:
        """For `dsgspool why`: what those had of late whose tasks wait, when there are several."""
        if len(self._waiting) > 1 and self.clock.boot() >= self._tells_at:
            self._tells_at, self._now = self.clock.boot() + TELL_INTERVAL, None
            keys = dict.fromkeys([*((uid, "/") for uid, _ in self._waiting), *self._waiting])
            used = [[*key, round(self.use(key)[1], 1)] for key in keys]
            self.worker.tell("turns", used=used[:MOST_TOLD])

    # -- what was used -------------------------------------------------------------------------------------------

    def use(self, share: Share) -> tuple[float, float]:
        """What its owner had of late, and what its batch had.  The smaller, the sooner."""
        if self._now is None:
            self._work_out()
        return self._sum((share[0], "/")), self._sum(share)

    def _sum(self, key: Share) -> float:
        assert self._now is not None
        if key not in self._now:
            self._now[key] = self._left(key, self.clock.boot())
        return self._now[key]

    def _next(self, shares: Iterable[Share]) -> Share:
        # Of several workers that know nothing yet not all may begin with the same one.
        return min(shares, key=lambda share: (*self.use(share), random.random()))  # noqa: S311 - among equals, no secret

    def charge(self, attempt: Attempt) -> None:
        """An attempt has ended; before its slots are given back."""
        if not (self.worker.settings.turns and attempt.began and attempt.slots):
            return
        now = self.clock.boot()
        seconds = now - attempt.began
        self.typical += NEWS * (seconds - self.typical)
        share, spent = self._share(attempt), attempt.slots * weight(seconds)
        for key in (share, (share[0], "/")):
            self.used[key] = self._left(key, now) + spent, now
        if len(self.used) > MOST_KNOWN:
            least = sorted(self.used, key=lambda key: self._left(key, now))
            for key in least[: MOST_KNOWN // 2]:
                del self.used[key]
        self._now = None

    def _share(self, attempt: Attempt) -> Share:
        uid = attempt.text.uid if attempt.text else ALL[0]
        return share_of(attempt.name.identity, uid, self.worker.settings.turns)

    def _left(self, key: Share, now: float) -> float:
        """What is left today of what was counted then."""
        spent, at = self.used.get(key, (0.0, now))
        return spent * math.pow(0.5, (now - at) / HALF_LIFE)

    def _work_out(self) -> None:
        """What is under way; what was used before is added as far as it is asked for."""
        now, desk, turns = self.clock.boot(), self.intake.desk, self.worker.settings.turns
        self._now = {}
        for attempt in desk.attempts.values():
            seconds = max(self.typical, now - attempt.began) if attempt.began else 0.0
            self._add(self._share(attempt), attempt.slots * weight(seconds))
        for ready in desk.ready.values():
            self._add(share_of(ready.held.name.identity, ready.text.uid, turns), ready.cpus * self.typical)
        paths = {each.held.dropped_as for each in desk.settling.values()}
        self._taken = {path: share for path, share in self._taken.items() if path in paths}
        for share in self._taken.values():
            self._add(share, self.typical)

    def _add(self, share: Share, spent: float) -> None:
        assert self._now is not None
        for key in (share, (share[0], "/")):
            self._now[key] = self._sum(key) + spent
