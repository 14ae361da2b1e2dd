"""Into which parts a batch is taken for a drawing of what comes after what; all tasks outside of batches are taken alike.

The rule: pure, and nothing is guessed.  A batch is one part as long as none of its tasks comes after another one of it.
Else those are a part that come after the same and are waited for by the same names; where that gives too many, those that
are equally far behind the first ones; and where that is too many still, the batch is one part after all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from itertools import compress

from dsgspool.snapshot.awaited import Meant
from dsgspool.spool.policies import top_batch
from dsgspool.task import After

PARTS = 24  #: of one batch
FEW = 3  #: so many like tasks outside of batches are a part each

Waits = Mapping[str, Collection[After]]


def each_of_few(names: list[str]) -> list[list[str]]:
    """Each by itself when they are few, else all together."""
    return [names] if len(names) > FEW else [[name] for name in names]


class Parting:
    """Takes batches apart.  `named`: tasks outside of batches that are parts of their own."""

    def __init__(self, after: Waits, meant: Meant, named: Collection[str] = ()) -> None:
        self.after, self.meant, self.named = after, meant, named
        self.inside = {what: Counter[str](map(top_batch, names)) for what, names in meant.items()}
        self.asked: dict[str, list[str]] = {}  #: task -> every name, batch and pattern that means it
        for what, names in meant.items():
            for name in names:
                self.asked.setdefault(name, []).append(what)

    def parts(self, batch: str, tasks: Collection[str]) -> list[list[str]]:
        """The parts of a batch, '' = of all that is outside of batches; `tasks`: all of it, by name."""
        if batch and not any(map(self._inner, tasks)):
            return [[*tasks]]
        alike = self._alike(tasks)
        parts = [*alike] if batch else [part for names in alike for part in each_of_few(names)]
        return parts if len(parts) <= PARTS else self._levels(tasks) or [[*tasks]]

    def _inner(self, name: str) -> list[str]:
        """What of its `after` means another task of its own batch."""
        batch = top_batch(name)
        whats = (entry.what for entry in self.after.get(name, ()))
        return [what for what in whats if self.inside[what][batch] > (name in self.meant[what])]

    def _alike(self, tasks: Collection[str]) -> Iterable[list[str]]:
        found: dict[object, list[str]] = {}
        for name in tasks:
            entries = tuple(sorted((entry.what, entry.wants) for entry in self.after.get(name, ())))
            found.setdefault((entries, *self.asked.get(name, ()), name in self.named), []).append(name)
        return found.values()

    def _levels(self, tasks: Collection[str]) -> list[list[str]]:
        """Those that come after none of the others, those that come after these, and so on; [] when that is too much."""
        inner = {name: self._inner(name) for name in tasks}
        batch = top_batch(next(iter(tasks)))
        left = {what: self.inside[what][batch] for whats in inner.values() for what in whats}
        levels: list[list[str]] = []
        while inner and len(levels) < PARTS:
            is_free = [all(left[what] <= (name in self.meant[what]) for what in inner[name]) for name in inner]
            level = list(compress(inner, is_free))
            if not level:
                break
            levels.append(level)
            for name in level:
                del inner[name]
                left.update((what, left[what] - 1) for what in self.asked.get(name, ()) if what in left)
        return [] if inner else levels
