"""What a nemesis run knows at its end: plain values, nothing else.

The rule: moments are seconds on one clock, the host's CLOCK_BOOTTIME.  A text is known by its ID, which stands in its
command, so that it can be found again in any file and any record, whatever its name has become.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Execution:
    """One process of a task that told of itself."""

    task: str
    attempt: int
    worker: str
    word: str  #: the argument of its command: what it was told to do, and its ID
    start: float
    last: float  #: its last sign of life, or of what it left behind
    ended: bool  #: it came to its own good end, it was not killed and did not fail
    failed: bool = False  #: it ended with 1, as it was told to
    together: bool = False  #: it met a living process of the same task

    @property
    def id(self) -> str:
        """Which text ran."""
        return self.word.rpartition(":")[2]

    @property
    def node(self) -> str:
        """n1"""
        return self.worker.rpartition("-")[0]


@dataclass(slots=True)
class Accepted:
    """A task that was handed in."""

    name: str
    id: str
    sure: bool = True  #: False = nobody knows whether it was accepted: the node died under the command, for example
    whole: bool = True  #: False = its text may have been cut off while it was written in its place
    after: tuple[str, ...] = ()  #: names that must have succeeded before it starts
    fails: bool = False  #: it always fails, and is not tried again
    tells: str = ""  #: `done` or `failed`: an event that a command is told of


@dataclass(slots=True)
class Sweep:
    """A sweep that was handed in: items 0 to count - 1."""

    name: str
    id: str
    count: int
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Told:
    """An event that a command was told of."""

    task: str
    event: str
    attempt: int
    worker: str  #: who told


@dataclass(slots=True)
class Toy:
    """A task that people play with; it is followed by the IDs of its texts, for its name may change."""

    ids: list[str]  #: oldest first
    touched: int = 0  #: how often a person may have asked for one more run
    excused: bool = False  #: a person may have removed its last text: rm, or a save with unknown outcome


@dataclass(frozen=True, slots=True)
class Unguarded:
    """A guard that could not kill: frozen, alone or with its node, or dead together with its worker."""

    workers: frozenset[str]
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Lying:
    """A task file at the end."""

    state: str
    path: str  #: below the state's folder
    name: str  #: BATCH/NAME, seen with a person's eyes
    id: str  #: '' when its text cannot be read any more
    digest: str


@dataclass(frozen=True, slots=True)
class Record:
    """A record at the end."""

    task: str
    attempt: int
    worker: str
    outcome: str  #: '' = it has no end
    id: str
    digest: str


@dataclass(slots=True)
class History:
    """What happened."""

    plain: dict[str, Accepted] = field(default_factory=dict)  #: by name; nobody touches these
    toys: dict[str, Toy] = field(default_factory=dict)
    executions: list[Execution] = field(default_factory=list)
    unguarded: list[Unguarded] = field(default_factory=list)
    most: dict[str, int] = field(default_factory=dict)  #: batch -> how many of it may run at once
    sweeps: list[Sweep] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    tellers: frozenset[str] = frozenset()  #: workers that came to their good end, so what they published they have told
    resting: frozenset[str] = frozenset()  #: workers that start something at some hours only
    hours: Callable[[float], bool] = lambda _moment: True  #: whether these are such hours, well within
    rough: list[tuple[float, float]] = field(default_factory=list)  #: when somebody stood still, or a share hung


@dataclass(slots=True)
class Rest:
    """What lies there when all is healed, drained and stopped."""

    files: list[Lying] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    lines: dict[str, list[int]] = field(default_factory=dict)  #: chunk -> items of which a line says `done`
    fenced: frozenset[str] = frozenset()  #: workers that others took for dead
    problems: list[str] = field(default_factory=list)  #: what `dsgspool.snapshot.check` says
    processes: list[str] = field(default_factory=list)  #: what still carries a claim on some node
    restless: list[str] = field(default_factory=list)  #: what did not come to its end in time


@dataclass(frozen=True, slots=True)
class Limits:
    """What the times of the spool allow."""

    lease: float
    fence: float
    kill: float
    slack: float  #: by which the clocks of two nodes may differ after they were compared

    @property
    def margin(self) -> float:
        """How long a guard may stand still before it may kill too late."""
        return self.lease - self.fence - self.kill


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken promise."""

    rule: str
    task: str
    detail: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.task or '-'}: {self.detail}"
