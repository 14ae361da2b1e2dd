"""Writes the data files of the page: chunks of attempts, tasks and details.

The rule: a chunk that is full is written once and kept while its rows stay as they are; only the rows behind the last
full one, and chunks with a row that changed, are encoded at a rendering.  A file that is there already is not written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from typing import TYPE_CHECKING

from dsgspool.classes import dataclass
from dsgspool.report import chunks
from dsgspool.report.ledger import Block
from dsgspool.task import State

if TYPE_CHECKING:
    from dsgspool.fs import Fs
    from dsgspool.report.finished import Finished
    from dsgspool.report.table import Attempts
    from dsgspool.snapshot import TaskSeen

MOST_WAITING = 500  #: tasks in todo/ whose moment of submission is told: each costs a question to the file server
NEWEST = 500  #: tasks in done/ that have details: their rows may change, so they are in no full chunk


class Data:
    """The folder reports/data."""

    def __init__(self, fs: Fs, folder: str) -> None:
        self.fs, self.folder = fs, folder
        fs.make_folder(folder)
        self.there = set(fs.names(folder))
        self.used: set[str] = set()

    def put(self, name: str, content: bytes) -> str:
        """Write a file whose name says what it holds, unless it is there whole; its name."""
        self.used.add(name)
        if name not in self.there or not self._holds(name, content):
            self.fs.replace(f"{self.folder}/{name}", content)
            self.there.add(name)
        return name

    def _holds(self, name: str, content: bytes) -> bool:
        try:
            return self.fs.read(f"{self.folder}/{name}")[0] == content
        except OSError:
            return False

    def has(self, name: str, size: int) -> bool:
        """True when a file is there in its whole length."""
        try:
            return name in self.there and self.fs.status(f"{self.folder}/{name}").st_size == size
        except OSError:
            return False

    def blocks(self, ranges: Iterable[tuple[int, int, bool]], encode: Encode) -> list[Block]:
        """Write rows [first, stop) as chunks; what is too long for one is halved."""
        found: list[Block] = []
        waiting = list(ranges)[::-1]
        while waiting:
            first, stop, full = waiting.pop()
            scripts = [chunks.script("chunk", payload["kind"], payload) for payload in encode(first, stop)]
            if max(len(content) for _, content in scripts) > 2 * chunks.AIM and stop - first > 1:
                waiting += [(*half, full) for half in reversed(list(chunks.halves(first, stop)))]
            else:
                found.append(Block([self.put(*script) for script in scripts], first, stop - first, full))
        return found

    def keep(self, blocks: Iterable[Block]) -> list[Block]:
        """Blocks that stay as they are."""
        kept = list(blocks)
        self.used.update(file for block in kept for file in block.files)
        return kept


Encode = Callable[[int, int], list[chunks.Payload]]


def ranges(first: int, sealed: int, stop: int) -> list[tuple[int, int, bool]]:
    """Rows from `first` on in portions: full ones while their rows come before `sealed`, then the rest."""
    found = []
    while first < stop:
        end = first + chunks.ROWS
        full = end <= sealed
        found.append((first, min(end, stop), full))
        first = end
    return found


def write_attempts(data: Data, table: Attempts, full: list[Block]) -> list[Block]:
    """All chunks of attempts.  `full`: those whose rows are as they were."""
    kept = data.keep(full)
    first = kept[-1].first + kept[-1].rows if kept else 0
    rest = ranges(first, table.settled, len(table))
    return kept + data.blocks(rest, lambda a, b: chunks.attempts(table, a, b))


@dataclass(slots=True)
class Tasks:
    """The rows of tasks: those in done/ in their order, then the open ones and the failed ones."""

    finished: Finished
    open: list[TaskSeen]
    chains: dict[str, tuple[int, int]]  #: of the open ones: number of attempts, row of the newest
    details: dict[str, int] = field(default_factory=dict)  #: task -> which chunk of details
    lines: dict[str, tuple[str, float | None]] = field(default_factory=dict)  #: running -> last line, progress
    todo: str = ""  #: the folder of those that wait for a slot
    submitted: dict[str, int] = field(default_factory=dict)  #: of those, as far as asked: when, in ms
    queued: list[int] = field(default_factory=list)  #: since when they lie there, in ms
    loose: int = 0  #: rows before this one are in full chunks

    def __len__(self) -> int:
        return len(self.finished) + len(self.open)

    def write(self, data: Data, full: list[Block]) -> list[Block]:
        """All chunks of tasks.  `full`: those of the last rendering that were full."""
        self.submitted = self._submitted(data.fs)
        kept = [block for block in full if block.first + block.rows <= self.finished.kept]
        self.loose = first = kept[-1].first + kept[-1].rows if kept else 0
        found = []
        for block in kept:
            stop = block.first + block.rows
            if self.finished.changed and not self.finished.changed.isdisjoint(range(block.first, stop)):
                found += data.blocks([(block.first, stop, True)], self.payload)
            else:
                found += data.keep([block])
        sealed = len(self.finished) - NEWEST
        return found + data.blocks(ranges(first, sealed, len(self)), self.payload)

    def _submitted(self, fs: Fs) -> dict[str, int]:
        """When tasks in todo/ were submitted, as a record will tell it: the mtime of the file.  Of one that goes again that is
        not since when it is queued; its ctime is, as it was moved then."""
        found, self.queued = {}, []
        for task in [task for task in self.open if task.state is State.TODO][:MOST_WAITING]:
            try:
                status = fs.status(f"{self.todo}/{task.path}")
                found[task.identity] = round(1000 * status.st_mtime)
                self.queued.append(
                    round(1000 * status.st_ctime) if task.identity in self.chains else found[task.identity]
                )
            except OSError:
                continue  # taken since: the next report tells who runs it
        return found

    def rows(self, first: int, stop: int) -> Iterator[tuple[str, str, str, str, int, int]]:
        """(task, state, tag, path, attempts, row of the newest) of rows [first, stop)."""
        done, count = self.finished, len(self.finished)
        for row in range(min(first, count), min(stop, count)):
            yield done.task[row], "done", done.tag[row], done.path[row], done.attempts[row], done.row[row]
        for task in self.open[max(0, first - count) : max(0, stop - count)]:
            yield task.identity, task.state.value, task.reason, task.path, *self.chains.get(task.identity, (0, -1))

    def payload(self, first: int, stop: int) -> list[chunks.Payload]:
        """Rows [first, stop), in one part."""
        done, count = self.finished, len(self.finished)
        a, b = min(first, count), min(stop, count)
        rest = self.open[max(0, first - count) : max(0, stop - count)]
        chains = [self.chains.get(task.identity, (0, -1)) for task in rest]
        lines = [self.lines.get(task.identity, ("", None)) for task in rest]
        none: list[None] = [None] * (b - a)
        words = chunks.Words()
        names = done.task[a:b] + [task.identity for task in rest]
        # Full chunks hold no details: which chunk of details it is would change.
        newest = range(max(a, min(b, max(count - NEWEST, self.loose))), b)
        details = [-1] * (b - a - len(newest)) + [self.details.get(done.task[row], -1) for row in newest]
        paths = done.path[a:b] + [task.path for task in rest]
        payload: chunks.Payload = {
            "kind": "tasks", "first": first, "rows": stop - first,
            "state_w": words(["done"] * (b - a) + [task.state.value for task in rest]),
            "tag_w": words(done.tag[a:b] + [task.reason for task in rest]),
            "path_w": words(chunks.without_plain(names, paths)),
            "line_w": words([""] * (b - a) + [line for line, _ in lines]),
            "task_w": words(names),
            "attempts": [*done.attempts[a:b], *(number for number, _ in chains)],
            "row": [*done.row[a:b], *(row for _, row in chains)],
            "until": [*none, *(None if task.until is None else round(task.until * 1000) for task in rest)],
            "submitted": [*none, *(self.submitted.get(task.identity) for task in rest)],
            "progress": [*none, *(progress for _, progress in lines)],
            "detail": details + [self.details.get(task.identity, -1) for task in rest],
            "words": words.words,
        }  # fmt: skip
        return [chunks.short(payload)]
