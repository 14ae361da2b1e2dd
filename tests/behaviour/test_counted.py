"""Resources that are counted for the whole spool: nodes whose clients believe old listings never have too many together."""

from __future__ import annotations

import pytest

from tests.grounds import Ground, Lab
from tests.grounds.failover import assert_taken_over
from tests.grounds.fixtures import Figure, MakeLab
from tests.grounds.story import most_at_once

NODES = (1, 2, 3)
LICENCES = 2
EACH = 32  #: tasks: a worker begins the next one at once, and others find a licence free in one look of some twenty


@pytest.fixture
def fast_lab(make_lab: MakeLab, ground: Ground) -> Lab:
    """A fresh spool whose fence and lease are short enough to be waited for."""
    return make_lab({**ground.fast, "resources": {"licence": 1}})


def marks(lab: Lab) -> object:
    return lab.ground.nodes[0].python("os.listdir(path)", path=f"{lab.truth}/taken")


def test_three_nodes_never_have_more_than_there_is_and_use_all_of_it(lab: Lab, figure: Figure) -> None:
    lab.change(resources={"licence": LICENCES})
    lab.ready(*NODES, slots=3)
    names: set[str] = set()
    for node in NODES:
        prefix = f"from-{node}"
        names |= lab.drop(
            node, *(f"{prefix}/{n:02d}" for n in range(EACH)), command=lab.story.command(0.3), resources={"licence": 1}
        )
    seconds = lab.wait_for_done(names, 120)
    lab.story.assert_each_once(names)
    lives = lab.story.lives()
    assert most_at_once(lives) == LICENCES
    assert len({life.node for life in lives}) > 1
    assert marks(lab) == []
    assert lab.violations(*names) == ""
    busy = sum(life.last - life.start for life in lives) / (lives[-1].last - lives[0].start)
    figure(f"{len(names)} tasks for {LICENCES} licences on three nodes: {busy:.2f} in use on average, {seconds:.1f} s")


def one_has_it_and_another_waits(lab: Lab) -> tuple[set[str], set[str]]:
    """(what runs on node 1 with the licence, what waits for it on node 2)"""
    lab.ready(1)
    names = lab.drop(3, "x", command=lab.story.command(120, 0.3), resources={"licence": 1})
    lab.wait_for_lives(1)
    lab.ready(2)
    return names, lab.drop(3, "y", command=lab.story.command(), resources={"licence": 1})


def test_what_a_killed_worker_had_is_given_to_others_once_it_is_dead(fast_lab: Lab) -> None:
    lab = fast_lab
    names, later = one_has_it_and_another_waits(lab)
    lab.live_on()
    assert lab.story.begun() == names
    lab.everyone[0].kill_worker()
    lab.wait_for_done(names | later, 30)
    assert most_at_once(lab.story.lives()) == 1
    assert marks(lab) == []


@pytest.mark.grounds("stale")
def test_what_a_node_has_that_is_cut_off_stays_its_own_until_its_tasks_are_dead(fast_lab: Lab) -> None:
    lab = fast_lab
    names, later = one_has_it_and_another_waits(lab)
    lab.ground.cut(1)
    assert_taken_over(lab, names, {"n2"})
    lab.wait_for_done(names | later, 30)
    assert most_at_once(lab.story.lives()) == 1
    lab.ground.heal(1)
    lab.wait_until(lambda: marks(lab) == [], 40)
