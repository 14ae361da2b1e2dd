"""What keeps a spool tidy when nodes die: take-over, due tasks, bumps, sweeps.

The rule: every duty is a rename that may be repeated and that two janitors may do at once; safety never depends on who
leads (leader.py).  A dead worker's folder is swept again and again for a day, because a rename that was on its way may
still land there (hazards, 9): at once and often at first, then seldom.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator

from dsgspool import names
from dsgspool.classes import dataclass
from dsgspool.clock import ServerClock, iso, unix
from dsgspool.errors import InvalidName
from dsgspool.leader import Leadership
from dsgspool.lease import Peers
from dsgspool.names import TaskName
from dsgspool.records import record_is_over
from dsgspool.spool import Spool
from dsgspool.spool.chain import Chain, next_of
from dsgspool.spool.editing import is_awaited, mend
from dsgspool.spool.moves import Moves, doubt, park, target_of
from dsgspool.spool.returning import Returning
from dsgspool.spool.strays import Strays
from dsgspool.spool.taken import Taken
from dsgspool.spool.waiters import Waiters
from dsgspool.task import Decision, Kind, Outcome, Retry, State, decide

DAY = 86400.0
EMPTY_BATCH = 3600.0  #: seconds after which an empty batch folder in todo/ is removed
BUMPS = 2
DUE_SHARE = 20.0
SWEEP_INTERVAL = 60.0  #: seconds between two looks at what crashes left
SLICE = 0.5  #: seconds after which a long duty leaves the rest to its next turn: a heart must beat in between
TAKEN_INTERVAL = 30.0  #: seconds between two looks at what the dead left in taken/, whose requests may land late
SELDOM = 10.0  #: seconds between two looks at a dead worker's folder that has long been empty

Tell = Callable[..., None]
Published = Callable[[TaskName, str], None]  #: told of each file that a dead worker's record sends to done/ or failed/


def _nobody(_name: TaskName, _target: str) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class _Swept:
    """A dead worker's folder: since when it has been empty, and when it is looked at again; BOOTTIME."""

    empty_since: float
    again_at: float


class Janitor:
    """The duties of one living worker `wid`."""

    def __init__(
        self, spool: Spool, peers: Peers, wid: str, server: ServerClock, tell: Tell, published: Published = _nobody
    ) -> None:
        self.spool, self.fs, self.peers, self.wid, self.server, self.tell = spool, spool.fs, peers, wid, server, tell
        self.published = published
        self.moves = Moves(spool)
        self.chain = Chain(spool, peers.is_dead, lambda: spool.settings().lease)
        self.strays = Strays(self.moves, peers.is_dead, self.chain.has_ended, tell)
        self.waiters, self.returning = Waiters(self.moves, tell), Returning(self.moves, tell)
        self.leadership = Leadership(spool, peers, wid)
        self.round_at = float("-inf")  #: BOOTTIME before the last whole look at the folders of all workers
        self._met: dict[str, _Swept] = {}  #: dead workers that I have taken over
        self.taken, self._taken_at = Taken(spool), 0.0
        self._due_at = 0.0  #: BOOTTIME at which waiting/ is listed again
        self._bumped: dict[str, tuple[int, int]] = {}  #: batch folder -> its mtime after my last touch, and how many

    # -- the dead ------------------------------------------------------------------------------------------------

    def bury(self) -> int:
        """Sweep the folder of every dead worker; the number of tasks moved.

        Names that people moved out of these folders are looked for once for all of them (`strays`).  A look is a walk
        through the whole spool: one for each of 190 dead workers took a new worker longer than its fence, and killed it.
        """
        moved, began, met = 0, self.spool.clock.boot(), len(self._met)
        self.peers.dying.clear()
        for wid, is_folder in list(self.fs.scan(self.spool.running)):
            is_dead = is_folder and wid != self.wid and (why := self.peers.verdict(wid)) and not self._is_new(wid)
            if is_dead and (wid not in self._met or began >= self._met[wid].again_at):
                moved += self._take_over(wid, why)
        if len(self._met) > met or began >= self._taken_at:
            self._taken_at = began + TAKEN_INTERVAL
            self.taken.sweep(self.peers.is_dead)
        self.round_at = began
        return moved

    def is_at_rest(self) -> bool:
        """True when no worker of this machine is just dying and no claim of a dead one is looked for."""
        return not (self.peers.dying or self.strays.is_busy or self.waiters.is_busy)

    def next_moment(self) -> float:
        """BOOTTIME at which something that goes on bit by bit goes on."""
        return min(self.strays.next_moment(), self.waiters.next_moment())

    def rounds(self) -> tuple[float, float]:
        """BOOTTIME before the last whole look at the folders of all workers, and before that at all that waits for tasks."""
        return self.round_at, self.waiters.round_at

    def _is_new(self, wid: str) -> bool:
        """RACE: a worker makes running/WID before WID.yaml; one that nobody knows is dead only when long at rest."""
        return wid not in self.peers.known and self._age(f"{self.spool.running}/{wid}") <= self.peers.times().lease

    def _take_over(self, wid: str, why: str) -> int:
        folder = f"{self.spool.running}/{wid}"
        files = [name for name, _ in self.fs.scan(folder) if name[:1] not in ".#"]
        if files or wid not in self._met:
            self._fence(wid, why)
        moved = sum(self._rescue(wid, file, why) for file in files)
        self._forget(wid, folder)
        now = self.spool.clock.boot()
        if wid not in self._met:
            self.strays.want(wid)
        since = now if files or wid not in self._met else self._met[wid].empty_since
        self._met[wid] = _Swept(since, now + min(now - since, SELDOM))
        return moved

    def _fence(self, wid: str, why: str) -> None:
        """Tell a worker that may come back that it is out."""
        if f"{wid}.fenced" in self.peers.files or wid not in self.peers.known:
            return
        text = json.dumps({"by": self.wid, "why": why, "at": iso(self.server.now())})
        with contextlib.suppress(FileExistsError):
            self.fs.create_whole(f"{self.spool.workers}/{wid}.fenced", f"{text}\n".encode())
        self.tell("fence", f"worker {wid} is dead ({why}): taking over", worker=wid, why=why)

    def _rescue(self, wid: str, file: str, why: str) -> int:
        """Move one file of a dead worker to where its record says, or back to todo/; 1 when it moved."""
        found = way_of(self.chain, wid, file, lambda: self.spool.settings().max_lost)
        if found is None:
            return 0
        name, decision = found
        target = target_of(self.spool, name, decision, self.moves.token(), self.server.now())
        number = self.fs.rename_into(f"{self.spool.running}/{wid}/{file}", target)
        if file in {left for left, _ in self.fs.scan(f"{self.spool.running}/{wid}")}:
            with contextlib.suppress(FileNotFoundError, PermissionError):
                self.fs.see(target)  # an NFS client may believe that it is there already: see OwnFolder.give
            return 0  # the next sweep tries again
        if decision.state in (State.DONE, State.FAILED):
            self.waiters.published(name.identity)
            if number == 0:  # RACE: everybody buries, and finds gone what another one moved; who moved it tells
                self.published(name, target)
        self.tell(
            "rescue", f"{name.identity} was lost with {wid}: now in {decision.state}/", task=name.identity, worker=wid,
            to=str(decision.state), why=why,
        )  # fmt: skip
        return 1

    def _forget(self, wid: str, folder: str) -> None:
        """After a day nothing that was on its way can still land: remove the folder, or leave that to who may read its marks."""
        marks = [
            f"{self.spool.workers}/{wid}.{mark}" for mark in ("dead", "fenced") if f"{wid}.{mark}" in self.peers.files
        ]
        with contextlib.suppress(PermissionError):
            newest = max((self.fs.status(mark).st_mtime for mark in marks), default=0.0)
            if self.server.now() - newest > DAY and self._age(folder) > DAY:
                self.fs.remove_folder(folder)

    # -- the waiting ---------------------------------------------------------------------------------------------

    def due(self) -> int:
        """Bring back tasks whose moment has come, as many as fit into a moment; the number moved."""
        moved, began = 0, self.spool.clock.boot()
        for folder in self._due_folders():
            for path in self.returning.below(folder):
                moved += self.returning.bring_back(folder, path)
                if self._is_late(began):
                    return moved
            self.moves.remove_empty(f"{self.spool.waiting}/{folder}")
        return moved

    def _due_folders(self) -> Iterator[str]:
        """A folder for each task that others wait for may make a long list: reading it takes a twentieth of the time."""
        began = self.spool.clock.boot()
        if began < self._due_at:
            return
        folders = list(self.fs.scan(self.spool.waiting))
        self._due_at = began + DUE_SHARE * (self.spool.clock.boot() - began)
        for folder, is_folder in folders:
            if is_folder and (moment := names.parse_until(folder)) and unix(*moment) <= self.server.now():
                yield folder

    # -- tidiness ------------------------------------------------------------------------------------------------

    def bump(self) -> None:
        """Touch todo/, waiting/ and, after each change, the folders in them that are listed again and again (twice: the first may
        fall into a change's own tick).

        RACE: an NFSv3 client that lists a folder between two changes of one clock tick misses the second one for ever.
        """
        self.fs.touch(self.spool.todo)
        for folder in (self.taken.folder, self.spool.waiting):
            with contextlib.suppress(FileNotFoundError):
                self.fs.touch(folder)
        before, self._bumped = self._bumped, {}
        for folder in (*self.moves.folders_below(self.spool.todo), *self.waiters.listed_again()):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
                self._bumped[folder] = self._bump(folder, *before.get(folder, (0, 0)))

    def _bump(self, folder: str, known: int, times: int) -> tuple[int, int]:
        """Touch a folder unless that was done twice since it changed; its mtime now, and how often it was done."""
        # An untouched mtime must stay: it says since when a batch folder has been empty.
        seen = self.fs.status_of_folder(folder).st_mtime_ns
        times = times + 1 if seen == known else 1
        if times <= BUMPS:
            self.fs.touch(folder)
            seen = self.fs.status_of_folder(folder).st_mtime_ns
        return seen, times

    def sweep(self) -> int:
        """What is looked at every minute; the number of tasks that a killed `edit` had taken out and that are back."""
        self.sweep_batches()
        self.sweep_tmp()
        return mend(self.moves, self._age, self.peers.times().lease)

    def awaits_an_edit(self) -> bool:
        """True while a task is in the hands of an editor, or of a dead one whom the next sweeps will help."""
        return is_awaited(self.spool, self._age, self.peers.times().lease + 2 * SWEEP_INTERVAL)

    def sweep_batches(self) -> None:
        """Remove batch folders of todo/, and folders in them, that have been empty for an hour."""
        for name in [name for name in self.fs.folders(self.spool.todo) if name[:1] != "."]:
            path = f"{self.spool.todo}/{name}"
            if self._age(path) <= EMPTY_BATCH:
                continue
            # One whose folder in hold/ has a task stays, in a lane too: without it the whole batch would look parked.
            batches = self.fs.folders(path) if name[:1] == "@" else [name]
            if not any(self.fs.folder_is_there(f"{self.spool.hold}/{batch}") for batch in batches):
                # RACE: a person makes a folder in one that nothing changed for long, and then moves tasks into it.
                self.moves.remove_empty(path, lambda folder: self._age(folder) > EMPTY_BATCH)

    def sweep_tmp(self) -> None:
        """Remove what a crashed command left a day ago; a folder is renamed first: a late submitter finds nothing to move."""
        began = self.spool.clock.boot()
        for name, is_folder in list(self.fs.scan(self.spool.tmp)):
            path = f"{self.spool.tmp}/{name}"
            if not is_folder and name.startswith(".") and name.endswith(".now"):  # it was to tell the server's time
                with contextlib.suppress(FileNotFoundError):
                    if self.server.now() - self.fs.status(path).st_mtime > DAY:
                        self.fs.remove(path)
            if not is_folder or self._age(path) <= DAY:
                continue
            if name.startswith(".") and name.endswith(".swept"):
                for file, _ in self.fs.walk(path):
                    self.fs.remove(f"{path}/{file}")
                    if self._is_late(began):
                        return
                self.moves.remove_empty(path)
            else:
                self.fs.rename(path, f"{self.spool.tmp}/.{name}.swept")

    def _is_late(self, began: float) -> bool:
        return self.spool.clock.boot() - began > SLICE

    def _age(self, path: str) -> float:
        try:
            return self.server.now() - self.fs.status_of_folder(path).st_mtime
        except (FileNotFoundError, PermissionError):  # gone, or somebody's private one
            return 0.0


def way_of(chain: Chain, wid: str, file: str, max_lost: Callable[[], int]) -> tuple[TaskName, Decision] | None:
    """Where a file in the folder of the dead worker `wid` goes; None while a living worker owns it.

    `chain` knows who is dead; `max_lost` is asked only when an attempt was lost.
    """
    try:
        name = names.parse_flat(file)
    except InvalidName:
        return names.invalid_name(file, ""), Decision(State.FAILED, "invalid", unique=True)
    if name.claim and name.claim.wid != wid and not chain.is_dead(name.claim.wid):
        return None  # a person moved it here: its owner kills first and then strips the name
    return name, park(chain.spool, name, _verdict(chain, name, max_lost))


def _verdict(chain: Chain, name: TaskName, max_lost: Callable[[], int]) -> Decision:
    """What becomes of a dead worker's file: the outcome in the record of that very claim, else it was lost."""
    found = chain.of_claim(name) if name.claim else None
    if found is None:  # it died before the attempt began: nothing ran, nothing counts
        # RACE: somebody may still be writing what was dropped, and a token would say that it is whole.
        return Decision(State.TODO, doubt(name), name.budget)
    if record_is_over(found[1]):
        return next_of(found[1]) or Decision(State.TODO, budget=name.budget)
    lost = decide(Outcome(Kind.LOST), name.budget, Retry(max_lost=max_lost()))
    assert lost is not None
    return lost
