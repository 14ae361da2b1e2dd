"""Columns <-> the data files of the page: `dsgspool.chunk("NAME", {...});`, plain ASCII, named by a hash of their content.

The rule: JSON in, JSON out, and nothing in it can end a script or a line: `<` and everything beyond ASCII is escaped.
A chunk has its own dictionary of words; -1 in a column of words and null elsewhere mean: not known.
"""

from __future__ import annotations

import hashlib
import json
import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dsgspool.report.table import INTEGERS, MOMENTS, NAN, NONE, NUMBERS, TEXTS, Attempts

AIM = 1_500_000  #: bytes that a chunk should not have more of
ROWS = 4096  #: of a chunk, when they are not too long

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
    return name, (f'dsgspool.{call}("{name}",{text});\n' if call == "chunk" else f"dsgspool.{call}({text});\n").encode()


def parse(name: str, data: bytes) -> Payload:
    """What a chunk holds; ValueError when it is not what its name says."""
    payload = json.loads(body(name, data))
    if not isinstance(payload, dict):
        raise ValueError(f"{name} holds no columns")  # noqa: TRY004 - whatever is wrong with it is one error
    return payload


def body(name: str, data: bytes) -> bytes:
    """The JSON in a chunk; ValueError when it is not what its name says."""
    head, tail = f'dsgspool.chunk("{name}",'.encode(), b");\n"
    if not data.startswith(head) or not data.endswith(tail):
        raise ValueError(f"{name} is no chunk")
    data = data[len(head) : -len(tail)]
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
    columns: Payload = {f"{name}_w": words(getattr(table, name)[first:stop]) for name in TEXTS}
    columns["n"] = table.number[first:stop].tolist()
    for name in (*MOMENTS, *INTEGERS, "inode"):
        columns[name] = _nulls(getattr(table, name)[first:stop])
    for name in NUMBERS:
        column = getattr(table, name)[first:stop]
        columns[name] = [None if math.isnan(value) else round(value, 3) for value in column]
    return {"kind": "attempts", "first": first, "rows": stop - first, "words": words.words, **columns}


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
