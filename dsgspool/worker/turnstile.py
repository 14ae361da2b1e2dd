"""How many tasks may run at once, `max_running` of the spool and of its batches, and what batches/NAME.yaml holds back.

The rule: what lies in running/ with a claim runs, and a claim counts from its rename on.  Whoever claims something that
is limited counts before it, and once more after it; of what came and is too much, the last names go back before they have
a record.  Of several claims made at once the last one sees all others, so no command above the limit is ever started.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from dsgspool import names
from dsgspool.permissions import why_not_obeyed
from dsgspool.policy import Policy
from dsgspool.spool.own import Held
from dsgspool.spool.policies import OBEYED_FOR, Policies, top_batch
from dsgspool.task import State

if TYPE_CHECKING:
    from dsgspool.worker.loop import Worker

WHOLE = ""  #: stands for the spool among the names of batches


class Turnstile:
    """Lets tasks pass, for one worker."""

    def __init__(self, worker: Worker) -> None:
        self.worker, self.spool, self.clock = worker, worker.spool, worker.clock
        me = worker.me
        self.policies = Policies(
            self.spool,
            lambda status: why_not_obeyed(status, me.uid, me.spool_owner, OBEYED_FOR),
            lambda: worker.settings.settle,
            lambda: worker.settings.heartbeat,
            self._tell,
            decides=True,
        )
        self.rests_until = 0.0  #: BOOTTIME; nothing that is limited is claimed before
        self._room: dict[str, int] | None = None  #: None = not counted yet
        self._pause = 0.0
        self.stopped: Mapping[str, str] = {}  #: batches that the last look at todo/ passed over, and why

    def _tell(self, batch: str, why: str) -> None:
        if why:
            self.worker.tell("policy", f"{why}; nothing more of the batch {batch} is started", batch=batch, why=why)
        else:
            self.worker.tell("well", f"the batch {batch} goes on")

    def policy(self, identity: str) -> Policy:
        """What holds for a task."""
        return self.policies.of(top_batch(identity))

    # -- before a claim ------------------------------------------------------------------------------------------

    def open(self, pause: float) -> None:
        """A new round of claims: count anew when that is needed; without room, not again for that long."""
        self._room, self._pause = None, pause

    def admits(self, path: str) -> bool:
        """True when there is room for one more: a candidate's path below todo/.  It takes its place."""
        if not (limits := self._limits(names.split_lane(path)[1])):
            return True
        now = self.clock.boot()
        if self._room is None and now < self.rests_until:
            return False
        if self._room is None:
            self._room = {
                key: self._share(limit - number)
                for key, number in self._running().items()
                if (limit := self._limit(key)) is not None
            }
        if any(self._room.setdefault(key, self._share(limit)) <= 0 for key, limit in limits.items()):
            self.rests_until = max(self.rests_until, now + self._pause)
            return False
        self._room.update({key: self._room[key] - 1 for key in limits})
        return True

    def _share(self, free: int) -> int:
        """Of what is free each living worker takes its part, or one: who takes all would have to give much back."""
        return max(1, free // max(1, len(self.worker.peers.living()))) if free > 0 else 0

    def _limit(self, key: str) -> int | None:
        return self.policies.of(key).max_running if key else self.worker.settings.max_running

    def _limits(self, identity: str) -> dict[str, int]:
        keys = {WHOLE, top_batch(identity)}
        return {key: limit for key in keys if (limit := self._limit(key)) is not None}

    def _running(self) -> Counter[str]:
        """How many claims lie in running/: of each batch, and of the whole spool."""
        tops = [top_batch(name.identity) for _, name in self.spool.held(State.RUNNING)]
        found = Counter(filter(None, tops))
        found[WHOLE] = len(tops)
        return found

    def gone(self, target: str) -> None:
        """A file of mine is out: when it ended, there is room again."""
        if not target.startswith(f"{self.spool.todo}/"):
            self.rests_until = 0.0

    # -- after a claim, before its record ------------------------------------------------------------------------

    def passed(self, came: Iterable[tuple[Held, int]]) -> list[tuple[Held, int]]:
        """Of what just came, with its inodes, what may stay; the rest goes back, nothing counted.

        RACE: two workers counted before either had claimed.  Both count again; who finds too many gives back its own,
        whoever was first, because another's claim may have a command already.
        """
        came = list(came)
        if any(held.is_gift for held, _ in came):
            self.policies.refresh()  # what a person put here, no look at todo/ has seen
        limited = [held for held, _ in came if not held.original and self._limits(held.name.identity)]
        running = self._running() if limited else Counter()
        back: set[Held] = set()
        for held in sorted(limited, key=lambda held: held.name.stem, reverse=True):
            limits = self._limits(held.name.identity)
            if not held.is_gift and any(running[key] > limit for key, limit in limits.items()):
                back.add(held)
                running.subtract(limits.keys())
                self.worker.attempts.endings.give_back(held)
        if back:
            pause = random.uniform(0.2, 1.0) * self.worker.settings.poll_min  # noqa: S311 - or they would meet again
            self.rests_until = self.clock.boot() + pause
        return [(held, inode) for held, inode in came if held not in back]

    def forbids(self, held: Held) -> bool:
        """True when a claimed task may not begin: its batch was paused since.  A person's gift runs all the same, but
        not without a policy that can be read."""
        batch = top_batch(held.name.identity)
        if not batch:
            return False
        self.policies.freshen(self.worker.settings.heartbeat)
        if held.is_gift:
            return bool(self.policies.why_unread(batch))
        return bool(self.policies.why_not_task(held.name.identity))

    @property
    def is_unsettled(self) -> bool:
        """True while a policy that is just being written stops its batch: that is over soon."""
        return any(map(self.policies.is_unsettled, self.stopped))

    def tell_stopped(self) -> None:
        """Before the end of `--until-empty`: batches that lie in todo/ and are not started."""
        for batch, why in sorted(self.stopped.items()):
            self.worker.tell("left", f"todo/{batch}/ is left: {why}", batch=batch, why=why)
