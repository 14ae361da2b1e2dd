"""spool.yaml and a worker's control file as frozen values.

The rule: everything that two workers must agree on stands in spool.yaml and nowhere else, and a set of times that would
let a dead worker's task be taken over while it still runs is refused.  `format_of` needs no YAML parser, so `submit`
can look at the format for the price of a regular expression.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from typing import Any

from dsgspool import fields
from dsgspool.classes import dataclass
from dsgspool.codec import FORMAT, READERS, check_format, read_fields
from dsgspool.codec import NewerFormat as _NewerFormat
from dsgspool.conditions import digits, is_name
from dsgspool.errors import InvalidTask, SettingsError
from dsgspool.expressions import expression
from dsgspool.nodes import READERS as NODE_READERS
from dsgspool.nodes import Rules, nodes
from dsgspool.requesting import KEYS, MOST_NAMED, check_named
from dsgspool.task import Task
from dsgspool.yamltext import Node, check_keys, compose, pairs, wrong

_FORMAT = expression(rb"^(?:\xef\xbb\xbf)?format:[ \t]*([0-9]{1,9})[ \t\r]*(?:#.*)?$", re.MULTILINE)
_ABSOLUTE = expression(r"/[^\0]*")
_PERCENT = expression(r"((?:100|[0-9]{1,2})(?:\.[0-9]{1,3})?) ?%")
DEFAULT_KEYS = (
    "env", "env_file", "timeout", "grace", "retries", "backoff", "success_codes", "max_log", "limits", "umask", "nice",
    "cpus", "tags", "on_done", "on_failed",
)  # fmt: skip
FAIR = ("owners", "batches")


class NewerFormatSettings(SettingsError):
    """The spool was made by a later version: claim nothing, and say so."""


@dataclass(frozen=True, slots=True)
class Floor:
    """Space that must stay free on the spool's file system: `bytes`, and `percent` of all of it."""

    bytes: int = 100 << 20
    percent: float = 0.0

    def why_low(self, free: int, total: int) -> str:
        """What is wrong when so many bytes are free, '' when nothing is (or the file system does not tell)."""
        least = max(self.bytes, int(total * self.percent / 100))
        if not total or free >= least:
            return ""
        return f"only {_space(free)} are free, less than `min_free` ({_space(least)})"


def _space(number: int) -> str:
    return f"{number / (1 << 30):,.1f} GiB" if number >= 1 << 30 else f"{number / (1 << 20):.1f} MiB"


@dataclass(frozen=True, slots=True)
class Settings:
    """spool.yaml.  Times in seconds; `task` holds what a task gets that says nothing of its own."""

    format: int = FORMAT
    heartbeat: float = 5.0
    fence: float = 25.0
    kill: float = 10.0
    lease: float = 47.0
    settle: float = 2.0
    poll_min: float = 0.5
    poll_max: float = 5.0
    reserve_after: float = 0.0
    max_lost: int = 3
    max_running: int | None = None
    durability: str = "process"
    default_cwd: str | None = None
    timezone: str | None = None
    group: str | None = None
    run_as: str = "worker"
    fair: tuple[str, ...] | None = None
    report_every: float | None = None
    alert_every: float = 0.0
    allow_soft_mount: bool = False
    stop_grace: float | None = None
    min_free: Floor = Floor()
    software: Mapping[str, str] = field(default_factory=dict)
    nodes: Mapping[str, Rules] = field(default_factory=dict)
    resources: Mapping[str, int] = field(default_factory=dict)
    task: Task = field(default_factory=Task)

    @property
    def turns(self) -> frozenset[str]:
        """Who takes turns: `owners`, where a worker runs files of several at all; `batches` when that was asked for."""
        several = self.group is not None or self.run_as == "owner"
        wanted = ("owners",) if self.fair is None else self.fair
        return frozenset(word for word in wanted if several or word != "owners")

    @property
    def least_lease(self) -> float:
        """The shortest lease that the other times allow: clock rates may differ by 5 %."""
        return (self.fence + self.kill) * 1.05 + 2 * self.heartbeat


@dataclass(frozen=True, slots=True)
class Control:
    """workers/WID.control.yaml, read at every beat.  `slots` None = as the worker was started."""

    slots: int | None = None
    paused: bool = False
    drain: bool = False
    rules: Rules = Rules()


def format_of(data: bytes) -> int:
    """The format that a file says it has, 1 when it says nothing."""
    match = _FORMAT.search(data)
    return int(match[1]) if match else 1


def parse_settings(data: bytes, path: str) -> Settings:
    """The settings of a spool; SettingsError with path, line and remedy.  An empty file means all defaults."""
    try:
        return _settings(compose(data, may_be_empty=True))
    except _NewerFormat as error:
        raise NewerFormatSettings(path, _sentence(error), error.line) from None
    except InvalidTask as error:
        raise SettingsError(path, _sentence(error), error.line) from None


def parse_control(data: bytes, path: str, *, paused: bool = False) -> Control:
    """What a worker is told while it runs; `paused`: it was started so.  SettingsError when that cannot be read."""
    try:
        root = compose(data, may_be_empty=True)
        check_keys(root, (*_CONTROL, *NODE_READERS))
        rules = Rules(**_values(root, NODE_READERS))
        return Control(**{"paused": paused, **_values(root, _CONTROL)}, rules=rules)
    except InvalidTask as error:
        raise SettingsError(path, _sentence(error), error.line) from None


def _sentence(error: InvalidTask) -> str:
    return f"{error.reason} ({error.remedy})" if error.remedy else error.reason


def _settings(root: Node) -> Settings:
    check_format(root)
    check_keys(root, (*_READERS, "shell", "setup", "defaults"), (), _ELSEWHERE)
    values = _values(root, _READERS)
    settings = replace(Settings(task=_task(root)), **values)
    _check_times(settings, {key.value: key for key, _ in pairs(root, "the file")})
    return settings


def _values(root: Node, readers: dict[str, Callable[[Node, str], Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, node in pairs(root, "the file"):
        if key.value in readers:
            null = key.value in _NULLABLE and fields.is_null(node)
            values[key.value] = None if null else readers[key.value](node, key.value)
    return values


def _task(root: Node) -> Task:
    """The defaults of every task: `shell`, `setup` and what stands in `defaults`."""
    nodes: dict[str, Node] = {}
    for key, node in pairs(root, "the file"):
        if key.value in ("shell", "setup"):
            nodes[key.value] = node
        elif key.value == "defaults" and node.tag != "null":
            other = [word for word in READERS if word not in DEFAULT_KEYS]
            check_keys(node, DEFAULT_KEYS, (), dict.fromkeys(other, "that has no default here: remove it"), "defaults")
            nodes.update((inner.value, value) for inner, value in pairs(node, "defaults"))
    return replace(Task(), **read_fields(nodes))


def _check_times(settings: Settings, keys: dict[str, Node]) -> None:
    """Raise for times with which two workers could run the same task; the defaults are legal, so a key is to blame."""
    beat, fence = settings.heartbeat, settings.fence
    if fence < 2 * beat:
        reason = f"`fence` is {digits(fence)} s, less than two heartbeats of {digits(beat)} s"
        raise wrong(
            _blame(keys, "fence", "heartbeat"), reason, f"the smallest that is legal: fence: {digits(2 * beat)}s"
        )
    if settings.lease < settings.least_lease - 1e-9:
        least = digits(math.ceil(settings.least_lease * 100 - 1e-6) / 100)
        sums = f"(fence {digits(fence)} + kill {digits(settings.kill)}) * 1.05 + 2 * heartbeat {digits(beat)} = {least}"
        reason = f"`lease` is {digits(settings.lease)} s, less than {sums}"
        key = _blame(keys, "lease", "fence", "kill", "heartbeat")
        raise wrong(key, reason, f"the smallest that is legal: lease: {least}s")
    if settings.poll_min > settings.poll_max:
        reason = f"`poll_min` is {digits(settings.poll_min)} s, more than `poll_max`, {digits(settings.poll_max)} s"
        raise wrong(_blame(keys, "poll_min", "poll_max"), reason, "make it smaller, or poll_max larger")


def _blame(keys: dict[str, Node], *words: str) -> Node:
    return next(keys[word] for word in words if word in keys)


def _time(low: float) -> Callable[[Node, str], float]:
    return lambda node, what: fields.duration(node, what, low)


def _choice(*words: str) -> Callable[[Node, str], str]:
    return lambda node, what: fields.choice(node, what, words)


def _folder(node: Node, what: str) -> str:
    path = fields.text(node, what)
    if _ABSOLUTE.fullmatch(path):
        return path
    raise wrong(node, f"`{what}` is {path!r} and must be an absolute path", "begin it with /")


def _floor(node: Node, what: str) -> Floor:
    value = node.value if node.kind == "scalar" else ""
    if match := _PERCENT.fullmatch(value):
        return Floor(0, float(match[1]))
    return Floor(fields.size(node, what))


def _fair(node: Node, what: str) -> tuple[str, ...]:
    parts = [node] if node.kind == "scalar" else fields.items(node, what)
    return tuple(fields.choice(part, what, FAIR) for part in parts)


def _software(node: Node, what: str) -> dict[str, str]:
    for key, _ in pairs(node, what):
        if not is_name(key.value):
            raise wrong(
                key, f"{key.value!r} cannot be a program's name", "use letters, digits, _ and -, as in has:samtools"
            )
    return fields.text_mapping(node, what)


def _resources(node: Node, what: str) -> dict[str, int]:
    """Counted resources of the whole spool."""
    for key, _ in pairs(node, what):
        if key.value in KEYS:
            raise wrong(
                key, f"`{key.value}` is counted on each node", f"give `{what}` names of your own, such as licence"
            )
        check_named(key, key.value)
    return {key.value: fields.integer(value, f"{what}.{key.value}", 0, MOST_NAMED) for key, value in pairs(node, what)}


_NULLABLE = frozenset({
    "default_cwd", "timezone", "group", "fair", "report_every", "stop_grace", "slots", "max_running", *NODE_READERS,
})  # fmt: skip
_READERS: dict[str, Callable[[Node, str], Any]] = {
    "format": lambda node, what: fields.integer(node, what, 1),
    **dict.fromkeys(("heartbeat", "fence", "kill", "lease", "poll_min", "poll_max"), _time(0.01)),
    "settle": _time(0),
    "max_lost": lambda node, what: fields.integer(node, what, 1, 999_999),
    "max_running": lambda node, what: fields.integer(node, what, 1, 999_999),
    "durability": _choice("process", "strict"),
    "default_cwd": _folder,
    "timezone": lambda node, what: fields.zone(node, what).key,
    "group": fields.text,
    "run_as": _choice("worker", "owner"),
    "fair": _fair,
    "report_every": _time(1),
    **dict.fromkeys(("alert_every", "reserve_after"), _time(0)),
    "allow_soft_mount": fields.boolean,
    "stop_grace": _time(0),
    "min_free": _floor,
    "software": _software,
    "nodes": nodes,
    "resources": _resources,
}
_ELSEWHERE = {
    **dict.fromkeys(DEFAULT_KEYS, "write it below `defaults:`, with two spaces in front"),
    "slots": "each worker has its own: `dsgspool worker --slots {value}`",
    **dict.fromkeys(NODE_READERS, "write it below `nodes:`, behind the name of a node"),
}
_CONTROL: dict[str, Callable[[Node, str], Any]] = {
    "slots": lambda node, what: fields.integer(node, what, 0, 99_999),
    "paused": fields.boolean,
    "drain": fields.boolean,
}
