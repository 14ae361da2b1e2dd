"""One client's mount: what it believes of the server's tree, as a Linux NFS client does with default options.

The rule: names are believed for as long as their folder seems unchanged, and a folder is asked again only when it is
opened, or after `LOOK_AGAIN` seconds.  So a name that did not exist stays absent, a folder that was moved away can still
be worked in, and a rename carries along whatever inode the client took the source for (hazards, section 0).
"""

from __future__ import annotations

import errno
import functools
import itertools
from collections.abc import Callable
from typing import Any, TypeVar

from tests.simulation.server import Inode, Server, Stale, refused

T = TypeVar("T")
ROOT = "/spool"
LOOK_AGAIN = {"4.2": 30.0, "3": 60.0}  #: seconds; acdirmin is 30, acdirmax 60


@functools.lru_cache(maxsize=1 << 14)  # a schedule walks some 2,000 paths, of which about a hundred differ
def _parts(path: str) -> tuple[str, ...]:
    """The names that a path leads through, from the root of the share on."""
    return tuple(part for part in path.removeprefix(ROOT).split("/") if part not in ("", "."))


class _Folder:
    """What is known of a folder.  `generation` marks the names that were looked up since it last seemed to change."""

    __slots__ = ("generation", "known", "listing", "looked_at")

    def __init__(self, known: float, now: float) -> None:
        self.known, self.looked_at = known, now
        self.generation = 0
        self.listing: dict[str, Inode] | None = None


class Mount:
    """The caches of one boot of one client."""

    def __init__(self, server: Server, clock: Any, version: str) -> None:
        self.server, self.clock, self.version = server, clock, version
        self._is_v3, self._look_again = version == "3", LOOK_AGAIN[version]
        self._folders: dict[Inode, _Folder] = {}
        self._names: dict[tuple[Inode, str], tuple[Inode | None, int]] = {}
        self.dirty: dict[Inode, bytes] = {}  #: written, and not yet on the server
        self.open: dict[Inode, int] = {}  #: open files
        self._silly = itertools.count(1)

    # -- what is known of folders --------------------------------------------------------------------------------

    def _mark(self, folder: Inode) -> float:
        """By what a client tells that a folder changed: v3 has no change attribute, only a stamp in whole ticks."""
        return folder.ctime if self._is_v3 else folder.change

    def _folder(self, folder: Inode, *, fresh: bool = False) -> _Folder:
        """What is known of it; `fresh` asks the server."""
        known = self._folders.get(folder)
        if known is None:
            known = self._folders[folder] = _Folder(self._mark(folder), self.clock.now)
        elif fresh or self.clock.now - known.looked_at >= self._look_again:
            if folder.nlink == 0:
                raise Stale
            if (mark := self._mark(folder)) != known.known:
                known.known, known.listing = mark, None
                known.generation += 1
            known.looked_at = self.clock.now
        return known

    def _changed_by_me(self, folder: Inode, before: float) -> None:
        """The server says how the folder was before and after my own change: nothing else need be forgotten."""
        known = self._folder(folder)
        if known.known != before:
            known.generation += 1
        known.known, known.listing, known.looked_at = self._mark(folder), None, self.clock.now

    def lookup(self, folder: Inode, name: str, *, fresh: bool = False) -> Inode | None:
        """What is believed to have that name."""
        known = self._folder(folder, fresh=fresh)
        believed = self._names.get((folder, name))
        if believed is not None and believed[1] == known.generation and not fresh:
            return believed[0]
        if folder.nlink == 0:
            raise Stale
        found = (folder.entries or {}).get(name)
        self._names[folder, name] = (found, known.generation)
        return found

    # -- paths ---------------------------------------------------------------------------------------------------

    def walk(self, path: str, *, fresh: bool = False) -> Inode:
        """The inode that a path is believed to lead to; ENOENT."""
        inode = self.server.root
        for part in _parts(path):
            if inode.entries is None:
                raise refused(errno.ENOTDIR, path)
            found = self.lookup(inode, part, fresh=fresh)
            if found is None:
                raise refused(errno.ENOENT, path)
            inode = found
        return inode

    def parent(self, path: str, *, fresh: bool = False) -> tuple[Inode, str]:
        """The folder that a path is believed to lead to, and the last name."""
        folder, _, name = path.rpartition("/")
        inode = self.walk(folder, fresh=fresh)
        if inode.entries is None:
            raise refused(errno.ENOTDIR, path)
        return inode, name

    def again(self, call: Callable[[bool], T], path: str) -> T:
        """As the kernel does: after ESTALE walk the path once more and believe nothing; then give up."""
        try:
            return call(False)
        except Stale:
            try:
                return call(True)
            except Stale:
                raise refused(errno.ESTALE, path) from None

    # -- calls ---------------------------------------------------------------------------------------------------

    def open_folder(self, path: str) -> Inode:
        """Open a folder: this is what makes the client ask the server."""

        def call(fresh: bool) -> Inode:
            inode = self.walk(path, fresh=fresh)
            if inode.entries is None:
                raise refused(errno.ENOTDIR, path)
            self._folder(inode, fresh=True)
            if inode.nlink == 0:
                raise Stale
            return inode

        return self.again(call, path)

    def listing(self, path: str) -> dict[str, Inode]:
        """Names in a folder; those that come from the server are known from then on."""
        folder = self.open_folder(path)
        known = self._folder(folder)
        if known.listing is None:
            known.listing = dict(folder.entries or {})
            for name, inode in known.listing.items():
                self._names[folder, name] = (inode, known.generation)
        return known.listing

    def file(self, path: str) -> Inode:
        """Open what the name is believed to be; one that is gone from the server is looked up anew."""

        def call(fresh: bool) -> Inode:
            inode = self.walk(path, fresh=fresh)
            if inode.nlink == 0:
                raise Stale
            return inode

        return self.again(call, path)

    def make(self, path: str, *, is_folder: bool) -> Inode:
        """mkdir, or exclusive creation: always the server's answer."""

        def call(fresh: bool) -> Inode:
            folder, name = self.parent(path, fresh=fresh)
            before = self._mark(folder)
            self._folder(folder)
            self._names.pop((folder, name), None)  # whatever the answer, what was believed is over
            inode = self.server.make(folder, name, is_folder=is_folder)
            self._changed_by_me(folder, before)
            self._names[folder, name] = (inode, self._folder(folder).generation)
            return inode

        return self.again(call, path)

    def rename(self, source: str, target: str) -> None:
        """RENAME by name on the server; the client carries along the inode it believed in."""

        def call(fresh: bool) -> None:
            old, name = self.parent(source, fresh=fresh)
            new, other = self.parent(target, fresh=fresh)
            believed = self.lookup(old, name)
            if believed is None:
                raise refused(errno.ENOENT, source)
            before, there = self._mark(old), self._mark(new)
            self._folder(old), self._folder(new)
            self._names.pop((old, name), None)
            self.server.rename(old, name, new, other)
            self._changed_by_me(old, before)
            if new is not old:
                self._changed_by_me(new, there)
            self._names[new, other] = (believed, self._folder(new).generation)

        self.again(call, source)

    def unlink(self, path: str) -> None:
        """Remove; a file that is open here is only renamed, until it is closed (silly rename)."""

        def call(fresh: bool) -> None:
            folder, name = self.parent(path, fresh=fresh)
            inode = self.lookup(folder, name)
            if inode is None:
                raise refused(errno.ENOENT, path)
            before = self._mark(folder)
            self._folder(folder)
            self._names.pop((folder, name), None)
            if self.open.get(inode) and (folder.entries or {}).get(name) is inode:
                self.server.rename(folder, name, folder, f".nfs{inode.ino:08x}{next(self._silly):08x}")
            else:
                self.server.unlink(folder, name)
            self._changed_by_me(folder, before)

        self.again(call, path)

    def rmdir(self, path: str) -> None:
        """Remove an empty folder."""

        def call(fresh: bool) -> None:
            folder, name = self.parent(path, fresh=fresh)
            before = self._mark(folder)
            self._folder(folder)
            self._names.pop((folder, name), None)
            self.server.rmdir(folder, name)
            self._changed_by_me(folder, before)

        self.again(call, path)

    def touch(self, path: str) -> None:
        """utime(now)."""

        def call(fresh: bool) -> None:
            inode = self.walk(path, fresh=fresh)
            before = self._mark(inode)
            self.server.touch(inode)
            if inode in self._folders:
                self._changed_by_me(inode, before)
                self._folders[inode].generation += 1

        self.again(call, path)

    def stamp(self, inode: Inode) -> None:
        """The mtime of a file that is open, now: it may have another name meanwhile."""
        try:
            self.server.touch(inode)
        except Stale:
            raise refused(errno.ESTALE) from None

    # -- data ----------------------------------------------------------------------------------------------------

    def data(self, inode: Inode) -> bytes:
        """What a reader here sees."""
        return self.dirty.get(inode, inode.data)

    def flush(self, inode: Inode) -> None:
        """Write back; on a full disk what was written is lost, and the caller is told."""
        if inode not in self.dirty:
            return
        data = self.dirty.pop(inode)
        if inode.nlink == 0:
            if self.version == "3":
                raise refused(errno.ESTALE)
            return
        try:
            self.server.store(inode, data)
        except OSError:
            self.server.watcher.unwritten(inode)
            raise

    def opened(self, inode: Inode) -> None:
        """One more descriptor."""
        self.open[inode] = self.open.get(inode, 0) + 1

    def closed(self, inode: Inode) -> None:
        """One less; a silly name goes with the last."""
        self.open[inode] -= 1
        if not self.open[inode]:
            del self.open[inode]
            if inode.name.startswith(".nfs") and inode.nlink and inode.parent is not None:
                self.server.unlink(inode.parent, inode.name)
