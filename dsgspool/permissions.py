"""Who may read and write what is made here, and what others made.

The rule: who may write to a file that a worker obeys (a task, spool.yaml) may make that worker run anything.  So what is
made in a spool of a group can be read by the group and moved by it, and is written to by its owner alone.  What is given
away or opened up is an open file that was just looked at, never a path.
"""

from __future__ import annotations

import errno
import functools
import grp
import os
import pwd
import stat

_LOOK = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Permissions:
    """The part of the door to files that changes owners and modes."""

    def __init__(self, *, group: bool = False) -> None:
        self.group = group

    def hand_over(self, path: str, gid: int, mode: int) -> None:
        """Give a folder or file of mine to a group; those of other members are theirs to change."""
        descriptor = os.open(path, _LOOK)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISDIR(status.st_mode) and (not stat.S_ISREG(status.st_mode) or status.st_nlink != 1):
                raise OSError(errno.EMLINK, "not a file of its own", path)
            if (status.st_gid, status.st_mode & 0o7777) != (gid, mode):
                os.fchown(descriptor, -1, gid)
                os.fchmod(descriptor, mode)
        finally:
            os.close(descriptor)

    def give(self, descriptor: int, uid: int) -> None:
        """Make an open file somebody else's, and theirs alone."""
        os.fchmod(descriptor, 0o600)
        os.fchown(descriptor, uid, -1)

    def let_enter(self, folder: str) -> None:
        """Let others open files in a folder whose names they know."""
        os.chmod(folder, 0o711)

    def let_lock(self, descriptor: int) -> None:
        """Let other members of the group ask whether an open file of mine is locked."""
        if self.group:
            os.fchmod(descriptor, 0o660)

    def _look(self, path: str, flags: int) -> int:
        return os.open(path, flags)

    def _open(self, path: str, flags: int) -> int:
        return os.open(path, flags, 0o644)

    def _make(self, path: str) -> None:
        os.mkdir(path, 0o755)
        if self.group:
            os.chmod(path, 0o2770)

    def _rename(self, source: str, target: str) -> None:
        os.rename(source, target)

    def _unlink(self, path: str) -> None:
        os.unlink(path)

    def _rmdir(self, path: str) -> None:
        os.rmdir(path)

    def _touch(self, path: str) -> None:
        os.utime(path)

    def _share(self, descriptor: int) -> None:
        if self.group:
            os.fchmod(descriptor, 0o640)


def other_writers(uid: int, gid: int, mode: int) -> str:
    """Who else than its owner may write to a file, '' for nobody."""
    if mode & 0o002:
        return "everybody"
    return f"group {group_name(gid)}" if mode & 0o020 and not _is_private(uid, gid) else ""


def why_not_obeyed(status: os.stat_result, mine: int, owner: int, what: str) -> str:
    """Why a file that says `what` is not obeyed by a worker of uid `mine` in a spool of uid `owner`; '' when it is.

    In a spool of a group each member may put another file in its place, but only with an owner of their own."""
    if status.st_uid not in (0, mine, owner):
        return f"its owner is uid {status.st_uid}, who owns neither the spool nor this worker: chown it to uid {owner}"
    if others := other_writers(status.st_uid, status.st_gid, status.st_mode):
        return f"{others} may write to it, and it says {what}: chmod go-w it"
    return ""


def group_name(gid: int) -> str:
    """Name of a group, its number when this machine knows none."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


@functools.lru_cache(maxsize=256)  # a directory service may take milliseconds for each question
def _is_private(uid: int, gid: int) -> bool:
    """True for the group of one that many systems give to each user, with a umask of 002 (pam_umask(8), usergroups)."""
    try:
        group, name = grp.getgrgid(gid), pwd.getpwuid(uid).pw_name
    except KeyError:
        return uid == gid
    return group.gr_name == name and set(group.gr_mem) <= {name}
