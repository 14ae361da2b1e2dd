"""The only door to files.

The rule: what an error code says is a hint, what a listing says is the truth.  So `rename` answers with an errno and
never raises, existence is decided by listing or by opening the folder first and the name then (R6), and nothing here
ever follows a link that lies in the spool.  Data is on the server before anybody is told that it is.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat

from dsgspool.listings import Listings
from dsgspool.permissions import Permissions

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LOG = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class _opened:  # noqa: N801 - stands where a function of contextlib would, which takes three times as long
    """An open descriptor, for the lines of a `with`."""

    __slots__ = ("descriptor",)

    def __init__(self, path: str, flags: int) -> None:
        self.descriptor = os.open(path, flags)

    def __enter__(self) -> int:
        return self.descriptor

    def __exit__(self, *_error: object) -> None:
        os.close(self.descriptor)


class Fs(Listings, Permissions):
    """Plain POSIX.  `group`: what is made is also the group's, whatever the umask; `floor`: a folder never made here."""

    def __init__(self, *, group: bool = False, floor: str = "") -> None:
        Permissions.__init__(self, group=group)
        Listings.__init__(self, floor)

    def read(self, path: str, limit: int = 1 << 26) -> tuple[bytes, os.stat_result]:
        """Content (at most `limit` + 1 bytes) and fstat of a regular file; a link, fifo or device raises OSError."""
        descriptor = self._look(path, _READ)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, "not a regular file", path)
            # One byte more than its size is asked for: when just its size comes, one call told that this is all.
            data = os.read(descriptor, min(limit, status.st_size) + 1)
            return data if len(data) == status.st_size else self._read_on(descriptor, limit + 1, data), status
        finally:
            os.close(descriptor)

    def _read_on(self, descriptor: int, limit: int, data: bytes) -> bytes:
        """The rest of a file that has another size than was told."""
        parts = [data]
        while parts[-1] and (limit := limit - len(parts[-1])) > 0:
            parts.append(os.read(descriptor, min(limit, 1 << 16)))
        return b"".join(parts)

    def read_at(self, path: str, offset: int, limit: int) -> bytes:
        """At most `limit` bytes from `offset` on; a negative offset counts from the end."""
        descriptor = self._look(path, _READ)
        try:
            start = offset if offset >= 0 else max(0, os.fstat(descriptor).st_size + offset)
            return os.pread(descriptor, limit, start)
        finally:
            os.close(descriptor)

    def open_whole(self, path: str) -> tuple[int, os.stat_result]:
        """A regular file, open to be read piece by piece, and its fstat; a link, fifo or device raises OSError."""
        descriptor = self._look(path, _READ)
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode):
            return descriptor, status
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", path)

    def read_open(self, descriptor: int, offset: int, limit: int) -> bytes:
        """At most `limit` bytes of an open file, from `offset` on."""
        return os.pread(descriptor, limit, offset)

    def read_fresh(self, path: str) -> bytes | None:
        """Content of a file another machine may just have made; None when it is not there (R6)."""
        try:
            self.see(path)
            return self.read(path)[0]
        except (FileNotFoundError, NotADirectoryError):
            return None

    def status(self, path: str) -> os.stat_result:
        """open + fstat: what the server knows now, where stat() would answer from a cache up to a minute old."""
        with _opened(path, _READ) as descriptor:
            return os.fstat(descriptor)

    def status_of_entry(self, path: str) -> os.stat_result:
        """The same of what lies there, link or not; where only this kernel changes files it need not be opened."""
        return os.stat(path, follow_symlinks=False) if self._is_coherent else self.status(path)

    def status_of_folder(self, path: str) -> os.stat_result:
        """fstat of a folder after opening it."""
        with _opened(path, _FOLDER) as descriptor:
            return os.fstat(descriptor)

    def rename(self, source: str, target: str) -> int:
        """Rename and answer with 0 or an errno: a hint, since a lost reply turns success into ENOENT [hazards H1]."""
        try:
            self._rename(source, target)
        except OSError as error:
            return error.errno or errno.EIO
        return 0

    def rename_into(self, source: str, target: str) -> int:
        """Rename, making the target's folder when it is missing."""
        if (number := self.rename(source, target)) == errno.ENOENT:
            self.make_folder(os.path.dirname(target))
            number = self.rename(source, target)
        return number

    def make_folder(self, path: str, *, exclusive: bool = False, again: bool = False) -> None:
        """mkdir -p; `exclusive`: raise FileExistsError when it is there."""
        try:
            self._make(path)
        except FileNotFoundError:
            if again or (parent := os.path.dirname(path)) == self.floor:
                raise  # the share is not mounted: a spool on the bare mount point would be a trap
            self.make_folder(parent)
            self.make_folder(path, exclusive=exclusive, again=True)
        except FileExistsError:
            if exclusive or not stat.S_ISDIR(os.stat(path).st_mode):  # a dangling link says that it is not there
                raise

    def create(self, path: str, data: bytes = b"", *, sync: bool = False, owner: int = -1) -> int:
        """A new file with `data`, still open: exactly one caller wins (O_EXCL), the others get FileExistsError.  `owner`: uid of
        the only one who may read it, before there is anything to read; -1 = others may too."""
        descriptor = self._open(path, _NEW)
        try:
            self.give(descriptor, owner) if owner >= 0 else self._share(descriptor)
            self.append(descriptor, data, sync=sync)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def create_whole(self, path: str, data: bytes, *, sync: bool = True, owner: int = -1) -> None:
        """A new file, written, flushed and closed; every step checked (ENOSPC shows at fsync or close [hazards])."""
        self.close(self.create(path, data, sync=sync, owner=owner))

    def replace(self, path: str, data: bytes) -> None:
        """Put a whole new file in the place of `path`: readers see the old one or the new one."""
        draft = f"{os.path.dirname(path)}/.{os.path.basename(path)}.{os.getpid()}.tmp"
        self.remove(draft)  # what lies there may be a second name of a file that must not be emptied
        self.create_whole(draft, data)
        self._rename(draft, path)

    def open_log(self, path: str, *, exclusive: bool = False) -> int:
        """A log for a command to write to: its record already keeps others away, so no O_EXCL (2 RPCs on NFS).

        What lies there must not lead elsewhere: link, fifo, device.  `exclusive`: nothing may lie there: it is given away."""
        descriptor = self._open(path, _LOG | (os.O_EXCL if exclusive else 0))
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
            self._share(descriptor)
            return descriptor
        os.close(descriptor)
        raise OSError(errno.EMLINK, "not a file of its own", path)

    def open_input(self, path: str) -> int:
        """A file for a command's standard input; a fifo, whose open would wait for a writer, raises OSError."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        if stat.S_IFMT(os.fstat(descriptor).st_mode) not in (stat.S_IFREG, stat.S_IFCHR):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "it is a folder, fifo or device", path)
        os.set_blocking(descriptor, True)
        return descriptor

    def append(self, descriptor: int, data: bytes, *, sync: bool = False) -> None:
        """Write all of `data` or, on a full disk, nothing: what went in before the refusal is cut off again."""
        written = 0
        try:
            while written < len(data):
                written += os.write(descriptor, data[written:] if written else data)
            if sync:
                os.fsync(descriptor)
        except OSError:
            if written:
                start = os.lseek(descriptor, 0, os.SEEK_CUR) - written
                os.ftruncate(descriptor, start)
                os.lseek(descriptor, start, os.SEEK_SET)
            raise

    def space(self, path: str) -> tuple[int, int]:
        """Bytes that are free for users, and all bytes, of the file system that a path is on; one RPC on NFS."""
        found = os.statvfs(path)
        return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize

    def cut(self, descriptor: int, size: int) -> None:
        """Make an open file shorter."""
        os.ftruncate(descriptor, size)

    def size(self, descriptor: int) -> int:
        """Bytes in an open file; 0 of one that another client of an NFSv3 share has removed."""
        try:
            return os.fstat(descriptor).st_size
        except OSError as error:
            if error.errno != errno.ESTALE:
                raise
            return 0

    def sync(self, descriptor: int) -> None:
        """Put an open file's data on the server."""
        os.fsync(descriptor)

    def sync_folder(self, path: str) -> None:
        """Make renames and new names in a local folder survive a power cut."""
        with _opened(path, _FOLDER) as descriptor:
            os.fsync(descriptor)

    def flush(self, folder: str) -> None:
        """Put everything that was written to this file system on disk: one syncfs(2) for a thousand new files."""
        import ctypes  # 1 ms of start-up that only a bulk submission needs

        with _opened(folder, _FOLDER) as descriptor:
            if ctypes.CDLL(None, use_errno=True).syncfs(descriptor):
                raise OSError(ctypes.get_errno(), "syncfs failed", folder)

    def close(self, descriptor: int) -> None:
        """Close; on NFS this is where a full disk speaks up."""
        os.close(descriptor)

    def touch(self, path: str) -> None:
        """Set the times to the SERVER's now (an explicit time would be this client's) [hazards H8]."""
        self._touch(path)

    def remove(self, path: str) -> bool:
        """Unlink; False when it was not there."""
        with contextlib.suppress(FileNotFoundError):
            self._unlink(path)
            return True
        return False

    def remove_folder(self, path: str) -> bool:
        """rmdir; False when it is not empty or not there.  `.nfsXXXX` files may keep it for a while [hazards H15]."""
        try:
            self._rmdir(path)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT, errno.EBUSY):
                return False
            raise
        return True

    def lock_is_free(self, path: str) -> bool:
        """True when nobody on this machine holds the flock of `path`; of what may not be opened nothing is known."""
        try:
            with _opened(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC) as descriptor:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return isinstance(error, FileNotFoundError)
        return True
