"""Records: what is known of one attempt, logs/NAME.N.yaml, written in two parts by one writer.

The rule: reading never raises.  A record that broke off gives what stands in it whole: a last key whose line has no end
is dropped, because `exit_code: 1` may be the beginning of 137.  Only the line `...` says that the attempt is over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields as dataclass_fields
from typing import Any

from dsgspool.classes import dataclass
from dsgspool.errors import InvalidTask
from dsgspool.expressions import expression
from dsgspool.yamltext import Node, compose, pairs

MAX_BYTES = 4 * 1024 * 1024  #: the text of the task may be escaped, its environment is there twice
PAGE = 4096  #: bytes; larger pages are multiples of it
CUT = 5.0  #: times `settle` for a file that looks like a part of one
TOO_LARGE = 2.0**63  #: for a number: what is counted has fewer
MAX_CUTS = 50  #: keys that are given up one after the other before the whole record is: else a bad one costs hours
_CLAIM = expression(rb'^claim: "?([a-z0-9-]+\.[0-9]+)"?\r?\n', re.MULTILINE)
_KEY = expression(rb"^[a-z_]+:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Record:
    """One attempt.  None = not known (yet).  Moments are ISO 8601 in UTC, the names of the keys tell the units."""

    format: int | None = None
    task: str | None = None  #: identity, BATCH/NAME
    attempt: int | None = None
    worker: str | None = None
    claim: str | None = None  #: WID.C
    host: str | None = None
    pid: int | None = None
    started: str | None = None
    file: str | None = None  #: name of the file as it was claimed
    submitted: str | None = None  #: when the task file was last written to, as it was run
    digest: str | None = None  #: sha256 of the text, hexadecimal
    text: str | None = None  #: the task file as it was run
    policy: str | None = None  #: batches/NAME.yaml as it was laid below that, when it has `defaults`
    command: str | tuple[str, ...] | None = None  #: as resolved
    cwd: str | None = None
    environment: Mapping[str, str] | None = None  #: what the task added to the worker's
    git: str | None = None  #: commit of cwd
    cpus: int | None = None
    gpus: tuple[int, ...] | None = None  #: indexes of those that it got
    memory_limit_bytes: int | None = None  #: limits.memory
    ended: str | None = None
    seconds: float | None = None
    exit_code: int | None = None
    signal: int | None = None
    outcome: str | None = None  #: done, exit1, timeout, lost ...
    reason: str | None = None
    next: str | None = None  #: what followed: `done`, `failed~exit1`, `waiting~1l0+30.0`, `nothing`
    cpu_seconds: float | None = None
    read_bytes: int | None = None  #: from disks, caches not counted
    written_bytes: int | None = None
    peak_memory_bytes: int | None = None
    stdout_bytes: int | None = None
    stderr_bytes: int | None = None
    items_done: int | None = None  #: of a chunk of a sweep: items that are done
    items_failed: int | None = None
    leftovers: int | None = None  #: processes killed after the command had ended


def is_complete(data: bytes) -> bool:
    """True when the last line that is not empty is `...`."""
    return data.rstrip()[-4:] in (b"\n...", b"...")


def time_at_rest(data: bytes, settle: float) -> float:
    """Seconds for which a file must not change before it is believed to be whole.

    RACE: a copy to NFS reaches the server in pieces of whole pages, and on a busy one `settle` may pass between two of
    them (lv).  So what ends in the middle of a line, or after exactly so many pages, is given more time.
    """
    if is_complete(data):
        return 0.0
    looks_cut = not data.endswith(b"\n") or len(data) % PAGE == 0
    return CUT * settle if looks_cut else settle


def record_is_over(data: bytes) -> bool:
    """True when the writer closed the record: the attempt has its end."""
    return is_complete(data)


def record_claim(data: bytes) -> str | None:
    """WID.C of the claim that the attempt belongs to, None when its line is not there whole."""
    match = _CLAIM.search(data)
    return match[1].decode() if match else None


def parse_record(data: bytes) -> Record:
    """What can be read of a record."""
    if not data.endswith(b"\n") and not is_complete(data):
        data = _without_last_key(data)
    for _ in range(MAX_CUTS):
        try:
            return _record(compose(data, MAX_BYTES)) if data else Record()
        except InvalidTask as error:
            data = _without_last_key(data, error.line)
    return Record()


def _without_last_key(data: bytes, line: int | None = None) -> bytes:
    """Everything before the last key, or before the key at which something is wrong."""
    starts = [match.start() for match in _KEY.finditer(data)]
    if line:
        wrong = sum(map(len, data.splitlines(keepends=True)[: line - 1]))
        starts = [start for start in starts if start <= wrong] or starts[:1]
    return data[: starts[-1]] if starts else b""


def _record(root: Node) -> Record:
    values: dict[str, Any] = {}
    for key, node in pairs(root, "the record"):
        if read := _READERS.get(key.value):
            try:
                values[key.value] = read(node)
            except ValueError:
                values[key.value] = None
    return Record(**values)


def _text(node: Node) -> str | None:
    return node.value if node.kind == "scalar" and node.tag != "null" else None


def _integer(node: Node) -> int:
    _number(node)
    return int(node.value)


def _number(node: Node) -> float:
    if not abs(number := float(node.value)) < TOO_LARGE:  # `nan` is not less either
        raise ValueError(node.value)
    return number


def _command(node: Node) -> str | tuple[str, ...] | None:
    return tuple(item.value for item in node.children) if node.kind == "list" else _text(node)


def _integers(node: Node) -> tuple[int, ...] | None:
    return tuple(map(_integer, node.children)) if node.kind == "list" else None


def _environment(node: Node) -> dict[str, str] | None:
    if node.kind != "mapping":
        return None
    return {key.value: value.value for key, value in pairs(node, "environment")}


_READERS: dict[str, Callable[[Node], object]] = {
    **{field.name: _text for field in dataclass_fields(Record)},
    **dict.fromkeys(
        ("format", "attempt", "pid", "cpus", "exit_code", "signal", "leftovers", "items_done", "items_failed"), _integer
    ),
    **dict.fromkeys(("memory_limit_bytes", "peak_memory_bytes", "stdout_bytes", "stderr_bytes"), _integer),
    **dict.fromkeys(("read_bytes", "written_bytes"), _integer),
    **dict.fromkeys(("seconds", "cpu_seconds"), _number),
    "command": _command,
    "gpus": _integers,
    "environment": _environment,
}
