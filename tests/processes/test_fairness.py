"""Batches take turns with real workers, by the time that they had of late.  Owners: test_users.py."""

from __future__ import annotations

import pytest

from tests.support.processes import Workers
from tests.support.shares import counted, of_first, told
from tests.support.spools import CALM, FAST, SpoolFolder


def first(name: str) -> str:
    """Whose turn it took: the first letter tells."""
    return name[0]


def run(folder: SpoolFolder, workers: Workers, slots: int = 2) -> None:
    """Two workers begin at the same moment, and work it off."""
    (folder / "PAUSE").touch()
    started = [workers.ready("--until-empty", slots=slots) for _ in range(2)]
    (folder / "PAUSE").unlink()
    assert [worker.ends(120) for worker in started] == [0, 0]


@pytest.mark.parametrize("fair", ["batches", ["owners", "batches"]])
def test_two_batches_have_half_each_of_a_thousand_tasks(fair: object, folder: SpoolFolder, workers: Workers) -> None:
    folder.configure(CALM, fair=fair)
    for number in range(600):
        folder.drop(f"a/{number:03d}", ["true"])
        folder.drop(f"z/{number:03d}", ["true"])
    run(folder, workers)
    found = counted(folder.root, 1000, first)
    assert abs(found["a"] - 500) <= 50, found


def test_a_batch_of_wide_tasks_has_half_of_the_slots_and_not_half_of_the_tasks(
    folder: SpoolFolder, workers: Workers
) -> None:
    folder.configure(CALM, fair="batches")
    for number in range(40):
        folder.drop(f"@cpus3/a/{number:03d}", "sleep 0.1", cpus=3)
    for number in range(120):
        folder.drop(f"z/{number:03d}", "sleep 0.1")
    run(folder, workers, slots=4)
    found = of_first(folder.root, 100, first, lambda name: 3 if name[0] == "a" else 1)
    assert abs(found["a"] / found.total() - 0.5) <= 0.05, found


def test_without_turns_the_first_name_has_all(folder: SpoolFolder, workers: Workers) -> None:
    for number in range(30):
        folder.drop(f"a/{number:03d}", ["true"])
        folder.drop(f"z/{number:03d}", ["true"])
    workers.run_until_empty(slots=1)
    assert counted(folder.root, 30, first) == {"a": 30}


def test_a_batch_that_comes_late_is_served_within_the_next_few_claims(folder: SpoolFolder, workers: Workers) -> None:
    folder.configure(FAST, fair="batches")
    for number in range(1000):
        folder.drop(f"a/{number:04d}", "sleep 0.1")
    worker = workers.ready(slots=2)
    worker.wait_until(lambda: len(folder.done()) >= 20, 20)
    before = len(told(folder.root, "start"))
    for number in range(10):
        folder.drop(f"z/{number}", "sleep 0.1")
    worker.wait_until(lambda: sum(name[0] == "z" for name in folder.done()) == 10, 20)
    worker.lives_on(2)
    began = [str(line["task"])[0] for line in told(folder.root, "start")]
    at = began.index("z")
    assert began[at : at + 12].count("z") == 10
    assert at - before <= 30


def test_a_word_that_fair_does_not_know_is_told_with_line_and_remedy(folder: SpoolFolder, workers: Workers) -> None:
    folder.configure(FAST, fair="owner")
    worker = workers.start()
    assert worker.ends() != 0
    assert "`fair` is 'owner' and must be owners or batches" in worker.output()
