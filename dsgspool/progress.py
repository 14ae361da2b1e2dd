"""How far a task says it is: progress lines and bars in the end of its log.

The rule: pure, and any bytes are a log.  Only what was written as progress counts: `##progress 37/100`,
`::progress:: 0.37`, a bar such as tqdm's; a percentage in an ordinary line is none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dsgspool.expressions import expression

MAX_TEXT = 200  #: characters of the words beside a number
_LINE = expression(r"[\r\n]+")
ESCAPES = expression(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")  #: a terminal's
_NUMBER = r"(\d{1,15}(?:\.\d{0,15})?|\.\d{1,15})"
_MARKED = expression(
    rf"\s*(?:##progress|::progress::)[ \t]+{_NUMBER}(?:[ \t]*/[ \t]*{_NUMBER}|[ \t]*(%))?(?![\w./%])(.*)", re.ASCII
)
# tqdm: ` 37%|###7      | 37/100 [00:10<00:17,  3.60it/s]`, with a name before it perhaps, and units such as 3.7k/10k.
_COUNT = r"\d[\d.]*[a-zA-Z]{0,3}"
_BAR = expression(rf"(?:^|[^\d.,])(\d{{1,3}})%\|[^|\s\w]*\d? *\|[ \t]*({_COUNT}/{_COUNT}(?:[ \t].*)?)$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Progress:
    """`fraction` from 0 to 1; `text` is what stands beside it: `37/100`, `epoch 3`."""

    fraction: float
    text: str = ""


def progress(tail: bytes) -> Progress | None:
    """What the last progress line of a log's end says, None when there is none."""
    for line in reversed(lines(tail)):
        if found := of_line(line):
            return found
    return None


def last_line(tail: bytes) -> str:
    """The last line that says something, for people: of a progress line the words, if it has any, else the line before."""
    for line in reversed(lines(tail)):
        found = of_line(line)
        if text := " ".join((found.text if found else line).split()):
            return text
    return ""


def lines(tail: bytes) -> list[str]:
    """Lines without colours; what a carriage return would overwrite is a line too."""
    return _LINE.split(ESCAPES.sub("", tail.decode(errors="replace")))


def of_line(line: str) -> Progress | None:
    """What one line says."""
    if marked := _MARKED.match(line):
        return _marked(*marked.groups())
    if bar := _BAR.search(line):
        return _progress(int(bar[1]) / 100, bar[2])
    return None


def _marked(number: str, whole: str | None, percent: str | None, words: str) -> Progress | None:
    value = float(number)
    if whole:
        count = f"{number}/{whole}"
        return _progress(value / float(whole), f"{count} {words.strip()}") if float(whole) else None
    return _progress(value / 100 if percent else value, words)


def _progress(fraction: float, text: str) -> Progress | None:
    return Progress(fraction, text.strip()[:MAX_TEXT].strip()) if 0.0 <= fraction <= 1.0 else None
