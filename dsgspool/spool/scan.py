"""Looking for work in todo/: lanes by priority, folders in order, never more in memory than is soon needed.

The rule: a listing is the truth, but it is a stale one: every candidate is only a rename to be tried.  Claimers never
take a name that carries `@WID.C`.  Order is lexicographic inside a priority band, from a random point when other workers
live, so that they do not all fight for the head of the queue (hazards H28).
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field

from dsgspool import names
from dsgspool.errors import InvalidName
from dsgspool.fs import DEEPEST
from dsgspool.names import Lane, TaskName
from dsgspool.spool import Spool

LIMIT = 4096  #: candidates kept from one look
SAMPLE = 256  #: names among which a look picks the point where it begins


@dataclass(slots=True)
class Sight:
    """What one look at todo/ saw: paths below todo/, best first, and names that somebody still holds."""

    candidates: list[str] = field(default_factory=list)
    held: list[tuple[str, TaskName]] = field(default_factory=list)


class Look:
    """One look at todo/.  Costs one listing of it and one of each lane and batch folder until enough is found."""

    def __init__(
        self,
        spool: Spool,
        slots: int,
        *,
        alone: bool,
        limit: int = LIMIT,
        refused: Collection[str] = (),
        most: Callable[[Lane, Iterable[str]], int] | None = None,
    ) -> None:
        """`most`: how many candidates of a lane that asks for more than slots, of which it may look at the paths."""
        self.spool, self.slots, self.alone, self.limit, self.refused = spool, slots, alone, limit, refused
        self.most = most
        self.sight = Sight()

    def take(self) -> Sight:
        """Look."""
        top = self._list("")
        bands: list[tuple[Lane, str]] = [(Lane(), "")]
        for name, _ in (entry for entry in top if _is_lane(*entry)):
            lane = names.parse_lane(name[1:])
            if lane.known and lane.cpus <= self.slots:
                bands.append((lane, f"{name}/"))
        for lane, prefix in sorted(bands, key=lambda band: (-band[0].priority, -band[0].cpus, not band[0].wants)):
            most = self.most(lane, self._paths(prefix)) if self.most and lane.wants else self.limit
            entries = None if prefix else [entry for entry in top if not _is_lane(*entry)]
            room = min(most, self.limit - len(self.sight.candidates))
            self.sight.candidates += itertools.islice(self._paths(prefix, entries), room)
        self.sight.held = [*dict.fromkeys(self.sight.held)]  # a lane may have been listed twice
        return self.sight

    def _paths(self, prefix: str, entries: list[tuple[str, bool]] | None = None) -> Iterator[str]:
        """Candidates of one folder and, in their place, of its sub-folders.  It is listed when the first is asked for."""
        for name, is_folder in self._list(prefix) if entries is None else entries:
            if not is_folder:
                yield prefix + name
            elif len(prefix) <= DEEPEST:
                yield from self._paths(f"{prefix}{name}/")

    def _list(self, prefix: str) -> list[tuple[str, bool]]:
        """What may be tried in a folder; somebody's private one must not stop the others."""
        try:
            return self._in_order(prefix)
        except PermissionError:
            if not prefix:
                raise
            return []

    def _in_order(self, prefix: str) -> list[tuple[str, bool]]:
        """What may be tasks (at most `limit`), and the sub-folders, in the order in which they are tried."""
        folders: list[str] = []
        swaps: set[str] = set()
        stream = self._files(prefix, folders, swaps)
        head = list(itertools.islice(stream, SAMPLE))
        pivot = "" if self.alone or not head else random.choice(head)  # noqa: S311 - spreads claimers, no secret
        files = heapq.nsmallest(self.limit, itertools.chain(head, stream), key=lambda name: (name < pivot, name))
        found = [(name, False) for name in files if f".{name}.swp" not in swaps] + [(name, True) for name in folders]
        if not self.alone and not head and folders:
            pivot = random.choice(folders)  # noqa: S311
        return sorted(found, key=lambda entry: (entry[0] < pivot, entry[0]))

    def _files(self, prefix: str, folders: list[str], swaps: set[str]) -> Iterator[str]:
        """Names that may be tasks, one by one; folders, editors' swap files and held names are put aside."""
        # A todo/ that is away (autofs) is no empty one: nobody may end because of it.
        for name, is_folder in self.spool.fs.scan(f"{self.spool.todo}/{prefix}", must_be_there=not prefix):
            if name[:1] in ".#":
                if name.endswith(".swp"):
                    swaps.add(name)
            elif is_folder and not name.endswith(names.SUFFIXES):
                folders.append(name)
            elif "@" in name and (held := _held(name)):
                self.sight.held.append((prefix + name, held))
            elif prefix + name not in self.refused and not names.is_ignored(name):
                yield name


def _is_lane(name: str, is_folder: bool) -> bool:
    return is_folder and name[:1] == "@"


def _held(name: str) -> TaskName | None:
    try:
        parsed = names.parse_flat(name)
    except InvalidName:
        return None
    return parsed if parsed.claim else None
