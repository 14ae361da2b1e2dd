"""One attempt of one task, as its worker knows it.

The rule: a value without doings; what is set in it tells how far the attempt got (runner.py has the steps).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import field

from dsgspool.accounts import Account
from dsgspool.cgroups import Group
from dsgspool.classes import dataclass
from dsgspool.conditions import Gpu
from dsgspool.names import TaskName
from dsgspool.proc import Exit
from dsgspool.requests import NOTHING, Request
from dsgspool.spool.own import Held, Text
from dsgspool.task import Decision, Outcome, Task
from dsgspool.worker.environment import Environment
from dsgspool.worker.freezing import Freezing
from dsgspool.worker.sampling import Meter
from dsgspool.worker.sweeping import Chunk


@dataclass(slots=True)
class Attempt:
    """One attempt; what is set when tells how far it got."""

    held: Held
    number: int
    record: int  #: descriptor of the open record
    text: Text | None = None
    task: Task = Task()
    argv: Sequence[str] = ()
    cwd: str = "/"
    environment: Environment = Environment({}, {})
    logs: tuple[int, ...] | None = None  #: stdout, stderr, and of a chunk its index
    script: str = ""
    pid: int = 0
    began: float = 0.0  #: BOOTTIME of the start
    stopping: Outcome | None = None  #: why we stop it
    kill_at: float | None = None  #: BOOTTIME of the KILL after the TERM
    exit: Exit | None = None
    leftovers: AbstractSet[int] = frozenset()
    unknown: AbstractSet[int] = frozenset()  #: children that say not whose they are
    untold: set[int] = field(default_factory=set)  #: those that said it not when it was stopped
    peak_memory: int = 0
    meter: Meter | None = None  #: None = there was no sample yet
    outcome: Outcome | None = None
    decision: Decision | None = None
    slots: int = 0  #: slots that it takes now
    request: Request = NOTHING  #: what else it takes
    gpus: tuple[Gpu, ...] | None = None  #: that it got, None = on a node without
    pinned: tuple[int, ...] = ()  #: CPUs that it has to itself; () = it runs on all of its worker's
    group: Group | None = None  #: the cgroup that keeps its memory; None = that is looked at (limits.py)
    lane: str | None = None  #: the lane it is given back into, None = its own
    user: Account | None = None  #: as whom it runs, None = as the worker
    chunk: Chunk | None = None  #: of a sweep
    parse: Callable[..., Task] | None = None  #: its text anew, with `parts` of its table
    freezing: Freezing | None = None  #: of a sweep whose files are being read
    kept: list[int] = field(default_factory=list)  #: open descriptors that its process gets beside its logs
    becomes: str = ""  #: the task's name in todo/, when it is given back under another one
    keeps_text: bool = False  #: the record holds the text of a file that could not be run
    name: TaskName = field(init=False)  #: the task's, with this attempt's claim; asked for sixteen times an attempt

    def __post_init__(self) -> None:
        self.name = self.held.name

    def has_grace(self, now: float) -> bool:
        """True between TERM and KILL, for all its processes: the shell around a program ends at once."""
        return self.kill_at is not None and now < self.kill_at
