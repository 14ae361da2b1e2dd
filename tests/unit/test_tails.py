"""The rule: of a log of any size only the end is read, its folder is opened first, and no log is no error."""

import os

import pytest

from dsgspool import snapshot
from dsgspool.snapshot.tails import TAIL
from tests.support.doors import ClockedFs


class Tracing(ClockedFs):
    """Notes what is looked at, in order."""

    def __init__(self, clock):
        super().__init__(clock)
        self.calls = []

    def see(self, path):
        self.calls.append(("see", path))
        super().see(path)

    def read_at(self, path, offset, limit):
        self.calls.append((limit, path))
        return super().read_at(path, offset, limit)


@pytest.fixture
def ran(inside, world):
    """A running task b/x and what it wrote."""
    worker = inside()

    def write(**logs):
        worker.drop("b/x", "sleep 600")
        worker.until(lambda: worker.pid("b/x"))
        for suffix, (text, mtime) in logs.items():
            path = f"{worker.root}/logs/b/x.1.{suffix}"
            with open(path, "wb") as file:
                file.write(text)
            os.utime(path, (mtime, mtime))
        (seen,) = snapshot.with_tails(world.spool, snapshot.take(world.spool)).running
        return seen

    return write


def test_without_being_asked_for_nothing_is_said(ran, world):
    ran(out=(b"##progress 1/2 words\n", 5))
    (seen,) = snapshot.take(world.spool).running
    assert (seen.progress, seen.line) == (None, "")


def test_progress_and_line_come_from_the_log_that_was_written_last(ran):
    seen = ran(out=(b"##progress 1/2\nold words\n", 5), err=(b"new words\n", 6))
    assert (seen.progress, seen.line) == (0.5, "new words")


def test_words_in_one_log_say_more_than_a_bar_in_the_other(ran):
    bar = b" 37%|###7      | 37/100 [00:10<00:17,  3.60it/s]\r"
    seen = ran(out=(b"epoch 3: loss 0.12\n", 5), err=(bar, 6))
    assert (seen.progress, seen.line) == (0.37, "epoch 3: loss 0.12")


def test_the_newer_of_two_that_tell_progress_wins(ran):
    assert ran(out=(b"##progress 1/2\n", 7), err=(b"##progress 1/4\n", 6)).progress == 0.5


def test_of_a_long_log_only_the_end_counts_and_half_a_line_is_none(ran):
    bar = b"37%|###7      | 37/100 [00:10<00:17,  3.60it/s]"
    seen = ran(err=(b"##progress 1/2\n" + b"x" * 100_000 + bar + b"\n" + b"y" * (TAIL - len(bar)) + b"\n", 5))
    assert (seen.progress, seen.line) == (None, "y" * (TAIL - len(bar)))


def test_a_log_that_is_not_there_or_no_file_says_nothing(ran, world):
    ran()
    os.remove(f"{world.root}/logs/b/x.1.out")
    os.remove(f"{world.root}/logs/b/x.1.err")
    os.mkfifo(f"{world.root}/logs/b/x.1.err")
    (seen,) = snapshot.with_tails(world.spool, snapshot.take(world.spool)).running
    assert (seen.progress, seen.line) == (None, "")


def test_the_folder_of_the_logs_is_opened_before_they_are(ran, world):
    ran()
    world.spool.fs = fs = Tracing(world.clock)
    seen = snapshot.take(world.spool)
    fs.calls.clear()
    snapshot.with_tails(world.spool, seen)
    assert fs.calls[0] == ("see", f"{world.root}/logs/b/.")
    assert [(limit, path[-3:]) for limit, path in fs.calls[1:]] == [(TAIL + 1, "err"), (TAIL + 1, "out")]
