"""Which mount a path is on, and what that means.

The rule: on a file system that other machines change, this kernel hears of nothing (no inotify), keeps what it read for
a while, and has put data on the server only after close or fsync.  What is not known to be remote is local.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

#: Kinds of file systems whose changes by other machines inotify does not see, and whose close() flushes to a server.
REMOTE = frozenset({
    "nfs", "nfs4", "cifs", "smb3", "ceph", "lustre", "gpfs", "glusterfs", "afs", "9p", "virtiofs", "beegfs", "pvfs2", "vboxsf",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mount:
    """The mount that a path is on."""

    point: str
    kind: str
    options: frozenset[str]

    @property
    def is_remote(self) -> bool:
        """True where other machines may change files without this kernel knowing."""
        # A FUSE program that gives its mount no name of its own (bindfs, many of a site's own) is just `fuse`.
        return self.kind in REMOTE or self.kind == "fuse" or self.kind.startswith("fuse.")

    @property
    def is_soft(self) -> bool:
        """True for NFS mounts whose calls may fail although the server carries them out later."""
        return self.kind.startswith("nfs") and bool(self.options & {"soft", "softerr"})


def mount_of(path: str) -> Mount:
    """The mount that `path` is on, from /proc/self/mountinfo."""
    path, best = os.path.realpath(path), Mount("", "unknown", frozenset())
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
        for line in table:
            left, _, right = line.partition(" - ")
            point = left.split(" ")[4].replace("\\040", " ")
            inside = path == point or path.startswith(point.rstrip("/") + "/")
            if inside and len(point) >= len(best.point):
                kind, _, options = right.split(" ", 2)
                best = Mount(point, kind, frozenset((left.split(" ")[5] + "," + options.strip()).split(",")))
    return best
