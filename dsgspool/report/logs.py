"""The ends of logs: what a terminal would have left of them, and the one line that says best what went wrong.

The rule: of a log of any size only the last kilobytes are read, and any bytes are a text: what is no UTF-8 becomes
U+FFFD, what a carriage return overwrote is gone.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from dsgspool.progress import ESCAPES, of_line
from dsgspool.report.book import Log

if TYPE_CHECKING:
    from dsgspool.fs import Fs

TAIL = 8192  #: bytes read from the end of a log
GLANCE = 4096  #: bytes read for one line of it
MAX_ERROR = 300  #: characters of the line that says what went wrong
MAX_LINE = 400  #: characters of a log's line in a list

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_SAYS_SOMETHING = re.compile(r"\w")


def tail(fs: Fs, path: str, limit: int = TAIL) -> bytes | None:
    """The last bytes of a log, None when it cannot be read, or is not for everybody who may read the report."""
    try:
        return None if _is_private(fs, path) else fs.read_at(path, -limit, limit)
    except OSError:
        return None


def _is_private(fs: Fs, path: str) -> bool:
    """True for what only root, who works other people's tasks, can read beside its owner (run_as: owner)."""
    if os.geteuid() != 0:
        return False
    status = fs.status(path)
    return status.st_uid != 0 and not status.st_mode & 0o044


def lines(data: bytes) -> list[str]:
    """A log's lines as a terminal would have left them, without the empty ones at its end."""
    found = [line.rstrip("\r").rpartition("\r")[2] for line in data.decode(errors="replace").split("\n")]
    while found and not found[-1].strip():
        found.pop()
    return found


def last_lines(data: bytes, number: int = 20) -> str:
    """The last of them, shortened."""
    return "\n".join(line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]} ..." for line in lines(data)[-number:])


def plain_line(line: str, limit: int = MAX_ERROR) -> str:
    """A line without colours and without what cannot be seen, shortened."""
    return _CONTROLS.sub(" ", ESCAPES.sub("", line)).strip()[:limit]


def telling_line(data: bytes) -> str:
    """The last line with a letter or digit that is no progress bar; '' when there is none."""
    for line in reversed(lines(data)):
        if of_line(line) is None and _SAYS_SOMETHING.search(plain := plain_line(line)):
            return plain
    return ""


def error_of(fs: Fs, stem: str, sizes: tuple[int | None, int | None]) -> str:
    """The line of a failed attempt's error log, else of its output, that says best what went wrong.

    `sizes`: bytes of its errors and of its output by its record; what is empty is not opened.
    """
    for suffix, size in zip(("err", "out"), sizes, strict=True):
        if size != 0 and (data := tail(fs, f"{stem}.{suffix}", GLANCE)) and (line := telling_line(data)):
            return line
    return ""


def log_of(fs: Fs, stem: str) -> Log:
    """The end of an attempt's error log, else of its output."""
    for suffix in ("err", "out"):
        if (data := tail(fs, f"{stem}.{suffix}")) and (text := last_lines(data)):
            return Log(suffix, text)
    return Log()
