"""The rule: prune removes only what is old and locked, and ends what a killed prune has begun."""

import os

import pytest

from dsgspool.spool.pruning import Pruner
from dsgspool.task import State
from tests.support.seeded import Seeded

NOW, OLD, YOUNG, AGE = 2e9, 1e9, 2e9 - 60.0, 3600.0


@pytest.fixture
def seeded(tmp_path):
    return Seeded(str(tmp_path / "spool"))


@pytest.fixture
def lay(seeded):
    """Writes a file that was last written to then; its path."""

    def write(path, text="", when=OLD):
        whole = seeded.write(path, text)
        os.utime(whole, (when, when))
        return whole

    return write


def old_task(lay):
    lay("logs/x.1.yaml", "task: x\noutcome: done\n...\n")
    return lay("done/x.yaml", "command: true\n")


def pruner(seeded, age=AGE):
    return Pruner(seeded.spool, NOW, age)


def left(seeded):
    folders = ("done", "logs")
    return sorted(f"{folder}/{name}" for folder in folders for name in os.listdir(f"{seeded.root}/{folder}"))


def test_what_is_old_is_removed_with_its_record(seeded, lay):
    old_task(lay)
    prune = pruner(seeded)
    assert [result.reason for result in prune.run(list(prune.old([State.DONE])))] == [""]
    assert left(seeded) == []


def test_a_task_that_ran_again_since_its_age_was_looked_at_is_kept(seeded, lay):
    """Its file came back by a rename, as old as it ever was: only the newest record tells."""
    old_task(lay)
    prune = pruner(seeded)
    places = list(prune.old([State.DONE]))
    lay("logs/x.2.yaml", "task: x\noutcome: done\n...\n", YOUNG)
    assert [result.reason for result in prune.run(places)] == ["it has run again meanwhile"]
    assert left(seeded)[:3] == ["done/x.yaml", "logs/x.1.yaml", "logs/x.2.yaml"]


def test_a_task_whose_file_was_taken_since_its_age_was_looked_at_is_kept(seeded, lay):
    """One without a record: it is to be told by its file, and that is gone."""
    file = lay("done/x.yaml", "command: true\n")
    prune = pruner(seeded)
    places = list(prune.old([State.DONE]))
    where = prune._where
    prune._where = lambda names: (where(names), os.rename(file, f"{seeded.root}/todo/x.yaml"))[0]
    assert [result.reason for result in prune.run(places)] == ["it has run again meanwhile"]


@pytest.mark.parametrize(("age", "since", "goes"), [(AGE, AGE - 1, False), (1.0, 40.0, False), (1.0, 50.0, True)])
def test_a_record_without_a_writer_keeps_its_name_until_it_is_older_than_the_age_asked_for_and_a_lease(
    seeded, lay, age, since, goes
):
    """It lies above that of a prune that was killed, which is old enough."""
    lay("logs/x.1.yaml", "task: x\noutcome: pruned\n")
    lay("logs/x.2.yaml", "", NOW - since)
    prune = pruner(seeded, age)
    assert [not result.reason for result in prune.run(list(prune.interrupted()))] == [goes]


def test_what_a_killed_prune_has_begun_is_found_and_ended(seeded, lay):
    lay("logs/x.3.yaml", "task: x\noutcome: pruned\n")
    lay("logs/x.1.yaml", "task: x\n...\n")
    lay("logs/x.2.yaml", "task: x\n...\n")
    prune = pruner(seeded)
    assert [result.reason for result in prune.run(list(prune.interrupted()))] == [""]
    assert left(seeded) == []


def test_records_whose_file_a_person_removed_are_kept(seeded, lay):
    lay("logs/x.1.yaml", "task: x\noutcome: done\n...\n")
    assert list(pruner(seeded).interrupted()) == []


def test_what_another_prune_has_just_begun_is_left_to_it(seeded, lay):
    lay("logs/x.1.yaml", "task: x\noutcome: pruned\n", YOUNG)
    assert list(pruner(seeded).interrupted()) == []


@pytest.mark.parametrize(("mark", "holder"), [("fenced", ""), ("dead", ""), ("jsonl", "n1-abcdefgh.1")])
def test_a_record_without_end_keeps_its_name_until_its_worker_is_given_up_for_dead(seeded, lay, mark, holder):
    """It was lost with its node and has run elsewhere since: no guard is left that could write a tombstone."""
    old_task(lay)
    lay("logs/x.1.yaml", "task: x\nclaim: n1-abcdefgh.1\n")
    lay("logs/x.2.yaml", "task: x\nclaim: n2-abcdefgh.1\noutcome: done\n...\n")
    for kind in ("yaml", "lock", mark):
        lay(f"workers/n1-abcdefgh.{kind}")
    prune = pruner(seeded)
    assert prune.holder("x") == holder
    assert [result.reason for result in prune.run(list(prune.old([State.DONE])))] == [holder and f"{holder} holds it"]
    assert bool(left(seeded)) == bool(holder)


def test_a_task_that_is_just_taken_over_from_a_fenced_worker_is_kept(seeded, lay):
    old_task(lay)
    lay("logs/x.2.yaml", "task: x\nclaim: n1-abcdefgh.1\n")
    for kind in ("yaml", "lock", "fenced"):
        lay(f"workers/n1-abcdefgh.{kind}")
    lay("running/n1-abcdefgh/x@n1-abcdefgh.1.yaml")
    prune = pruner(seeded)
    assert [result.reason for result in prune.run(list(prune.old([State.DONE])))] == ["it lies in another folder too"]


def test_a_worker_that_was_fenced_counts_as_dead_until_the_last_of_its_files_is_removed(seeded, lay):
    for kind in ("fenced", "jsonl", "lock", "yaml"):
        lay(f"workers/n1-abcdefgh.{kind}")
    prune, removed = pruner(seeded), []
    prune.fs.remove = lambda path, remove=prune.fs.remove: (removed.append(path.rpartition(".")[2]), remove(path))[1]
    prune.remove_worker("n1-abcdefgh")
    assert removed == ["jsonl", "lock", "yaml", "fenced"]
