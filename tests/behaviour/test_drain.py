"""Ending and steering a worker from another node."""

from __future__ import annotations

import re

from tests.grounds import Lab, LabWorker

TOKEN = r"[a-z2-7]{8}-[0-9]+"


def at_work(lab: Lab) -> LabWorker:
    """A worker with one slot on n1 that runs `a`; `b` is queued."""
    worker = lab.ready(1, slots=1)[0]
    lab.drop(3, "a", command=lab.story.gated())
    lab.wait_for_lives(1)
    lab.drop(3, "b", command=lab.story.command())
    return worker


def assert_drained(lab: Lab, worker: LabWorker) -> None:
    """It finishes `a`, takes nothing more, and ends."""
    worker.says("draining")
    wid = worker.wid
    lab.story.open()
    lab.wait_until(lambda: not worker.is_alive(), 20)
    assert lab.files() == ["done/a.yaml", "todo/b.yaml"]
    lab.story.assert_each_once({"a"})
    assert wid not in lab.person(3, "ls running").out


def test_a_signal_drains_what_runs_is_finished_and_another_node_runs_the_rest(lab: Lab) -> None:
    worker = at_work(lab)
    worker.signal()
    assert_drained(lab, worker)
    lab.ready(2)
    lab.wait_for_done({"a", "b"}, 20)
    assert {life.task: life.node for life in lab.story.lives()} == {"a": "n1", "b": "n2"}


def test_a_second_signal_gives_what_runs_back_uncounted_and_another_node_runs_it(lab: Lab) -> None:
    worker = at_work(lab)
    for word in ("draining", "stopped"):
        worker.signal()
        if word == "draining":
            worker.says(word)
    lab.wait_until(lambda: not worker.is_alive(), 20)
    assert lab.record("a")["outcome"] == "stopped"
    assert any(re.fullmatch(rf"todo/a~0\.{TOKEN}\.yaml", path) for path in lab.where("a"))
    lab.story.open()
    lab.ready(2)
    lab.wait_for_done({"a", "b"}, 20)
    assert [life.node for life in lab.story.lives("a")] == ["n1", "n2"]
    lab.story.assert_never_together()


def test_workers_set_drain_on_another_node_drains(lab: Lab) -> None:
    worker = at_work(lab)
    lab.dsgspool(3, "workers", "set", worker.wid, "drain=true")
    assert_drained(lab, worker)


def test_workers_set_on_another_node_changes_slots_and_pauses(lab: Lab) -> None:
    worker = at_work(lab)
    lab.dsgspool(3, "workers", "set", worker.wid, "slots=2")
    lab.wait_for_done({"b"}, 20)
    lab.dsgspool(3, "workers", "set", worker.wid, "paused=true")
    worker.says("slots, paused")
    lab.drop(3, "c", command=lab.story.command())
    lab.live_on()
    assert lab.where("c") == ["todo/c.yaml"]
    lab.dsgspool(3, "workers", "set", worker.wid, "paused=false")
    lab.wait_for_done({"c"}, 20)
    lab.story.open()
    lab.wait_for_done({"a"}, 20)
    lab.story.assert_each_once({"a", "b", "c"})


def test_until_empty_waits_for_what_another_node_runs(lab: Lab) -> None:
    at_work(lab)
    patient = lab.start(2, "--until-empty")
    lab.wait_for_done({"b"}, 20)
    lab.live_on()
    assert patient.is_alive()
    lab.story.open()
    lab.wait_until(lambda: not patient.is_alive(), 20)
    assert lab.done() == {"a", "b"}
