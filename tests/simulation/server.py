"""The file server: one tree of inodes, changed by one atomic call after another, stamped at the server's own ticks.

The rule: here is the truth.  mkdir, rename, unlink and exclusive creation are atomic; what a client believes of them is
mount.py's business.  Whoever wants to know of each change registers with `watch`.
"""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Iterator
from typing import Any

TICK = 0.01  #: seconds: CONFIG_HZ=100; all stamps of one tick are equal
EPOCH = 1_800_000_000.0


def refused(number: int, path: str = "") -> OSError:
    """An OSError of the right kind."""
    return OSError(number, os.strerror(number), path)


class Stale(Exception):
    """ESTALE: the client's handle is of something that is gone."""


class Inode:
    """A file or a folder (`entries` is a mapping)."""

    __slots__ = ("change", "ctime", "data", "entries", "ino", "mtime", "name", "nlink", "parent", "sweep", "version")

    def __init__(self, ino: int, *, folder: bool, now: float) -> None:
        self.ino = ino
        self.entries: dict[str, Inode] | None = {} if folder else None
        self.data = b""
        self.mtime = self.ctime = now
        self.change = 1
        self.nlink = 1
        self.parent: Inode | None = None
        self.name = ""
        self.version = ""  #: which version of which task: the world's mark
        self.sweep = ""  #: which sweep it is a part of

    def path(self) -> str:
        """Where it lies now, below the root."""
        parts = []
        inode: Inode | None = self
        while inode is not None and inode.name:
            parts.append(inode.name)
            inode = inode.parent
        return "/".join(reversed(parts))


class Watcher:
    """Is told of every change of the tree."""

    def renamed(self, inode: Inode, source: str, replaced: Inode | None) -> None:
        """It lies in its new place; `source` is the path it had."""

    def removed(self, inode: Inode, path: str) -> None:
        """Its last name is gone."""

    def written(self, inode: Inode) -> None:
        """Its data is on the server."""

    def unwritten(self, inode: Inode) -> None:
        """Data of it was lost on its way."""


class Server:
    """The tree, the clock of its stamps, what it refuses, and the locks it keeps."""

    def __init__(self, clock: Any) -> None:
        self._clock = clock
        self.still: float | None = None  #: what its clock shows while it stands still
        self._numbers = itertools.count(100)
        self.root = self._inode(folder=True)
        self.watcher = Watcher()
        self.full = self.read_only = False
        self.down_until = 0.0
        self.locks: dict[Inode, Any] = {}

    def stamp(self) -> float:
        """The server's time, in whole ticks."""
        return self.still or EPOCH + int(self._clock.now / TICK) * TICK

    def _inode(self, *, folder: bool) -> Inode:
        return Inode(next(self._numbers), folder=folder, now=self.stamp())

    def _entries(self, folder: Inode) -> dict[str, Inode]:
        if folder.nlink == 0:
            raise Stale
        if folder.entries is None:
            raise refused(errno.ENOTDIR)
        return folder.entries

    def _may_write(self) -> None:
        if self.read_only:
            raise refused(errno.EROFS)

    def touched(self, inode: Inode) -> None:
        """Something of it changed."""
        inode.mtime = inode.ctime = self.stamp()
        inode.change += 1

    def _attach(self, folder: Inode, name: str, inode: Inode) -> None:
        assert folder.entries is not None
        folder.entries[name] = inode
        inode.parent, inode.name = folder, name
        self.touched(folder)

    # -- calls ---------------------------------------------------------------------------------------------------

    def make(self, folder: Inode, name: str, *, is_folder: bool) -> Inode:
        """mkdir or exclusive creation."""
        entries = self._entries(folder)
        self._may_write()
        if name in entries:
            raise refused(errno.EEXIST, name)
        inode = self._inode(folder=is_folder)
        self._attach(folder, name, inode)
        return inode

    def rename(self, source: Inode, name: str, target: Inode, other: str) -> None:
        """Atomic; what lay at the target is replaced."""
        entries, there = self._entries(source), self._entries(target)
        self._may_write()
        if (inode := entries.get(name)) is None:
            raise refused(errno.ENOENT, name)
        replaced = there.get(other)
        if replaced is inode:
            return
        if replaced is not None and (replaced.entries is None) != (inode.entries is None):
            raise refused(errno.ENOTDIR if inode.entries is not None else errno.EISDIR, other)
        if replaced is not None and replaced.entries:
            raise refused(errno.ENOTEMPTY, other)
        path = inode.path()
        del entries[name]
        self.touched(source)
        if replaced is not None:
            replaced.nlink = 0
        self._attach(target, other, inode)
        inode.ctime = self.stamp()
        self.watcher.renamed(inode, path, replaced)

    def unlink(self, folder: Inode, name: str) -> None:
        """Remove a file's name."""
        entries = self._entries(folder)
        self._may_write()
        if (inode := entries.get(name)) is None:
            raise refused(errno.ENOENT, name)
        if inode.entries is not None:
            raise refused(errno.EISDIR, name)
        path = inode.path()
        del entries[name]
        inode.nlink = 0
        self.touched(folder)
        self.watcher.removed(inode, path)

    def rmdir(self, folder: Inode, name: str) -> None:
        """Remove an empty folder."""
        entries = self._entries(folder)
        self._may_write()
        if (inode := entries.get(name)) is None:
            raise refused(errno.ENOENT, name)
        if inode.entries is None:
            raise refused(errno.ENOTDIR, name)
        if inode.entries:
            raise refused(errno.ENOTEMPTY, name)
        del entries[name]
        inode.nlink = 0
        self.touched(folder)

    def touch(self, inode: Inode) -> None:
        """utime(now): the server's now."""
        if inode.nlink == 0:
            raise Stale
        self._may_write()
        self.touched(inode)

    def store(self, inode: Inode, data: bytes) -> None:
        """Put a client's pages on the disk."""
        self._may_write()
        if self.full:
            raise refused(errno.ENOSPC)
        inode.data = data
        self.touched(inode)
        self.watcher.written(inode)

    # -- the truth, for those who check and set up ---------------------------------------------------------------

    def find(self, path: str) -> Inode | None:
        """What lies at a path below the root."""
        inode: Inode | None = self.root
        for part in path.split("/"):
            if inode is None or inode.entries is None:
                return None
            inode = inode.entries.get(part)
        return inode

    def files(self, folder: str) -> Iterator[tuple[str, Inode]]:
        """Path below the root and inode of each file, hidden ones too."""
        top = self.find(folder)
        yield from self._files(folder, top) if top is not None else ()

    def _files(self, prefix: str, folder: Inode) -> Iterator[tuple[str, Inode]]:
        for name, inode in (folder.entries or {}).items():
            if inode.entries is None:
                yield f"{prefix}/{name}", inode
            else:
                yield from self._files(f"{prefix}/{name}", inode)

    def put(self, path: str, data: bytes | None = None) -> Inode:
        """Make a file or (no data) a folder, with what leads to it."""
        folder = self.root
        *parts, last = path.split("/")
        for part in parts:
            folder = self._entries(folder).get(part) or self.make(folder, part, is_folder=True)
        inode = self.make(folder, last, is_folder=data is None)
        inode.data = data or b""
        return inode
