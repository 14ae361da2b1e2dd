"""The rows of a sweep as they were written down once: a text file, and one of its rows.

The rule: a line begins with its number, and the numbers grow, so a row is found by halving and no more of the file is read than
that takes.  Next to nothing is imported: a chunk's process begins with this.

    17  S018  data/S018.fastq.gz       a tab, line break, carriage return or backslash in a value: \\t \\n \\r \\\\
    # {"digest": ..., "mtime": ..., "parts": [[["sample", "reads"], 18]]}
"""

from __future__ import annotations

from dsgspool.items import Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = "rows"  #: the file's name
LAST = b"# "  #: what its last line begins with
MOST_PARAMS = 1000  #: of one sweep, so that the last line is short
TAIL = 1 << 16  #: bytes at the end in which that line is
BLOCK = 1 << 16
END = 1 << 62  #: stands for the number of the last line, which has none
_ESCAPED = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))


def line_of(number: int, values: list[str]) -> str:
    """A row as it is written."""
    return "\t".join([str(number), *map(_escaped, values)]) + "\n"


def _escaped(value: str) -> str:
    for plain, written in _ESCAPED:
        value = value.replace(plain, written)
    return value


def values_of(line: bytes) -> list[str]:
    """The values of a line."""
    _, *values = line.decode().rstrip("\n").split("\t")
    return [_plain(value) for value in values] if b"\\" in line else values


def _plain(value: str) -> str:
    parts = value.split("\\\\")
    for index, part in enumerate(parts):
        parts[index] = part.replace("\\t", "\t").replace("\\n", "\n").replace("\\r", "\r")
    return "\\".join(parts)


class TextTable(Table):
    """Rows by their numbers; `read` gives so many bytes from an offset on.  Who asks for one after the other reads each once."""

    __slots__ = ("end", "first", "lines", "read", "size")

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        self.read, self.size = read, size
        self.first, self.end = 0, 0  #: number of the first line that is known, offset behind the last
        self.lines: list[bytes] = []

    def row(self, number: int) -> list[str]:
        """One row; ValueError when it is not there."""
        if not self.first <= number < self.first + len(self.lines):
            if number != self.first + len(self.lines):
                self.end = self._near(number)
            self._go_on(number)
        line = self.lines[number - self.first]
        if _number(line) != number:  # somebody took lines out: what follows would be run with the values of others
            raise ValueError(f"the table has no row {number} in its place")
        return values_of(line)

    def _near(self, number: int) -> int:
        """Where a line begins that is not behind the one of that number, at most about a block before it."""
        low, high = 0, self.size
        while high - low > BLOCK:
            middle = (low + high) // 2
            start = middle + len(self._whole(middle))
            if start < high and _number(self.read(start, 32)) <= number:
                low = start
            else:
                high = middle
        return low

    def _go_on(self, number: int) -> None:
        """Read from `end` on until the line of that number is known."""
        while True:
            data = self.read(self.end, BLOCK)
            data = data[: data.rfind(b"\n") + 1] or self._whole(self.end)
            if not data or (first := _number(data)) > number:
                raise ValueError(f"the table has no row {number}")
            self.first, self.lines = first, data.split(b"\n")[:-1]
            self.end += len(data)
            if self.lines[-1].startswith(LAST):
                del self.lines[-1]
            if number < self.first + len(self.lines):
                return

    def _whole(self, offset: int) -> bytes:
        """What stands between an offset and the end of its line, with that end."""
        data = b""
        while b"\n" not in data and (part := self.read(offset + len(data), 4096)):
            data += part
        return data[: data.find(b"\n") + 1] or data


def _number(line: bytes) -> int:
    word = line[:16].partition(b"\t")[0]
    return int(word) if word.isdigit() else END
