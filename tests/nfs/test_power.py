"""Nodes that lose their power."""

from __future__ import annotations

import time

import pytest

from tests.grounds.failover import assert_taken_over, two_tasks_on_node_1
from tests.grounds.fixtures import Figure
from tests.grounds.lab import Lab

pytestmark = pytest.mark.nfs


def find_in_time(lab: Lab, figure: Figure) -> set[str]:
    """Tasks from n3, where no worker is, while the one of n2 is idle and looks rarely; the names."""
    settle = 2.0
    command = lab.story.command()
    lab.person(3, f"printf 'command: {command}\\n...\\n' > /tmp/whole.yaml")
    lab.person(3, f"printf 'command: {command}\\n' > /tmp/open.yaml")

    def seconds_until_start(name: str, since: float) -> float:
        lab.wait_until(lambda: lab.story.lives(name), 30)
        return lab.story.lives(name)[0].start - since

    lab.person(3, "sleep 10")  # by then it looks every 5 s
    dropped = time.time()
    lab.person(3, "cp /tmp/whole.yaml /tmp/open.yaml todo/")
    whole, unclosed = (seconds_until_start(name, dropped) for name in ("whole", "open"))
    lab.person(3, "sleep 10")
    dropped = time.time()
    name = lab.dsgspool(3, "submit", "--", *command.split()).out.strip()
    submitted = seconds_until_start(name, dropped)
    figure(f"found by another node: cp {whole:.1f} s, cp without `...` {unclosed:.1f} s, submit {submitted:.1f} s")
    assert whole < 6
    assert unclosed < 6 + settle
    assert submitted < 6
    return {"whole", "open", name}


def test_power_loss_of_a_node_its_tasks_run_elsewhere_and_meanwhile_new_ones_are_found_in_time(
    patient_lab: Lab, figure: Figure
) -> None:
    lab = patient_lab
    names = two_tasks_on_node_1(lab)
    lab.ready(2)
    assert lab.leader() == lab.everyone[0].wid  # who would bury the dead is the one that dies
    lab.ground.kill(1)
    lost = time.time()
    meanwhile = find_in_time(lab, figure)  # the lease takes that long anyway
    seconds = assert_taken_over(lab, names, {"n2"}, 90) - lost
    lab.wait_for_done(meanwhile, 20)
    figure(f"power loss, default times: taken over after {seconds:.1f} s")
    assert seconds <= 70
