"""Where a sweep takes values from that stand in no task file: `rows`, `lines` and `glob` of the key `sweep`.

The rule: nothing is read here, and how many values there are is not known yet (worker/reading.py reads, once).
"""

from __future__ import annotations

from collections.abc import Mapping

from dsgspool import fields
from dsgspool.expressions import expression
from dsgspool.items import Source
from dsgspool.yamltext import Node, check_keys, pairs, wrong

ROWS, LINES, GLOB = KINDS = ("rows", "lines", "glob")
_PARAM = expression(r"[A-Za-z_][A-Za-z0-9_]*")
_DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}


def read(said: Mapping[str, Node], what: str) -> list[Source]:
    """The sources of a sweep, in the order in which they turn."""
    found = [_rows(said[ROWS], f"{what}.{ROWS}")] if ROWS in said else []
    for kind in (LINES, GLOB):
        entries = pairs(said[kind], f"{what}.{kind}") if kind in said else ()
        found += [(kind, [param(key)], _path(value, f"{what}.{kind}.{key.value}"), "") for key, value in entries]
    return found


def param(key: Node) -> str:
    """A param's name."""
    if not is_param(key.value):
        raise wrong(key, f"{key.value!r} cannot be a param's name", "use letters, digits and _, no digit in front")
    return key.value


def is_param(name: str) -> bool:
    """True for what can stand in {braces}."""
    return _PARAM.fullmatch(name) is not None


def _rows(node: Node, what: str) -> Source:
    """A file with a header line, or a mapping of `file` and `delimiter`."""
    if node.kind != "mapping":
        return ROWS, [], _path(node, what), _delimiter_of(node, what)
    check_keys(node, ("file", "delimiter"), what=what)
    said = {key.value: value for key, value in pairs(node, what)}
    if "file" not in said:
        raise wrong(node, f"`{what}` names no file", "write `file: samples.tsv` below it")
    path = _path(said["file"], f"{what}.file")
    if "delimiter" not in said:
        return ROWS, [], path, _delimiter_of(said["file"], what)
    delimiter = fields.text(said["delimiter"], f"{what}.delimiter")
    delimiter = "\t" if delimiter in ("tab", "\\t") else delimiter
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise wrong(said["delimiter"], f"`{what}.delimiter` must be one character, or tab", 'such as ";"')
    return ROWS, [], path, delimiter


def _delimiter_of(node: Node, what: str) -> str:
    for ending, delimiter in _DELIMITERS.items():
        if node.value.lower().endswith(ending):
            return delimiter
    remedy = f'write {what.rpartition(".")[2]}: {{file: {node.value}, delimiter: ";"}}, or call it .csv or .tsv'
    raise wrong(node, f"`{what}`: the name {node.value!r} does not tell what stands between its columns", remedy)


def _path(node: Node, what: str) -> str:
    path = fields.text(node, what)
    if not path or path.startswith("~"):
        reason = "is empty" if not path else "begins with ~, which only a shell knows"
        raise wrong(node, f"`{what}` {reason}", "write a path; it begins at the task's `cwd`")
    return path
