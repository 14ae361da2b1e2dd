"""Real workers that give each task CPUs of its own."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.support.processes import Gate, Workers
from tests.support.spools import SpoolFolder

pytestmark = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two CPUs")
SEEN = "nproc; grep Cpus_allowed_list /proc/self/status; echo $OMP_NUM_THREADS"


def test_tasks_see_as_many_cpus_as_they_asked_for_and_share_none(
    folder: SpoolFolder, workers: Workers, gate: Gate
) -> None:
    for name in ("a", "b"):
        folder.drop(name, f"{SEEN}; {gate.wait}")
    worker = workers.ready("--until-empty", "--pin", slots=2)
    workers.wait_until(lambda: folder.has_begun("a") and folder.has_begun("b"))
    folder.drop("wide", SEEN, cpus=2)
    gate.open()
    assert worker.ends() == 0, worker.output()
    pinned = {name: folder.record(name)["pinned"] for name in ("a", "b", "wide")}
    assert sorted(pinned["a"] + pinned["b"]) == sorted(pinned["wide"])
    for name in ("a", "b"):
        assert folder.out(name).split()[::2] == ["1", str(pinned[name][0])]
    assert folder.out("wide").split()[0] == "2"


def test_it_is_pinned_within_what_its_worker_was_left(folder: SpoolFolder, workers: Workers) -> None:
    folder.configure(nodes={"*": {"pin": True}})
    if not (taskset := shutil.which("taskset")):
        pytest.skip("needs taskset")
    last = str(max(os.sched_getaffinity(0)))
    folder.drop("a", "nproc")
    worker = workers.start("--until-empty", slots=1, prefix=[taskset, "-c", last])
    assert worker.ends() == 0, worker.output()
    assert (folder.record("a")["pinned"], folder.out("a")) == ([int(last)], "1\n")


def test_more_slots_than_cpus_are_refused_at_the_start(folder: SpoolFolder, workers: Workers) -> None:
    worker = workers.start("--pin", slots=5000)
    assert worker.ends() == 8
    assert "start it with --slots" in worker.output()
