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
from dsgspool.snapshot.items import parts_of, swept
from dsgspool.spool import Spool
from dsgspool.spool.divisions import FOLDER
from dsgspool.task import State


@dataclass(frozen=True, slots=True)
class Items:
    """Of all sweeps in a batch; `is_all`: each task of the batch stands for some of them."""

    counts: Counts
    is_all: bool


@dataclass(frozen=True, slots=True)
class Queued:
    """Of one sweep in todo/: how many files, and the items that these stand for."""

    files: int = 0
    items: int = 0


def items_of(spool: Spool, tasks: Iterable[TaskSeen], finished: Iterable[str]) -> Mapping[str, Items]:
    """Items of all sweeps in a batch, of tasks in any state but done/, and of the names in done/."""
    batches = _divided(spool)
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


def queued(spool: Spool, tasks: Iterable[TaskSeen]) -> Mapping[str, Queued]:
    """What is left in todo/ of each sweep that has a file among these tasks, also of one of which a part is gone."""
    batches = _divided(spool)
    if not batches:
        return {}
    found: dict[str, Queued] = {}
    for sweep, parts in parts_of(task for task in tasks if task.batch in batches).items():
        if spool.fs.folder_is_there(f"{spool.root}/{FOLDER}/{sweep}"):
            sizes = [part.count for part, task in parts if task.state is State.TODO]
            found[sweep] = Queued(len(sizes), sum(sizes))
    return found


def _divided(spool: Spool) -> set[str]:
    return {name for name, is_folder in spool.fs.scan(f"{spool.root}/{FOLDER}") if is_folder}


def _sum(one: Counts, other: Counts) -> Counts:
    return Counts(**{state: getattr(one, state) + getattr(other, state) for state in map(str, State)})
