"""Plans drawn by Hypothesis: fewer than the plain seeds, but what fails is made small by itself.

The rule: a plan is data, so Hypothesis can leave out events and faults until only those are left that matter.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.simulation.plan import ACTIVE, CALLS, KINDS, NEMESES, PEOPLE, WORK, Event, Fault, Plan
from tests.simulation.schedule import run, simulated

SECONDS = st.sampled_from([0.05, 0.5, 2.0, 5.0, 9.0, 25.0])
EVENTS = st.builds(
    Event,
    at=st.integers(1, int(ACTIVE * 4)).map(lambda quarters: quarters / 4),
    what=st.sampled_from(sorted({*WORK, *PEOPLE, *NEMESES})),
    node=st.integers(0, 2),
    seed=st.integers(0, 255),
    seconds=SECONDS,
)
WORKS = st.builds(
    Event,
    at=st.integers(1, 20).map(float),
    what=st.sampled_from(WORK),
    node=st.integers(0, 2),
    seed=st.integers(0, 255),
)
FAULTS = st.builds(
    Fault,
    actor=st.sampled_from(["worker1", "worker2", "worker3", "submit1", "drop1"]),
    call=st.sampled_from(sorted(set(CALLS))),
    number=st.integers(1, 40),
    kind=st.sampled_from(sorted(set(KINDS))),
    seconds=SECONDS,
)
PLANS = st.builds(
    Plan,
    seed=st.integers(0, 255),
    version=st.sampled_from(["4.2", "3"]),
    nodes=st.integers(2, 3),
    dependencies=st.booleans(),
    most=st.integers(0, 2),
    workers=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3)), min_size=1, max_size=3).map(tuple),
    events=st.tuples(st.lists(WORKS, min_size=1, max_size=5), st.lists(EVENTS, max_size=6)).map(
        lambda both: tuple(sorted([*both[0], *both[1]], key=lambda event: event.at))
    ),
    faults=st.lists(FAULTS, max_size=5).map(tuple),
)
HURRIED = settings(deadline=None, suppress_health_check=list(HealthCheck), print_blob=True, derandomize=False)


def hold(plan: Plan) -> None:
    with simulated():
        result = run(plan)
    assert not result.broken, "\n".join([str(plan), *result.trace])


@settings(HURRIED, max_examples=15)
@example(Plan())
@given(plan=PLANS)
def test_any_plan_keeps_every_promise(plan: Plan) -> None:
    hold(plan)


@pytest.mark.simulation
@pytest.mark.timeout(3600)
@settings(HURRIED, max_examples=int(os.environ.get("DSGSPOOL_SIMULATED_PLANS", "150")))
@given(plan=PLANS)
def test_hundreds_of_plans_keep_every_promise(plan: Plan) -> None:
    hold(plan)
