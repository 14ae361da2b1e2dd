"""The rule: where others may lay links, nothing is read, made, moved, touched or removed through one."""

import errno
import os
import stat

import pytest

from dsgspool.shared_fs import SharedFs
from dsgspool.spool import Spool
from dsgspool.spool.moves import Moves
from dsgspool.spool.once import Once


@pytest.fixture
def spool(tmp_path):
    for folder in ("spool/logs/good", "outside/inner"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "spool/logs/link").symlink_to(tmp_path / "outside")
    return tmp_path / "spool"


@pytest.fixture
def fs(spool):
    return SharedFs(group=True, floor=str(spool))


@pytest.mark.parametrize("path", ["logs/link/x", "logs/link/inner/x"])
def test_nothing_goes_through_a_link(fs, spool, path):
    before = os.listdir("/proc/self/fd")
    for make in (fs.create, fs.open_log, fs.make_folder):
        with pytest.raises(OSError) as refused:
            make(f"{spool}/{path}")
        assert refused.value.errno in (errno.ENOTDIR, errno.ELOOP)
    (spool / "logs/good/x").touch()
    assert fs.rename(f"{spool}/logs/good/x", f"{spool}/{path}") == errno.ENOTDIR
    assert fs.rename_into(f"{spool}/logs/good/x", f"{spool}/{path}") == errno.ENOTDIR
    assert sorted(os.listdir(spool.parent / "outside")) == ["inner"]
    assert os.listdir("/proc/self/fd") == before


def test_nothing_is_touched_or_removed_through_a_link(fs, spool):
    outside = spool.parent / "outside"
    for path in ("x", "inner/y"):
        (outside / path).write_text("precious")
        os.utime(outside / path, (1, 1))
    (outside / "empty").mkdir()
    before = os.listdir("/proc/self/fd")
    for spoil in (
        lambda: fs.remove(f"{spool}/logs/link/x"),
        lambda: fs.remove(f"{spool}/logs/link/inner/y"),
        lambda: fs.remove_folder(f"{spool}/logs/link/empty"),
        lambda: fs.touch(f"{spool}/logs/link/x"),
    ):
        with pytest.raises(OSError) as refused:
            spoil()
        assert refused.value.errno in (errno.ENOTDIR, errno.ELOOP)
    fs.touch(f"{spool}/logs/link")
    assert sorted(os.listdir(outside)) == ["empty", "inner", "x"]
    assert (outside / "inner/y").read_text() == "precious"
    assert {os.stat(outside / path).st_mtime for path in ("x", "inner/y")} == {1}
    assert os.listdir("/proc/self/fd") == before


def test_nothing_is_read_through_a_link(fs, spool):
    """Root's worker and report read where those may not who laid it."""
    (spool.parent / "outside/inner/x").write_text("private")
    before = os.listdir("/proc/self/fd")
    for path in ("logs/link/inner/x", "logs/link"):
        for read in (fs.read, fs.open_whole, lambda path: fs.read_at(path, 0, 9)):
            with pytest.raises(OSError) as refused:
                read(f"{spool}/{path}")
            assert refused.value.errno in (errno.ENOTDIR, errno.ELOOP)
    (spool / "logs/good/x").write_text("mine")
    assert fs.read(f"{spool}/logs/good/x")[0] == fs.read_at(f"{spool}/logs/good/x", -9, 9) == b"mine"
    assert os.listdir("/proc/self/fd") == before


def test_a_staged_folder_in_whose_place_a_link_was_laid_empties_nothing_else(fs, spool):
    """It is known by its name to all who may list tmp/, for as long as the files of a sweep are read."""
    (spool / "tmp").mkdir()
    (spool.parent / "outside/x").write_text("precious")
    once = Once(Moves(Spool(str(spool), fs)))
    staged = once.stage()
    os.rename(staged, f"{staged}.away")
    os.symlink(spool.parent / "outside", staged)
    with pytest.raises(NotADirectoryError):
        once.drop(staged)
    assert sorted(os.listdir(spool.parent / "outside")) == ["inner", "x"]


def test_what_is_no_link_is_touched_and_removed(fs, spool):
    (spool / "logs/good/x").touch()
    os.utime(spool / "logs/good/x", (1, 1))
    fs.touch(f"{spool}/logs/good/x")
    assert (spool / "logs/good/x").stat().st_mtime > 1
    assert fs.remove_folder(f"{spool}/logs/good") is False
    assert [fs.remove(f"{spool}/logs/good/x") for _ in range(2)] == [True, False]
    assert [fs.remove_folder(f"{spool}/logs/good") for _ in range(2)] == [True, False]
    fs.replace(f"{spool}/logs/y", b"new")
    assert (spool / "logs/y").read_bytes() == b"new"


def test_everything_else_works_as_ever(fs, spool):
    fs.make_folder(f"{spool}/logs/a/b")
    fs.create_whole(f"{spool}/logs/a/b/x", b"new")
    fs.close(fs.open_log(f"{spool}/logs/a/b/x.out"))
    assert fs.rename_into(f"{spool}/logs/a/b/x", f"{spool}/logs/c/x") == 0
    assert fs.rename(f"{spool}/logs/c/none", f"{spool}/logs/c/y") == errno.ENOENT
    assert (spool / "logs/c/x").read_bytes() == b"new"
    assert stat.S_IMODE((spool / "logs/a/b").stat().st_mode) == 0o2770
    fs.create_whole(f"{spool.parent}/script", b"elsewhere is not its affair", sync=False)


def test_the_door_of_a_groups_spool_follows_no_link(spool):
    (spool / "todo").mkdir(mode=0o755)
    os.chown(spool / "todo", os.geteuid(), -1)
    assert not isinstance(Spool(str(spool)).fs, SharedFs)
    (spool / "todo").chmod(0o2770)
    assert isinstance(Spool(str(spool)).fs, SharedFs)
