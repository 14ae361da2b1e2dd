"""The whole examination, in the order of the list that people read.

The rule: what changes while the doctor looks is no finding: faults of the spool are looked for twice, and only what both
looks saw is told or mended.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator

from dsgspool import mounts, proc
from dsgspool.classes import dataclass
from dsgspool.doctor import machine, mount, raw, rights, room
from dsgspool.doctor.bench import bench
from dsgspool.doctor.child import Message
from dsgspool.doctor.files import Files
from dsgspool.doctor.owners import Owners, settings_of
from dsgspool.doctor.raw import Tell
from dsgspool.doctor.repair import Fault, persistent
from dsgspool.doctor.semantics import Trial, refused
from dsgspool.doctor.tasks import Tasks
from dsgspool.doctor.torn import torn_tasks
from dsgspool.doctor.values import Finding, Status, many, plain, some
from dsgspool.errors import NotASpool, StorageError
from dsgspool.spool import Spool
from dsgspool.task import State

PAUSE = 1.5  #: seconds between two looks


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for.  `find` looks for the spool; it is called where it may hang."""

    find: Callable[[], Spool]
    where: str  #: what `find` touches first
    fix: bool = False
    quick: bool = False
    peer: bool = False
    wait: float = 120.0


def examination(options: Options) -> Callable[[Tell], Generator[Message]]:
    """The work of the child process: messages `finding`, `say`, and `absent` or `refused` when there is no spool to look at."""

    def work(tell: Tell) -> Generator[Message]:
        tell(f"open {options.where}")
        try:
            found = options.find()
        except NotASpool as error:
            yield {"absent": error.path, "text": str(error)}
            return
        except StorageError as error:
            yield {"refused": [error.operation, error.path, error.errno]}
            return
        spool = Spool(found.root, raw.watched(found.fs, tell), found.clock)
        yield {"root": spool.root}
        whole = _Examination(spool, tell, options)
        for finding in whole.run():
            yield {"finding": plain(finding)}
        if options.peer:
            from dsgspool.doctor.peer import consult

            yield from consult(spool, tell, whole.offset, options.wait)

    return work


@dataclass(slots=True)
class _Examination:
    spool: Spool
    tell: Tell
    options: Options
    offset: float = 0.0  #: my wall clock minus the file server's

    def run(self) -> Iterator[Finding]:
        yield from self._mount()
        yield from self._semantics()
        try:
            if absent := list(rights.missing(self.spool)):
                yield from self._told(absent)  # without its folders there is no spool to look at
                return
            owners = self._owners()
            yield from machine.examine(owners.beating())
            yield from self._spool(owners)
        except OSError as error:
            yield refused("spool.look", "spool", error)

    def _owners(self) -> Owners:
        return Owners(self.spool, self.spool.clock.wall() - self.offset, settings_of(self.spool))

    def _mount(self) -> Iterator[Finding]:
        self.tell(f"follow {self.spool.todo}")
        seen = mounts.mount_of(raw.real(self.spool.todo))
        yield from mount.examine(seen, settings_of(self.spool))
        self.tell(f"measure {self.spool.root}")
        yield from room.examine(self.spool.root)

    def _semantics(self) -> Iterator[Finding]:
        try:
            with bench(self.spool) as folder:
                trial = Trial(self.spool, folder)
                yield from trial.run()
                self.offset = trial.offset
        except OSError as error:
            yield refused("semantics.bench", "semantics", error)

    def _spool(self, owners: Owners) -> Iterator[Finding]:
        yield rights.settings(self.spool)
        yield rights.owner(self.spool)
        yield from rights.group(owners.settings)
        yield from rights.pause(self.spool)
        yield from rights.policies(self.spool)
        yield self._work(owners)
        faults = self._faults(owners)
        if faults:
            self.tell("wait for a second look")
            self.spool.clock.sleep(PAUSE)
            faults = persistent(faults, self._faults(self._owners()))
        yield from self._told(faults)
        if not faults:
            records = "records were not read (--quick)" if self.options.quick else "records agree"
            text = f"no task is lost, twice, astray or left over; {records}"
            yield Finding("spool.fsck", "spool", Status.OK, text)

    def _told(self, faults: list[Fault]) -> Iterator[Finding]:
        for fault in faults:
            yield fault.mended(self.spool.fs) if self.options.fix else fault.finding()

    def _faults(self, owners: Owners) -> list[Fault]:
        return [
            *rights.modes(self.spool),
            *self._processes(owners),
            *Files(self.spool, owners).faults(),
            *torn_tasks(self.spool, owners, quick=self.options.quick),
            *Tasks(self.spool, owners, quick=self.options.quick).faults(),
        ]

    def _work(self, owners: Owners) -> Finding:
        """Who works, and whether anybody should."""
        living = owners.living
        queued = sum(1 for _ in self.spool.tasks(State.TODO))
        versions = sorted({str(owners.facts(wid).get("version", "?")) for wid in living})
        facts = {"living": living, "silent": owners.silent, "todo": queued, "versions": versions}
        if queued and not living:
            text = f"no worker lives, and todo/ has {many(queued, 'task')}"
            return Finding("spool.workers", "spool", Status.WARN, text, "start one: dsgspool worker", facts)
        text = f"{many(len(living), 'living worker')}: {some(living)}"
        text = text if living else "no worker lives, and nothing waits in todo/"
        return Finding("spool.workers", "spool", Status.OK, text, "", facts)

    def _processes(self, owners: Owners) -> Iterator[Fault]:
        """What still runs on this machine for a worker that is gone."""
        left: dict[str, list[int]] = {}
        for name in self.spool.fs.names("/proc"):
            if name.isdecimal() and (claim := proc.marker(int(name))):
                left.setdefault(claim.rpartition(".")[0], []).append(int(name))
        for wid, pids in sorted(left.items()):
            known = f"{wid}.lock" in owners.files or f"{wid}.yaml" in owners.files
            if known and (owners.has_vanished(wid) or owners.proof(wid)):
                numbers = " ".join(map(str, sorted(pids)))
                text = f"{wid} is gone, and {many(len(pids), 'process')} of it still on this machine: {numbers}"
                remedy = f"a worker that starts here kills them, and then takes its tasks over; or: kill -9 {numbers}"
                yield Fault("leftover-process", "", (f"workers/{wid}",), text, status=Status.FAIL, remedy=remedy)


def here() -> str:
    """Where the search for a spool starts when none is named."""
    return os.environ.get("DSGSPOOL_SPOOL") or os.getcwd()
