"""A file system that lies: each wrong answer is called what it is.  The door is real but for the one lie."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

from dsgspool.doctor import room
from dsgspool.doctor.bench import bench
from dsgspool.doctor.semantics import Trial
from dsgspool.doctor.values import Finding, Status
from dsgspool.fs import Fs
from dsgspool.spool import FOLDERS, Spool
from tests.support.doors import FakeClock
from tests.support.seeded import Seeded


def trials(tmp_path: Path, fs: Fs | None = None, clock: FakeClock | None = None) -> dict[str, Finding]:
    """What is not ok, by id."""
    return trials_of(Spool(Seeded(str(tmp_path / "spool")).root, fs, clock))


def trials_of(spool: Spool) -> dict[str, Finding]:
    with bench(spool) as folder:
        found = {finding.id.partition(".")[2]: finding for finding in Trial(spool, folder).run()}
    assert os.listdir(spool.tmp) == []
    assert not list(Path(spool.root).rglob(".doctor*"))
    return {name: finding for name, finding in found.items() if finding.status not in (Status.OK, Status.NOTE)}


class NotExclusive(Fs):
    def create_whole(self, path, data, **_):
        Path(path).write_bytes(data)


class RenameThatCopies(Fs):
    def rename(self, source, target):
        if not target.endswith("/new"):
            return super().rename(source, target)
        Path(target).write_bytes(Path(source).read_bytes())
        return 0


class RenameThatForgetsTheInode(Fs):
    def rename(self, source, target):
        if not target.endswith("/new"):
            return super().rename(source, target)
        data = Path(source).read_bytes()
        os.unlink(source)
        Path(target).with_name("other").write_bytes(b"")
        os.unlink(target)
        Path(target).write_bytes(data)
        return 0


class OtherDisk(Fs):
    def rename(self, source, target):
        return errno.EXDEV if "/hold/" in target else super().rename(source, target)


class SomeInodesDiffer(Fs):
    def inodes(self, folder):
        return {name: number + (name == "new") for name, number in super().inodes(folder).items()}


class NoSpaceAtFsync(Fs):
    def append(self, descriptor, data, *, sync=False):
        if len(data) > 1000:
            raise OSError(errno.ENOSPC, "No space left", "ballast")
        super().append(descriptor, data, sync=sync)


class QuotaAtFsync(Fs):
    def append(self, descriptor, data, *, sync=False):
        if len(data) > 1000:
            raise OSError(errno.EDQUOT, "Quota exceeded", "ballast")
        super().append(descriptor, data, sync=sync)


class HalfOfWhatWasWritten(Fs):
    def read(self, path, limit=1 << 26):
        data, status = super().read(path, limit)
        return (data[:100] if len(data) > 1000 else data), status


class LocksForEverybody(Fs):
    def lock_is_free(self, *_):
        return True


class LocksThatStay(Fs):
    def lock_is_free(self, *_):
        return False


@pytest.mark.parametrize(
    ("lie", "name", "words"),
    [
        (NotExclusive, "create", "two workers can own one task"),
        (RenameThatCopies, "rename", "did not put one file in the place of another"),
        (RenameThatForgetsTheInode, "rename", "changes the file's inode number"),
        (OtherDisk, "folders", "cannot be moved from failed/ to hold/ (EXDEV)"),
        (SomeInodesDiffer, "inode", "st_ino sometimes differs from d_ino"),
        (NoSpaceAtFsync, "fsync", "ENOSPC"),
        (QuotaAtFsync, "fsync", "EDQUOT"),
        (HalfOfWhatWasWritten, "fsync", "100 bytes came back"),
        (LocksForEverybody, "lock", "can be locked a second time"),
        (LocksThatStay, "lock", "stays after it was let go"),
    ],
)
def test_each_lie_is_a_failure_of_its_own(tmp_path, lie, name, words):
    found = trials(tmp_path, lie())
    assert found[name].status is Status.FAIL and words in found[name].text, found
    assert found[name].remedy


def test_an_honest_one_passes(tmp_path):
    assert trials(tmp_path) == {}


@pytest.mark.parametrize(("offset", "way"), [(120.0, "ahead of"), (-300.0, "behind")])
def test_a_wrong_clock_is_told_with_its_amount(tmp_path, offset, way):
    import time

    began = time.time()
    found = trials(tmp_path, clock=FakeClock(wall=began + offset))
    took = time.time() - began  # the made-up clock stands still meanwhile, the server's goes on
    assert found["utime"].status is Status.WARN
    told = re.search(rf"this machine's clock is ([\d.]+) s {way} the file server's", found["utime"].text)
    assert told and abs(float(told[1]) - abs(offset)) <= took + 0.1


@pytest.mark.root
def test_a_folder_on_another_disk_is_named_for_real(tmp_path):
    import subprocess

    seeded = Seeded(str(tmp_path / "spool"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", f"{seeded.root}/done"], check=True)
    try:
        with bench(seeded.spool) as folder:
            (found,) = [finding for finding in Trial(seeded.spool, folder).run() if finding.status is Status.FAIL]
    finally:
        subprocess.run(["umount", f"{seeded.root}/done"], check=True)
    assert "to done/ (EXDEV)" in found.text and "on one file system" in found.remedy
    assert len(set(found.facts["st_dev"].values())) == 2


@pytest.mark.root
@pytest.mark.parametrize("name", ["logs", "workers", "reports", "schedules"])
def test_a_folder_of_no_tasks_on_another_disk_is_named_too(tmp_path, name):
    """No file is renamed into it, so only its st_dev tells."""
    import subprocess

    seeded = Seeded(str(tmp_path / "spool"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", f"{seeded.root}/{name}"], check=True)
    try:
        found = trials_of(seeded.spool)
    finally:
        subprocess.run(["umount", f"{seeded.root}/{name}"], check=True)
    assert found.keys() == {"folders"}
    assert found["folders"].status is Status.WARN
    assert found["folders"].text.endswith(f": {name}/") and "on one file system" in found["folders"].remedy


def test_the_look_at_devices_covers_every_folder(tmp_path):
    seeded = Seeded(str(tmp_path / "spool"))
    with bench(seeded.spool) as folder:
        found = Trial(seeded.spool, folder).folders()
    assert tuple(found.facts["st_dev"]) == FOLDERS and found.status is Status.OK


def test_a_folder_that_is_missing_or_a_file_is_left_to_the_look_at_the_spool(tmp_path):
    seeded = Seeded(str(tmp_path / "spool"))
    os.rmdir(f"{seeded.root}/todo")
    os.rmdir(f"{seeded.root}/logs")
    seeded.write("logs", "")
    assert trials_of(seeded.spool) == {}


def statvfs(free_bytes: int, free_inodes: int, inodes: int = 1 << 24) -> os.statvfs_result:
    size = 1 << 40
    return os.statvfs_result((4096, 4096, size // 4096, 0, free_bytes // 4096, inodes, 0, free_inodes, 0, 255, 1))


@pytest.mark.parametrize(
    ("free_bytes", "free_inodes", "inodes", "expected"),
    [
        (1 << 38, 1 << 20, 1 << 24, {}),
        (0, 1 << 20, 1 << 24, {"mount.space": "FAIL"}),
        (1 << 29, 1 << 20, 1 << 24, {"mount.space": "warn"}),
        (1 << 38, 0, 1 << 24, {"mount.inodes": "FAIL"}),
        (1 << 38, 500, 1 << 24, {"mount.inodes": "warn"}),
        (1 << 38, 0, 0, {}),
    ],
)
def test_little_room_is_a_warning_and_none_a_failure(monkeypatch, free_bytes, free_inodes, inodes, expected):
    monkeypatch.setattr("dsgspool.doctor.raw.space", lambda _: statvfs(free_bytes, free_inodes, inodes))
    found = {finding.id: str(finding.status) for finding in room.examine("/")}
    assert {name: status for name, status in found.items() if status in ("warn", "FAIL")} == expected


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE])
def test_a_file_system_that_does_not_tell_its_room_is_a_failure(monkeypatch, number):
    def no_space(path):
        raise OSError(number, os.strerror(number), path)

    monkeypatch.setattr("dsgspool.doctor.raw.space", no_space)
    found = {finding.id: finding for finding in room.examine("/mnt/lab")}
    assert (found["mount.space"].status, found["mount.space"].text) == (
        Status.FAIL,
        f"/mnt/lab: {errno.errorcode[number]}",
    )
    assert "mount.quota" in found


@pytest.mark.parametrize(
    ("script", "status", "words"),
    [
        ("echo 'Disk quotas for user ann (uid 7): '; echo '  n0:/export  5000* 4000'; exit 1", "warn", "5000* 4000"),
        ("exit 0", "ok", "no quota of yours"),
        ("exec sleep 60", "note", "no answer"),
    ],
)
def test_the_program_quota_is_asked(monkeypatch, tmp_path, script, status, words):
    program = tmp_path / "quota"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr("dsgspool.doctor.room.QUOTA_SECONDS", 0.5 if "sleep" in script else 20)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (found,) = [finding for finding in room.examine("/") if finding.id == "mount.quota"]
    assert (str(found.status), words in found.text) == (status, True)
