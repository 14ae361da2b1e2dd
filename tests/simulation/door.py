"""The product's doors over the simulated calls: `SimFs` for files, `SimLock` for filelock.

The rule: `SimFs` is the code of the real door, function by function, with another `os` and `fcntl` behind it.
"""

from __future__ import annotations

import errno
import importlib.util
import sys
from types import ModuleType
from typing import Any
from unittest import mock

from dsgspool import fs, listings, permissions
from dsgspool.mounts import Mount as MountPoint
from tests.simulation.calls import calls
from tests.simulation.mount import ROOT
from tests.simulation.server import refused
from tests.simulation.virtual import current


class Locks:
    """Stands in the place of `fcntl`."""

    LOCK_EX, LOCK_NB = 2, 4

    def flock(self, descriptor: int, _flags: int) -> None:
        file = calls.file(descriptor)
        holder = file.actor.sim.server.locks.get(file.inode)
        if holder is None or holder is file.actor:
            return
        if holder.keeps_locks():
            raise refused(errno.EWOULDBLOCK, file.path)
        del file.actor.sim.server.locks[file.inode]  # the server forgets what a silent client held when another asks


class SimLock:
    """Stands in the place of filelock.FileLock."""

    def __init__(self, path: str, **_options: object) -> None:
        self.path = path

    def acquire(self) -> None:
        actor = current()
        inode = calls.call("open", lambda: actor.node.mount.file(self.path))
        actor.sim.server.locks[inode] = actor

    def release(self) -> None:
        actor = current()
        if actor.alive:
            locks = actor.sim.server.locks
            for inode in [inode for inode, holder in locks.items() if holder is actor]:
                del locks[inode]


def _copy(original: ModuleType, **over: object) -> Any:
    """A second copy of a module of the door, with something else in the place of what it imported."""
    assert original.__file__ is not None
    spec = importlib.util.spec_from_file_location(f"simulated.{original.__name__}", original.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    vars(module).update(over)
    return module


def _door() -> Any:
    """The door over the simulated calls, and below it the parts of it that have a module of their own."""
    below = {part.__name__: _copy(part, os=calls, mount_of=lambda _path: HARD) for part in (permissions, listings)}
    with mock.patch.dict(sys.modules, below):
        return _copy(fs, os=calls, fcntl=Locks())


HARD = MountPoint(ROOT, "nfs4", frozenset({"hard"}))
door = _door()


class SimFs(door.Fs):  # type: ignore[misc]
    """The real door over the simulated kernel."""

    def remove(self, path: str) -> bool:
        """What a worker wrote to its machine's own disk is no business of the server."""
        return current().node.disk.pop(path, None) is not None or super().remove(path)

    def flush(self, folder: str) -> None:  # noqa: ARG002
        """syncfs."""
        mount = current().node.mount
        for inode in list(mount.dirty):
            calls.call("fsync", lambda inode=inode: mount.flush(inode))
