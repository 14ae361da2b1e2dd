"""A worker's own folder, running/WID: the private side of every claim and every publication.

The rule (R1, R2): a move is one rename between a shared folder and this one; after any outcome, also success, the folder
is listed, and what the listing says is what happened: destination present = in, source absent = out.  Renames may be
many and share one listing.  Nobody but the owner, the janitor of a dead owner, and people move what lies here.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
from dataclasses import field

from dsgspool import names
from dsgspool.classes import dataclass, replace
from dsgspool.errors import InvalidName
from dsgspool.names import Claim, TaskName
from dsgspool.spool import Spool

MAX_TASK_BYTES = 256 * 1024
MAX_NAME = 255  #: bytes of a file's name, on every file system
MAX_LOOKS = 5  #: listings spent on a file whose inode is not the one just renamed in


@dataclass(frozen=True, slots=True)
class Held:
    """A file in my folder: proof that this worker holds it.  `original` = its name when that could not be used."""

    name: TaskName
    original: str = ""
    file: str = ""  #: its file name in running/WID
    errno: int = field(default=0, compare=False)  #: what the rename answered: a hint
    is_gift: bool = False  #: a person put it here, to have it run here

    def __post_init__(self) -> None:
        object.__setattr__(self, "file", self.name.flat)

    @property
    def claim(self) -> str:
        """WID.C"""
        return str(self.name.claim)

    @property
    def dropped_as(self) -> str:
        """The path below todo/ that the watcher knew this file by."""
        return replace(self.name, claim=None).lane_path


@dataclass(frozen=True, slots=True)
class Text:
    """A task file's bytes and the fstat that says whether they are still the same later."""

    data: bytes
    seen: tuple[int, int, int]
    uid: int
    gid: int
    mode: int
    mtime: float = 0.0  #: when it was written, by the file server's clock


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why the thing in my folder is no task file: it goes to failed/~invalid."""

    reason: str


class OwnFolder:
    """running/WID of one worker incarnation, made exclusively and never used again."""

    def __init__(self, spool: Spool, wid: str) -> None:
        self.spool, self.fs, self.wid = spool, spool.fs, wid
        self.path = f"{spool.running}/{wid}"
        self._counter = itertools.count(1)

    def next_claim(self) -> Claim:
        """A fresh `@WID.C`."""
        return Claim(self.wid, next(self._counter))

    def token(self) -> str:
        """A fresh token for a name that I give back: mine, and never that of the claim I move."""
        return f"{self.wid[-8:]}-{next(self._counter)}"

    def listing(self) -> dict[str, int]:
        """File name -> inode of all that lies here: the truth."""
        return self.fs.inodes(self.path)

    def claim(self, path: str) -> Held:
        """Rename todo/PATH here.  Whether it came is for the next listing to say."""
        try:
            held = self._fresh(names.parse(path), path)
        except InvalidName:
            held = self._invalid(path)
        return self._rename(f"{self.spool.todo}/{path}", held)

    def adopt(self, file: str) -> Held:
        """Give something that lies here (a person's file, a late claim) a fresh claim of mine."""
        try:
            name = names.parse_flat(file)
            held = replace(self._fresh(name, file), is_gift=name.claim is None)
        except InvalidName:
            held = self._invalid(file)
        return self._rename(f"{self.path}/{file}", held)

    def rename_to(self, held: Held, name: TaskName) -> Held:
        """Call a file of mine by another task's name, with a fresh claim."""
        return self._rename(f"{self.path}/{held.file}", Held(name.claimed(self.next_claim()), is_gift=held.is_gift))

    def _rename(self, source: str, held: Held) -> Held:
        number = self.fs.rename(source, f"{self.path}/{held.file}")
        return replace(held, errno=number) if number else held

    def _fresh(self, name: TaskName, original: str) -> Held:
        """That name with a claim of mine; a name that a claim would make too long cannot be used."""
        held = Held(name.claimed(self.next_claim()))
        return held if len(os.fsencode(held.file)) <= MAX_NAME else self._invalid(original)

    def _invalid(self, original: str) -> Held:
        return Held(names.invalid_name(original, "").claimed(self.next_claim()), original)

    def give(self, held: Held, target: str, *, again: bool = False) -> int:
        """Rename a file of mine to its shared place; the errno is a hint, the next listing says whether it is out."""
        try:
            if again:
                # RACE: the file was published there before, and a person moved it back to todo/.  A client that still
                # believes it to be there too takes the rename for one of a file to itself: 0, and nothing done [m].
                with contextlib.suppress(FileNotFoundError, PermissionError):
                    self.fs.see(target)
            return self.fs.rename_into(f"{self.path}/{held.file}", target)
        except OSError as error:  # its folder cannot be made: that holds up nothing else
            return error.errno or errno.EIO

    def read(self, held: Held, inode: int) -> Text | Unusable | None:
        """The text that was claimed.  None = it is gone, or the client keeps showing another file of that name.

        RACE: after a won rename an NFS client may open an OLDER file of that name that it has cached; a listing of this
        folder before the open cures it, and the inode number proves it (hazards H3).
        """
        for _ in range(MAX_LOOKS):
            text = self._read_once(held, inode)
            if text is not None:
                return text
            found = self.listing().get(held.file)
            if found is None:
                return None
            inode = found
        return None

    def _read_once(self, held: Held, inode: int) -> Text | Unusable | None:
        try:
            data, status = self.fs.read(f"{self.path}/{held.file}", MAX_TASK_BYTES)
        except FileNotFoundError:
            return None
        except OSError as error:
            return self._refused(error)
        if status.st_ino != inode:
            return None
        if status.st_nlink != 1:
            return Unusable("it is a hard link: another name leads to the same file; copy it instead")
        return text_of(data, status)

    def _refused(self, error: OSError) -> Unusable | None:
        """My folder could just be listed, so the trouble is this one thing and not the share; else raise."""
        match error.errno:
            case errno.ELOOP:
                return Unusable("it is a symbolic link: copy the file itself")
            case errno.EISDIR:
                return Unusable(
                    "it is a folder: only files are tasks, and a batch folder's name does not end with .yaml"
                )
            case errno.EINVAL | errno.ENXIO | errno.ENODEV:
                return Unusable("it is no regular file (a folder, fifo, socket or device)")
            case errno.EACCES | errno.EPERM:
                return Unusable("the worker may not read it: chmod u+r it, or make the worker's user its owner")
            case errno.ESTALE:
                return None
            case _:
                raise error

    def unchanged(self, held: Held, seen: tuple[int, int, int]) -> bool:
        """True unless the file was written to, or exchanged, since it was read."""
        try:
            return _seen(self.fs.status_of_entry(f"{self.path}/{held.file}")) == seen
        except FileNotFoundError:
            return True  # gone, not changed: the next listing says so
        except OSError as error:
            if error.errno == errno.ESTALE:
                return True
            if error.errno in (errno.ELOOP, errno.ENXIO, errno.ENODEV):
                return False  # a link, socket or device lies in its place
            raise

    def leave(self) -> None:
        """After the last file: remove the folder.  All my renames have returned, so no late one can want it."""
        self.fs.remove_folder(self.path)


def text_of(data: bytes, status: os.stat_result) -> Text:
    """What was read of an open file, with its fstat."""
    return Text(data, _seen(status), status.st_uid, status.st_gid, status.st_mode, status.st_mtime)


def _seen(status: os.stat_result) -> tuple[int, int, int]:
    return (status.st_ino, status.st_size, status.st_mtime_ns)
