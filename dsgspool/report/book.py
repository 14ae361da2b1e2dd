"""The book: everything that one rendering knows, put together once.

The rule: frozen values and one table.  Statistics, sections, texts and twins read it and nothing else, so they tell of
the same instant.  Moments are Unix seconds of the file server (milliseconds in the table's columns).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field

from dsgspool.classes import dataclass
from dsgspool.report.stuck import Kept
from dsgspool.report.swept import Items, Queued
from dsgspool.report.table import Attempts
from dsgspool.report.tally import Tally
from dsgspool.settings import Settings
from dsgspool.snapshot.graph import Graph
from dsgspool.snapshot.values import Counts, Snapshot, WorkerSeen
from dsgspool.spool.rest import Rest
from dsgspool.task import Kind


@dataclass(frozen=True, slots=True)
class Log:
    """The end of an attempt's log: which file (`err`, `out`, '' = both are empty or gone) and its last lines."""

    suffix: str = ""
    lines: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """A task in failed/.  `row`: the attempt that sent it there, -1 when no record says."""

    identity: str
    path: str  #: below failed/
    tag: str  #: the reason in its name: exit1, timeout, lost, cancelled ...; '' when it has none
    reason: str  #: what its record says, '' when there is none
    error: str  #: the line of its log that says best what went wrong, '' when there is none
    row: int = -1
    host: str = ""
    number: int = 0  #: of the attempt
    moment: float | None = None  #: when it failed
    is_quiet: bool = False  #: its command wrote nothing to its error log, so `error` is a line of its output

    @property
    def batch(self) -> str:
        """Its batch, '' outside of one."""
        return self.identity.partition("/")[0] if "/" in self.identity else ""

    @property
    def is_cancelled(self) -> bool:
        """A person took it away: that is what was wanted, and no failure."""
        return self.tag == Kind.CANCELLED


@dataclass(frozen=True, slots=True)
class RunningNow:
    """A task in a worker's hands.  `started` None = claimed, and its attempt has not begun."""

    identity: str
    path: str  #: below running/
    worker: str
    host: str
    number: int = 0
    row: int = -1
    started: float | None = None
    seconds: float | None = None  #: how long it has been running
    progress: float | None = None  #: 0 to 1, from its logs
    line: str = ""  #: the last line of its logs
    memory: int | None = None  #: the newest sample, bytes
    cpu: float | None = None  #: the newest sample, cores
    alive: bool = True  #: its worker is
    gpus: tuple[int, ...] = ()  #: indexes of those that it has on its node


@dataclass(frozen=True, slots=True)
class Load:
    """What a worker's journal said of its node at one moment; None = it did not say."""

    moment: float
    load: float | None = None
    cpu: float | None = None  #: 0 to 1
    memory_used: int | None = None
    memory_total: int | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A host, with its workers: those that are alive, silent or hold tasks first, then the newest that ended."""

    host: str
    workers: tuple[WorkerSeen, ...]
    cpus: int | None = None
    memory: int | None = None  #: bytes
    loads: tuple[Load, ...] = ()  #: oldest first

    @property
    def alive(self) -> bool:
        """True when one of its workers is."""
        return any(worker.alive for worker in self.workers)

    @property
    def slots(self) -> int:
        """Of its living workers."""
        return sum(worker.slots for worker in self.workers if worker.alive)

    @property
    def silent(self) -> bool:
        """True when a worker says nothing any more and has not ended."""
        return any(not worker.alive and not worker.ended for worker in self.workers)

    @property
    def resting(self) -> WorkerSeen | None:
        """When none of its living workers takes new tasks now: the one that will do so first, as far as one can know."""
        order = sorted(self.workers, key=lambda worker: (worker.draining, worker.paused))
        alive = [worker for worker in order if worker.alive]
        return alive[0] if alive and all(worker.rest for worker in alive) else None

    @property
    def rest(self) -> Rest | None:
        """Why none of its living workers takes new tasks now."""
        return self.resting.rest if self.resting else None

    @property
    def paused(self) -> bool:
        """True when it is alive and all of its living workers are paused."""
        return self.rest is not None and self.rest.is_pause

    @property
    def draining(self) -> bool:
        """True when it is alive and all of its living workers drain."""
        return self.rest is not None and self.rest.is_drain


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a worker's journal told: fence, rescue, trouble, space, well, drain, stop ..."""

    moment: float
    worker: str
    host: str
    kind: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Past:
    """The counts at an earlier rendering."""

    moment: float
    counts: Counts
    batches: Mapping[str, int] = field(default_factory=dict)  #: finished tasks of each batch, when known


def no_log(_row: int) -> Log:
    """For a book without files."""
    return Log()


@dataclass(frozen=True, slots=True)
class Book:
    """One look at the spool.  `snapshot.tasks` holds the open and the failed ones only; its counts are of all."""

    snapshot: Snapshot
    attempts: Attempts = field(default_factory=Attempts)
    failed: tuple[Failure, ...] = ()  #: newest first
    running: tuple[RunningNow, ...] = ()  #: the longest first
    nodes: tuple[Node, ...] = ()  #: by name
    events: tuple[Event, ...] = ()  #: newest first
    kept: Kept = field(default_factory=Kept)  #: tasks in todo/ that nobody will start
    waits: Graph = field(default_factory=Graph)  #: what tasks in waiting/ come after, batch by batch
    items: Mapping[str, Items] = field(default_factory=dict)  #: of the sweeps in each batch that has any
    queued: Mapping[str, Queued] = field(default_factory=dict)  #: of each sweep that has a file outside of done/
    writes_every: float | None = None  #: seconds: the writer's promise of the next page; None = nobody promised
    previous: tuple[Past, ...] = ()  #: oldest first, thinned: about 24 h
    settings: Settings | None = None  #: None when spool.yaml is broken
    settings_text: str = ""  #: spool.yaml as it is
    version: str = ""
    log: Callable[[int], Log] = no_log  #: the end of the log of an attempt (a row); reads the file: for few of them
    took: Callable[[], float] = lambda: 0.0  #: seconds since the work on this page began
    read: int = 0  #: records that were read for this page; all others were known
    tallies: tuple[Tally, ...] = ()  #: of all attempts; () = nobody has made them yet

    @property
    def taken(self) -> float:
        """When it was looked at."""
        return self.snapshot.taken

    @property
    def root(self) -> str:
        """Path of the spool."""
        return self.snapshot.root

    @property
    def problems(self) -> tuple[str, ...]:
        """What could not be read or lies where it does nothing."""
        return self.snapshot.problems

    @property
    def cancelled(self) -> int:
        """Tasks in failed/ that people took away."""
        return sum(failure.is_cancelled for failure in self.failed)

    @property
    def failures(self) -> int:
        """All others in failed/."""
        return self.snapshot.counts.failed - self.cancelled

    def past(self, seconds: float) -> Past | None:
        """The counts of about so long ago, None when no rendering is that old."""
        old = [past for past in self.previous if past.moment <= self.taken - seconds]
        return old[-1] if old else None
