"""Two nodes and one spool: each task once, and found in time."""

from __future__ import annotations

import time

import pytest

from tests.nfs.conftest import Figure
from tests.nfs.lab import Lab

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


def test_a_task_from_another_node_is_picked_up_in_time(patient_lab: Lab, figure: Figure) -> None:
    lab = patient_lab
    lab.ready(2)
    command = lab.story.command()
    settle = 2.0

    def seconds_until_start(name: str) -> float:
        lab.wait_until(lambda: lab.story.lives(name), 30)
        return lab.story.lives(name)[0].start - dropped

    def wait_until_polls_are_rare() -> None:
        lab.person(2, "sleep 11")

    lab.person(
        1, f"printf 'command: {command}\\n...\\n' > /tmp/whole.yaml; printf 'command: {command}\\n' > /tmp/open.yaml"
    )
    wait_until_polls_are_rare()
    dropped = time.time()
    lab.person(1, "cp /tmp/whole.yaml /tmp/open.yaml todo/")
    whole, unclosed = seconds_until_start("whole"), seconds_until_start("open")
    wait_until_polls_are_rare()
    dropped = time.time()
    name = lab.dsgspool(1, "submit", "--", *command.split()).out.strip()
    submitted = seconds_until_start(name)
    figure(
        f"picked up by the other node: cp {whole:.1f} s, cp without `...` {unclosed:.1f} s, submit {submitted:.1f} s"
    )
    assert whole < 6
    assert unclosed < 6 + settle
    assert submitted < 6
    assert {life.node for life in lab.story.lives()} == {"n2"}
