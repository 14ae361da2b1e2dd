"""The calculation behind docs/scaling.md."""

import pytest

from tests.bench.scaling import Costs, rate, shortest, svg, text

COSTS = Costs(task=20.0, idle=2.0, leader=5.0)


def test_at_the_shortest_task_the_calls_of_all_are_what_the_server_answers():
    seconds = shortest(100, 64, 10_000.0, COSTS)
    assert 100 * 64 / seconds * COSTS.task + 100 * COSTS.idle + COSTS.leader == pytest.approx(10_000.0)
    assert rate(10_000.0, 100, COSTS) == pytest.approx(100 * 64 / seconds)


def test_idle_workers_alone_can_be_too_many():
    assert shortest(5_000, 64, 10_000.0, COSTS) == float("inf")
    assert rate(10_000.0, 5_000, COSTS) == 0.0
    assert "idle workers alone" in text(64, 5_000.0, "4.2")


def test_the_plot_has_a_line_for_each_server():
    assert svg(64, "3").count("<polyline") == 3
