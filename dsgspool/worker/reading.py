"""The process that writes down what the files of a sweep say: `rows`, `lines` and `glob`, once (spool-format.md, lxiv).

The rule: it is the task's own process, in its folder, so it reads what the task's user may read, and a file of ten million lines
or a share that hangs costs the worker nothing.  A file that somebody else may write to is not read: it says what is run.

    reading.py PLAN ROWS     a file of `marshal` with what is to be read; the descriptor of the file for the rows
"""

from __future__ import annotations

import contextlib
import csv
import errno
import glob
import io
import json
import marshal
import os
import re
import stat
import sys
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from dsgspool.errors import InvalidTask
from dsgspool.items import MOST, Source
from dsgspool.permissions import other_writers
from dsgspool.sources import GLOB, ROWS, is_param
from dsgspool.tables import LAST, MOST_PARAMS, TAIL, line_of

if TYPE_CHECKING:
    from _csv import Reader

WRONG, TROUBLE = 65, 75  #: exit codes: a file is not as it has to be (EX_DATAERR); this node cannot go on (EX_TEMPFAIL)
MAX_BYTES = 64 << 20
SAID = "dsgspool: "  #: what stands before the reason in the error log
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NODE_TROUBLE = (
    errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EIO, errno.ESTALE, errno.ENOSPC, errno.EDQUOT,
)  # fmt: skip
_WHY = {errno.ELOOP: ("it is a link", "write the path that it leads to"), errno.ENOENT: ("there is no such file", "")}


class Trust:
    """Whose files are read: of these users, and of a group whose members are trusted as they are (-1 = of none)."""

    def __init__(self, uids: Collection[int], gid: int = -1) -> None:
        self.uids, self.gid = {0, *uids}, gid

    def why_not(self, status: os.stat_result) -> tuple[str, str] | None:
        """(reason, remedy) for an open file that is not read."""
        if not stat.S_ISREG(status.st_mode):
            return "it is no regular file", "write its content into one"
        is_trusted = status.st_gid == self.gid
        if status.st_uid not in self.uids and not is_trusted:
            return f"it is a file of uid {status.st_uid}, and it says what is run", "make a copy of your own"
        mode = status.st_mode & ~0o020 if is_trusted else status.st_mode
        if others := other_writers(status.st_uid, status.st_gid, mode):
            return f"{others} may write to it, and it says what is run", "chmod go-w it, or make a copy of your own"
        return None


def read(source: Source, folder: str, trust: Trust) -> tuple[list[str], Iterator[list[str]]]:
    """Params, and the rows of a source; paths begin at `folder`.  InvalidTask with file, line, reason and remedy."""
    kind, params, path, delimiter = source
    if kind == GLOB:
        return params, _matching(path, folder)
    data = _content(path, folder, trust)
    return _table(path, data, delimiter) if kind == ROWS else (params, _lines(path, data))


def _content(path: str, folder: str, trust: Trust) -> bytes:
    try:
        descriptor = os.open(os.path.join(folder, path), _OPEN)
    except OSError as error:
        if error.errno in _NODE_TROUBLE:
            raise
        reason, remedy = _WHY.get(error.errno or 0, (f"it cannot be read: {error.strerror}", ""))
        raise InvalidTask(reason, remedy=remedy or f"its path begins at {folder or os.getcwd()}", path=path) from None
    try:
        if why := trust.why_not(os.fstat(descriptor)):
            raise InvalidTask(why[0], remedy=why[1], path=path)
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(MAX_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(data) > MAX_BYTES:
        raise InvalidTask(f"it is longer than {MAX_BYTES >> 20} MiB", remedy="divide it into several sweeps", path=path)
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidTask("it is not UTF-8", line=line, remedy="recode it, as with iconv", path=path) from None
    if (at := data.find(b"\0")) >= 0:
        line = data.count(b"\n", 0, at) + 1
        raise InvalidTask("it has a NUL character", line=line, remedy="remove it", path=path)
    return data


def _lines(path: str, data: bytes) -> Iterator[list[str]]:
    """Lines without their ends; empty ones are passed over.  In a file without line feeds each carriage return ends one."""
    number = 0
    for line in io.TextIOWrapper(io.BytesIO(data), "utf-8-sig", newline="\n" if b"\n" in data else "\r"):
        if text := line.rstrip("\r\n"):
            number += 1
            yield [text]
    if not number:
        raise InvalidTask("it is empty", remedy="put a value on each line", path=path)


def _table(path: str, data: bytes, delimiter: str) -> tuple[list[str], Iterator[list[str]]]:
    """The params that a header line names, and the rows behind it; empty lines are passed over."""
    text = io.TextIOWrapper(io.BytesIO(data), "utf-8-sig", newline="")
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    filled = _filled(path, reader)
    if not (header := next(filled, [])):
        raise InvalidTask("it is empty", remedy="put the params on the first line, and a row on each other", path=path)
    for name in header:
        if not is_param(name):
            remedy = "use letters, digits and _, no digit in front"
            if len(header) == 1:
                remedy = "is there another delimiter? Write rows: {file: ..., delimiter: ...}"
            reason = f"its header has {name[:60]!r}, which cannot be a param's name"
            raise InvalidTask(reason, line=reader.line_num, remedy=remedy, path=path)
    if twice := [name for name in header if header.count(name) > 1][:1]:
        raise InvalidTask(f"its header has `{twice[0]}` twice", line=reader.line_num, remedy="keep one", path=path)
    if len(header) > MOST_PARAMS:
        raise InvalidTask(
            f"it has {len(header):,} columns, more than {MOST_PARAMS:,}", remedy="leave some out", path=path
        )
    return header, _rows(path, filled, reader, header)


def _filled(path: str, reader: Reader) -> Iterator[list[str]]:
    """Rows with anything in them."""
    began = 1
    try:
        for row in reader:
            if row:
                yield row
            began = reader.line_num + 1
    except csv.Error as error:
        is_open = reader.line_num > began
        remedy = "close the quote that is opened there" if is_open else 'write "" for a quote in a quoted value'
        raise InvalidTask(str(error), line=began, remedy=remedy, path=path) from None


def _rows(path: str, filled: Iterator[list[str]], reader: Reader, header: list[str]) -> Iterator[list[str]]:
    number = 0
    for row in filled:
        if row == header:
            raise InvalidTask("the header is there twice", line=reader.line_num, remedy="remove one", path=path)
        if len(row) != len(header):
            reason = f"it has {len(row)} value{'s' if len(row) > 1 else ''}, and the header has {len(header)}"
            remedy = f"give each of {', '.join(header)} one"
            raise InvalidTask(reason, line=reader.line_num, remedy=remedy, path=path)
        number += 1
        yield row
    if not number:
        raise InvalidTask("it has a header and no rows", remedy="put a row on each line below it", path=path)


def _matching(pattern: str, folder: str) -> Iterator[list[str]]:
    """The paths that a pattern means, sorted, written as the pattern is."""
    found = sorted(_paths(pattern, folder))
    if not found:
        where = "" if pattern.startswith("/") else f"; it begins at {folder or os.getcwd()}"
        raise InvalidTask(f"no file matches {pattern!r}", remedy=f"correct the pattern{where}")
    for path in found:
        try:
            path.encode()
        except UnicodeEncodeError:
            raise InvalidTask("its name is not UTF-8", remedy="rename it", path=ascii(path)) from None
        yield [path]


def _paths(pattern: str, folder: str) -> set[str]:
    """What glob gives, but `**` goes through no link to a folder: through two that lead back there would be no end of it."""
    parts = re.sub("//+", "/", pattern).split("/")
    if "**" not in parts:
        return set(glob.glob(pattern, root_dir=folder or None))
    at = parts.index("**")
    start, rest = "".join(f"{part}/" for part in parts[:at]), "/".join(parts[at + 1 :])
    found: set[str] = set()
    for top in glob.glob(start, root_dir=folder or None) if start else [""]:
        base = os.path.join(folder, top) or "."
        for where, folders, files in os.walk(base):
            folders[:] = [name for name in folders if name[0] != "."]
            within = f"{top}{where[len(base) :].strip('/')}/" if where != base else top
            if at + 1 < len(parts):
                found |= _paths(glob.escape(within) + rest, folder)
            else:
                found.update([top] if top else [], (within + name for name in (*folders, *files) if name[0] != "."))
    return found


def write(sources: Iterable[Source], trust: Trust, facts: dict[str, object], out: io.TextIOBase) -> None:
    """All rows, and the line that says what they are of."""
    number, parts = 0, []
    for source in sources:
        params, rows = read(source, "", trust)
        first = number
        for row in rows:
            if number == MOST:
                raise InvalidTask(
                    f"it has more than {MOST:,} rows", remedy="divide it into several sweeps", path=source[2]
                )
            out.write(line_of(number, row))
            number += 1
        parts.append((params, number - first))
    last = f"{LAST.decode()}{json.dumps({**facts, 'parts': parts})}\n"
    if len(last.encode()) > TAIL // 2:
        raise InvalidTask("the names of its columns are too long", remedy="shorten them", path="the header")
    out.write(last)


def counted(sources: Iterable[Source], folder: str, trust: Trust) -> list[tuple[list[str], int]]:
    """What would be written down: of each source its params and how many rows."""
    found = []
    for source in sources:
        params, rows = read(source, folder, trust)
        found.append((params, sum(1 for _ in rows)))
    return found


def say(what: object) -> None:
    """A line for the error log."""
    os.write(2, f"{SAID}{what}".replace("\n", " ").encode(errors="backslashreplace") + b"\n")


def main(plan: str, rows: str) -> int:
    """Read and write; the exit code."""
    with open(plan, "rb") as file:
        given = marshal.load(file)  # noqa: S302 - its worker wrote it, into a folder of its own
    trust = Trust({os.geteuid(), *given["uids"]}, given["gid"])
    try:
        with open(int(rows), "w", encoding="utf-8", newline="", closefd=False) as out:
            write(given["sources"], trust, given["facts"], out)
        os.fsync(int(rows))
    except InvalidTask as error:
        say(error)
        return WRONG
    except OSError as error:
        code = TROUBLE if error.errno in _NODE_TROUBLE else 1
        with contextlib.suppress(OSError):  # the disk may be full for that too
            say(error)
        return code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
