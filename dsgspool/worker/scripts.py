"""The scripts of tasks, as files that can be started.

The rule: they lie on this machine's own disk, in a folder of the worker's own, because a share may be mounted noexec; the
record keeps the text anyway.  A sweeper of /tmp may take the folder: then there is a new one.
"""

from __future__ import annotations

import tempfile

from dsgspool.accounts import Account
from dsgspool.fs import Fs


class Scripts:
    """One folder for each worker, made when the first script is written."""

    def __init__(self, fs: Fs, wid: str) -> None:
        self.fs, self.wid = fs, wid
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def write(self, name: str, data: str | bytes, user: Account | None) -> str:
        """A script as a file that `user` may read (None = the worker itself); its path."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix=f"dsgspool-{self.wid}-", ignore_cleanup_errors=True)
        path = f"{self._folder.name}/{name}"
        try:
            descriptor = self.fs.create(path)
        except FileNotFoundError:  # a sweeper of /tmp took the folder
            self.shut()
            return self.write(name, data, user)
        if user:
            self.fs.let_enter(self._folder.name)
            self.fs.give(descriptor, user.uid)
        self.fs.append(descriptor, data.encode() if isinstance(data, str) else data)
        self.fs.close(descriptor)
        return path

    def shut(self) -> None:
        """Remove the folder."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
