"""What a nemesis run hands in is what a worker takes, and waits for what it says."""

from __future__ import annotations

from datetime import UTC

import pytest

from dsgspool.codec import parse_task
from dsgspool.hours import parse_hours
from dsgspool.policy import parse_policy
from dsgspool.schedules import parse_schedule
from dsgspool.task import Task
from tests.nemesis.kinds import HOURS, ITEMS, MOST, is_item, is_open, lot, names_of, schedule, ticks


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_each_text_of_a_lot_is_a_task_behind_one_that_comes_before_it(turn: int) -> None:
    words = {name: f"0:0:0:0:s.{number}" for number, name in enumerate(names_of(2, turn))}
    final = f"m2-{turn}.finally"
    made = lot("/act", 2, turn, words)
    (policy, text), *files = made.files.items()
    assert policy == f"../batches/m2-{turn}"
    parsed = parse_policy(text.encode(), f"{policy}.yaml")
    assert parsed.max_running == MOST and parsed.final is not None
    assert [name for name, _ in files] == [name for name in names_of(2, turn) if name != final]
    for name, text in files:
        task = parse_task(text.encode(), Task(), timezone="UTC")
        assert tuple(entry.what for entry in task.after) == made.after.get(name, ())
        assert (task.on_done is not None, task.on_failed is not None) == (name[0] == "q", name[0] == "f")
        assert (task.sweep is not None and task.sweep.count == ITEMS) == is_item(name)
    assert {before for all_before in made.after.values() for before in all_before} <= set(words)
    assert made.after[final] == tuple(f"m2-{turn}/{number}" for number in range(5))


def test_workers_with_hours_rest_for_one_minute_in_three() -> None:
    hours = parse_hours(HOURS)
    for minute in range(24 * 60):
        assert hours.hold(60.0 * minute + 30, UTC) == is_open(60.0 * minute + 30, 8.0) == (minute % 3 < 2)


def test_a_schedule_ticks_each_minute_and_leaves_none_out() -> None:
    assert parse_schedule(schedule("/act", "s.tick").encode(), Task(), None).catch_up == "all"
    assert list(ticks(["20261129T2359Z", "20261130T0001Z"])) == [
        "c-20261129T2359Z", "c-20261130T0000Z", "c-20261130T0001Z",
    ]  # fmt: skip
    assert not list(ticks([]))
