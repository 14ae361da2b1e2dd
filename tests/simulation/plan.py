"""What happens in a schedule: who works where, what befalls whom and when.

The rule: a plan is data.  The same plan gives the same schedule, whether a seed or Hypothesis made it, and leaving out a
part of it gives a simpler one: that is how a failure is made small.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

ACTIVE = 40.0  #: seconds in which things happen
WORK = ("submit", "submit", "submit", "drop", "drop", "drops", "bulk")
PEOPLE = ("mv_out", "mv_back", "mv_hold", "mv_here", "mv_batch", "rm", "cp_running", "operator", "operator", "prune")
NEMESES = (
    "kill_worker", "kill_worker", "kill_guard", "power", "cut", "cut", "cut_replies", "restart", "restart", "full",
    "read_only", "stall", "drain", "start",
)  # fmt: skip
SWEEPING = ("mv_sweep", "mv_out", "mv_back", "operator", "kill_chunk", "kill_worker", "cut", "power")
ACTORS = ("worker1", "worker1", "worker2", "worker2", "worker3", "worker4", "submit1", "submit2", "drop1")
CALLS = ("rename", "rename", "rename", "create", "open", "list", "list", "utime", "fsync", "unlink", "mkdir", "see")
KINDS = (
    "lost", "lost", "flight", "flight", "crash", "crash-after", "hang", "slow", "twice", "estale", "eio", "eacces",
    "enospc", "erofs",
)  # fmt: skip


@dataclass(frozen=True)
class Event:
    """At a moment something happens on a machine; `seed` decides what exactly, `seconds` how long."""

    at: float
    what: str
    node: int = 0
    seed: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Fault:
    """What befalls the n-th call of that name (`any`: of all) of an actor; `seconds`: how late, how long."""

    actor: str
    call: str
    number: int
    kind: str
    seconds: float = 0.0


@dataclass(frozen=True)
class Plan:
    """One schedule."""

    seed: int = 0
    version: str = "4.2"
    nodes: int = 2
    twins: bool = False  #: all machines were cloned from one image, host name and machine-id
    dependencies: bool = False  #: some tasks wait for others (`after`)
    licences: int = 0  #: how many spool.yaml says there are; some tasks want one.  0 = it says nothing
    finals: bool = False  #: the batch s has a last task (`finally`)
    turns: bool = False  #: batches take turns (`fair`)
    most: int = 0  #: how many of the batch s may run at once, 0 = any number; then some tasks also have requests
    sweeps: bool = False  #: some of the tasks are sweeps
    workers: tuple[tuple[int, int], ...] = ((0, 2), (1, 2))  #: (machine, slots)
    events: tuple[Event, ...] = ()
    faults: tuple[Fault, ...] = ()

    def parts(self) -> Iterator[Plan]:
        """This plan with one thing left out."""
        for name in ("events", "faults", "workers"):
            items = getattr(self, name)
            for index in range(len(items)):
                yield replace(self, **{name: items[:index] + items[index + 1 :]})
        for name in ("twins", "dependencies", "licences", "finals", "turns", "most", "sweeps"):
            if getattr(self, name):
                yield replace(self, **{name: type(getattr(self, name))()})


def plan_of(seed: int, *, sweeps: bool | None = None) -> Plan:
    """The plan of a plain seed; two in five have sweeps, if nothing else is said."""
    plan, chance = (
        _plan_of(seed),
        random.Random(f"{seed} sweeps"),
    )  # dice of their own: all older plans stay as they are
    has_sweeps = chance.random() < 0.4
    if not (has_sweeps if sweeps is None else sweeps):
        return plan
    events = [_event(chance, plan.nodes, "sweep", 0.3) for _ in range(chance.choice([1, 1, 2]))]
    events += [_event(chance, plan.nodes, chance.choice(SWEEPING), 0.8) for _ in range(chance.choice([0, 1, 2]))]
    kinds = chance.sample(sorted(set(KINDS)), 3)
    actors = ["chunk1", "chunk2", "chunk4", "worker1", "worker2", "sweep1"]
    faults = tuple(_fault(chance, kinds, actors) for _ in range(chance.choice([0, 2, 4])))
    together = tuple(sorted([*plan.events, *events], key=lambda event: event.at))
    return replace(plan, sweeps=True, events=together, faults=plan.faults + faults)


def _plan_of(seed: int) -> Plan:
    chance = random.Random(seed)
    nodes = chance.choice([2, 2, 3])
    workers = tuple((chance.randrange(nodes), chance.choice([1, 2, 3])) for _ in range(chance.choice([2, 2, 3])))
    kinds = chance.sample(sorted(set(KINDS)), 4)  # a schedule with a few faults often finds more than one with all
    events = [_event(chance, nodes, chance.choice(WORK), 0.6) for _ in range(chance.randint(3, 7))]
    events += [_event(chance, nodes, chance.choice(PEOPLE), 1.0) for _ in range(chance.choice([0, 1, 2, 4]))]
    events += [_event(chance, nodes, chance.choice(NEMESES), 1.0) for _ in range(chance.choice([0, 1, 1, 2, 3]))]
    return Plan(
        seed=seed,
        version=chance.choice(["4.2", "3"]),
        nodes=nodes,
        twins=seed % 10 == 0,
        dependencies=seed % 4 == 1,
        licences=1 + seed // 4 % 2 if seed % 4 == 3 else 0,
        finals=seed % 4 == 2,
        turns=seed % 4 == 0,
        most=seed // 4 % 3 if seed % 4 in (1, 2) else 0,
        workers=workers,
        events=tuple(sorted(events, key=lambda event: event.at)),
        faults=tuple(_fault(chance, kinds) for _ in range(chance.choice([0, 2, 4, 8]))),
    )


def _event(chance: random.Random, nodes: int, what: str, share: float) -> Event:
    at = round(chance.uniform(0.2, ACTIVE * share), 2)
    seconds = round(chance.choice([0.5, 2.0, 5.0, 9.0, 25.0]) * chance.uniform(0.5, 1.5), 2)
    return Event(at, what, chance.randrange(nodes), chance.getrandbits(30), seconds)


def _fault(chance: random.Random, kinds: list[str], actors: Sequence[str] = ACTORS) -> Fault:
    actor = chance.choice(actors)
    call = chance.choice(CALLS)
    most = {"rename": 16, "create": 14, "mkdir": 4, "unlink": 3, "fsync": 12, "utime": 14}.get(call, 300)
    number = 1 + int(most ** chance.random())
    seconds = round(chance.choice([0.05, 0.5, 3.0, 7.0, 20.0]) * chance.uniform(0.5, 1.5), 3)
    return Fault(actor, call, number, chance.choice(kinds), seconds)
