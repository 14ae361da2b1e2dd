"""Which mount a path is on, and what that means.

The rule: on a file system that other machines change, this kernel hears of nothing (no inotify), keeps what it read for
a while, and has put data on the server only after close or fsync.  What is not known to be remote is local.
"""

from __future__ import annotations

import os

from dsgspool.classes import dataclass
from dsgspool.expressions import expression

#: Kinds of file systems whose changes by other machines inotify does not see, and whose close() flushes to a server.
REMOTE = frozenset({
    "nfs", "nfs4", "cifs", "smb3", "ceph", "lustre", "gpfs", "glusterfs", "afs", "9p", "virtiofs", "beegfs", "pvfs2", "vboxsf",
})  # fmt: skip

#: Kinds that only this kernel changes: what it says of a name is so.  Any other may be a client's memory.
COHERENT = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "tmpfs", "zfs", "f2fs", "bcachefs"})

_ESCAPE = expression(r"\\([0-7]{3})")  # a space in a path is \040 there


@dataclass(frozen=True, slots=True)
class Mount:
    """The mount that a path is on."""

    point: str
    kind: str
    options: frozenset[str]
    source: str = ""

    @property
    def is_nfs(self) -> bool:
        """True for the Linux NFS client, any version."""
        return self.kind in ("nfs", "nfs4")

    def value(self, option: str) -> str:
        """What an option is set to (`vers=4.2`), '' when the table does not say."""
        return next((word.partition("=")[2] for word in sorted(self.options) if word.startswith(f"{option}=")), "")

    @property
    def is_remote(self) -> bool:
        """True where other machines may change files without this kernel knowing."""
        # A FUSE program that gives its mount no name of its own (bindfs, many of a site's own) is just `fuse`.
        return self.kind in REMOTE or self.kind == "fuse" or self.kind.startswith("fuse.")

    @property
    def is_coherent(self) -> bool:
        """True where no other machine can change a file: nothing that this kernel remembers is out of date."""
        return self.kind in COHERENT

    @property
    def is_soft(self) -> bool:
        """True for NFS mounts whose calls may fail although the server carries them out later."""
        return self.kind.startswith("nfs") and bool(self.options & {"soft", "softerr"})


def mount_of(path: str) -> Mount:
    """The mount that `path` is on, from /proc/self/mountinfo."""
    return find_mount(os.path.realpath(path), mount_table())


def mount_table() -> str:
    """/proc/self/mountinfo, which is read without asking any server."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
        return table.read()


def find_mount(path: str, table: str) -> Mount:
    """The mount in `table` that an absolute path without links is on: the innermost, and of several the last."""
    best = Mount("", "unknown", frozenset())
    for line in table.splitlines():
        left, _, right = line.partition(" - ")
        point = _ESCAPE.sub(lambda match: chr(int(match[1], 8)), left.split(" ")[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best.point):
            kind, source, options = (*right.split(" ", 2), "")[:3]
            best = Mount(point, kind, frozenset((left.split(" ")[5] + "," + options.strip()).split(",")), source)
    return best
