"""What batches/NAME.yaml holds back, and how many tasks may run at once: `max_running` of the spool and of its batches.

The rule: what a policy says is asked before a claim and again before a record.  How many run is counted by marks, as what is
counted for the whole spool (counted.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from dsgspool.permissions import why_not_obeyed
from dsgspool.policy import Policy
from dsgspool.spool.own import Held
from dsgspool.spool.policies import OBEYED_FOR, Policies, top_batch
from dsgspool.spool.taken import WHOLE, crowd_of

if TYPE_CHECKING:
    from dsgspool.worker.loop import Worker


class Turnstile:
    """Lets tasks pass, for one worker."""

    def __init__(self, worker: Worker) -> None:
        self.worker, self.spool, me = worker, worker.spool, worker.me
        self.policies = Policies(
            self.spool,
            lambda status: why_not_obeyed(status, me.uid, me.spool_owner, OBEYED_FOR),
            lambda: worker.settings.settle,
            lambda: worker.settings.heartbeat,
            self._tell,
            decides=True,
        )
        self.stopped: Mapping[str, str] = {}  #: batches that the last look at todo/ passed over, and why

    def _tell(self, batch: str, why: str) -> None:
        if why:
            self.worker.tell("policy", f"{why}; nothing more of the batch {batch} is started", batch=batch, why=why)
        else:
            self.worker.tell("well", f"the batch {batch} goes on")

    def policy(self, identity: str) -> Policy:
        """What holds for a task."""
        return self.policies.of(top_batch(identity))

    def limits(self, batches: Iterable[str]) -> dict[str, int]:
        """How many may run at once, in the whole spool and of these batches, by what their marks say."""
        if self.worker.settings.max_running is None and not self.policies.entries:
            return {}  # asked for three times a task
        said = {crowd_of(batch): self.policies.of(batch).max_running for batch in batches}
        return {
            what: most for what, most in {**said, WHOLE: self.worker.settings.max_running}.items() if most is not None
        }

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
        """Before the end of `--until-empty`: batches that lie in todo/ and are not started; of an empty folder nothing is."""
        for batch, why in sorted(self.stopped.items()):
            if next(iter(self.policies.trials.queued(batch)), ""):
                self.worker.tell("left", f"todo/{batch}/ is left: {why}", batch=batch, why=why)
