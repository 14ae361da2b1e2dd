"""Columns <-> the data files of the page: `dsgspool.chunk("NAME",'{...}');`, plain ASCII, named by a hash of their content.

The rule: JSON in, JSON out, and nothing in it can end a script or a line: `<` and everything beyond ASCII is escaped.
A chunk has its own dictionary of words; -1 in a column of words and null elsewhere mean: not known.  The JSON stands there
as a text, because a browser reads that twice as fast as the same thing as a program; and a column that has one value for
all rows is that value, one that counts up is `{"from": N}`, and moments are counted from the earliest one, `base`.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dsgspool.report.table import INTEGERS, MOMENTS, NAN, NONE, NUMBERS, TEXTS, Attempts

AIM = 1_500_000  #: bytes that a chunk should not have more of
_BASED = (*MOMENTS, "until")  #: columns that are counted from `base`
_NO_COLUMNS = ("kind", "first", "rows", "base", "words")
ROWS = 8192  #: of a chunk, when they are not too long

Payload = dict[str, Any]


def dump(payload: object) -> str:
    """Compact JSON that may stand in a script."""
    return json.dumps(payload, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def digest(text: str) -> str:
    """What a file of this content is called by."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def script(call: str, kind: str, payload: object) -> tuple[str, bytes]:
    """(name, content) of a data file that hands `payload` to `dsgspool.CALL`."""
    text = dump(payload)
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
    """Columns of equal values as one value, of numbers that count up as where they begin, moments from the earliest on."""
    base = min((moment for name in _BASED for moment in payload.get(name, ()) if moment is not None), default=0)
    found: Payload = {"base": base}
    for name, column in payload.items():
        if not isinstance(column, list) or name == "words":
            found[name] = column
            continue
        if name in _BASED:
            column = [None if moment is None else moment - base for moment in column]
        first = column[0]
        if column.count(first) == len(column):
            found[name] = first
        elif isinstance(first, int) and column == list(range(first, first + len(column))):
            found[name] = {"from": first}
        else:
            found[name] = column
    return found


def whole(payload: Payload) -> Payload:
    """The same with all columns as lists."""
    rows, base = int(payload["rows"]), int(payload["base"])
    found: Payload = {}
    for name, column in payload.items():
        if name not in _NO_COLUMNS and isinstance(column, dict):
            column = list(range(column["from"], column["from"] + rows))
        elif name not in _NO_COLUMNS and not isinstance(column, list):
            column = [column] * rows
        found[name] = [None if value is None else value + base for value in column] if name in _BASED else column
    del found["base"]
    return found


def body(name: str, data: bytes) -> bytes:
    """The JSON in a chunk; ValueError when it is not what its name says."""
    head, tail = f'dsgspool.chunk("{name}",\''.encode(), b"');\n"
    if not data.startswith(head) or not data.endswith(tail):
        raise ValueError(f"{name} is no chunk")
    data = data[len(head) : -len(tail)]
    if b"\\" in data:
        data = re.sub(rb"\\(.)", rb"\1", data)
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
        return [numbers.setdefault(text, len(numbers) - 1) for text in texts]

    @property
    def words(self) -> list[str]:
        """All of them, in the order of their numbers."""
        return list(self._numbers)[1:]


def attempts(table: Attempts, first: int, stop: int) -> Payload:
    """Rows [first, stop) of the table."""
    words = Words()
    # Names of tasks nearly all differ: behind the others they leave these the small numbers, and count up themselves.
    columns: Payload = {f"{name}_w": words(getattr(table, name)[first:stop]) for name in (*TEXTS[1:], TEXTS[0])}
    columns["n"] = table.number[first:stop].tolist()
    for name in (*MOMENTS, *INTEGERS, "inode"):
        columns[name] = _nulls(getattr(table, name)[first:stop])
    for name in NUMBERS:
        column = getattr(table, name)[first:stop]
        columns[name] = [None if math.isnan(value) else round(value, 3) for value in column]
    return short({"kind": "attempts", "first": first, "rows": stop - first, "words": words.words, **columns})


def _nulls(column: array[int]) -> list[int | None]:
    return [None if value == NONE else value for value in column] if NONE in column else list(column)


def extend(table: Attempts, payload: Payload, rows: int, known: dict[str, str]) -> None:
    """Put the first `rows` rows of a chunk behind the table.  ValueError, TypeError or KeyError when it is no such one."""
    words = [known.setdefault(word, word) for word in payload["words"]] + [""]
    for name in TEXTS:
        getattr(table, name).extend([words[index] for index in _column(payload, f"{name}_w", rows)])
    table.number += array("q", _column(payload, "n", rows))
    for name in (*MOMENTS, *INTEGERS, "inode"):
        column = _column(payload, name, rows)
        numbers = [NONE if value is None else value for value in column] if None in column else column
        getattr(table, name).extend(array("q", numbers))
    for name in NUMBERS:
        column = _column(payload, name, rows)
        numbers = [NAN if value is None else value for value in column] if None in column else column
        getattr(table, name).extend(array("d", numbers))


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
