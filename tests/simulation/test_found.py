"""What the simulation found in the product, as the smallest plans that show it.

The rule: each plan broke the promise named here before the fix, and is kept as `--narrow` printed it.
"""

from __future__ import annotations

import pytest

from tests.simulation.plan import Event, Plan
from tests.simulation.schedule import run, simulated

FOUND = {
    "a clone that hangs in one call was taken for this machine's past": Plan(
        seed=25,
        version="3",
        twins=True,
        workers=((0, 2), (1, 1)),
        events=(Event(2.96, "prune", 0, 582046723, 2.46), Event(7.71, "drop", 1, 563340719, 2.1)),
    ),
}


@pytest.mark.parametrize("why", FOUND)
def test_what_was_found_once_stays_away(why: str) -> None:
    with simulated():
        result = run(FOUND[why])
    assert not result.broken, "\n".join(result.trace)
