"""A seed makes a schedule, and the schedule keeps to what the promise presumes."""

from __future__ import annotations

from tests.nemesis.schedule import BARE, GUARD_KILLS, HANGS, NODE_FAULTS, SPOOL_FAULTS, Weather, schedule

EVERYTHING = [*NODE_FAULTS, *SPOOL_FAULTS]
WEATHER = Weather(seconds=4000, nodes=3, every=1, longest=60)


def test_a_seed_reproduces_the_schedule() -> None:
    assert schedule(7, WEATHER, EVERYTHING) == schedule(7, WEATHER, list(reversed(EVERYTHING)))
    assert schedule(7, WEATHER, EVERYTHING) != schedule(8, WEATHER, EVERYTHING)


def test_every_fault_comes_up_and_nothing_else() -> None:
    assert {step.kind for step in schedule(1, WEATHER, EVERYTHING)} == set(EVERYTHING)
    assert {step.kind for step in schedule(1, WEATHER, ["kill-worker"])} == {"kill-worker"}


def test_freezes_are_short_and_long() -> None:
    lengths = [step.seconds for step in schedule(1, WEATHER, EVERYTHING) if step.kind == "freeze-both"]
    assert min(lengths) < 3
    assert 30 < max(lengths) <= 60


def test_a_node_has_one_fault_at_a_time() -> None:
    free = dict.fromkeys(range(4), 0.0)
    for step in schedule(3, WEATHER, EVERYTHING):
        assert step.at >= free[step.node]
        free[step.node] = step.at + step.seconds


def test_no_guard_is_killed_where_the_share_hangs_or_is_about_to() -> None:
    steps = schedule(5, WEATHER, EVERYTHING)
    hangs = [step for step in steps if step.kind in HANGS]
    for kill in (step for step in steps if step.kind in GUARD_KILLS):
        for hang in (step for step in hangs if step.node in (0, kill.node)):
            assert kill.at > hang.at + hang.seconds or hang.at > kill.at + BARE
