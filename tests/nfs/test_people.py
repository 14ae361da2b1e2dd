"""People steer with mv on a node that runs no worker."""

from __future__ import annotations

import re
import time

import pytest

from tests.grounds.fixtures import Figure
from tests.grounds.lab import Lab

pytestmark = pytest.mark.nfs

TOKEN = r"[a-z2-7]{8}-[0-9]+"


def test_mv_out_of_running_on_another_node_stops_and_parks_it(patient_lab: Lab, figure: Figure) -> None:
    lab = patient_lab
    lab.ready(1)
    lab.drop(2, "x", command=lab.story.command(60, 0))
    lab.wait_for_lives(1)
    lab.person(2, "mv running/*/x@* hold/")
    moved = time.time()
    lab.wait_until(lambda: re.fullmatch(rf"hold/x~0\.{TOKEN}\.yaml", "".join(lab.files())), 12)
    assert lab.record("x")["outcome"] == "revoked"
    stopped = lab.story.lives()[0].last - moved
    figure(f"running/ -> hold/ on the other node: stopped after {stopped:.1f} s")
    lab.person(2, "mv hold/x~0.* todo/")
    lab.wait_for_done({"x"}, 10)
    lab.story.assert_never_together()


def test_mv_of_a_batch_on_another_node_parks_and_resumes_it(lab: Lab) -> None:
    names = lab.drop(2, *(f"sweep/{n:02d}" for n in range(16)), command=lab.story.command(0.3))
    lab.ready(1)
    lab.wait_for_lives(3)
    lab.person(2, "mv todo/sweep hold/sweep")
    lab.wait_until(lambda: not lab.files("running"), 10)
    parked = lab.files("hold")
    assert parked
    lab.ground.rig.nodes[2].run("sleep 3")
    assert lab.files("hold", "todo", "running") == parked
    lab.person(2, "mv hold/sweep todo/sweep")
    lab.wait_for_done(names, 40)
    lab.story.assert_each_once(names)
    assert lab.violations(*names) == ""


def test_touch_and_rm_of_pause_on_another_node_are_heeded(lab: Lab) -> None:
    lab.ready(1)
    lab.person(2, "touch PAUSE")
    names = lab.drop(2, "a", "b", command=lab.story.command())
    lab.ground.rig.nodes[2].run("sleep 3")
    assert lab.files() == ["todo/a.yaml", "todo/b.yaml"]
    lab.person(2, "rm PAUSE")
    assert lab.wait_for_done(names, 10) < 6
