"""The rule: what renames answer is a hint, and the listing after them says what came, what left, and what was in vain."""

import errno
import os

import pytest

from dsgspool.spool import Spool
from dsgspool.spool.own import OwnFolder
from dsgspool.worker.desk import Desk, Leaving
from tests.support.doors import BelievingFs, FlakyFs, LossyFs


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EXDEV, errno.ENOSPC])
def test_an_exchange_says_what_it_may_not_take(world, number):
    for name in "xy":
        with open(f"{world.root}/todo/{name}.yaml", "w"):
            pass
    own = OwnFolder(Spool(world.root, FlakyFs(world.clock, {"rename": number}), world.clock), "n1-aaaaaaaa")
    own.fs.make_folder(own.path)
    result = Desk(own).exchange(["x.yaml", "y.yaml", "z.yaml"])
    assert (result.refused, len(result.came), result.lost) == ([("x.yaml", number)], 1, [])
    assert result.gone == ["z.yaml"]


@pytest.fixture
def desk(world):
    """A desk with a door of one's choice, and x.yaml in todo/."""

    def make(fs):
        own = OwnFolder(Spool(world.root, fs, world.clock), "n1-aaaaaaaa")
        own.fs.make_folder(own.path)
        with open(f"{world.root}/todo/x.yaml", "w"):
            pass
        return Desk(own)

    return make


def test_a_claim_whose_reply_was_lost_has_come(desk, world):
    result = desk(LossyFs(world.clock, 1)).exchange(["x.yaml"])
    assert [held.errno for held, _ in result.came] == [errno.ENOENT]
    assert result.lost == []


def test_a_claim_that_succeeded_and_is_gone_before_the_listing_was_lost_to_a_person(desk, world, monkeypatch):
    mine = desk(LossyFs(world.clock))
    listing = mine.own.listing

    def after_a_person_came():
        (file,) = listing()
        os.rename(f"{mine.own.path}/{file}", f"{world.root}/failed/{file}")
        return listing()

    monkeypatch.setattr(mine.own, "listing", after_a_person_came)
    result = mine.exchange(["x.yaml"])
    assert result.came == []
    assert [held.file for held in result.lost] == os.listdir(f"{world.root}/failed")


def test_what_was_claimed_when_the_listing_failed_is_doubtful(desk, world, monkeypatch):
    mine = desk(LossyFs(world.clock))

    def fails():
        raise OSError(errno.ESTALE, "gone")

    monkeypatch.setattr(mine.own, "listing", fails)
    with pytest.raises(OSError, match="gone"):
        mine.exchange(["x.yaml", "nothing.yaml"])
    assert [held.name.identity for held in mine.doubtful] == ["x"]


def test_a_publication_whose_reply_was_lost_has_left_and_one_that_lies_here_has_not(desk, world):
    fs = LossyFs(world.clock)
    mine = desk(fs)
    ((held, _),) = mine.exchange(["x.yaml"]).came
    mine.send(Leaving(held, f"{world.root}/done/x.yaml"))
    fs.lost = 1
    assert [leaving.errno for leaving in mine.exchange([]).left] == [errno.ENOENT]
    os.rename(f"{world.root}/done/x.yaml", f"{world.root}/todo/x.yaml")
    ((held, _),) = mine.exchange(["x.yaml"]).came
    mine.send(Leaving(held, f"{world.root}/done/x.yaml"))
    mine.own.give = lambda _held, _target, **_: 0  # the server said yes, and it was not so
    assert mine.exchange([]).left == []
    assert held.file in mine.leaving


def test_a_client_that_believes_a_published_file_to_be_there_already_publishes_it_at_the_second_try(world):
    target = f"{world.root}/done/x.yaml"
    own = OwnFolder(Spool(world.root, BelievingFs(world.clock, target), world.clock), "n1-aaaaaaaa")
    own.fs.make_folder(own.path)
    with open(f"{world.root}/todo/x.yaml", "w"):
        pass
    desk = Desk(own)
    [(held, _)] = desk.exchange(["x.yaml"]).came
    desk.send(Leaving(held, target))
    assert [len(desk.exchange([]).left) for _ in range(2)] == [0, 1]
    assert os.path.exists(target)
