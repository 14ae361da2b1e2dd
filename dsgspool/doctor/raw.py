"""What only a doctor does to files: the calls that the protocol must never use, to see what they answer here.

The rule: everything else goes through `fs`.  A bare stat believes the client's cache (that is what is measured), a hard
link is needed by nobody, and a mode is changed only where a person has broken it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from typing import Any

from dsgspool.fs import Fs
from dsgspool.shared_fs import SharedFs

Tell = Callable[[str], None]


class WatchedFs(Fs):
    """The door to files, telling before each operation what it is about to do: the last word of one that hangs."""

    def __init__(self, tell: Tell, *, group: bool = False, floor: str = "") -> None:
        super().__init__(group=group, floor=floor)
        self._tell = tell

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401 - whatever the door answers
        found = super().__getattribute__(name)
        if name.startswith("_") or not callable(found):
            return found

        def told(*arguments: object, **options: object) -> object:
            if arguments and isinstance(arguments[0], str):
                self._tell(f"{name} {arguments[0]}")
            return found(*arguments, **options)

        return told


class WatchedSharedFs(WatchedFs, SharedFs):
    """The same where others may lay links."""


def watched(fs: Fs, tell: Tell) -> WatchedFs:
    """The door to the same spool, telling."""
    kind = WatchedSharedFs if isinstance(fs, SharedFs) else WatchedFs
    return kind(tell, group=fs.group, floor=fs.floor)


def text_of(path: str) -> str:
    """A small file of this machine (/proc, /sys, /etc), '' when it is not there."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read(1 << 16).strip()
    except OSError:
        return ""


def real(path: str) -> str:
    """The path without links; asks the server."""
    return os.path.realpath(path)


def seen_by_stat(path: str) -> os.stat_result | None:
    """A bare stat, which may believe a cache; None = 'does not exist'."""
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def opens(path: str) -> bool:
    """True when a bare open, which may believe a cache, finds the file."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
    except FileNotFoundError:
        return False
    return True


def entry(path: str) -> os.stat_result:
    """What lies there itself, link or not."""
    return os.lstat(path)


def space(path: str) -> os.statvfs_result:
    """Blocks and inodes of the file system."""
    return os.statvfs(path)


def link(source: str, target: str) -> None:
    """A second name for one file."""
    os.link(source, target)


def may_write(path: str) -> bool:
    """What the modes say."""
    return os.access(path, os.W_OK)


def set_mode(path: str, mode: int) -> None:
    """chmod of a folder that is no link, and that nobody exchanged for one a moment ago."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def reading(path: str) -> Iterator[int]:
    """An open file that stays open, as `tail -f` keeps it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def read_on(descriptor: int, offset: int) -> bytes:
    """What an open file shows from `offset` on, as far as this client knows."""
    return os.pread(descriptor, 1 << 12, offset)


@contextlib.contextmanager
def locked(path: str) -> Iterator[bool]:
    """Hold the flock of a file; False when somebody else does."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def add(path: str, data: bytes) -> None:
    """Write to the end of a file of ours, and flush it to the server."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        os.write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
