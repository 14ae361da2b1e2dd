"""The tasks in done/, as columns: one listing is compared with what was there last time, and only new paths are parsed.

The rule: no object for each task.  They keep the order in which they were first seen, so that the chunks of old ones
stay as they are; one that went away (moved back, pruned) is taken out, and what follows it moves up.
"""

from __future__ import annotations

import os
from array import array
from collections import Counter
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import field

from dsgspool import names
from dsgspool.classes import dataclass
from dsgspool.errors import InvalidName
from dsgspool.report.listing import Stretch, outside
from dsgspool.report.tally import batch_of
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
    batches: Counter[str] = field(default_factory=Counter)  #: how many of each
    stretches: list[Stretch] = field(default_factory=list)  #: as far as their folders are known

    def __len__(self) -> int:
        return len(self.path)

    def extend(
        self,
        texts: tuple[list[str], list[str], list[str]],
        numbers: tuple[array[int], array[int]],
        batches: Mapping[str, int] | None = None,
    ) -> None:
        """Put behind what is there: (task, path, tag), (attempts, row).  `batches`: how many of each, if that is known."""
        (task, path, tag), (attempts, row) = texts, numbers
        self.task += task
        self.path += path
        self.tag += tag
        self.attempts += attempts
        self.row += row
        self.batches.update(Counter(map(batch_of, task)) if batches is None else batches)

    def update(self, listed: Collection[str], same: AbstractSet[str] = frozenset()) -> list[str]:
        """Take in a listing of done/, without the folders that are the `same` as last time; the paths that are new."""
        self.kept = len(self.path)
        known = {self.path[row]: row for row in outside(self.path, same, self.stretches)}
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
        self.batches[batch_of(self.task[-1])] += 1

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
        self.batches = Counter(map(batch_of, self.task))
        self.stretches = [stretch for stretch in self.stretches if stretch.stop <= self.kept]
