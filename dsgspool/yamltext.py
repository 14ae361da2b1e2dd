"""YAML text <-> checked values, with line numbers.

The rule: what YAML would read in silence (the second of two equal keys, an alias, a tag) is an error with its line and
with what to write instead, and no text may harm the reader.  `compose` builds the tree itself from the parser's events:
without recursion, with a bound on depth and number, so that neither 256 KiB of `[` nor a bomb of aliases gets anywhere.
What `dump` writes for a simple task, and most people too, is read without PyYAML: `_plainly` gives the very tree that the
parser would give, or nothing (0.02 ms instead of 0.1; a property holds the two together).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from dsgspool.classes import dataclass
from dsgspool.errors import InvalidTask
from dsgspool.expressions import expression
from dsgspool.yamlwriting import MAX_BYTES, PLAIN, PLAIN_IN_FLOW, WORDS

if TYPE_CHECKING:
    import yaml
    from yaml.cyaml import CSafeLoader
    from yaml.events import Event

MAX_DEPTH, MAX_NODES = 20, 20_000
MAX_PLAIN = 4096  #: bytes of a text that is looked at for being plain
LOOK = "look at the indentation, at colons and at quotes here"

# What `_plainly` reads: words, numbers and tame quotes, in lines and in lists; no word that is not text to YAML.
_WORD = rf"(?!(?i:{'|'.join(sorted(WORDS))})(?:[:,\]\n]| +#))"
_QUOTED, _INTEGER = r"""(?:"[ !#-\[\]-~]*"|'[ -&(-~]*')""", r"(?:0|[1-9][0-9]{0,17})"
_AMOUNT = r"[1-9][0-9]{0,17}[smhdKMGT]"  # a duration or a size, which is text to YAML
_ITEM = rf"(?:{_QUOTED}|{_INTEGER}|{_WORD}{PLAIN_IN_FLOW.pattern})"
_KEY = "[a-z][a-z_]{0,99}"  # YAML knows no key of more than 1,024 characters that is not announced
_SCALAR = rf"(?:{_QUOTED}|{_AMOUNT}|{_INTEGER}|{_WORD}{PLAIN.pattern})"
_END = r"(?: +#[ -~]*)?\n(?: *(?:#[ -~]*)?\n)*"  # of a line, with the remarks and empty lines behind it
_BLOCK = rf"\n((?P<indent> *)- {_SCALAR}{_END}(?:(?P=indent)- {_SCALAR}{_END})*)"
_PAIR = expression(rf"({_WORD}{_KEY}):(?: (?:(\[{_ITEM}(?:, {_ITEM})*\])|({_SCALAR})){_END}|{_BLOCK})", re.ASCII)
_REMARKS = expression(r"(?:#[ -~]*\n|\n)*", re.ASCII)
_ITEMS, _ENTRIES = expression(_ITEM, re.ASCII), expression(rf"^ *- ({_SCALAR})", re.ASCII | re.MULTILINE)
_TAG = "tag:yaml.org,2002:"
_LAST_LINE = expression(rb"^\.\.\.[ \t\r]*(?:[ \t]#.*)?$", re.MULTILINE)
_STRANGE = expression("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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
    if len(data) <= MAX_PLAIN and (plain := _plainly(data)):
        return plain
    return _parsed(data, limit, may_be_empty=may_be_empty)


def _parsed(data: bytes, limit: int = MAX_BYTES, *, may_be_empty: bool = False) -> Node:
    """`compose` by the parser."""
    import yaml

    if len(data) > limit:
        raise InvalidTask(f"it has {len(data)} bytes, more than {limit}", remedy="keep the data in a file of its own")
    _check_characters(data)
    try:
        root = _root(data)
    except yaml.MarkedYAMLError as error:
        raise _malformed(error, data) from None
    except (yaml.YAMLError, RecursionError, MemoryError, ValueError) as error:
        raise InvalidTask(f"it is not YAML: {type(error).__name__}: {error}", remedy="simplify it") from None
    if may_be_empty and (root is None or root.tag == "null"):
        return Node("mapping", 1)
    if root is None or root.kind != "mapping":
        reason = "it is empty" if root is None else "it is not a mapping"
        raise InvalidTask(reason, line=root.line if root else 1, remedy="write lines of the form `key: value`")
    return root


def _plainly(data: bytes) -> Node | None:
    """The tree of a text of lines `key: value` and of lists in which nothing is to be decided; None for any other text."""
    if not data.isascii():
        return None
    text = data.decode().removesuffix("...\n")
    remarks = _REMARKS.match(text)
    at = remarks.end() if remarks else 0
    line = text.count("\n", 0, at) + 1
    root, keys = Node("mapping", line), []
    while pair := _PAIR.match(text, at):
        key, items, scalar = pair.group(1, 2, 3)
        if scalar is not None:
            value = _plain_scalar(scalar, line, pair.span(3))
        elif items is not None:
            found = _ITEMS.finditer(text, *pair.span(2))
            value = Node("list", line, children=[_plain_scalar(item[0], line, item.span()) for item in found])
        else:
            value = _plain_block(text, pair)
        keys.append(key)
        root.children += (Node("scalar", line, "str", key, "", [], pair.span(1)), value)
        line, at = line + pair[0].count("\n"), pair.end()
    return root if keys and at == len(text) and len(set(keys)) == len(keys) else None


def _plain_block(text: str, pair: re.Match[str]) -> Node:
    entries = [
        _plain_scalar(entry[1], text.count("\n", 0, entry.start()) + 1, entry.span(1))
        for entry in _ENTRIES.finditer(text, *pair.span(4))
    ]
    return Node("list", entries[0].line, children=entries)


def _plain_scalar(text: str, line: int, span: tuple[int, int]) -> Node:
    quote = text[0]
    if quote in ('"', "'"):
        return Node("scalar", line, "str", text[1:-1], quote, [], span)
    return Node("scalar", line, "int" if text.isdigit() else "str", text, "", [], span)


def _malformed(error: yaml.MarkedYAMLError, data: bytes) -> InvalidTask:
    line = mark.line + 1 if (mark := error.problem_mark or error.context_mark) else None
    if "nesting depth" in (error.problem or ""):  # the scanner of PyYAML 6.0.4 runs ahead, and has a bound too
        return InvalidTask(f"it has too much in it: nested deeper than {MAX_DEPTH}", line=line, remedy="simplify it")
    if "<document start>" in (error.problem or "") and _LAST_LINE.search(
        b"\n".join(data.split(b"\n")[: (line or 1) - 1])
    ):
        return InvalidTask("this stands behind the last line `...`", line=line, remedy="move it above that line")
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
    node: Node,
    known: Iterable[str],
    reserved: Iterable[str] = (),
    foreign: Mapping[str, str] | None = None,
    what: str = "the file",
) -> None:
    """Raise for the first key that is not known.

    `foreign` maps other programs' words to what they are called here; `{value}` in it is the value that stands there,
    `{less}` the same minus one.
    """
    for key, value in pairs(node, what):
        word = key.value
        if word in known:
            continue
        if word in reserved:
            raise wrong(key, f"`{word}` is reserved for a later version", (foreign or {}).get(word, "remove it"))
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
