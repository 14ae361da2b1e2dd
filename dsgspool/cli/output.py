"""Everything that is printed.

The rule: a terminal obeys control characters, so whatever comes from names, logs, files or the system passes `clean`
first, which makes them visible.  Results go to stdout and nothing else does; notes, hints and errors go to stderr.
Colours and the width of a table depend on a terminal being there.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO

from dsgspool.cli.pasting import pasted

# C0 and C1 controls, DEL, marks that turn the direction of text, line separators, what nobody sees, bytes no UTF-8.
_UNSAFE = "\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
_IN_TEXT = f"[\x00-\x08\x0b-\x1f{_UNSAFE}"
_IN_LINE = f"[\x00-\x1f{_UNSAFE}"
_COLOURS = {
    "todo": "36", "waiting": "36", "hold": "35", "running": "33", "done": "32", "failed": "31",
    "dead": "31", "alive": "32", "resting": "35", "paused": "35", "draining": "35", "bold": "1", "dim": "2",
    "ok": "32", "note": "2", "warn": "33", "FAIL": "31", "fixed": "32",
}  # fmt: skip


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was no UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def clean(text: str) -> str:
    """Text of several lines with every control character but newline and tab made visible."""
    return text if text.isprintable() else re.sub(_IN_TEXT, _visible, text)


def clean_line(text: str) -> str:
    """The same for what must stay on one line: newline and tab are made visible too."""
    return text if text.isprintable() else re.sub(_IN_LINE, _visible, text)


def is_terminal(stream: TextIO | None = None) -> bool:
    """True when a person looks at `stream` (stdout)."""
    return (stream or sys.stdout).isatty()


def paint(text: str, colour: str, stream: TextIO | None = None) -> str:
    """`text` in a colour where that is wanted: on a terminal and without NO_COLOR."""
    number = _COLOURS.get(colour)
    if not number or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not is_terminal(stream):
        return text
    return f"\x1b[{number}m{text}\x1b[0m"


# -- plain lines -------------------------------------------------------------------------------------------------


def line(text: str) -> None:
    """One result on stdout."""
    print(clean_line(text))


def sentence(text: str, indent: str = "") -> None:
    """A result that may be longer than a line: on a terminal it goes on in the next one, between two words."""
    text = indent + clean_line(text)
    if is_terminal():
        import shutil
        import textwrap

        columns = max(20, shutil.get_terminal_size().columns - 1)
        if width(text) > columns:
            wrapped = textwrap.wrap(text, columns, subsequent_indent=f"{indent}  ", break_on_hyphens=False)
            text = "\n".join(short(row, columns) for row in wrapped)
    print(text)


def painted(text: str) -> None:
    """A line that has its colours already, and whose parts were made clean before that."""
    print(text)


def lines(texts: Iterable[str]) -> None:
    """Results on stdout, one a line, as they come.  The work behind them goes on when the reader goes away."""
    rest = iter(texts)
    try:
        for text in rest:
            sys.stdout.write(f"{clean_line(text)}\n")
    except BrokenPipeError:
        for _ in rest:
            continue
        raise


def block(text: str, indent: str = "") -> None:
    """Several lines of text from a file."""
    for each in clean(text).splitlines():
        print(f"{indent}{each}".rstrip())


def heading(text: str) -> None:
    """A line above a part of a longer answer."""
    print(paint(clean_line(text), "bold"))


def fields(pairs: Iterable[tuple[str, object]]) -> None:
    """`key  value` lines; empty values are left out."""
    shown = [(key, str(value)) for key, value in pairs if value not in (None, "")]
    width = max((len(key) for key, _ in shown), default=0)
    for key, value in shown:
        text = clean_line(value)
        print(f"  {key:<{width}}  {paint(text, text)}")


def note(text: str) -> None:
    """What is good to know, on stderr."""
    print(clean(text), file=sys.stderr, flush=True)


def hint(text: str) -> None:
    """What to do next, on stderr."""
    note(f"dsgspool: hint: {pasted(text)}")


def error(text: str) -> None:
    """What went wrong, on stderr: one line for each line of the text."""
    for each in clean(text).splitlines():
        print(f"{paint('dsgspool:', 'failed', sys.stderr)} {each}", file=sys.stderr, flush=True)


def wipe() -> None:
    """An empty screen, when there is one."""
    if is_terminal():
        sys.stdout.write("\x1b[H\x1b[2J\x1b[3J")


@contextlib.contextmanager
def repainted() -> Iterator[None]:
    """What is printed meanwhile takes the place of what is on the screen: one write, and nothing is wiped before it."""
    if not is_terminal():
        yield
        sys.stdout.flush()  # whoever reads from a pipe wants each look when it is made
        return
    page: Any = _Page(sys.stdout)
    with contextlib.redirect_stdout(page), contextlib.redirect_stderr(page):
        yield
    columns, lines = os.get_terminal_size(sys.stdout.fileno())
    rows = [_begin(row, columns) for row in page.text.splitlines()]
    if len(rows) > (height := max(2, lines - 1)):
        rows[height - 1 :] = [paint(f"... {len(rows) - height + 1} more lines: make the window higher", "dim")]
    try:
        # Each line clears what was there (before it: a full one would lose its last letter); none is wrapped.
        sys.stdout.write("\x1b[?7l\x1b[H" + "".join(f"\x1b[K{row}\n" for row in rows) + "\x1b[J")
        sys.stdout.flush()
    finally:
        sys.stdout.write("\x1b[?7h")
        sys.stdout.flush()


def _begin(row: str, columns: int) -> str:
    """As much of a row as there is room for: a terminal would write the rest over its last column."""
    plain = re.sub("\x1b\\[[0-9]*m", "", row)
    return row if width(plain) <= columns else short(plain, columns)


class _Page:
    """A page in the making: as much of a terminal as the stream that it is meant for."""

    def __init__(self, stream: TextIO) -> None:
        self.isatty, self.fileno, self.text = stream.isatty, stream.fileno, ""

    def write(self, text: str) -> None:
        """One more part."""
        self.text += text

    def flush(self) -> None:
        """Not yet."""


def raw(data: bytes) -> None:
    """Bytes of a log exactly as they are."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def text(data: str) -> None:
    """A part of a log, made clean."""
    sys.stdout.write(clean(data))
    sys.stdout.flush()


def json(value: object) -> None:
    """One JSON document; ASCII only, so that no terminal can be harmed by it."""
    import json as codec

    print(codec.dumps(value, indent=2, default=_plain).replace("\x7f", "\\u007f"))


def _plain(value: object) -> object:
    """What JSON has no word for: dataclasses, sets, anything else by its text."""
    import dataclasses

    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return sorted(value) if isinstance(value, set | frozenset) else str(value)


# -- tables ------------------------------------------------------------------------------------------------------


def table(head: Sequence[str], rows: Sequence[Sequence[object]], *, shrink: int = 0, least: int | None = None) -> None:
    """Columns as wide as needed; on a terminal column `shrink` gives way so that no row is longer than a line.

    `least`: the last column gives way before it, until it is so wide.
    """
    cells = [[clean_line(str(cell)) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(head, *cells, strict=True)]
    if is_terminal():
        import shutil

        free = min(0, shutil.get_terminal_size().columns - sum(widths) - 2 * (len(widths) - 1))
        if least is not None:
            before, widths[-1] = widths[-1], max(min(widths[-1], least), widths[-1] + free)
            free += before - widths[-1]
            cells = [[*row[:-1], short(row[-1], widths[-1])] for row in cells]
        widths[shrink] = max(min(8, widths[shrink]), widths[shrink] + free)
    columns = [{row[i] for row in cells} - {"-"} for i in range(len(head))]
    figures = [bool(column) and all(map(str.isdigit, column)) for column in columns]
    print(paint(_row(head, widths, figures), "dim"))
    for row in cells:
        print(_row(row, widths, figures))


def _row(cells: Sequence[str], widths: Sequence[int], figures: Sequence[bool]) -> str:
    parts = zip(cells, widths, figures, strict=True)
    return "  ".join(_fit(cell, size, right=right) for cell, size, right in parts).rstrip()


def _fit(cell: str, size: int, *, right: bool) -> str:
    """A cell in its colour, cut when it is too long, else padded."""
    if is_terminal():
        cell = shortened(cell, size)
    space = " " * (size - width(cell))
    return space + paint(cell, cell) if right else paint(cell, cell) + space


def shortened(name: str, size: int) -> str:
    """A name of at most so many columns, cut in the middle: its end says most."""
    if width(name) <= size:
        return name
    while width(name) > max(0, size - 1):
        middle = len(name) // 2
        name = name[:middle] + name[middle + 1 :]
    return f"{name[: len(name) // 2]}…{name[len(name) // 2 :]}"


def short(text: str, size: int) -> str:
    """A text of at most so many columns: its beginning."""
    if width(text) <= size:
        return text
    text = text[:size]
    while width(text) > size - 1:
        text = text[:-1]
    return f"{text}…"


def width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def duration(seconds: float) -> str:
    """`4.2s`, `3m20s`, `5h02m`, `12d03h`: a time for people."""
    if seconds < 60:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    for unit, below, size, rest in (("m", "s", 60, 1), ("h", "m", 3600, 60), ("d", "h", 86400, 3600)):
        if whole < size * (60 if unit == "m" else 24) or unit == "d":
            return f"{whole // size}{unit}{whole % size // rest:02d}{below}"
    return f"{whole}s"
