"""What the page of one task shows beside the columns: records, texts, ends of logs, curves; of some tasks only.

The rule: of the running, the newest failures and the newest that were done; each is read when it gets there and not
again, because the chunk that holds it is kept until less than half of it is wanted.  A secret is `***` in a record, so
the task's own file is never read.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

from dsgspool.classes import dataclass
from dsgspool.codec import after_entries
from dsgspool.errors import InvalidTask
from dsgspool.names import record_path
from dsgspool.records import Record, parse_record
from dsgspool.report import chunks, logs
from dsgspool.report.records import LONGEST
from dsgspool.yamltext import compose, pairs

if TYPE_CHECKING:
    from dsgspool.fs import Fs
    from dsgspool.report.journals import Journals
    from dsgspool.report.ledger import Pack
    from dsgspool.report.table import Attempts

MOST_ATTEMPTS = 5  #: of one task, the newest
MOST_BYTES = 32 << 20  #: of all details that are kept
PACK = 1_000_000  #: bytes of a chunk of details
SMALL = 250_000  #: a chunk with fewer bytes is put together with what is new
MAX_RECORD = 32_768  #: characters
MAX_TEXT = 65_536
MAX_FACTS = 200  #: variables, words of a command
MAX_FACT = 4096  #: characters of one

Entry = dict[str, Any]


@dataclass(slots=True)
class Reader:
    """Makes entries from the files of the attempts."""

    fs: Fs
    folder: str  #: logs/
    table: Attempts
    journals: Journals
    rows: Mapping[str, list[int]]  #: of the tasks that are asked for, oldest attempt first

    def entry(self, task: str) -> Entry:
        """One task."""
        newest = sorted(self.rows.get(task, ()), key=lambda row: self.table.number[row])[-MOST_ATTEMPTS:]
        return {"attempts": [self._attempt(task, row) for row in newest]}

    def mark(self, task: str) -> str:
        """Changes whenever the entry of a task would."""
        rows = self.rows.get(task, ())
        return " ".join(f"{self.table.number[row]}:{self.table.inode[row]}:{self.table.outcome[row]}" for row in rows)[
            -99:
        ]

    def _attempt(self, task: str, row: int) -> Entry:
        number = self.table.number[row]
        stem = f"{self.folder}/{record_path(task, number)}".removesuffix(".yaml")
        entry: Entry = {"n": number, **self._record(f"{stem}.yaml")}
        for suffix in ("out", "err"):
            entry[suffix] = self._log(f"{stem}.{suffix}")
        entry["curve"] = self.journals.curve(task, number)
        return entry

    def _record(self, path: str) -> Entry:
        try:
            data = self.fs.read(path, LONGEST)[0]
        except OSError:
            return {"record": ""}
        text = data.decode(errors="replace")
        record = _quick(text) or parse_record(data)
        command = record.command if isinstance(record.command, str | None) else list(record.command)[:MAX_FACTS]
        facts = list((record.environment or {}).items())[:MAX_FACTS]
        entry: Entry = {
            "record": without_text(text)[:MAX_RECORD],
            "text": (record.text or "")[:MAX_TEXT],
            "command": [word[:MAX_FACT] for word in command] if isinstance(command, list) else command,
            "cwd": record.cwd,
            "environment": {key[:MAX_FACT]: value[:MAX_FACT] for key, value in facts},
        }
        if after := after_of(record.text or ""):
            entry["after"] = after[:MAX_FACTS]
        return entry

    def _log(self, path: str) -> Entry:
        """What is there now: what the record says of its length was so when the attempt ended."""
        data = logs.tail(self.fs, path)
        if data is None:
            return {"bytes": None, "tail": ""}
        size = len(data)
        if size == logs.TAIL:  # there may be more
            with contextlib.suppress(OSError):
                size = max(size, self.fs.status(path).st_size)
        if size > len(data):
            data = data.partition(b"\n")[2] or data  # begins with a whole line, when there is one
        return {"bytes": size, "tail": data.decode(errors="replace")}


def after_of(text: str) -> list[list[str]]:
    """What a task waits for before it runs, by its text: [[name, how that has to end] ...]."""
    if "after" not in text:
        return []
    try:
        keys = {key.value: value for key, value in pairs(compose(text.encode()), "the task")}
        return [[each.what, each.wants] for each in after_entries(keys["after"], "after")]
    except (InvalidTask, KeyError):
        return []


_WORD = r'("(?:[^"\\\n]|\\.)*"|[A-Za-z0-9_./+=-]+)'
_COMMAND = re.compile(rf"^command: \[({_WORD}(?:, {_WORD})*)\]$", re.MULTILINE)
_LONG_COMMAND = re.compile(r"^command:\n((?:  - [^\n]+\n)+)(?=[a-z])", re.MULTILINE)
_CWD = re.compile(r"^cwd: (/[A-Za-z0-9_./+-]*)$", re.MULTILINE)
_NOTHING = re.compile(r"^environment: \{\}$", re.MULTILINE)
_VARIABLES = re.compile(r"^environment:\n((?:  [A-Za-z0-9_]+: [^\n]+\n)+)(?=[a-z])", re.MULTILINE)
_TEXT = re.compile(r"^text: \|\n((?:(?:  [^\n]*)?\n)+)(?=[a-z.])", re.MULTILINE)
_EACH = re.compile(_WORD)


def _quick(record: str) -> Record | None:
    """What this program writes in nearly every record, 20 times faster than YAML; None for all else."""
    cwd, text, variables = _CWD.search(record), _TEXT.search(record), _VARIABLES.search(record)
    if not (cwd and text and (variables or _NOTHING.search(record))) or record.count("\ntext:") != 1:
        return None
    try:
        return Record(
            command=_words(record), cwd=cwd[1], text="".join(f"{line[2:]}\n" for line in text[1].rstrip("\n").split("\n")),
            environment=dict(_pair(line) for line in variables[1].splitlines()) if variables else {},
        )  # fmt: skip
    except ValueError:
        return None


def _words(record: str) -> tuple[str, ...]:
    if match := _COMMAND.search(record):
        return tuple(map(_scalar, _EACH.findall(match[1])))
    if match := _LONG_COMMAND.search(record):
        return tuple(_scalar(line[len("  - ") :]) for line in match[1].splitlines())
    raise ValueError("another form of command")


def _pair(line: str) -> tuple[str, str]:
    key, _, value = line.strip().partition(": ")
    return key, _scalar(value)


def _scalar(text: str) -> str:
    if text[:1] == '"':
        return str(json.loads(text))
    if not text or text[0] in "|>'[{&*!?%@`#" or ": " in text or " #" in text:
        raise ValueError("a form that only YAML knows")
    return text


def without_text(record: str) -> str:
    """A record without its key `text`, which is shown by itself."""
    kept, skips = [], False
    for line in record.split("\n"):
        if line.startswith("text:"):
            skips = True
        elif skips and line[:1] not in (" ", ""):
            skips = False
        if not skips:
            kept.append(line)
    return "\n".join(kept)


@dataclass(slots=True)
class Details:
    """The chunks of details of one rendering: `packs` are kept ones and new ones, `index` says which holds a task."""

    kept: list[Pack]
    again: dict[str, tuple[str, Entry]] = field(default_factory=dict)  #: from packs that are dissolved

    @classmethod
    def sort(cls, packs: Iterable[Pack], wanted: Mapping[str, str], read: Any) -> Details:  # noqa: ANN401 - see read_pack
        """Which packs stay: most of what they hold is wanted, and they are not small.  `read`: file -> entries."""
        details = cls([])
        for pack in packs:
            good = [task for task, mark in pack.tasks.items() if wanted.get(task) == mark]
            if pack.size >= SMALL and 2 * len(good) >= len(pack.tasks):
                details.kept.append(pack)
            elif good:
                entries = read(pack.file)
                details.again.update((task, (pack.tasks[task], entries[task])) for task in good if task in entries)
        return details


def pack_up(entries: Iterable[tuple[str, str, Entry]]) -> Iterator[tuple[dict[str, str], str]]:
    """(task, mark, entry) in portions of about PACK bytes: the marks of each, and what its chunk holds, dumped."""
    marks: dict[str, str] = {}
    texts: list[str] = []
    size = 0
    for task, mark, entry in entries:
        text = f"{chunks.dump(task)}:{chunks.dump(entry)}"
        if texts and size + len(text) > PACK:
            yield marks, _payload(texts)
            marks, texts, size = {}, [], 0
        marks[task], size = mark, size + len(text)
        texts.append(text)
    if texts:
        yield marks, _payload(texts)


def _payload(tasks: Iterable[str]) -> str:
    return f'{{"kind":"details","tasks":{{{",".join(tasks)}}}}}'
