"""Columns <-> the data files of the page: `dsgspool.chunk("NAME",'{...}');`, plain ASCII, named by a hash of their content.

The rule: JSON in, JSON out, and nothing in it can end a script or a line: `<` and everything beyond ASCII is escaped.
The JSON stands there as a text, because a browser reads that twice as fast as the same thing as a program.  Attempts are
parted by columns too (PARTS), so that a page loads what it shows.  A chunk has its own dictionary of words; -1 in a column
of words and null elsewhere mean: not known.  Columns of numbers are not written as digits, see `packed`.
"""

from __future__ import annotations

import binascii
import hashlib
import json
import math
import sys
from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dsgspool.report.table import MOMENTS, NAN, NONE, NUMBERS, TEXTS, Attempts

PARTS = {
    "runs": ("host", "outcome", *MOMENTS, "seconds", "reason", "error", "tags", "number"),
    "names": ("task",),
    "rest": ("worker", "cpus", "cpu_seconds", "memory", "memory_limit", "code", "signal", "out", "err", "inode"),
}  #: of the columns of attempts: each part is a chunk of its own
AIM = 1_500_000  #: bytes that a chunk should not have more of
ROWS = 8192  #: of a chunk, when they are not too long
_NO_COLUMNS = ("kind", "first", "rows", "words")
_WIDTHS = ((1, "B"), (2, "H"), (4, "I"), (8, "Q"))  #: bytes of a number, and what `array` calls them

Payload = dict[str, Any]


def dump(payload: object) -> str:
    """Compact JSON that may stand in a script."""
    return json.dumps(payload, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def digest(text: str) -> str:
    """What a file of this content is called by."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def script(call: str, kind: str, payload: object) -> tuple[str, bytes]:
    """(name, content) of a data file that hands `payload` to `dsgspool.CALL`."""
    return dumped(call, kind, dump(payload))


def dumped(call: str, kind: str, text: str) -> tuple[str, bytes]:
    """The same of what `dump` has made already."""
    name = f"{kind}-{digest(text)}.js"
    if call != "chunk":
        return name, f"dsgspool.{call}({text});\n".encode()
    quoted = text.replace("\\", "\\\\").replace("'", "\\'")
    return name, f"dsgspool.chunk(\"{name}\",'{quoted}');\n".encode()


def parse(name: str, data: bytes) -> Payload:
    """What a chunk holds; ValueError when it is not what its name says."""
    payload = json.loads(body(name, data))
    if not isinstance(payload, dict):
        raise ValueError(f"{name} holds no columns")  # noqa: TRY004 - whatever is wrong with it is one error
    return whole(payload) if "rows" in payload else payload


def short(payload: Payload) -> Payload:
    """The same with its columns `packed`."""
    return {name: column if name in _NO_COLUMNS else packed(column) for name, column in payload.items()}


def whole(payload: Payload) -> Payload:
    """The same with all columns as lists."""
    rows = int(payload["rows"])
    return {name: column if name in _NO_COLUMNS else unpacked(column, rows) for name, column in payload.items()}


def packed(column: list[Any]) -> object:
    """A column in few bytes that are soon read: the value of all rows; `{"from": N}`, which counts up from N; `{"from": N,
    "bytes": B, "data": TEXT}`, base64 of little-endian numbers of B bytes each to which N is added, 0 = null; else a list.
    """
    first = column[0]
    if column.count(first) == len(column):
        return first
    if not {type(value) for value in column} <= {int, type(None)}:
        return column
    if first is not None and column == list(range(first, first + len(column))):
        return {"from": first}
    known = [value for value in column if value is not None]
    least, most = min(known) - 1, max(known)
    for width, code in _WIDTHS:
        if most - least < 1 << (8 * width):
            numbers = array(code, [0 if value is None else value - least for value in column])
            data = binascii.b2a_base64(_little(numbers).tobytes(), newline=False).decode()
            return {"from": least, "bytes": width, "data": data}
    return column


def unpacked(column: Any, rows: int) -> list[Any]:  # noqa: ANN401 - whatever a chunk holds there
    """All values of a column.  ValueError, TypeError or KeyError when it is none of so many rows."""
    if isinstance(column, dict) and "data" in column:
        least, numbers = column["from"], array(dict(_WIDTHS)[column["bytes"]])
        numbers.frombytes(binascii.a2b_base64(column["data"]))
        found = [value + least for value in _little(numbers)]
        column = found if 0 not in numbers else [None if value == least else value for value in found]
    elif isinstance(column, dict):
        return list(range(column["from"], column["from"] + rows))
    elif not isinstance(column, list):
        return [column] * rows
    if len(column) != rows:
        raise ValueError("a column is too short")
    return list(column)


def _little(numbers: array[int]) -> array[int]:
    """The same in the order of bytes in which it is written, whatever this machine's is."""
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def body(name: str, data: bytes) -> bytes:
    """The JSON in a chunk; ValueError when it is not what its name says."""
    head, tail = f'dsgspool.chunk("{name}",\''.encode(), b"');\n"
    if not data.startswith(head) or not data.endswith(tail):
        raise ValueError(f"{name} is no chunk")
    data = data[len(head) : -len(tail)]
    if b"\\" in data:  # no zero byte is in any JSON
        data = data.replace(rb"\\", b"\0").replace(rb"\'", b"'").replace(b"\0", b"\\")
    if f"-{hashlib.sha256(data).hexdigest()[:16]}.js" != name[-20:]:
        raise ValueError(f"{name} is not what its name says")
    return data


class Words:
    """The dictionary of one chunk."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {"": -1}

    def __call__(self, texts: Sequence[str]) -> list[int]:
        """A column of texts as indexes; '' is -1."""
        numbers = self._numbers
        for text in dict.fromkeys(texts):  # most columns have few
            numbers.setdefault(text, len(numbers) - 1)
        return list(map(numbers.__getitem__, texts))

    @property
    def words(self) -> list[str]:
        """All of them, in the order of their numbers."""
        return list(self._numbers)[1:]


def attempts(table: Attempts, first: int, stop: int) -> list[Payload]:
    """Rows [first, stop) of the table, one payload for each part."""
    return [_part(table, kind, first, stop) for kind in PARTS]


def _part(table: Attempts, kind: str, first: int, stop: int) -> Payload:
    words = Words()
    columns: Payload = {}
    for name in PARTS[kind]:
        column = getattr(table, name)[first:stop]
        if name in TEXTS:
            columns[f"{name}_w"] = words(column)
        elif name in NUMBERS:
            columns[name] = [None if math.isnan(value) else round(value * 1000) for value in column]
        else:
            columns[name] = _nulls(column)
    return short({"kind": kind, "first": first, "rows": stop - first, "words": words.words, **columns})


def _nulls(column: array[int]) -> list[int | None]:
    return [None if value == NONE else value for value in column] if NONE in column else list(column)


def extend(table: Attempts, part: Payload, rows: int, known: dict[str, str]) -> None:
    """Put the first `rows` rows of a part behind its columns.  ValueError, TypeError or KeyError when it is no such one."""
    words = [*map(known.setdefault, part["words"], part["words"]), ""]
    for name in PARTS[part["kind"]]:
        column = getattr(table, name)
        if name in TEXTS:
            column.extend([words[index] for index in _column(part, f"{name}_w", rows)])
        elif name in NUMBERS:
            column.extend([NAN if value is None else value / 1000 for value in _column(part, name, rows)])
        else:
            numbers = _column(part, name, rows)
            column.extend([NONE if value is None else value for value in numbers] if None in numbers else numbers)


def _column(payload: Mapping[str, Any], name: str, rows: int) -> list[Any]:
    column = payload[name]
    if type(column) is not list or len(column) < rows:
        raise ValueError(f"the column {name} is too short")
    return column if len(column) == rows else column[:rows]


def without_plain(tasks: Sequence[str], paths: Sequence[str]) -> list[str]:
    """Paths of tasks, '' where it is the one that each task begins with: BATCH/NAME.yaml."""
    return ["" if path == f"{task}.yaml" else path for task, path in zip(tasks, paths, strict=True)]


def with_plain(tasks: Sequence[str], paths: Sequence[str]) -> list[str]:
    """The same paths, whole again."""
    return [path or f"{task}.yaml" for task, path in zip(tasks, paths, strict=True)]


def column_of_words(payload: Mapping[str, Any], name: str, rows: int) -> list[str]:
    """A column of words as texts."""
    words = [*payload["words"], ""]
    return [words[index] for index in _column(payload, name, rows)]


def column_of_numbers(payload: Mapping[str, Any], name: str, rows: int) -> array[int]:
    """A column of whole numbers in which none is missing."""
    return array("q", _column(payload, name, rows))


def halves(first: int, stop: int) -> Iterator[tuple[int, int]]:
    """Two parts of a range that was too much for one chunk."""
    middle = (first + stop) // 2
    yield first, middle
    yield middle, stop
