"""The rule: where others may lay links, nothing is made and nothing moved through one."""

import errno
import os
import stat

import pytest

from dsgspool.shared_fs import SharedFs
from dsgspool.spool import Spool


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
