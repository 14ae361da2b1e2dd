"""Policies of batches, also under kill -9, on several nodes: never more at once than `max_running`, one choice of the first.

The rule: what ran at once is told by the tasks themselves; what a worker that was killed with its guard left running counts.
"""

from __future__ import annotations

import yaml

from tests.grounds import Lab
from tests.grounds.fixtures import Figure
from tests.grounds.story import most_at_once

TASKS, LIMIT, TRIED = 10, 3, 2


def test_two_nodes_never_run_more_of_a_batch_than_it_says_while_one_of_them_is_killed(lab: Lab, figure: Figure) -> None:
    lab.person(3, f"printf 'max_running: {LIMIT}\\n...\\n' > batches/.s && mv batches/.s batches/s.yaml")
    names = lab.drop(3, *(f"s/{n:02d}" for n in range(TASKS)), command=lab.story.gated())
    at_work = {str(worker.node): worker for worker in lab.ready(1, 2, slots=4)}
    lab.wait_for_lives(LIMIT)
    for _ in range(2):  # those that it runs are killed by its heir, which brings them back
        ran = lab.story.lives()
        victim = at_work[ran[-1].node]
        victim.kill_both()
        at_work[str(victim.node)] = lab.start(victim.node.number, slots=4)
        lab.wait_for_lives(len(ran) + 1)
    lab.story.open()
    lab.wait_for_done(names, 90)
    lives = [life for life in lab.story.lives() if life.task.startswith("s/")]
    assert most_at_once(lives) <= LIMIT
    lab.story.assert_never_together()
    assert lab.violations(*names) == ""
    figure(f"max_running {LIMIT}, two workers killed: {most_at_once(lives)} at once, {len(lives)} attempts of {TASKS}")


def test_three_nodes_that_claim_at_once_never_run_more_than_may_and_use_all_of_it(lab: Lab, figure: Figure) -> None:
    nodes = (1, 2, 3)
    lab.person(3, f"printf 'max_running: {LIMIT}\\n...\\n' > batches/.s && mv batches/.s batches/s.yaml")
    lab.ready(*nodes, slots=3)
    names: set[str] = set()
    for node in nodes:
        names |= lab.drop(node, *(f"s/from-{node}/{n:02d}" for n in range(16)), command=lab.story.command(0.3))
    seconds = lab.wait_for_done(names, 120)
    lab.story.assert_each_once(names)
    lives = lab.story.lives()
    assert most_at_once(lives) == LIMIT
    assert lab.ground.nodes[0].python("os.listdir(path)", path=f"{lab.truth}/taken") == []
    assert lab.violations(*names) == ""
    busy = sum(life.last - life.start for life in lives) / (lives[-1].last - lives[0].start)
    figure(
        f"48 tasks of a batch with max_running {LIMIT} on three nodes: {busy:.2f} at once on average, {seconds:.1f} s"
    )


def test_who_is_tried_first_is_chosen_once_although_the_worker_that_chooses_is_killed(lab: Lab) -> None:
    lab.person(3, f"printf 'canary: {TRIED}\\n...\\n' > batches/.c && mv batches/.c batches/c.yaml")
    names = {f"c/{n}" for n in range(6)}
    workers = lab.ready(1, 2, slots=4)
    lab.drop(3, *(f"../hold/{name}" for name in names), command=lab.story.command(0.2))
    lab.person(3, "mv hold/c todo/")  # at once: who is tried first is chosen among those that are there
    workers[0].kill_both(when="'c.canary' in os.listdir(f'{root}/batches')")
    lab.start(1, slots=4)
    lab.wait_for_done(names, 60)
    tried = set(yaml.safe_load(lab.read("batches/c.passed"))["tasks"])
    assert len(tried) == TRIED
    assert not lab.read("batches/c.canary")
    lives = lab.story.lives()
    ended = max(life.last for life in lives if life.task in tried)
    assert all(life.task in tried or life.start > ended for life in lives)
    lab.story.assert_never_together()
    assert lab.violations(*names) == ""
