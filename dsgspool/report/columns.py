"""Full chunks of attempts once more, for the writer itself: columns as the table holds them, read twice as fast as the parts.

The rule: a copy beside the ledger and never the truth.  It begins with a hash of the rest; one that is missing, broken
or not what its name says makes the parts themselves be read.
"""

from __future__ import annotations

import binascii
import hashlib
import json
import sys
from array import array
from typing import TYPE_CHECKING

from dsgspool.report.chunks import Words, digest
from dsgspool.report.table import COLUMNS, TEXTS, Attempts

if TYPE_CHECKING:
    from dsgspool.fs import Fs
    from dsgspool.report.ledger import Block

_SUFFIX = ".columns.json"


def keep(fs: Fs, memory: str, table: Attempts, blocks: list[Block]) -> None:
    """Write the copies that are missing, remove those that nobody needs any more."""
    there = {name for name in fs.names(memory) if name.endswith(_SUFFIX)}
    wanted = {_name(block): block for block in blocks if block.full}
    for name in wanted.keys() - there:
        fs.replace(f"{memory}/{name}", pack(table, wanted[name].first, wanted[name].first + wanted[name].rows))
    for name in there - wanted.keys():
        fs.remove(f"{memory}/{name}")


def read(fs: Fs, memory: str, block: Block, table: Attempts, known: dict[str, str]) -> bool:
    """Put the rows of a block behind the table; False, and nothing changed, when its copy is of no use."""
    try:
        return unpack(fs.read(f"{memory}/{_name(block)}")[0], block.rows, table, known)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        return False


def _name(block: Block) -> str:
    """Of all parts together: another one of them makes another copy."""
    return f"attempts-{digest(' '.join(block.files))}{_SUFFIX}"


def pack(table: Attempts, first: int, stop: int) -> bytes:
    """Rows [first, stop) of the table."""
    words = Words()
    columns: dict[str, object] = {}
    for name in COLUMNS[1:]:
        column = getattr(table, name)[first:stop]
        columns[name] = _text(array("i", words(column)) if name in TEXTS else column)
    columns["task"] = table.task[first:stop]  # nearly all differ: no dictionary
    body = json.dumps({"rows": stop - first, "words": words.words, "columns": columns}).encode()
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def _text(column: array[int] | array[float]) -> str:
    if sys.byteorder == "big":
        column = column[:]
        column.byteswap()
    return binascii.b2a_base64(column.tobytes(), newline=False).decode()


def unpack(data: bytes, rows: int, table: Attempts, known: dict[str, str]) -> bool:
    """Put so many rows behind the table.  True, or nothing changed."""
    told, _, body = data.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != told:
        return False
    kept = json.loads(body)
    words = [known.setdefault(word, word) for word in kept["words"]] + [""]
    kinds = {name: "i" if name in TEXTS else getattr(table, name).typecode for name in COLUMNS[1:]}
    columns = {name: _column(kept["columns"][name], kind) for name, kind in kinds.items()}
    tasks = kept["columns"]["task"]
    if type(tasks) is not list or {len(tasks), *map(len, columns.values())} != {rows}:
        return False
    texts = {name: list(map(words.__getitem__, columns[name])) for name in TEXTS[1:]}
    table.task += tasks
    for name in COLUMNS[1:]:
        column = getattr(table, name)
        column += texts.get(name, columns[name])
    return True


def _column(text: str, typecode: str) -> array[int]:
    column: array[int] = array(typecode)
    column.frombytes(binascii.a2b_base64(text))
    if sys.byteorder == "big":
        column.byteswap()
    return column
