"""With a rule of the protocol taken away, the simulation breaks a promise: it would see what it is there to see.

The rule: the limit is some times the number of schedules that it took when this was written.  Without `claimers leave held
names` it finds nothing: the record chain alone keeps the second attempt from starting.
"""

from __future__ import annotations

import pytest

from tests.simulation.plan import Event, Plan, plan_of
from tests.simulation.schedule import run, simulated
from tests.simulation.without import RULES

pytestmark = [pytest.mark.simulation, pytest.mark.timeout(3600)]
WITHIN = {
    "listing_decides": 100,
    "self_fence": 500,
    "record_read_at_take_over": 200,
    "repeated_sweep": 800,
    "one_attempt_alive": 50,
    "token_in_returned_names": 50,
    "flush_before_rename": 50,
    "claimers_judge": 50,
    "rounds_over_what_waits": 100,
    "who_marked_counts": 1000,
    "marks_of_the_dead_are_removed": 200,
    "second_count": 20,
}


def crowded(seed: int) -> Plan:
    """Three idle machines, and again and again tasks of a batch of which one or two may run: all claim at once."""
    bulks = tuple(Event(1.0 + 1.5 * number, "bulk", number % 3, 100 * seed + number) for number in range(12))
    return Plan(seed, nodes=3, most=1 + seed % 2, workers=((0, 3), (1, 3), (2, 3)), events=bulks)


@pytest.mark.parametrize("rule", WITHIN)
def test_a_rule_taken_away_is_missed(rule: str) -> None:
    plans = map(crowded if rule == "second_count" else plan_of, range(WITHIN[rule]))
    with simulated(), RULES[rule]():
        assert any(run(plan).broken for plan in plans)
