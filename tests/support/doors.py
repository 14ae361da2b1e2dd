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

import pytest

from dsgspool.fs import Fs
from dsgspool.mounts import Mount

CHANGES = (
    "rename", "make_folder", "create", "replace", "open_log", "append", "sync", "sync_folder", "flush", "close", "touch",
    "remove", "remove_folder",
)  # fmt: skip
LOOKS = (
    "names",
    "entries",
    "scan",
    "folders",
    "inodes",
    "see",
    "read",
    "tail",
    "status",
    "status_of_folder",
    "folder_is_there",
    "owner",
)


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


class RemoteFs(ClockedFs):
    """A share: other machines change it, and this kernel does not know.  `told` lists what was written and moved, in order."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.told: list[tuple[str, str, bool]] = []

    def mount(self, path: str) -> Mount:
        return Mount(path, "nfs4", frozenset({"hard"}))

    def append(self, descriptor: int, data: bytes, *, sync: bool = False) -> None:
        self.told.append(("append", data.decode(errors="replace"), sync))
        super().append(descriptor, data)

    def rename(self, source: str, target: str) -> int:
        self.told.append(("rename", target, False))
        return super().rename(source, target)

    def sync_folder(self, path: str) -> None:
        self.told.append(("sync_folder", path, True))


class TickFs(RemoteFs):
    """An NFSv3 share: a client overlooks a change of a folder that falls into the clock tick of the last one it saw [m]."""

    TICK = 0.01

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self._changed: dict[str, int] = {}
        self._seen: dict[str, tuple[int, list[str]]] = {}

    def step(self, name: str, args: tuple[Any, ...], call: Callable[[], Any]) -> Any:
        result = call()
        if name in ("rename", "touch"):
            folders = args if name == "touch" else map(os.path.dirname, args)
            self._changed.update(dict.fromkeys(folders, int(self.clock.boot() / self.TICK)))
        return result

    def others_see(self, folder: str) -> list[str]:
        """A listing by another client."""
        tick = self._changed.get(folder, 0)
        if self._seen.get(folder, (-1, []))[0] != tick:
            self._seen[folder] = tick, os.listdir(folder)
        return self._seen[folder][1]


class CachedFolderFs(RemoteFs):
    """An NFS client that has a folder cached: it can rename files out of it after somebody moved it away [m]."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self._folders: dict[str, int] = {}

    def step(self, name: str, args: tuple[Any, ...], call: Callable[[], Any]) -> Any:
        if name == "scan" and args[0] not in self._folders and os.path.isdir(args[0]):
            self._folders[args[0]] = os.open(args[0], os.O_RDONLY | os.O_DIRECTORY)
        result = call()
        if name == "rename" and result == errno.ENOENT and (folder := os.path.dirname(args[0])) in self._folders:
            try:
                os.rename(os.path.basename(args[0]), args[1], src_dir_fd=self._folders[folder])
            except FileNotFoundError:
                return errno.ENOENT
            return 0
        return result

    def forget(self) -> None:
        """Unmounted."""
        for descriptor in self._folders.values():
            os.close(descriptor)
        self._folders.clear()


class NegativeFs(ClockedFs):
    """An NFS client that goes on to believe that a name does not exist until it opens the folder of that name [m]."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self._missed: set[str] = set()

    def step(self, name: str, args: tuple[Any, ...], call: Callable[[], Any]) -> Any:
        if name in ("see", "names", "scan", "inodes"):
            folder = os.path.dirname(args[0]) if name == "see" else args[0]
            self._missed = {path for path in self._missed if os.path.dirname(path) != folder}
            return call()
        if name not in ("read", "status", "folder_is_there"):
            return call()
        if name == "read" and args[0] in self._missed:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), args[0])
        try:
            found = call()
        except FileNotFoundError:
            self._missed.add(args[0])
            raise
        if name == "folder_is_there" and (not found or args[0] in self._missed):
            self._missed.add(args[0])
            return False
        return found


class OlderFileFs(ClockedFs):
    """An NFS client that opens, after a won rename, the older file that it remembers, until it lists the folder [m]."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self._known: dict[str, Any] = {}

    def remember(self, path: str) -> None:
        """It has read that file."""
        self._known[path] = self.read(path)

    def step(self, name: str, args: tuple[Any, ...], call: Callable[[], Any]) -> Any:
        if name in ("names", "scan", "inodes"):
            self._known = {path: file for path, file in self._known.items() if os.path.dirname(path) != args[0]}
        if name == "read" and args[0] in self._known:
            return self._known[args[0]]
        result = call()
        if name == "rename" and result == 0 and args[0] in self._known:
            self._known[args[1]] = self._known.pop(args[0])
        return result


class SlowFs(ClockedFs):
    """The operations in `takes` cost that many seconds each."""

    def __init__(self, clock: FakeClock, takes: Mapping[str, float]) -> None:
        super().__init__(clock)
        self.takes = dict(takes)

    def step(self, name: str, args: tuple[Any, ...], call: Callable[[], Any]) -> Any:  # noqa: ARG002
        result = call()
        self.clock.advance(self.takes.get(name, 0.0))
        return result


def goes_behind_its_listing(monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    """From now on this folder is listed and cannot be opened, as one that somebody has just removed."""
    scandir = os.scandir

    def looked(path: str = ".", *args: Any) -> Any:
        if path == folder:
            raise FileNotFoundError(errno.ENOENT, "gone", path)
        return scandir(path, *args)

    monkeypatch.setattr(os, "scandir", looked)


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
