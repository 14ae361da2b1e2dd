"""Many schedules of plain seeds, in one process or several, and their sums.

The rule: a schedule knows nothing of those before it, so the sums are the same whatever process played which.
"""

from __future__ import annotations

import functools
import gc
import multiprocessing
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.simulation.plan import plan_of
from tests.simulation.schedule import Result, run, simulated

CHUNK = 50  #: schedules: some seconds of work
TELL_EVERY = 30.0  #: seconds between two lines that tell how far it is


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


def play(seeds: Iterable[int], *, sweeps: bool | None = None) -> Tally:
    """These seeds, in this process; `sweeps` as in `plan_of`."""
    tally = Tally()
    with simulated():
        for seed in seeds:
            tally.add(seed, run(plan_of(seed, sweeps=sweeps)))
    return tally


def play_many(first: int, count: int, jobs: int, minutes: float = float("inf"), *, sweeps: bool | None = None) -> Tally:
    """`count` seeds from `first` on, in `jobs` processes, or as many as can be played in so many minutes."""
    if jobs == 1 and minutes == float("inf"):
        return play(range(first, first + count), sweeps=sweeps)
    began, told = time.monotonic(), time.monotonic()
    tally = Tally()
    with multiprocessing.get_context("spawn").Pool(jobs, _freeze) as pool:
        # Each process takes the next chunk when it has done one, so none is idle before the last few seconds.
        for part in pool.imap_unordered(functools.partial(play, sweeps=sweeps), _chunks(first, count)):
            for seed, why in part.broken:
                print(f"seed {seed}: {why}", flush=True)
            tally.merge(part)
            if time.monotonic() - told >= TELL_EVERY or tally.schedules == count:
                told = time.monotonic()
                print(_progress(tally, count, told - began), flush=True)
            if time.monotonic() - began > 60 * minutes:
                break
    tally.broken.sort()
    return tally


def _chunks(first: int, count: int) -> list[range]:
    """Seeds for one process at a time."""
    end = first + count
    return [range(start, min(start + CHUNK, end)) for start in range(first, end, CHUNK)]


def _freeze() -> None:
    """What is imported by now lives as long as the process: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()


def _progress(tally: Tally, count: int, seconds: float) -> str:
    """One line that tells all that is known so far, for a run that is ended before its time."""
    left = (count - tally.schedules) * seconds / tally.schedules
    return (
        f"{seconds / 60:6.1f} min  {tally.schedules} of {count} schedules, {tally.steps} steps, {tally.starts} commands "
        f"started, {len(tally.broken)} broken promises; {60 * tally.schedules / seconds:.0f} a minute, {left / 60:.0f} min left"
    )
