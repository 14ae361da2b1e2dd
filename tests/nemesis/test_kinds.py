"""What a nemesis run hands in is what a worker takes, and waits for what it says."""

from __future__ import annotations

import pytest

from dsgspool.codec import parse_task
from dsgspool.policy import parse_policy
from dsgspool.schedules import parse_schedule
from dsgspool.task import Task
from tests.nemesis.kinds import MOST, lot, names_of, schedule, ticks


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_each_text_of_a_lot_is_a_task_behind_one_that_comes_before_it(turn: int) -> None:
    words = {name: f"0:0:0:0:s.{number}" for number, name in enumerate(names_of(2, turn))}
    made = lot("/act", 2, turn, words)
    (policy, text), *files = made.files.items()
    assert policy == f"../batches/m2-{turn}"
    assert parse_policy(text.encode(), policy).max_running == MOST
    assert [name for name, _ in files] == names_of(2, turn)
    for name, text in files:
        task = parse_task(text.encode(), Task(), timezone="UTC")
        assert tuple(entry.what for entry in task.after) == made.after.get(name, ())
    assert {before for (before,) in made.after.values()} <= set(words)


def test_a_schedule_ticks_each_minute_and_leaves_none_out() -> None:
    assert parse_schedule(schedule("/act", "s.tick").encode(), Task(), None).catch_up == "all"
    assert list(ticks(["20261129T2359Z", "20261130T0001Z"])) == [
        "c-20261129T2359Z", "c-20261130T0000Z", "c-20261130T0001Z",
    ]  # fmt: skip
    assert not list(ticks([]))
