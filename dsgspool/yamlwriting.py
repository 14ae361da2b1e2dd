"""Values -> YAML text, as a person would write it.

The rule: whatever reads YAML, 1.1 or 1.2, gives the same values back.  Three times an attempt something is written here,
so what is asked of a value is asked once, by its type, and what a key looks like is remembered.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping

from dsgspool.expressions import expression

# Plain is what no YAML 1.1 or 1.2 reader takes for anything but text: it begins like a word, a path or an option and
# holds no colon and no hash.
PLAIN = expression(r"(?:[^\W\d]|/|\.{1,2}/|--?[A-Za-z])(?:[\w ./,+=@%^~()*$<>|&;!?'\"`\[\]{}\\-]*(?<! ))?")
PLAIN_IN_FLOW = expression(r"(?:[^\W\d]|/|\.{1,2}/|--?[A-Za-z])[\w./+=@%^~-]*")
_KEY = expression(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_LITERAL = expression("[\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]+")
_UNSAFE = expression("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_TAME = expression(r"[ !#-\[\]-~]*")
_LINE = expression(r"^(?=[^\n])", re.MULTILINE)
_NUMBERS = frozenset({int, float})
_LONG = 100
MAX_BYTES = 256 * 1024  #: of a task file


def dump(fields: Iterable[tuple[str, object]]) -> str:
    """A block mapping of scalars, lists of scalars and one-level mappings; any YAML reader gives the same values back.

    One exception: a byte of a file name that is not UTF-8 (a lone surrogate) becomes the six characters `\\udcff`,
    because libyaml refuses to read its escape.
    """
    lines = [
        _known_line(k, v) if isinstance(v, int) or (type(v) is str and len(v) < _LONG) else _line(k, v)
        for k, v in fields
    ]
    return "".join(lines) or "{}\n"


def on_line(value: str) -> str:
    """A text as it stands behind a key."""
    return _text(value, PLAIN)


def in_flow(value: str) -> str:
    """A text as it stands on one line, also in brackets and braces, however long it is."""
    return _text(value, PLAIN_IN_FLOW)


def _line(key: str, value: object) -> str:
    return f"{_key(key)}:{_value(value)}\n"


_known_line = functools.lru_cache(maxsize=256, typed=True)(_line)  #: most lines of a record stand in the one before too


@functools.lru_cache(maxsize=512)
def _key(key: str) -> str:
    return key if _KEY.fullmatch(key) and key.lower() not in WORDS else _quoted(key)


def _value(value: object) -> str:
    """What stands behind the colon, with the space or line break before it."""
    if isinstance(value, str):
        return " " + (_literal(value) if "\n" in value else _text(value, PLAIN))
    if type(value) in _NUMBERS:
        return f" {_scalar(value, PLAIN)}"
    if isinstance(value, Mapping):
        return _block(value) if value else " {}"
    if isinstance(value, list | tuple | set | frozenset):
        flow = ", ".join([_scalar(item, PLAIN_IN_FLOW) for item in value])
        return f" [{flow}]" if len(flow) < _LONG else "".join([f"\n  - {_scalar(item, PLAIN)}" for item in value])
    return f" {_scalar(value, PLAIN)}"


def _block(values: Mapping[str, object]) -> str:
    lines = []
    for key, value in values.items():
        name = _key(str(key))
        # A key of more than 1,024 characters must be announced.
        lines.append(f"\n  ? {name}\n  : " if len(name) > 500 else f"\n  {name}: ")
        lines.append(_scalar(value, PLAIN))
    return "".join(lines)


def _text(value: str, plain: re.Pattern[str]) -> str:
    return value if plain.fullmatch(value) and value.lower() not in WORDS else _quoted(value)


def _scalar(value: object, plain: re.Pattern[str]) -> str:
    if isinstance(value, str):
        return _text(value, plain)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, int):
        return str(int(value))
    raise TypeError(f"{type(value).__name__} cannot be written as YAML here")


def _float(value: float) -> str:
    written = repr(value)
    if "n" in written:  # inf and nan have names of their own in YAML
        return written.replace("inf", ".inf").replace("nan", ".nan")
    # Without a dot YAML 1.1 reads 1e+20 as text.
    return written.replace("e", ".0e") if "e" in written and "." not in written else written


def _quoted(value: str) -> str:
    if _TAME.fullmatch(value):
        return f'"{value}"'
    import json

    escaped = json.dumps(value.encode("utf-8", "backslashreplace").decode(), ensure_ascii=False)
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", escaped)


def _literal(value: str) -> str:
    """A block of lines as they are, where YAML gives exactly them back."""
    body = value.rstrip("\n")
    if not body or not _LITERAL.fullmatch(value):
        return _quoted(value)
    indent = "2" if value[0] in " \t\n" else ""
    breaks = len(value) - len(body)
    chomp = "" if breaks == 1 else "+" if breaks else "-"
    return f"|{indent}{chomp}\n{_LINE.sub('  ', value[:-1] if breaks else value)}"
