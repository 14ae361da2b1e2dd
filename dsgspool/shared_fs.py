"""The door to the files of a spool in which others may lay links: one of a group, or of a user whose files root runs.

The rule: nothing is read, made, moved, touched or removed through a link that lies in the spool.  Each folder below the
spool's is opened by itself, without following, and what is done is done in the open folder: a link that comes a moment
later leads nowhere.  (A path through a link would let a member have files read, made and removed wherever the worker's
user may do that.)
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from dsgspool.fs import Fs

_ENTER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class SharedFs(Fs):
    """`floor` is the spool's folder; how one comes to that is its owner's affair."""

    @contextlib.contextmanager
    def _at(self, path: str) -> Iterator[tuple[int | None, str]]:
        """The open folder that a path leads to, and its last part."""
        if not path.startswith(f"{self.floor}/"):
            yield None, path
            return
        *folders, name = path[len(self.floor) + 1 :].split("/")
        here = os.open(self.floor, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for folder in folders:
                inner = os.open(folder, _ENTER, dir_fd=here)
                os.close(here)
                here = inner
            yield here, name
        finally:
            os.close(here)

    def _look(self, path: str, flags: int) -> int:
        with self._at(path) as (folder, name):
            return os.open(name, flags, dir_fd=folder)

    def _open(self, path: str, flags: int) -> int:
        with self._at(path) as (folder, name):
            return os.open(name, flags, 0o644, dir_fd=folder)

    def _make(self, path: str) -> None:
        with self._at(path) as (folder, name):
            os.mkdir(name, 0o755, dir_fd=folder)
            if not self.group:
                return
            made = os.open(name, _ENTER, dir_fd=folder)
            try:
                os.fchmod(made, 0o2770)
            finally:
                os.close(made)

    def _rename(self, source: str, target: str) -> None:
        with self._at(source) as (here, old), self._at(target) as (there, new):
            os.rename(old, new, src_dir_fd=here, dst_dir_fd=there)

    def _unlink(self, path: str) -> None:
        with self._at(path) as (folder, name):
            os.unlink(name, dir_fd=folder)

    def _rmdir(self, path: str) -> None:
        with self._at(path) as (folder, name):
            os.rmdir(name, dir_fd=folder)

    def _touch(self, path: str) -> None:
        with self._at(path) as (folder, name):
            os.utime(name, dir_fd=folder, follow_symlinks=False)
