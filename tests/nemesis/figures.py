"""How long it took until work went on: from what tasks told and what the nemesis did.  Pure.

The rule: a run that was broken off is counted for a fault only when that is the only one on its node that can have done
it; where two can, it is left out.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from tests.nemesis.faults import Done
from tests.nemesis.history import Execution

BEAT = 0.3  #: seconds between a blow and the last sign of life before it
CLOCK = 0.2  #: seconds by which the time in journals may be wrong
WHOLE = 600.0  #: a rescue later than that had another cause
HITTING = (
    "kill-worker", "kill-guard", "kill-both", "power-loss", "cut", "cut-replies", "hang-share", "freeze-worker",
    "freeze-both", "freeze-node",
)  # fmt: skip
LASTING = ("cut", "cut-replies", "hang-share", "freeze-worker", "freeze-both", "freeze-node")


class Rescue(NamedTuple):
    """A line of a journal: a file of a dead worker was moved."""

    at: float
    worker: str
    why: str


def rescued(
    rescues: Iterable[Rescue], faults: Sequence[Done], workers_of: Callable[[Done], Collection[str]]
) -> dict[str, list[float]]:
    """Kind of fault -> seconds from it until the tasks of a worker that it hit were handed out again, one a worker.

    Left out where the spool or its server was struck meanwhile: nobody hands out anything then.
    """
    first: dict[str, float] = {}
    for rescue in sorted(rescues):
        first.setdefault(rescue.worker, rescue.at)
    found: dict[str, list[float]] = {}
    for done in (done for done in faults if done.step.kind in HITTING):
        for at in (first[worker] for worker in workers_of(done) if worker in first):
            alone = not any(other.begin < at and other.end > done.begin for other in faults if not other.step.node)
            if alone and -CLOCK < at - done.begin < WHOLE:
                found.setdefault(done.step.kind, []).append(at - done.begin)
    return found


def margins(
    runs: Iterable[Execution], faults: Sequence[Done], hit: Callable[[Done, Execution], bool]
) -> dict[str, list[float]]:
    """Kind of fault -> seconds between the last sign of life of a run that it broke off and the start of the next."""
    found: dict[str, list[float]] = {}
    by_task: dict[str, list[Execution]] = {}
    for run in sorted(runs, key=lambda run: run.start):
        by_task.setdefault(run.task, []).append(run)
    for each in by_task.values():
        for older, newer in itertools.pairwise(each):
            if not (older.ended or older.failed):
                causes = [done for done in faults if _is_near(done, older) and hit(done, older)]
                if len(causes) == 1:
                    found.setdefault(causes[0].step.kind, []).append(newer.start - older.last)
    return found


def _is_near(done: Done, run: Execution) -> bool:
    if done.step.kind in LASTING:
        return done.begin - BEAT < run.last < done.end + BEAT
    return abs(done.begin - run.last) < BEAT


def resumed(runs: Iterable[Execution], faults: Iterable[Done]) -> list[float]:
    """For each freeze of the server: seconds from its thaw until the last node began a task again."""
    starts: dict[str, list[float]] = {}
    for run in runs:
        starts.setdefault(run.node, []).append(run.start)
    found = []
    for done in faults:
        if done.step.kind == "server-freeze":
            later = [[start - done.end for start in each if start > done.end] for each in starts.values()]
            if all(later):
                found.append(max(map(min, later)))
    return found
