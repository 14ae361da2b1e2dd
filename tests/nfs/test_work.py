"""Two nodes and one spool: each task once."""

from __future__ import annotations

import time

import pytest

from tests.grounds.fixtures import Figure
from tests.grounds.lab import Lab

pytestmark = pytest.mark.nfs

EACH = 300


def test_two_nodes_run_each_of_600_tasks_exactly_once(patient_lab: Lab, figure: Figure) -> None:
    lab = patient_lab
    command = lab.story.command()
    names = lab.drop(1, *(f"a{n:03d}" for n in range(EACH // 2)), command=command)
    names |= lab.drop(2, *(f"batch/b{n:03d}" for n in range(EACH // 2)), command=command)
    lab.ready(1, 2, slots=4)
    began = time.monotonic()
    submit = f"$PYTHON -m dsgspool submit --batch lines --each-line -- {command.removesuffix('0')}{{}}"
    names |= set(lab.person(1, f"yes 0 | head -n {EACH} | {submit}").out.split())
    assert len(names) == 2 * EACH
    lab.wait_for_done(names, 90)
    seconds = time.monotonic() - began
    lab.story.assert_each_once(names)
    assert lab.violations(*names) == ""
    shares = [sum(life.node == node for life in lab.story.lives()) for node in ("n1", "n2")]
    assert min(shares) > 0
    figure(f"{2 * EACH} tasks, each once, in {seconds:.1f} s; n1 ran {shares[0]}, n2 {shares[1]}")
