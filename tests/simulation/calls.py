"""The system calls of the simulated kernel, as `dsgspool.fs` makes them, and the faults that befall them.

The rule: each call that would go to the server is a moment at which anybody else may run, and at which a fault of the
plan may strike; what a process has in its own memory is not.
"""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, TypeVar

from tests.simulation.files import Entry, Open, Scan, Status
from tests.simulation.mount import ROOT, Mount
from tests.simulation.server import Inode, refused
from tests.simulation.virtual import Killed, current

if TYPE_CHECKING:
    from tests.simulation.node import Actor

T = TypeVar("T")
BLOCKS = 1 << 28  #: of the server's disk
REFUSALS = {
    "estale": errno.ESTALE, "eio": errno.EIO, "eacces": errno.EACCES, "enospc": errno.ENOSPC, "erofs": errno.EROFS,
}  # fmt: skip


class Calls:
    """Stands in the place of `os`."""

    path, strerror, devnull, fsencode = os.path, os.strerror, os.devnull, os.fsencode
    SEEK_CUR, SEEK_END, SEEK_SET = os.SEEK_CUR, os.SEEK_END, os.SEEK_SET

    def getpid(self) -> int:
        return current().pid

    # -- one call ------------------------------------------------------------------------------------------------

    def call(self, name: str, do: Callable[[], T], inode: Callable[[], Inode | None] | None = None) -> T:
        """A call that goes to the server; `inode` finds what it changes, by which a second execution knows it."""
        actor = current()
        if not actor.alive:
            raise Killed
        sim = actor.sim
        time = sim.time
        fault = actor.fault(name)
        time.pause(actor, time.now + sim.latency())
        if fault is not None:
            return self._struck(actor, name, do, inode, *fault)
        if actor.node.cut_until > time.now or sim.server.down_until > time.now:
            return self._hang(actor, name, do)
        sim.acting = actor
        return do()

    def _hang(self, actor: Actor, name: str, do: Callable[[], T]) -> T:
        """A hard mount waits.  What is on its way when its caller dies may still be carried out, when the way is free."""
        sim, node = actor.sim, actor.node
        sim.count("hung call")
        restarts = sim.server.down_until > sim.time.now
        # It had done it and died before it could answer; or the answer cannot pass.
        arrived = sim.rng.random() < 0.3 if restarts else node.cut_replies_only
        result = self._carry_out(actor, do) if arrived else None
        actor.in_flight = None if arrived else do
        while node.is_cut() or sim.server.down_until > sim.time.now:
            free = max(node.cut_until, sim.server.down_until) + sim.latency()
            sim.time.pause(actor, free)
        actor.in_flight = None
        sim.acting = actor
        if arrived and restarts and name != "create":
            sim.count("lost reply")
            return do()  # the server has forgotten that it did this: it does it again and says how that went
        if arrived:
            assert result is not None
            return result()
        return do()

    def _carry_out(self, actor: Actor, do: Callable[[], T]) -> Callable[[], T]:
        """Do it now; what it answered is told later."""
        actor.sim.acting = actor
        try:
            value = do()
        except OSError as error:
            caught = error

            def fail() -> T:
                raise caught

            return fail
        return lambda: value

    def _struck(
        self,
        actor: Actor,
        name: str,
        do: Callable[[], T],
        inode: Callable[[], Inode | None] | None,
        kind: str,
        seconds: float,
    ) -> T:
        sim = actor.sim
        sim.count(kind)
        if kind in REFUSALS:
            raise refused(REFUSALS[kind])
        if kind == "crash":
            sim.fell(actor, f"before {name}")
        if kind == "flight":
            sim.late(actor, do, seconds)
            sim.fell(actor, f"with {name} on its way")
        if kind == "hang":
            sim.time.pause(actor, sim.time.now + seconds)
        result = self._carry_out(actor, do)
        if kind == "crash-after":
            sim.fell(actor, f"after {name}")
        if kind == "lost" and name != "create":
            return do()
        if kind == "slow":
            sim.time.pause(actor, sim.time.now + seconds)
        if kind == "twice":
            before = inode() if inode else None
            sim.again(actor, do, seconds, (lambda: inode() is before) if inode else None)
        return result()

    # -- folders -------------------------------------------------------------------------------------------------

    def _names(self, path: str) -> dict[str, Inode]:
        mount = current().node.mount
        return self.call("list", lambda: mount.listing(path))

    def listdir(self, path: str) -> list[str]:
        return list(self._names(path))

    def scandir(self, path: str) -> Scan:
        mount = current().node.mount
        return Scan([Entry(mount, path, name, inode) for name, inode in self._names(path).items()])

    def mkdir(self, path: str, _mode: int = 0o777) -> None:
        mount = current().node.mount
        self.call("mkdir", lambda: mount.make(path, is_folder=True))

    def rmdir(self, path: str) -> None:
        mount = current().node.mount
        self.call("rmdir", lambda: mount.rmdir(path))

    # -- names ---------------------------------------------------------------------------------------------------

    def rename(self, source: str, target: str) -> None:
        actor = current()
        mount, server = actor.node.mount, actor.sim.server
        self.call("rename", lambda: mount.rename(source, target), lambda: server.find(source.removeprefix(f"{ROOT}/")))

    def unlink(self, path: str) -> None:
        actor = current()
        mount, server = actor.node.mount, actor.sim.server
        self.call("unlink", lambda: mount.unlink(path), lambda: server.find(path.removeprefix(f"{ROOT}/")))

    def statvfs(self, path: str) -> SimpleNamespace:
        actor = current()
        mount, server = actor.node.mount, actor.sim.server
        self.call("space", lambda: mount.walk(path))
        return SimpleNamespace(f_bavail=0 if server.full else BLOCKS // 2, f_frsize=4096, f_blocks=BLOCKS)

    def utime(self, path: str) -> None:
        mount = current().node.mount
        self.call("utime", lambda: mount.touch(path))

    def stat(self, path: str, *, follow_symlinks: bool = True) -> Status:  # noqa: ARG002
        mount = current().node.mount
        inode = self.call("stat", lambda: mount.walk(path))
        return Status(inode, len(mount.data(inode)))

    # -- open files ----------------------------------------------------------------------------------------------

    def open(self, path: str, flags: int, _mode: int = 0o777) -> int:
        actor = current()
        mount = actor.node.mount
        if path == os.devnull:
            return actor.sim.opened(Open(actor, mount, None, path))
        if flags & os.O_DIRECTORY:
            inode = self.call("see", lambda: mount.open_folder(path))
        elif flags & os.O_EXCL:
            inode = self._create(mount, path)
        else:
            inode = self.call("open", lambda: self._open(mount, path, flags))
        if flags & os.O_TRUNC:
            mount.dirty[inode] = b""
        return actor.sim.opened(Open(actor, mount, inode, path, append=bool(flags & os.O_APPEND)))

    def _create(self, mount: Mount, path: str) -> Inode:
        """O_EXCL: the server keeps the verifier of the call in mtime, until the client's next call sets that."""

        def make() -> Inode:
            inode = mount.make(path, is_folder=False)
            inode.mtime = float(zlib.crc32(b"%d" % inode.ino) - (1 << 31))
            return inode

        inode = self.call("create", make)
        self.call("stamp", lambda: mount.stamp(inode))
        return inode

    def _open(self, mount: Mount, path: str, flags: int) -> Inode:
        try:
            return mount.file(path)
        except FileNotFoundError:
            if not flags & os.O_CREAT:
                raise
            return mount.make(path, is_folder=False)

    def close(self, descriptor: int) -> None:
        file = self.file(descriptor)
        try:
            if file.inode in file.mount.dirty:
                self.call("close", lambda: file.mount.flush(file.inode))
        finally:
            file.actor.sim.closed(descriptor)

    def file(self, descriptor: int) -> Open:
        actor = current()
        if not actor.alive:
            raise Killed
        file = actor.sim.files.get(descriptor)
        if file is None:
            raise refused(errno.EBADF)
        return file

    def fstat(self, descriptor: int) -> Status:
        file = self.file(descriptor)
        if file.inode and file.inode.nlink == 0 and file.mount.version == "3":
            raise refused(errno.ESTALE)
        return Status(file.inode, len(file.mount.data(file.inode)) if file.inode else 0)

    def read(self, descriptor: int, count: int) -> bytes:
        file = self.file(descriptor)
        data = file.mount.data(file.inode)[file.position : file.position + count]
        file.position += len(data)
        return data

    def pread(self, descriptor: int, count: int, offset: int) -> bytes:
        file = self.file(descriptor)
        return file.mount.data(file.inode)[offset : offset + count]

    def write(self, descriptor: int, data: bytes) -> int:
        file = self.file(descriptor)
        old = file.mount.data(file.inode)
        at = len(old) if file.append else file.position
        file.mount.dirty[file.inode] = old[:at] + bytes(data) + old[at + len(data) :]
        file.position = at + len(data)
        return len(data)

    def lseek(self, descriptor: int, offset: int, whence: int) -> int:
        file = self.file(descriptor)
        size = len(file.mount.data(file.inode)) if file.inode else 0
        file.position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: file.position, os.SEEK_END: size}[whence]
        return file.position

    def ftruncate(self, descriptor: int, size: int) -> None:
        file = self.file(descriptor)
        file.mount.dirty[file.inode] = file.mount.data(file.inode)[:size]

    def fsync(self, descriptor: int) -> None:
        file = self.file(descriptor)
        if file.inode is not None:
            self.call("fsync", lambda: file.mount.flush(file.inode))

    def fchmod(self, _descriptor: int, _mode: int) -> None:
        """Nothing here looks at modes."""

    def chmod(self, _path: str, _mode: int) -> None:
        """Nothing here looks at modes."""

    def set_blocking(self, _descriptor: int, _blocking: bool) -> None:
        """No fifo here."""


for _name in dir(os):
    if _name.startswith("O_"):
        setattr(Calls, _name, getattr(os, _name))


calls = Calls()
