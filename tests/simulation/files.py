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
DEVICE, FILE, FOLDER = (kind | 0o644 for kind in (stat.S_IFCHR, stat.S_IFREG, stat.S_IFDIR))


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

    __slots__ = ("st_gid", "st_ino", "st_mode", "st_mtime", "st_nlink", "st_size", "st_uid")

    def __init__(self, inode: Inode | None, size: int = 0) -> None:
        self.st_uid, self.st_gid = ME
        self.st_size = size
        if inode is None:
            self.st_mode, self.st_ino, self.st_nlink, self.st_mtime = DEVICE, 0, 1, 0.0
        else:
            self.st_mode = FILE if inode.entries is None else FOLDER
            self.st_ino, self.st_nlink, self.st_mtime = inode.ino, inode.nlink, inode.mtime
            if inode.entries is not None and inode.nlink:  # a folder's own `.`, and `..` of each folder in it
                self.st_nlink = 2 + sum(below.entries is not None for below in inode.entries.values())

    @property
    def st_mtime_ns(self) -> int:
        """Rarely asked for."""
        return round(self.st_mtime * 1e9)


class Entry:
    """What scandir(3) yields."""

    __slots__ = ("_folder", "_inode", "_mount", "name")

    def __init__(self, mount: Mount, folder: str, name: str, inode: Inode) -> None:
        self._mount, self._folder, self.name, self._inode = mount, folder, name, inode

    @property
    def path(self) -> str:
        """Rarely asked for."""
        return f"{self._folder}/{self.name}"

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
