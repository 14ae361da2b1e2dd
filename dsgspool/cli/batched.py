"""What the policy of a batch, and `max_running`, have to do with a task that does not run.

The rule: told from one snapshot and one look at batches/; the command that would change it stands with it.
"""

from __future__ import annotations

import shlex
from collections import Counter

from dsgspool.snapshot import Snapshot, TaskSeen
from dsgspool.spool import SETTINGS, Spool
from dsgspool.spool.policies import read_policies, top_batch
from dsgspool.task import State

Words = tuple[str, list[str]]  #: a reason, and what would change it


class Batched:
    """Answers out of one snapshot."""

    def __init__(self, spool: Spool, seen: Snapshot) -> None:
        self.spool, self.seen, self.policies = spool, seen, read_policies(spool)
        self.running = Counter(top_batch(run.task) for run in seen.running)

    def waits(self, task: TaskSeen) -> bool:
        """True when its batch keeps it back, so that it is before nobody."""
        limit = self.policies.of(task.batch).max_running
        return bool(self.policies.why_not_task(task.identity)) or (
            limit is not None and self.running[task.batch] >= limit
        )

    def priority(self, identity: str) -> int:
        """That of a task outside of lanes with a priority of their own."""
        return self.policies.of(top_batch(identity)).priority

    def stopped(self, identity: str) -> Words | None:
        """Its batch is not started."""
        batch = top_batch(identity)
        if not (why := self.policies.why_not_task(identity)):
            return None
        if self.policies.why_unread(batch):
            return f"its batch is not started: {why}", ["mend that: workers look again within seconds"]
        there = {task.identity: task.state for task in self.seen.tasks}
        only = sorted(name for name in self.policies.trial(batch).only if there.get(name) is not State.DONE)
        tried = [f"dsgspool why {shlex.quote(name)}" for name in only if name in there][:1]
        held = "is paused" if self.policies.of(batch).paused else "is held back"
        return f"its batch {held}: {why}", [*tried, f"dsgspool batch resume {shlex.quote(batch)}"]

    def crowded(self, identity: str) -> Words | None:
        """As many run already as may."""
        batch = top_batch(identity)
        limit, running = self.policies.of(batch).max_running, self.running[batch]
        if limit is not None and running >= limit:
            change = f"dsgspool batch set {shlex.quote(batch)} max_running={limit + 1}"
            return f"{running} of {batch}/ run, and no more than {limit} may at once (max_running)", [change]
        if (whole := self.spool.settings().max_running) is not None and (running := self.running.total()) >= whole:
            who = "1 task runs" if running == 1 else f"{running} tasks run"
            because = f"{who}, and no more than {whole} may at once (max_running in {SETTINGS})"
            return because, [f"raise `max_running` in {self.spool.root}/{SETTINGS}"]
        return None
