"""What the tasks in waiting/ come after, as far as their files were read for it.

The rule: a rendering comes again and again, so few files are read: of each batch one for each batch that it waits for.  Of
the others their folder in waiting/ says one thing that they wait for.  Nothing is listed for it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from dsgspool.report.details import after_of
from dsgspool.snapshot.awaited import settled
from dsgspool.snapshot.graph import Graph, Point
from dsgspool.snapshot.sketch import draw
from dsgspool.spool.dependencies import Dependencies, Standing, top_of
from dsgspool.spool.policies import top_batch
from dsgspool.task import After, State
from dsgspool.yamlwriting import MAX_BYTES

if TYPE_CHECKING:
    from dsgspool.snapshot import TaskSeen
    from dsgspool.snapshot.values import Counts
    from dsgspool.spool import Spool

MOST_READ = 100  #: files
MOST_ASKED = 100  #: names that are not open, so that they are over or nowhere
MOST = 20_000  #: tasks that are not done; with more it would cost each rendering seconds


def waits(
    spool: Spool, tasks: Collection[TaskSeen], batches: Mapping[str, Counts], to_come: Collection[str] = ()
) -> Graph:
    """The graph of what waits; nothing when nothing does, or in a spool of very many.  `tasks`: all that are not in done/;
    `to_come`: names that will be there."""
    waiting = [task for task in tasks if task.state is State.WAITING and task.after] if len(tasks) <= MOST else []
    if not waiting:
        return Graph()
    after = _after(spool, waiting)
    awaited = {entry.what for entries in after.values() for entry in entries}
    expected = dict.fromkeys(sorted(awaited.intersection(to_come)), State.WAITING)
    found = draw(expected | settled(tasks) | _done(spool, {task.identity for task in tasks}, after), after)
    over = {point.number for point in found.points if _is_over(point, batches)}
    return replace(
        found,
        points=tuple(_whole(point, batches) for point in found.points if point.number not in over),
        lines=tuple(line for line in found.lines if line.first not in over),
    )


def _after(spool: Spool, waiting: Collection[TaskSeen]) -> dict[str, tuple[After, ...]]:
    found: dict[str, tuple[After, ...]] = {}
    read: set[tuple[str, str]] = set()
    for task in waiting:
        found[task.identity] = (After(task.after, "any"),)
        kind = (task.batch or task.identity, top_of(task.after) or top_batch(task.after) or task.after)
        if kind not in read and len(read) < MOST_READ:
            read.add(kind)
            found[task.identity] = tuple(dict.fromkeys((*_said(spool, task), *found[task.identity])))
    return found


def _said(spool: Spool, task: TaskSeen) -> list[After]:
    try:
        data = spool.fs.read(f"{spool.folder(task.state)}/{task.path}", MAX_BYTES)[0]
    except OSError:  # it has moved on, or is somebody's private one
        return []
    return [After(what, wants) for what, wants in after_of(data.decode(errors="replace"))]


def _done(spool: Spool, there: Collection[str], after: Mapping[str, Collection[After]]) -> dict[str, State]:
    """Those of the names that lie in done/."""
    names = dict.fromkeys(entry.what for entries in after.values() for entry in entries if not entry.is_many)
    asked = [name for name in names if name not in there][:MOST_ASKED]
    dependencies = Dependencies(spool)
    return {name: State.DONE for name in asked if dependencies.standing(name)[0] is Standing.DONE}


def _is_over(point: Point, batches: Mapping[str, Counts]) -> bool:
    """Of a batch that is there nothing may be open: then its names are not known here."""
    return bool(point.missing) and all(After(what).is_many and top_of(what) in batches for what in point.missing)


def _whole(point: Point, batches: Mapping[str, Counts]) -> Point:
    """With all that is in done/ too, which is not looked at task by task."""
    if point.kind != "batch":
        return point
    counts = batches[point.name.removesuffix("/")]
    return replace(point, counts={state: number for state in State if (number := getattr(counts, state))})
