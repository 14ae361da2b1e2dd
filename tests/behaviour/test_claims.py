"""Claim races: many nodes want the same tasks, and each task runs once."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.grounds import Lab
from tests.grounds.fixtures import Figure

NODES = (1, 2, 3)


def test_three_nodes_run_each_of_240_tasks_exactly_once(patient_lab: Lab, figure: Figure) -> None:
    lab, command = patient_lab, patient_lab.story.command()
    names = {
        name.removeprefix("@p5/")
        for node, prefix in ((1, ""), (2, "batch/sub/"), (3, "@p5/other/"))
        for name in lab.drop(node, *(f"{prefix}{node}-{n:02d}" for n in range(60)), command=command)
    }
    lab.ready(*NODES, slots=3)
    submit = f"$PYTHON -m dsgspool submit --batch lines --each-line -- {command.removesuffix('0')}{{}}"
    names |= set(lab.person(1, f"yes 0 | head -n 60 | {submit}").out.split())
    seconds = lab.wait_for_done(names, 90)
    lab.story.assert_each_once(names)
    assert lab.violations(*names) == ""
    shares = Counter(life.node for life in lab.story.lives())
    assert set(shares) == {"n1", "n2", "n3"}
    figure(
        f"240 tasks on three nodes, each once, the last {seconds:.1f} s after it was submitted; {dict(sorted(shares.items()))}"
    )


def test_three_idle_nodes_race_for_one_task_again_and_again(lab: Lab) -> None:
    lab.change(poll_min="20ms", poll_max="20ms")
    lab.ready(*NODES, slots=1)
    names: set[str] = set()
    for n in range(12):
        names |= lab.drop(NODES[n % 3], f"one-{n:02d}", command=lab.story.command())
        lab.wait_for_lives(n + 1)
    lab.wait_for_done(names, 20)
    lab.story.assert_each_once(names)
    assert lab.violations(*names) == ""


@pytest.mark.parametrize("victim", ["hold", "failed"])
def test_people_and_workers_race_for_tasks_and_none_is_lost_or_doubled(victim: str, lab: Lab) -> None:
    lab.ready(1, 2, slots=3)
    names = lab.drop(3, *(f"{n:02d}" for n in range(40)), command=lab.story.command(0.3))
    lab.wait_for_lives(1)
    for last in range(10):
        lab.person(3, f"mv todo/?{last}.yaml {victim}/ || true")
    lab.wait_until(lambda: not lab.files("todo", "running"), 40)
    parked = {path.partition("/")[2].removesuffix(".yaml") for path in lab.files(victim)}
    assert parked
    assert lab.done()
    assert lab.done() | parked == names
    lab.story.assert_each_once(names - parked)
    assert lab.violations(*names) == ""
