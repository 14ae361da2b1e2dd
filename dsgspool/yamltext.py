"""YAML text <-> checked values, with line numbers.

The rule: what YAML would read in silence (the second of two equal keys, an alias, a tag) is an error with its line and
with what to write instead, and no text may harm the reader.  `compose` builds the tree itself from the parser's events:
without recursion, with a bound on depth and number, so that neither 256 KiB of `[` nor a bomb of aliases gets anywhere.
PyYAML is imported by the first `compose`; writing needs none of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dsgspool.errors import InvalidTask

if TYPE_CHECKING:
    import yaml
    from yaml.cyaml import CSafeLoader
    from yaml.events import Event

MAX_BYTES = 256 * 1024
MAX_DEPTH, MAX_NODES = 20, 20_000
LOOK = "look at the indentation, at colons and at quotes here"

_TAG = "tag:yaml.org,2002:"
_STRANGE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(slots=True, eq=False)
class Node:
    """One value of the text: `kind` is scalar, list or mapping, `tag` what YAML 1.1 takes a scalar for.

    `children` of a mapping are key, value, key, value ...; `style` is the quote or block sign of a scalar, '' if plain;
    `span` is where a scalar begins and ends, in characters.
    """

    kind: str
    line: int
    tag: str = ""
    value: str = ""
    style: str = ""
    children: list[Node] = field(default_factory=list)
    span: tuple[int, int] = (0, 0)


def wrong(node: Node, reason: str, remedy: str = "") -> InvalidTask:
    """The error for what a node says."""
    return InvalidTask(reason, line=node.line, remedy=remedy)


def compose(data: bytes, limit: int = MAX_BYTES, *, may_be_empty: bool = False) -> Node:
    """The one mapping that `data` holds; InvalidTask for everything else."""
    import yaml

    if len(data) > limit:
        raise InvalidTask(f"it has {len(data)} bytes, more than {limit}", remedy="keep the data in a file of its own")
    _check_characters(data)
    try:
        root = _root(data)
    except yaml.MarkedYAMLError as error:
        raise _malformed(error) from None
    except (yaml.YAMLError, RecursionError, MemoryError, ValueError) as error:
        raise InvalidTask(f"it is not YAML: {type(error).__name__}: {error}", remedy="simplify it") from None
    if may_be_empty and (root is None or root.tag == "null"):
        return Node("mapping", 1)
    if root is None or root.kind != "mapping":
        reason = "it is empty" if root is None else "it is not a mapping"
        raise InvalidTask(reason, line=root.line if root else 1, remedy="write lines of the form `key: value`")
    return root


def _malformed(error: yaml.MarkedYAMLError) -> InvalidTask:
    line = mark.line + 1 if (mark := error.problem_mark or error.context_mark) else None
    if "nesting depth" in (error.problem or ""):  # the scanner of PyYAML 6.0.4 runs ahead, and has a bound too
        return InvalidTask(f"it has too much in it: nested deeper than {MAX_DEPTH}", line=line, remedy="simplify it")
    problem = ": ".join(filter(None, (error.context, error.problem)))
    return InvalidTask(f"it is not YAML: {problem}", line=line, remedy=LOOK)


def _check_characters(data: bytes) -> None:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidTask("it is not UTF-8", line=line, remedy="save the file with the encoding UTF-8") from None
    if strange := _STRANGE.search(text):
        line = text.count("\n", 0, strange.start()) + 1
        raise InvalidTask(f"the character {strange[0]!r} cannot stand in YAML", line=line, remedy="remove it")


def _root(data: bytes) -> Node | None:
    """The root of the only document, None when there is none."""
    import yaml

    loader: CSafeLoader = vars(yaml).get("CSafeLoader", yaml.SafeLoader)(data)
    root = None
    try:
        while (event := loader.get_event()) is not None:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    remedy = "put each task into its own file"
                    raise InvalidTask("it has a second document", line=_line(event), remedy=remedy)
                root = _document(loader)
    finally:
        loader.dispose()
    return root


def _document(loader: CSafeLoader) -> Node:
    """The root node of the document whose start was just read; its end event is read too."""
    import yaml

    stack = [Node("list", 0)]
    count = 0
    while not isinstance(event := loader.get_event(), yaml.DocumentEndEvent):
        count += 1
        if count > MAX_NODES or len(stack) > MAX_DEPTH + 1:
            limit = f"more than {MAX_NODES} values" if count > MAX_NODES else f"nested deeper than {MAX_DEPTH}"
            raise InvalidTask(f"it has too much in it: {limit}", line=_line(event), remedy="simplify it")
        if isinstance(event, yaml.CollectionEndEvent):
            _check_pairs(stack.pop())
            continue
        node = _node(loader, event)
        stack[-1].children.append(node)
        if node.kind != "scalar":
            stack.append(node)
    return stack[0].children[0]


def _line(event: Event | None) -> int:
    return event.start_mark.line + 1 if event and event.start_mark else 0


def _node(loader: CSafeLoader, event: Event | None) -> Node:
    import yaml

    if isinstance(event, yaml.AliasEvent) or (isinstance(event, yaml.NodeEvent) and event.anchor):
        raise _forbidden(event, f"anchor or alias (&{event.anchor} or *{event.anchor})")
    if (tagged := getattr(event, "tag", None)) is not None:
        raise _forbidden(event, f"tag ({tagged})")
    if isinstance(event, yaml.ScalarEvent):
        tag: str = loader.resolve(yaml.ScalarNode, event.value, event.implicit)  # type: ignore[no-untyped-call]
        marks = (event.start_mark, event.end_mark)
        span = (marks[0].index, marks[1].index) if marks[0] and marks[1] else (0, 0)
        return Node("scalar", _line(event), tag.removeprefix(_TAG), event.value, event.style or "", [], span)
    return Node("mapping" if isinstance(event, yaml.MappingStartEvent) else "list", _line(event))


def _forbidden(event: Event | None, what: str) -> InvalidTask:
    remedy = "write the value itself; put text that begins with & * or ! in quotes"
    return InvalidTask(f"it uses the {what}, which is not allowed", line=_line(event), remedy=remedy)


def _check_pairs(node: Node) -> None:
    """Raise for two equal keys, for a key that is no text and for `<<`."""
    if node.kind != "mapping":
        return
    seen: dict[str, int] = {}
    for key in node.children[::2]:
        if key.kind != "scalar":
            raise wrong(key, f"a {key.kind} cannot be a key", "put text with [ or { in quotes")
        if key.tag == "merge":
            raise wrong(key, "the merge key << is not allowed", "write the keys themselves")
        if first := seen.setdefault(key.value, 0):
            raise wrong(
                key, f"`{key.value}` stands here for the second time, first in line {first}", "keep one of them"
            )
        seen[key.value] = key.line


def pairs(node: Node, what: str) -> Iterator[tuple[Node, Node]]:
    """Key and value nodes of a mapping."""
    if node.kind != "mapping":
        raise wrong(node, f"`{what}` must be a mapping", f"write lines of the form `  key: value` below `{what}:`")
    for key, value in zip(node.children[::2], node.children[1::2], strict=True):
        if "\0" in key.value:
            raise wrong(key, f"a key of `{what}` has a NUL character in it", "remove it")
        yield key, value


def check_keys(
    node: Node, known: Iterable[str], reserved: Iterable[str] = (), foreign: Mapping[str, str] | None = None
) -> None:
    """Raise for the first key that is not known.

    `foreign` maps other programs' words to what they are called here; `{value}` in it is the value that stands there,
    `{less}` the same minus one.
    """
    for key, value in pairs(node, "the file"):
        word = key.value
        if word in known:
            continue
        if word in reserved:
            raise wrong(key, f"`{word}` is reserved for a later version", "remove it")
        if foreign and word in foreign:
            said = value.value or "..."
            less = str(max(int(said) - 1, 0)) if re.fullmatch("[0-9]{1,9}", said) else "N"
            raise wrong(key, f"unknown key `{word}`", foreign[word].replace("{value}", said).replace("{less}", less))
        raise wrong(key, f"unknown key `{word}`", did_you_mean(word, known, "remove it, or see the list of keys"))


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """The known word that is nearest, as a question."""
    import difflib

    near = difflib.get_close_matches(word.lower(), list(known), 1, 0.6)
    return f"did you mean `{near[0]}`?" if near else otherwise


# Writing.  Plain is what no YAML 1.1 or 1.2 reader takes for anything but text: it begins like a word, a path or an
# option and holds no colon and no hash.
_PLAIN = re.compile(r"(?:[^\W\d]|/|\.{1,2}/|--?[A-Za-z])(?:[\w ./,+=@%^~()*$<>|&;!?'\"`\[\]{}\\-]*(?<! ))?")
_PLAIN_IN_FLOW = re.compile(r"(?:[^\W\d]|/|\.{1,2}/|--?[A-Za-z])[\w./+=@%^~-]*")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_LITERAL = re.compile("[\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]+")
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_TAME = re.compile(r"[ !#-\[\]-~]*")
_LINE = re.compile(r"^(?=[^\n])", re.MULTILINE)
_LONG = 100


def dump(fields: Iterable[tuple[str, object]]) -> str:
    """A block mapping of scalars, lists of scalars and one-level mappings; any YAML reader gives the same values back.

    One exception: a byte of a file name that is not UTF-8 (a lone surrogate) becomes the six characters `\\udcff`,
    because libyaml refuses to read its escape.
    """
    lines = []
    for key, value in fields:
        name = key if _KEY.fullmatch(key) and key.lower() not in _WORDS else _quoted(key)
        if type(value) is str and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
            lines.append(f"{name}: {value}\n")
        else:
            lines.append(f"{name}:{_value(value)}\n")
    return "".join(lines) or "{}\n"


def _value(value: object) -> str:
    """What stands behind the colon, with the space or line break before it."""
    if isinstance(value, str):
        return " " + (_literal(value) if "\n" in value else _scalar(value, _PLAIN))
    if isinstance(value, Mapping):
        return _block(value) if value else " {}"
    if isinstance(value, list | tuple | set | frozenset):
        flow = ", ".join(_scalar(item, _PLAIN_IN_FLOW) for item in value)
        return f" [{flow}]" if len(flow) < _LONG else "".join(f"\n  - {_scalar(item, _PLAIN)}" for item in value)
    return " " + _scalar(value, _PLAIN)


def _block(values: Mapping[str, object]) -> str:
    lines = []
    for key, value in values.items():
        name = _scalar(str(key), _KEY)
        # A key of more than 1,024 characters must be announced.
        lines.append(f"\n  ? {name}\n  : " if len(name) > 500 else f"\n  {name}: ")
        lines.append(_scalar(value, _PLAIN))
    return "".join(lines)


def _scalar(value: object, plain: re.Pattern[str]) -> str:
    if isinstance(value, str):
        return value if plain.fullmatch(value) and value.lower() not in _WORDS else _quoted(value)
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
