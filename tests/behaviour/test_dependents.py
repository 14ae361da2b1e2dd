"""Tasks that wait for others, with workers, submitters and people on different nodes: never too early, never for ever."""

from __future__ import annotations

from statistics import median

import pytest

from tests.grounds import Lab
from tests.grounds.fixtures import Figure

ROUNDS = 4
PAIRS = 20
#: An NFS v3 client that made todo/x.yaml itself may think that it is there still, and mv then says "are the same file".
FRESH = "ls todo > /dev/null"


def test_each_runs_after_what_it_waits_for_whoever_filed_it_and_whoever_woke_it(busy_lab: Lab, figure: Figure) -> None:
    lab = busy_lab
    for n in range(PAIRS):
        lab.drop(1 + n % 3, f"late{n}", command=lab.story.command(), after=[f"early{n}"])
        lab.drop(1 + (n + 1) % 3, f"early{n}", command=lab.story.command(0.1 * (n % 4)))
    lab.drop(3, "all", command=lab.story.command(), after=["late*"])
    names = {"all", *(f"{kind}{n}" for n in range(PAIRS) for kind in ("late", "early"))}
    lab.wait_for_done(names, 60)
    lab.story.assert_each_once(names)
    lives = {life.task: life for life in lab.story.lives()}
    waited = [lives[f"late{n}"].start - lives[f"early{n}"].last for n in range(PAIRS)]
    assert min(waited) > 0
    assert lives["all"].start > max(lives[f"late{n}"].last for n in range(PAIRS))
    figure(
        f"from the end of a task to the start of one that waits for it: {median(waited):.2f} s, at most {max(waited):.2f} s"
    )


def test_a_name_that_is_moved_out_of_done_is_waited_for_until_it_lies_there_again(busy_lab: Lab) -> None:
    """The nodes of the workers still know the file in done/ when the dependent is judged."""
    lab = busy_lab
    lab.drop(3, "again", command=lab.story.command(0, 0.6))
    for n in range(1, ROUNDS + 1):
        lab.settles("again", r"done/again\.yaml")
        for node in (1, 2):
            lab.person(node, "ls done failed; cat done/again.yaml || true")
        lab.person(3, f"{FRESH}; mv done/again.yaml todo/")
        lab.drop(3, f"behind{n}", command=lab.story.command(), after=["again"])
        lab.settles(f"behind{n}", rf"done/behind{n}\.yaml")
        (behind,) = lab.story.lives(f"behind{n}")
        again = lab.story.lives("again")
        assert len(again) == n + 1, "it started while what it waits for had not even begun"
        assert again[-1].ended and behind.start > again[-1].last


def test_the_dependent_of_what_failed_runs_once_that_was_put_right(busy_lab: Lab) -> None:
    lab = busy_lab
    lab.drop(3, "shaky", command=f"{lab.story.command(0.3)}; exit $((DSGSPOOL_ATTEMPT < 2))")
    lab.drop(1, "leaning", command=lab.story.command(), after=["shaky"])
    lab.settles("leaning", r"failed/leaning~dependency\.yaml")
    assert "shaky has failed" in str(lab.record("leaning")["reason"])
    lab.settles("shaky", r"failed/shaky~exit1\.yaml")
    for node in (1, 2):
        lab.person(node, "ls done failed; cat done/shaky.yaml || true")
    lab.person(3, f"{FRESH}; mv failed/shaky~exit1.yaml todo/shaky.yaml")
    lab.person(3, f"{FRESH}; mv failed/leaning~dependency.yaml todo/leaning.yaml")
    lab.settles("leaning", r"done/leaning\.yaml")
    assert lab.story.lives("leaning")[0].start > lab.story.lives("shaky")[1].last
    assert len(lab.story.lives("leaning")) == 1


def test_a_fresh_task_of_a_name_that_is_done_holds_nobody_up(busy_lab: Lab) -> None:
    """What lies in done/ stays finished until somebody moves it."""
    lab = busy_lab
    lab.drop(3, "twice", command=lab.story.command())
    lab.settles("twice", r"done/twice\.yaml")
    lab.drop(1, "twice", command=lab.story.gated())
    lab.wait_until(lambda: len(lab.story.lives("twice")) == 2, 20)
    lab.drop(2, "over", command=lab.story.command(), after=["twice"])
    lab.settles("over", r"done/over\.yaml")
    assert not lab.story.lives("twice")[1].ended
    lab.story.open()
    lab.settles("twice", r"done/twice\.yaml")


@pytest.mark.parametrize(
    ("place", "ends"),
    [
        ("waiting/after-never/unwoken/x.yaml", r"waiting/after-unwoken%/unwoken-last\b.*"),
        ("hold/parked/x.yaml", r"waiting/after-parked%/parked-last\b.*"),
        ("failed/broken/x.yaml", r"failed/broken-last~dependency\.yaml"),
    ],
)
def test_a_batch_is_not_over_for_a_node_that_believes_a_folder_absent(busy_lab: Lab, place: str, ends: str) -> None:
    """It looked there before that was made: a remembered "does not exist" is no proof that nothing of the batch is there."""
    lab = busy_lab
    folder, _, _ = place.rpartition("/")
    batch = folder.rpartition("/")[2]
    lab.drop(3, f"{batch}/first", command=lab.story.command())
    lab.settles(f"{batch}/first", rf"done/{batch}/first\.yaml")
    for node in (1, 2):
        assert lab.person(node, f"ls {folder}", check=False).code
    lab.person(3, f"mkdir -p {folder}; echo 'command: \"true\"' > {folder}/.x; mv {folder}/.x {place}")
    lab.drop(3, f"{batch}-last", command=lab.story.command(), after=[f"{batch}/"])
    lab.settles(f"{batch}-last", ends)
    lab.live_on()
    assert not lab.story.lives(f"{batch}-last")
