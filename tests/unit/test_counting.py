"""The rule: what is only counted comes to the same numbers as what is looked at one by one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsgspool import names
from dsgspool.snapshot import counting, take
from dsgspool.snapshot.look import COUNTED
from dsgspool.spool import task_name
from tests.support.seeded import Seeded


@pytest.fixture
def seeded(tmp_path: Path) -> Seeded:
    return Seeded(str(tmp_path / "spool"))


@given(
    st.from_regex(counting.SURE_FILE, fullmatch=True),
    st.from_regex(counting.SURE_FOLDER, fullmatch=True).filter(lambda folder: len(folder) <= counting.LONGEST),
)
def test_a_name_that_is_counted_unseen_is_a_task_of_that_batch_in_every_folder(name: str, folder: str) -> None:
    path = f"{folder}{name}"
    for state in COUNTED:
        identity = task_name(state, path).identity
        assert not names.is_ignored(name)
        assert (identity.partition("/")[0] if "/" in identity else "") == folder.partition("/")[0]


def test_counts_batches_and_problems_are_the_same(seeded: Seeded, monkeypatch: pytest.MonkeyPatch) -> None:
    seeded.done("a/1", "a/b/2", "ü/3", "4", "c d/5")
    seeded.failed("a/6", "7")
    seeded.running("a/8")
    for path in (
        "todo/9", "todo/a/10~0.abcdefgh-1", "todo/@p10/a/11", "todo/@p10/12", "todo/13@n1-aaaaaaaa.7", "hold/a~b~c", "hold/.14",
        "hold/-15", "waiting/until-20300101T000000Z/a/16~1.abcdefgh-1", "done/~x/17", "failed/.git/18",
    ):  # fmt: skip
        seeded.write(f"{path}.yaml")
    seeded.write("done/a/19.yml")
    seeded.write("done/a/README.txt")
    os.makedirs(f"{seeded.root}/done/empty")
    whole = take(seeded.spool)
    monkeypatch.setattr(counting, "MANY", 0)
    brief = take(seeded.spool, brief=True)
    assert (brief.counts, brief.batches) == (whole.counts, whole.batches)
    assert [run.task for run in brief.running] == ["a/8"]
    assert sorted(brief.problems) == sorted(whole.problems)
    assert len(brief.problems) == 3
    assert "a/1" in {task.identity for task in whole.tasks} - {task.identity for task in brief.tasks}


def test_what_is_not_much_is_looked_at_one_by_one(seeded: Seeded) -> None:
    """So a task that moves while one looks is counted once."""
    seeded.done("a/1", "2")
    assert take(seeded.spool, brief=True).tasks == take(seeded.spool).tasks


def test_a_folder_that_cannot_be_listed_is_told(seeded: Seeded) -> None:
    os.rmdir(f"{seeded.root}/hold")
    os.symlink("hold", f"{seeded.root}/hold")
    (told,) = take(seeded.spool, brief=True).problems
    assert "hold" in told
