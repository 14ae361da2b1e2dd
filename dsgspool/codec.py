"""Task files <-> `Task`: every key, its type, its default, and what to write instead of what cannot be run.

The rule: a closed world.  A key that is not known is an error with line and remedy, never ignored; a file of a newer
format is left alone (`NewerFormat`).  What `parse_task` returns is final: defaults are merged and params are filled in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from dsgspool import fields, foreign, requesting
from dsgspool.classes import replace
from dsgspool.errors import InvalidName, InvalidTask
from dsgspool.expressions import expression
from dsgspool.filling import filled
from dsgspool.items import marked
from dsgspool.names import check_after
from dsgspool.overlay import check_one_program, laid_over
from dsgspool.records import Record, is_complete, parse_record, record_claim, record_is_over
from dsgspool.sweeps import Parts, check_paths, check_together, read_sweep
from dsgspool.task import WANTS, After, Backoff, Task
from dsgspool.yamltext import Node, check_keys, compose, pairs, wrong
from dsgspool.yamlwriting import dump

__all__ = [
    "FORMAT",
    "NewerFormat",
    "Record",
    "dump_task",
    "is_complete",
    "parse_record",
    "parse_task",
    "record_claim",
    "record_is_over",
]

FORMAT = 1  #: of task files, records and spool.yaml
REQUESTS = ("resources", "where")  #: read together (requesting.py)

RESERVED = frozenset({
    "priority", "container", "inputs", "outputs", "expect", "notify", "expected",
    "speculate", "cache",
})  # fmt: skip

_UMASK = expression(r"(?:0o?)?([0-7]{3})")
_NAME = expression(r"[A-Za-z_][A-Za-z0-9_]*")
_NULLABLE = frozenset(
    {"cwd", "umask", "timeout", "not_before", "max_log", "stdin", "env_file", "expires", "on_done", "on_failed"}
)
_ORDER = (
    "format", "description", "tags", "command", "script", "params", "cwd", "env", "env_file", "setup", "shell", "stdin", "cpus",
    "nice", "umask", "timeout", "grace", "retries", "backoff", "success_codes", "after", "not_before", "expires", "max_log",
    "limits", "resources", "where", "on_done", "on_failed", "sweep",
)  # fmt: skip


class NewerFormat(InvalidTask):
    """A file of a later version of dsgspool: leave it where it is and say so."""

    def __init__(self, number: str, line: int) -> None:
        self.format = number[:6]
        reason = f"it has format {number}, and this dsgspool knows up to {FORMAT}"
        super().__init__(reason, line=line, remedy="install a newer dsgspool on this node")


def parse_task(
    data: bytes,
    defaults: Task = Task(),  # noqa: B008 (frozen)
    template: Mapping[str, Node] = MappingProxyType({}),
    *,
    timezone: str | None = None,
    parts: Parts | None = None,
) -> Task:
    """The task that a file describes; InvalidTask with line, reason and remedy, or NewerFormat.

    `template`: the `defaults` of its batch; a wrong one that shows only together with the task is told without a line.
    `parts`: what the files had in them that its sweep names; without that every {name} may be a column of theirs.
    """
    root = compose(data)
    own = {key.value: value for key, value in pairs(root, "the file")}
    if "format" in own:
        check_format(root)
    if not own.keys() <= KNOWN:
        check_keys(root, KNOWN, RESERVED, foreign.WORDS)
    nodes = laid_over(template, own) if template else own
    check_one_program(nodes)
    task = replace(defaults, **read_fields(nodes, timezone))
    if not nodes.keys().isdisjoint(REQUESTS):
        cpus, wanted = requesting.plain_request(data, nodes)
        task = replace(task, request=wanted, cpus=cpus or task.cpus)
        if wanted.memory and "limits" in nodes and task.limits.get("memory"):
            raise wrong(nodes["limits"], "it has both `limits.memory` and `resources.memory`, a limit too", "keep one")
    if "limits" in nodes:
        task = replace(task, limits={**defaults.limits, **task.limits})
    if "sweep" in nodes and parts is not None:
        task = replace(task, sweep=read_sweep(nodes["sweep"], "sweep", parts))
    if task.sweep is not None:
        check_together(task, nodes)
        task = replace(task, params={**task.params, **{key: marked(key) for key in task.sweep.keys}})
    if task.params or task.sweep or ("command" in nodes and "command" not in own):  # a batch's is a template, always
        task = filled(task, nodes)
    check_paths(task, nodes)
    script_params = task.params if task.script is not None else {}
    return replace(task, env={**defaults.env, **script_params, **task.env}) if "env" in nodes or script_params else task


def check_format(root: Node) -> None:
    """Raise NewerFormat for a `format` that this version does not know; before any other key is looked at."""
    for key, value in pairs(root, "the file"):
        if key.value == "format" and fields.integer(value, "format", 1) > FORMAT:
            raise NewerFormat(value.value, value.line)


def read_fields(nodes: Mapping[str, Node], timezone: str | None = None) -> dict[str, Any]:
    """The values of known keys, by the names that `Task` has for them."""
    values: dict[str, Any] = {}
    for key, node in nodes.items():
        if key in _NULLABLE and fields.is_null(node) and (node.value != "~" or READERS.get(key) is not _path):
            values[key] = None
        elif key in ("not_before", "expires"):
            values[key] = (fields.moment if key == "not_before" else fields.expiry)(node, key, timezone)
        elif key != "format" and key not in REQUESTS:
            values[key] = READERS[key](node, key)
    return values


def _command(node: Node, what: str) -> str | tuple[str, ...]:
    command = fields.texts(node, what) if node.kind == "list" else fields.text(node, what)
    if not command or not (command if isinstance(command, str) else command[0]).strip():
        raise wrong(node, f"`{what}` is empty", "write the program and its arguments")
    return command


def _script(node: Node, what: str) -> str:
    script = fields.text(node, what)
    if not script.startswith("#!"):
        raise wrong(node, f"`{what}` does not begin with #!", "begin it with its interpreter, such as #!/bin/bash")
    if not script.partition("\n")[0][2:].strip():
        raise wrong(node, f"`{what}` names no interpreter behind #!", "write it there, such as #!/bin/bash")
    return script


def _shell(node: Node, what: str) -> str:
    shell = fields.text(node, what)
    if not shell or " " in shell:
        raise wrong(node, f"`{what}` is {shell!r} and must be one program, without options", "such as /bin/bash")
    return shell


def _path(node: Node, what: str) -> str:
    path = node.value if node.value == "~" else fields.text(node, what)  # people mean their home, YAML null
    if not path or path.startswith("~"):
        reason = "is empty" if not path else "begins with ~, which only a shell knows"
        raise wrong(node, f"`{what}` {reason}", "write the whole path")
    return path


def _env(node: Node, what: str) -> dict[str, str]:
    for key, _ in pairs(node, what):
        if not key.value or "=" in key.value:
            raise wrong(key, f"{key.value!r} cannot be the name of an environment variable", "remove the =")
    return fields.text_mapping(node, what)


def _params(node: Node, what: str) -> dict[str, str]:
    for key, _ in pairs(node, what):
        if not _NAME.fullmatch(key.value):
            raise wrong(key, f"{key.value!r} cannot be a param's name", "use letters, digits and _, no digit in front")
    return fields.text_mapping(node, what)


def _umask(node: Node, what: str) -> int:
    match = _UMASK.fullmatch(node.value)
    if node.kind != "scalar" or not match:
        raise wrong(node, f"`{what}` must be three octal digits", "write it as in a shell, such as 027")
    return int(match[1], 8)


def _backoff(node: Node, what: str) -> Backoff:
    """A duration, which is the base, or a mapping of base, factor, max and jitter."""
    if node.kind != "mapping":
        return Backoff(base=fields.duration(node, what))
    check_keys(node, ("base", "factor", "max", "jitter"), what=what)
    values = {}
    for key, value in pairs(node, what):
        word = f"{what}.{key.value}"
        if key.value in ("base", "max"):
            values[key.value] = fields.duration(value, word)
        else:
            values[key.value] = fields.number(value, word, *((1, 100) if key.value == "factor" else (0, 1)))
    return Backoff(**values)


def _success_codes(node: Node, what: str) -> frozenset[int]:
    codes = frozenset(fields.integer(item, what, 0, 255) for item in fields.items(node, what))
    if not codes:
        raise wrong(node, f"`{what}` is empty, so that nothing could succeed", "write at least [0]")
    return codes


def after_entries(node: Node, what: str) -> tuple[After, ...]:
    """One entry or a list of them; an entry is a name, or a name with the way in which it has to end."""
    entries: list[After] = []
    for item in node.children if node.kind == "list" else [node]:
        if item.kind == "mapping":
            entries += [
                After(_awaited(key, what), fields.choice(value, f"{what}: {key.value}", WANTS))
                for key, value in pairs(item, what)
            ]
        else:
            entries.append(After(_awaited(item, what)))
    return tuple(dict.fromkeys(entries))


def _awaited(node: Node, what: str) -> str:
    try:
        return check_after(fields.text(node, what))
    except InvalidName as error:
        remedy = "write a task's name, a batch such as sweep-a/, or a pattern such as 'sweep-a/x*'"
        raise wrong(node, f"`{what}`: {error}", remedy) from None


def _size(node: Node, what: str, remedy: str) -> int:
    if size := fields.size(node, what):
        return size
    raise wrong(node, f"`{what}` is 0", remedy)


YEARS = 1e9  #: seconds, about 30 years
#: What `limits` may hold: how it is read.
LIMITS: dict[str, Callable[[Node, str], int]] = {
    "memory": lambda node, what: _size(node, what, "write a size such as 4G, or null for no limit"),
    "processes": lambda node, what: fields.integer(node, what, 1, 9_999_999),
    "open_files": lambda node, what: fields.integer(node, what, 8, 9_999_999),
    "file_size": lambda node, what: _size(node, what, "write a size such as 10G, or null for no limit"),
    "cpu_time": lambda node, what: math.ceil(fields.duration(node, what, 1, YEARS)),
}


def _limits(node: Node, what: str) -> dict[str, int | None]:
    check_keys(node, LIMITS, (), foreign.LIMITS, what)
    named = [(key.value, value) for key, value in pairs(node, what)]
    return {key: None if fields.is_null(value) else LIMITS[key](value, f"{what}.{key}") for key, value in named}


READERS: dict[str, Callable[[Node, str], object]] = {
    "format": lambda node, what: fields.integer(node, what, 1),
    "command": _command,
    "script": _script,
    "setup": fields.text,
    "shell": _shell,
    "description": fields.text,
    "tags": fields.texts,
    "cwd": _path,
    "env": _env,
    "umask": _umask,
    "nice": lambda node, what: fields.integer(node, what, 0, 19),
    "cpus": lambda node, what: fields.integer(node, what, 1, 99_999),
    "timeout": lambda node, what: fields.duration(node, what, 0.001),
    "grace": fields.duration,
    "retries": lambda node, what: fields.integer(node, what, 0, 999_999),
    "backoff": _backoff,
    "success_codes": _success_codes,
    "not_before": fields.moment,
    "expires": fields.expiry,
    "max_log": lambda node, what: _size(node, what, "write a size such as 100M, or null for no limit"),
    "limits": _limits,
    "env_file": _path,
    "stdin": _path,
    "params": _params,
    "after": after_entries,
    "on_done": _command,
    "on_failed": _command,
    "sweep": read_sweep,
}


KNOWN = dict.fromkeys((*READERS, *REQUESTS)).keys()  #: in an order, for what is proposed instead of a key


def dump_task(mapping: Mapping[str, object]) -> bytes:
    """A task file: known keys in a fixed order, then the others, closed by the line that says it is complete."""
    known: Iterable[tuple[str, object]] = [(key, mapping[key]) for key in _ORDER if key in mapping]
    others = [(key, value) for key, value in mapping.items() if key not in _ORDER]
    return f"{dump([*known, *others])}...\n".encode()
