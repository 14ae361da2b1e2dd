"""CPUs of its own for each attempt (`pin`): which ones it gets.

The rule: an attempt that has slots has its CPUs, and no other attempt of this worker has one of them; they come back with
the slots.  What runs on this node beside this worker is not known here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from dsgspool import machine

if TYPE_CHECKING:
    from dsgspool.worker.loop import Worker


class Pins:
    """The CPUs of one worker."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker

    @cached_property
    def cpus(self) -> tuple[int, ...]:
        """Those that it might use when they were asked for first, neighbours side by side."""
        return machine.cpus()

    def take(self, count: int) -> tuple[int, ...]:
        """So many that nobody has, () while nothing is to be pinned."""
        if not self.worker.controls.rules.pin:
            return ()
        attempts = self.worker.intake.desk.attempts.values()
        return choose(self.cpus, {cpu for attempt in attempts if attempt.slots for cpu in attempt.pinned}, count)


def choose(cpus: Sequence[int], taken: Collection[int], count: int) -> tuple[int, ...]:
    """The first `count` free ones that are neighbours, else the first ones."""
    for start in range(len(cpus) - count + 1):
        if not any(cpu in taken for cpu in cpus[start : start + count]):
            return tuple(cpus[start : start + count])
    return tuple([cpu for cpu in cpus if cpu not in taken][:count])
