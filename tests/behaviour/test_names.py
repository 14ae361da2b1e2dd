"""A name that is used again: one attempt at a time, and always the text that lies there now."""

from __future__ import annotations

from tests.grounds import Lab

ROUNDS = 6


def test_a_second_file_of_a_name_waits_until_the_first_is_over(busy_lab: Lab) -> None:
    lab = busy_lab
    for node in (2, 3, 1):
        lab.drop(node, "second", command=lab.story.gated())
        lab.wait_until(lambda: not any(path.startswith("todo/") for path in lab.where("second")), 20)
    lab.wait_until(lambda: sum(path.startswith("waiting/") for path in lab.where("second")) == 2, 20)
    lab.live_on()
    assert len(lab.story.lives()) == 1
    lab.story.open()
    lab.wait_for_outcome("second", "done")
    # Not by `release`: both at once.  After 30 s the janitor brings them back, perhaps before or while they are moved.
    lab.person(3, "mv waiting/*/second* todo/ || true")
    lab.wait_for_outcome("second", "done", 2)
    lab.wait_until(lambda: not any(path.startswith("running/") for path in lab.where("second")), 20)
    lab.person(3, "mv waiting/*/second* todo/ || true")
    lab.wait_for_outcome("second", "done", 3)
    lab.settles("second", r"done/second\.yaml")
    lab.story.assert_never_together()


def test_a_name_that_is_used_again_and_again_runs_the_text_that_lies_there_now(busy_lab: Lab) -> None:
    lab = busy_lab
    for n in range(1, ROUNDS + 1):
        worker = lab.everyone[n % 2]
        lab.drop(3, "reused", command=f"echo {n}; {lab.story.command()}")
        lab.person(3, f"mv todo/reused.yaml running/{worker.wid}/ || true")  # it may have been claimed already
        lab.wait_for_outcome("reused", "done", n)
        assert lab.read(f"logs/reused.{n}.out") == f"{n}\n"
        lab.settles("reused", r"done/reused\.yaml")
    lab.story.assert_never_together()


def test_a_finished_task_that_is_corrected_and_moved_to_todo_runs_the_new_text(busy_lab: Lab) -> None:
    lab = busy_lab
    lab.drop(3, "corrected", command="echo 1")
    for n in range(1, ROUNDS + 1):
        lab.wait_for_outcome("corrected", "done", n)
        lab.settles("corrected", r"done/corrected\.yaml")
        assert lab.read(f"logs/corrected.{n}.out") == f"{n}\n"
        lab.person(1 + n % 3, "cat done/corrected.yaml")
        if n < ROUNDS:
            lab.person(3, f"sed -i 's/echo {n}/echo {n + 1}/' done/corrected.yaml && mv done/corrected.yaml todo/")


def test_a_file_that_is_replaced_between_listing_and_claim_runs_with_its_new_text(lab: Lab) -> None:
    """ABA: the worker's node knows the old file of that name, and its listing of todo/ is older than the new one."""
    lab.change(poll_min="30s", poll_max="30s")
    names = [f"x{n}" for n in range(5)]
    lab.drop(3, "first", command=lab.story.gated())
    lab.drop(3, *names, command="echo old")
    lab.ready(1, slots=1)
    lab.wait_for_lives(1)
    lab.person(1, "cat todo/x*.yaml && stat todo/x*.yaml")
    lab.person(3, "mkdir hold/old && mv todo/x*.yaml hold/old/")
    lab.drop(3, *names, command=f"echo new; {lab.story.command()}")
    lab.story.open()
    lab.wait_until(lambda: all(lab.record(name).get("outcome") for name in names), 30)
    assert [lab.read(f"logs/{name}.1.out") for name in names] == ["new\n"] * 5
    lab.wait_for_done({"first", *names}, 20)
    assert lab.violations("first", *names) == ""
