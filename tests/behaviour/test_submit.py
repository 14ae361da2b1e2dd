"""`dsgspool submit` on one node, workers on others."""

from __future__ import annotations

import time

from tests.grounds import Lab
from tests.grounds.fixtures import Figure


def test_what_is_submitted_is_found_by_another_node_and_runs_once(busy_lab: Lab, figure: Figure) -> None:
    lab, command = busy_lab, busy_lab.story.command()
    names, waits = set(), []
    for n in range(3):
        before = time.time()
        names.add(lab.dsgspool(3, "submit", "--name", f"one/{n}", "--", *command.split()).out.strip())
        lab.wait_for_lives(n + 1)
        waits.append(lab.story.lives()[-1].start - before)
    assert names == {"one/0", "one/1", "one/2"}
    lab.wait_for_done(names, 20)
    lab.story.assert_each_once(names)
    figure(f"submit until the start on another node, the command's own start included: at most {max(waits):.1f} s")


def test_two_nodes_that_submit_to_one_batch_at_once_get_names_of_their_own(busy_lab: Lab) -> None:
    lab = busy_lab
    command = lab.story.command().removesuffix("0")
    line = f"yes 0 | head -n 30 | $PYTHON -m dsgspool submit --batch crowd --each-line -- {command}{{}}"
    environment = {"DSGSPOOL_SPOOL": lab.spool}
    logs = dict.fromkeys((2, 3), f"{lab.ground.scratch}/{lab.story.folder.name}.out")
    logs = {node: f"{path}{node}" for node, path in logs.items()}
    for node, log in logs.items():
        lab.ground.nodes[node].spawn(["sh", "-c", line], log, environment)
    printed = {
        node: lab.wait_until(lambda node=node, log=log: lab.lines(node, log, 30), 30) for node, log in logs.items()
    }
    names = {*printed[2], *printed[3]}
    assert len(names) == 60
    lab.wait_for_done(names, 40)
    lab.story.assert_each_once(names)


def test_a_name_that_is_submitted_twice_runs_twice_one_after_the_other(busy_lab: Lab) -> None:
    lab = busy_lab
    for node in (2, 3):
        lab.dsgspool(node, "submit", "--name", "twice", "--", *lab.story.gated().split())
    lab.wait_until(lambda: any(path.startswith("waiting/") for path in lab.where("twice")), 20)
    assert len(lab.story.lives()) == 1
    lab.story.open()
    lab.wait_for_outcome("twice", "done")
    lab.dsgspool(3, "release", "twice")
    lab.wait_for_outcome("twice", "done", 2)
    lab.story.assert_never_together()
