"""The rule: accepted means whole, on the server, and in todo/ by one rename; a crash before that promised nothing."""

import errno
import os

import pytest

from dsgspool.errors import InvalidName, StorageError
from dsgspool.mounts import Mount
from dsgspool.spool import Spool
from dsgspool.spool.moves import is_parked
from dsgspool.spool.submission import Draft, Submission, valid_batch
from dsgspool.task import After
from tests.support.doors import ClockedFs, FlakyFs, LossyFs, RemoteFs, TickFs, files_below

TEXT = b"command: x\n...\n"


@pytest.fixture
def submit(world):
    """Submissions through a door of one's choice."""

    def open_with(fs=None):
        return Submission(Spool(world.root, fs or ClockedFs(world.clock), world.clock))

    return open_with


def todo(world):
    return [path.removeprefix("todo/") for path in files_below(world.root, ["todo"])]


def test_a_chosen_name_carries_a_token_and_overwrites_nothing(submit, world):
    submission = submit()
    drafts = [Draft(submission.named("s/x"), TEXT), Draft(submission.named("s/x"), TEXT)]
    assert list(submission.put(drafts, world.spool.todo)) == ["s/x", "s/x"]
    assert todo(world) == [f"s/x~0.{submission.word}-{count}.yaml" for count in (1, 2)]


def test_a_generated_name_is_a_word_and_random_characters(submit, world):
    submission = submit()
    name = submission.unique("/opt/my tools/fold.py", "s")
    assert name.identity.startswith("s/fold.py-")
    assert name.identity != submission.unique("/opt/my tools/fold.py", "s").identity
    assert list(submission.put([Draft(name, TEXT)], world.spool.todo)) == [name.identity]
    assert todo(world) == [f"{name.identity}.yaml"]


@pytest.mark.parametrize(
    ("stem", "word"), [("", "task"), ("../..", "task"), ("-x", "x"), ("a@b~c%d", "a-b-c-d"), ("é" * 99, "é")]
)
def test_any_command_gives_a_word(submit, stem, word):
    assert submit().unique(stem).identity.startswith(word)


def test_a_name_that_cannot_be_one_is_refused_before_anything_is_written(submit, world):
    with pytest.raises(InvalidName):
        submit().named("a@b")
    assert todo(world) == []


def test_nothing_stays_in_tmp(submit, world):
    submission = submit()
    list(submission.put([Draft(submission.named("x"), TEXT)], world.spool.hold))
    submission.close()
    assert os.listdir(world.spool.tmp) == []
    assert os.listdir(world.spool.hold) == [f"x~0.{submission.word}-1.yaml"]


@pytest.mark.parametrize("is_bulk", [True, False])
def test_what_is_parked_at_once_parks_no_other_of_its_batch(submit, world, is_bulk):
    """All of it runs, and its empty folder in todo/ was swept: what is tried again must not go to hold/."""
    submission = submit()
    if is_bulk:
        list(submission.put_bulk([TEXT], "s", world.spool.hold))
    else:
        list(submission.put([Draft(submission.named("s/x"), TEXT)], world.spool.hold))
    assert os.listdir(f"{world.spool.hold}/s") and not is_parked(world.spool, "s")


def test_a_lost_reply_is_still_accepted_once(submit, world):
    submission = submit(LossyFs(world.clock, 1))
    assert list(submission.put([Draft(submission.named("x"), TEXT)], world.spool.todo)) == ["x"]
    assert len(todo(world)) == 1


@pytest.mark.parametrize("operation", ["append", "close", "create"])
def test_a_text_that_is_not_on_the_server_is_not_accepted(submit, world, operation):
    submission = submit(FlakyFs(world.clock, {operation: errno.ENOSPC}))
    with pytest.raises(OSError, match="No space"):
        list(submission.put([Draft(submission.named("x"), TEXT)], world.spool.todo))
    assert todo(world) == []


def test_a_rename_that_is_refused_for_good_is_told(submit, world):
    submission = submit(FlakyFs(world.clock, {"rename": errno.EDQUOT}, times=99))
    with pytest.raises(StorageError, match="quota"):
        list(submission.put([Draft(submission.named("x"), TEXT)], world.spool.todo))


def test_a_rename_that_is_refused_once_is_repeated(submit, world):
    submission = submit(FlakyFs(world.clock, {"rename": errno.EIO}))
    assert list(submission.put([Draft(submission.named("x"), TEXT)], world.spool.todo)) == ["x"]


def test_what_the_sweeper_took_away_is_not_accepted(submit, world):
    submission = submit()
    os.rename(submission.private, f"{world.spool.tmp}/.{submission.word}.swept")
    with pytest.raises(FileNotFoundError):
        list(submission.put([Draft(submission.named("x"), TEXT)], world.spool.todo))


# -- what comes after others


AFTER = (After("s/*"), After("a"))


def lay(world, path):
    """A task that is over."""
    with open(f"{world.root}/{path}", "wb") as file:
        file.write(TEXT)


def test_what_comes_after_a_task_that_is_not_over_is_filed_at_once(submit, world):
    submission = submit()
    drafts = [Draft(submission.named("s/x"), TEXT, AFTER), Draft(submission.unique("y"), TEXT, AFTER)]
    names = list(submission.put(drafts, world.spool.todo))
    assert todo(world) == []
    assert files_below(world.root, ["waiting"]) == [
        f"waiting/after-a/s/x~0.{submission.word}-1.yaml", f"waiting/after-a/{names[1]}.yaml",
    ]  # fmt: skip


@pytest.mark.parametrize("there", ["done/a.yaml", "failed/a~exit1.yaml"])
def test_what_comes_after_a_task_that_is_over_goes_to_those_who_claim(submit, world, there):
    lay(world, there)
    submission = submit()
    list(submission.put([Draft(submission.named("x"), TEXT, AFTER)], world.spool.todo))
    assert len(todo(world)) == 1


def test_what_comes_after_batches_only_goes_to_those_who_claim(submit, world):
    submission = submit()
    list(submission.put([Draft(submission.named("x"), TEXT, (After("s/"), After("t*")))], world.spool.todo))
    assert len(todo(world)) == 1


def test_held_is_held_whatever_it_comes_after(submit, world):
    submission = submit()
    list(submission.put([Draft(submission.named("x"), TEXT, AFTER)], world.spool.hold))
    assert len(os.listdir(world.spool.hold)) == 1


def test_what_ended_while_its_waiter_was_filed_wakes_it(submit, world):
    """RACE (xxxiv): the publisher of `a` looked into waiting/after-a/ just before the waiter lay there."""

    class EndsInBetween(ClockedFs):
        def rename_into(self, source, target):
            if "/waiting/after-a/" in target:
                lay(world, "done/a.yaml")
            return super().rename_into(source, target)

    submission = submit(EndsInBetween(world.clock))
    assert list(submission.put([Draft(submission.named("x"), TEXT, AFTER)], world.spool.todo)) == ["x"]
    assert len(todo(world)) == 1
    assert files_below(world.root, ["waiting"]) == []


# -- bulk


def test_a_bulk_is_numbered_in_folders_of_a_thousand(submit, world):
    accepted = list(submit().put_bulk([TEXT] * 2001, "s", world.spool.todo))
    assert accepted[:2] == ["s/000/00001", "s/000/00002"]
    assert accepted[-1] == "s/002/02001"
    assert todo(world) == [f"{identity}.yaml" for identity in accepted]


@pytest.mark.parametrize("where", ["todo", "hold", "waiting", "done", "failed", "logs"])
def test_a_second_bulk_goes_on_where_any_trace_of_the_first_ends(submit, world, where):
    os.makedirs(f"{world.root}/{where}/s/004")
    os.makedirs(f"{world.root}/{where}/s/notes")
    os.makedirs(f"{world.root}/{where}/s/\N{SUPERSCRIPT TWO}")  # a digit, and no number
    assert list(submit().put_bulk([TEXT], "s", world.spool.todo)) == ["s/005/00001"]


def test_a_number_that_another_takes_meanwhile_is_passed_over(submit, world):
    submission = submit()
    texts = submission.put_bulk([TEXT] * 1001, "s", world.spool.todo)
    os.makedirs(f"{world.root}/todo/s/000")
    with open(f"{world.root}/todo/s/000/00001.yaml", "w"):
        pass
    submission._free_numbers = lambda _batch: iter([0, 1, 2, 3])
    placed = {identity.rpartition("/")[0] for identity in texts}
    assert placed == {"s/001", "s/002"}
    assert len(todo(world)) == 1002


def test_a_bulk_whose_files_cannot_be_flushed_is_not_accepted(submit, world):
    submission = submit(FlakyFs(world.clock, {"flush": errno.ENOSPC, "sync": errno.ENOSPC}, times=2))
    with pytest.raises(OSError, match="No space"):
        list(submission.put_bulk([TEXT], "s", world.spool.todo))
    assert todo(world) == []


def test_an_old_error_of_somebody_else_that_the_flush_tells_stops_no_bulk(submit, world):
    submission = submit(FlakyFs(world.clock, {"flush": errno.EIO}))
    assert list(submission.put_bulk([TEXT], "s", world.spool.todo)) == ["s/000/00001"]


def test_the_reply_to_a_folders_rename_may_be_lost_too(submit, world):
    assert list(submit(LossyFs(world.clock, 1)).put_bulk([TEXT], "s", world.spool.todo)) == ["s/000/00001"]
    assert todo(world) == ["s/000/00001.yaml"]


def test_a_batch_is_called_like_a_folder():
    assert valid_batch("sweep/a") == "sweep/a"
    for bad in ("s.yaml", "s.yml", "@p10", "", "a//b", ".s"):
        with pytest.raises(InvalidName):
            valid_batch(bad)


# -- in which order


def test_a_text_is_flushed_before_its_rename_and_the_folder_after_it(submit, world):
    fs = RemoteFs(world.clock)
    fs.mount = super(RemoteFs, fs).mount
    submission = submit(fs)
    list(submission.put([Draft(submission.named("s/x"), TEXT)], world.spool.todo))
    steps = [(word, flushed) for word, text, flushed in fs.told if word != "append" or text]
    assert steps == [
        ("append", True),
        ("rename", False),
        ("rename", False),
        ("sync_folder", True),
    ]  # the folder was missing


def test_a_client_that_listed_todo_in_the_same_tick_sees_the_task_all_the_same(submit, world):
    fs = TickFs(world.clock)
    submission = submit(fs)
    fs.touch(world.spool.todo)
    assert fs.others_see(world.spool.todo) == []
    list(submission.put([Draft(submission.named("x"), TEXT)], world.spool.todo))
    assert fs.others_see(world.spool.todo) == []  # it fell into the tick of the last change
    submission.close()
    assert len(fs.others_see(world.spool.todo)) == 1


def test_of_two_bulks_at_once_each_has_its_own_numbers(submit, world):
    first, second = submit(), submit()
    second._free_numbers = lambda _batch: iter([0, 1])  # it looked before the first had begun
    assert list(first.put_bulk([TEXT], "s", world.spool.todo)) == ["s/000/00001"]
    os.rename(f"{world.root}/todo/s/000/00001.yaml", f"{world.root}/done/claimed.yaml")
    assert list(second.put_bulk([TEXT], "s", world.spool.todo)) == ["s/001/00001"]


def test_on_a_share_every_folder_that_a_task_went_to_is_touched_also_when_one_was_moved_away(submit, world):
    class SharedFs(ClockedFs):
        def mount(self, path):  # noqa: ARG002
            return Mount("/", "nfs", frozenset())

    submission = submit(SharedFs(world.clock))
    list(submission.put([Draft(submission.named(name), TEXT) for name in ("s/x", "away/x", "y")], world.spool.todo))
    os.rename(f"{world.spool.todo}/away", f"{world.spool.hold}/away")
    folders = [world.spool.todo, f"{world.spool.todo}/s"]
    for folder in folders:
        os.utime(folder, (1000, 1000))
    submission.close()
    assert all(os.stat(folder).st_mtime > 1000 for folder in folders)
