"""With a rule of the protocol taken away, the simulation breaks a promise: it would see what it is there to see.

The rule: the limit is some times the number of schedules that it took when this was written.  Without `claimers leave held
names` it finds nothing: the record chain alone keeps the second attempt from starting.
"""

from __future__ import annotations

from unittest import mock

import pytest

from tests.simulation import server
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
}
SWEPT = {
    "who_divides_goes_by_what_lies_there": 200,
    "parts_are_owed": 500,
    "all_earlier_indexes_count": 50,
    "parts_lie_in_a_folder": 400,
}
COARSE = 0.3  #: seconds: a tick of the server's clock in which three machines meet again and again


def crowded(seed: int) -> Plan:
    """Three idle machines, and again and again tasks of a batch of which one or two may run: all claim at once."""
    bulks = tuple(Event(1.0 + 1.5 * number, "bulk", number % 3, 100 * seed + number) for number in range(6))
    return Plan(seed, "3", nodes=3, most=1 + seed % 2, workers=((0, 2), (1, 2), (2, 2)), events=bulks)


@pytest.mark.parametrize("rule", WITHIN)
def test_a_rule_taken_away_is_missed(rule: str) -> None:
    with simulated(), RULES[rule]():
        assert any(run(plan_of(seed)).broken for seed in range(WITHIN[rule]))


@pytest.mark.parametrize("rule", SWEPT)
def test_a_rule_of_sweeps_taken_away_is_missed(rule: str) -> None:
    with simulated(), RULES[rule]():
        assert any(run(plan_of(seed, sweeps=True)).broken for seed in range(SWEPT[rule]))


@pytest.mark.parametrize("rule", ["who_marked_counts", "marks_in_one_folder"])
def test_a_rule_taken_away_is_missed_where_three_machines_claim_at_once(rule: str) -> None:
    with simulated(), RULES[rule](), mock.patch.object(server, "TICK", COARSE):
        assert any(run(crowded(seed)).broken for seed in range(40))


def test_where_three_machines_claim_within_one_tick_no_more_run_than_may() -> None:
    with simulated(), mock.patch.object(server, "TICK", COARSE):
        assert [seed for seed in range(60) if run(crowded(seed)).broken] == []
