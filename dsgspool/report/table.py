"""Every attempt that the report knows of, as columns: a million of them fit into memory, and one is a row number.

The rule: no object for each attempt.  Texts are interned, moments are whole milliseconds since 1970 in an array, and
what is not known is NONE in a whole number and NaN in `seconds` and `cpu_seconds`; `row` gives one attempt with None
instead.  Rows before `settled` are over for ever; those behind it run now, are silent or were lost and are read anew each time.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Collection, Container, Iterator
from dataclasses import field
from itertools import compress

from dsgspool.classes import dataclass

NONE = -1  #: what is not known, in a column of whole numbers
FIRST = 1  #: number of a task's first attempt
NAN = math.nan  #: the same in a column of seconds
SILENT = "silent"  #: outcome of an attempt whose task is in the hands of a silent worker; `ended` = last heard of
NO_END = ("", SILENT)  #: outcomes of attempts that have no end, or none that is known

TEXTS = ("task", "worker", "host", "outcome", "reason", "error", "tags")
MOMENTS = ("submitted", "started", "ended")
INTEGERS = ("cpus", "memory", "memory_limit", "code", "signal", "out", "err")
NUMBERS = ("seconds", "cpu_seconds")
COLUMNS = (*TEXTS, "number", *MOMENTS, *INTEGERS, *NUMBERS, "inode")


@dataclass(frozen=True, slots=True)
class Row:
    """One attempt.  Moments are Unix seconds of the file server; None = not known (yet)."""

    index: int  #: its row in the table
    task: str  #: identity, BATCH/NAME
    number: int
    batch: str  #: '' outside of one
    worker: str
    host: str
    outcome: str  #: '' while it runs, SILENT while nobody knows; `lost` = its worker died and left no end
    reason: str
    error: str  #: the line of its log that says best what went wrong, '' when it ended well
    submitted: float | None
    started: float | None
    ended: float | None
    seconds: float | None
    cpus: int | None
    cpu_seconds: float | None
    memory: int | None  #: largest sample, bytes
    memory_limit: int | None
    code: int | None
    signal: int | None
    out: int | None  #: bytes of its standard output
    err: int | None

    @property
    def good(self) -> bool:
        """True when it ended well."""
        return self.outcome == "done"

    @property
    def waited(self) -> float | None:
        """Seconds between submission and start, of a first attempt: nothing says since when a task waited for another one."""
        if self.number != FIRST or self.submitted is None or self.started is None:
            return None
        return max(0.0, self.started - self.submitted)


def _integers() -> array[int]:
    return array("q")


def _numbers() -> array[float]:
    return array("d")


@dataclass(slots=True)
class Attempts:
    """The columns; `attempts.outcome[i]` is what row(i).outcome is.  Moments: milliseconds, NONE = not known."""

    task: list[str] = field(default_factory=list)
    number: array[int] = field(default_factory=_integers)
    worker: list[str] = field(default_factory=list)
    host: list[str] = field(default_factory=list)
    outcome: list[str] = field(default_factory=list)
    reason: list[str] = field(default_factory=list)
    error: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)  #: each on a line of its own
    submitted: array[int] = field(default_factory=_integers)
    started: array[int] = field(default_factory=_integers)
    ended: array[int] = field(default_factory=_integers)
    seconds: array[float] = field(default_factory=_numbers)
    cpus: array[int] = field(default_factory=_integers)
    cpu_seconds: array[float] = field(default_factory=_numbers)
    memory: array[int] = field(default_factory=_integers)
    memory_limit: array[int] = field(default_factory=_integers)
    code: array[int] = field(default_factory=_integers)
    signal: array[int] = field(default_factory=_integers)
    out: array[int] = field(default_factory=_integers)
    err: array[int] = field(default_factory=_integers)
    inode: array[int] = field(default_factory=_integers)  #: of the record's file: another one is another attempt
    settled: int = 0  #: rows before this one are over for ever

    def __len__(self) -> int:
        return len(self.task)

    def rows(self) -> Iterator[Row]:
        """All of them, one by one: for tests and small tables; sums over many are made on the columns."""
        return map(self.row, range(len(self)))

    def row(self, index: int) -> Row:
        """One attempt."""
        task = self.task[index]
        return Row(
            index=index,
            task=task,
            number=self.number[index],
            batch=task.partition("/")[0] if "/" in task else "",
            worker=self.worker[index],
            host=self.host[index],
            outcome=self.outcome[index],
            reason=self.reason[index],
            error=self.error[index],
            submitted=_moment(self.submitted[index]),
            started=_moment(self.started[index]),
            ended=_moment(self.ended[index]),
            seconds=_number(self.seconds[index]),
            cpus=_integer(self.cpus[index]),
            cpu_seconds=_number(self.cpu_seconds[index]),
            memory=_integer(self.memory[index]),
            memory_limit=_integer(self.memory_limit[index]),
            code=_integer(self.code[index]),
            signal=_integer(self.signal[index]),
            out=_integer(self.out[index]),
            err=_integer(self.err[index]),
        )

    def find(self, wanted: Container[str]) -> Iterator[int]:
        """Rows of these tasks, in their order; in C, because there may be a million."""
        return compress(range(len(self.task)), map(wanted.__contains__, self.task))

    def rows_of(self, wanted: Container[str]) -> dict[str, list[int]]:
        """Task -> its rows, oldest attempt first, of those tasks only."""
        found: dict[str, list[int]] = {}
        for row in self.find(wanted):
            found.setdefault(self.task[row], []).append(row)
        return {task: sorted(rows, key=self.number.__getitem__) for task, rows in found.items()}

    def columns(self) -> Iterator[list[str] | array[int] | array[float]]:
        """Every column, for what is done to all of them."""
        return (getattr(self, name) for name in COLUMNS)

    def drop(self, rows: Collection[int]) -> None:
        """Take rows out; what follows moves up."""
        stay = [index for index in range(len(self.task)) if index not in rows]
        for name in COLUMNS:
            column = getattr(self, name)
            moved = [column[index] for index in stay]
            setattr(self, name, moved if isinstance(column, list) else array(column.typecode, moved))
        self.settled -= sum(1 for row in rows if row < self.settled)

    def append(self, **facts: object) -> int:
        """Add an attempt by the names of the columns (moments in ms); what is missing is not known.  Its row."""
        for name in TEXTS:
            getattr(self, name).append(facts.get(name, ""))
        for name in ("number", *MOMENTS, *INTEGERS, "inode"):
            value = facts.get(name)
            getattr(self, name).append(NONE if value is None else value)
        for name in NUMBERS:
            value = facts.get(name)
            getattr(self, name).append(NAN if value is None else value)
        return len(self.task) - 1


def _moment(value: int) -> float | None:
    return None if value == NONE else value / 1000


def _integer(value: int) -> int | None:
    return None if value == NONE else value


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
