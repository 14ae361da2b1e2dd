"""What to take out of a task's `resources` and `where` so that a node can run it.

The rule: what the node has stays in the task, so that nobody runs it where it cannot run; said in words of `dsgspool edit`,
quoted for the shell.
"""

from __future__ import annotations

import shlex
from dataclasses import replace

from dsgspool.conditions import Inventory
from dsgspool.requests import NOTHING, Request, why_unfit


def lacking(request: Request, node: Inventory) -> list[str]:
    """`where=...` and `resources.KEY=` for all that this node does not have; [] = it has all of it."""
    keys = []
    if request.bytes > node.memory:
        keys.append("memory")
    if request.scratch > node.scratch:
        keys.append("scratch")
    keys += [name for name, amount in request.named if amount > node.resources.get(name, 0)]
    choosy = tuple(condition for condition in request.where if condition.chooses_gpus)
    gpus = replace(NOTHING, gpus=request.gpus)
    large = replace(gpus, gpu_memory=request.gpu_memory)
    if why_unfit(gpus, node):
        keys += ["gpus", "gpu_memory"] if request.gpu_memory else ["gpus"]
        large = NOTHING
    elif why_unfit(large, node):
        keys.append("gpu_memory")
        large = gpus
    are_others = bool(why_unfit(replace(large, where=choosy), node))
    kept = [each for each in request.where if not each.why_not(node) and not (are_others and each in choosy)]
    rest = shlex.quote(" ".join(map(str, kept))) if kept else ""
    where = [f"where={rest}"] if len(kept) < len(request.where) else []
    return where + [f"resources.{key}=" for key in keys]
