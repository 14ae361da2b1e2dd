"""Back to todo/ from a folder of waiting/, one file after the other.

The rule: what is wrong with one file or folder (a file in the place of its batch, a folder that only its owner may change)
is told once and stops no other; an outage goes on to whoever asked.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from dsgspool import names
from dsgspool.errors import StorageError
from dsgspool.spool.dependencies import NO_FILE
from dsgspool.spool.moves import Moves

#: Answers that another look at the same does not change.
LASTING = (*NO_FILE, errno.ENOTDIR, errno.EISDIR, errno.EEXIST)
MOST_TOLD = 1000  #: that are remembered


class Returning:
    """What one worker brings back; `tell` hears of what it cannot."""

    def __init__(self, moves: Moves, tell: Callable[..., None]) -> None:
        self.moves, self.spool, self.fs, self.tell = moves, moves.spool, moves.fs, tell
        self._told: dict[str, str] = {}

    def below(self, folder: str) -> list[str]:
        """Paths of what lies below waiting/FOLDER; nothing of a folder that may not be read."""
        try:
            found = [path for path, _ in self.fs.walk(f"{self.spool.waiting}/{folder}")]
        except PermissionError as error:
            self.tell_once(folder, error)
            return []
        return [path for path in found if not names.is_ignored(path.rpartition("/")[2])]

    def bring_back(self, folder: str, path: str) -> bool:
        """Bring back one of these; False when it is not: somebody else took it, or it cannot be moved."""
        try:
            is_back = self.moves.bring_back(folder, path)
        except OSError as error:
            if error.errno not in LASTING:
                raise
            self.tell_once(f"{folder}/{path}", error)
            return False
        self._told.pop(f"{folder}/{path}", None)
        return is_back

    def tell_once(self, what: str, error: OSError) -> None:
        """Say why what lies there stays."""
        why = str(StorageError.of(error))
        if self._told.get(what) != why:
            if len(self._told) >= MOST_TOLD:
                self._told.clear()
            self._told[what] = why
            self.tell("stuck", f"waiting/{what} stays there: {why}; trying again", why=why)
