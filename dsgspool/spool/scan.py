"""Looking for work in todo/: lanes by priority, folders in order, never more in memory than is soon needed.

The rule: a listing is the truth, but it is a stale one: every candidate is only a rename to be tried.  Claimers never
take a name that carries `@WID.C`.  Order is lexicographic inside a priority band; when other workers live each
begins at a point of its own, so that they do not all fight for the head of the queue (hazards H28).
"""

from __future__ import annotations

import itertools
import operator
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import field, replace
from zlib import crc32

from dsgspool import names
from dsgspool.classes import dataclass
from dsgspool.errors import InvalidName
from dsgspool.listings import DEEPEST
from dsgspool.names import Lane, TaskName
from dsgspool.spool import Spool
from dsgspool.spool.policies import Policies

LIMIT = 16_384  #: candidates kept from one look: of a million names as many as are run until a look may be taken again
BLOCK = 4096  #: entries of a folder that are in memory besides, and looked at at once
LIMITED = 256  #: candidates of a batch that has `max_running`: more would only stand in the others' way
Entry = tuple[str, bool]  #: a name, and whether it is a folder
#: A name that is a candidate, whatever it is; every other one is looked at by itself.
_IS_FOLDER = operator.itemgetter(1)
_SURE = re.compile(r"[^.#@][^@]*\.ya?ml").fullmatch
#: Who takes turns with others: the uid of an owner and a batch; -1 and '' where these do not count.
Share = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Part:
    """Where one of several workers begins: number `number` of `of`."""

    number: int = 0
    of: int = 1

    def key(self, name: str) -> tuple[int, str]:
        """Of more names than can be kept those with the smallest key are: nearly all are nobody else's."""
        if self.of == 1:
            return 0, name
        return (crc32(name.encode(errors="surrogateescape")) - self.number) % self.of, name

    def first(self, names: list[str], most: int) -> list[str]:
        """The names that are kept, the largest last."""
        return sorted(names, key=self.key if self.of > 1 else None)[:most]

    def turned(self, entries: list[Entry]) -> list[Entry]:
        """What is in order, from a point on at which nobody else begins."""
        begin = len(entries) * self.number // self.of
        return entries[begin:] + entries[:begin]


ALL = Part()


@dataclass(slots=True)
class Sight:
    """What one look at todo/ saw: paths below todo/, best first, and names that somebody still holds.

    `stopped`: batches that lie there and of which nothing, or not all, may be started, and why.  `shares`: in a look of
    `spool.turns` the priority of each candidate, and whose turn it takes.
    """

    candidates: list[str] = field(default_factory=list)
    held: list[tuple[str, TaskName]] = field(default_factory=list)
    stopped: dict[str, str] = field(default_factory=dict)
    shares: dict[str, tuple[int, Share]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Band:
    """A part of todo/ whose tasks are tried together: `most` of what lies below `prefix` in `entries`."""

    lane: Lane
    prefix: str
    entries: list[Entry]
    most: int
    weight: int = 0

    def rank(self) -> tuple[int, int, bool, int]:
        """The smaller, the sooner."""
        return -self.lane.priority, -self.lane.cpus, not self.lane.wants, -self.weight


class Look:
    """One look at todo/.  Costs one listing of it and one of each lane and batch folder until enough is found."""

    def __init__(
        self,
        spool: Spool,
        slots: int,
        *,
        part: Part = ALL,
        limit: int = LIMIT,
        refused: Collection[str] = (),
        policies: Policies | None = None,
        most: Callable[[Lane, Iterable[str]], int] | None = None,
        weight: Callable[[Lane], int] = lambda _lane: 0,
        breathe: Callable[[], None] = lambda: None,
    ) -> None:
        """`most`: how many candidates of a lane that asks for more than slots, of which it may look at the paths; `weight`:
        how early such a lane is tried among others; `breathe` is called again and again while a long listing comes in."""
        self.spool, self.slots, self.part, self.limit, self.refused = spool, slots, part, limit, refused
        self.policies, self.most, self.weight, self.breathe = policies, most, weight, breathe
        self._only: frozenset[str] = frozenset()  #: of the batch that is listed, only these may be started; empty = all
        self._stems: set[str] = set()  #: the last part of their names
        self.sight = Sight()

    def take(self) -> Sight:
        """Look."""
        top = self._list("")
        lanes = [name for name, is_folder in top if is_folder and name[0] == "@"]
        plain = [entry for entry in top if not (entry[1] and entry[0][0] == "@")] if lanes else top
        bands = [Band(Lane(), "", plain, self.limit)]
        for name in lanes:
            lane, prefix = names.parse_lane(name[1:]), f"{name}/"
            if lane.known and lane.cpus <= self.slots and (most := self._most(lane, prefix)):
                bands.append(Band(lane, prefix, self._list(prefix), most, self.weight(lane)))
        if self.policies and any(_any_folder(band.entries) for band in bands):
            # RACE: read after the batches were seen: a policy that was written before them is not overlooked.
            self.policies.refresh()
            bands = [part for band in bands for part in self._by_policy(self.policies, band)]
        self._collect_all(sorted(bands, key=Band.rank))
        self.sight.held = [*dict.fromkeys(self.sight.held)]  # a lane may have been listed twice
        return self.sight

    def _collect_all(self, bands: list[Band]) -> None:
        """Candidates of all bands, which come in order."""
        for band in bands:
            self._collect(band.prefix, band.entries, min(self.limit, len(self.sight.candidates) + band.most))

    def _most(self, lane: Lane, prefix: str) -> int:
        """How many candidates of a lane may be taken."""
        return self.most(lane, self._paths(prefix)) if self.most and lane.wants else self.limit

    def _paths(self, prefix: str) -> Iterator[str]:
        """What lies in a folder and below it; it is listed when the first is asked for."""
        for name, is_folder in self._list(prefix):
            if not is_folder:
                yield prefix + name
            elif len(prefix) <= DEEPEST:
                yield from self._paths(f"{prefix}{name}/")

    def _by_policy(self, policies: Policies, band: Band) -> Iterator[Band]:
        """The band without batches that may not be started; those with a priority apart, unless their lane has one."""
        plain: list[Entry] = []
        for name, is_folder in band.entries:
            policy = policies.of(name) if is_folder else None
            if policy and (why := policies.why_not(name) or policies.trial(name).why):
                self.sight.stopped[name] = why
            if policy and policies.why_not(name):
                continue
            if policy and policy.priority and not band.lane.priority:
                lane = replace(band.lane, priority=policy.priority)
                yield replace(band, lane=lane, entries=[(name, is_folder)])
            else:
                plain.append((name, is_folder))
        yield replace(band, entries=plain)

    def _collect(self, prefix: str, entries: list[Entry], most: int) -> None:
        """Candidates of one folder and, in their place, of its sub-folders, until there are so many."""
        if not _any_folder(entries):
            room = max(0, most - len(self.sight.candidates))
            self.sight.candidates += [prefix + name for name, _ in entries[:room]]
            return
        is_top = is_top_folder(prefix)
        for name, is_folder in entries:
            if len(self.sight.candidates) >= most:
                return
            if not is_folder:
                self.sight.candidates.append(prefix + name)
            elif is_top:
                most = min(self.limit, most + self._collect_batch(f"{prefix}{name}/", name, most))
            elif len(prefix) <= DEEPEST:
                self._collect(f"{prefix}{name}/", self._list(f"{prefix}{name}/"), most)

    def _collect_batch(self, prefix: str, batch: str, most: int) -> int:
        """The same of a whole batch, as far as its policy lets it be started.

        How many of them are not counted: perhaps its limit lets none be started, and so they must hide nothing behind them.
        """
        before, is_limited = len(self.sight.candidates), False
        if self.policies and self.policies.of(batch).max_running is not None:
            most, is_limited = min(most, before + LIMITED), True
        self._only = self.policies.trial(batch).only if self.policies else frozenset()
        self._stems = {identity.rpartition("/")[2] for identity in self._only}
        self._collect(prefix, self._list(prefix), most)
        self._only = frozenset()
        return len(self.sight.candidates) - before if is_limited else 0

    def _list(self, prefix: str) -> list[Entry]:
        """What may be tried in a folder; somebody's private one must not stop the others."""
        try:
            return self._in_order(prefix)
        except PermissionError:
            if not prefix:
                raise
            return []

    def _in_order(self, prefix: str) -> list[Entry]:
        """What may be tasks, as many as are kept, and the sub-folders, in the order in which they are tried."""
        folders: list[str] = []
        swaps: set[str] = set()
        files = self._first(prefix, self._files(prefix, folders, swaps))
        if swaps:
            files = [name for name in files if f".{name}.swp" not in swaps]
        below = set(folders)
        return self.part.turned([(name, name in below) for name in sorted([*files, *folders])])

    def _first(self, prefix: str, blocks: Iterable[list[str]]) -> list[str]:  # noqa: ARG002
        """Of the files in a folder those that are kept: all, while that is not too much."""
        kept, last, key = list[str](), "", self.part.key
        for block in blocks:
            if not last:
                kept += block
            elif self.part.of == 1:
                kept += [name for name in block if name < last]
            else:
                bound = key(last)
                kept += [name for name in block if key(name) < bound]
            if len(kept) >= 2 * self.limit:
                kept = self.part.first(kept, self.limit)
                last = kept[-1]
        return self.part.first(kept, self.limit) if last else kept

    def _files(self, prefix: str, folders: list[str], swaps: set[str]) -> Iterator[list[str]]:
        """Names that may be tasks, block by block; folders, editors' swap files and held names are put aside."""
        # A todo/ that is away (autofs) is no empty one: nobody may end because of it.
        entries = self.spool.fs.scan(f"{self.spool.todo}/{prefix}", must_be_there=not prefix)
        while block := list(itertools.islice(entries, BLOCK)):
            files = list(filter(_SURE, [name for name, _ in block]))
            if len(files) < len(block):
                files += self._unsure(prefix, [entry for entry in block if not _SURE(entry[0])], folders, swaps)
            if self.refused or self._only:
                files = [name for name in files if prefix + name not in self.refused and self._may_start(prefix, name)]
            yield files
            if len(block) == BLOCK:
                self.breathe()

    def _unsure(self, prefix: str, entries: Iterable[Entry], folders: list[str], swaps: set[str]) -> Iterator[str]:
        """Of names that do not look like a plain task's those that are tried all the same."""
        for name, is_folder in entries:
            if name[:1] in ".#":
                if name.endswith(".swp"):
                    swaps.add(name)
            elif is_folder and not name.endswith(names.SUFFIXES):
                folders.append(name)
            elif "@" in name and (held := _held(name)):
                self.sight.held.append((prefix + name, held))
            elif not names.is_ignored(name):
                yield name

    def _may_start(self, prefix: str, name: str) -> bool:
        """True unless others of its batch are tried first.  Of a million names only those are parsed that look like one."""
        if not self._only:
            return True
        stem = name.partition("~")[0] if "~" in name else name.rpartition(".")[0]
        return stem in self._stems and _identity(prefix + name) in self._only


def is_top_folder(prefix: str) -> bool:
    """True for todo/ and its lanes: what is a folder there is a batch."""
    return not prefix or (prefix[0] == "@" and prefix.count("/") == 1)


def _any_folder(entries: Iterable[Entry]) -> bool:
    return any(map(_IS_FOLDER, entries))


def _identity(path: str) -> str:
    """The task's name; '' of what is none."""
    try:
        return names.parse(path).identity
    except InvalidName:
        return ""


def _held(name: str) -> TaskName | None:
    try:
        parsed = names.parse_flat(name)
    except InvalidName:
        return None
    return parsed if parsed.claim else None
