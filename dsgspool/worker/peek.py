"""What must be known of a task before its record is made: whether it has to wait, and how many slots it wants.

The rule: a hint, found without the YAML parser, because nothing may be parsed before the record counts the attempt.
A top-level key stands at the beginning of a line and a block's lines never do.  Quotes and brackets may go on there: of a text
in which they do, or perhaps do, nothing is found.  What is missed (that, flow style, odd quoting) is noticed after parsing.
"""

from __future__ import annotations

import functools
import re
from datetime import datetime

from dsgspool.classes import dataclass
from dsgspool.errors import InvalidName, InvalidTask
from dsgspool.expressions import expression
from dsgspool.fields import expiry
from dsgspool.names import check_after
from dsgspool.requesting import written_plainly
from dsgspool.requests import NOTHING, Request
from dsgspool.task import After, Expiry
from dsgspool.yamltext import Node

#: The lines of a block, in which quotes and brackets mean nothing.
_BLOCK = expression(
    rb"^([ ]*)([^\s#][^\n]*?[:-][ ]+)[|>][0-9+-]*[ ]*(?:#[^\n]*)?\r?\n(?:\1[ ][^\n]*\n|[ \r]*\n)*", re.MULTILINE
)
_DOUBLE, _SINGLE = rb'"(?:[^"\\\n]|\\[^\n]|\\(?=\n)|\n(?=\s))*', rb"'(?:[^'\n]|''|\n(?=\s))*"  # up to their end
_SIMPLE, _COMMENT_OR_HASH = rb"[\[{][^\[\]{}\"'#\n]*[\]}]", rb"(?<=\s)#[^\n]*(?=\n)|(?<!\s)\#"
_ITEMS = [rb"[^\[\]{}\"'#\n]", rb"\n(?=\s)", _SIMPLE, _DOUBLE + b'"', _SINGLE + b"'", _COMMENT_OR_HASH]
_QUOTED_OVER = b"(?:" + _DOUBLE + b"|" + _SINGLE + rb")\n(?=\S)"
_BRACKETS_OVER = rb"[\[{](?:" + b"|".join(_ITEMS) + rb")*(?:\n(?=\S)|" + _QUOTED_OVER + b")"
#: A quoted text, or brackets, that may go on at the beginning of a line.  (Not one of these alternatives begins as another
#: one, and none is possessive: before 3.11.5 Python tried such a one again with less.)
_OVER = expression(
    rb"(?:^[ \t]*|[:?-][ \t]+)(?:" + _QUOTED_OVER + b"|" + _BRACKETS_OVER + rb")|[,\[{][ \t]*" + _BRACKETS_OVER,
    re.MULTILINE,
)
#: Brackets within remarks: from each the search above may go on to the end, which takes minutes of a text full of them.
_REMARK, MOST_WITHIN = expression(rb"#[^\n]*+"), 64
_HINT = expression(rb"^(?:\xef\xbb\xbf)?(?:cpus|format|not_before|after|expires):", re.MULTILINE)
_CPUS = expression(rb"^cpus:\s*([0-9]{1,5})\s*(?:#.*)?$", re.MULTILINE)
_FORMAT = expression(rb"^format:\s*([0-9]{1,6})\s*(?:#.*)?$", re.MULTILINE)
_NOT_BEFORE = expression(rb"^not_before:\s*['\"]?([0-9T:. +Z-]+?)['\"]?\s*(?:#.*)?$", re.MULTILINE)
_SWEEP = expression(rb"^sweep:", re.MULTILINE)
_EXPIRES = expression(rb"^expires:\s*['\"]?([0-9a-zT:. +Z-]+?)['\"]?\s*(?:#.*)?$", re.MULTILINE)
#: The way in which most write it: names in brackets on a line, and no line behind it that could go on with it.
_PLAIN_AFTER = expression(rb"^after: \[([\w./, -]+)\]\r?\n(?=[A-Za-z.])", re.MULTILINE | re.ASCII)
_AFTER = expression(r"^after:[ ]*([^\n]*(?:\n(?:[ -][^\n]*|#[^\n]*|(?=\n)))*)", re.MULTILINE)
_NAME = (
    r"""(?:"(?P<double>[^"\\\n]+)"|'(?P<single>[^'\n]+)'|(?P<plain>[^\s,\[\]{}"'#&*!|>%@`:?~-][^,\[\]{}"'#:\n]*?))"""
)
_ENTRY = expression(rf"{_NAME}(?:[ ]*:[ ]+(?P<wants>success|any|failure))?")
_COMMENT = expression(r"(?:^|(?<=\s))#[^\n]*", re.MULTILINE)
#: What YAML 1.1 takes for something other than text.
_NO_TEXT = expression(r"(?i:y|n|yes|no|on|off|true|false|null)|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*")


@dataclass(frozen=True, slots=True)
class Peek:
    """Hints; `not_before` is Unix time."""

    cpus: int = 1
    format: int = 1
    not_before: float | None = None
    after: tuple[After, ...] = ()
    expires: Expiry | None = None
    request: Request = NOTHING


@functools.lru_cache(maxsize=16)  # thousands of tasks may have one text
def peek(data: bytes) -> Peek:
    """Hints in a task file's text."""
    wide, request = written_plainly(data)
    if not _HINT.search(data) or _may_go_over(data):
        return Peek(cpus=wide or 1, request=request)
    cpus, newer, moment = _CPUS.search(data), _FORMAT.search(data), _NOT_BEFORE.search(data)
    return Peek(
        cpus=wide or (max(1, int(cpus[1])) if cpus else 1),
        format=int(newer[1]) if newer else 1,
        not_before=_moment(moment[1].decode()) if moment else None,
        after=_after(data) if b"after:" in data else (),
        expires=_expiry(data) if b"expires:" in data else None,
        request=request,
    )


def _may_go_over(data: bytes) -> bool:
    """True when something at the beginning of a line is perhaps within quotes or brackets."""
    text = _BLOCK.sub(rb"\1\2x\n", data)
    within = sum(remark.count(b"[") + remark.count(b"{") for remark in _REMARK.findall(text))
    return within > MOST_WITHIN or _OVER.search(text) is not None


def is_sweep(data: bytes) -> bool:
    """True for the text of a sweep."""
    return _SWEEP.search(data) is not None


def _after(data: bytes) -> tuple[After, ...]:
    """The entries of `after` when they are written plainly: on one line, in brackets, or one a line; else ()."""
    try:
        if plain := _PLAIN_AFTER.search(data):
            return tuple(dict.fromkeys(_entry(text.strip()) for text in plain[1].decode().rstrip(" ,").split(",")))
        found = _AFTER.search(data.decode("utf-8-sig").replace("\r\n", "\n"))
        return tuple(dict.fromkeys(_entry(text) for text in _texts(found[1]))) if found else ()
    except (UnicodeDecodeError, ValueError, InvalidName):
        return ()


def _texts(section: str) -> list[str]:
    text = re.sub(r"\n[ ]*#[^\n]*", "", section)
    text = text if '"' in text or "'" in text else _COMMENT.sub("", text)
    is_inline = not text.startswith("\n") and bool(text.partition("\n")[0].strip())
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        return [part.strip() for part in text[1:-1].rstrip(" \n,").split(",")]
    is_list = all(line.startswith("- ") for line in lines)
    if not is_list and (is_inline or len(lines) == 1) and (len(lines) != 1 or (is_inline and ": " in text)):
        raise ValueError(text)  # a text over several lines, or no YAML
    if not is_list and len(lines) > 1 and not all(": " in line for line in lines):
        raise ValueError(text)
    return [line.removeprefix("- ").strip() if is_list else line for line in lines]


@functools.lru_cache(maxsize=4096)
def _entry(text: str) -> After:
    match = _ENTRY.fullmatch(text)
    if match is None or (match["plain"] and _NO_TEXT.fullmatch(match["plain"])):
        raise ValueError(text)
    return After(check_after(match["double"] or match["single"] or match["plain"]), match["wants"] or "success")


def _expiry(data: bytes) -> Expiry | None:
    found = _EXPIRES.search(data)
    try:
        return expiry(Node("scalar", 0, "str", found[1].decode()), "expires") if found else None
    except InvalidTask:  # without an offset, or none at all: told after parsing
        return None


def _moment(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo else None
