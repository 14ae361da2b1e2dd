"""Two tasks on node 1, and what must be true once others have taken them over.

The rule: a task starts a second time only after its first attempt is dead, as the tasks themselves tell.
"""

from __future__ import annotations

from tests.grounds.lab import Lab


def two_tasks_on_node_1(lab: Lab) -> set[str]:
    """x and y run on n1 and would for two minutes, later attempts for a moment."""
    lab.ready(1)
    names = lab.drop(3, "x", "y", command=lab.story.command(120, 0.3))
    lab.wait_for_lives(2)
    return names


def assert_taken_over(lab: Lab, names: set[str], nodes: set[str], seconds: float = 60) -> float:
    """These ran a second time, on these nodes, not before they were dead; the moment of the last start."""
    lab.wait_for_done(names, seconds)
    lab.story.assert_never_together()
    second = [life for life in lab.story.lives() if life.task in names and life.attempt == 2]
    assert {life.task for life in second} == names
    assert {life.node for life in second} <= nodes
    assert lab.violations(*names) == ""
    return max(life.start for life in second)
