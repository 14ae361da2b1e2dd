"""A task's own keys over the `defaults` of its batch.

The rule: nodes are laid over nodes, before anything is read or filled in; so `{key}` of a batch's command is filled from
the task's params as in a command of its own.  What comes from a batch has no line: lines are those of the task's file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from dsgspool.errors import InvalidTask
from dsgspool.yamltext import Node, pairs, wrong

ADDED = ("env", "params", "limits")  #: what both say holds together; everything else of a task replaces its batch's
PROGRAM = ("command", "script")
SAID_IN = {"cpus": ("cpus", ""), "memory": ("limits", "memory")}  #: of `resources`: where a batch says the same


def laid_over(template: Mapping[str, Node], own: Mapping[str, Node]) -> dict[str, Node]:
    """All keys of a task; one program of its own takes the place of any other."""
    gone = PROGRAM if any(key in own for key in PROGRAM) else ()
    nodes = _without_resources({key: value for key, value in template.items() if key not in gone}, own)
    for key, node in own.items():
        is_added = key in ADDED and key in nodes and node.kind == nodes[key].kind == "mapping"
        nodes[key] = _together(nodes[key], node, key) if is_added else node
    return nodes


def _without_resources(template: dict[str, Node], own: Mapping[str, Node]) -> dict[str, Node]:
    """What a task says in `resources`, which no batch has, replaces what its batch says of that elsewhere."""
    said = own["resources"].children[::2] if "resources" in own and own["resources"].kind == "mapping" else []
    for key, inner in [SAID_IN[each.value] for each in said if each.value in SAID_IN]:
        if not inner:
            template.pop(key, None)
        elif key in template and template[key].kind == "mapping":
            kept = [node for name, value in pairs(template[key], key) if name.value != inner for node in (name, value)]
            template[key] = replace(template[key], children=kept)
    return template


def _together(theirs: Node, mine: Node, what: str) -> Node:
    said = {key.value for key in mine.children[::2]}
    kept = [node for key, value in pairs(theirs, what) if key.value not in said for node in (key, value)]
    return replace(mine, children=[*kept, *mine.children])


def without_lines(node: Node) -> Node:
    """The same value, of no line that could be taken for one of a task's file."""
    return replace(node, line=0, style="'" if node.style else "", children=[*map(without_lines, node.children)])


def check_one_program(nodes: Mapping[str, Node], *, may_lack: bool = False) -> None:
    """Raise unless there is just one of `command` and `script`."""
    if "command" in nodes and "script" in nodes:
        later = max(nodes["command"], nodes["script"], key=lambda node: node.line)
        raise wrong(later, "it has both `command` and `script`", "keep one of them")
    if not may_lack and "command" not in nodes and "script" not in nodes:
        raise InvalidTask("it says nothing to run", line=1, remedy="write `command: ...`, or `script: |` with #! lines")
