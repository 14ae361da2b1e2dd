"""Rules of the protocol taken away, one by one: the simulation is worth something only if it misses them.

The rule: each switch changes the running product in one place, as somebody might who does not see what the rule is for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

from dsgspool.janitor import Janitor
from dsgspool.names import TaskName
from dsgspool.ranges import Range
from dsgspool.spool import scan
from dsgspool.spool.chain import Chain
from dsgspool.spool.dependencies import Dependencies
from dsgspool.spool.divisions import Divisions
from dsgspool.spool.once import Once
from dsgspool.spool.own import Held, OwnFolder
from dsgspool.spool.submission import Submission
from dsgspool.spool.taken import Mark, Taken, parse_mark
from dsgspool.spool.waiters import Waiters
from dsgspool.task import Budget
from dsgspool.worker import sweeping
from dsgspool.worker.agreement import Agreement
from dsgspool.worker.counted import Counted
from dsgspool.worker.desk import Desk, Exchange
from tests.simulation import workers
from tests.simulation.door import SimFs
from tests.simulation.mount import ROOT
from tests.simulation.virtual import current


def _believing(self: Desk, paths: Any, gifts: Any = ()) -> Exchange:
    """An exchange that decides by what rename answered."""
    result = Exchange()
    self.is_fresh = False
    for leaving in list(self.leaving.values()):
        leaving.tries += 1
        leaving.errno = self.own.give(leaving.held, leaving.target)
        if leaving.errno == 0:
            result.left.append(self.leaving.pop(leaving.held.file))
    for held in [*map(self.own.claim, paths), *map(self.own.adopt, gifts)]:
        if held.errno == 0:
            result.came.append((held, 0))
        else:
            result.lost.append(held)
    return result


def _first_seen(self: OwnFolder, held: Held, _inode: int) -> Any:
    """Open without having listed."""
    try:
        data, status = self.fs.read(f"{self.path}/{held.file}")
    except FileNotFoundError:
        return None
    return own_text(data, status)


def own_text(data: bytes, status: Any) -> Any:
    from dsgspool.spool.own import Text, _seen

    return Text(data, _seen(status), status.st_uid, status.st_gid)


def _from_the_server(self: OwnFolder) -> dict[str, int]:
    """The truth, told without this client's looking at its folder."""
    folder = current().sim.server.find(self.path.removeprefix(f"{ROOT}/"))
    return {name: inode.ino for name, inode in ((folder and folder.entries) or {}).items()}


@contextlib.contextmanager
def scandir_before_open() -> Iterator[None]:
    """What came is known otherwise; it is opened without a listing, and whatever inode that gives is read."""
    with mock.patch.object(OwnFolder, "listing", _from_the_server), mock.patch.object(OwnFolder, "read", _first_seen):
        yield


@contextlib.contextmanager
def listing_decides() -> Iterator[None]:
    """The errno of rename is believed, and memory is not compared with the folder (R1, R2)."""

    def compare(self: Agreement, listing: Any) -> None:
        """Nothing."""

    real = OwnFolder.read

    def read(self: OwnFolder, held: Held, _inode: int) -> Any:
        return real(self, held, self.listing().get(held.file, 0))

    with (
        mock.patch.object(Desk, "exchange", _believing),
        mock.patch.object(Agreement, "compare", compare),
        mock.patch.object(OwnFolder, "read", read),
    ):
        yield


@contextlib.contextmanager
def claimers_leave_held_names() -> Iterator[None]:
    """A name with `@WID.C` in todo/ is a task like any other."""
    with mock.patch.object(scan, "_held", lambda _name: None):
        yield


@contextlib.contextmanager
def self_fence() -> Iterator[None]:
    """The guard waits for ever for a silent worker."""
    with open(workers.guard_module.__file__) as file:
        source = file.read().replace(
            "return self.beat + self.fence - boot() if self.fence else 3600.0", "return 3600.0"
        )
    with mock.patch.object(workers, "_GUARD", compile(source, "guard without a fence", "exec")):
        yield


@contextlib.contextmanager
def record_read_at_take_over() -> Iterator[None]:
    """What a dead worker held was lost, whatever its record says."""
    with mock.patch("dsgspool.janitor.record_is_over", lambda _data: False):
        yield


@contextlib.contextmanager
def repeated_sweep() -> Iterator[None]:
    """A dead worker's folder is swept once."""
    real = Janitor._take_over

    def take_over(self: Janitor, wid: str, why: str) -> int:
        swept = self.__dict__.setdefault("swept", set())
        if wid in swept or f"{wid}.fenced" in self.peers.files:
            return 0
        swept.add(wid)
        return real(self, wid, why)

    with mock.patch.object(Janitor, "_take_over", take_over):
        yield


@contextlib.contextmanager
def one_attempt_alive() -> Iterator[None]:
    """A record is over although it has no end and its writer lives."""
    real = Chain._judge

    def judge(self: Chain, name: TaskName, attempt: int) -> Any:
        found = real(self, name, attempt)
        return found if isinstance(found, bool) else True

    with mock.patch.object(Chain, "_judge", judge):
        yield


@contextlib.contextmanager
def token_in_returned_names() -> Iterator[None]:
    """A name that is given back is the plain one."""

    def returned(self: TaskName, budget: Budget, _token: str) -> TaskName:
        counts = f"{budget.failures}l{budget.losses}" if budget.losses else str(budget.failures)
        return TaskName(self.identity, counts, lane=self.lane)

    with mock.patch.object(TaskName, "returned", returned):
        yield


@contextlib.contextmanager
def flush_before_rename() -> Iterator[None]:
    """A submitted file is renamed before it is flushed, and its close is not looked at."""

    def create_whole(self: Any, path: str, data: bytes, *, sync: bool = True) -> None:
        self.create(path, data)

    with mock.patch.object(SimFs, "create_whole", create_whole, create=True):
        yield


@contextlib.contextmanager
def bump_of_todo() -> Iterator[None]:
    """Nobody touches todo/: what an NFS v3 client overlooked stays overlooked."""
    real = Submission.close

    def close(self: Submission) -> None:
        self.fs.remove_folder(self.private)

    with mock.patch.object(Submission, "close", close), mock.patch.object(Janitor, "bump", lambda _self: None):
        yield
    assert real is Submission.close


@contextlib.contextmanager
def claimers_judge() -> Iterator[None]:
    """Who claims a task does not ask what it waits for."""
    with mock.patch.object(Dependencies, "judge", lambda *_args: None):
        yield


@contextlib.contextmanager
def rounds_over_what_waits() -> Iterator[None]:
    """Nobody but who publishes looks into waiting/after-WHAT/."""
    with mock.patch.object(Waiters, "_go_round", lambda *_args: 0):
        yield


@contextlib.contextmanager
def who_marked_counts() -> Iterator[None]:
    """Who has made its mark starts, without having counted once more."""
    with mock.patch.object(Counted, "_is_allowed", lambda *_args: True):
        yield


@contextlib.contextmanager
def marks_of_the_dead_are_removed() -> Iterator[None]:
    """Nobody gives back what the dead had."""
    with mock.patch.object(Taken, "sweep", lambda *_args: None):
        yield


@contextlib.contextmanager
def marks_in_one_folder() -> Iterator[None]:
    """Each worker's marks lie in a folder of its own, as its claims do."""

    def path(self: Taken, mark: Mark) -> str:
        self.fs.make_folder(folder := f"{self.folder}/{mark.claim.wid}")
        return f"{folder}/{mark.file}"

    def marks(self: Taken) -> list[Mark]:
        folders = [wid for wid, is_folder in self.fs.scan(self.folder) if is_folder]
        found = [parse_mark(name) for wid in folders for name, _ in self.fs.scan(f"{self.folder}/{wid}")]
        return [mark for mark in found if mark]

    with mock.patch.multiple(
        Taken,
        marks=marks,
        make=lambda self, mark: self._make(path(self, mark)),
        remove=lambda self, mark: self.fs.remove(path(self, mark)),
    ):
        yield


@contextlib.contextmanager
def who_divides_goes_by_what_lies_there() -> Iterator[None]:
    """Who divides a rest goes by its own choice."""
    real = Divisions.divide

    def divide(self: Divisions, rest: Range, head: int, *args: Any) -> Range:
        real(self, rest, head, *args)
        return rest.part(rest.first, head, is_rest=False)

    with mock.patch.object(Divisions, "divide", divide):
        yield


@contextlib.contextmanager
def parts_are_owed() -> Iterator[None]:
    """Only who decided how a rest is divided puts its parts into todo/."""
    real = Once.make

    def make(self: Once, folder: str, *args: Any) -> bool:
        self.__dict__["made"] = real(self, folder, *args)
        return bool(self.__dict__["made"])

    owed = Divisions._owed

    with (
        mock.patch.object(Once, "make", make),
        mock.patch.object(Divisions, "_owed", lambda self, rest: owed(self, rest) if self.once.made else []),
    ):
        yield


@contextlib.contextmanager
def all_earlier_indexes_count() -> Iterator[None]:
    """Which items of a chunk have succeeded is told by its last attempt alone."""
    real = sweeping.earlier
    with mock.patch.object(sweeping, "earlier", lambda *args: real(*args)[-1:]):
        yield


@contextlib.contextmanager
def parts_lie_in_a_folder() -> Iterator[None]:
    """A part of a sweep that has lost its folder is a sweep of its own."""
    real = sweeping.fits
    with mock.patch.object(
        sweeping, "fits", lambda part, count: part is not None and part.sweep != "-" and real(part, count)
    ):
        yield


@contextlib.contextmanager
def everything_else() -> Iterator[None]:
    """Nothing is taken away."""
    yield


RULES: dict[str, Callable[[], contextlib.AbstractContextManager[None]]] = {
    rule.__name__: rule
    for rule in (
        scandir_before_open, listing_decides, claimers_leave_held_names, self_fence, record_read_at_take_over,
        repeated_sweep, one_attempt_alive, token_in_returned_names, flush_before_rename, bump_of_todo, claimers_judge,
        rounds_over_what_waits, who_marked_counts, marks_of_the_dead_are_removed, marks_in_one_folder,
        who_divides_goes_by_what_lies_there, parts_are_owed, all_earlier_indexes_count, parts_lie_in_a_folder,
    )
}  # fmt: skip
