"""What people do with ls, mv, cp, rm and vi on a node without a worker: every row of docs/spool-format.md section 14."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.grounds import Lab
from tests.grounds.fixtures import Figure

TOKEN = r"[a-z2-7]{8}-[0-9]+"
PERSON = 3


@contextmanager
def paused(lab: Lab) -> Iterator[None]:
    """Meanwhile no worker claims: each of them has seen the file PAUSE."""
    lab.person(PERSON, "touch PAUSE")
    lab.live_on()
    yield
    lab.person(PERSON, "rm PAUSE")


def running(lab: Lab, name: str) -> str:
    """Path of the running task `name`, whose first attempt would live for a minute."""
    lab.drop(PERSON, name, command=lab.story.command(60, 0))
    lab.wait_until(lambda: lab.story.lives(name), 20)
    return lab.running(name)


def into(lab: Lab, folder: str, act: str) -> None:
    """cp or mv into a folder that is made for it: again when a worker removed the empty one in between, as a person does."""
    lab.wait_until(lambda: lab.person(PERSON, f"mkdir -p {folder} && {act} {folder}/", check=False).code == 0, 20)


def test_touch_and_rm_of_pause_are_heeded_and_todo_to_hold_parks(busy_lab: Lab) -> None:
    lab = busy_lab
    with paused(lab):
        lab.drop(PERSON, "parked", "goes-on", command=lab.story.command())
        lab.person(PERSON, "mv todo/parked.yaml hold/")
        lab.live_on()
        assert not lab.story.lives()
    lab.wait_for_done({"goes-on"}, 20)
    assert lab.where("parked") == ["hold/parked.yaml"]
    lab.person(PERSON, "mv hold/parked.yaml todo/")
    lab.settles("parked", r"done/parked\.yaml")
    lab.story.assert_each_once({"parked", "goes-on"})


def test_rm_in_todo_forgets_a_task(busy_lab: Lab) -> None:
    lab = busy_lab
    with paused(lab):
        lab.drop(PERSON, "forgotten", "kept", command=lab.story.command())
        lab.person(PERSON, "rm todo/forgotten.yaml")
    lab.settles("kept", r"done/kept\.yaml")
    assert not lab.where("forgotten")
    assert not lab.record("forgotten")
    lab.story.assert_each_once({"kept"})


def test_failed_to_todo_runs_it_again_with_a_fresh_budget(busy_lab: Lab) -> None:
    lab = busy_lab
    lab.drop(PERSON, "sweep-a/fails", command="exit 7", retries=1)
    for attempt in (2, 4):
        lab.wait_for_outcome("sweep-a/fails", "exit7", attempt)
        lab.settles("sweep-a/fails", r"failed/sweep-a/fails~exit7\.yaml")
        assert not lab.record("sweep-a/fails", attempt + 1)
        if attempt == 2:
            lab.person(PERSON, "ls failed/* todo/*; mv failed/sweep-a/fails~exit7.yaml todo/sweep-a/")


def test_done_to_todo_runs_it_again(busy_lab: Lab) -> None:
    lab = busy_lab
    lab.drop(PERSON, "sweep-b/again", command=lab.story.command())
    for attempt in (1, 2, 3):
        lab.wait_for_outcome("sweep-b/again", "done", attempt)
        lab.settles("sweep-b/again", r"done/sweep-b/again\.yaml")
        if attempt < 3:
            lab.person(PERSON, "ls done/* todo/*; mv done/sweep-b/again.yaml todo/sweep-b/")
    assert [life.attempt for life in lab.story.lives()] == [1, 2, 3]
    lab.story.assert_never_together()


@pytest.mark.parametrize("folder", ["todo", "waiting/until-20260101T000000Z"])
def test_running_to_todo_stops_it_and_queues_it_again_uncounted(folder: str, busy_lab: Lab) -> None:
    lab, name = busy_lab, f"requeued-by-{folder.partition('/')[0]}"
    file = running(lab, name)
    into(lab, folder, f"mv {file}")
    lab.settles(name, rf"done/{name}\.yaml")
    assert lab.record(name)["outcome"] == "revoked"
    assert re.fullmatch(rf"{name}~0\.{TOKEN}\.yaml", str(lab.record(name, 2)["file"]))
    lab.story.assert_never_together()


@pytest.mark.parametrize(("state", "tag"), [("hold", "0"), ("failed", "cancelled")])
def test_running_to_hold_parks_it_and_running_to_failed_cancels_it(
    state: str, tag: str, busy_lab: Lab, figure: Figure
) -> None:
    lab, name = busy_lab, f"sweep-{state}/x"
    lab.person(PERSON, f"mv {running(lab, name)} {state}/")
    seconds = lab.seconds_until(lambda: lab.record(name).get("outcome") == "revoked", 20)
    figure(f"running/ -> {state}/ on another node: over after {seconds:.1f} s")
    parked = lab.settles(name, rf"{state}/sweep-{state}/x~{tag}\.{TOKEN}\.yaml")
    lab.live_on()
    assert lab.where(name) == [parked]
    lab.person(PERSON, f"mkdir -p todo/sweep-{state} && mv {parked} todo/sweep-{state}/")
    lab.settles(name, rf"done/sweep-{state}/x\.yaml")
    assert [life.attempt for life in lab.story.lives()] == [1, 2]
    lab.story.assert_never_together()


def test_rm_in_running_cancels_and_forgets_it(busy_lab: Lab) -> None:
    lab = busy_lab
    lab.person(PERSON, f"rm {running(lab, 'removed')}")
    lab.wait_for_outcome("removed", "revoked")
    assert not lab.where("removed")
    assert len(lab.story.lives()) == 1
    assert not lab.story.ended()


def test_running_to_the_folder_of_another_worker_runs_it_there_after_it_was_stopped(busy_lab: Lab) -> None:
    lab = busy_lab
    path = running(lab, "handed-over")
    other = next(worker for worker in lab.everyone if worker.wid not in path)
    lab.person(PERSON, f"mv {path} running/{other.wid}/")
    lab.settles("handed-over", r"done/handed-over\.yaml")
    first, second = lab.story.lives()
    assert (first.node, second.node, second.worker) == (first.node, str(other.node), other.wid)
    lab.story.assert_never_together()


def test_a_file_put_into_a_workers_folder_runs_there(busy_lab: Lab) -> None:
    lab = busy_lab
    names = {f"{worker.node}-gift{n}" for worker in lab.everyone for n in range(3)}
    with paused(lab):
        lab.drop(PERSON, *names, command=lab.story.command())
        for worker in lab.everyone:
            lab.person(PERSON, f"mv todo/{worker.node}-gift* running/{worker.wid}/")
    lab.wait_for_done(names, 20)
    assert all(life.task.startswith(life.node) for life in lab.story.lives())
    lab.story.assert_each_once(names)


@pytest.mark.parametrize("folder", ["todo", "waiting/after-before"])
def test_the_copy_of_a_running_task_is_parked_and_the_task_runs_on(folder: str, busy_lab: Lab) -> None:
    lab, name = busy_lab, f"copied-to-{folder.partition('/')[0]}"
    lab.drop(PERSON, "before", command="true")
    lab.wait_for_done({"before"}, 20)
    lab.drop(PERSON, name, command=lab.story.gated())
    lab.wait_for_lives(1)
    into(lab, folder, f"cp {lab.running(name)}")
    parked = re.compile(rf"hold/{name}~duplicate\.{TOKEN}\.yaml")
    lab.wait_until(lambda: any(parked.fullmatch(path) for path in lab.where(name)), 20)
    lab.story.open()
    lab.wait_for_done({"before", name}, 20)
    lab.story.assert_each_once({name})


def test_mv_of_a_batch_folder_parks_and_resumes_and_runs_it_again(busy_lab: Lab) -> None:
    lab = busy_lab
    names = lab.drop(PERSON, *(f"batch/{n:02d}" for n in range(24)), command=lab.story.command(0.2))
    lab.wait_for_lives(3)
    lab.person(PERSON, "mv todo/batch hold/batch")
    lab.wait_until(lambda: not lab.files("running"), 20)
    parked = lab.files("hold")
    lab.live_on()
    assert [path for path in parked if path.startswith("hold/batch/")]
    assert lab.files("hold", "todo", "running") == parked
    lab.person(PERSON, "mv hold/batch todo/batch")
    lab.wait_for_done(names, 40)
    lab.story.assert_each_once(names)
    lab.person(PERSON, "rmdir todo/batch && mv done/batch todo/batch")
    lab.wait_until(lambda: len(lab.story.lives()) == 2 * len(names), 40)
    lab.wait_for_done(names, 20)
    lab.story.assert_never_together()


def test_vi_in_hold_and_mv_to_todo_runs_the_corrected_task(busy_lab: Lab) -> None:
    lab = busy_lab
    lab.drop(PERSON, "wrong", command="exit 3")
    lab.settles("wrong", r"failed/wrong~exit3\.yaml")
    lab.person(PERSON, "mv failed/wrong~exit3.yaml hold/wrong.yaml")
    for node, text in ((1, "one"), (2, "two"), (PERSON, lab.story.command())):
        # As vi saves: a swap file, the old one aside, the new one in its place.
        save = f"touch .wrong.yaml.swp; mv wrong.yaml wrong.yaml~; printf 'command: {text}\\n' > wrong.yaml; rm wrong.yaml~"
        lab.person(node, f"cd hold; {save}; rm .wrong.yaml.swp")
    lab.person(PERSON, "mv hold/wrong.yaml todo/")
    lab.settles("wrong", r"done/wrong\.yaml")
    lab.story.assert_never_together()
    assert lab.record("wrong", 2)["text"] == f"command: {lab.story.command()}\n"


def test_mv_into_a_priority_lane_makes_a_task_the_next(lab: Lab) -> None:
    # They live for a tenth of a second: two that begin within one tick of the file system's clock have no order.
    names = lab.drop(PERSON, *"abcd", command=lab.story.command(0.1))
    lab.person(PERSON, "mkdir todo/@p10 todo/@p-5; mv todo/c.yaml todo/@p10/; mv todo/a.yaml todo/@p-5/")
    lab.ready(1, slots=1)
    lab.wait_for_done(names, 20)
    assert [life.task for life in lab.story.lives()] == ["c", "b", "d", "a"]


def test_the_commands_steer_tasks_that_run_on_another_node(busy_lab: Lab) -> None:
    lab = busy_lab
    for name in ("cmd/hold", "cmd/cancel"):
        running(lab, name)
    lab.dsgspool(PERSON, "hold", "cmd/hold")
    lab.dsgspool(PERSON, "cancel", "cmd/cancel")
    lab.settles("cmd/hold", rf"hold/cmd/hold~0\.{TOKEN}\.yaml")
    lab.settles("cmd/cancel", rf"failed/cmd/cancel~cancelled\.{TOKEN}\.yaml")
    lab.dsgspool(PERSON, "release", "cmd/hold")
    lab.dsgspool(PERSON, "requeue", "cmd/cancel")
    lab.wait_for_done({"cmd/hold", "cmd/cancel"}, 20)
    assert len(lab.story.lives()) == 4
    lab.story.assert_never_together()
