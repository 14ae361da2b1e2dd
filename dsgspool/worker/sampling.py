"""How much memory and CPU the running commands take, and how busy the node is: lines of the journal.

The rule: telemetry, never truth.  One look at all processes serves all attempts; what is over sooner than a first sample
costs nothing, and the longer an attempt runs the rarer its samples get, so that no attempt fills the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from dsgspool import census, proc
from dsgspool.classes import dataclass

if TYPE_CHECKING:
    from dsgspool.clock import Clock
    from dsgspool.worker.attempt import Attempt

FIRST, GROWTH, MOST = 4.0, 1.3, 60  #: age at the first sample in seconds, at each one of that before, samples in all


@dataclass(slots=True)
class Meter:
    """What the last sample of an attempt said.  0 = there was none."""

    samples: int = 0
    at: float = 0.0  #: BOOTTIME
    cpu: float = 0.0  #: seconds of CPU until then

    def is_due(self, age: float) -> bool:
        """True when an attempt of that age is to be told of."""
        return self.samples < MOST and age >= FIRST * GROWTH**self.samples

    def take(self, now: float, cpu: float, began: float) -> float:
        """Cores used since the last sample."""
        passed, used = now - (self.at or began), cpu - self.cpu
        self.samples, self.at, self.cpu = self.samples + 1, now, cpu
        # What was reaped by the worker and not by its parent takes its seconds with it.
        return max(used, 0.0) / passed if passed > 0 else 0.0


class Sampler:
    """Looks for one worker."""

    def __init__(self, clock: Clock, tell: Callable[..., None]) -> None:
        self.clock, self.tell = clock, tell
        self._before: proc.NodeLook | None = None

    def take(self, attempts: Collection[Attempt]) -> None:
        """One look at the trees of all running attempts."""
        if not attempts:
            return
        table, now = census.table(), self.clock.boot()
        trees = census.trees(table, {attempt.pid: attempt.held.claim for attempt in attempts})
        for attempt in attempts:
            tree = trees[attempt.pid]
            memory = sum(process.resident for process in tree)
            attempt.peak_memory = max(attempt.peak_memory, memory)
            meter = attempt.meter = attempt.meter or Meter()
            if tree and meter.is_due(now - attempt.began):
                cores = meter.take(now, sum(process.cpu for process in tree), attempt.began)
                facts = {"task": attempt.name.identity, "attempt": attempt.number}
                self.tell("sample", **facts, memory=memory, cpu=round(cores, 3))

    def look(self) -> None:
        """The node; how busy its CPUs were is known from the second time on."""
        now, before = proc.node_look(), self._before
        self._before = now
        facts = {"load": round(now.load, 2), "memory_used": now.memory_used, "memory_total": now.memory_total}
        if before is not None and now.cpu_seconds > before.cpu_seconds:
            part = (now.cpu_busy - before.cpu_busy) / (now.cpu_seconds - before.cpu_seconds)
            facts["cpu"] = round(min(max(part, 0.0), 1.0), 3)
        self.tell("node", **facts)
