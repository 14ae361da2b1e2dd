"""What could not be taken from todo/: a worker that tries in vain neither keeps silent nor tries all the time.

The rule: what the file system refuses for one file is told, once a folder, and left alone for a minute.  What it refuses
for all files is trouble: nothing is claimed for a moment.  A name that was listed and gone twice is left alone for as long
as an idle worker rests.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from dsgspool.errors import StorageError
from dsgspool.worker.desk import Exchange

if TYPE_CHECKING:
    from dsgspool.worker.loop import Worker

PAUSE = 60.0  #: seconds until a file is tried again that could not be taken
GHOST = 2.0  #: seconds within which a name that is gone a second time is one that an old listing shows
OUTAGES = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENOMEM, errno.ETIMEDOUT)  #: no other file would do better


class Refusals:
    """Paths below todo/ that one worker does not try now."""

    def __init__(self, worker: Worker) -> None:
        self.worker, self.clock = worker, worker.clock
        self._until: dict[str, float] = {}
        self._gone: dict[str, float] = {}  #: BOOTTIME at which a path was gone when it was tried
        self._told: set[str] = set()  #: folders

    def now(self) -> set[str]:
        """What is not tried now."""
        now = self.clock.boot()
        self._until = {path: until for path, until in self._until.items() if until > now}
        return set(self._until)

    def heed(self, exchange: Exchange) -> None:
        """Take in what renames have answered."""
        now, todo = self.clock.boot(), self.worker.spool.todo
        for path, number in exchange.refused:
            if number in OUTAGES:  # of each file the same would be told, at each try
                self.worker.trouble(str(StorageError("take something from", todo, number)))
                continue
            why = str(StorageError("take", f"{todo}/{path}", number))
            self._until[path] = now + PAUSE
            if (folder := path.rpartition("/")[0]) not in self._told:
                self._told.add(folder)
                self.worker.tell("stuck", f"{why}; left there, tried again each minute", why=why)
        self._gone = {path: at for path, at in self._gone.items() if now - at <= GHOST}
        for path in exchange.gone:
            # RACE: an NFSv3 client that listed the folder in the tick in which another node took the last file of it lists
            # that file until the folder is touched: looks and renames without a pause, for up to half a minute.
            if path in self._gone:
                self._until[path] = now + self.worker.settings.poll_max
            self._gone[path] = now
