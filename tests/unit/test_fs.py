"""The rule: an errno is a hint and a listing is the truth; what is written is written whole or not at all."""

import contextlib
import errno
import fcntl
import os
import resource
import socket
import stat

import pytest

from dsgspool.fs import Fs
from dsgspool.mounts import Mount


@pytest.fixture
def fs():
    return Fs()


@pytest.fixture
def at(tmp_path):
    return lambda name="": f"{tmp_path}/{name}".rstrip("/")


@contextlib.contextmanager
def small_files():
    """Files of this process may have 100 bytes: a real write that is refused in the middle.

    Only around the write: the output of pytest itself may go to a file.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_rename_answers_with_an_errno_and_never_raises(fs, at):
    fs.create_whole(at("a"), b"1", sync=False)
    assert fs.rename(at("a"), at("b")) == 0
    assert fs.rename(at("a"), at("b")) == errno.ENOENT
    assert fs.rename(at("b"), at("no/b")) == errno.ENOENT
    assert fs.rename(at("b"), at("b/x")) == errno.ENOTDIR


def test_rename_into_makes_the_folder_that_is_missing(fs, at):
    fs.create_whole(at("a"), b"1", sync=False)
    assert fs.rename_into(at("a"), at("s/t/a")) == 0
    assert fs.names(at("s/t")) == ["a"]


def test_rename_into_of_nothing_is_still_nothing(fs, at):
    assert fs.rename_into(at("a"), at("s/a")) == errno.ENOENT


def test_exactly_one_maker_of_a_file_wins(fs, at):
    descriptor = fs.create(at("a"), b"mine")
    with pytest.raises(FileExistsError):
        fs.create(at("a"), b"theirs")
    fs.close(descriptor)
    assert fs.read(at("a"))[0] == b"mine"


def test_a_link_in_the_way_is_not_followed(fs, at):
    os.symlink(at("elsewhere"), at("a"))
    with pytest.raises(FileExistsError):
        fs.create(at("a"))
    with pytest.raises(OSError, match="symbolic links") as caught:
        fs.read(at("a"))
    assert caught.value.errno == errno.ELOOP


@pytest.mark.timeout(60)  # not five minutes for an open that waits
@pytest.mark.parametrize("kind", ["folder", "fifo", "socket"])
def test_what_is_no_regular_file_is_not_read_and_nobody_waits_for_it(fs, at, kind):
    with socket.socket(socket.AF_UNIX) as listener:
        {"folder": os.mkdir, "fifo": os.mkfifo, "socket": listener.bind}[kind](at("x"))
        with pytest.raises(OSError) as caught:
            fs.read(at("x"))
    assert caught.value.errno in (errno.EINVAL, errno.ENXIO)


def test_a_log_is_not_written_through_a_link(fs, at):
    os.symlink(at("elsewhere"), at("log"))
    with pytest.raises(OSError, match="symbolic links"):
        fs.open_log(at("log"))
    assert not os.path.exists(at("elsewhere"))


def test_a_read_stops_one_byte_after_its_limit(fs, at):
    fs.create_whole(at("a"), b"x" * 200_000, sync=False)
    assert len(fs.read(at("a"), 150_000)[0]) == 150_001
    assert len(fs.read(at("a"), 10)[0]) == 11
    assert len(fs.read(at("a"))[0]) == 200_000


def test_a_fresh_read_of_nothing_is_none(fs, at):
    assert fs.read_fresh(at("a")) is None
    assert fs.read_fresh(at("no/a")) is None
    fs.create_whole(at("a"), b"", sync=False)
    assert fs.read_fresh(at("a")) == b""


def test_an_append_that_is_refused_in_the_middle_leaves_nothing(fs, at):
    descriptor = fs.create(at("a"), b"x" * 60)
    with pytest.raises(OSError, match="too large"), small_files():
        fs.append(descriptor, b"y" * 60)
    fs.append(descriptor, b"z" * 40)
    fs.close(descriptor)
    assert fs.read(at("a"))[0] == b"x" * 60 + b"z" * 40


def test_an_append_whose_flush_fails_leaves_nothing(fs, at, monkeypatch):
    descriptor = fs.create(at("a"), b"before\n")

    def refuse(_descriptor):
        raise OSError(errno.EDQUOT, "quota")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="quota"):
        fs.append(descriptor, b"after\n", sync=True)
    fs.close(descriptor)
    assert fs.read(at("a"))[0] == b"before\n"


def test_a_refused_first_append_to_a_log_keeps_what_the_log_had(fs, at):
    fs.create_whole(at("log"), b"x" * 100, sync=False)
    descriptor = fs.open_log(at("log"))
    with pytest.raises(OSError, match="too large"), small_files():
        fs.append(descriptor, b"y")
    fs.close(descriptor)
    assert fs.read(at("log"))[0] == b"x" * 100


def test_a_file_that_could_not_be_filled_is_closed(fs, at):
    before = os.listdir("/proc/self/fd")
    with pytest.raises(OSError, match="too large"), small_files():
        fs.create(at("a"), b"y" * 101)
    assert os.listdir("/proc/self/fd") == before
    assert fs.read(at("a"))[0] == b""


def test_readers_see_the_old_or_the_new_file(fs, at):
    fs.replace(at("a"), b"old")
    with open(at("a"), "rb") as reader:
        fs.replace(at("a"), b"new")
        assert reader.read() == b"old"
    assert fs.read(at("a"))[0] == b"new"
    assert fs.names(at()) == ["a"]


def test_folders_are_made_with_their_parents(fs, at):
    fs.make_folder(at("a/b/c"))
    fs.make_folder(at("a/b/c"))
    with pytest.raises(FileExistsError):
        fs.make_folder(at("a/b/c"), exclusive=True)


def test_a_folder_is_there_only_while_it_is(fs, at):
    fs.make_folder(at("a"))
    assert fs.folder_is_there(at("a"))
    assert fs.remove_folder(at("a"))
    assert not fs.folder_is_there(at("a"))
    assert not fs.remove_folder(at("a"))


def test_a_folder_that_is_not_empty_stays(fs, at):
    fs.make_folder(at("a/b"))
    assert not fs.remove_folder(at("a"))


def test_removing_tells_whether_there_was_something(fs, at):
    fs.create_whole(at("a"), b"", sync=False)
    assert fs.remove(at("a"))
    assert not fs.remove(at("a"))


def test_a_scan_of_a_folder_that_is_gone_is_empty_unless_it_must_be_there(fs, at):
    assert list(fs.scan(at("no"))) == []
    with pytest.raises(FileNotFoundError):
        list(fs.scan(at("no"), must_be_there=True))


def test_a_scan_says_what_is_a_folder_and_follows_no_link(fs, at):
    fs.make_folder(at("a"))
    os.symlink(at("a"), at("b"))
    assert sorted(fs.scan(at())) == [("a", True), ("b", False)]


def test_a_walk_gives_files_in_order_and_does_not_enter_hidden_folders(fs, at):
    for path in ("s/2", "s/1", "a", ".hidden/x"):
        fs.make_folder(os.path.dirname(at(path)))
        fs.create_whole(at(path), b"", sync=False)
    assert [path for path, _ in fs.walk(at())] == [".hidden", "a", "s/1", "s/2"]
    assert list(fs.walk(at("no"))) == []


def test_inodes_are_those_of_the_files(fs, at):
    fs.create_whole(at("a"), b"", sync=False)
    assert fs.inodes(at()) == {"a": fs.status(at("a")).st_ino}


def test_a_tail_is_the_end(fs, at):
    fs.create_whole(at("a"), b"0123456789", sync=False)
    assert (fs.read_at(at("a"), -3, 9), fs.read_at(at("a"), -99, 99)) == (b"789", b"0123456789")


def test_a_touch_sets_the_time(fs, at):
    fs.create_whole(at("a"), b"", sync=False)
    os.utime(at("a"), (0, 0))
    fs.touch(at("a"))
    assert fs.status(at("a")).st_mtime > 0


def test_a_lock_is_free_when_nobody_holds_it(fs, at):
    fs.create_whole(at("l"), b"", sync=False)
    assert fs.lock_is_free(at("l"))
    assert fs.lock_is_free(at("no"))
    with open(at("l"), "r+b") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        assert not fs.lock_is_free(at("l"))
    assert fs.lock_is_free(at("l"))


def test_of_a_lock_that_may_not_be_opened_nothing_is_known(fs, at, monkeypatch):
    def refuse(*_args):
        raise PermissionError(errno.EACCES, "not yours")

    monkeypatch.setattr(os, "open", refuse)
    assert not fs.lock_is_free(at("l"))


def test_in_a_groups_spool_everything_is_the_groups(at):
    fs = Fs(group=True)
    before = os.umask(0o077)
    try:
        fs.make_folder(at("a"))
        fs.create_whole(at("a/x"), b"", sync=False)
        fs.close(fs.open_log(at("a/y")))
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat(at("a")).st_mode) == 0o2770
    assert [stat.S_IMODE(os.stat(at(f"a/{name}")).st_mode) for name in "xy"] == [0o640] * 2


@pytest.fixture
def private(at):
    """A file that only its owner may read or write, and its other name where something is about to be made."""
    with open(at("private"), "wb") as file:
        file.write(b"hush")
    os.chmod(at("private"), 0o600)
    return lambda name: os.link(at("private"), at(name))


def untouched(path):
    with open(path, "rb") as file:
        return file.read() == b"hush" and stat.S_IMODE(os.fstat(file.fileno()).st_mode) == 0o600


def test_a_log_is_not_written_through_a_second_name_of_another_file(at, private):
    private("log")
    before = os.listdir("/proc/self/fd")
    with pytest.raises(OSError, match="not a file of its own"):
        Fs(group=True).open_log(at("log"))
    assert untouched(at("private"))
    assert os.listdir("/proc/self/fd") == before


@pytest.mark.parametrize("lay", [os.mkfifo, lambda path: os.symlink("/dev/null", path)])
def test_a_log_is_opened_at_once_or_refused(fs, at, lay):
    lay(at("log"))
    with pytest.raises(OSError, match="log"):
        fs.open_log(at("log"))


def test_a_log_that_will_be_given_away_is_a_new_file(fs, at):
    fs.create_whole(at("log"), b"somebody's", sync=False)
    with pytest.raises(FileExistsError):
        fs.open_log(at("log"), exclusive=True)


def test_a_file_is_not_replaced_through_a_second_name_of_another_one(fs, at, private):
    private(f".page.{os.getpid()}.tmp")
    fs.replace(at("page"), b"new")
    assert untouched(at("private"))
    assert fs.read(at("page"))[0] == b"new"


@pytest.mark.parametrize("lay", [os.link, os.symlink])
def test_a_group_gets_nothing_that_lies_elsewhere(fs, at, lay):
    with open(at("private"), "wb") as file:
        file.write(b"hush")
    os.chmod(at("private"), 0o600)
    lay(at("private"), at("done"))
    with pytest.raises(OSError, match="done"):
        fs.hand_over(at("done"), os.getgid(), 0o2770)
    assert untouched(at("private"))


def test_an_input_that_is_a_fifo_is_refused_at_once(fs, at):
    os.mkfifo(at("x"))
    with pytest.raises(OSError, match="fifo"):
        fs.open_input(at("x"))


def test_flushing_a_folder_and_a_file_system_works(fs, at):
    fs.sync_folder(at())
    fs.flush(at())


@pytest.mark.parametrize(
    ("kind", "options", "remote", "soft"),
    [
        ("ext4", "rw", False, False),
        ("nfs4", "rw,hard", True, False),
        ("nfs", "rw,soft", True, True),
        ("nfs4", "softerr", True, True),
        ("fuse.sshfs", "rw", True, False),
        ("fuse", "rw", True, False),
        ("fuseblk", "rw", False, False),
        ("lustre", "rw", True, False),
    ],
)
def test_what_a_mount_promises(kind, options, remote, soft):
    mount = Mount("/m", kind, frozenset(options.split(",")))
    assert (mount.is_remote, mount.is_soft) == (remote, soft)


def test_every_path_is_on_some_mount(fs, at):
    mount = fs.mount(at())
    assert at().startswith(mount.point.rstrip("/"))
    assert mount.kind != "unknown"


def test_a_dangling_link_is_no_folder_and_no_endless_way(fs, at):
    os.symlink("/nowhere/done", at("done"))
    for path in ("done", "done/b", "done/b/c"):
        with pytest.raises(FileNotFoundError):
            fs.make_folder(at(path))


def test_a_walk_and_a_search_end_where_no_task_can_lie(fs, at):
    for path in ("d/" * 300, "e/" * 75):
        fs.make_folder(at(path.rstrip("/")))
        fs.create_whole(at(f"{path}x@"), b"", sync=False)
    assert [path for path, _ in fs.walk(at())] == list(fs.find(at(), "@")) == [f"{'e/' * 75}x@"]


def test_a_status_is_asked_of_an_open_file(fs, at):
    """stat() answers from a cache up to a minute old; and it would follow a link."""
    os.symlink(at(), at("link"))
    with pytest.raises(OSError, match="symbolic links"):
        fs.status(at("link"))


@pytest.mark.parametrize(("kind", "opened"), [("ext4", False), ("nfs4", True), ("fuse.bindfs", True)])
def test_an_entry_is_opened_where_a_client_may_remember(at, monkeypatch, kind, opened):
    fs, opens, real = Fs(floor=at()), [], os.open
    monkeypatch.setattr(fs, "mount", lambda _path: Mount("/", kind, frozenset()))
    fs.create_whole(at("x"), b"four")
    monkeypatch.setattr(os, "open", lambda path, *rest: opens.append(path) or real(path, *rest))
    assert fs.status_of_entry(at("x")).st_size == 4
    assert opens == [at("x")] * opened


def test_a_spool_that_is_away_is_not_made_on_the_bare_mount_point(at):
    with pytest.raises(FileNotFoundError):
        Fs(floor=at("mnt/spool")).make_folder(at("mnt/spool/todo/s"))
    assert os.listdir(at()) == []


def test_what_has_another_size_than_it_says_is_read_whole(fs):
    assert len(fs.read("/proc/self/status")[0]) > 200  # files there say that they are empty


@pytest.mark.parametrize(
    ("kind", "is_asked"),
    [("ext4", False), ("tmpfs", False), ("nfs4", True), ("fuse", True), ("overlay", True), ("new", True)],
)
def test_who_may_remember_wrongly_is_asked_for_the_folder_above_first(tmp_path, monkeypatch, kind, is_asked):
    """R6.  Where only this kernel changes files it knows; of a kind that is not known nothing is taken for granted."""
    (tmp_path / "a").mkdir()
    fs, opened = Fs(floor=str(tmp_path)), []
    monkeypatch.setattr(fs, "mount", lambda path: Mount(path, kind, frozenset()))
    real = os.open
    monkeypatch.setattr(os, "open", lambda path, *rest, **more: opened.append(path) or real(path, *rest, **more))
    assert fs.folder_is_there(f"{tmp_path}/a") and not fs.folder_is_there(f"{tmp_path}/b")
    assert not list(fs.scan(f"{tmp_path}/b/c"))
    assert (str(tmp_path) in opened) == is_asked


def test_a_door_that_has_no_spool_asks(tmp_path, monkeypatch):
    monkeypatch.setattr(Fs, "mount", lambda _, path: Mount(path, "ext4", frozenset()))
    with pytest.raises(FileNotFoundError):
        Fs().see(f"{tmp_path}/none/x")
