"""What must not be written down: the values of secrets, by the names that they have.

The rule: names stay, values become ***; a value that is found once is hidden wherever it stands.  What a command prints
is its own affair.  Hiding too much costs a look at the task file, which keeps everything; hiding too little cannot be undone.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from shlex import quote

from dsgspool.errors import InvalidTask
from dsgspool.expressions import expression
from dsgspool.yamltext import Node, compose
from dsgspool.yamlwriting import MAX_BYTES

MASK = "***"
SHORTEST = 6  #: characters of a value that is looked for elsewhere: a shorter one would hide half of every text
_WORDS = (
    "TOKEN(?!IZ)|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|(?:API|ACCESS|PRIVATE|SIGNING|ENCRYPTION)[_-]?KEY"
    "|(?<![A-Z])PASS(?![A-Z_])"
)
_SECRET = expression(_WORDS, re.IGNORECASE)
_COMMENT = expression(rf"^([ \t]*#.*(?:{_WORDS})[\w-]*[\"']?[ \t]*[:=][ \t]*)\S.*$", re.IGNORECASE | re.MULTILINE)
_BROKEN = expression(rf"([\w-]*(?:{_WORDS})[\w-]*[\"']?[ \t]*[:=])[ \t]*\S.*", re.IGNORECASE)


def is_secret(name: str) -> bool:
    """True when a variable or param of that name holds a secret: *TOKEN* *SECRET* *PASSWORD* *API_KEY* and their kin."""
    return _SECRET.search(name) is not None


def mask_mapping(values: Mapping[str, str], hidden: Collection[str] = ()) -> dict[str, str]:
    """The same names; values of secrets, and of those in `hidden`, as ***."""
    return {name: MASK if name in hidden or is_secret(name) else value for name, value in values.items()}


def secret_values(*mappings: Mapping[str, str]) -> tuple[str, ...]:
    """The values of secrets that are worth looking for, the longest first."""
    found = {value for values in mappings for name, value in values.items() if is_secret(name)}
    return worth_hiding(found)


def worth_hiding(values: Iterable[str]) -> tuple[str, ...]:
    """Those that are long enough, the longest first."""
    return tuple(sorted({value for value in values if len(value) >= SHORTEST}, key=len, reverse=True))


def hide(text: str, values: Iterable[str]) -> str:
    """`text` without those values, as they are and as a shell quotes them."""
    for value in values:
        text = text.replace(quote(value), MASK).replace(value, MASK)
    return text


def mask_text(text: str, values: Sequence[str] = ()) -> str:
    """A task file's text without the values of its secrets, and without `values`; comments and layout stay."""
    if _SECRET.search(text):
        text = _COMMENT.sub(rf"\1{MASK}", _mask_values(text))
    return hide(text, values)


def secrets_in(text: str) -> Iterator[str]:
    """The values of a task file's secrets; none of a text that is no YAML."""
    if _SECRET.search(text):
        with contextlib.suppress(InvalidTask, UnicodeEncodeError):
            yield from (node.value for node in _secrets(compose(text.encode(), 4 * MAX_BYTES)))


def _mask_values(text: str) -> str:
    try:
        root = compose(text.encode(), 4 * MAX_BYTES)
    except (InvalidTask, UnicodeEncodeError):
        return _mask_broken(text)
    secrets = list(_secrets(root))
    for node in sorted(secrets, key=lambda node: -node.span[0]):
        begin, end = node.span
        text = f'{text[:begin]}"{MASK}"{_line_end(text[begin:end])}{text[end:]}'
    return hide(text, worth_hiding(node.value for node in secrets))


def _line_end(block: str) -> str:
    """A block of lines ends behind its last line break."""
    return "\n" if block.endswith("\n") else ""


def _secrets(node: Node, *, inside: bool = False) -> Iterator[Node]:
    """Every scalar below a key that names a secret."""
    if node.kind == "scalar":
        if inside and node.span[1] > node.span[0]:
            yield node
        return
    if node.kind == "list":
        for child in node.children:
            yield from _secrets(child, inside=inside)
        return
    for key, value in zip(node.children[::2], node.children[1::2], strict=True):
        yield from _secrets(value, inside=inside or is_secret(key.value))


def _mask_broken(text: str) -> str:
    """A text that is no YAML: from the name of a secret to the end of its line, and lines that stand further in."""
    lines, deeper = [], -1
    for line in text.split("\n"):
        indent = len(line) - len(line.lstrip())
        if deeper >= 0 and (indent > deeper or not line.strip()):
            lines.append(f"{line[:indent]}{MASK}" if line.strip() else line)
            continue
        masked = _BROKEN.sub(rf"\1 {MASK}", line)
        deeper = indent if _SECRET.search(line) else -1
        lines.append(masked)
    return "\n".join(lines)
