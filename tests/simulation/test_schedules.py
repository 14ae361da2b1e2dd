"""Thousands of schedules of the real code over a simulated NFS: every promise holds in each.

The rule: plain seeds for volume, Hypothesis for small examples.  What fails here is repeated by the line that it prints.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.simulation.many import play_many
from tests.simulation.plan import plan_of
from tests.simulation.schedule import run, simulated

SMOKE = 40
IN_CI = 2000
PARTS = 4  #: that a machine with several cores plays side by side
TRACE = """
import sys
from tests.simulation.plan import plan_of
from tests.simulation.schedule import run, simulated
with simulated():
    for seed in (3, 7, 12):
        print(*run(plan_of(seed)).trace, sep="\\n")
"""


def test_a_few_schedules_keep_every_promise():
    tally = play_many(0, SMOKE, jobs=1)
    assert tally.broken == [], repeat(tally.broken)
    assert tally.starts > SMOKE


@pytest.mark.simulation
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PARTS))
def test_two_thousand_schedules_keep_every_promise(part, capsys):
    first = int(os.environ.get("DSGSPOOL_SIMULATION_SEED", "0"))
    count = int(os.environ.get("DSGSPOOL_SIMULATIONS", str(IN_CI))) // PARTS
    tally = play_many(first + part * count, count, jobs=1)
    with capsys.disabled():
        print(f"\n{tally}")
    assert tally.schedules == count
    assert tally.broken == [], repeat(tally.broken)


def repeat(broken: list[tuple[int, str]]) -> str:
    return "\n".join(
        f"python -m tests.simulation --narrow --schedules 1 --seed {seed}  # {why}" for seed, why in broken
    )


def test_a_seed_repeats_its_schedule_in_any_process():
    def trace(hash_seed: str) -> bytes:
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        return subprocess.run([sys.executable, "-c", TRACE], env=environment, capture_output=True, check=True).stdout

    assert trace("1") == trace("2") != b""


def test_schedules_know_nothing_of_each_other():
    with simulated():
        alone = run(plan_of(5)).trace
        run(plan_of(6))
        assert run(plan_of(5)).trace == alone
