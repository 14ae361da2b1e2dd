"""The load of nodes: the newest `node` line of each living worker's journal.

The rule: of a journal of any size only what came since the last look is read, and at first only its end; a line that is
broken says nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from dsgspool.cli.top.values import Load
from dsgspool.fs import Fs

FIRST, MOST = 1 << 16, 1 << 20  #: bytes read of a journal at the first look and at each later one
_MARK = b'"event": "node"'


class Loads:
    """Remembers how far it has read."""

    def __init__(self, fs: Fs, folder: str) -> None:
        self.fs, self.folder = fs, folder
        self._offsets: dict[str, int] = {}
        self._known: dict[str, Load] = {}

    def of(self, wids: Iterable[str]) -> dict[str, Load]:
        """WID -> what its worker said last."""
        try:
            files = [file for file in self.fs.names(self.folder) if file.endswith(".jsonl")]
        except OSError:
            files = []
        wanted = set(wids)
        for file in sorted(files, key=_part):
            if (wid := file.partition(".")[0]) in wanted and (load := self._read(file)):
                self._known[wid] = load
        return {wid: self._known[wid] for wid in wanted if wid in self._known}

    def _read(self, file: str) -> Load | None:
        path = f"{self.folder}/{file}"
        try:
            size = self.fs.status(path).st_size
            offset = self._offsets.get(file)
            start = max(0, size - FIRST) if offset is None else max(offset, size - MOST)
            data = self.fs.read_at(path, start, size - start) if size > start else b""
        except OSError:
            return None
        whole = data.rpartition(b"\n")[0]
        self._offsets[file] = start + len(whole)
        return next(filter(None, map(_load, reversed(whole.split(b"\n")))), None)


def _part(file: str) -> tuple[str, int]:
    """WID.jsonl, WID.2.jsonl ... WID.10.jsonl, in this order."""
    wid, _, rest = file.partition(".")
    number = rest.partition(".")[0]
    return wid, int(number) if number.isdecimal() else 1


def _load(line: bytes) -> Load | None:
    if _MARK not in line:
        return None
    try:
        facts = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(facts, dict) or facts.get("event") != "node":
        return None
    return Load(*(_number(facts.get(key)) for key in ("load", "cpu", "memory_used", "memory_total")))


def _number(value: Any) -> float | None:  # noqa: ANN401 - any JSON value
    usable = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e18
    return float(value) if usable else None
