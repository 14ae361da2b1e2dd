"""What is made once, whoever makes it, how often and how late: a folder that may hold a task for todo/.

The rule: the folder is put into its place whole, by one rename, and is never empty again: so it is there once.  Its
task.yaml goes to todo/ by one more rename, and exists once.  Whoever comes second, an hour late too, finds the folder or
finds no file.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping

from dsgspool import chance
from dsgspool.errors import StorageError
from dsgspool.names import TaskName
from dsgspool.spool.moves import Moves

DRAFT = "task.yaml"
LEAST = 86400.0  #: seconds: nobody is so slow that it still makes what is older; its guard would have killed it
_TAKEN = (errno.ENOTEMPTY, errno.EEXIST)


class Once:
    """Makes such folders in a spool."""

    def __init__(self, moves: Moves) -> None:
        self.moves, self.spool, self.fs = moves, moves.spool, moves.spool.fs

    def make(
        self, folder: str, file: str, facts: Mapping[str, object], text: bytes | None = None, owner: int = -1
    ) -> bool:
        """Put `folder` into its place, with `facts` in `file`, and with the text of a task that only `owner` may read
        (-1 = others may too).  False when it is there already."""
        staged = f"{self.spool.tmp}/{chance.word()}"
        self.fs.make_folder(staged, exclusive=True)
        self.fs.create_whole(f"{staged}/{file}", f"{json.dumps(facts)}\n".encode())
        if text is not None:
            self.fs.create_whole(f"{staged}/{DRAFT}", text, owner=owner)
        # RACE: another leader, or I myself an hour ago, made it.  A folder with something in it is never replaced.
        number = self.fs.rename_into(staged, folder)
        if staged.rpartition("/")[2] not in self.fs.names(self.spool.tmp):
            return True
        self.drop(staged)
        if number not in _TAKEN:
            raise StorageError("make", folder, number)
        return False

    def publish(self, folder: str, identity: str) -> bool:
        """Put the task of a folder into todo/, when it is still to be put there; False otherwise."""
        if DRAFT not in self.fs.names(folder):
            return False
        name = TaskName(identity, "0", self.moves.token())
        number = self.fs.rename_into(f"{folder}/{DRAFT}", f"{self.spool.todo}/{name.path}")
        if DRAFT in self.fs.names(folder):
            raise StorageError("move", f"{folder}/{DRAFT}", number)
        return number == 0

    def drop(self, folder: str) -> None:
        """Remove one with what is in it; what a person put into it as a folder stays."""
        for file, is_folder in list(self.fs.scan(folder)):
            if not is_folder:
                self.fs.remove(f"{folder}/{file}")
        self.fs.remove_folder(folder)
