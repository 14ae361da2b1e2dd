"""Which code ran: the git commit of a working folder, read from .git without starting a process.

The rule: best effort, never a reason to fail a task; remembered for a few seconds, since many tasks share a folder.
"""

from __future__ import annotations

import os

from dsgspool.clock import Clock
from dsgspool.expressions import expression
from dsgspool.fs import Fs

_COMMIT = expression(r"[0-9a-f]{40,64}")
KEEP = 5.0  #: seconds that an answer is good for


class Provenance:
    """Commits by folder."""

    def __init__(self, fs: Fs, clock: Clock) -> None:
        self.fs, self.clock = fs, clock
        self._known: dict[str, tuple[float, str]] = {}

    def commit(self, folder: str) -> str:
        """The commit checked out in `folder` or a folder above, '' where there is none."""
        now = self.clock.boot()
        at, commit = self._known.get(folder, (float("-inf"), ""))
        if now - at > KEEP:
            try:
                commit = self._read(folder)
            except (OSError, ValueError):  # a NUL in a path, bytes that are no UTF-8
                commit = ""
            if not _COMMIT.fullmatch(commit):
                commit = ""  # `ref:` may name any file; nothing but a commit gets into a record
            self._known[folder] = (now, commit)
        return commit

    def _read(self, folder: str) -> str:
        while not os.path.isdir(f"{folder}/.git"):
            if (parent := os.path.dirname(folder)) == folder:  # `/`, and `//` too
                return ""
            folder = parent
        head = self._text(f"{folder}/.git/HEAD")
        if not head.startswith("ref: "):
            return head
        name = head[5:]
        try:
            return self._text(f"{folder}/.git/{name}")
        except FileNotFoundError:
            packed = self._text(f"{folder}/.git/packed-refs")
            return next((line.split(" ")[0] for line in packed.splitlines() if line.endswith(f" {name}")), "")

    def _text(self, path: str) -> str:
        return self.fs.read(path, 1 << 20)[0].decode().strip()
