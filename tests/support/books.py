"""Books by hand: what a rendering would know of a spool in any state, without a spool.

The rule: values only, and always the same moment, so what is made of them is always the same.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from dsgspool import names
from dsgspool.conditions import Inventory, parse_where
from dsgspool.report import stuck
from dsgspool.report.book import Book, Failure, Load, Node, Past, RunningNow
from dsgspool.report.swept import Queued
from dsgspool.report.table import Attempts
from dsgspool.requests import Request
from dsgspool.settings import Settings
from dsgspool.snapshot.rules import Stock
from dsgspool.snapshot.standings import Standing
from dsgspool.snapshot.values import Counts, Running, Snapshot, TaskSeen, WorkerSeen
from dsgspool.spool.rest import Rest
from dsgspool.task import State

NOW = 1_795_800_000.0  #: some day at noon
STATES = tuple(state.value for state in State)


class Made:
    """Each method adds one thing; `ago` and all durations are in seconds."""

    def __init__(self) -> None:
        self.paused = False
        self.settings: Settings | None = Settings()
        self.problems: list[str] = []
        self.tasks: list[TaskSeen] = []
        self.finished: Counter[str] = Counter()
        self.attempts = Attempts()
        self.failures: list[Failure] = []
        self.runs: list[RunningNow] = []
        self.workers: dict[str, WorkerSeen] = {}
        self.loads: dict[str, list[Load]] = {}
        self.pasts: list[Past] = []
        self.every: float | None = None
        self.requests: dict[str, Request] = {}
        self.policies: dict[str, Standing] = {}
        self.stock: list[Stock] = []
        self.queued: dict[str, Queued] = {}

    def worker(
        self,
        wid: str,
        *,
        slots: int = 2,
        silent: float = 0.0,
        how: str = "alive",
        started: float = 7200.0,
        **has: Any,
    ) -> str:
        """`how`: alive, silent, fenced or ended; `has`: of its inventory."""
        verdict = {
            "alive": "", "silent": f"no heartbeat for {silent:.0f} s", "fenced": "the others gave it up for dead",
            "ended": "it has ended",
        }[how]  # fmt: skip
        age = None if how == "ended" else silent
        self.workers[wid] = WorkerSeen(
            wid, wid.rpartition("-")[0], slots, verdict, age, (), started=NOW - started, ended=how == "ended", cpus=8,
            inventory=Inventory(wid.rpartition("-")[0], 8, **{"memory": 32 << 30, **has}),
        )  # fmt: skip
        return wid

    def rest(self, wid: str, rest: Rest) -> None:
        """Its node is not to be had."""
        self.workers[wid] = replace(self.workers[wid], rest=rest)

    def closes(self, wid: str, seconds: float) -> None:
        """Its hours end in so many seconds."""
        self.workers[wid] = replace(self.workers[wid], closes=NOW + seconds)

    def task(self, state: str, *identities: str, until: float | None = None, folder: str = "", lane: str = "") -> None:
        """Files in a state's folder; until: seconds from now."""
        due = None if until is None else NOW + until
        folder = folder or ("until-20990101T000000Z" if due is not None else "")
        for identity in identities:
            name = names.TaskName(identity, lane=lane)
            self.tasks.append(TaskSeen(identity, State(state), f"{identity}.yaml", name, until=due, waits_for=folder))

    def wants(self, identity: str, cpus: int = 1, where: str = "", **resources: Any) -> None:
        """A task in todo/ that lies in the lane of what it wants."""
        request = Request(**resources, where=parse_where(where) if where else ())
        lane = names.lane_for(0, cpus, request)
        self.requests[lane] = request
        self.task("todo", identity, lane=lane)

    def attempt(self, task: str, outcome: str, wid: str, *, ago: float, seconds: float = 1.0, **facts: object) -> int:
        """An attempt that ended `ago` seconds ago ('' = runs since `seconds`)."""
        ended = None if not outcome else int((NOW - ago) * 1000)
        started = int((NOW - ago - seconds) * 1000)
        waited = facts.pop("waited", 10.0)
        assert isinstance(waited, float)
        known = {"number": 1, "cpus": 1, "submitted": started - int(waited * 1000), **facts}
        return self.attempts.append(
            task=task, outcome=outcome, worker=wid, host=wid.rpartition("-")[0], started=started, ended=ended,
            seconds=seconds if outcome else None, **known,
        )  # fmt: skip

    def done(
        self, *identities: str, wid: str = "n1-aaaaaaaa", ago: float = 600.0, seconds: float = 60.0, **facts: object
    ) -> None:
        """Tasks that ended well."""
        for identity in identities:
            self.attempt(identity, "done", wid, ago=ago, seconds=seconds, **facts)
            self.finished[identity.partition("/")[0] if "/" in identity else ""] += 1

    def failed(
        self,
        identity: str,
        error: str = "",
        *,
        tag: str = "exit1",
        reason: str = "",
        wid: str = "n1-aaaaaaaa",
        ago: float = 60.0,
    ) -> None:
        """A task in failed/."""
        row = self.attempt(identity, tag, wid, ago=ago, error=error, reason=reason)
        self.task("failed", identity)
        host = wid.rpartition("-")[0]
        self.failures.append(Failure(identity, f"{identity}~{tag}.yaml", tag, reason, error, row, host, 1, NOW - ago))

    def running(
        self,
        identity: str,
        wid: str = "n1-aaaaaaaa",
        *,
        seconds: float = 30.0,
        progress: float | None = None,
        line: str = "",
    ) -> None:
        """A task in a worker's hands."""
        row = self.attempt(identity, "", wid, ago=0, seconds=seconds)
        self.task("running", identity)
        self.runs.append(
            RunningNow(
                identity, identity, wid, wid.rpartition("-")[0], 1, row, NOW - seconds, seconds, progress,
                line=line, alive=self.workers[wid].alive,
            )
        )  # fmt: skip

    def past(self, ago: float, **counts: int) -> None:
        """The counts at an earlier rendering."""
        self.pasts.append(Past(NOW - ago, Counts(**counts)))

    # -- the book ------------------------------------------------------------------------------------------------

    def book(self) -> Book:
        """All of it."""
        counts, batches = self._counts()
        workers = [self._with_hands(worker) for worker in self.workers.values()]
        snapshot = Snapshot(
            "/lab/spool", NOW, self.paused, counts, batches, tuple(self.tasks),
            tuple(Running(run.identity, run.worker, run.host, "", 1, run.started, run.seconds) for run in self.runs),
            tuple(workers), tuple(self.problems), policies=self.policies, stock=tuple(self.stock),
        )  # fmt: skip
        nodes = [
            Node(host, tuple(w for w in workers if w.host == host), 8, 32 << 30, tuple(self.loads.get(host, ())))
            for host in sorted({worker.host for worker in workers})
        ]
        return Book(
            snapshot, self.attempts, tuple(sorted(self.failures, key=lambda each: -(each.moment or 0))),
            tuple(sorted(self.runs, key=lambda run: -(run.seconds or 0))), tuple(nodes),
            kept=stuck.kept(snapshot, self.requests), writes_every=self.every, queued=self.queued,
            previous=tuple(sorted(self.pasts, key=lambda past: past.moment)),
            settings=self.settings, settings_text="format: 1\n", version="0.1.0",
        )  # fmt: skip

    def _counts(self) -> tuple[Counts, dict[str, Counts]]:
        batches: dict[str, Counter[str]] = {batch: Counter({"done": number}) for batch, number in self.finished.items()}
        for task in self.tasks:
            batches.setdefault(task.batch, Counter())[task.state] += 1
        whole = {state: sum(counter[state] for counter in batches.values()) for state in STATES}
        return Counts(**whole), {name: Counts(**batches[name]) for name in sorted(batches)}

    def _with_hands(self, worker: WorkerSeen) -> WorkerSeen:
        from dataclasses import replace

        return replace(worker, running=tuple(run.identity for run in self.runs if run.worker == worker.wid))
