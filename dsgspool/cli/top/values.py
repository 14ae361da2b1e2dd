"""What the live screen shows, as found by one look.

The rule: frozen and plain; the spool's snapshot with what only this screen wants to know beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from dsgspool.classes import dataclass
from dsgspool.snapshot.values import Counts
from dsgspool.task import State


class View(StrEnum):
    """The lists that tab goes through."""

    RUNNING = "running"
    FAILURES = "failures"
    TODO = "todo"


@dataclass(frozen=True, slots=True)
class Row:
    """A task.  `path` below the folder of its state: what a key does, it does to this very file."""

    identity: str
    state: State
    path: str
    attempt: int = 0  #: whose log `l` opens; 0 = it has none
    node: str = ""
    seconds: float | None = None  #: it runs for so long, or failed so long ago, or waits for so long yet
    progress: float | None = None
    reason: str = ""
    line: str = ""  #: last line of its log


@dataclass(frozen=True, slots=True)
class Load:
    """What a node said of itself last."""

    load: float | None = None
    cpu: float | None = None  #: 0 to 1
    used: float | None = None  #: bytes of memory
    total: float | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A host and its workers."""

    host: str
    slots: int
    running: int
    silent: str = ""  #: why it is taken for dead or silent; '' = it is alive
    load: Load = Load()
    rest: str = ""  #: why its workers take no new tasks, and until when; '' = one of them does


@dataclass(frozen=True, slots=True)
class Facts:
    """All of one look."""

    root: str = ""
    taken: float = 0.0
    paused: bool = False
    counts: Counts = Counts()
    rate: float | None = None  #: finished tasks a minute; None = not known yet
    eta: float | None = None  #: seconds until nothing is left to run, at that rate
    nodes: tuple[Node, ...] = ()
    rows: Mapping[View, tuple[Row, ...]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()  #: batches that their policies hold back, each in a sentence
    stuck: tuple[str, ...] = ()  #: what waits for ever, in sentences
