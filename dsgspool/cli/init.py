"""`dsgspool init`.

The rule: parse, `laying.lay_down`, say what was made.
"""

from __future__ import annotations

from typing import Annotated

import typer

from dsgspool.cli import output


def init(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="The folder; made when it is not there.")],
    group: Annotated[
        str, typer.Option("--group", metavar="GROUP", help="Unix group whose members share this spool.")
    ] = "",
) -> None:
    """Make a spool.  Lays down its folders, a commented spool.yaml, README.txt, examples; overwrites nothing."""
    import os
    import shlex

    from dsgspool.cli.context import usage
    from dsgspool.spool.laying import lay_down

    if not folder:  # of a variable that is not set; abspath would take it for this folder
        raise usage("the folder has no name; write . for this one")
    root = os.path.abspath(folder)
    made = [path for path in lay_down(root, group) if path != root]
    output.line(f"{root} is a spool now" if "spool.yaml" in made else f"{root} was a spool already")
    for path in made:
        output.line(f"  made {path}")
    if group and "spool.yaml" in made:
        output.hint(f"set `group: {group}` in {root}/spool.yaml if each worker shall run the tasks of all members")
    worker = f"dsgspool --spool {shlex.quote(root)} worker"
    output.hint(f"drop a task into {root}/todo, start `{worker}` on any node, read README.txt there")
