"""What is made once, whoever makes it, how often and how late: a folder that may hold tasks for todo/.

The rule: the folder is put into its place whole, by one rename, and is never empty again: so it is there once.  Each task
in it goes to todo/ by one more rename, and exists once.  Whoever comes second, an hour late too, finds the folder or
finds no file.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping

from dsgspool import chance
from dsgspool.errors import StorageError
from dsgspool.names import TaskName
from dsgspool.spool.moves import Moves, target_of
from dsgspool.task import Decision, State

DRAFT = "task.yaml"
LEAST = 86400.0  #: seconds: nobody is so slow that it still makes what is older; its guard would have killed it
TODO = Decision(State.TODO)
_TAKEN = (errno.ENOTEMPTY, errno.EEXIST)


class Once:
    """Makes such folders in a spool."""

    def __init__(self, moves: Moves) -> None:
        self.moves, self.spool, self.fs = moves, moves.spool, moves.spool.fs

    def make(
        self, folder: str, file: str, facts: Mapping[str, object], drafts: Mapping[str, bytes], owner: int = -1
    ) -> bool:
        """Put `folder` into its place, with `facts` in `file`, and with the texts of tasks that only `owner` may read
        (-1 = others may too).  False when it is there already."""
        staged = self.stage()
        self.fs.create_whole(f"{staged}/{file}", f"{json.dumps(facts)}\n".encode())
        for draft, text in drafts.items():
            self.fs.create_whole(f"{staged}/{draft}", text, owner=owner)
        return self.put(staged, folder)

    def stage(self) -> str:
        """A new folder that nobody knows."""
        staged = f"{self.spool.tmp}/{chance.word()}"
        self.fs.make_folder(staged, exclusive=True)
        return staged

    def put(self, staged: str, folder: str) -> bool:
        """Put one with something in it into its place; False when another is there already."""
        # RACE: another leader, or I myself an hour ago, made it.  A folder with something in it is never replaced.
        try:
            number = self.fs.rename_into(staged, folder)
        except FileNotFoundError:
            self.drop(staged)
            above, _, name = folder.rpartition("/")[0].rpartition("/")
            if (name, False) not in self.fs.scan(above):
                raise
            # A link that leads nowhere: it says for ever that it is not there, as a share does that is away.
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), f"{above}/{name}") from None
        if staged.rpartition("/")[2] not in self.fs.names(self.spool.tmp):
            return True
        self.drop(staged)
        if number not in _TAKEN:
            raise StorageError("make", folder, number)
        return False

    def publish(self, folder: str, identity: str, draft: str = DRAFT, lane: str = "", to: Decision = TODO) -> bool:
        """Put a task of a folder into todo/, or where else it belongs, when it is still to be put there; False otherwise."""
        if draft not in self.fs.names(folder):
            return False
        target = target_of(self.spool, TaskName(identity, "0", lane=lane), to, self.moves.token(), 0.0)
        number = self.fs.rename_into(f"{folder}/{draft}", target)
        if draft in self.fs.names(folder):
            raise StorageError("move", f"{folder}/{draft}", number)
        return number == 0

    def drop(self, folder: str) -> None:
        """Remove one with what is in it; what a person put into it as a folder stays."""
        for file, is_folder in list(self.fs.scan(folder)):
            if not is_folder:
                self.fs.remove(f"{folder}/{file}")
        self.fs.remove_folder(folder)
