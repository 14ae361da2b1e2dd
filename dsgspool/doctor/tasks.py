"""Tasks whose worker is gone, tasks that are nowhere, and the promises that `snapshot.check` finds broken.

The rule: what a living worker holds is left alone.  What a dead one held goes where a janitor would put it, by the
record of that very claim.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from dsgspool import names, snapshot
from dsgspool.doctor.bench import PREFIX
from dsgspool.doctor.owners import Owners
from dsgspool.doctor.repair import Action, Fault
from dsgspool.doctor.torn import torn_records
from dsgspool.doctor.values import Status, many, quoted, some
from dsgspool.errors import InvalidName
from dsgspool.janitor import way_of
from dsgspool.names import TaskName
from dsgspool.permissions import other_writers
from dsgspool.records import parse_record, record_is_over
from dsgspool.snapshot import Snapshot, Violation
from dsgspool.snapshot.attempts import attempt_numbers, read_attempts
from dsgspool.snapshot.awaited import stuck
from dsgspool.snapshot.look import FLOW
from dsgspool.spool import Spool, task_name
from dsgspool.spool.chain import Chain
from dsgspool.spool.moves import Moves, Place, target_of
from dsgspool.task import Budget, State
from dsgspool.yamlwriting import dump

DAY = 86400.0
BUG = "this should not be possible: please keep a copy of the records and report it"
MOST_STUBS = 10_000  #: that are written for one task
KEEP = (State.RUNNING, *(state for state in FLOW if state is not State.RUNNING))


class Tasks:
    """One look at tasks, workers' folders and records."""

    def __init__(self, spool: Spool, owners: Owners, *, quick: bool = False) -> None:
        self.spool, self.fs, self.owners, self.quick = spool, spool.fs, owners, quick
        self.moves = Moves(spool)
        self.token = self.moves.token
        self.chain = Chain(spool, lambda wid: bool(owners.proof(wid)), lambda: owners.settings.lease, owners.now)

    def faults(self) -> Iterator[Fault]:
        """Everything that is found."""
        for wid, is_folder in list(self.fs.scan(self.spool.running)):
            if is_folder and names.is_wid(wid):
                yield from self._folder(wid)
        yield from self._claims()
        if not self.quick:
            yield from self._lost()
            # The folders first, then the records, as `snapshot.check` does.
            seen = snapshot.take(self.spool)
            attempts = read_attempts(self.spool)
            yield from self._stuck(seen)
            yield from torn_records(self.spool, self.owners, self.chain, attempts)
            for violation in snapshot.judge(self.spool, seen, attempts):
                yield from self._violation(violation)

    def _stuck(self, seen: Snapshot) -> Iterator[Fault]:
        """Tasks that wait for what no worker can bring."""
        there = {task.identity for task in seen.tasks}
        for found in stuck(seen.tasks, finals=seen.finals):
            where = tuple(f"waiting/{names.after_folder(found.what)}" for _ in found.tasks[:1])
            what = quoted(found.what.rstrip("/"))
            one = quoted(next((name for name in found.tasks if name in there), found.what))
            unknown = f"submit {found.what}; or hold the task, edit its `after`, and release it"
            if found.meant:
                unknown = f"write {found.meant} in its `after` instead of {found.what}: dsgspool why {one} says how"
            remedy = {
                "unknown": unknown,
                "hold": f"let it run: dsgspool release {what}",
                "circle": f"hold one of them, edit its `after`, and release it: dsgspool hold {one}",
            }[found.kind]
            yield Fault(f"after-{found.kind}", found.tasks[0], where, found.sentence, remedy=remedy)

    # -- what dead workers hold ----------------------------------------------------------------------------------

    def _folder(self, wid: str) -> Iterator[Fault]:
        files = [name for name, _ in self.fs.scan(f"{self.spool.running}/{wid}") if name[:1] not in ".#"]
        proof, where = self.owners.proof(wid), (f"running/{wid}",)
        if not files:
            if proof and self._age(wid) > DAY:
                action = Action("rmdir", f"{self.spool.running}/{wid}")
                yield Fault(
                    "empty-folder", "", where, f"running/{wid}/ of a dead worker is empty", (action,), safe=True
                )
        elif not proof:
            if wid in self.owners.silent:
                yield self._silent(wid, files)
        elif self.owners.living:
            text = f"running/{wid}: {proof}; {many(len(files), 'task')} to be taken over by a living worker, within a lease"
            yield Fault("take-over", "", where, text, status=Status.NOTE)
        else:
            actions = [*self._mark(wid), *filter(None, (self._rescue(wid, file) for file in files))]
            text = f"running/{wid}: {proof}, and no worker lives to take over {many(len(files), 'task')} of it"
            yield Fault(
                "stale-lease", "", where, text, tuple(actions), safe=True, remedy="or start a worker: dsgspool worker"
            )

    def _silent(self, wid: str, files: list[str]) -> Fault:
        age = self.owners.ages[wid]
        text = f"running/{wid}: no heartbeat for {age:.0f} s, {many(len(files), 'task')} in its hands"
        action = Action("touch", f"{self.spool.workers}/{wid}.dead")
        remedy = "living workers take over when they have watched it for a lease"
        if not self.owners.living:
            remedy = (
                "start a worker, which takes over after a lease; or, only when that machine is off for certain, bury it"
            )
        return Fault("silent-worker", "", (f"running/{wid}",), text, (action,), remedy=remedy)

    def _mark(self, wid: str) -> list[Action]:
        """A tombstone for a worker that is proven dead and has no mark: should it come back, it finds that it is out."""
        marks = {f"{wid}.dead", f"{wid}.fenced"} & self.owners.files
        known = {f"{wid}.yaml", f"{wid}.lock"} & self.owners.files
        return [Action("touch", f"{self.spool.workers}/{wid}.dead")] if known and not marks else []

    def _rescue(self, wid: str, file: str) -> Action | None:
        """The move that a janitor would make."""
        found = way_of(self.chain, wid, file, lambda: self.owners.settings.max_lost)
        if found is None:
            return None
        target = target_of(self.spool, *found, self.token(), self.owners.now)
        return Action("mv", f"{self.spool.running}/{wid}/{file}", target)

    def _age(self, wid: str) -> float:
        try:
            return self.owners.now - self.fs.status_of_folder(f"{self.spool.running}/{wid}").st_mtime
        except FileNotFoundError:
            return 0.0

    def _claims(self) -> Iterator[Fault]:
        """`@` names of dead owners outside of running/."""
        for state in (State.TODO, State.WAITING, State.HOLD, State.FAILED, State.DONE):
            for path, name in list(self.spool.held(state)):
                if name.claim and (proof := self.owners.proof(name.claim.wid)):
                    text = f"{state}/{path} is held by {name.claim.wid}: {proof}"
                    action = Action(
                        "mv", f"{self.spool.folder(state)}/{path}", self._stripped(Place(state, path, name))
                    )
                    yield Fault("ownerless", name.identity, (f"{state}/{path}",), text, (action,), safe=True)

    def _stripped(self, place: Place) -> str:
        """Its name without the claim: a return like any other."""
        name, folder = place.name, self.spool.folder(place.state)
        if place.state in (State.FAILED, State.DONE):
            # In done/ a name with a tag would look finished well: what its owner never finished is cancelled.
            return f"{self.spool.failed}/{name.failed('cancelled', self.token()).path}"
        back = name.returned(name.budget, self.token())
        if place.state is State.WAITING:
            return f"{folder}/{place.path.partition('/')[0]}/{back.lane_path}"
        return f"{folder}/{back.lane_path if place.state is State.TODO else back.path}"

    # -- tasks that are nowhere ----------------------------------------------------------------------------------

    def _lost(self) -> Iterator[Fault]:
        """An attempt without end, its worker dead, and no file of that name anywhere."""
        records = attempt_numbers(self.spool)
        there = {name.identity for state in (*FLOW, *FLOW) for _, name in self.spool.tasks(state)} if records else set()
        for identity in sorted(records.keys() - there):
            path = f"logs/{names.record_path(identity, max(records[identity]))}"
            try:
                self.fs.see(f"{self.spool.root}/{path}")
                data, status = self.fs.read(f"{self.spool.root}/{path}")
            except OSError:  # gone by now, or no file
                continue
            record = parse_record(data)
            if record_is_over(data) or not record.worker or not (proof := self.owners.proof(record.worker)):
                continue
            text = f"{identity} is nowhere, and its last attempt never ended ({record.worker}: {proof})"
            if record.text and (why := self._why_not_mine(status)):
                remedy = (
                    f"somebody removed it, or it was lost. {path} has its text, and {why}: its owner can submit it anew"
                )
                yield Fault("lost-attempt", identity, (path,), text, remedy=remedy, status=Status.NOTE)
                continue
            plain = b"\ntext: |\n" in data
            yield self._found_again(identity, path, text, record.text, plain=plain)

    def _why_not_mine(self, record: os.stat_result) -> str:
        """Why a text that stands in a record may be another's: what is made of it would be a task of my user."""
        if self.owners.settings.run_as == "owner":
            return "with `run_as: owner` a record does not say whose that was"
        if record.st_uid != os.geteuid():
            return f"was written by uid {record.st_uid}, not by you"
        others = other_writers(record.st_uid, record.st_gid, record.st_mode)
        return f"{others} may write to it" if others else "is a hard link" if record.st_nlink != 1 else ""

    def _found_again(self, identity: str, path: str, text: str, kept: str | None, *, plain: bool) -> Fault:
        try:
            target = (
                f"{self.spool.hold}/{TaskName(names.check_identity(identity)).returned(Budget(), self.token()).path}"
            )
        except InvalidName:
            kept, target = None, ""
        if not kept:
            remedy = f"somebody removed it, or it was lost; {path} says what is known"
            return Fault("lost-attempt", identity, (path,), text, remedy=remedy, status=Status.NOTE)
        source, draft = f"{self.spool.root}/{path}" if plain else "", f"{self.spool.tmp}/{PREFIX}{self.token()}"
        action = Action("text", target, data=kept.encode(), source=source, draft=draft)
        remedy = "removed by hand while its worker died? Its record has the text: this puts it into hold/"
        return Fault("lost-attempt", identity, (path,), text, (action,), safe=True, remedy=remedy)

    # -- broken promises -----------------------------------------------------------------------------------------

    def _violation(self, found: Violation) -> Iterator[Fault]:
        menders: dict[str, Callable[[Violation], Fault | None]] = {
            "claim-twice": self._twice, "token-twice": self._twice, "chain-gap": self._gap, "ownerless": lambda _: None,
            "rubbish": lambda _: None, "done-without-record": self._unproven, "done-but-failed": self._unproven,
            "failed-without-record": self._unproven,
        }  # fmt: skip
        fault = menders.get(found.rule, self._history)(found)
        if fault is not None:
            yield fault

    def _history(self, found: Violation) -> Fault:
        """What has happened cannot be mended."""
        remedy = f"{BUG}; `dsgspool prune` removes the records later"
        text = f"{found.task}: {found.detail} ({some(list(found.where))})"
        return Fault(found.rule, found.task, found.where, text, status=Status.FAIL, remedy=remedy)

    def _twice(self, found: Violation) -> Fault:
        """One file in several places: the one that is nearest to running stays, the others are parked."""
        text = f"{found.task}: {found.detail}: {some(list(found.where))}"
        places = [self._place(where) for where in found.where]
        owners = {place.name.claim.wid for place in places if place.name.claim}
        if alive := [wid for wid in owners if not self.owners.proof(wid)]:
            remedy = "look again when it has ended"
            return Fault(found.rule, found.task, found.where, f"{text}; {alive[0]} holds it", remedy=remedy)
        places.sort(key=lambda place: KEEP.index(place.state))
        actions = tuple(
            Action("mv", f"{self.spool.folder(p.state)}/{p.path}", f"{self.spool.hold}/{self._duplicate(p.name)}")
            for p in places[1:]
        )
        return Fault(found.rule, found.task, found.where, text, actions, safe=True)

    def _duplicate(self, name: TaskName) -> str:
        return name.failed("duplicate", self.token()).path

    def _place(self, where: str) -> Place:
        state, _, path = where.partition("/")
        return Place(State(state), path, task_name(State(state), path))

    def _gap(self, found: Violation) -> Fault:
        """A stub says that there was an attempt and that it is over, so that the chain is a lock again.

        RACE: whoever starts the name meanwhile creates the lowest record that is missing.  So stubs are made from below,
        none after one that was there already, and none at all while a record of the name may be alive.
        """
        identity = found.task
        text = f"{identity}: {found.where[0]} is there, {found.where[1]} before it is not: records were removed by hand"
        parts = names.parse_record(found.where[0].removeprefix("logs/"))
        newest = parts[1] if parts else 0
        if newest > MOST_STUBS:  # `x.20261201.yaml`: to look for all that are before it would take for ever
            remedy = "what has such a number is mostly no record: then move it out of logs/"
            return Fault("chain-gap", identity, found.where, text, remedy=remedy)
        records = {n: self.fs.read_fresh(self.chain.path(identity, n)) for n in range(1, newest + 1)}
        if not all(data is None or self.chain.is_over(identity, n) for n, data in records.items()):
            return Fault(
                "chain-gap", identity, found.where, text, remedy="an attempt of it is alive: look again afterwards"
            )
        missing = [n for n, data in records.items() if data is None]
        actions = (Action("write", self.chain.path(identity, n), data=_stub(identity, n)) for n in missing)
        return Fault("chain-gap", identity, found.where, text, tuple(actions), safe=True)

    def _unproven(self, found: Violation) -> Fault:
        """Finished says the folder, and the records do not: a person's mv, or records removed by hand."""
        place = self._place(found.where[0])
        text = f"{found.where[0]}: {found.detail}: put there by hand, or records were removed"
        if found.rule == "failed-without-record":
            target = f"{self.spool.failed}/{place.name.failed(place.name.tag, self.token()).path}"
        else:
            target = f"{self.spool.hold}/{place.name.returned(Budget(), self.token()).path}"
        action = Action("mv", f"{self.spool.folder(place.state)}/{place.path}", target)
        remedy = "if you did that on purpose, leave it"
        return Fault(found.rule, found.task, found.where, text, (action,), remedy=remedy)


def _stub(identity: str, number: int) -> bytes:
    lines = dump({"task": identity, "attempt": number, "outcome": "pruned", "reason": "its record was missing"}.items())
    return f"{lines}...\n".encode()
