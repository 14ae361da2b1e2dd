"""The key `sweep` of a task file: from its node to the items.

The rule: what can be said without counting is said with its line, before anything is queued; values are texts as they are
written, and a range is never written out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

from dsgspool import fields, sources
from dsgspool.errors import InvalidTask
from dsgspool.expressions import expression
from dsgspool.items import MARK, MOST, Factor, Rows, Source, Span, Sweep
from dsgspool.task import Task
from dsgspool.yamltext import Node, compose, did_you_mean, pairs, wrong

KEYS = ("product", "zip", "include", "exclude", "rows", "lines", "glob")
Parts = Sequence[tuple[list[str], int]]  #: of each source its params and how many rows it had when it was read
MAX_ZIPPED = 20_000  #: as many values as a list in a task file may have
_SPAN = expression(r"(-?[0-9]{1,15})\.\.(-?[0-9]{1,15})(?: step ([1-9][0-9]{0,14}))?")
_NUMBER = expression("-?[0-9]{1,15}")
_LIST = "write a list such as [1, 2, 5], or a range such as 1..100 or 0..100 step 5"


def read_sweep(node: Node, what: str, parts: Parts | None = None) -> Sweep:
    """The items that it describes; `parts`: what its sources had in them, None = they were not read yet."""
    for key, _ in pairs(node, what):
        if key.value not in KEYS:
            remedy = did_you_mean(
                key.value, KEYS, "params stand below `product:` (every combination) or `zip:` (side by side)"
            )
            raise wrong(key, f"unknown key `{key.value}` in `{what}`", remedy)
    said = {key.value: value for key, value in pairs(node, what)}
    found = sources.read(said, what)
    product = [([name], rows) for name, rows in _columns(said.get("product"), f"{what}.product")]
    factors: list[Factor] = product + _zipped(said.get("zip"), f"{what}.zip")
    if parts is not None:
        factors, found = [*_of_table(found, parts, node), *factors], []
    turning = _once(said, what, parts)
    known = turning if not any(kind == "rows" for kind, *_ in found) else None
    include = _entries(said.get("include"), f"{what}.include", [])
    exclude = _entries(said.get("exclude"), f"{what}.exclude", known)
    sweep = Sweep(factors, include, exclude, found)
    if not sweep.count and not found:
        raise wrong(node, f"`{what}` has no items", "give it `product`, `zip` or `include`")
    if sweep.count > MOST:
        raise wrong(node, f"`{what}` has {sweep.count:,} items, more than {MOST:,}", "divide it into several sweeps")
    wanted = sorted(turning or (include[0] if include else []))
    if known is not None and (odd := [each for each in include if sorted(each) != wanted]):
        remedy = f"name {', '.join(wanted)} in each"
        raise wrong(said["include"], f"an entry of `{what}.include` has other params: {', '.join(odd[0])}", remedy)
    return sweep


def _of_table(found: Sequence[Source], parts: Parts, node: Node) -> Iterator[Factor]:
    """Each source as rows of the table, one behind the other."""
    are_same = len(found) == len(parts) and all(
        not source[1] or source[1] == part[0] for source, part in zip(found, parts, strict=True)
    )
    if not are_same:
        raise wrong(node, "its rows were written down for other sources", "put them back, or take another name")
    first = 0
    for keys, count in parts:
        yield keys, (first, count)
        first += count


def _once(said: Mapping[str, Node], what: str, parts: Parts | None) -> list[str]:
    """Every param that turns; InvalidTask for one that does so twice."""
    named = [
        (word, key.value)
        for word in ("lines", "glob", "product", "zip")
        if word in said
        for key, _ in pairs(said[word], "")
    ]
    if "rows" in said and parts is not None:
        named = [*(("rows", key) for key in parts[0][0]), *named]
    seen: dict[str, str] = {}
    for word, key in named:
        if key in seen:
            raise wrong(
                said[word], f"`{what}.{word}` has a param that `{what}.{seen[key]}` has too: {key}", "keep one of them"
            )
        seen[key] = word
    return list(seen)


def _columns(node: Node | None, what: str) -> list[tuple[str, Rows]]:
    """Params with the values of each."""
    if node is None:
        return []
    return [(sources.param(key), _rows(value, f"{what}.{key.value}")) for key, value in pairs(node, what)]


def _rows(node: Node, what: str) -> Rows:
    if node.kind == "list":
        if not node.children:
            raise wrong(node, f"`{what}` is empty", _LIST)
        return [[fields.text(item, what)] for item in node.children]
    if node.kind == "scalar" and (found := _SPAN.fullmatch(node.value)):
        return _span(node, what, found.groups())
    raise wrong(node, f"`{what}` is neither a list nor a range", _LIST)


def _span(node: Node, what: str, said: tuple[str | None, ...]) -> Span:
    first, last, step = said[0] or "", said[1] or "", int(said[2] or 1)
    count = (int(last) - int(first)) // step + 1
    if count < 1:
        raise wrong(node, f"`{what}` is a range that ends before it begins", "write the smaller number first")
    padded = [number for number in (first, last) if len(number) > 1 and number.removeprefix("-")[0] == "0"]
    return int(first), step, count, max(map(len, (first, last))) if padded else 0


def _zipped(node: Node | None, what: str) -> list[Factor]:
    """Params that go side by side: one factor."""
    columns = _columns(node, what)
    if node is None or not columns:
        return []
    listed = [[row[0] for row in _listed(node, what, rows)] for _, rows in columns]
    if len(set(map(len, listed))) > 1:
        sizes = ", ".join(f"{name} {len(rows):,}" for (name, _), rows in zip(columns, listed, strict=True))
        raise wrong(node, f"the lists of `{what}` are not of one length: {sizes}", "make them so")
    return [([name for name, _ in columns], [list(row) for row in zip(*listed, strict=True)])]


def _listed(node: Node, what: str, rows: Rows) -> list[list[str]]:
    if isinstance(rows, list):
        return rows
    first, step, count, width = cast("Span", rows)
    if count > MAX_ZIPPED:
        raise wrong(node, f"a range in `{what}` has {count:,} numbers, more than {MAX_ZIPPED:,}", "take `product`")
    return [[f"{first + index * step:0{width}d}"] for index in range(count)]


def _entries(node: Node | None, what: str, known: Iterable[str] | None) -> list[dict[str, str]]:
    """Items that are named one by one; `known`: the only params that those of `exclude` may name,
    None = nobody knows all yet."""
    found = []
    for item in fields.items(node, what) if node else ():
        entry = {sources.param(key): fields.text(value, what) for key, value in pairs(item, what)}
        if not entry:
            raise wrong(item, f"an entry of `{what}` is empty", "write what it has to be, such as {seed: 3}")
        if known is not None and what.endswith("exclude") and (odd := [key for key in entry if key not in known]):
            raise wrong(item, f"`{what}`: there is no `{odd[0]}` in `product` or `zip`", "correct the name")
        found.append(entry)
    return found


def idle(sweep: Sweep) -> list[dict[str, str]]:
    """Entries of `exclude` that leave nothing out, as far as that can be told without looking into files."""
    return [entry for entry in sweep.exclude if any(not _has_row(keys, rows, entry) for keys, rows in sweep.factors)]


def _has_row(keys: list[str], rows: Rows, entry: Mapping[str, str]) -> bool:
    """True when a factor has a row with what an entry says of its params."""
    wanted = [(index, entry[key]) for index, key in enumerate(keys) if key in entry]
    if isinstance(rows, list):
        return any(all(row[index] == value for index, value in wanted) for row in rows)
    if not wanted or len(rows) == 2:
        return True
    first, step, count, width = rows
    value = wanted[0][1]
    if not _NUMBER.fullmatch(value):
        return False
    index, beside = divmod(int(value) - first, step)
    return not beside and 0 <= index < count and value == f"{int(value):0{width}d}"


def sweep_in(data: bytes, parts: Parts | None = None) -> Sweep:
    """The items that a task file describes; InvalidTask when it describes none."""
    for key, node in pairs(compose(data), "the file"):
        if key.value == "sweep":
            return read_sweep(node, key.value, parts)
    raise InvalidTask("it has no `sweep`")


def check_together(task: Task, nodes: Mapping[str, Node]) -> None:
    """Raise for what a sweep cannot have beside it."""
    sweep, node = task.sweep, nodes["sweep"]
    assert sweep is not None
    if both := [key for key in task.params if key in sweep.keys]:
        raise wrong(node, f"`{both[0]}` is in `params` and in `sweep`", "keep one of them")
    if task.expires is not None and task.expires.moment is None:
        remedy = "write a date and time, such as 2026-11-21T21:00+01:00"
        raise wrong(nodes.get("expires", node), "the parts of a sweep are written while it runs: no age tells", remedy)


def check_paths(task: Task, nodes: Mapping[str, Node]) -> None:
    """Raise for a file that would lie in another folder for each item, and is opened once for all of a chunk."""
    if MARK in (task.cwd or ""):
        for key, path in (("stdin", task.stdin or "/"), ("env_file", task.env_file or "/")):
            if not path.startswith(("/", "~/" if key == "stdin" else "/")):
                what = f"`{key}` is relative, and `cwd` differs from item to item"
                raise wrong(nodes.get(key, nodes["sweep"]), what, "write its whole path")
