"""Nodes and workers that die at once."""

from __future__ import annotations

import time

import pytest

from tests.nfs.conftest import Figure
from tests.nfs.lab import Lab

pytestmark = pytest.mark.nfs


def tasks_on_node_1(lab: Lab) -> set[str]:
    """Two long tasks run on n1; n2 is idle."""
    lab.ready(1)
    names = lab.drop(1, "x", "y", command=lab.story.command(120, 0.3))
    lab.wait_for_lives(2)
    lab.ready(2)
    return names


def assert_taken_over(lab: Lab, names: set[str], since: float, within: float) -> float:
    """n2 runs x and y again, not before they were dead; the seconds from `since` to the last start."""
    lab.wait_for_done(names, within + 20)
    lab.story.assert_never_together()
    second = [life for life in lab.story.lives() if life.attempt == 2]
    assert {(life.task, life.node) for life in second} == {("x", "n2"), ("y", "n2")}
    assert lab.violations(*names) == ""
    return max(life.start for life in second) - since


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
    names = tasks_on_node_1(lab)
    lab.rig.kill(1)
    lost = time.time()
    names |= find_in_time(lab, figure)  # the lease takes that long anyway
    seconds = assert_taken_over(lab, names, lost, 70)
    figure(f"power loss, default times: taken over after {seconds:.1f} s")
    assert seconds <= 70


def test_a_node_that_boots_again_takes_its_tasks_back_after_the_lease(lab: Lab, figure: Figure) -> None:
    lab.ready(1)
    names = lab.drop(1, "x", "y", command=lab.story.command(120, 0.3))
    lab.wait_for_lives(2)
    lab.rig.kill(1)
    lab.rig.start(1)
    booted = time.time()
    lab.ready(1)
    lab.wait_for_done(names, 30)
    lab.story.assert_never_together()
    assert lab.violations(*names) == ""
    seconds = max(life.start for life in lab.story.lives()) - booted
    figure(f"power loss and boot of the same node (lease 9.5 s): taken over {seconds:.1f} s after the boot")


def test_kill_9_of_the_worker_its_tasks_run_elsewhere_at_once(patient_lab: Lab, figure: Figure) -> None:
    lab = patient_lab
    names = tasks_on_node_1(lab)
    wid = lab.everyone[0].wid
    lab.everyone[0].kill_worker()
    killed = time.time()
    seconds = assert_taken_over(lab, names, killed, 10)
    figure(f"kill -9 of the worker, default times: taken over after {seconds:.1f} s")
    assert lab.read(f"workers/{wid}.dead")
    assert seconds < 3
