"""How long it took until work went on: from what tasks told and what the nemesis did.  Pure.

The rule: a run that was broken off is counted for a fault only when that is the only one on its node that can have done
it; where two can, it is left out.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tests.nemesis.faults import Done
from tests.nemesis.history import Execution

BEAT = 0.3  #: seconds between a blow and the last sign of life before it
LASTING = ("cut", "cut-replies", "hang-share", "freeze-worker", "freeze-both", "freeze-node")


class Takeover(NamedTuple):
    """A task that was broken off and began again."""

    since_fault: float
    since_life: float  #: since the last sign of life of the run before


def takeovers(runs: Iterable[Execution], faults: Sequence[Done], *, one_host: bool) -> dict[str, list[Takeover]]:
    """Kind of fault -> one for each task that it broke off."""
    found: dict[str, list[Takeover]] = {}
    by_task: dict[str, list[Execution]] = {}
    for run in sorted(runs, key=lambda run: run.start):
        by_task.setdefault(run.task, []).append(run)
    for each in by_task.values():
        for older, newer in itertools.pairwise(each):
            if older.ended or older.failed:
                continue
            causes = [done for done in faults if _can_have_broken(done, older, one_host=one_host)]
            if len(causes) == 1:
                took = Takeover(newer.start - causes[0].begin, newer.start - older.last)
                found.setdefault(causes[0].step.kind, []).append(took)
    return found


def _can_have_broken(done: Done, run: Execution, *, one_host: bool) -> bool:
    if not one_host and run.node != f"n{done.step.node}":
        return False
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
