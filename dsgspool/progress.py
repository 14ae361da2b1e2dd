"""How far a task says it is: progress lines and bars in the end of its log.

The rule: pure, and any bytes are a log.  Only what was written as progress counts: `##progress 37/100`,
`::progress:: 0.37`, a bar such as tqdm's; a percentage in an ordinary line is none.
"""

from __future__ import annotations

import re

from dsgspool.classes import dataclass
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
    """`fraction` from 0 to 1; `text` is what stands beside it, `37/100 epoch 3`; `words` that without figures: `epoch 3`."""

    fraction: float
    text: str = ""
    words: str = ""


def progress(tail: bytes) -> Progress | None:
    """What the last progress line of a log's end says, None when there is none."""
    for line in reversed(lines(tail)):
        if found := of_line(line):
            return found
    return None


def last_line(*tails: bytes) -> str:
    """The last line that says more than how far it is; `tails`: ends of logs, what was written last first.

    A progress line says more when it has words beside its figures.  Where there is nothing else, figures are told: `37/100`.
    """
    figures = ""
    for line in (line for tail in tails for line in reversed(lines(tail))):
        found = of_line(line)
        text = _one_line(found.text if found else line)
        if text and (found is None or found.words):
            return text
        figures = figures or text
    return figures


def _one_line(text: str) -> str:
    return " ".join(text.split())


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
        return _progress(value / float(whole), f"{number}/{whole} {words.strip()}", words) if float(whole) else None
    return _progress(value / 100 if percent else value, words, words)


def _progress(fraction: float, text: str, words: str = "") -> Progress | None:
    return Progress(fraction, _short(text), _short(words)) if 0.0 <= fraction <= 1.0 else None


def _short(text: str) -> str:
    return text.strip()[:MAX_TEXT].strip()
