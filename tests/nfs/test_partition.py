"""Nodes that are cut off kill their tasks before these start elsewhere, and come back as somebody else."""

from __future__ import annotations

import time

import pytest

from tests.grounds.fixtures import Figure
from tests.grounds.lab import Lab

pytestmark = pytest.mark.nfs

#: Node -> whether only what is sent to it is lost.
CUTS = {1: False, 2: True}
KINDS = {1: "cut off", 2: "replies lost"}


def test_partitioned_nodes_are_fenced_before_their_tasks_start_elsewhere(lab: Lab, figure: Figure) -> None:
    names = lab.drop(3, "x1", "y1", "x2", "y2", command=lab.story.command(120, 0.3))
    lab.ready(*CUTS)
    lab.wait_for_lives(4)
    old = {worker.node.number: worker.wid for worker in lab.everyone}
    lab.ready(3)
    began = time.time()
    for node, replies_only in CUTS.items():
        lab.ground.rig.cut(node, replies_only=replies_only)
    lab.wait_for_done(names, 40)
    lab.story.assert_never_together()
    margins: dict[str, list[float]] = {f"n{node}": [] for node in CUTS}
    for name in names:
        first, second = lab.story.lives(name)
        assert second.node == "n3"
        margins[first.node].append(second.start - first.last)
        assert lab.record(name).get("outcome") != "done"
        assert lab.record(name, 2)["outcome"] == "done"
    seconds = max(life.start for life in lab.story.lives()) - began
    for node in CUTS:
        lab.ground.rig.heal(node)
    healed = time.monotonic()
    for worker in lab.everyone[:2]:
        number = worker.node.number
        lab.wait_until(lambda worker=worker, number=number: worker.wid_or_none() not in {None, old[number]}, 60)
        figure(
            f"{KINDS[number]} (fence 5 s, lease 9.5 s): tasks elsewhere {min(margins[f'n{number}']):.1f} s after their last "
            f"sign of life, at most {seconds:.1f} s after the cut; back as a new worker {time.monotonic() - healed:.1f} s after "
            "the heal"
        )
        names |= lab.drop(3, f"run-on-{number}", command=lab.story.command())
        lab.person(3, f"mv todo/run-on-{number}.yaml running/{worker.wid}/", check=False)
    lab.wait_for_done(names, 20)
    assert lab.done() == names
    assert len(lab.story.lives()) == 4 + 4 + 2
    assert lab.violations(*names) == ""
