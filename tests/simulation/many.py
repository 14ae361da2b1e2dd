"""Many schedules of plain seeds, in one process or several, and their sums.

The rule: a schedule knows nothing of those before it, so the sums are the same whatever process played which.
"""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.simulation.plan import plan_of
from tests.simulation.schedule import Result, run, simulated

CHUNK = 50


@dataclass
class Tally:
    """Sums over many schedules."""

    schedules: int = 0
    steps: int = 0
    starts: int = 0
    seconds: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    broken: list[tuple[int, str]] = field(default_factory=list)

    def add(self, seed: int, result: Result) -> None:
        """One more."""
        self.schedules += 1
        self.steps += result.steps
        self.starts += result.starts
        self.seconds += result.seconds
        self.faults.update(result.faults)
        if result.broken:
            self.broken.append((seed, result.broken))

    def merge(self, other: Tally) -> None:
        """Those of another process."""
        for name in ("schedules", "steps", "starts", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.faults.update(other.faults)
        self.broken += other.broken

    def __str__(self) -> str:
        faults = ", ".join(f"{kind} {count}" for kind, count in sorted(self.faults.items()))
        return (
            f"{self.schedules} schedules, {self.steps} steps, {self.starts} commands started, {self.seconds / 3600:.1f} h of "
            f"simulated time, {len(self.broken)} broken promises\nwhat happened: {faults}"
        )


def play(seeds: Iterable[int]) -> Tally:
    """These seeds, in this process."""
    tally = Tally()
    with simulated():
        for seed in seeds:
            tally.add(seed, run(plan_of(seed)))
    return tally


def play_many(first: int, count: int, jobs: int, minutes: float = float("inf")) -> Tally:
    """`count` seeds from `first` on, in `jobs` processes, or as many as can be played in so many minutes."""
    deadline = time.monotonic() + 60 * minutes
    end = first + count
    chunks = [range(start, min(start + CHUNK, end)) for start in range(first, end, CHUNK)]
    if jobs == 1:
        return play(range(first, end))
    tally = Tally()
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        for part in pool.imap_unordered(play, chunks):
            for seed, why in part.broken:
                print(f"seed {seed}: {why}", flush=True)
            tally.merge(part)
            if time.monotonic() > deadline:
                break
    tally.broken.sort()
    return tally
