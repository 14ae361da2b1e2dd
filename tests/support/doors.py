"""Doors with faults: a clock that a test moves, and the file door with crashes, lost replies and full disks.

The rule: everything real except the one fault.  Each operation of `Fs` passes through `step`, nested ones too, so that a
crash can fall between the parts of a compound operation (after the open, before the write).
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from dsgspool.fs import Fs

CHANGES = (
    "rename", "make_folder", "create", "replace", "open_log", "append", "sync", "sync_folder", "flush", "close", "touch",
    "remove", "remove_folder",
)  # fmt: skip
LOOKS = ("names", "entries", "scan", "inodes", "see", "read", "tail", "status", "status_of_folder", "folder_is_there")


class FakeClock:
    """Time stands still until a test moves it."""

    def __init__(self, boot: float = 1000.0, wall: float | None = None) -> None:
        self._boot = boot
        self._offset = (time.time() if wall is None else wall) - boot

    def boot(self) -> float:
        return self._boot

    def wall(self) -> float:
        return self._boot + self._offset

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        self._boot += seconds


class Crash(BaseException):
    """The process died here."""


class Steps(Fs):
    """Every operation goes through `step`."""

    def step(self, name: str, args: tuple[Any, ...], call: Callable[[], Any]) -> Any:  # noqa: ARG002
        return call()


def _through_step(name: str) -> Callable[..., Any]:
    def operation(self: Steps, *args: Any, **options: Any) -> Any:
        return self.step(name, args, lambda: getattr(Fs, name)(self, *args, **options))

    return operation


for _name in (*CHANGES, *LOOKS):
    setattr(Steps, _name, _through_step(_name))


class ClockedFs(Steps):
    """Heartbeats get the fake clock's time, and nothing waits for the disk."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.clock = clock

    def touch(self, path: str) -> None:
        def call() -> None:
            os.utime(path, (self.clock.wall(), self.clock.wall()))

        self.step("touch", (path,), call)

    def append(self, descriptor: int, data: bytes, *, sync: bool = False) -> None:  # noqa: ARG002
        self.step("append", (descriptor, data), lambda: Fs.append(self, descriptor, data))

    def sync_folder(self, path: str) -> None:
        self.step("sync_folder", (path,), lambda: None)

    def flush(self, folder: str) -> None:
        self.step("flush", (folder,), lambda: None)


class LossyFs(ClockedFs):
    """The next `lost` renames happen, and the answer says that there was nothing to rename (hazards H1).

    `on_rename(source, target)` is told of every rename before it happens.
    """

    def __init__(
        self, clock: FakeClock, lost: int = 0, on_rename: Callable[[str, str], None] = lambda _source, _target: None
    ) -> None:
        super().__init__(clock)
        self.lost, self.on_rename = lost, on_rename

    def step(self, name: str, args: tuple[Any, ...], call: Callable[[], Any]) -> Any:
        if name != "rename":
            return call()
        self.on_rename(*args)
        result = call()
        if result == 0 and self.lost > 0:
            self.lost -= 1
            return errno.ENOENT
        return result


class CrashingFs(LossyFs):
    """Dies before, after, or in the middle of operation number `at`; counts them all.  The dead do nothing more."""

    def __init__(
        self, clock: FakeClock, at: int, how: str, on_rename: Callable[[str, str], None] = lambda _source, _target: None
    ) -> None:
        super().__init__(clock, on_rename=on_rename)
        self.at, self.how, self.armed, self.dead = at, how, False, False
        self.done: list[str] = []

    def step(self, name: str, args: tuple[Any, ...], call: Callable[[], Any]) -> Any:
        if self.dead:
            raise Crash
        if not self.armed:
            return super().step(name, args, call)
        self.done.append(name)
        mine = len(self.done) == self.at
        if mine and self.how == "torn" and name == "append":
            os.write(args[0], args[1][: len(args[1]) // 2])
        if mine and self.how != "after":
            self._die()
        try:
            return super().step(name, args, call)
        finally:
            if mine:
                self._die()

    def _die(self) -> None:
        self.dead = True
        raise Crash


class FlakyFs(ClockedFs):
    """The operations in `fail` are refused: name -> errno, for the first `times` of them, where `path` is in an argument."""

    def __init__(self, clock: FakeClock, fail: Mapping[str, int], times: int = 1, path: str = "") -> None:
        super().__init__(clock)
        self.fail, self.times, self.path = dict(fail), times, path

    def step(self, name: str, args: tuple[Any, ...], call: Callable[[], Any]) -> Any:
        if name in self.fail and self.times > 0 and (not self.path or any(self.path in str(arg) for arg in args)):
            self.times -= 1
            if name == "rename":
                return self.fail[name]
            raise OSError(self.fail[name], os.strerror(self.fail[name]), str(args[0]))
        return call()


class FullFs(ClockedFs):
    """A full disk: every append is refused until there is `space`."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.space = True

    def step(self, name: str, args: tuple[Any, ...], call: Callable[[], Any]) -> Any:  # noqa: ARG002
        if name in ("append", "create") and not self.space:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return call()


def files_below(root: str, folders: Collection[str]) -> list[str]:
    """Paths below `root` of all files in these folders, hidden ones excepted."""
    found = []
    for folder in folders:
        for base, _, names in os.walk(f"{root}/{folder}"):
            found += [os.path.relpath(f"{base}/{name}", root) for name in names if not name.startswith(".")]
    return sorted(found)


class BelievingFs(ClockedFs):
    """An NFS client that believes a file to be at `believed` too, until its folder is opened: then a rename of the file
    to that path is one of a file to itself, which does nothing and is no error."""

    def __init__(self, clock: FakeClock, believed: str) -> None:
        super().__init__(clock)
        self.believed = believed

    def rename(self, source: str, target: str) -> int:
        return 0 if target == self.believed else super().rename(source, target)

    def see(self, path: str) -> None:
        super().see(path)
        if path == self.believed:
            self.believed = ""
