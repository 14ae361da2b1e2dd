"""What the simulated system calls hand out: open files, what stat(2) says, what scandir(3) yields.

The rule: they look like those of `os` as far as the product looks.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from tests.simulation.mount import Mount
from tests.simulation.server import Inode

if TYPE_CHECKING:
    from tests.simulation.node import Actor

ME = (os.geteuid(), os.getegid())


@dataclass(slots=True)
class Open:
    """An open file."""

    actor: Actor
    mount: Mount
    inode: Inode | None
    path: str
    position: int = 0
    append: bool = False


class Status:
    """What stat(2) says."""

    __slots__ = ("st_gid", "st_ino", "st_mode", "st_mtime", "st_mtime_ns", "st_nlink", "st_size", "st_uid")

    def __init__(self, inode: Inode | None, size: int = 0) -> None:
        kind = stat.S_IFCHR if inode is None else stat.S_IFREG if inode.entries is None else stat.S_IFDIR
        self.st_mode = kind | 0o644
        self.st_uid, self.st_gid, self.st_size = *ME, size
        self.st_ino, self.st_nlink = (inode.ino, inode.nlink) if inode else (0, 1)
        self.st_mtime = inode.mtime if inode else 0.0
        self.st_mtime_ns = round(self.st_mtime * 1e9)


class Entry:
    """What scandir(3) yields."""

    __slots__ = ("_inode", "_mount", "name", "path")

    def __init__(self, mount: Mount, folder: str, name: str, inode: Inode) -> None:
        self.name, self.path, self._inode, self._mount = name, f"{folder}/{name}", inode, mount

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:  # noqa: ARG002
        return self._inode.entries is not None

    def is_file(self, *, follow_symlinks: bool = True) -> bool:  # noqa: ARG002
        return self._inode.entries is None

    def is_symlink(self) -> bool:
        return False

    def inode(self) -> int:
        return self._inode.ino

    def stat(self, *, follow_symlinks: bool = True) -> Status:  # noqa: ARG002
        return Status(self._inode, len(self._mount.data(self._inode)))


class Scan(list[Entry]):
    """What scandir(3) returns."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""
