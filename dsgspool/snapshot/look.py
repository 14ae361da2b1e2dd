"""Looking at the spool: listings, records, heartbeats -> `Snapshot`.

The rule: read only, and every folder is listed once, in the direction in which tasks flow; so one that moves meanwhile
is at worst seen twice, and what is seen twice is looked at again.  A file that goes away while it is read is no error.
The folders are the truth: a record adds to a task what only it knows (when, where, how it ended), it never moves one.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import field, replace

from dsgspool import names, proc
from dsgspool.classes import dataclass
from dsgspool.clock import ServerClock, unix
from dsgspool.conditions import inventory_of
from dsgspool.errors import InvalidName, SettingsError, StorageError
from dsgspool.lease import Peers, has_vanished, identity_of, parse_facts
from dsgspool.names import TaskName
from dsgspool.snapshot.attempts import Attempt, attempt_numbers, moment, read_attempt
from dsgspool.snapshot.counting import Tally, count, tally
from dsgspool.snapshot.rules import Stock, policies, stock
from dsgspool.snapshot.values import Running, Snapshot, TaskSeen, WorkerSeen
from dsgspool.spool import PAUSE, Spool, lies, task_name
from dsgspool.spool.rest import closes_of, control_of, rest_of, told
from dsgspool.task import State

COUNTED = (State.TODO, State.HOLD, State.DONE, State.FAILED)  #: whose names alone say all that a count needs
FLOW = (State.TODO, State.WAITING, State.HOLD, State.RUNNING, State.DONE, State.FAILED)
DEFAULT_LEASE = 47.0  #: when spool.yaml cannot be read


def take(
    spool: Spool,
    *,
    records: bool = False,
    server: ServerClock | None = None,
    peers: Peers | None = None,
    states: Collection[State] = FLOW,
    brief: bool = False,
) -> Snapshot:
    """Look once.  `records`: those of finished tasks too.  `server`, `peers`: what is known better.  `states`: these only;
    a reader that has a cheaper way to list done/ leaves it out.  `brief`: where very many lie they are only counted, and
    are not among the `tasks`."""
    return _Look(spool, records, server, peers, states, brief).take()


@dataclass(slots=True)
class _Look:
    spool: Spool
    records: bool
    server: ServerClock | None
    peers: Peers | None
    states: Collection[State] = FLOW
    brief: bool = False
    tallies: dict[State, Tally] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    files: set[str] = field(default_factory=set)
    lease: float = DEFAULT_LEASE
    stock: tuple[Stock, ...] = ()
    me: proc.Identity = field(default_factory=lambda: proc.identity())

    def take(self) -> Snapshot:
        self.read_settings()
        top = self.names(self.spool.root)
        found = [task for state in FLOW if state in self.states for task in self.in_state(state)]
        tasks = self.with_attempts(self.settled(found))
        self.files = set(self.names(self.spool.workers))
        held: dict[str, list[TaskSeen]] = {}
        for task in tasks:
            if task.state is State.RUNNING:
                held.setdefault(task.path.partition("/")[0], []).append(task)
        beats = self.heartbeats(held)
        taken = self.server.now() if self.server else max([self.spool.clock.wall(), *filter(None, beats.values())])
        workers = tuple(self.worker(wid, beats[wid], taken, held.get(wid, ())) for wid in sorted(beats))
        running = tuple(_running(task, worker, taken) for worker in workers for task in held.get(worker.wid, ()))
        counts, batches = count(tasks, self.tallies)
        return Snapshot(
            root=self.spool.root,
            taken=taken,
            paused=PAUSE in top,
            counts=counts,
            batches=batches,
            tasks=tuple(tasks),
            running=running,
            workers=workers,
            problems=tuple(self.problems),
            records=self.records,
            policies=policies(self.spool, self.problems),
            stock=self.stock,
            unseen=tuple(self.unseen),
        )

    def read_settings(self) -> None:
        try:
            settings = self.spool.settings()
            self.lease = settings.lease
            if low := settings.min_free.why_low(*self.spool.fs.space(self.spool.root)):
                self.problems.append(f"{self.spool.root}: {low}: workers take no new tasks")
            self.stock = stock(self.spool, settings.resources)
        except SettingsError as error:
            self.problems.append(str(error))
        except OSError as error:
            self.problems.append(str(StorageError.of(error, "read")))

    def names(self, folder: str) -> list[str]:
        try:
            return self.spool.fs.names(folder)
        except OSError as error:
            self.not_seen(error)
            return []

    def not_seen(self, error: OSError) -> None:
        """What lies in a folder that cannot be listed is in no count and no list."""
        self.problems.append(str(StorageError.of(error, "list")))
        self.unseen.append(self.problems[-1])

    # -- tasks ---------------------------------------------------------------------------------------------------

    def in_state(self, state: State) -> Iterator[TaskSeen]:
        try:
            for path in self.paths(state):
                if not names.is_ignored(os.path.basename(path)) and (seen := self.seen(state, path)):
                    yield seen
        except OSError as error:
            self.not_seen(error)

    def paths(self, state: State) -> Iterable[str]:
        """Those that are looked at one by one."""
        folder = self.spool.folder(state)
        if self.brief and state in COUNTED and (found := tally(self.spool.fs, folder)):
            self.tallies[state] = found
            return found.rest
        return (path for path, _ in self.spool.fs.walk(folder))

    def seen(self, state: State, path: str) -> TaskSeen | None:
        folder, slash, _ = path.partition("/") if state in (State.WAITING, State.RUNNING) else ("", "/", "")
        if not slash:
            self.astray(f"{state}/{path}", f"it lies in no folder of {state}/, so nobody takes it", "")
            return None
        if folder.startswith(("until-", "after-")) and not (names.parse_until(folder) or names.parse_after(folder)):
            self.astray(f"{state}/{folder}", "its name is no moment and no task, so what it holds waits for ever", "/*")
        try:
            name = task_name(state, path)
        except InvalidName as error:
            self.problems.append(f"{state}/{path}: {error}")
            return None
        lies = folder if state is State.WAITING else ""
        return TaskSeen(name.identity, state, path, name, name.budget.attempts, (), _until(lies), lies)

    def astray(self, path: str, why: str, files: str) -> None:
        """A problem that a person's mv made and another one ends."""
        import shlex

        source = f"{shlex.quote(f'{self.spool.root}/{path}')}{files}"
        problem = f"{path}: {why}: mv {source} {shlex.quote(f'{self.spool.root}/todo/')}"
        if problem not in self.problems:
            self.problems.append(problem)

    def settled(self, tasks: list[TaskSeen]) -> list[TaskSeen]:
        """Without those that were seen a second time further on because they moved meanwhile."""
        places = Counter(task.identity for task in tasks)
        return [task for task in tasks if places[task.identity] == 1 or is_there(self.spool, task.state, task.path)]

    # -- records -------------------------------------------------------------------------------------------------

    def with_attempts(self, tasks: list[TaskSeen]) -> list[TaskSeen]:
        numbers = attempt_numbers(self.spool) if self.records else {}
        return [self.with_its_attempts(task, numbers.get(task.identity, ())) for task in tasks]

    def with_its_attempts(self, task: TaskSeen, numbers: Iterable[int]) -> TaskSeen:
        if self.records:
            found = [attempt for n in sorted(numbers) if (attempt := read_attempt(self.spool, task.identity, n))]
        elif task.state is State.RUNNING and task.name.claim:
            found = list(self.of_claim(task.name))
        else:
            return task
        return replace(task, attempt=max(task.attempt, found[-1].number), attempts=tuple(found)) if found else task

    def of_claim(self, name: TaskName) -> Iterator[Attempt]:
        """The attempt that this very claim began, if it got that far."""
        number = name.budget.attempts + 1
        while attempt := read_attempt(self.spool, name.identity, number):
            if attempt.claim == str(name.claim):
                yield attempt
                return
            number += 1

    # -- workers -------------------------------------------------------------------------------------------------

    def heartbeats(self, held: Iterable[str]) -> dict[str, float | None]:
        """WID -> moment of the last heartbeat, of every worker that has a file in workers/ or holds a task."""
        wids = {file.removesuffix(".yaml") for file in self.files if file.endswith(".yaml")} | set(held)
        return {wid: self.heartbeat(wid) for wid in wids if names.is_wid(wid)}

    def heartbeat(self, wid: str) -> float | None:
        if f"{wid}.lock" not in self.files or f"{wid}.dead" in self.files:
            return None
        try:
            return self.spool.fs.status(f"{self.spool.workers}/{wid}.lock").st_mtime
        except OSError:
            return None

    def worker(self, wid: str, beat: float | None, taken: float, held: Iterable[TaskSeen]) -> WorkerSeen:
        facts = facts_of(self.spool, wid, self.files)
        control = control_of(self.spool, wid, self.files, facts)
        age = None if beat is None else max(0.0, taken - beat)
        own, asked = rest_of(self.spool, wid, self.files), told(control)
        return WorkerSeen(
            wid=wid,
            host=str(facts.get("host") or wid.rpartition("-")[0]),
            slots=_integer(facts.get("slots")) if control.slots is None else control.slots,
            verdict=self.verdict(wid, age, facts),
            heartbeat_age=age,
            running=tuple(task.identity for task in held),
            wider=sum(_slots(task) - 1 for task in held),
            pid=_integer(facts.get("pid")),
            started=_moment(facts.get("started")),
            version=str(facts.get("version", "")),
            known=f"{wid}.yaml" in self.files,
            ended=f"{wid}.dead" in self.files,
            cpus=_integer(facts.get("cpus")),
            memory_bytes=_integer(facts.get("memory_bytes")),
            inventory=inventory_of(facts),
            rest=own if own and own.is_drain else asked or own,
            closes=closes_of(self.spool, wid, self.files),
        )

    def verdict(self, wid: str, age: float | None, facts: dict[str, object]) -> str:
        if proof := proof_of_death(wid, self.files):
            return proof
        if self.peers is not None:
            return self.peers.verdict(wid)
        if age is None:
            return "it has no heartbeat"
        if has_vanished(self.me, identity_of(facts)) and proc.shows(_integer(facts.get("user"))):  # else /proc hides it
            return "its process on this machine is gone"
        return f"no heartbeat for {age:.0f} s" if age >= self.lease else ""


def facts_of(spool: Spool, wid: str, files: Collection[str]) -> dict[str, object]:
    """What WID.yaml says, {} when there is nothing whole; `files` is a listing of workers/."""
    if f"{wid}.yaml" not in files:
        return {}
    try:
        return parse_facts(spool.fs.read(f"{spool.workers}/{wid}.yaml")[0])
    except OSError:
        return {}


def proof_of_death(wid: str, files: Collection[str]) -> str:
    """What the names in workers/ say: why `wid` is dead for certain, '' when they do not say so."""
    if f"{wid}.yaml" not in files and f"{wid}.lock" not in files:
        return "it is not in workers/"
    if f"{wid}.dead" in files:
        return "it has ended"
    return "the others gave it up for dead" if f"{wid}.fenced" in files else ""


def is_there(spool: Spool, state: State, path: str) -> bool:
    """True when the file still lies where it was seen."""
    try:
        return lies(spool.fs, f"{spool.folder(state)}/{path}")
    except OSError:
        return True  # a link or a socket: something is there


def _begun(task: TaskSeen) -> Attempt:
    """What its claim began; the newest record may be that of an attempt before this claim."""
    claim = str(task.name.claim or "")
    return next((a for a in task.attempts if claim and a.claim == claim), Attempt(task.identity, 0))


def _slots(task: TaskSeen) -> int:
    """How many a claimed task takes; until it begins its lane alone tells."""
    return max(names.parse_lane(task.name.lane).cpus, _begun(task).cpus or 1)


def _running(task: TaskSeen, worker: WorkerSeen, taken: float) -> Running:
    claim, attempt = str(task.name.claim or ""), _begun(task)
    seconds = None if attempt.started is None else max(0.0, taken - attempt.started)
    return Running(
        task.identity, worker.wid, worker.host, claim, attempt.number, attempt.started, seconds, gpus=attempt.gpus
    )  # fmt: skip


def _until(folder: str) -> float | None:
    parts = names.parse_until(folder)
    return unix(*parts) if parts else None


def _integer(value: object) -> int:
    return value if isinstance(value, int) else 0


def _moment(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else moment(str(value))
