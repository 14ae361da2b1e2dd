"""The values that walk through the spool, and the whole retry policy as one pure function.

The rule: nothing here touches the world.  A `Task` is what a file says, an `Outcome` is how one attempt of it ended,
`decide` says what follows, `TRANSITIONS` says which verb may move a task from which state to which.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from enum import StrEnum

from dsgspool.classes import dataclass
from dsgspool.items import Sweep
from dsgspool.requests import NOTHING, Request


class State(StrEnum):
    """A task's state is the folder its file is in."""

    TODO = "todo"
    WAITING = "waiting"
    HOLD = "hold"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


#: verb -> (states it applies to, state it leads to; None = the file is removed)
TRANSITIONS: Mapping[str, tuple[frozenset[State], State | None]] = {
    "submit": (frozenset(), State.TODO),
    "claim": (frozenset({State.TODO}), State.RUNNING),
    "finish": (frozenset({State.RUNNING}), State.DONE),
    "fail": (frozenset({State.RUNNING}), State.FAILED),
    "return": (frozenset({State.RUNNING}), State.TODO),
    "delay": (frozenset({State.RUNNING}), State.WAITING),
    "due": (frozenset({State.WAITING}), State.TODO),
    "hold": (frozenset({State.TODO, State.WAITING, State.RUNNING}), State.HOLD),
    "release": (frozenset({State.HOLD, State.WAITING}), State.TODO),
    "requeue": (frozenset({State.DONE, State.FAILED}), State.TODO),
    "cancel": (frozenset({State.TODO, State.WAITING, State.HOLD, State.RUNNING}), State.FAILED),
    "prune": (frozenset({State.DONE, State.FAILED}), None),
}


class Kind(StrEnum):
    """How an attempt ended.  The words are those of the record and of the names in failed/."""

    DONE = "done"
    EXIT = "exit"  # an exit code that is not in success_codes
    SIGNAL = "signal"  # the command was killed by a signal that dsgspool did not send
    TIMEOUT = "timeout"
    LOG_LIMIT = "log-limit"
    OOM = "oom"  # more memory than its limit
    PROCESS_LIMIT = "process-limit"  # more processes than its limit
    ITEMS = "items"  # of a chunk of a sweep: so many of its items failed
    INVALID = "invalid"  # the file cannot be run as it is
    LOST = "lost"  # its worker died
    CANCELLED = "cancelled"  # a person took it away
    REVOKED = "revoked"  # the file is gone from the worker's folder
    EXPIRED = "expired"  # it had not begun when its time was over
    DEPENDENCY = "dependency"  # what it waits for ended otherwise than its `after` asks
    STOPPED = "stopped"  # the worker gave it back: drained, fenced, guard dead


NUMBERED = (Kind.EXIT, Kind.SIGNAL, Kind.ITEMS)  #: their `code` is part of the word in the name
SETTLING = "settling"  #: in a name that a program gave: nobody knows whether the file is whole
#: Reason tags that may stand in a name (`failed/NAME~TAG.yaml`); `exit` and `signal` carry a number.
REASONS = frozenset({
    "timeout", "log-limit", "process-limit", "invalid", "lost", "cancelled", "expired", "dependency", "oom", "expect",
    "changed", "duplicate", "stopped", SETTLING,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt ended.  `code` is the exit code, the signal's number or how many items failed; `reason` is one line for
    people."""

    kind: Kind
    code: int | None = None
    reason: str = ""

    @property
    def tag(self) -> str:
        """The word in the file's name: `exit1`, `signal9`, `timeout` ..."""
        return f"{self.kind}{self.code}" if self.kind in NUMBERED else str(self.kind)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pause before retry k (from 1): min(base * factor**(k-1), max) seconds, spread by +-jitter (a fraction)."""

    base: float = 0.0
    factor: float = 2.0
    max: float = 3600.0
    jitter: float = 0.1

    def seconds(self, failures: int, chance: float) -> float:
        """Pause in seconds after `failures` own failures; `chance` is uniform in [0, 1)."""
        if self.base <= 0:
            return 0.0
        # A factor of 2 overflows a float after 1,023 failures.
        plain = self.max if failures > 64 else min(self.base * self.factor ** (failures - 1), self.max)
        return max(0.0, plain * (1 + self.jitter * (2 * chance - 1)))


@dataclass(frozen=True, slots=True)
class After:
    """One entry of `after`: a task's name, a batch (`sweep-a/`) or a glob, and how it has to end."""

    what: str
    wants: str = "success"  #: one of WANTS

    @property
    def is_many(self) -> bool:
        """True for a batch or a glob."""
        return self.what[-1:] == "/" or not _SIGNS.isdisjoint(self.what)


_SIGNS = frozenset("*?[")
WANTS = ("success", "any", "failure")


@dataclass(frozen=True, slots=True)
class Expiry:
    """Until when a task may begin: a `moment`, or `age` seconds after its file was written.  All by the file server's clock."""

    moment: float | None = None
    age: float = 0.0

    def at(self, written: float) -> float:
        """Unix time for a file that was written at `written`, its mtime."""
        return written + self.age if self.moment is None else self.moment


@dataclass(frozen=True, slots=True)
class Task:
    """What a task file says, after defaults and `params` were put in.  Times in seconds, sizes in bytes.

    Exactly one of `command` and `script` is set.  A `command` that is a string runs as `shell -c`, a tuple without a
    shell, and so do `on_done` and `on_failed`; a `script` runs by its own `#!` line.  `not_before` is Unix time of the
    file server.  `limits` has the keys of codec.LIMITS, None = no limit.
    """

    command: str | tuple[str, ...] | None = None
    script: str | None = None
    shell: str = "/bin/sh"
    setup: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    cwd: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    umask: int | None = None
    nice: int = 0
    cpus: int = 1
    timeout: float | None = None
    grace: float = 10.0
    retries: int = 0
    backoff: Backoff = Backoff()
    success_codes: frozenset[int] = frozenset({0})
    not_before: float | None = None
    expires: Expiry | None = None
    max_log: int | None = None
    limits: Mapping[str, int | None] = field(default_factory=dict)
    env_file: str | None = None
    stdin: str | None = None
    after: tuple[After, ...] = ()
    on_done: str | tuple[str, ...] | None = None
    on_failed: str | tuple[str, ...] | None = None
    request: Request = NOTHING
    sweep: Sweep | None = None  #: its params have marks (items.py) for values


@dataclass(frozen=True, slots=True)
class Budget:
    """What a name's tag remembers: own failures used, attempts lost with their worker, and ooms that led up a rung."""

    failures: int = 0
    losses: int = 0
    ooms: int = 0

    def __str__(self) -> str:
        lost, ooms = self.losses, self.ooms
        return f"{self.failures}{f'l{lost}' if lost else ''}{f'o{ooms}' if ooms else ''}"

    @property
    def attempts(self) -> int:
        """Attempts that the tag knows of: where the walk up the chain of records begins."""
        return self.failures + self.losses + self.ooms


@dataclass(frozen=True, slots=True)
class Decision:
    """Where the file goes next: to `state`, with `tag` in its name or with `budget`, after `delay` seconds.

    `unique`: its name in failed/ carries a token, because no ended record keeps its text.  `after`: the entry of the
    task's `after` that it waits for in waiting/, instead of a moment.
    """

    state: State
    tag: str = ""
    budget: Budget = Budget()
    delay: float = 0.0
    unique: bool = False
    after: str = ""


PUBLISHED = Decision(State.DONE)


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a task may be tried again: `retries` own failures, `max_lost` losses with a worker, ooms below `rungs`."""

    retries: int = 0
    backoff: Backoff = Backoff()
    max_lost: int = 3
    rungs: int = 0  #: of its ladder of memory


def decide(outcome: Outcome, budget: Budget, retry: Retry, chance: float = 0.5) -> Decision | None:
    """What follows from an outcome: the whole retry policy.  None = publish nothing (the file is not mine any more)."""
    match outcome.kind:
        case Kind.DONE:
            return PUBLISHED
        case Kind.REVOKED:
            return None
        case Kind.STOPPED:
            return Decision(State.TODO, budget=budget)
        case Kind.INVALID | Kind.DEPENDENCY | Kind.EXPIRED:
            return Decision(State.FAILED, outcome.tag)
        case Kind.CANCELLED:
            return Decision(State.FAILED, outcome.tag, unique=True)
        case Kind.LOST:
            lost = replace(budget, losses=budget.losses + 1)
            if lost.losses >= retry.max_lost:
                return Decision(State.FAILED, outcome.tag, unique=True)
            return Decision(State.TODO, budget=lost)
        case Kind.EXIT | Kind.SIGNAL | Kind.TIMEOUT | Kind.LOG_LIMIT | Kind.OOM | Kind.PROCESS_LIMIT | Kind.ITEMS:
            return _after_failure(outcome, budget, retry, chance)


def _after_failure(outcome: Outcome, budget: Budget, retry: Retry, chance: float) -> Decision:
    """What follows from a failure of its own: more memory, another try, or the end."""
    if outcome.kind is Kind.OOM and budget.ooms + 1 < retry.rungs:
        return Decision(State.TODO, budget=replace(budget, ooms=budget.ooms + 1))
    used = replace(budget, failures=budget.failures + 1)
    if used.failures > retry.retries:
        return Decision(State.FAILED, outcome.tag)
    delay = retry.backoff.seconds(used.failures, chance)
    return Decision(State.WAITING if delay else State.TODO, budget=used, delay=delay)
