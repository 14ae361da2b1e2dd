"""Brings the table of attempts up to date: one listing of logs/, and only records that are new are opened.

The rule: a record with its end never changes, so it is read once; another inode number under its name is another
attempt.  One without end is read anew each time, until its writer has left a tombstone: then it was lost.  Whatever
cannot be read is told and passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from dsgspool import names
from dsgspool.classes import dataclass, replace
from dsgspool.errors import InvalidName, StorageError
from dsgspool.report import listing, logs
from dsgspool.report.table import NO_END, NONE, Attempts
from dsgspool.report.tags import tags_of
from dsgspool.report.tally import GIVEN_BACK
from dsgspool.snapshot.attempts import Attempt, parse_attempt

if TYPE_CHECKING:
    from dsgspool.fs import Fs

MAX_PROBLEMS = 20  #: that are told one by one
LONGEST = 8 << 20  #: bytes that are read of a record; dsgspool writes at most half as many
MAX_TEXT = 300  #: characters of a reason
BIGGEST = 1 << 53  #: beyond it JavaScript has no whole numbers
NEITHER = ("done", *NO_END, *GIVEN_BACK)  #: outcomes that are no failure of a command
UNLIKELY = 253402300800.0  #: the year 10000


@dataclass(frozen=True, slots=True)
class Writer:
    """What is known of the worker that wrote a record without end."""

    ended: bool = False  #: it left a tombstone, so the record stays as it is
    outcome: str = ""  #: of the attempt, as far as that can be told from its worker
    last_seen: float | None = None


@dataclass(slots=True)
class Records:
    """One rendering's look at logs/."""

    fs: Fs
    folder: str
    table: Attempts
    writer: Callable[[Attempt], Writer]
    now: float  #: by the file server's clock
    stamps: dict[str, listing.Stamp]  #: of the last look; afterwards those of this one
    stretches: list[listing.Stretch]  #: of the table, as far as their folders are known
    problems: list[str] = field(default_factory=list)
    read: int = 0
    changed: set[str] = field(default_factory=set)  #: tasks that have other attempts than last time
    _words: dict[str, str] = field(default_factory=dict)

    def update(self) -> bool:
        """List, drop what is gone, read what is new.  True when rows of the table moved."""
        try:
            sight = listing.look(self.fs, self.folder, ".yaml", self.stamps, self.now)
        except OSError as error:
            self._tell(str(StorageError.of(error, "list")))
            return False  # what is known stands; that it may be old is told
        for folder in sight.private:
            self._tell(f"logs/{folder}/ may not be read by who writes this: what it holds is not told")
        task, number, inode = self.table.task, self.table.number, self.table.inode
        rows = listing.outside(task, sight.same, self.stretches)
        known = {names.record_path(task[row], number[row]): inode[row] for row in rows}
        new = [found for found in sight.files if known.get(found[0]) != found[1]]
        self.stamps = sight.remember(path for path, _ in new)
        moved = len(sight.files) - len(new) < len(known)
        if moved:
            there = {path for path, inode in sight.files if known.get(path) == inode}
            self._drop({row for row in rows if names.record_path(task[row], number[row]) not in there})
        self._words = {word: word for name in ("worker", "host", "outcome") for word in set(getattr(self.table, name))}
        self._read(new)
        return moved

    def _drop(self, gone: set[int]) -> None:
        """Take out the rows of records that are gone."""
        self.changed.update(self.table.task[row] for row in gone)
        self.table.drop(gone)

    def _tell(self, problem: str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)

    # -- reading -------------------------------------------------------------------------------------------------

    def _read(self, paths: list[tuple[str, int]]) -> None:
        """Those that are over behind those that were, in the order in which they began; then the others."""
        first = len(self.table)
        fresh, open_ = Attempts(), []
        for path, inode in paths:
            if (attempt := self._attempt(path)) is None or attempt.outcome == "pruned":
                continue
            writer = Writer() if attempt.over else self.writer(attempt)
            if attempt.over or writer.ended:
                self._add(fresh, attempt, inode, writer)
            else:
                open_.append((attempt, inode, writer))
        order = sorted(range(len(fresh)), key=lambda row: (max(fresh.started[row], fresh.ended[row]), row))
        for column, other in zip(self.table.columns(), fresh.columns(), strict=True):
            column.extend(map(other.__getitem__, order))  # type: ignore[arg-type]  # the same column of both tables
        self.table.settled = len(self.table)
        self.changed.update(self.table.task[first:])
        for attempt, inode, writer in open_:
            self._add(self.table, attempt, inode, writer)

    def _attempt(self, path: str) -> Attempt | None:
        parts = names.parse_record(path)
        if parts is None or parts[2] != "yaml" or parts[1] >= BIGGEST:
            return None
        try:
            names.check_identity(parts[0])
            data = self.fs.read(f"{self.folder}/{path}", LONGEST)[0]
        except FileNotFoundError:
            return None  # pruned meanwhile
        except (InvalidName, OSError) as error:
            self._tell(f"logs/{path}: {error}")
            return None
        self.read += 1
        attempt = parse_attempt(data, parts[0], parts[1])
        return replace(attempt, tags=tags) if (tags := tags_of(data)) else attempt

    def _add(self, table: Attempts, attempt: Attempt, inode: int, writer: Writer) -> None:
        outcome, ended = attempt.outcome, attempt.ended
        if not attempt.over:
            outcome, ended = writer.outcome, writer.last_seen
        reason = attempt.reason[:MAX_TEXT]
        error = ""
        if outcome not in NEITHER:
            stem = f"{self.folder}/{names.record_path(attempt.task, attempt.number)}".removesuffix(".yaml")
            sizes = attempt.stderr_bytes, attempt.stdout_bytes
            error = logs.error_of(self.fs, stem, sizes) or logs.plain_line(reason)
        table.append(
            task=attempt.task, number=attempt.number, worker=self._word(attempt.worker), host=self._word(attempt.host),
            outcome=self._word(outcome), reason=self._word(reason), error=self._word(error), inode=inode,
            submitted=_moment(attempt.submitted), started=_moment(attempt.started), ended=_moment(ended),
            cpus=_whole(attempt.cpus), memory=_whole(attempt.peak_memory_bytes), code=_whole(attempt.exit_code),
            memory_limit=_whole(attempt.memory_limit_bytes), signal=_whole(attempt.signal), out=_whole(attempt.stdout_bytes),
            err=_whole(attempt.stderr_bytes), seconds=_positive(attempt.seconds), cpu_seconds=_positive(attempt.cpu_seconds),
            tags=self._word(attempt.tags),
        )  # fmt: skip

    def _word(self, text: str) -> str:
        return self._words.setdefault(text[:MAX_TEXT], text[:MAX_TEXT])


def _moment(seconds: float | None) -> int:
    return NONE if seconds is None or not 0 <= seconds < UNLIKELY else round(seconds * 1000)


def _whole(value: int | None) -> int:
    return NONE if value is None or not 0 <= value < BIGGEST else value


def _positive(value: float | None) -> float | None:
    return None if value is None or not 0 <= value < BIGGEST else round(value, 3)


def count(table: Attempts, wanted: Mapping[str, object]) -> dict[str, tuple[int, int]]:
    """Task -> (number of its attempts, row of the newest), of those tasks only."""
    found: dict[str, tuple[int, int]] = {}
    for row in table.find(wanted):
        task = table.task[row]
        number, newest = found.get(task, (0, -1))
        if newest < 0 or table.number[row] > table.number[newest]:
            newest = row
        found[task] = number + 1, newest
    return found
