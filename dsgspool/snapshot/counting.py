"""How many tasks there are; of folders that hold very many without an object for each.

The rule: a name that is a task's beyond doubt is counted by one regular expression, every other one is looked at by itself.
Only for who asks for counts: a task that moves meanwhile may be counted twice, because its name is not remembered.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import field

from dsgspool import names
from dsgspool.classes import dataclass
from dsgspool.fs import Fs
from dsgspool.listings import DEEPEST
from dsgspool.snapshot.values import Counts, TaskSeen
from dsgspool.task import State

MANY = 10_000  #: names up to which a folder's tasks are looked at one by one
#: Parts of a path that need no second look: a batch, and NAME, NAME~TAG or NAME~TAG.TOKEN-NUMBER with its ending.
SURE_FOLDER = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_+=,-]*/)*")
SURE_FILE = re.compile(
    r"[A-Za-z0-9_][\w+=,-]{0,79}\.ya?ml|"  # most names: without a dot nothing is tried twice
    r"[A-Za-z0-9_][\w.+=,-]{0,79}(?:~(?:exit[0-9]{1,3}|signal[0-9]{1,2}|timeout|[0-9]{1,5})(?:\.[a-z2-7]{8}-[0-9]{1,9})?)?\.ya?ml",
    re.ASCII,
)
LONGEST = 60  #: characters of a folder whose names are counted unseen: a task's whole name has a limit too


@dataclass(slots=True)
class Tally:
    """The tasks of one state: how many of each batch, and the paths of those that must be looked at."""

    batches: Counter[str] = field(default_factory=Counter)
    rest: list[str] = field(default_factory=list)


def tally(fs: Fs, top: str) -> Tally | None:
    """Count what lies below `top`; None when that is not much.  OSError when `top` cannot be listed."""
    found, folders = Tally(), [""]
    while folders:
        folder = folders.pop()
        try:
            listed = fs.names(f"{top}/{folder}")
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            if not folder:
                raise
            continue
        sure = (
            list(filter(SURE_FILE.fullmatch, listed))
            if len(folder) <= LONGEST and SURE_FOLDER.fullmatch(folder)
            else []
        )
        found.batches[_batch(folder)] += len(sure)
        for name in set(listed).difference(sure) if len(sure) < len(listed) else ():
            if not names.is_ignored(name):
                found.rest.append(f"{folder}{name}")
            elif name[0] not in ".#" and len(folder) < DEEPEST:
                folders.append(f"{folder}{name}/")
    return found if found.batches.total() + len(found.rest) > MANY else None


def _batch(folder: str) -> str:
    """The batch of what lies in a folder (`a/000/`)."""
    return folder.partition("/")[0]


def count(tasks: Iterable[TaskSeen], tallies: Mapping[State, Tally] = {}) -> tuple[Counts, dict[str, Counts]]:
    """All together, and for each batch in the order of their names."""
    batches: dict[str, Counter[str]] = {}
    for task in tasks:
        batches.setdefault(task.batch, Counter())[task.state] += 1
    for state, found in tallies.items():
        for batch, number in found.batches.items():
            if number:
                batches.setdefault(batch, Counter())[state] += number
    whole = sum(batches.values(), Counter[str]())
    return Counts(**whole), {batch: Counts(**batches[batch]) for batch in sorted(batches)}
