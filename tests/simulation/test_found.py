"""What the simulation found in the product, as the smallest plans that show it.

The rule: each plan broke the promise named here before the fix, and is kept as `--narrow` printed it.
"""

from __future__ import annotations

import pytest

from tests.simulation.plan import Event, Fault, Plan
from tests.simulation.schedule import run, simulated

FOUND = {
    "a clone that hangs in one call was taken for this machine's past": Plan(
        seed=25,
        version="3",
        twins=True,
        workers=((0, 2), (1, 1)),
        events=(Event(2.96, "prune", 0, 582046723, 2.46), Event(7.71, "drop", 1, 563340719, 2.1)),
    ),
    "a slow worker started what a person had taken from it and what had failed for good elsewhere": Plan(
        seed=7983,
        version="3",
        workers=((0, 3), (0, 3)),
        events=(
            Event(5.14, "submit", 0, 111983845, 5.39),
            Event(8.17, "mv_out", 0, 785858314, 6.4),
            Event(8.63, "operator", 1, 359158562, 6.37),
        ),
    ),
    "a copy in hold/ kept the claim of an attempt that had ended": Plan(
        seed=7106,
        workers=((1, 2), (1, 2)),
        events=(
            Event(10.95, "submit", 1, 200324113, 1.64),
            Event(22.76, "full", 1, 937968153, 12.78),
            Event(28.22, "cp_running", 1, 947784237, 3.71),
            Event(32.53, "mv_hold", 1, 844818773, 5.15),
        ),
    ),
    "a claim kept its @ where a person had put it before the claimer listed its folder": Plan(
        seed=25361,
        workers=((0, 3), (0, 2)),
        events=(
            Event(0.6, "cut_replies", 0, 445953167, 5.82),
            Event(1.45, "submit", 0, 844680930, 7.08),
            Event(1.5, "mv_out", 0, 98841361, 0.68),
            Event(1.91, "drop", 1, 721720862, 0.61),
            Event(2.99, "drop", 0, 723456512, 0.44),
            Event(3.86, "submit", 1, 554245061, 2.43),
            Event(5.51, "drop", 1, 773169893, 6.58),
            Event(9.14, "drop", 0, 184441060, 4.66),
            Event(13.51, "mv_out", 0, 210827684, 8.23),
        ),
        faults=(Fault("worker4", "create", 4, "crash-after", 6.447),),
    ),
    "a claim kept its @ where a person had put it while the claimer could not list its folder": Plan(
        seed=47656,
        workers=((0, 3), (1, 3), (0, 2)),
        events=(
            Event(3.68, "drop", 1, 893394660, 2.38),
            Event(13.78, "submit", 1, 690988033, 3.32),
            Event(16.08, "submit", 1, 279792205, 7.47),
            Event(17.46, "operator", 0, 155507418, 4.95),
            Event(18.66, "bulk", 1, 1028441368, 0.27),
            Event(20.29, "cut", 0, 998608445, 8.33),
            Event(30.36, "mv_out", 0, 1061018709, 0.6),
        ),
        faults=(
            Fault("worker3", "rename", 9, "slow", 10.13),
            Fault("worker2", "list", 2, "estale", 0.576),
            Fault("worker4", "list", 26, "estale", 0.733),
        ),
    ),
    "of two sweeps of one name one was lost while the first stood still on its way to todo/": Plan(
        seed=5,
        sweeps=True,
        workers=((0, 1), (1, 1)),
        events=(Event(1.0, "sweep", 0, 5), Event(2.6, "sweep", 1, 5)),
        faults=(Fault("worker2", "rename", 2, "hang", 4.5),),
    ),
}


@pytest.mark.parametrize("why", FOUND)
def test_what_was_found_once_stays_away(why: str) -> None:
    with simulated():
        result = run(FOUND[why])
    assert not result.broken, "\n".join(result.trace)
