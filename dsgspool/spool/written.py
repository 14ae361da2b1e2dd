"""What the files of a sweep said: sweeps/NAME/table/rows, written down once.

The rule: the folder is put into its place whole, by one rename, and only where none lies; what lies there counts, for whoever
made it too.  Its last line says of which task file it is, and how many rows each source had.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator

from dsgspool.classes import dataclass
from dsgspool.errors import InvalidTask
from dsgspool.items import MOST, Sweep
from dsgspool.spool.divisions import FOLDER, TABLE, own_place
from dsgspool.spool.moves import Moves
from dsgspool.spool.once import Once
from dsgspool.sweeps import Parts, sweep_in
from dsgspool.tables import LAST, ROWS, TAIL, TextTable


@dataclass(frozen=True, slots=True)
class Written:
    """An open table: of which task file it is, and what it has of each source.  Whoever found it closes it."""

    descriptor: int
    status: os.stat_result
    digest: str
    mtime: float
    parts: Parts

    def is_of(self, data: bytes, mtime: float) -> bool:
        """True for the table of that task file; a copy of it that was made later is another file."""
        return self.digest == hashlib.sha256(data).hexdigest() and self.mtime == mtime


def facts_of(data: bytes, mtime: float) -> dict[str, object]:
    """What a table says of the task file that it was made for."""
    return {"digest": hashlib.sha256(data).hexdigest(), "mtime": mtime}


class Tables:
    """In a spool."""

    def __init__(self, moves: Moves) -> None:
        self.moves, self.root, self.fs, self.once = moves, moves.spool.root, moves.fs, Once(moves)

    def folder(self, sweep: str) -> str:
        """Where the table of a sweep lies."""
        return f"{self.root}/{FOLDER}/{sweep}/{TABLE}"

    def stage(self, owner: int) -> tuple[str, int]:
        """A folder for one that is still to be written, and its open file, which only `owner` may read (-1 = others may too)."""
        staged = self.once.stage()
        return staged, self.fs.create(f"{staged}/{ROWS}", owner=owner)

    def put(self, staged: str, sweep: str) -> None:
        """Put one into its place, unless another is there: what lies there counts."""
        with own_place(self.folder(sweep)):
            self.once.put(staged, self.folder(sweep))

    def drop(self, staged: str) -> None:
        """One that is not wanted."""
        with contextlib.suppress(OSError):
            self.once.drop(staged)

    def find(self, sweep: str) -> Written | None:
        """The table of a sweep, None when it has none.  InvalidTask for one that does not tell what it is of."""
        return self.read(self.folder(sweep))

    def read(self, folder: str) -> Written | None:
        """The one in a folder."""
        path = f"{folder}/{ROWS}"
        try:
            with own_place(path):
                self.fs.see(path)
                descriptor, status = self.fs.open_whole(path)
        except FileNotFoundError:
            return None
        with contextlib.suppress(ValueError, LookupError, TypeError):
            tail = self.fs.read_open(descriptor, max(0, status.st_size - TAIL), TAIL)
            said = json.loads((b"\n" + tail).rpartition(b"\n" + LAST)[2])
            parts = [([str(key) for key in keys], int(count)) for keys, count in said["parts"]]
            if parts and all(0 < count <= MOST for _, count in parts):
                return Written(descriptor, status, str(said["digest"]), float(said["mtime"]), parts)
        self.fs.close(descriptor)
        raise InvalidTask(f"{path} does not tell what it is", remedy="remove its folder, if none of it was queued")

    @contextlib.contextmanager
    def sweep_of(self, sweep: str, data: bytes) -> Iterator[Sweep]:
        """The items of a task file; InvalidTask when it takes rows from files that are not written down."""
        if not (found := sweep_in(data)).sources:
            yield found
            return
        if (written := self.find(sweep)) is None:
            raise InvalidTask(f"there is no {self.folder(sweep)}")
        try:
            found = sweep_in(data, written.parts)
            found.table = self.rows(written)
            yield found
        finally:
            self.fs.close(written.descriptor)

    def rows(self, written: Written) -> TextTable:
        """Its rows, read as far as they are asked for."""
        return TextTable(
            lambda offset, limit: self.fs.read_open(written.descriptor, offset, limit), written.status.st_size
        )
