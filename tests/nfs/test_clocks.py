"""Nodes whose clocks are wrong by minutes: only the server's time counts."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from tests.grounds.fixtures import Figure
from tests.grounds.lab import Lab

pytestmark = pytest.mark.nfs


def test_not_before_means_the_servers_time_on_nodes_with_wrong_clocks(lab: Lab, figure: Figure) -> None:
    lab.ground.rig.skew(1, 120)
    lab.ground.rig.skew(2, -300)
    lab.ready(1, 2)
    due = time.time() + 4
    moment = datetime.fromtimestamp(due, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    names = lab.drop(1, *"abcdef", command=lab.story.command(1), not_before=moment)
    lab.wait_until(lambda: len(lab.files("waiting")) == len(names), 5)
    lab.ground.rig.skew(1, -300)  # a step while they wait
    lab.ground.rig.skew(2, 120)
    lab.wait_for_done(names, 25)
    late = [life.start - due for life in lab.story.lives()]
    figure(f"clocks wrong by +120 s and -300 s: not_before kept, first start {min(late):.1f} s after the moment")
    assert min(late) > -0.5
    assert min(late) < 5
    assert {life.node for life in lab.story.lives()} == {"n1", "n2"}
    lab.story.assert_each_once(names)
    assert lab.violations(*names) == ""


def test_delays_and_backoff_are_counted_in_the_servers_time(lab: Lab) -> None:
    lab.ground.rig.skew(1, -300)
    lab.ground.rig.skew(2, 120)
    lab.ready(1, 2)
    command = lab.story.command(0.1)
    lab.drop(1, "x", command=f"{command}; exit 1", retries=1, backoff={"base": "3s", "jitter": 0})
    lab.wait_until(lambda: lab.record("x", 2).get("outcome") == "exit1", 25)
    first, second = lab.story.lives("x")
    assert 2.5 < second.start - first.last < 9
