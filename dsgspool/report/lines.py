"""Lines of a terminal: cut, padded and wrapped to its columns.

The rule: pure; a line has at most WIDTH columns, but for a command to copy, which is whole or worth nothing; what others
wrote is to be seen and does nothing.
"""

from __future__ import annotations

import textwrap
from unicodedata import east_asian_width

from dsgspool.report.text import plain

WIDTH = 80
_ASCII = str.maketrans({"‹": "<", "›": ">", "…": "...", "\t": " "})


class Command(str):
    """A line that is never cut."""

    __slots__ = ()


def columns(text: str) -> int:
    """Columns of a terminal that a text takes; never less than its characters."""
    return sum(2 if east_asian_width(each) in "WF" else 1 for each in text)


def cut(text: str, most: int) -> str:
    """The text, shortened to so many columns."""
    if columns(text) <= most:
        return text
    kept = ""
    for each in text:
        if columns(kept + each) > most - 3:
            break
        kept += each
    return f"{kept}..."


def named(name: str, width: int) -> str:
    """A name in exactly so many columns, cut in its middle: those of one batch differ at their ends."""
    name = foreign(name)
    if columns(name) > width:
        end = name
        while columns(end) > (width - 3) // 2:
            end = end[1:]
        name = f"{cut(name, width - columns(end))}{end}"
    return padded(name, width)


def padded(text: str, width: int) -> str:
    """Exactly so many columns."""
    short = cut(text, width)
    return short + " " * (width - columns(short))


def wrapped(text: str, first: str = "", rest: str | None = None) -> list[str]:
    """A sentence over several lines; a word that is too long is broken."""
    rest = " " * len(first) if rest is None else rest
    found = textwrap.wrap(foreign(text), WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
    return [cut(line, WIDTH) for line in found]


def told(text: str, first: str) -> list[str]:
    """The same of a sentence with commands in it: one that would be broken stands whole on a line of its own."""
    lines = wrapped(text, first)
    parts = text.split("`")
    commands = [plain(part) for part in parts[1::2] if part.startswith("dsgspool ")]
    if all(any(command in line for line in lines) for command in commands):
        return lines
    found: list[str] = []
    words = ""
    for at, part in enumerate(parts):
        if at % 2 and part.startswith("dsgspool "):
            found += [*(wrapped(words, first) if words.strip() else ()), Command(plain(part))]
            words, first = "", " " * len(first)
        else:
            words += f"`{part}`" if at % 2 else part
    return [*found, *(wrapped(words.strip(" ;,"), first) if words.strip(" ;,") else ())]


def foreign(words: str) -> str:
    """Words of others, as far as a terminal may see them."""
    return plain(words).translate(_ASCII)
