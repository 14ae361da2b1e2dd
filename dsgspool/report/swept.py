"""How far the sweeps of each batch are, by the items that their files stand for.

The rule: counted by names alone; only of batches of which sweeps/ says that something of them was divided, so a spool of a
million tasks without a sweep is not looked through.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dsgspool.classes import dataclass
from dsgspool.names import TaskName
from dsgspool.ranges import parse_range
from dsgspool.snapshot import Counts, TaskSeen
from dsgspool.snapshot.items import swept
from dsgspool.spool import Spool
from dsgspool.task import State


@dataclass(frozen=True, slots=True)
class Items:
    """Of all sweeps in a batch; `is_all`: each task of the batch stands for some of them."""

    counts: Counts
    is_all: bool


def items_of(spool: Spool, tasks: Iterable[TaskSeen], finished: Iterable[str]) -> Mapping[str, Items]:
    """Items of all sweeps in a batch, of tasks in any state but done/, and of the names in done/."""
    batches = {name for name, is_folder in spool.fs.scan(f"{spool.root}/sweeps") if is_folder}
    if not batches:
        return {}
    seen = [task for task in tasks if task.batch in batches]
    done = (name for name in finished if name.partition("/")[0] in batches)
    seen += [TaskSeen(name, State.DONE, f"{name}.yaml", TaskName(name)) for name in done]
    found: dict[str, Counts] = {}
    whole = swept(seen)
    for sweep, counts in whole.items():
        batch = sweep.partition("/")[0]
        found[batch] = _sum(found.get(batch, Counts()), counts)
    others = {task.batch for task in seen if not (part := parse_range(task.identity)) or part.sweep not in whole}
    return {batch: Items(counts, batch not in others) for batch, counts in found.items()}


def _sum(one: Counts, other: Counts) -> Counts:
    return Counts(**{state: getattr(one, state) + getattr(other, state) for state in map(str, State)})
