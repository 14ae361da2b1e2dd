"""For whom what is free of a counted resource of the whole spool is kept.

The rule: workers tell nobody what they keep, so it is told by the order in which all of them try lanes (spool/scan.py) and
where that decides alone: a lane that wants more than is free, and is tried before, keeps it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

from dsgspool import names
from dsgspool.cli.batched import Batched
from dsgspool.cli.behind import text_of
from dsgspool.cli.turns import Turns
from dsgspool.requests import Request
from dsgspool.snapshot import Snapshot, TaskSeen
from dsgspool.snapshot.rules import Stock
from dsgspool.spool import Spool
from dsgspool.task import State
from dsgspool.worker.peek import peek

Rank = tuple[int, int, int]


class Keeping:
    """Answers out of one snapshot."""

    def __init__(self, spool: Spool, seen: Snapshot) -> None:
        self.spool, self.seen = spool, seen

    def before(self, task: TaskSeen, request: Request) -> Iterator[tuple[TaskSeen, Request, Stock]]:
        """Tasks that keep all that is free of something which a task wants, what they want, and of what.

        What lies in no lane of its request is claimed by who does not know yet what it wants, so nothing is kept from it."""
        wanted = {name for name, amount in request.named if amount}
        stocks = [stock for stock in self.seen.stock if stock.name in wanted and stock.taken < stock.there]
        if not stocks or names.parse_lane(task.name.lane).wants != request.digest:
            return
        mine, share = self._rank(task, request), self._turns.share(task)
        for other, wants in self._firsts:
            rank, amounts = self._rank(other, wants), dict(wants.named)
            if rank < mine and (rank[0] < mine[0] or self._turns.share(other) == share):
                yield from (
                    (other, wants, each) for each in stocks if amounts.get(each.name, 0) > each.there - each.taken
                )

    def _rank(self, task: TaskSeen, request: Request) -> Rank:
        """The smaller, the sooner its lane is tried."""
        lane, limits = names.parse_lane(task.name.lane), self.seen.limits
        priority = lane.priority or self._batched.priority(task.identity)
        return -priority, -lane.cpus, -sum(amount for name, amount in request.named if name in limits)

    @functools.cached_property
    def _firsts(self) -> list[tuple[TaskSeen, Request]]:
        """Of each lane with a request one task of each batch, and of each who takes turns, with what it wants."""
        found: dict[object, TaskSeen] = {}
        for task in self.seen.in_state(State.TODO):
            lane = names.parse_lane(task.name.lane)
            if lane.known and lane.wants and not task.name.claim and not self._batched.waits(task):
                found.setdefault((task.name.lane, task.batch, self._turns.share(task)), task)
        hints = [
            (task, peek(text_of(self.spool, task)).request.on_rung(task.name.budget.ooms)) for task in found.values()
        ]
        return [(task, wants) for task, wants in hints if wants.digest == names.parse_lane(task.name.lane).wants]

    @functools.cached_property
    def _batched(self) -> Batched:
        return Batched(self.spool, self.seen)

    @functools.cached_property
    def _turns(self) -> Turns:
        return Turns(self.spool, self.seen)
