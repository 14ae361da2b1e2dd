"""The items of a sweep: what the number of one stands for, and a command with its values put in.

The rule: arithmetic, nothing is kept for each item, so ten million cost no more than ten.  A number stands for the same values
for ever: what is excluded keeps its number, and what is included comes behind all others.  Nothing is imported: a chunk's
process begins with this.
"""

from __future__ import annotations

MOST = 10_000_000  #: items of one sweep
MARK = "\0"  #: around a swept param's name in a command that is not filled in yet; no text of a task file has it in it
QUOTED = "'"  #: behind the first mark: the shell reads the value
_SAFE = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_"
Span = tuple[int, int, int, int]  #: a range: its first number, step, count, and the digits that numbers have at least
Part = tuple[int, int]  #: rows of a table: number of the first, how many
Rows = Span | Part | list[list[str]]
Factor = tuple[list[str], Rows]  #: params, and the values that they have together
#: Where values come from that were not read yet: `rows`, `lines` or `glob`; params ([] = a header names them); a path or
#: pattern; what stands between two columns.
Source = tuple[str, list[str], str, str]


class Table:
    """Rows that were written down (tables.py reads them)."""

    __slots__ = ()

    def row(self, number: int) -> list[str]:
        """One row."""
        raise LookupError(number)


class Sweep:
    """Every combination of the factors, the last one turning fastest, without those in `exclude`, and then `include`."""

    __slots__ = ("counts", "exclude", "factors", "include", "product", "sources", "table")

    def __init__(
        self,
        factors: list[Factor],
        include: list[dict[str, str]] | None = None,
        exclude: list[dict[str, str]] | None = None,
        sources: list[Source] | None = None,
        table: Table | None = None,
    ) -> None:
        self.factors, self.include, self.exclude = factors, include or [], exclude or []
        self.sources, self.table = sources or [], table or Table()
        self.counts = [count_of(rows) for _, rows in factors]
        self.product = 1 if factors else 0
        for count in self.counts:
            self.product *= count

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sweep) and (self.facts(), self.sources) == (other.facts(), other.sources)

    def facts(self) -> list[object]:
        """What makes it anew, its table aside."""
        return [self.factors, self.include, self.exclude]

    @property
    def count(self) -> int:
        """How many numbers there are, those of excluded items too; nobody knows before its sources are read."""
        return self.product + len(self.include)

    @property
    def keys(self) -> list[str]:
        """The params that it has values for."""
        included = [key for each in self.include for key in each]
        turning = [key for keys, _ in self.factors for key in keys] + [
            key for source in self.sources for key in source[1]
        ]
        return list(dict.fromkeys([*turning, *included]))

    @property
    def has_unread_header(self) -> bool:
        """True when it may have more params than are known."""
        return any(not keys for _, keys, _, _ in self.sources)

    def values(self, number: int) -> dict[str, str] | None:
        """The values of an item; None for one that is excluded."""
        if number >= self.product:
            return self.include[number - self.product]
        found: dict[str, str] = {}
        for (keys, rows), count in zip(reversed(self.factors), reversed(self.counts), strict=True):
            number, index = divmod(number, count)
            found.update(zip(keys, self._row_of(rows, index), strict=True))
        for each in self.exclude:
            if all(found[key] == value for key, value in each.items()):
                return None
        return found

    def _row_of(self, rows: Rows, index: int) -> list[str]:
        if isinstance(rows, list):
            return rows[index]
        if len(rows) == 2:
            return self.table.row(rows[0] + index)
        first, step, _, width = rows
        return [f"{first + index * step:0{width}d}"]


def count_of(rows: Rows) -> int:
    """How many rows."""
    return len(rows) if isinstance(rows, list) else rows[1] if len(rows) == 2 else rows[2]


def marked(key: str) -> str:
    """What stands for a swept param's value until that is known."""
    return f"{MARK}{key}{MARK}"


def marked_for_shell(value: str) -> str:
    """The same where a shell reads it."""
    return f"{MARK}{QUOTED}{value[1:]}"


def readable(text: str) -> str:
    """A text with marks as people write it: `{key}`."""
    parts = text.split(MARK)
    parts[1::2] = [f"{{{key.removeprefix(QUOTED)}}}" for key in parts[1::2]]
    return "".join(parts)


def filled(text: str, values: dict[str, str]) -> str:
    """A text with the values in the place of their marks."""
    if MARK not in text:
        return text
    parts = text.split(MARK)
    parts[1::2] = [shell(values[key[1:]]) if key[0] == QUOTED else values[key] for key in parts[1::2]]
    return "".join(parts)


def shell(value: str) -> str:
    """A value as a shell has to read it: what shlex.quote gives, whose import takes longer than a small chunk."""
    if value and not value.strip(_SAFE):
        return value
    return "'" + value.replace("'", "'\"'\"'") + "'"
