"""The values that a snapshot is made of: what is where, who runs what, who is alive.

The rule: frozen, plain and whole, so that every reader (`status`, `list`, `workers`, the report, tests) sees the same
instant.  Nothing here touches the world.  Moments are Unix time of the file server, durations are in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from dsgspool.classes import dataclass
from dsgspool.conditions import Inventory
from dsgspool.names import TaskName, parse_after
from dsgspool.snapshot.attempts import Attempt
from dsgspool.spool.rest import Rest
from dsgspool.task import State

if TYPE_CHECKING:
    from dsgspool.snapshot.rules import Stock
    from dsgspool.snapshot.standings import Standing


NEWS = 600.0  #: seconds after its last heartbeat for which a dead worker that holds nothing is shown


@dataclass(frozen=True, slots=True)
class Counts:
    """How many tasks are in each state."""

    todo: int = 0
    waiting: int = 0
    hold: int = 0
    running: int = 0
    done: int = 0
    failed: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.todo + self.waiting + self.hold + self.running + self.done + self.failed

    @property
    def finished(self) -> int:
        """Done and failed."""
        return self.done + self.failed

    @property
    def open(self) -> int:
        """What can still run without a person: todo, waiting, running."""
        return self.todo + self.waiting + self.running


@dataclass(frozen=True, slots=True)
class TaskSeen:
    """One task file: where it lies and, as far as it was looked up, its attempts (oldest first)."""

    identity: str
    state: State
    path: str  #: below the state's folder
    name: TaskName
    attempt: int = 0  #: number of the newest attempt that is known of
    attempts: tuple[Attempt, ...] = ()
    until: float | None = None  #: waits until then (Unix time of the file server)
    waits_for: str = ""  #: the folder in waiting/ that it lies in

    @property
    def after(self) -> str:
        """The name, batch or pattern that it waits for, '' when it does not wait for tasks."""
        return parse_after(self.waits_for)

    @property
    def batch(self) -> str:
        """The top-level batch folder, '' outside of one."""
        return self.identity.partition("/")[0] if "/" in self.identity else ""

    @property
    def reason(self) -> str:
        """The tag in its name when that is a reason (`exit1`, `timeout`), '' when it only counts."""
        return "" if self.name.tag[:1].isdigit() else self.name.tag

    @property
    def newest(self) -> Attempt | None:
        """The newest attempt that was looked up."""
        return self.attempts[-1] if self.attempts else None


@dataclass(frozen=True, slots=True)
class Running:
    """A task in a worker's hands.  `started` None = claimed, and its attempt has not begun."""

    task: str
    worker: str
    host: str
    claim: str
    attempt: int = 0
    started: float | None = None
    seconds: float | None = None
    progress: float | None = None  #: 0 to 1, when its logs say so (`with_tails`)
    line: str = ""  #: the last line of its logs, as it came (`with_tails`)
    gpus: tuple[int, ...] = ()  #: indexes of those that it has on its node


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """One worker incarnation.  `verdict` says why it is taken for dead or silent, '' while it is alive."""

    wid: str
    host: str
    slots: int
    verdict: str
    heartbeat_age: float | None  #: seconds, by the file server's time as far as it is known here
    running: tuple[str, ...]
    wider: int = 0  #: slots that these take beyond one each
    pid: int = 0
    started: float | None = None
    version: str = ""
    known: bool = True  #: has a WID.yaml
    ended: bool = False  #: its guard left a tombstone
    cpus: int = 0  #: of its node, as far as it may use them; 0 = not known
    memory_bytes: int = 0  #: of its node; 0 = not known
    inventory: Inventory = Inventory()
    rest: Rest | None = None  #: why it takes no new tasks now: it is paused, it drains, or its node is not to be had
    closes: float | None = None  #: Unix time at which it will take no more, by the hours of its node

    @property
    def alive(self) -> bool:
        """False when it is dead or silent for a whole lease."""
        return not self.verdict

    @property
    def given_up(self) -> bool:
        """True when it is dead and the others have taken over what it held."""
        return not (self.alive or self.ended) and ("gave it up" in self.verdict or self.heartbeat_age is None)

    @property
    def is_news(self) -> bool:
        """False for what holds nothing and ended in order, or was given up some minutes ago."""
        if self.alive or self.running:
            return True
        is_new = self.heartbeat_age is None or self.heartbeat_age < NEWS
        return not self.ended and (is_new or not self.given_up)

    @property
    def used(self) -> int:
        """Slots that are taken; more than there are when it claims ahead."""
        return len(self.running) + self.wider

    @property
    def paused(self) -> bool:
        """True when it takes no new tasks until a person says otherwise."""
        return self.rest is not None and self.rest.is_pause

    @property
    def halted(self) -> bool:
        """True when only a person can change that it takes no new tasks."""
        return self.paused or self.draining

    @property
    def draining(self) -> bool:
        """True when it takes no new tasks any more, and ends when what it runs is over."""
        return self.rest is not None and self.rest.is_drain


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything at one instant."""

    root: str
    taken: float  #: Unix time of the file server
    paused: bool
    counts: Counts
    batches: Mapping[str, Counts]  #: '' = tasks outside of a batch
    tasks: tuple[TaskSeen, ...]
    running: tuple[Running, ...]
    workers: tuple[WorkerSeen, ...]
    problems: tuple[str, ...]
    records: bool = False  #: attempts of finished tasks were read too
    policies: Mapping[str, Standing] = field(default_factory=dict)  #: of the batches that have one
    stock: tuple[Stock, ...] = ()  #: counted resources of the whole spool
    unseen: tuple[str, ...] = ()  #: those of the problems for which something may be missing here

    @property
    def limits(self) -> dict[str, int]:
        """How much there is of each counted resource of the whole spool."""
        return {each.name: each.there for each in self.stock}

    @property
    def stopped(self) -> dict[str, str]:
        """Batches whose policy lets nothing start, or only what is tried first, and why."""
        return {batch: standing.why for batch, standing in self.policies.items() if standing.why}

    @property
    def finals(self) -> dict[str, str]:
        """The last task of each batch whose policy has one -> the batch, whether it is there or still to come."""
        if not self.policies:
            return {}
        from dsgspool.policy import final_of

        named = {final_of(batch): batch for batch, standing in self.policies.items() if standing.policy.final}
        return {final: batch for final, batch in named.items() if batch in self.batches}

    @property
    def alive(self) -> tuple[WorkerSeen, ...]:
        """The workers that are alive."""
        return tuple(worker for worker in self.workers if worker.alive)

    @property
    def next_due(self) -> float | None:
        """When the first delayed task is due."""
        return min((task.until for task in self.tasks if task.until is not None), default=None)

    def in_state(self, *states: State) -> Iterator[TaskSeen]:
        """Tasks in these states."""
        return (task for task in self.tasks if task.state in states)
