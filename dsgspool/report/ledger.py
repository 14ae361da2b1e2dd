"""What the writer of the report remembers from one rendering to the next: SPOOL/reports/.ledger/ledger.json.

The rule: what is finished is read once, ever, and the folders stay the truth.  The rows of attempts and tasks are kept
in the page's own chunks, whose names say what they must hold; the ledger names them in order.  JSON only, so nothing in
it can run.  A ledger that is broken, of another version, or whose chunks are not what it says is as good as none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, field
from typing import TYPE_CHECKING, Any

from dsgspool import __version__
from dsgspool.classes import dataclass
from dsgspool.report import chunks, columns
from dsgspool.report.book import Book, Past
from dsgspool.report.finished import Finished
from dsgspool.report.listing import Stamp, Stretch
from dsgspool.report.table import Attempts
from dsgspool.report.tally import Tally
from dsgspool.snapshot.values import Counts

if TYPE_CHECKING:
    from dsgspool.fs import Fs

VERSION = f"10 {__version__}"
MOST_BATCHES = 200  #: of which the past is remembered
LIMIT = 1 << 28  #: bytes of a ledger that is read
_BROKEN = (*columns.BROKEN, OverflowError)


@dataclass(slots=True)
class Block:
    """Rows [first, first + rows) as they lie in the chunks of each part.  `full`: they stay as they are while the rows do."""

    files: list[str]
    first: int
    rows: int
    full: bool = False
    tally: Tally | None = field(default=None, compare=False)  #: of attempts; these two are not in the ledger itself
    folders: frozenset[str] | None = field(default=None, compare=False)  #: that attempts lie in, below logs/


@dataclass(slots=True)
class Pack:
    """A chunk of details and the tasks that it tells of, each with a mark that changes when its attempts do."""

    file: str
    size: int
    tasks: dict[str, str]


@dataclass(slots=True)
class Ledger:
    """All of it.  `attempts` and `finished` hold what is over for ever."""

    attempts: Attempts = field(default_factory=Attempts)
    finished: Finished = field(default_factory=Finished)
    attempt_blocks: list[Block] = field(default_factory=list)
    task_blocks: list[Block] = field(default_factory=list)
    packs: list[Pack] = field(default_factory=list)
    logs: dict[str, Stamp] = field(default_factory=dict)  #: folders below logs/ and done/: see listing.py
    done: dict[str, Stamp] = field(default_factory=dict)
    past: list[Past] = field(default_factory=list)
    unused: dict[str, float] = field(default_factory=dict)  #: data file -> when it fell out of use
    last_seen: dict[str, float] = field(default_factory=dict)  #: worker that has ended -> its last heartbeat
    came: dict[str, float] = field(default_factory=dict)  #: file in failed/ that no attempt sent there -> since when
    journals: dict[str, Any] = field(default_factory=dict)  #: see journals.py
    took: float = 0.0  #: seconds of the last rendering

    def stretches(self) -> list[Stretch]:
        """Of the attempts that were known at the last rendering, as far as their folders are known."""
        known = [block for block in self.attempt_blocks if block.folders is not None]
        return [Stretch(block.first, block.first + block.rows, block.folders or frozenset()) for block in known]


def load(fs: Fs, folder: str) -> Ledger:
    """The ledger of a reports folder, an empty one when there is none that can be trusted."""
    try:
        data = fs.read(f"{folder}/.ledger/ledger.json", LIMIT)[0]
        return _ledger(fs, folder, json.loads(data))
    except _BROKEN:
        return Ledger()


def _ledger(fs: Fs, folder: str, kept: dict[str, Any]) -> Ledger:
    if kept["version"] != VERSION:
        raise ValueError("another version's")
    ledger = Ledger(
        attempt_blocks=[Block(*block) for block in kept["attempts"]],
        task_blocks=[Block(*block) for block in kept["tasks"]],
        packs=[Pack(str(file), int(size), dict(tasks)) for file, size, tasks in kept["packs"]],
        logs={str(folder): Stamp.of_json(stamp) for folder, stamp in kept["logs"].items()},
        done={str(folder): Stamp.of_json(stamp) for folder, stamp in kept["done"].items()},
        past=[_past(entry) for entry in kept["past"]],
        unused={str(name): float(moment) for name, moment in kept["unused"].items()},
        last_seen={str(wid): float(moment) for wid, moment in kept["last_seen"].items()},
        came={str(path): float(moment) for path, moment in kept["came"].items()},
        journals=dict(kept["journals"]),
        took=float(kept["took"]),
    )
    _read_attempts(fs, folder, ledger, int(kept["settled"]))
    _read_finished(fs, folder, ledger, int(kept["finished"]))
    return ledger


def _past(entry: dict[str, Any]) -> Past:
    return Past(float(entry["moment"]), Counts(**entry["counts"]), dict(entry["batches"]))


def _chunk(fs: Fs, data: str, name: str) -> bytes:
    if "/" in name:
        raise ValueError(name)
    return fs.read(f"{data}/{name}")[0]


def _read_attempts(fs: Fs, folder: str, ledger: Ledger, settled: int) -> None:
    known: dict[str, str] = {}
    table = ledger.attempts
    for block in ledger.attempt_blocks:
        if rows := _rows(block, len(table), settled):
            parts = [_chunk(fs, f"{folder}/data", file) for file in block.files]
            if not (block.full and columns.read_attempts(fs, f"{folder}/.ledger", block, parts, table, known)):
                for file, part in zip(block.files, parts, strict=True):
                    chunks.extend(table, chunks.parse(file, part), rows, known)
    if len(table) != settled or len(set(map(len, table.columns()))) != 1:
        raise ValueError("attempts are missing")
    table.settled = settled
    ledger.attempt_blocks = [block for block in ledger.attempt_blocks if block.full]


def _rows(block: Block, first: int, stop: int) -> int:
    """How many rows of a block come before `stop`; ValueError when it does not begin at `first`."""
    rows = min(block.rows, stop - block.first)
    if rows > 0 and block.first != first:
        raise ValueError("a gap between two blocks")
    return max(0, rows)


def _read_finished(fs: Fs, folder: str, ledger: Ledger, count: int) -> None:
    known = ledger.finished
    for block in ledger.task_blocks:
        if rows := _rows(block, len(known), count):
            parts = [_chunk(fs, f"{folder}/data", file) for file in block.files]
            if not (block.full and columns.read_tasks(fs, f"{folder}/.ledger", block, parts, known)):
                (payload,) = map(chunks.parse, block.files, parts)
                tasks, tags = (chunks.column_of_words(payload, f"{name}_w", rows) for name in ("task", "tag"))
                paths = chunks.with_plain(tasks, chunks.column_of_words(payload, "path_w", rows))
                attempts, newest = (chunks.column_of_numbers(payload, name, rows) for name in ("attempts", "row"))
                known.extend((tasks, paths, tags), (attempts, newest))
    if len(known) != count or max(known.row, default=-1) >= len(ledger.attempts):
        raise ValueError("tasks are missing")
    ledger.task_blocks = [block for block in ledger.task_blocks if block.full]


def save(fs: Fs, folder: str, ledger: Ledger, settled: int, blocks: tuple[Iterable[Block], Iterable[Block]]) -> None:
    """Put it in the place of the old one.  `blocks`: all chunks of attempts and of tasks that the page names."""
    attempts, tasks = blocks
    kept = {
        "version": VERSION,
        "settled": settled,
        "finished": len(ledger.finished),
        "attempts": [[block.files, block.first, block.rows, block.full] for block in attempts],
        "tasks": [[block.files, block.first, block.rows, block.full] for block in tasks],
        "packs": [[pack.file, pack.size, pack.tasks] for pack in ledger.packs],
        "logs": {folder: stamp.as_json() for folder, stamp in ledger.logs.items()},
        "done": {folder: stamp.as_json() for folder, stamp in ledger.done.items()},
        "past": [asdict(past) for past in ledger.past],
        "unused": ledger.unused,
        "last_seen": ledger.last_seen,
        "came": ledger.came,
        "journals": ledger.journals,
        "took": ledger.took,
    }
    fs.make_folder(f"{folder}/.ledger")
    fs.replace(f"{folder}/.ledger/ledger.json", chunks.dump(kept).encode())


def remember(past: list[Past], book: Book) -> list[Past]:
    """The counts of this rendering behind the earlier ones: one a minute for two hours, one in a quarter for a day."""
    finished = {batch: counts.finished for batch, counts in list(book.snapshot.batches.items())[:MOST_BATCHES]}
    kept: list[Past] = []
    for each in [*past, Past(book.taken, book.snapshot.counts, finished)]:
        age = book.taken - each.moment
        gap = 60.0 if age < 7200 else 900.0
        if 0 <= age < 26 * 3600 and (not kept or each.moment - kept[-1].moment >= gap):
            kept.append(each)
    return kept
