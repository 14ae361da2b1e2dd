"""The truth about the sweeps of a schedule: which name stands for each item, what runs, what succeeded.

The rule: in every world each item of a sweep belongs to exactly one task, as in tests/model/dividing.py; none runs twice at
the same time; none runs again that the indexes of earlier attempts show as done, unless somebody asked; and none has more
lines that say `done` than it had successes.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dsgspool.errors import InvalidName
from dsgspool.ranges import Range, parse_range
from dsgspool.records import parse_record, record_is_over
from dsgspool.spool import task_name
from dsgspool.task import State
from tests.simulation.server import Inode

if TYPE_CHECKING:
    from tests.simulation.schedule import Simulation

STATES = ("todo", "waiting", "hold", "running", "done", "failed")
OVER = ("done", "failed")
PEOPLE = ("person", "operator")
NAMES = ("w", "w", "w", "x")  #: the last one is rare
_SWEEP = re.compile(rb"#(w[0-9]+)#")
Item = tuple[str, int]  #: the sweep's mark, and the item's number


class Swept:
    """What is known of every sweep."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self.counts: dict[str, int] = {}  #: items of each sweep, by its mark
        self.accepted: set[str] = set()
        self.gone: set[Item] = set()
        self.files: set[Inode] = set()
        self.finished: set[Inode] = set()
        self.known: dict[Inode, str] = {}  #: the last name that a file had, where its present one says none
        self.running: dict[Item, Any] = {}
        self.chunks: list[Any] = []
        self.succeeded: Counter[tuple[str, int]] = Counter()  #: by chunk and number
        self.ran_well: set[Item] = set()
        self.shown: dict[str, set[int]] = {}  #: claim -> items that were done when its process began
        self.lossy: set[Inode] = set()

    # -- the text ------------------------------------------------------------------------------------------------

    def text(self, chance: random.Random) -> tuple[str, bytes]:
        """A new sweep: its mark, and its file."""
        mark, count = f"w{len(self.counts) + 1}", chance.randint(5, 40)
        self.counts[mark] = count
        seconds = chance.choice([["0.05"], ["0.05", "0.3"], ["0.05", "0.3", "1", "3"]])
        codes = chance.choice(["0", "0", "0000000001"])
        lists = [[chance.choice(each) for _ in range(count)] for each in (seconds, codes)]
        columns = [f"    {name}: [{', '.join(map(repr, each))}]" for name, each in zip("tc", lists, strict=True)]
        lines = [f"command: [sim, '{{t}}', '{{c}}', '#{mark}#']", "sweep:", "  zip:", *columns]
        lines += [f"retries: {retries}"] if (retries := chance.choice([0, 0, 1])) else []
        return mark, "\n".join([*lines, "...", ""]).encode()

    def accept(self, mark: str) -> None:
        """Somebody was told that it is in."""
        self.accepted.add(mark)
        self.look("accepted")

    # -- files ---------------------------------------------------------------------------------------------------

    def written(self, inode: Inode) -> None:
        """A file's bytes have come to the server."""
        path = inode.path()
        if path.startswith("logs/"):
            if path.endswith(".items"):
                self._lines(path)
        elif not path.startswith("workers/") and (found := _SWEEP.search(inode.data)):
            inode.sweep = found[1].decode()
            self.files.add(inode)

    def renamed(self, inode: Inode, role: str, source: str, replaced: Inode | None) -> None:
        """Something lies in its new place."""
        if replaced is not None and replaced.sweep:
            # What has ended may be replaced by what a person copied to its name, with another text: its records keep it.
            self._left(replaced, "operator" if replaced in self.finished else role, "is overwritten")
        if inode.sweep:
            old, new = source.partition("/")[0], inode.path().partition("/")[0]
            if role in PEOPLE:
                self.finished.discard(inode)
            elif old in OVER and new != old:
                self.sim.broken(f"{source} had ended, and a program moves it to {inode.path()}")
            elif new in OVER and old == "running":
                self.finished.add(inode)
                if new == "done":
                    self._is_done(inode)
        if inode.sweep or inode.entries is not None:
            self.look(f"after the move to {inode.path()}")

    def removed(self, inode: Inode, role: str, path: str) -> None:
        """A file's last name is gone."""
        fine = role == "person" or (role == "operator" and path.startswith(("done/", "failed/")))
        if inode.sweep and not path.startswith(("tmp/", "sweeps/")):
            self._left(inode, role if fine else "program", f"is removed from {path}", path)
        if inode.sweep:
            self.files.discard(inode)
            self.look(f"after rm {path}")

    def _left(self, inode: Inode, role: str, what: str, path: str = "") -> None:
        items = {(inode.sweep, number) for number in self._covers(inode, path or inode.path())}
        if role not in PEOPLE and inode.sweep in self.accepted and items - self.gone:
            self.sim.broken(f"I4: items {sorted(items)} of a sweep: their file {what} by a program")
        self.gone |= items
        self.files.discard(inode)

    def look(self, when: str) -> None:
        """Each item of what was accepted belongs to exactly one task."""
        covered: Counter[Item] = Counter()
        for inode in self.files:
            if (path := inode.path()).startswith(STATES):
                covered.update((inode.sweep, number) for number in self._covers(inode, path))
        if twice := sorted(item for item, count in covered.items() if count > 1):
            self.sim.broken(f"items belong to two tasks {when}: {twice}; there is {self.names()}")
        wanted = {(mark, number) for mark in self.accepted for number in range(self.counts[mark])} - self.gone
        if lost := sorted(wanted - covered.keys()):
            self.sim.broken(f"items belong to no task {when}: {lost}; there is {self.names()}")

    def names(self) -> list[str]:
        """Where the files lie."""
        return sorted(inode.path() for inode in self.files)

    def _covers(self, inode: Inode, path: str) -> Iterator[int]:
        """The numbers of the items that a file in this place stands for."""
        part = self._range(inode, path)
        if part is None:
            yield from range(self.counts[inode.sweep])
            return
        folder = self.sim.server.find(f"sweeps/{part.sweep}/{part.numbers}") if part.is_rest else None
        if not folder or not folder.entries:
            yield from range(part.first, part.last + 1)
            return
        yield from range(part.first, json.loads(folder.entries["split.json"].data)["head"] + 1)
        for name, owed in folder.entries.items():
            if owed.sweep == inode.sweep:
                first, _, last = name.removesuffix(".yaml").partition("-")
                yield from range(int(first), int(last) + 1)

    def _range(self, inode: Inode, path: str) -> Range | None:
        """What its name says; a person who moves a part out of its batch folder makes no other part of it."""
        state, _, rest = path.partition("/")
        try:
            identity = task_name(State(state), rest).identity
        except InvalidName:
            identity = ""
        before = parse_range(self.known.get(inode, ""))
        if not before or identity not in ("", before.identity.rpartition("/")[2]):
            self.known[inode] = identity
        return parse_range(self.known[inode])

    def _is_done(self, inode: Inode) -> None:
        """What goes to done/ has run well, all of it."""
        bad = [number for number in self._covers(inode, inode.path()) if (inode.sweep, number) not in self.ran_well]
        if bad:
            self.sim.broken(f"{inode.path()} is done, and its items {bad} never succeeded")

    # -- indexes -------------------------------------------------------------------------------------------------

    def _lines(self, path: str) -> None:
        identity = path.removeprefix("logs/").rsplit(".", 2)[0]
        shown: Counter[int] = Counter()
        for attempt in range(1, 30):
            shown.update(number for number, outcome in self._index(identity, attempt) if outcome == "done")
        for number, count in shown.items():
            if count > self.succeeded[identity, number]:
                self.sim.broken(f"item {number} of {identity} has {count} lines of a success, more than it had")

    def _index(self, identity: str, attempt: int) -> list[tuple[int, str]]:
        inode = self.sim.server.find(f"logs/{identity}.{attempt}.items")
        lines = inode.data.decode().splitlines(keepends=True) if inode else []
        words = [line.split() for line in lines if line.endswith("\n") and line[0] != "#"]
        return [(int(word[0]), word[1]) for word in words]

    def _shown(self, identity: str, attempt: int) -> set[int]:
        """Items that an attempt need not run: done since the last attempt that was done as a whole."""
        found: list[tuple[int, str]] = []
        for before in range(attempt - 1, 0, -1):
            record = self.sim.server.find(f"logs/{identity}.{before}.yaml")
            if record and record_is_over(record.data) and parse_record(record.data).outcome == "done":
                break
            found = self._index(identity, before) + found
        return {number for number, outcome in dict(found).items() if outcome == "done"}

    # -- processes -----------------------------------------------------------------------------------------------

    def begins(self, chunk: Any) -> None:
        """The process of a chunk was started."""
        self.sim.note(f"{chunk.node.host}: {chunk.name} begins {chunk.identity} attempt {chunk.attempt} @{chunk.claim}")
        if others := [each.claim for each in self.chunks if each.identity == chunk.identity and not each.is_gone()]:
            self.sim.broken(f"I2: {chunk.identity} attempt {chunk.attempt} @{chunk.claim} begins beside {others}")
        self.chunks = [each for each in self.chunks if not each.is_gone()] + [chunk]
        self.shown[chunk.claim] = self._shown(chunk.identity, chunk.attempt)

    def starts(self, command: Any) -> None:
        """An item runs."""
        item: Item = (command.version.strip("#"), command.item)
        self.sim.world.starts_seen += 1
        self.sim.note(f"{command.node.host}: item {command.item} of {command.identity} @{command.claim}")
        if other := self.running.get(item):
            self.sim.broken(f"I2: item {item} @{command.claim} starts while it runs @{other.claim}")
        if command.item in self.shown[command.claim]:
            self.sim.broken(f"I3: item {item} was done, by an index that was there, and runs again @{command.claim}")
        part = parse_range(command.identity)
        if not part or part.is_rest or not part.first <= command.item <= part.last:
            self.sim.broken(f"item {item} is none of {command.identity}")
        self._is_its_text(command, item[0])
        self.running[item] = command

    def _is_its_text(self, command: Any, mark: str) -> None:
        folder = self.sim.server.find(f"running/{command.claim.rpartition('.')[0]}")
        for name, inode in ((folder and folder.entries) or {}).items():
            if f"@{command.claim}." not in name:
                continue
            if inode.sweep != mark:
                self.sim.broken(f"the claim {command.claim} holds {inode.sweep} and runs {mark}")
            if inode in self.finished:
                self.sim.broken(f"I3: {command.identity} had ended for good, nobody asked, and it runs again")

    def ends(self, command: Any) -> None:
        """An item has ended."""
        self.sim.note(f"{command.node.host}: ends item {command.item} of {command.identity} {command.code}")
        item: Item = (command.version.strip("#"), command.item)
        del self.running[item]
        if command.code == 0:
            self.succeeded[command.identity, command.item] += 1
            self.ran_well.add(item)

    def unrest(self) -> list[str]:
        """What still runs."""
        return [f"running: item {item}" for item in self.running]

    def check(self) -> None:
        """At the end: what is done says so of each item, unless its lines were lost on their way."""
        self.look("at the end")
        for inode in self.files:
            if (
                not inode.path().startswith("done/")
                or "/.nfs" in inode.path()
                or not (part := self._range(inode, inode.path()))
            ):
                continue
            lines: set[int] = set()
            for attempt in range(1, 30):
                index = self.sim.server.find(f"logs/{part.identity}.{attempt}.items")
                if index in self.lossy:
                    break
                lines.update(number for number, outcome in self._index(part.identity, attempt) if outcome == "done")
            else:
                if bad := set(range(part.first, part.last + 1)) - lines:
                    self.sim.broken(f"{inode.path()} is done, and no line tells of its items {sorted(bad)}")
