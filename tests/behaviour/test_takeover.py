"""Workers and nodes that die, freeze or are cut off: their tasks run elsewhere, never before they are dead."""

from __future__ import annotations

import re
import time

import pytest

from tests.grounds import Ground, Lab, LabWorker
from tests.grounds.failover import assert_taken_over, two_tasks_on_node_1
from tests.grounds.fixtures import Figure, MakeLab
from tests.support.waiting import AT_ONCE

TOKEN = r"[a-z2-7]{8}-[0-9]+"


@pytest.fixture
def lab(make_lab: MakeLab, ground: Ground) -> Lab:
    """A fresh spool whose fence and lease are short enough to be waited for."""
    return make_lab(ground.fast)


def on_node_1(lab: Lab) -> set[str]:
    """Two tasks run on n1; n2 is idle."""
    names = two_tasks_on_node_1(lab)
    lab.ready(2)
    return names


def test_kill_9_of_a_worker_its_tasks_run_elsewhere_at_once_and_the_loss_is_counted(
    patient_lab: Lab, figure: Figure
) -> None:
    lab = patient_lab
    names = on_node_1(lab)
    wid = lab.everyone[0].wid
    lab.everyone[0].kill_worker()
    killed = time.time()
    seconds = assert_taken_over(lab, names, {"n2"}) - killed
    figure(f"kill -9 of the worker, default times: taken over after {seconds:.1f} s")
    assert lab.read(f"workers/{wid}.dead")
    assert re.fullmatch(rf"x~0l1\.{TOKEN}\.yaml", str(lab.record("x", 2)["file"]))
    assert seconds < AT_ONCE


def test_a_worker_that_stands_still_is_fenced_and_comes_back_as_another(lab: Lab) -> None:
    names = on_node_1(lab)
    worker = lab.everyone[0]
    before = worker.wid
    worker.node.run("kill", "-STOP", str(worker.facts()["pid"]))
    assert_taken_over(lab, names, {"n1", "n2"})
    assert lab.read(f"workers/{before}.dead")
    lab.wait_until(lambda: worker.wid_or_none() not in {None, before}, 20)


def test_a_task_that_is_lost_too_often_goes_to_failed(lab: Lab) -> None:
    lab.change(max_lost=2)
    workers = lab.ready(1, 2, 3, slots=1)
    lab.drop(3, "x", command=lab.story.command(120))
    for attempt in (1, 2):
        lab.wait_for_lives(attempt)
        on = lab.story.lives()[-1].node
        next(worker for worker in workers if str(worker.node) == on).kill_worker()
    lab.settles("x", rf"failed/x~lost\.{TOKEN}\.yaml", 30)
    lab.story.assert_never_together()


# -- what a machine of its own can suffer; on real NFS with default times: tests/nfs -----------------


@pytest.mark.grounds("stale")
def test_a_node_without_power_its_tasks_run_elsewhere(lab: Lab, figure: Figure) -> None:
    names = on_node_1(lab)
    lab.ground.kill(1)
    lost = time.time()
    figure(f"power loss, lease 9.5 s: taken over after {assert_taken_over(lab, names, {'n2'}) - lost:.1f} s")


@pytest.mark.grounds("stale", "v4.2", "v3")
def test_a_node_that_boots_again_takes_its_own_tasks_back_after_the_lease(lab: Lab, figure: Figure) -> None:
    names = two_tasks_on_node_1(lab)
    lab.ground.kill(1)
    lab.ground.start(1)
    booted = time.time()
    lab.ready(1)
    seconds = assert_taken_over(lab, names, {"n1"}) - booted
    figure(f"power loss and boot of the same node, lease 9.5 s: its tasks run again {seconds:.1f} s after the boot")


@pytest.mark.grounds("stale")
def test_a_node_that_is_cut_off_kills_its_tasks_before_they_start_elsewhere(lab: Lab, figure: Figure) -> None:
    names = on_node_1(lab)
    before = lab.everyone[0].wid
    lab.ground.cut(1)
    cut = time.time()
    seconds = assert_taken_over(lab, names, {"n2"}) - cut
    margin = min(lab.story.margins())
    figure(f"cut off: elsewhere {seconds:.1f} s after the cut, {margin:.1f} s after the last sign of life")
    lab.ground.heal(1)
    back_as_another(lab, lab.everyone[0], before)


@pytest.mark.grounds("stale", "v4.2", "v3")
def test_a_node_that_is_frozen_kills_its_tasks_when_it_thaws_and_publishes_nothing(lab: Lab, figure: Figure) -> None:
    names = on_node_1(lab)
    before = lab.everyone[0].wid
    lab.ground.pause(1)
    lab.wait_for_done(names, 60)
    thawed = time.time()
    lab.ground.resume(1)
    back_as_another(lab, lab.everyone[0], before)
    first = [life for life in lab.story.lives() if life.task in names and life.attempt == 1]
    seconds = max(life.last for life in first) - thawed
    figure(f"frozen for longer than the lease: what ran is dead {max(seconds, 0):.2f} s after the thaw")
    assert seconds < 1
    assert not any(life.ended for life in first)
    assert [lab.record(name, 2)["outcome"] for name in names] == ["done", "done"]
    # A frozen attempt is dead only once it thaws: its record may end after the next one began.  Nothing else may be wrong.
    assert [line for line in lab.violations(*names).splitlines() if not line.startswith("overlap: ")] == []


def back_as_another(lab: Lab, worker: LabWorker, before: str) -> None:
    """A new worker of that guard runs what is put into its folder."""
    lab.wait_until(lambda: worker.wid_or_none() not in {None, before}, 30)
    lab.drop(3, "later", command=lab.story.command())
    lab.person(3, f"mv todo/later.yaml running/{worker.wid}/", check=False)
    lab.wait_for_done({"later"}, 20)
