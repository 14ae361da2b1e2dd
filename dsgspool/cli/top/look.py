"""One look after the other, beside the screen, so that a slow share keeps nobody from typing.

The rule: reads only.  Looking takes a twentieth of the time at most; trouble with the share is shown and tried again, and
a mistake of this program ends the program.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from itertools import islice

from dsgspool import snapshot
from dsgspool.cli.context import server_clock
from dsgspool.cli.overview import stopped, stuck
from dsgspool.cli.top.failures import Failures
from dsgspool.cli.top.loads import Loads
from dsgspool.cli.top.rates import Rates
from dsgspool.cli.top.values import Facts, Load, Node, Row, View
from dsgspool.errors import SpoolError, StorageError
from dsgspool.snapshot import Snapshot, TaskSeen, WorkerSeen
from dsgspool.spool import Spool
from dsgspool.task import State

PAUSE, SHARE = 2.0, 20.0  #: seconds between two looks, and how many times longer than a look at least
MOST = 5000  #: rows of a list


class Look:
    """Looks, and remembers what need not be read again."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.rates, self.failures = Rates(), Failures(spool)
        self.loads = Loads(spool.fs, spool.workers)

    def take(self) -> Facts:
        """The spool now."""
        seen = snapshot.with_tails(self.spool, snapshot.take(self.spool, server=server_clock(self.spool)))
        self.rates.note(self.spool.clock.boot(), seen.counts.finished)
        there = [worker for worker in seen.workers if worker.is_news]
        loads = self.loads.of(worker.wid for worker in there if worker.alive)
        rows = {
            View.RUNNING: running(seen),
            View.FAILURES: self.failures.rows(list(seen.in_state(State.FAILED)), seen.taken)[:MOST],
            View.TODO: tuple(islice(_open(seen), MOST)),
        }
        return Facts(
            seen.root, seen.taken, seen.paused, seen.counts, self.rates.per_minute,
            self.rates.left(seen), nodes(there, loads), rows, seen.problems,
            tuple(stopped(seen)), tuple(stuck(seen)),
        )  # fmt: skip


def running(seen: Snapshot) -> tuple[Row, ...]:
    """Those that run, the longest first; claimed ones that have not begun last."""
    paths = {(task.identity, str(task.name.claim or "")): task.path for task in seen.in_state(State.RUNNING)}
    ordered = sorted(seen.running, key=lambda run: (run.started or float("inf"), run.task))
    return tuple(
        Row(
            identity=run.task, state=State.RUNNING, path=paths[run.task, run.claim], attempt=run.attempt, node=run.host,
            seconds=run.seconds, progress=run.progress, line=run.line,
        )
        for run in ordered
    )  # fmt: skip


def _open(seen: Snapshot) -> Iterable[Row]:
    """What waits: for a worker, for its time, for a person."""
    for state in (State.TODO, State.WAITING, State.HOLD):
        for task in seen.in_state(state):
            left = None if task.until is None else max(0.0, task.until - seen.taken)
            yield Row(task.identity, state, task.path, attempt=task.attempt, seconds=left, reason=_why(task))


def _why(task: TaskSeen) -> str:
    lane = task.name.lane
    return " ".join(filter(None, (str(task.state), f"@{lane}" if lane else "", task.reason)))


def nodes(workers: Iterable[WorkerSeen], loads: dict[str, Load]) -> tuple[Node, ...]:
    """Hosts by name."""
    hosts: dict[str, list[WorkerSeen]] = {}
    for worker in workers:
        hosts.setdefault(worker.host, []).append(worker)
    return tuple(_node(host, hosts[host], loads) for host in sorted(hosts))


def _node(host: str, workers: list[WorkerSeen], loads: dict[str, Load]) -> Node:
    alive = [worker for worker in workers if worker.alive]
    told = next((loads[worker.wid] for worker in reversed(alive) if worker.wid in loads), Load())
    # Who came after a dead one stands for the node.
    matter = [worker for worker in workers if worker.running or not alive]
    silent = "; ".join(dict.fromkeys(worker.verdict for worker in matter if worker.verdict))
    slots, busy = sum(worker.slots for worker in alive), sum(worker.used for worker in workers)
    rests = [_rest(worker) for worker in sorted(alive, key=lambda worker: worker.draining)]
    return Node(host, slots, busy, silent, told, rests[0] if rests and all(rests) else "")


def _rest(worker: WorkerSeen) -> str:
    if worker.draining:
        return "draining"
    return "paused" if worker.paused else worker.rest.of(worker.wid) if worker.rest else ""


class Looker(threading.Thread):
    """Looks until the program ends: a daemon, because a share that hangs must not keep it."""

    def __init__(self, spool: Spool, tell: Callable[[Facts | str], None]) -> None:
        super().__init__(name="look", daemon=True)
        self.look, self.clock, self.tell = Look(spool), spool.clock, tell
        self._soon = threading.Event()

    def run(self) -> None:
        """Look and rest."""
        while True:
            before = self.clock.boot()
            try:
                self.tell(self.look.take())
            except SpoolError as error:
                self.tell(str(error))
            except OSError as error:
                self.tell(str(StorageError.of(error, "read")))
            self._soon.wait(max(PAUSE, SHARE * (self.clock.boot() - before)))
            self._soon.clear()

    def soon(self) -> None:
        """Look now: something was done."""
        self._soon.set()
