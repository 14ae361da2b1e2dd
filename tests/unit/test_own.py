"""The rule (R1, R2): whatever a rename answers, the listing of the own folder says what happened."""

import errno
import os
import socket

import pytest

from dsgspool.names import Claim, TaskName
from dsgspool.spool import Spool
from dsgspool.spool.own import MAX_LOOKS, MAX_TASK_BYTES, Held, OwnFolder, Text, Unusable
from dsgspool.worker.desk import Desk
from tests.support.doors import ClockedFs, FlakyFs, LossyFs, OlderFileFs

WID = "n1-aaaaaaaa"


@pytest.fixture
def own(world):
    return own_with(world, ClockedFs(world.clock))


def own_with(world, fs):
    own = OwnFolder(Spool(world.root, fs, world.clock), WID)
    os.makedirs(own.path, exist_ok=True)
    return own


def drop(world, path, text="command: x\n...\n"):
    target = f"{world.root}/todo/{path}"
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "w") as file:
        file.write(text)


def read(own, held):
    return own.read(held, own.listing().get(held.file, 0))


def test_a_claim_brings_the_file_here_under_a_fresh_claim(world, own):
    drop(world, "@p10/s/x~1.cccccccc-1.yaml")
    held = own.claim("@p10/s/x~1.cccccccc-1.yaml")
    assert held.file == f"@p10%s%x~1.cccccccc-1@{WID}.1.yaml"
    assert list(own.listing()) == [held.file]
    assert held.claim == f"{WID}.1"


def test_two_claims_of_one_file_have_one_winner(world, own):
    drop(world, "x.yaml")
    held = [own.claim("x.yaml"), own.claim("x.yaml")]
    assert [h.file in own.listing() for h in held] == [True, False]


def test_a_claim_whose_reply_was_lost_is_here_all_the_same(world):
    own = own_with(world, LossyFs(world.clock, 1))
    drop(world, "x.yaml")
    held = own.claim("x.yaml")
    assert isinstance(read(own, held), Text)


def test_a_publication_whose_reply_was_lost_is_out(world):
    own = own_with(world, LossyFs(world.clock))
    drop(world, "x.yaml")
    held = own.claim("x.yaml")
    own.fs.lost = 1
    assert own.give(held, f"{world.root}/done/x.yaml") == errno.ENOENT
    assert own.listing() == {}
    assert os.listdir(f"{world.root}/done") == ["x.yaml"]


def test_a_publication_that_was_refused_can_be_repeated(world):
    own = own_with(world, FlakyFs(world.clock, {"rename": errno.EDQUOT}, times=0))
    drop(world, "x.yaml")
    held = own.claim("x.yaml")
    own.fs.times = 1
    assert own.give(held, f"{world.root}/done/s/x.yaml") == errno.EDQUOT
    assert held.file in own.listing()
    assert own.give(held, f"{world.root}/done/s/x.yaml") == 0


def test_a_name_that_cannot_be_used_is_claimed_under_another(world, own):
    drop(world, "a@b.yaml")
    held = own.claim("a@b.yaml")
    assert held.original == "a@b.yaml"
    assert held.name.tag == "invalid"
    assert held.file in own.listing()


def test_a_gift_and_a_late_claim_get_a_fresh_claim(world, own):
    drop(world, "x.yaml")
    os.rename(f"{world.root}/todo/x.yaml", f"{own.path}/x.yaml")
    gift = own.adopt("x.yaml")
    again = own.adopt(gift.file)
    assert (gift.claim, again.claim) == (f"{WID}.1", f"{WID}.2")
    assert list(own.listing()) == [again.file]


def test_claims_and_tokens_are_never_given_twice(own):
    assert [str(own.next_claim()), own.token(), own.token(), str(own.next_claim())] == [
        f"{WID}.1", "aaaaaaaa-2", "aaaaaaaa-3", f"{WID}.4",
    ]  # fmt: skip


def test_the_text_is_read_with_what_says_that_it_is_still_the_same(world, own):
    drop(world, "x.yaml", "command: x\n")
    held = own.claim("x.yaml")
    text = read(own, held)
    assert text.data == b"command: x\n"
    assert text.uid == os.getuid()
    assert own.unchanged(held, text.seen)
    with open(f"{own.path}/{held.file}", "a") as file:
        file.write("more: y\n")
    assert not own.unchanged(held, text.seen)


def test_a_file_that_is_gone_has_not_changed(world, own):
    drop(world, "x.yaml")
    held = own.claim("x.yaml")
    text = read(own, held)
    os.unlink(f"{own.path}/{held.file}")
    assert own.unchanged(held, text.seen)
    assert own.read(held, 1) is None


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("/etc/hosts", path)])
def test_a_file_in_whose_place_something_else_lies_has_changed(world, own, make):
    drop(world, "x.yaml")
    held = own.claim("x.yaml")
    text = read(own, held)
    os.rename(f"{own.path}/{held.file}", f"{world.root}/tmp/kept")
    make(f"{own.path}/{held.file}")
    assert not own.unchanged(held, text.seen)


@pytest.mark.parametrize(("number", "answer"), [(errno.ESTALE, True), (errno.ENXIO, False)])
def test_what_a_look_at_the_finish_means_when_it_fails(world, number, answer):
    own = own_with(world, FlakyFs(world.clock, {"status": number}))
    drop(world, "x.yaml")
    held = own.claim("x.yaml")
    assert own.unchanged(held, read(own, held).seen) is answer


def test_a_look_at_the_finish_that_the_share_refuses_says_nothing(world):
    own = own_with(world, FlakyFs(world.clock, {"status": errno.EIO}))
    drop(world, "x.yaml")
    held = own.claim("x.yaml")
    with pytest.raises(OSError, match="Input/output"):
        own.unchanged(held, read(own, held).seen)


def test_a_text_is_read_to_one_byte_more_than_it_may_have(world, own):
    drop(world, "x.yaml", "x" * (MAX_TASK_BYTES + 100))
    assert len(read(own, own.claim("x.yaml")).data) == MAX_TASK_BYTES + 1


THINGS = {
    "symbolic link": lambda path: os.symlink("/etc/hosts", path),
    "folder": os.mkdir,
    "no regular file": os.mkfifo,
    "no regular file (a folder, fifo, socket": lambda path: socket.socket(socket.AF_UNIX).bind(path),
    "hard link": lambda path: os.link(f"{os.path.dirname(path)}/../spool.yaml", path),
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize(("reason", "make"), THINGS.items())
def test_what_is_no_task_file_is_unusable_for_a_reason(world, own, reason, make):
    make(f"{world.root}/todo/x.yaml")
    found = read(own, own.claim("x.yaml"))
    assert isinstance(found, Unusable)
    assert reason in found.reason


def test_a_file_that_may_not_be_read_is_unusable(world):
    own = own_with(world, FlakyFs(world.clock, {"read": errno.EACCES}))
    drop(world, "x.yaml")
    assert "chmod u+r" in read(own, own.claim("x.yaml")).reason


def test_trouble_of_the_share_is_no_fault_of_the_file(world):
    own = own_with(world, FlakyFs(world.clock, {"read": errno.EIO}))
    drop(world, "x.yaml")
    with pytest.raises(OSError, match="Input/output"):
        read(own, own.claim("x.yaml"))


def test_an_older_file_of_that_name_is_never_taken_for_the_one_that_came(world):
    """RACE: an NFS client may open what it has cached; the inode says so, and a listing cures it (hazards H3)."""
    own = own_with(world, FlakyFs(world.clock, {"read": errno.ESTALE}, times=MAX_LOOKS - 1))
    drop(world, "x.yaml")
    held = own.claim("x.yaml")
    assert isinstance(own.read(held, 12345), Text)


def test_a_client_that_keeps_showing_another_file_is_not_believed(world, own, monkeypatch):
    drop(world, "x.yaml")
    held = own.claim("x.yaml")
    monkeypatch.setattr(own, "listing", lambda: {held.file: 12345})
    assert own.read(held, 12345) is None


def test_a_folder_is_left_when_it_is_empty(world, own):
    drop(world, "x.yaml")
    held = own.claim("x.yaml")
    own.leave()
    assert held.file in own.listing()
    own.give(held, f"{world.root}/todo/x.yaml")
    own.leave()
    assert not os.path.exists(own.path)


def test_a_held_file_knows_its_name_in_the_folder():
    held = Held(TaskName("s/x", claim=Claim(WID, 3)))
    assert (held.file, held.claim) == (f"s%x@{WID}.3.yaml", f"{WID}.3")


def test_a_name_that_a_claim_makes_too_long_is_claimed_under_another(world, own):
    path = f"x~{'0' * 245}.yaml"
    drop(world, path)
    held = own.claim(path)
    assert (held.original, held.name.identity[:8], list(own.listing())) == (path, "invalid-", [held.file])


def test_a_claim_tells_what_the_rename_answered(world):
    own = own_with(world, FlakyFs(world.clock, {"rename": errno.EACCES}))
    drop(world, "x.yaml")
    assert own.claim("x.yaml").errno == errno.EACCES


def test_a_target_whose_folder_cannot_be_made_is_an_errno(world, own):
    drop(world, "x.yaml")
    assert own.give(own.claim("x.yaml"), f"{world.root}/done/b/x.yaml") == 0
    os.symlink("/nowhere", f"{world.root}/done/dangling")
    drop(world, "y.yaml")
    assert own.give(own.claim("y.yaml"), f"{world.root}/done/dangling/b/y.yaml") == errno.ENOENT


def test_the_text_that_came_is_read_though_the_client_remembers_an_older_file(world):
    """The client renames what now has that name, and opens what it had before, until it lists the folder (hazards H3)."""
    own = own_with(world, OlderFileFs(world.clock))
    drop(world, "x.yaml", "command: the older one\n")
    own.fs.remember(f"{world.root}/todo/x.yaml")
    os.rename(f"{world.root}/todo/x.yaml", f"{world.root}/hold/x.yaml")
    drop(world, "x.yaml", "command: this one\n")
    ((held, inode),) = Desk(own).exchange(["x.yaml"]).came
    assert own.read(held, inode).data == b"command: this one\n"
