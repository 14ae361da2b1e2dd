"""Looks at the spool -> `Book`: one listing of each folder, and only what is new is read.

The rule: the folders say what is where, records add what only they know.  done/ is compared with the ledger by names;
all other states are few and are looked at in full.  What is seen in done/ and elsewhere is looked at again.
"""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING

from dsgspool import __version__
from dsgspool.classes import dataclass
from dsgspool.errors import SettingsError, StorageError
from dsgspool.names import record_path
from dsgspool.report import listing, logs, records
from dsgspool.report.book import Book, Failure, Log, Node, RunningNow
from dsgspool.report.journals import Journals
from dsgspool.report.lanes import requests_of
from dsgspool.report.records import NEITHER, Records, Writer
from dsgspool.report.stuck import kept
from dsgspool.report.swept import items_of, queued
from dsgspool.report.table import SILENT
from dsgspool.report.waits import waits
from dsgspool.snapshot import Snapshot, TaskSeen, WorkerSeen, take, with_tails
from dsgspool.snapshot.look import FLOW, is_there
from dsgspool.snapshot.values import Counts
from dsgspool.spool import SETTINGS
from dsgspool.task import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dsgspool.clock import ServerClock
    from dsgspool.report.ledger import Ledger
    from dsgspool.settings import Settings
    from dsgspool.snapshot import Attempt, Running
    from dsgspool.spool import Spool

MOST_LINES = 1000  #: running tasks whose logs are looked at
MAX_PROBLEMS = 50
MAX_SETTINGS = 65536  #: characters of spool.yaml on the page


@dataclass(slots=True)
class Look:
    """One look, and what it needs on the way."""

    spool: Spool
    ledger: Ledger
    server: ServerClock
    every: float | None  #: seconds: what the caller promises about the next rendering
    began: float
    workers: dict[str, WorkerSeen] = field(default_factory=dict)
    taken: float = 0.0  #: when they were looked at, by the file server's clock
    journals: Journals = field(default_factory=Journals)
    at_rest: set[str] = field(default_factory=set)  #: failed, and in nobody's hands
    moved: bool = False  #: rows of attempts moved: everything that names them is written anew
    chains: dict[str, tuple[int, int]] = field(default_factory=dict)  #: task -> attempts, row of the newest

    def gather(self) -> Book:
        """Look, and put together what was found."""
        snapshot = take(self.spool, server=self.server, states=[state for state in FLOW if state is not State.DONE])
        problems = list(snapshot.problems)
        tasks = self._finished(snapshot.tasks, problems)
        self.workers, self.taken = {worker.wid: worker for worker in snapshot.workers}, snapshot.taken
        held = {(run.task, run.attempt) for run in snapshot.running}
        self.at_rest = {task.identity for task in tasks if task.state is State.FAILED} - {task for task, _ in held}
        found = Records(
            self.spool.fs, self.spool.logs, self.ledger.attempts, lambda attempt: self._writer(attempt, held),
            self.server.now(), self.ledger.logs, self.ledger.stretches(),
        )  # fmt: skip
        self.moved = found.update()
        self.ledger.logs = found.stamps
        self._chains(tasks, found.changed)
        self._journals(problems)
        problems += [*found.problems, *self.ledger.finished.problems]
        counts, batches = self._count(tasks)
        snapshot = replace(
            snapshot, tasks=tuple(tasks), counts=counts, batches=batches, problems=tuple(problems[:MAX_PROBLEMS])
        )
        snapshot = with_tails(self.spool, snapshot, lambda *log: logs.tail(self.spool.fs, *log), MOST_LINES)
        return self._book(snapshot, found.read)

    # -- done/ ---------------------------------------------------------------------------------------------------

    def _finished(self, tasks: Iterable[TaskSeen], problems: list[str]) -> list[TaskSeen]:
        """Take in done/; the others without those that were there twice because they moved meanwhile."""
        finished = self.ledger.finished
        try:
            sight = listing.look(self.spool.fs, self.spool.done, ".y", self.ledger.done, self.server.now())
            problems += [f"done/{folder}/ may not be read by who writes this: not counted" for folder in sight.private]
            self.ledger.done = sight.remember(finished.update([path for path, _ in sight.files], sight.same))
        except OSError as error:
            problems.append(str(StorageError.of(error, "list")))
        double = {task.identity for task in tasks}.intersection(finished.task)
        kept = [task for task in tasks if task.identity not in double or is_there(self.spool, task.state, task.path)]
        double &= {task.identity for task in kept}
        rows = [row for row, task in enumerate(finished.task) if task in double] if double else []
        finished.drop({row for row in rows if not is_there(self.spool, State.DONE, finished.path[row])})
        return kept

    # -- records -------------------------------------------------------------------------------------------------

    def _writer(self, attempt: Attempt, held: set[tuple[str, int]]) -> Writer:
        wid = attempt.worker or attempt.claim.rpartition(".")[0]
        if not wid:  # made a moment ago, or by a worker that died at once
            return Writer(outcome="" if any(attempt.task == task for task, _ in held) else "lost")
        worker = self.workers.get(wid)
        if worker and worker.alive:  # at rest: its record broke off, and nothing of it runs
            return Writer(outcome="lost" if attempt.task in self.at_rest else "")
        ended = worker is not None and worker.ended
        is_held = not ended and (attempt.task, attempt.number) in held
        return Writer(ended, SILENT if is_held else "lost", self.last_seen(wid))

    def last_seen(self, wid: str) -> float | None:
        """A worker's last heartbeat; that of one which has ended is asked for once."""
        worker = self.workers.get(wid)
        if worker is not None and worker.heartbeat_age is not None:
            return self.taken - worker.heartbeat_age
        if wid not in self.ledger.last_seen:
            try:
                seen = self.spool.fs.status(f"{self.spool.workers}/{wid}.lock").st_mtime
            except OSError:
                return None
            self.ledger.last_seen[wid] = seen
        return self.ledger.last_seen[wid]

    def _chains(self, tasks: Iterable[TaskSeen], changed: set[str]) -> None:
        """Count the attempts of what is open, what is new in done/, and what has other attempts than before."""
        finished = self.ledger.finished
        fresh = range(len(finished)) if self.moved else self._rows_to_count(changed)
        wanted = dict.fromkeys(task.identity for task in tasks)
        wanted.update(dict.fromkeys(finished.task[row] for row in fresh))
        self.chains = records.count(self.ledger.attempts, wanted)
        for row in fresh:
            chain = self.chains.get(finished.task[row], (0, -1))
            if (finished.attempts[row], finished.row[row]) != chain:
                finished.attempts[row], finished.row[row] = chain
                finished.changed.add(row)

    def _rows_to_count(self, changed: set[str]) -> list[int]:
        finished = self.ledger.finished
        known = [row for row in range(finished.kept) if finished.task[row] in changed] if changed else []
        return [*known, *range(finished.kept, len(finished))]

    # -- journals and settings -----------------------------------------------------------------------------------

    def _journals(self, problems: list[str]) -> None:
        self.journals = Journals.of(self.ledger.journals)
        try:
            files = [name for name in self.spool.fs.names(self.spool.workers) if name.endswith(".jsonl")]
        except OSError as error:
            problems.append(str(StorageError.of(error, "list")))
            return
        self.journals.update(self.spool.fs, self.spool.workers, files, self.workers)

    def _settings(self) -> tuple[Settings | None, str]:
        try:
            text = self.spool.fs.read(f"{self.spool.root}/{SETTINGS}")[0].decode(errors="replace")[:MAX_SETTINGS]
        except OSError:
            return None, ""
        try:
            return self.spool.settings(), text
        except (SettingsError, OSError):
            return None, text

    def _count(self, tasks: Iterable[TaskSeen]) -> tuple[Counts, dict[str, Counts]]:
        """All together, and for each batch in the order of their names."""
        whole: dict[str, dict[str, int]] = {}
        for batch, number in self.ledger.finished.batches.items():
            whole[batch] = {State.DONE: number}
        for task in tasks:
            states = whole.setdefault(task.batch, {})
            states[task.state] = states.get(task.state, 0) + 1
        counts = {state: sum(states.get(state, 0) for states in whole.values()) for state in FLOW}
        return Counts(**counts), {batch: Counts(**whole[batch]) for batch in sorted(whole)}

    # -- the book ------------------------------------------------------------------------------------------------

    def _book(self, snapshot: Snapshot, read: int) -> Book:
        settings, text = self._settings()
        promised = self.every or (settings.report_every if settings and snapshot.alive else None)
        return Book(
            snapshot=snapshot,
            attempts=self.ledger.attempts,
            failed=tuple(sorted(self._failures(snapshot), key=_newest_first)),
            running=tuple(self._running(snapshot)),
            nodes=tuple(self._nodes(snapshot)),
            events=tuple(self.journals.told()),
            kept=kept(snapshot, requests_of(self.spool, snapshot)),
            waits=waits(self.spool, snapshot.tasks, snapshot.batches, snapshot.finals),
            items=items_of(self.spool, snapshot.tasks, self.ledger.finished.task),
            queued=queued(self.spool, snapshot.tasks),
            writes_every=max(promised, 2 * self.ledger.took) if promised else None,  # nobody writes more often
            previous=tuple(self.ledger.past),
            settings=settings,
            settings_text=text,
            version=__version__,
            log=self.log,
            took=lambda: self.spool.clock.boot() - self.began,
            read=read,
        )

    def log(self, row: int) -> Log:
        """The end of an attempt's log."""
        return logs.log_of(self.spool.fs, self._stem(row)) if row >= 0 else Log()

    def _stem(self, row: int) -> str:
        table = self.ledger.attempts
        return f"{self.spool.logs}/{record_path(table.task[row], table.number[row])}".removesuffix(".yaml")

    def _failures(self, snapshot: Snapshot) -> Iterator[Failure]:
        table = self.ledger.attempts
        newest = {task: self.chains.get(task.identity, (0, -1))[1] for task in snapshot.in_state(State.FAILED)}
        # The newest attempt may not be the one that sent it there: it was stopped, or lost, or its file was taken away.
        odd = {task.identity for task, row in newest.items() if row >= 0 and table.outcome[row] != task.reason}
        others = table.rows_of(odd) if odd else {}
        known, self.ledger.came = self.ledger.came, {}
        for task, row in newest.items():
            rows = others.get(task.identity, ())
            fitting = [each for each in rows if table.outcome[each] == task.reason]
            bad = fitting or [each for each in rows if table.outcome[each] not in NEITHER]
            came = self._came(task, known) if row < 0 or (task.identity in odd and not fitting) else None
            yield self._failure(task, bad[-1] if bad else row, came)

    def _came(self, task: TaskSeen, known: dict[str, float]) -> float | None:
        """When a task came to failed/ that no attempt sent there, as a cancelled one: each rename sets a file's ctime."""
        moment = known.get(task.path)
        if moment is None:
            try:
                moment = self.spool.fs.status_of_entry(f"{self.spool.failed}/{task.path}").st_ctime
            except OSError:
                return None
        self.ledger.came[task.path] = moment
        return moment

    def _failure(self, task: TaskSeen, row: int, came: float | None) -> Failure:
        if row < 0:
            return Failure(task.identity, task.path, task.reason, "", "", moment=came)
        table = self.ledger.attempts
        ended = table.ended[row] if table.ended[row] >= 0 else table.started[row]
        return Failure(
            task.identity, task.path, task.reason, table.reason[row], table.error[row], row, table.host[row],
            table.number[row], came or (ended / 1000 if ended >= 0 else None), table.err[row] == 0,
        )  # fmt: skip

    def _running(self, snapshot: Snapshot) -> list[RunningNow]:
        paths = {task.identity: task.path for task in snapshot.in_state(State.RUNNING)}
        found: list[RunningNow] = []
        for run in sorted(snapshot.running, key=lambda run: -(run.seconds or 0.0)):
            row = self.chains.get(run.task, (0, -1))[1]
            if row >= 0 and self.ledger.attempts.number[row] != run.attempt:
                row = -1
            memory, cpu = self._sampled(run)
            now = RunningNow(
                run.task, paths.get(run.task, ""), run.worker, run.host, run.attempt, row, run.started, run.seconds,
                run.progress, logs.plain_line(run.line), memory, cpu,
                alive=run.worker in self.workers and self.workers[run.worker].alive, gpus=run.gpus,
            )  # fmt: skip
            found.append(now)
        return found

    def _sampled(self, run: Running) -> tuple[int | None, float | None]:
        """Memory and CPU when its worker looked last."""
        curve = self.journals.curve(run.task, run.attempt) if run.attempt else None
        if not curve:
            return None, None
        _, memory, cpu = curve[-1]
        return None if memory is None else int(memory), cpu

    def _nodes(self, snapshot: Snapshot) -> list[Node]:
        hosts: dict[str, list[WorkerSeen]] = {}
        for worker in sorted(snapshot.workers, key=lambda worker: -(worker.started or 0.0)):
            hosts.setdefault(worker.host, []).append(worker)
        return [self._node(host, hosts[host]) for host in sorted(hosts)]

    def _node(self, host: str, workers: list[WorkerSeen]) -> Node:
        first = sorted(workers, key=lambda worker: not (worker.alive or worker.running or not worker.ended))
        loads = self.journals.of_host(host)
        memory = workers[0].memory_bytes or (loads[-1].memory_total if loads else None)
        return Node(host, tuple(first), workers[0].cpus or None, memory or None, loads)


def _newest_first(failure: Failure) -> tuple[float, str]:
    return -(failure.moment or 0.0), failure.identity
