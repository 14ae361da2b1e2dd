"""The values of `params` in a task's command, cwd and env.

The rule: `{key}` is a param and `${...}` the shell's; a key that is not declared is an error with its line.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace

from dsgspool.errors import InvalidTask
from dsgspool.expressions import expression
from dsgspool.items import MARK, marked, marked_for_shell
from dsgspool.task import Task
from dsgspool.yamltext import Node, did_you_mean, pairs

_BRACES = expression(r"\{\{|\}\}|\$\{(?!\{)(?:(?:[^{}]|\{[^{}]*\})*\})?|\{([A-Za-z_][A-Za-z0-9_]*)\}")


class _Open(dict[str, str]):
    """Params of a sweep whose header was not read yet: whatever is asked for may be one of its columns."""

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: str) -> str:
        return marked(key)


def filled(task: Task, nodes: Mapping[str, Node]) -> Task:
    """The task with its params in command, cwd and its own env; no shell reads a list, so only a string is quoted."""
    command, params = task.command, task.params
    if task.sweep and task.sweep.has_unread_header:
        params = _Open(params)
    if isinstance(command, str):
        command = fill(command, params, nodes["command"], _quoted)
    elif command:
        items = zip(command, nodes["command"].children, strict=True)
        command = tuple(fill(word, params, node) for word, node in items)
    cwd = fill(task.cwd, params, nodes["cwd"]) if task.cwd is not None and "cwd" in nodes else task.cwd
    env = dict(task.env)
    if "env" in nodes:
        env = {key.value: fill(value.value, params, value) for key, value in pairs(nodes["env"], "env")}
    return replace(task, command=command, cwd=cwd, env=env)


def _quoted(value: str) -> str:
    """For a shell; a swept param has no value yet."""
    return marked_for_shell(value) if value[:1] == MARK else shlex.quote(value)


def fill(text: str, params: Mapping[str, str], node: Node, quote: Callable[[str], str] = str) -> str:
    """`text` with `{key}` replaced, `{{` and `}}` made single; `${...}` belongs to the shell and stays."""

    def one(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0] if match[0][0] == "$" else match[0][0]
        if match[1] in params:
            return quote(params[match[1]])
        line = node.line + (1 + text.count("\n", 0, match.start()) if node.style == "|" else 0)
        near = did_you_mean(
            match[1], params, f"declare it in `params`, or write {{{match[0]}}} for the braces themselves"
        )
        whose = "" if node.line else ", which the `defaults` of its batch ask for"
        raise InvalidTask(f"there is no param `{match[1]}`{whose}", line=line, remedy=near)

    return _BRACES.sub(one, text)
