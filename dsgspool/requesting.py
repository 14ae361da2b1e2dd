"""`resources` and `where` of a task file -> `Request`; and the same found in its text without a YAML parser.

The rule: what a task wants must be known before anybody parses it, because that says who may open it at all.  So both keys
are written plainly, and `written_plainly` has to find what the parser finds; else the task is invalid, and told how to write it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from dsgspool import fields, foreign
from dsgspool.conditions import is_name, parse_where
from dsgspool.errors import InvalidTask
from dsgspool.expressions import expression
from dsgspool.requests import NOTHING, Request
from dsgspool.yamltext import Node, did_you_mean, pairs, wrong

RUNGS = 8
MOST = 4096  #: characters of what both keys say: no text may keep its reader busy
MOST_NAMED = 999_999_999  #: of a counted resource
KEYS = ("cpus", "memory", "gpus", "gpu_memory", "scratch")
PLAINLY = "write it as `resources: {memory: 16G, gpus: 1}`, or one `  key: value` a line below `resources:`; `where: ram>=64G`"

_WORD = r"[A-Za-z0-9_.-]+"
_SCALAR = rf"(?:{_WORD}|\"{_WORD}\"|'{_WORD}')"
_VALUE = rf"{_SCALAR}|\[\s*{_SCALAR}(?:\s*,\s*{_SCALAR})*\s*\]"
_END = r"[ \t]{0,80}(?:#[^\n]*)?$"
_FLOW = expression(rf"^resources:[ ]+\{{([^{{}}\n]{{0,2000}})\}}{_END}", re.MULTILINE)
_BLOCK = expression(rf"^resources:{_END}((?:\n(?:[ ]+[^\n]*|[ ]*#[^\n]*|[ ]*(?=\n)))+)", re.MULTILINE)
_PAIR = expression(rf"\s*({_WORD}):[ ]+({_VALUE})\s*")
_RUNGS = expression(rf"^([ ]+memory:)[ ]*((?:\n[ ]+- {_SCALAR}[ ]*$)+)", re.MULTILINE)
_COMMENT = expression(r"\s+#.*")
_PLAIN = r"[A-Za-z](?:[^#:\n]|(?<! )#|:(?=\S)){0,2000}?"
_WHERE = expression(
    rf"^where:[ ]+(?:\"(?P<double>[^\"\\\n]*)\"|'(?P<single>[^'\n]*)'|(?P<plain>{_PLAIN})){_END}", re.MULTILINE
)
_FORMS = (("where:", _WHERE), ("resources:", _FLOW), ("resources:", _BLOCK))


def resources(node: Node, what: str) -> dict[str, Any]:
    """What `resources` says: `cpus`, and the fields of `Request`."""
    found: dict[str, Any] = {}
    named: list[tuple[str, int]] = []
    for key, value in pairs(node, what):
        word = f"{what}.{key.value}"
        match key.value:
            case "cpus":
                found["cpus"] = fields.integer(value, word, 1, 99_999)
            case "memory":
                found["memory"] = _ladder(value, word)
            case "gpus":
                found["gpus"] = fields.integer(value, word, 0, 999)
            case "gpu_memory" | "scratch":
                found[key.value] = fields.size(value, word)
            case name:
                named.append((check_named(key, name), fields.integer(value, word, 0, MOST_NAMED)))
    if found.get("gpu_memory") and "gpus" not in found:
        found["gpus"] = 1
    return {**found, "named": tuple(sorted(pair for pair in named if pair[1]))}


def check_named(key: Node, name: str) -> str:
    """That name of a counted resource; InvalidTask for one that cannot be meant."""
    if hint := foreign.RESOURCES.get(name):
        raise wrong(key, f"unknown key `{name}`", hint)
    if not is_name(name):
        raise wrong(key, f"{name!r} cannot be a resource's name", "use letters, digits, _ and -, a letter in front")
    if near := did_you_mean(name, KEYS):
        raise wrong(key, f"unknown key `{name}`", f"{near} A resource of your own needs a name that is less like it")
    return name


def _ladder(node: Node, what: str) -> tuple[int, ...]:
    """One size, or several that grow."""
    rungs = tuple(fields.size(item, what) for item in (node.children if node.kind == "list" else [node]))
    if not rungs or not all(rungs) or len(rungs) > RUNGS or list(rungs) != sorted(set(rungs)):
        raise wrong(
            node, f"`{what}` is no size above 0, and no list of up to {RUNGS} that grow", "such as 8G or [8G, 16G, 32G]"
        )
    return rungs


def request(nodes: Mapping[str, Node]) -> tuple[int | None, Request]:
    """(`resources.cpus`, everything else) of a task file's keys; InvalidTask with line and remedy."""
    cpus, found = None, NOTHING
    if "resources" in nodes:
        values = resources(nodes["resources"], "resources")
        cpus = values.pop("cpus", None)
        if cpus is not None and "cpus" in nodes:
            raise wrong(nodes["cpus"], "it has both `cpus` and `resources.cpus`", "keep one of them")
        found = Request(**values)
    if "where" in nodes:
        try:
            found = replace(found, where=parse_where(fields.text(nodes["where"], "where")))
        except InvalidTask as error:
            raise wrong(
                nodes["where"], f"`where`: {error.reason}" if error.line is None else error.reason, error.remedy
            ) from None
    return cpus, found


def plain_request(data: bytes, nodes: Mapping[str, Node]) -> tuple[int | None, Request]:
    """The same; InvalidTask also for a text in which nobody finds these keys without a parser."""
    found = request(nodes)
    if written_plainly(data) != found:
        key = nodes.get("resources") or nodes["where"]
        raise wrong(key, "`resources` or `where` is written in a way that workers cannot read at a glance", PLAINLY)
    return found


def written_plainly(data: bytes) -> tuple[int | None, Request]:
    """The same from a task file's bytes, as far as it is written plainly; what is not is not found."""
    if b"resources:" not in data and b"where:" not in data:
        return None, NOTHING
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        return None, NOTHING
    found = [match[0] for key, form in _FORMS if (match := form.match(text, _place(text, key)))]
    return _of_sections("\n".join(found)) if sum(map(len, found)) <= MOST else (None, NOTHING)


def _place(text: str, key: str) -> int:
    """Where the first line with that key begins: only there is it tried, so that no text is tried at thousands of places."""
    return 0 if text.startswith(key) else text.find(f"\n{key}") + 1


@functools.lru_cache(maxsize=1024)
def _of_sections(text: str) -> tuple[int | None, Request]:
    """Of the lines alone that say it: those of one batch mostly say the same."""
    try:
        return request(dict(_nodes(text)))
    except (ValueError, InvalidTask):
        return None, NOTHING


def _nodes(text: str) -> Iterator[tuple[str, Node]]:
    if match := _WHERE.search(text):
        yield "where", Node("scalar", 0, "str", (match["double"] or match["single"] or match["plain"] or "").strip())
    if match := _FLOW.search(text):
        # Commas between brackets divide nothing.
        yield "resources", _mapping(re.split(r",(?![^\[]*\])", match[1].rstrip().removesuffix(",")))
    elif match := _BLOCK.search(text):
        block = _RUNGS.sub(lambda found: f"{found[1]} [{','.join(found[2].replace('- ', '').split())}]", match[1])
        lines = [line for line in block.split("\n") if line.strip() and not line.lstrip().startswith("#")]
        if len({len(line) - len(line.lstrip(" ")) for line in lines}) == 1:
            yield "resources", _mapping(_COMMENT.sub("", line) for line in lines)


def _mapping(pairs: Iterable[str]) -> Node:
    children: list[Node] = []
    for pair in pairs:
        if not (match := _PAIR.fullmatch(pair)):
            raise ValueError(pair)
        children += Node("scalar", 0, "str", match[1]), _value(match[2])
    return Node("mapping", 0, children=children)


def _value(text: str) -> Node:
    if text[0] == "[":
        return Node("list", 0, children=[_value(item.strip()) for item in text[1:-1].split(",")])
    quote = text[0] if text[0] in "\"'" else ""
    return Node("scalar", 0, "str", text.strip(quote) if quote else text, quote)
