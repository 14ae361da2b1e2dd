"""A node that is cut off kills its tasks before they start elsewhere, and comes back as somebody else."""

from __future__ import annotations

import time

import pytest

from tests.nfs.conftest import Figure
from tests.nfs.lab import Lab
from tests.nfs.test_power import assert_taken_over, tasks_on_node_1

pytestmark = pytest.mark.nfs


@pytest.mark.parametrize("replies_only", [False, True], ids=["both-ways", "replies-only"])
def test_a_partitioned_node_is_fenced_before_its_tasks_start_elsewhere(
    replies_only: bool, lab: Lab, figure: Figure
) -> None:
    names = tasks_on_node_1(lab)
    old = lab.everyone[0].wid
    lab.rig.cut(1, replies_only=replies_only)
    began = time.time()
    seconds = assert_taken_over(lab, names, began, 30)
    margin = min(lab.story.margins())
    lab.rig.heal(1)
    healed = time.monotonic()
    lab.wait_until(lambda: lab.everyone[0].facts() and lab.everyone[0].wid != old, 60)
    back = time.monotonic() - healed
    new = lab.everyone[0].wid
    lab.drop(2, "here", command=lab.story.command())
    lab.person(2, f"mv todo/here.yaml running/{new}/ || true")
    lab.wait_for_done({"here"}, 20)
    assert lab.violations(*names, "here") == ""
    assert lab.done() == {*names, "here"}
    for name in names:
        assert len(lab.story.lives(name)) == 2
        assert lab.record(name).get("outcome") != "done"
        assert lab.record(name, 2)["outcome"] == "done"
    kind = "replies lost" if replies_only else "cut off"
    figure(
        f"{kind}, fence 5 s, lease 9.5 s: started elsewhere after {seconds:.1f} s, {margin:.1f} s after their last sign of "
        f"life; back as a new worker {back:.1f} s after the heal"
    )
