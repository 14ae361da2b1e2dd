"""Removing old finished tasks with all that is kept of them.

The rule: the chain of records is the lock of a name, so prune first makes the next record of the name.  Only while it
holds that, and when the name lies nowhere but in finished files that are old, it removes these, logs and records, its own
record last: so whoever starts that name meanwhile waits, and begins with record 1 afterwards.  Ages are by the server's clock.
What a killed prune has begun the next one ends, once it is as old as what is pruned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from dsgspool import names
from dsgspool.classes import dataclass
from dsgspool.clock import iso
from dsgspool.names import TaskName
from dsgspool.spool import Spool
from dsgspool.spool.chain import Begun, Busy, Chain
from dsgspool.spool.meaning import matches
from dsgspool.spool.moves import Moves, Place
from dsgspool.task import State
from dsgspool.yamlwriting import dump

MARK = b"outcome: pruned\n"  #: in the record of a prune
CHUNK = 500  #: names that are held at a time, for one listing of all folders


@dataclass(frozen=True, slots=True)
class Pruned:
    """What became of one task; `reason` is '' when it was removed."""

    identity: str
    state: State
    reason: str = ""


class Pruner:
    """One run of prune.  `now` is the server's time, `age` in seconds."""

    def __init__(self, spool: Spool, now: float, age: float) -> None:
        self.spool, self.fs, self.now, self.limit = spool, spool.fs, now, now - age
        self.chain = Chain(spool, self._is_dead, lambda: max(age, spool.settings().lease), now)
        self.moves, self.files = Moves(spool), 0  #: of tasks, with logs and records: removed, or counted
        self._logs: dict[str, dict[str, dict[int, set[str]]]] = {}

    def _is_dead(self, wid: str) -> bool:
        """What the names in workers/ prove: prune must not need to prove anything about processes."""
        # RACE: a worker may have come since prune began, or have lost its inventory: its lock is known too.
        files = set(self.fs.names(self.spool.workers))
        return bool(files & {f"{wid}.dead", f"{wid}.fenced"}) or not files & {f"{wid}.yaml", f"{wid}.lock"}

    # -- tasks ---------------------------------------------------------------------------------------------------

    def old(self, states: Iterable[State], patterns: Iterable[str] = ()) -> Iterator[Place]:
        """Finished tasks that are older than the limit."""
        wanted = tuple(states)
        found = (place for pattern in list(patterns) or ["*"] for place in self.moves.find(pattern, wanted))
        for place in dict.fromkeys(found):
            if not place.name.claim and self._finished_at(place) < self.limit:
                yield place

    def interrupted(self, patterns: Iterable[str] = ()) -> Iterator[Place]:
        """Names whose file a prune removed before it was killed, with no path: their records are still there."""
        patterns = list(patterns)
        records: dict[str, list[int]] = {}
        for path, _ in self.fs.walk(self.spool.logs):
            if (parts := names.parse_record(path)) and parts[2] == "yaml":
                records.setdefault(parts[0], []).append(parts[1])
        there = self._where(set(records))
        for identity in [identity for identity in records if identity not in there]:
            place = Place(State.DONE, "", TaskName(identity))
            fits = not patterns or any(matches(place.name, pattern) for pattern in patterns)
            if fits and any(self._is_prunes(identity, number) for number in records[identity]):
                yield place

    def _is_prunes(self, identity: str, attempt: int) -> bool:
        """True for a record that a prune has made and not removed, long ago."""
        path = self.chain.path(identity, attempt)
        try:
            data = self.fs.read_fresh(path)
            return data is not None and MARK in data and self.fs.status(path).st_mtime < self.limit
        except OSError:  # no file, or somebody's private one: none of a prune's, and no reason to prune nothing else
            return False

    def _finished_at(self, place: Place) -> float:
        """When its newest record was written, else when its file was."""
        attempts = self._attempts(place.identity)
        newest = max((n for n, kinds in attempts.items() if "yaml" in kinds), default=0)
        path = f"{self.spool.folder(place.state)}/{place.path}"
        try:
            return self.fs.status(self.chain.path(place.identity, newest) if newest else path).st_mtime
        except OSError:
            return float("inf")  # it changes while we look, or may not be read: not ours to remove

    def _attempts(self, identity: str) -> dict[int, set[str]]:
        """Attempt -> kinds of files in logs/, from one listing of each batch's folder."""
        batch = identity.rpartition("/")[0]
        if batch not in self._logs:
            found: dict[str, dict[int, set[str]]] = {}
            for name, _ in self.fs.scan(f"{self.spool.logs}/{batch}"):
                if parts := names.parse_record(f"{batch}/{name}" if batch else name):
                    found.setdefault(parts[0], {}).setdefault(parts[1], set()).add(parts[2])
            self._logs[batch] = found
        return self._logs[batch].get(identity, {})

    def holder(self, identity: str) -> str:
        """Who would keep `run` from locking that name now, '' for nobody.  It only looks."""
        attempts = self._attempts(identity)
        found = (self.chain.holder(identity, attempt) for attempt in sorted(attempts) if "yaml" in attempts[attempt])
        return next(filter(None, found), "")

    def count(self, places: Iterable[Place]) -> None:
        """The files that would go with them, of those that nobody holds."""
        places = tuple(places)
        self.files += sum(bool(place.path) for place in places)
        for identity in {place.identity for place in places}:
            self.files += sum(map(len, self._attempts(identity).values()))

    def run(self, places: Iterable[Place]) -> Iterator[Pruned]:
        """Remove them, some hundred at a time."""
        # A name that failed and then was done lies in two folders, and has one chain of records.
        of_name: dict[str, list[Place]] = {}
        for place in places:
            of_name.setdefault(place.identity, []).append(place)
        rest = iter(of_name.items())
        while chunk := list(islice(rest, CHUNK)):
            held: list[tuple[list[Place], Begun]] = []
            until = self.spool.clock.boot() + self.spool.settings().lease / 2
            for identity, files in chunk:
                begun = self._lock(identity)
                if isinstance(begun, Begun):
                    held.append((files, begun))
                else:
                    yield Pruned(identity, files[0].state, f"{begun.holder} holds it")
            yield from self._remove_all(held, until)

    def _lock(self, identity: str) -> Begun | Busy:
        begun = self.chain.begin(TaskName(identity))
        if isinstance(begun, Begun):
            self.fs.append(begun.descriptor, dump([("task", identity)]).encode() + MARK)
        return begun

    def _remove_all(self, held: list[tuple[list[Place], Begun]], until: float) -> Iterator[Pruned]:
        """With the names locked: list all states once, remove what lies nowhere else, let go of the others."""
        where = self._where({files[0].identity for files, _ in held})
        for files, begun in held:
            identity = files[0].identity
            # RACE: a record of mine that stays as it is for a whole lease counts as over.  Long before that I let go.
            slow = "the spool is too slow just now" if self.spool.clock.boot() > until else ""
            reason = slow or self._remove([place for place in files if place.path], begun, where.get(identity, set()))
            (self._let_go if reason else self._remove_records)(identity, begun)
            yield Pruned(identity, files[0].state, reason)

    def _remove(self, files: list[Place], begun: Begun, lies: set[tuple[State, str]]) -> str:
        """Remove the task's files; why not, '' when they are gone (a prune that was killed had removed them already)."""
        if lies != {(place.state, place.path) for place in files}:
            return "it lies in another folder too"
        for place in files:
            if not self._is_still_old(place, begun):
                return "it has run again meanwhile"
            if not self.fs.remove(f"{self.spool.folder(place.state)}/{place.path}"):
                return "somebody moved it meanwhile"
            self.files += 1
        return ""

    def _is_still_old(self, place: Place, begun: Begun) -> bool:
        """RACE: since its age was looked at the name may have run again, and a young file lies in the old one's place."""
        newest = self.chain.path(place.identity, begun.attempt - 1)
        path = newest if begun.attempt > 1 else f"{self.spool.folder(place.state)}/{place.path}"
        try:
            return self.fs.status(path).st_mtime < self.limit
        except FileNotFoundError:
            return False

    def _where(self, identities: set[str]) -> dict[str, set[tuple[State, str]]]:
        """Identity -> every place where it lies."""
        where: dict[str, set[tuple[State, str]]] = {}
        for state in State:
            for path, name in self.spool.tasks(state):
                if name.identity in identities:
                    where.setdefault(name.identity, set()).add((state, path))
        return where

    def _let_go(self, identity: str, begun: Begun) -> None:
        """End my record: the name is free for the next attempt."""
        end = [("ended", iso(self.now)), ("outcome", "stopped"), ("reason", f"{identity} was not pruned after all")]
        self.fs.append(begun.descriptor, f"{dump(end)}...\n".encode())
        self.fs.close(begun.descriptor)

    def _remove_records(self, identity: str, begun: Begun) -> None:
        attempts = sorted(self._attempts(identity).items())
        for attempt, kinds in attempts:
            for kind in sorted(kinds - {"yaml"}):
                self.files += self.fs.remove(f"{self.chain.path(identity, attempt).removesuffix('yaml')}{kind}")
        for attempt, kinds in attempts:
            if "yaml" in kinds and attempt != begun.attempt:
                self.files += self.fs.remove(self.chain.path(identity, attempt))
        self.fs.close(begun.descriptor)
        self.fs.remove(self.chain.path(identity, begun.attempt))

    # -- workers -------------------------------------------------------------------------------------------------

    def old_workers(self) -> list[str]:
        """Workers that have been dead for longer than the limit and whose folder is gone."""
        files, folders = set(self.fs.names(self.spool.workers)), set(self.fs.names(self.spool.running))
        wids = {wid for file in files if names.is_wid(wid := file.partition(".")[0])} - folders
        return sorted(wid for wid in wids if self._last_sign(wid, files) < self.limit)

    def _last_sign(self, wid: str, files: set[str]) -> float:
        """The newest mtime of its lock, inventory and tombstone: a living worker touches its lock every few seconds."""
        signs = [f"{wid}.{kind}" for kind in ("lock", "dead", "yaml") if f"{wid}.{kind}" in files]
        return max((self.fs.status(f"{self.spool.workers}/{sign}").st_mtime for sign in signs), default=float("inf"))

    def remove_worker(self, wid: str) -> None:
        """Its inventory and tombstone (or fence mark) go last: without either it would not count as dead."""
        files = [file for file in self.fs.names(self.spool.workers) if file.startswith(f"{wid}.")]
        mark = f"{wid}.dead" if f"{wid}.dead" in files else f"{wid}.fenced"
        for file in sorted(files, key=lambda name: (name == mark, name == f"{wid}.yaml", name)):
            self.fs.remove(f"{self.spool.workers}/{file}")
