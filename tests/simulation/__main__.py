"""`python -m tests.simulation --schedules 100000 --seed S [--jobs N] [--minutes M] [--sweeps]`: plain seeds, several processes.

The rule: seed S and the number of a schedule say it all, so each printed failure is repeated with `--seed N --schedules 1
--trace`, and `--narrow` looks for the smallest part of its plan that still fails.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

from tests.simulation.many import play_many
from tests.simulation.plan import plan_of
from tests.simulation.schedule import narrow, run, simulated


def show(seed: int, *, narrowed: bool, sweeps: bool | None) -> None:
    """The trace of one schedule."""
    with simulated():
        plan = plan_of(seed, sweeps=sweeps)
        if narrowed and run(plan).broken:
            plan = narrow(plan)
        result = run(plan)
    print(plan)
    print("\n".join(result.trace))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--schedules", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0, help="of the first schedule")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="end after so many, with what was played")
    parser.add_argument("--trace", action="store_true", help="print what happens in each schedule")
    parser.add_argument("--narrow", action="store_true", help="the same, of the smallest part of the plan that fails")
    parser.add_argument(
        "--sweeps", action="store_true", default=None, help="sweeps in each of them, not in two of five"
    )
    given = parser.parse_args()
    began = time.monotonic()
    if given.trace or given.narrow:
        for seed in range(given.seed, given.seed + given.schedules):
            show(seed, narrowed=given.narrow, sweeps=given.sweeps)
        return 0
    tally = play_many(given.seed, given.schedules, given.jobs, given.minutes, sweeps=given.sweeps)
    print(f"{tally}\n{time.monotonic() - began:.0f} s")
    for seed, why in tally.broken:
        print(f"seed {seed}: {why}")
    return 1 if tally.broken else 0


if __name__ == "__main__":
    sys.exit(main())
