"""The `tags` of a task as the record of an attempt tells them: from its text, else from the `defaults` of its batch.

The rule: nothing but the record is read, as with all else that the page says of an attempt.  Tasks of a batch mostly have
the same tags, so what stands at the key is read once for each form in which it is written.
"""

from __future__ import annotations

import functools
import json
import re

from dsgspool import fields
from dsgspool.errors import InvalidTask
from dsgspool.yamltext import Node, compose, pairs

MOST = 300  #: characters of all tags of a task
_PARTS = re.compile(rb'^(text|policy): (?:\|[-+0-9]*\n((?:(?:  .*)?\n)*)|(".*")\n)', re.MULTILINE)
_MARGIN = re.compile(rb"^  ", re.MULTILINE)
_KEY = re.compile(rb"^tags[ ]*:.*\n(?:(?:[ \t#-].*)?\n)*", re.MULTILINE)
_IN_FLOW = re.compile(rb"^[ ]*\{|^[\"']tags", re.MULTILINE)


def tags_of(record: bytes) -> str:
    """Each on a line of its own; '' when there are none, or none that can be read."""
    if b"tags" not in record:
        return ""
    found = {key: _plain(quoted) or _MARGIN.sub(b"", block) for key, block, quoted in _PARTS.findall(record)}
    own = _of_text(found.get(b"text", b""))
    tags = _of_policy(found.get(b"policy", b"")) if own is None else own
    text = "\n".join(" ".join(tag.split()) for tag in tags)
    return text if len(text) <= MOST else text[:MOST].rpartition("\n")[0]


def _plain(quoted: bytes) -> bytes:
    try:
        return str(json.loads(quoted)).encode(errors="replace") if quoted else b""
    except ValueError:
        return b""


def _of_text(text: bytes) -> tuple[str, ...] | None:
    """None when it says nothing of tags."""
    if match := _KEY.search(text):
        return _read(match[0])
    return _read(text) if b"tags" in text and _IN_FLOW.search(text) else None


@functools.lru_cache(maxsize=4096)
def _read(text: bytes) -> tuple[str, ...] | None:
    try:
        return _at(compose(text))
    except InvalidTask:
        return ()


@functools.lru_cache(maxsize=256)
def _of_policy(text: bytes) -> tuple[str, ...]:
    try:
        keys = {key.value: value for key, value in pairs(compose(text), "the policy")} if b"tags" in text else {}
        return (_at(keys["defaults"]) or ()) if "defaults" in keys else ()
    except InvalidTask:
        return ()


def _at(node: Node) -> tuple[str, ...] | None:
    keys = {key.value: value for key, value in pairs(node, "the task")}
    return fields.texts(keys["tags"], "tags") if "tags" in keys else None
