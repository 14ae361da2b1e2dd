"""Do the calls that the protocol is made of do what it needs: create, rename, link, flush, touch, lock.

The rule: each is tried for real, in the doctor's own folder, and what the server answers is judged by a listing.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Iterator, Mapping

from dsgspool.classes import dataclass
from dsgspool.doctor import raw
from dsgspool.doctor.values import Finding, Status, some
from dsgspool.errors import REMEDIES, NodeError
from dsgspool.lease import Lease
from dsgspool.spool import FOLDERS, Spool
from dsgspool.spool.moves import Tokens

ROOMS = ("todo", "running", "waiting", "hold", "done", "failed", "tmp")  #: folders that a task may pass through
BALLAST = b"." * (1 << 16)
SLOW = 1.0  #: seconds for one flush, above which a person wants to know
SKEW = 2.0  #: seconds between two clocks that other programs stumble over


@dataclass(slots=True)
class Trial:
    """One run of all trials in `folder`; `offset` = my wall clock minus the file server's."""

    spool: Spool
    folder: str
    offset: float = 0.0

    def run(self) -> Iterator[Finding]:
        """Every trial; one that the file system refuses is a finding too."""
        trials: tuple[tuple[str, Callable[[], Finding]], ...] = (
            ("fsync", self.fsync), ("create", self.create), ("rename", self.rename), ("inode", self.inode),
            ("folders", self.folders), ("link", self.link), ("utime", self.utime), ("lock", self.lock),
        )  # fmt: skip
        for name, trial in trials:
            try:
                yield trial()
            except OSError as error:
                yield refused(f"semantics.{name}", "semantics", error)

    def fsync(self) -> Finding:
        """Data is on the server after fsync and close: a full disk speaks up only there."""
        path, before = f"{self.folder}/ballast", self.spool.clock.boot()
        self.spool.fs.create_whole(path, BALLAST)
        seconds = self.spool.clock.boot() - before
        data = self.spool.fs.read(path)[0]
        if data != BALLAST:
            text = f"64 KiB were written and flushed, and {len(data)} bytes came back"
            return _found("fsync", Status.FAIL, text, "do not put data on this file system")
        slow = Status.NOTE if seconds > SLOW else Status.OK
        remedy = "look at the server's load and disk" if seconds > SLOW else ""
        return _found(
            "fsync",
            slow,
            f"write, fsync, close: data is there, {seconds * 1000:.1f} ms",
            remedy,
            facts={"seconds": seconds},
        )

    def create(self) -> Finding:
        """O_EXCL: exactly one wins."""
        self.spool.fs.create_whole(f"{self.folder}/one", b"")
        try:
            self.spool.fs.create_whole(f"{self.folder}/one", b"")
        except FileExistsError:
            return _found("create", Status.OK, "O_EXCL: a second create of a name is refused")
        return _found(
            "create", Status.FAIL, "O_EXCL: a second create of a name succeeded, so two workers can own one task", OTHER
        )

    def rename(self) -> Finding:
        """A rename takes the old name away, replaces the target whole, and a listing shows that."""
        fs, before = self.spool.fs, self.spool.clock.boot()
        fs.create_whole(f"{self.folder}/old", b"new text")
        fs.create_whole(f"{self.folder}/new", b"old text")
        inode = fs.inodes(self.folder)["old"]
        began = self.spool.clock.boot()
        number = fs.rename(f"{self.folder}/old", f"{self.folder}/new")
        seconds = self.spool.clock.boot() - began
        there = fs.inodes(self.folder)
        facts = {"seconds": seconds, "errno": number, "started": before}
        if number or "old" in there or fs.read(f"{self.folder}/new")[0] != b"new text":
            return _found(
                "rename", Status.FAIL, "a rename did not put one file in the place of another", OTHER, facts=facts
            )
        if there["new"] != inode:
            text = "a rename changes the file's inode number: workers cannot tell what they have claimed"
            return _found("rename", Status.FAIL, text, OTHER, facts=facts)
        return _found(
            "rename",
            Status.OK,
            f"rename: the old name is gone, the new one is whole, {seconds * 1000:.1f} ms",
            facts=facts,
        )

    def inode(self) -> Finding:
        """The number in a listing must be that of the open file: a worker compares them after each claim."""
        listed = self.spool.fs.inodes(self.folder)
        differ = [
            name for name, number in listed.items() if self.spool.fs.status(f"{self.folder}/{name}").st_ino != number
        ]
        if differ:
            how = "never equals" if len(differ) == len(listed) else "sometimes differs from"
            text = f"st_ino {how} d_ino: a worker cannot tell which file it claimed, gives it back, and runs nothing"
            remedy = (
                "mount it so that inode numbers are the server's (FUSE: use_ino, cifs: serverino), or use another one"
            )
            return _found("inode", Status.FAIL, text, remedy, facts={"differ": len(differ), "of": len(listed)})
        return _found("inode", Status.OK, "inode numbers in listings and of open files agree")

    def folders(self) -> Finding:
        """All folders are one file system, and this user may move a file through those of tasks."""
        fs, word = self.spool.fs, f".doctor-{Tokens()()}"
        rooms = sorted(set(ROOMS) & set(fs.names(self.spool.root)))
        devices = self._devices()
        fs.create_whole(f"{self.folder}/{word}", b"")
        at = f"{self.folder}/{word}"
        try:
            for room in rooms:
                if number := fs.rename(at, target := f"{self.spool.root}/{room}/{word}"):
                    return self._stuck(at, room, number, devices)
                at = target
        finally:
            fs.remove(at)
        first = next(iter(devices), "")
        if apart := [f"{name}/" for name, device in devices.items() if device != devices[first]]:
            text = f"not on the file system of {first}/, which alone is looked at here: {some(apart)}"
            return _found("folders", Status.WARN, text, ONE, facts={"st_dev": devices})
        text = f"a file can be moved through all {len(rooms)} folders of tasks, and all {len(devices)} lie on one file system"
        return _found("folders", Status.OK, text, facts={"st_dev": devices})

    def _devices(self) -> dict[str, int]:
        """st_dev of every folder that is there and may be opened, todo/ first."""
        devices = {}
        for name in FOLDERS:
            with contextlib.suppress(OSError):  # a missing or private one is told by the look at the spool
                devices[name] = self.spool.fs.status_of_folder(f"{self.spool.root}/{name}").st_dev
        return devices

    def _stuck(self, at: str, room: str, number: int, devices: dict[str, int]) -> Finding:
        place = at.rsplit("/", 2)[1]
        word = errno.errorcode.get(number, str(number))
        text = f"a file cannot be moved from {place if place in ROOMS else 'tmp'}/ to {room}/ ({word})"
        remedy = REMEDIES.get(number, "see the error code")
        if number == errno.EXDEV:
            remedy = ONE
        return _found("folders", Status.FAIL, text, remedy, facts={"st_dev": devices, "errno": word})

    def link(self) -> Finding:
        """Hard links: nobody needs them here."""
        try:
            raw.link(f"{self.folder}/one", f"{self.folder}/two")
        except OSError as error:
            word = errno.errorcode.get(error.errno or 0, "error")
            return _found("link", Status.NOTE, f"hard links are refused ({word}); dsgspool uses none")
        count = self.spool.fs.status(f"{self.folder}/two").st_nlink
        return _found(
            "link", Status.OK, f"link: both names lead to one file (st_nlink {count})", facts={"st_nlink": count}
        )

    def utime(self) -> Finding:
        """A touch sets the server's time, which all absolute times here are; how wrong is my own clock?"""
        fs, path = self.spool.fs, f"{self.folder}/one"
        before = self.spool.clock.wall()
        fs.touch(path)
        after = self.spool.clock.wall()
        stamp = fs.status(path).st_mtime
        self.offset = (before + after) / 2 - stamp
        off = self.offset if abs(self.offset) > (after - before) / 2 + 0.02 else 0.0  # the kernel's tick
        facts = {"offset_seconds": round(self.offset, 3)}
        if abs(off) <= SKEW:
            return _found(
                "utime",
                Status.OK,
                f"utime: this machine's clock and that of the files agree ({off:+.2f} s)",
                facts=facts,
            )
        way = "ahead of" if off > 0 else "behind"
        text = f"this machine's clock is {abs(off):.1f} s {way} the file server's"
        remedy = "dsgspool goes by the server's; make, rsync and people do not: chronyc makestep, or timedatectl set-ntp true"
        return _found("utime", Status.WARN, text, remedy, facts=facts)

    def lock(self) -> Finding:
        """The very lease that a worker takes: lock, touch, keep others out, let go."""
        wid = f"doctor-{Tokens()().partition('-')[0]}"
        lease = Lease(self.spool.fs, self.spool.clock, self.folder, wid)
        try:
            lease.acquire()
        except NodeError as error:
            return _found("lock", Status.FAIL, str(error), "mount the share with locks; on NFS v3 rpc.statd must run")
        kept = not self.spool.fs.lock_is_free(lease.path)
        lease.release()
        let_go = self.spool.fs.lock_is_free(lease.path)
        if kept and let_go:
            return _found("lock", Status.OK, "lease: locked, touched, others kept out, let go (filelock, flock)")
        text = "a locked file can be locked a second time" if not kept else "a lock stays after it was let go"
        return _found("lock", Status.FAIL, text, OTHER)


ONE = "all folders of a spool must lie on one file system, without a mount, quota tree or link between them"
OTHER = "this file system cannot hold a spool: use a local one or NFS v4.1 or later"


def refused(name: str, group: str, error: OSError) -> Finding:
    """The finding for a call that the file system refuses."""
    word = errno.errorcode.get(error.errno or 0, "error")
    text = f"{error.filename or 'the spool'}: {word}"
    return Finding(
        name, group, Status.FAIL, text, REMEDIES.get(error.errno or 0, "see the error code"), {"errno": word}
    )


def _found(
    name: str, status: Status, text: str, remedy: str = "", facts: Mapping[str, object] | None = None
) -> Finding:
    return Finding(f"semantics.{name}", "semantics", status, text, remedy, facts or {})
