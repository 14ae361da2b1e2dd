"""Whose files lie in todo/, as one worker remembers them.

The rule: a file is asked about once, as far as memory goes, and a look spends on asking at most half as long as on all else.
An old or a missing answer only puts a task into another's turn: who may run it, and who is charged, is asked of the open
file that was claimed.
"""

from __future__ import annotations

from dsgspool.spool import Spool

LEAST = 256  #: files that a look may ask about however long that takes
MOST = 65_536  #: answers that are remembered
NOBODY = -1


class Owners:
    """Paths below todo/ -> uid."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self._known: dict[str, int] = {}
        self._seen: dict[str, int] = {}  #: of the known what the look that goes on came by
        self._asked = 0
        self._spent = self._began = 0.0

    def begin(self) -> None:
        """A look begins: what it does not come by is forgotten at its end."""
        self._seen, self._asked, self._spent, self._began = {}, 0, 0.0, self.spool.clock.boot()

    def end(self) -> None:
        """The look is over."""
        self._known, self._seen = self._seen, {}

    def of(self, path: str, *, must: bool = False) -> int | None:
        """The uid; None when that is not known and enough was asked already, unless it `must` be.  NOBODY = it is gone."""
        uid = self._seen.get(path, self._known.get(path))
        if uid is None:
            if not must and not self._may_ask():
                return None
            uid = self._ask(path)
        if len(self._seen) < MOST:
            self._seen[path] = uid
        return uid

    def _may_ask(self) -> bool:
        return self._asked < LEAST or 3 * self._spent < self.spool.clock.boot() - self._began

    def _ask(self, path: str) -> int:
        before = self.spool.clock.boot()
        self._asked += 1
        try:
            return self.spool.fs.owner(f"{self.spool.todo}/{path}")
        except OSError:
            return NOBODY
        finally:
            self._spent += self.spool.clock.boot() - before
