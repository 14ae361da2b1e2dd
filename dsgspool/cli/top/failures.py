"""The newest failures, and why.

The rule: a folder of any number of failures costs a look little: when each failed is asked of so many files at a time,
and only the newest get their records read, once.
"""

from __future__ import annotations

from dsgspool.classes import dataclass
from dsgspool.cli.top.values import Row
from dsgspool.snapshot import TaskSeen
from dsgspool.snapshot.attempts import read_attempt
from dsgspool.spool import Spool
from dsgspool.task import State

STATUSES, RECORDS = 300, 40  #: files asked and tasks read at one look
MOST_ATTEMPTS = 50


@dataclass(frozen=True, slots=True)
class _Why:
    attempt: int = 0
    node: str = ""
    reason: str = ""


class Failures:
    """Remembers what it has read."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self._moments: dict[str, float] = {}
        self._whys: dict[str, _Why] = {}

    def rows(self, tasks: list[TaskSeen], now: float) -> tuple[Row, ...]:
        """The newest first; what nobody has looked at yet last."""
        by_path = {task.path: task for task in tasks}
        self._moments = {path: at for path, at in self._moments.items() if path in by_path}
        self._whys = {path: why for path, why in self._whys.items() if path in by_path}
        for path in [path for path in by_path if path not in self._moments][:STATUSES]:
            self._moments[path] = self._moment(path)
        newest = sorted(by_path, key=lambda path: self._moments.get(path, 0.0), reverse=True)
        for path in newest[:RECORDS]:
            if path not in self._whys:
                self._whys[path] = self._why(by_path[path])
        return tuple(self._row(by_path[path], now) for path in newest)

    def _moment(self, path: str) -> float:
        """When it came into failed/: a rename changes the inode."""
        try:
            return self.spool.fs.status(f"{self.spool.failed}/{path}").st_ctime
        except OSError:
            return 0.0

    def _why(self, task: TaskSeen) -> _Why:
        found = None
        for number in range(1, MOST_ATTEMPTS):
            if (attempt := read_attempt(self.spool, task.identity, number)) is None:
                break
            found = attempt
        return _Why(found.number, found.host, found.reason) if found else _Why()

    def _row(self, task: TaskSeen, now: float) -> Row:
        why, moment = self._whys.get(task.path, _Why()), self._moments.get(task.path, 0.0)
        return Row(
            identity=task.identity, state=State.FAILED, path=task.path, attempt=why.attempt, node=why.node,
            seconds=max(0.0, now - moment) if moment else None, reason=task.reason, line=why.reason,
        )  # fmt: skip
