"""batches/NAME.yaml as a frozen value: how the tasks of one batch are run.

The rule: a closed world like that of spool.yaml.  A policy that cannot be read starts nothing: whoever reads it is told
path, line and remedy, and its batch waits.  `defaults` stay what was written, because a task's own keys are laid over
them before anything is filled in (codec.parse_task); what `finally` says is the text of a task file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from dsgspool import fields, foreign
from dsgspool.classes import dataclass
from dsgspool.codec import READERS, REQUESTS, RESERVED, check_format, parse_task, read_fields
from dsgspool.errors import InvalidName, InvalidTask, SettingsError
from dsgspool.names import SUFFIXES, check_identity, check_part
from dsgspool.overlay import check_one_program, without_lines
from dsgspool.rewriting import Setting, rewritten, task_below
from dsgspool.yamltext import Node, check_keys, compose, pairs, wrong

FINALLY = "finally"  #: behind the name of a batch: the task that comes when it is over
MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Breaker:
    """Stop the batch when `failures` of the first `of` tasks that ended have failed."""

    of: int
    failures: int


@dataclass(frozen=True, slots=True)
class Policy:
    """What a batch's file says.  `defaults`: keys of tasks as they were written; `final`: the task file that `finally`
    describes, b'' = none; `text`: the whole file."""

    priority: int = 0
    paused: bool = False
    max_running: int | None = None
    canary: int | None = None
    breaker: Breaker | None = None
    defaults: Mapping[str, Node] = field(default_factory=dict)
    final: bytes = b""
    notify: str | tuple[str, ...] | None = None
    text: str = ""

    @property
    def wants_its_end(self) -> bool:
        """True when somebody has to find out that the batch is over."""
        return bool(self.final or self.notify)


def parse_policy(data: bytes, path: str, timezone: str | None = None) -> Policy:
    """The policy that a file describes; SettingsError with path, line and remedy."""
    try:
        return _policy(data, timezone, batch_of(path.rpartition("/")[2]))
    except InvalidTask as error:
        raise SettingsError(path, str(InvalidTask(error.reason, remedy=error.remedy)), error.line) from None


def _policy(data: bytes, timezone: str | None, batch: str) -> Policy:
    if not data.strip():  # what a full disk leaves of an edited file must not look like one that says nothing
        raise InvalidTask("it is empty", remedy="write what it shall say, such as `paused: false`, or remove it")
    root = compose(data, MAX_BYTES, may_be_empty=True)
    check_format(root)
    check_keys(root, ("format", "defaults", FINALLY, *_READERS), (), _ELSEWHERE)
    values: dict[str, Any] = {}
    for key, node in pairs(root, "the file"):
        if key.value in _READERS:
            null = key.value in _NULLABLE and fields.is_null(node)
            values[key.value] = None if null else _READERS[key.value](node, key.value)
        elif key.value == "defaults" and node.tag != "null":
            values["defaults"] = _template(node, timezone, batch)
        elif key.value == FINALLY and node.tag != "null":
            values["final"] = _final(data, key, node, timezone)
            _check_name(final_of(batch), key)
    return Policy(**values, text=data.decode("utf-8-sig"))


def _check_name(final: str, key: Node) -> None:
    """Told before the batch begins, and not when it is over."""
    try:
        check_identity(final)
    except InvalidName as error:
        raise wrong(
            key, f"`{FINALLY}`: its task would be called {final}: {error.reason}", "shorten the batch's name"
        ) from None


def _template(node: Node, timezone: str | None, batch: str) -> dict[str, Node]:
    known = [word for word in READERS if word not in ("format", "sweep")]
    check_keys(node, known, RESERVED - _ABOVE.keys(), {**foreign.WORDS, **_ABOVE, **_APART}, "defaults")
    nodes = {key.value: value for key, value in pairs(node, "defaults")}
    check_one_program(nodes, may_lack=True)
    said = read_fields(nodes, timezone).get("after", ())
    if itself := [entry.what for entry in said if batch and entry.what in (f"{batch}/", f"{batch}/*")]:
        remedy = f"what comes after all of it is `{FINALLY}:`, without spaces in front"
        raise wrong(nodes["after"], f"`defaults`: each task of {batch} would wait for all others ({itself[0]})", remedy)
    return {key: without_lines(value) for key, value in nodes.items()}


def _final(data: bytes, key: Node, node: Node, timezone: str | None) -> bytes:
    nodes = {name.value: value for name, value in pairs(node, FINALLY)}
    own = {"after": "it comes after all of its batch; what is to come after others too is a task of its own"}
    known = [word for word in (*READERS, *REQUESTS) if word != "after"]
    check_keys(node, known, RESERVED - _ABOVE.keys(), {**foreign.WORDS, **_ABOVE, **own})
    check_one_program(nodes, may_lack=bool(nodes))  # else: with a line
    text = task_below(data, FINALLY)
    try:
        parse_task(text, timezone=timezone)  # what is wrong with it as it was written
        parse_task(final_text(text, "x", 1, 1), timezone=timezone)
    except InvalidTask as error:
        line = key.line + error.line if error.line and node.line > key.line else key.line
        raise InvalidTask(f"`{FINALLY}`: {error.reason}", line=line, remedy=error.remedy) from None
    return text


def final_text(final: bytes, batch: str, done: int, failed: int) -> bytes:
    """The text of a `finally` task that knows how its batch ended; InvalidTask when it cannot be written so."""
    facts = {"": batch, "_DONE": str(done), "_FAILED": str(failed)}
    settings = [
        Setting("env", f"DSGSPOOL_BATCH{word}", json.dumps(said, ensure_ascii=False)) for word, said in facts.items()
    ]
    return rewritten(final, settings)


def final_of(batch: str) -> str:
    """What the task is called that comes when a batch is over; too long for a batch with a very long name."""
    return f"{batch}.{FINALLY}"


def ending(identity: str) -> str:
    """The batch whose last task would be called so, '' when none could be."""
    return identity.removesuffix(f".{FINALLY}") if identity.endswith(f".{FINALLY}") else ""


def batch_of(file: str) -> str:
    """The batch whose policy a file in batches/ is, '' when it is none."""
    name = file.removesuffix(".yaml")
    try:
        check_part(name, name)
    except InvalidName:
        return ""
    return name if name != file and not name.endswith(SUFFIXES) else ""


def _breaker(node: Node, what: str) -> Breaker:
    check_keys(node, ("of", "failures"), what=what)
    told = {key.value: fields.integer(value, f"{what}.{key.value}", 1, 10_000) for key, value in pairs(node, what)}
    if missing := {"of", "failures"} - told.keys():
        raise wrong(node, f"`{what}` lacks `{missing.pop()}`", "write it like breaker: {of: 20, failures: 10}")
    if told["failures"] > told["of"]:
        raise wrong(
            node, f"`{what}` wants more failures than there are tasks", "make `failures` smaller, or `of` larger"
        )
    return Breaker(**told)


_NULLABLE = ("max_running", "canary", "breaker", "notify")
_READERS: dict[str, Callable[[Node, str], Any]] = {
    "priority": lambda node, what: fields.integer(node, what, -999_999, 999_999),
    "paused": fields.boolean,
    "max_running": lambda node, what: fields.integer(node, what, 1, 999_999),
    "canary": lambda node, what: fields.integer(node, what, 1, 1000),
    "breaker": _breaker,
    "notify": READERS["on_failed"],
}
_APART = {
    **dict.fromkeys(REQUESTS, "write it in each task: it decides who claims the file, without its batch's policy"),
    "sweep": "it makes a batch: write it in a task file",
}
_ABOVE = dict.fromkeys((*_READERS, FINALLY), "it is said of the whole batch: write it without spaces in front")
_ELSEWHERE = {
    **dict.fromkeys(
        (word for word in READERS if word != "format"), "write it below `defaults:`, with two spaces in front"
    ),
    **_APART,
    "slots": "write `max_running: {value}`: how many tasks of the batch run at once",
    "max_parallel": "write `max_running: {value}`",
    "pause": "write `paused: {value}`",
}
