"""One attempt as the snapshot and the report need it: the short facts of a record, read without a YAML parser.

The rule: a record has one writer, this program, which puts each short fact on a line of its own that begins at the
margin; such a line is read as it is, a hundred times faster than YAML.  Anything that does not look like that goes
through `codec.parse_record`.  A line without its end is not there yet: `exit_code: 1` may be the beginning of 137.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from dsgspool import names
from dsgspool.classes import dataclass
from dsgspool.clock import unix
from dsgspool.expressions import expression
from dsgspool.records import TOO_LARGE, is_complete, parse_record

if TYPE_CHECKING:
    from dsgspool.spool import Spool

_WORDS = ("claim", "worker", "host", "outcome", "reason")
_MOMENTS = ("submitted", "started", "ended")
_INTEGERS = (
    "pid", "cpus", "memory_limit_bytes", "exit_code", "signal", "peak_memory_bytes", "stdout_bytes", "stderr_bytes",
    "leftovers",
)  # fmt: skip
_NUMBERS = ("seconds", "cpu_seconds")
_KEYS = ("task", *_WORDS, *_MOMENTS, *_INTEGERS, *_NUMBERS, "gpus")
_FACT = expression(rb"^(" + "|".join(_KEYS).encode() + rb"):[ ]?(.*)\n", re.MULTILINE)
_MOMENT = expression(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?Z$")


@dataclass(frozen=True, slots=True)
class Attempt:
    """Attempt `number` of `task`.  Moments are Unix time of the file server; None = not known (yet)."""

    task: str
    number: int
    over: bool = False  #: the record has its end
    claim: str = ""  #: WID.C
    worker: str = ""
    host: str = ""
    submitted: float | None = None  #: when its file was last written to
    started: float | None = None
    ended: float | None = None
    seconds: float | None = None
    outcome: str = ""  #: done, exit1, timeout, lost ...; '' while it has no end
    reason: str = ""
    exit_code: int | None = None
    signal: int | None = None
    pid: int | None = None
    cpus: int | None = None
    gpus: tuple[int, ...] = ()  #: indexes of those that it got
    memory_limit_bytes: int | None = None
    cpu_seconds: float | None = None
    peak_memory_bytes: int | None = None
    stdout_bytes: int | None = None
    stderr_bytes: int | None = None
    leftovers: int | None = None
    recorded_task: str = ""  #: the identity that the record itself names
    tags: str = ""  #: of the task, each on a line of its own; only the report asks for them

    @property
    def good(self) -> bool:
        """True when it ended well."""
        return self.outcome == "done"


def parse_attempt(data: bytes, task: str, number: int) -> Attempt:
    """The attempt that a record tells of; never raises."""
    facts = _quick(data)
    if facts is None:
        record = parse_record(data)
        facts = {key: getattr(record, key) for key in _KEYS if getattr(record, key) is not None}
    return _attempt(facts, task, number, over=is_complete(data))


def _attempt(facts: dict[str, object], task: str, number: int, *, over: bool) -> Attempt:
    values: dict[str, Any] = {key: str(facts[key]) for key in _WORDS if key in facts}
    for key in (*_INTEGERS, *_NUMBERS):
        value = _number(facts.get(key))
        values[key] = int(value) if value is not None and key in _INTEGERS else value
    for key in _MOMENTS:
        values[key] = moment(str(facts.get(key, "")))
    gpus = facts.get("gpus", ())
    values["gpus"] = tuple(each for each in gpus if isinstance(each, int)) if isinstance(gpus, list | tuple) else ()
    return Attempt(task, number, over, recorded_task=str(facts.get("task", "")), **values)


def _quick(data: bytes) -> dict[str, object] | None:
    """The facts, None when a line is not of the form that this program writes."""
    facts: dict[str, object] = {}
    for key, value in _FACT.findall(data):
        if value[:1] == b'"' or (key == b"gpus" and value[:1] == b"["):
            try:
                facts[key.decode()] = json.loads(value)
            except ValueError:
                return None
        elif not value or value[:1] in b"|>'[{&*!?":
            return None
        elif value != b"null":
            facts[key.decode()] = value.decode(errors="replace")
    return facts


def _number(value: object) -> float | None:
    try:
        number = None if value is None else float(str(value))
    except ValueError:
        return None
    return number if number is not None and abs(number) < TOO_LARGE else None  # `nan` is not less


def moment(text: str) -> float | None:
    """Unix time of `2026-11-21T21:00:00.123Z`, None for anything else."""
    if not (match := _MOMENT.match(text)):
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    try:
        return unix(year, month, day, hour, minute, second) + float(match[7] or 0)
    except ValueError:
        return None


def attempt_numbers(spool: Spool) -> dict[str, list[int]]:
    """Identity -> numbers of the attempts that have a record, from one walk of logs/."""
    found: dict[str, list[int]] = {}
    for path, _ in spool.fs.walk(spool.logs):
        parts = names.parse_record(path)
        if parts and parts[2] == "yaml":
            found.setdefault(parts[0], []).append(parts[1])
    return found


def read_attempts(spool: Spool) -> dict[str, list[Attempt]]:
    """Identity -> all its attempts, from 1 upwards."""
    return {
        identity: [attempt for n in sorted(numbers) if (attempt := read_attempt(spool, identity, n))]
        for identity, numbers in attempt_numbers(spool).items()
    }


def read_attempt(spool: Spool, identity: str, number: int) -> Attempt | None:
    """One attempt, None when it has no record (any more)."""
    try:
        data = spool.fs.read(f"{spool.logs}/{names.record_path(identity, number)}")[0]
    except OSError:
        return None
    return parse_attempt(data, identity, number)
