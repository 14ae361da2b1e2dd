"""Changing one key in the text of a task file: comments, order and layout stay.

The rule: nothing is guessed.  The new text is read again, and must say what the old one said with just that key changed;
a text that cannot be changed so is refused.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

from dsgspool.classes import dataclass
from dsgspool.errors import InvalidTask
from dsgspool.expressions import expression
from dsgspool.yamltext import Node, compose, pairs, wrong
from dsgspool.yamlwriting import dump, in_flow

_ASSIGNMENT = expression(r"([a-z_]+)(?:\.([^=]+))?=(.*)", re.DOTALL)
_BY_HAND = "hold it, change it with an editor, and release it"


@dataclass(frozen=True, slots=True)
class Setting:
    """`key=value` or `key.inner=value`; `value` is YAML, '' removes the key."""

    key: str
    inner: str
    value: str

    def __str__(self) -> str:
        return f"{self.key}{f'.{self.inner}' if self.inner else ''}={self.value}"


@dataclass(frozen=True, slots=True)
class Substitution:
    """`s/pattern/replacement/`, line by line; `count` 0 = every place in a line."""

    pattern: re.Pattern[str]
    replacement: str
    count: int
    text: str

    def __str__(self) -> str:
        return self.text


Rewrite = Setting | Substitution


def parse_setting(word: str) -> Setting | None:
    """What a word of the command line asks for, None when it is no `key=value`; InvalidTask for a value that is no YAML."""
    match = _ASSIGNMENT.fullmatch(word)
    if match is None:
        return None
    setting = Setting(match[1], match[2] or "", match[3].strip())
    if setting.value:
        _value(setting)
    return setting


def parse_substitution(text: str) -> Substitution:
    """`s/a/b/`, `s/a/b/g` or with any other sign between the parts; ValueError with the reason."""
    if len(text) < 2 or text[0] != "s" or text[1].isalnum() or text[1] in "\\ \n":
        raise ValueError(f"--sed is {text!r} and must look like s/PATTERN/REPLACEMENT/")
    sign = text[1]
    parts = re.split(rf"(?<!\\){re.escape(sign)}", text[2:])
    if len(parts) != 3 or not parts[0] or not re.fullmatch("[gi]*", parts[2]):
        raise ValueError(
            f"--sed is {text!r} and must look like s{sign}PATTERN{sign}REPLACEMENT{sign}, g and i behind it"
        )
    pattern, replacement = (part.replace(f"\\{sign}", sign) for part in parts[:2])
    try:
        compiled = expression(pattern, re.IGNORECASE if "i" in parts[2] else 0)
        compiled.sub(replacement, "")
        re.sub(f"(?:{pattern})|", replacement, "")  # a group in the replacement that the pattern does not have
    except (re.error, IndexError) as error:
        raise ValueError(f"--sed is {text!r}: {error}") from None
    return Substitution(compiled, replacement, 0 if "g" in parts[2] else 1, text)


def rewritten(data: bytes, changes: Sequence[Rewrite]) -> bytes:
    """The text with all changes; InvalidTask with line and remedy when one cannot be made."""
    for change in changes:
        data = _substituted(data, change) if isinstance(change, Substitution) else _set(data, change)
    return data


def _substituted(data: bytes, change: Substitution) -> bytes:
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    bodies = [line.removesuffix("\r") for line in lines]
    new = [change.pattern.sub(change.replacement, body, change.count) for body in bodies]
    ends = [line[len(body) :] for line, body in zip(lines, bodies, strict=True)]
    return "\n".join(map("".join, zip(new, ends, strict=True))).encode("utf-8", "surrogateescape")


def _set(data: bytes, change: Setting) -> bytes:
    root = compose(data)
    wanted = _wanted(root, change)
    if wanted == _meaning(root):
        return data
    text = data.decode("utf-8-sig")
    mark = data[: len(data) - len(text.encode())]
    for candidate in _candidates(text, root, change):
        new = mark + candidate.encode()
        try:
            if _meaning(compose(new)) == wanted:
                return new
        except InvalidTask:
            continue
    line = next((key.line for key, _ in pairs(root, "the file") if key.value == change.key), 1)
    raise InvalidTask(f"`{change.key}` cannot be changed without the lines around it", line=line, remedy=_BY_HAND)


# -- what a text says -------------------------------------------------------------------------------------------


def _meaning(node: Node) -> object:
    """A value to compare by: what YAML takes it for, not how it is written."""
    if node.kind == "scalar":
        return node.tag, node.value
    if node.kind == "list":
        return [_meaning(child) for child in node.children]
    return [(key.value, _meaning(value)) for key, value in pairs(node, "the file")]


def _value(change: Setting) -> Node:
    """The value that is to stand there; a comment or a second line would be lost in silence."""
    word = change.inner or change.key
    if "\n" in change.value:
        raise InvalidTask(f"the value of `{word}` has several lines", remedy=_BY_HAND)
    try:
        [(_, value)] = pairs(compose(f"{change.key}: {change.value}\n".encode()), "the value")
    except InvalidTask as error:
        remedy = "put it in quotes that YAML sees too: 'key=\"a: b\"'"
        raise InvalidTask(f"the value of `{word}`: {error.reason}", remedy=remedy) from None
    if value.kind == "scalar" and value.span[1] - value.span[0] != len(change.value):
        remedy = "put it in quotes that YAML sees too: 'key=\"a #b\"'"
        raise InvalidTask(f"in the value of `{word}` YAML takes everything from # on for a comment", remedy=remedy)
    return value


def _wanted(root: Node, change: Setting) -> list[tuple[str, object]]:
    """What the new text has to say."""
    said = {key.value: _meaning(value) for key, value in pairs(root, "the file")}
    if not change.inner:
        new = _meaning(_value(change)) if change.value else None
    else:
        there = next((value for key, value in pairs(root, "the file") if key.value == change.key), None)
        if there is not None and there.kind != "mapping":
            remedy = f"write all of it: {change.key}='{{{change.inner}: {change.value or '...'}}}'"
            raise InvalidTask(f"`{change.key}` is no mapping here", line=there.line, remedy=remedy)
        inner = {key.value: _meaning(value) for key, value in pairs(there, change.key)} if there else {}
        inner.pop(change.inner, None) if not change.value else inner.update({change.inner: _meaning(_value(change))})
        new = list(inner.items()) or None
    if new is None:
        said.pop(change.key, None)
    else:
        said[change.key] = new
    return list(said.items())


# -- ways to write it -------------------------------------------------------------------------------------------


def _candidates(text: str, root: Node, change: Setting) -> Iterator[str]:
    """Texts that may say it, the one that changes least first."""
    top = list(pairs(root, "the file"))
    place = next((n for n, (key, _) in enumerate(top) if key.value == change.key), None)
    if place is None:
        inner = f"\n  {_key(change.inner)}: {change.value}" if change.inner else f" {change.value}"
        yield _appended(text, f"{change.key}:{inner}\n")
        return
    value = top[place][1]
    target = value
    if change.inner:
        target = next((v for k, v in pairs(value, change.key) if k.value == change.inner), Node("list", 0))
    if target.kind == "scalar" and change.value:
        begin, end = target.span
        yield text[:begin] + change.value + text[end:]
    lines = text.splitlines(keepends=True)
    first, last = _lines_of(lines, top, place)
    entry = _entry(value, change)
    yield "".join(lines[:first]) + entry + "".join(lines[last:])


def _lines_of(lines: list[str], top: list[tuple[Node, Node]], place: int) -> tuple[int, int]:
    """The lines of one entry: up to the next, less the comments and empty lines that stand before that."""
    first = top[place][0].line - 1
    last = top[place + 1][0].line - 1 if place + 1 < len(top) else len(lines)
    while last > first + 1 and (not lines[last - 1].strip() or lines[last - 1].startswith(("#", "..."))):
        last -= 1
    return first, last


def _entry(value: Node, change: Setting) -> str:
    """The lines of the entry as it shall be, '' when it goes."""
    if not change.inner:
        return f"{change.key}: {change.value}\n" if change.value else ""
    kept = [(key, node) for key, node in pairs(value, change.key) if key.value != change.inner]
    lines = [f"  {_key(key.value)}: {_flow(node)}\n" for key, node in kept]
    if change.value:
        lines.append(f"  {_key(change.inner)}: {change.value}\n")
    return f"{change.key}:\n{''.join(lines)}" if lines else ""


def _key(key: str) -> str:
    return dump([(key, 0)]).removesuffix(": 0\n")


def _written(node: Node) -> str:
    """A scalar as it is written on one line."""
    return in_flow(node.value) if node.tag == "str" else node.value


def _appended(text: str, entry: str) -> str:
    """Behind all other keys, before the line that says that the file is whole."""
    body = text.rstrip()
    end = "...\n" if body.endswith("\n...") else ""
    body = body.removesuffix("...").rstrip() if end else text.rstrip("\n")
    return f"{body}\n{entry}{end}"


def block_of(data: bytes, key: str) -> bytes:
    """The text of a task file that stands below `key` of another one; comments stay.  InvalidTask when it is no block."""
    root = compose(data)
    top = list(pairs(root, "the file"))
    place = next(n for n, (node, _) in enumerate(top) if node.value == key)
    lines = data.decode("utf-8-sig").splitlines(keepends=True)
    first, last = _lines_of(lines, top, place)
    text = f"{textwrap.dedent(''.join(lines[first + 1 : last])).rstrip()}\n...\n".encode()
    value = top[place][1]
    if value.kind == "mapping":
        try:
            if _meaning(compose(text)) == _meaning(value):
                return text
        except InvalidTask:
            pass
    raise wrong(
        value, f"`{key}` must be a block of lines", f"write `{key}:`, and below it each key on a line of its own"
    )


def task_below(data: bytes, key: str) -> bytes:
    """The same, of a block or of a mapping in braces."""
    value = next(value for node, value in pairs(compose(data), "the file") if node.value == key)
    try:
        text = block_of(data, key)
    except InvalidTask:
        text = b"{"
    if value.kind == "mapping" and text.startswith(b"{"):
        lines = (f"{_key(name.value)}: {_flow(node)}\n" for name, node in pairs(value, key))
        text = f"{''.join(lines)}...\n".encode()
    return text


def _flow(node: Node) -> str:
    """A value on one line."""
    if node.kind == "list":
        return f"[{', '.join(map(_flow, node.children))}]"
    if node.kind == "mapping":
        return f"{{{', '.join(f'{_key(name.value)}: {_flow(value)}' for name, value in pairs(node, '...'))}}}"
    return _written(node)
