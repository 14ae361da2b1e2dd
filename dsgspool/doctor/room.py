"""Is there room: free space, free inodes, quota.

The rule: percent say little on a disk of many terabytes, so a disk is nearly full when little is free, not when much is
used.  What a quota leaves cannot be seen through every mount, and then that is said.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping

from dsgspool.doctor import raw
from dsgspool.doctor.child import ask
from dsgspool.doctor.semantics import refused
from dsgspool.doctor.values import Finding, Status

LITTLE = 1 << 30  #: bytes free
FEW = 10_000  #: inodes free
QUOTA_SECONDS = 5.0


def examine(root: str) -> Iterator[Finding]:
    """Space, inodes, quota."""
    try:
        yield from _space(raw.space(root))
    except OSError as error:
        yield refused("mount.space", "mount", error)
    yield _quota()


def _space(seen: os.statvfs_result) -> Iterator[Finding]:
    free, size = seen.f_bavail * seen.f_frsize, seen.f_blocks * seen.f_frsize
    text = f"{free / (1 << 30):.1f} GiB of {size / (1 << 30):.1f} GiB are free"
    if free == 0:
        yield _found(
            "space",
            Status.FAIL,
            "the disk is full: nothing can be submitted or recorded",
            MAKE_ROOM,
            facts={"free": free},
        )
    elif free < LITTLE and free < size / 10:
        yield _found("space", Status.WARN, text, MAKE_ROOM, facts={"free": free})
    else:
        yield _found("space", Status.OK, text, facts={"free": free})
    yield _inodes(seen.f_favail, seen.f_files)


MAKE_ROOM = "dsgspool prune --older-than 30d --dry-run shows what could go"


def _inodes(free: int, number: int) -> Finding:
    if number == 0:
        return _found("inodes", Status.OK, "this file system has no limit of inodes", facts={"free": free})
    if free == 0:
        return _found("inodes", Status.FAIL, "no inode is free: no file can be made", MAKE_ROOM, facts={"free": free})
    text = f"{free:,} of {number:,} inodes are free"
    few = free < FEW and free < number / 10
    return _found("inodes", Status.WARN if few else Status.OK, text, MAKE_ROOM if few else "", facts={"free": free})


def _quota() -> Finding:
    """The program `quota` knows where quotas are told (over NFS by rpc.rquotad)."""
    if not (program := shutil.which("quota")):
        text = "no program `quota` here, so a quota shows only when it is used up"
        return _found("quota", Status.NOTE, text)
    code, told = ask([program, "-q", "-Q", "-w", "-u", "-g"], QUOTA_SECONDS)
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    if code > 0 and lines:
        return _found(
            "quota", Status.WARN, f"a quota is exceeded: {' / '.join(lines[:4])}", MAKE_ROOM, facts={"told": lines}
        )
    if code < 0:
        return _found("quota", Status.NOTE, f"`quota` gave no answer within {QUOTA_SECONDS:g} s")
    return _found("quota", Status.OK, "no quota of yours is exceeded")


def _found(
    name: str, status: Status, text: str, remedy: str = "", facts: Mapping[str, object] | None = None
) -> Finding:
    return Finding(f"mount.{name}", "mount", status, text, remedy, facts or {})
