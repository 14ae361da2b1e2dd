"""The tasks in done/, as columns: one listing is compared with what was there last time, and only new paths are parsed.

The rule: no object for each task.  They keep the order in which they were first seen, so that the chunks of old ones
stay as they are; one that went away (moved back, pruned) is taken out, and what follows it moves up.
"""

from __future__ import annotations

import os
from array import array
from collections import Counter
from collections.abc import Collection, Container
from dataclasses import dataclass, field

from dsgspool import names
from dsgspool.errors import InvalidName
from dsgspool.spool import task_name
from dsgspool.task import State


@dataclass(slots=True)
class Finished:
    """Columns.  `attempts`: how many are known; `row`: the newest one's row in the table, -1 = none."""

    path: list[str] = field(default_factory=list)  #: below done/
    task: list[str] = field(default_factory=list)
    tag: list[str] = field(default_factory=list)
    attempts: array[int] = field(default_factory=lambda: array("q"))
    row: array[int] = field(default_factory=lambda: array("q"))
    changed: set[int] = field(default_factory=set)  #: rows whose attempts changed at this rendering
    kept: int = 0  #: rows before this one are where they were at the last rendering
    problems: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.path)

    def update(self, listed: Collection[str], same: Container[str] = ()) -> list[str]:
        """Take in a listing of done/, without the folders that are the `same` as last time; the paths that are new."""
        self.kept = len(self.path)
        known = {path: row for row, path in enumerate(self.path) if path.rpartition("/")[0] not in same}
        new = [path for path in listed if path not in known]
        if len(listed) - len(new) < len(known):
            there = set(listed)
            self.drop({row for path, row in known.items() if path not in there})
        for path in new:
            self._add(path)
        return new

    def _add(self, path: str) -> None:
        if names.is_ignored(os.path.basename(path)):
            return
        try:
            name = task_name(State.DONE, path)
        except InvalidName as error:
            self.problems.append(f"{State.DONE}/{path}: {error}")
            return
        plain = path[: -len(".yaml")]
        self.path.append(path)
        self.task.append(plain if plain == name.identity else name.identity)
        self.tag.append("" if name.tag[:1].isdigit() else name.tag)
        self.attempts.append(0)
        self.row.append(-1)

    def drop(self, rows: Collection[int]) -> None:
        """Take rows out."""
        if not rows:
            return
        stay = [row for row in range(len(self.path)) if row not in rows]
        self.kept = min(self.kept, *rows)
        self.changed = set()
        for name in ("path", "task", "tag"):
            column = getattr(self, name)
            setattr(self, name, [column[row] for row in stay])
        self.attempts = array("q", [self.attempts[row] for row in stay])
        self.row = array("q", [self.row[row] for row in stay])

    def batches(self) -> Counter[str]:
        """How many of each batch."""
        return Counter(task.partition("/")[0] if "/" in task else "" for task in self.task)
