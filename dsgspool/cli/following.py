"""Reading a log as it grows, on any node.

The rule: the file is opened anew at every look, which is what makes an NFS client ask the server; the end of the
attempt is read BEFORE the last look at the log, so nothing that was written is missed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from dsgspool import names
from dsgspool.codec import is_complete
from dsgspool.spool import Spool
from dsgspool.task import State

CHUNK = 1 << 18
PAUSE = 0.5  #: seconds between two looks
GONE = 20  #: looks after which an attempt that no worker's folder lists counts as over


class Log:
    """stdout or stderr of one attempt."""

    def __init__(self, spool: Spool, identity: str, attempt: int, kind: str) -> None:
        self.spool, self.identity, self.attempt = spool, identity, attempt
        self.path = f"{spool.logs}/{names.record_path(identity, attempt).removesuffix('yaml')}{kind}"
        self.offset = 0
        self._unseen = 0

    def news(self) -> Iterator[bytes]:
        """What was written since the last call."""
        with contextlib.suppress(FileNotFoundError):  # not there yet
            while data := self.spool.fs.read_at(self.path, self.offset, CHUNK):
                self.offset += len(data)
                yield data

    def follow(self, sleep: Callable[[float], None]) -> Iterator[bytes]:
        """What is there and what comes, until the attempt is over."""
        while True:
            over = self.is_over()
            yield from self.news()
            if over:
                return
            sleep(PAUSE)

    def is_over(self) -> bool:
        """True when the record has its end, the next attempt has begun, or nobody holds the task any more."""
        record = self.spool.fs.read_fresh(f"{self.spool.logs}/{names.record_path(self.identity, self.attempt)}")
        if record is None or is_complete(record):
            return True
        following = f"{self.spool.logs}/{names.record_path(self.identity, self.attempt + 1)}"
        if self.spool.fs.read_fresh(following) is not None:
            return True
        held = any(name.identity == self.identity for _, name in self.spool.tasks(State.RUNNING))
        self._unseen = 0 if held else self._unseen + 1
        return self._unseen >= GONE
