"""Plays a plan: sets up server and machines, lets things happen, heals everything, waits until all is at rest, checks.

The rule: the first broken promise ends the schedule and is what it returns.  Nothing of one schedule is left for the next.
"""

from __future__ import annotations

import contextlib
import random
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

import filelock

from dsgspool import census, cgroups, machine, names, proc
from dsgspool import chance as words
from dsgspool.spool import FOLDERS
from dsgspool.worker import loop, watch
from dsgspool.worker.provenance import Provenance
from dsgspool.worker.scripts import Scripts
from tests.simulation import people, workers
from tests.simulation.chunks import write_script
from tests.simulation.door import SimLock
from tests.simulation.files import Open
from tests.simulation.leaks import no_leaks
from tests.simulation.nemesis import Nemesis
from tests.simulation.node import Actor, Node
from tests.simulation.plan import ACTIVE, Event, Plan
from tests.simulation.processes import PATCHES, measure, table
from tests.simulation.server import Inode, Server
from tests.simulation.virtual import Broken, Killed, Time, current
from tests.simulation.world import POLICY, World

SETTINGS = b"""format: 1
heartbeat: 2s
fence: 6s
kill: 2s
lease: 12.5s
settle: 1s
poll_min: 500ms
poll_max: 2s
defaults: {grace: 1s}
"""
KILL = 2.0
SETTLE = 600.0  #: seconds after the last fault in which everything must come to rest
LATENCY = 0.001


@dataclass(frozen=True)
class Result:
    """How a schedule went; `broken` is '' when every promise held."""

    broken: str
    trace: list[str]
    steps: int
    starts: int
    seconds: float
    faults: Counter[str]


class Simulation:
    """One schedule while it is played."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.rng = random.Random(plan.seed)
        self.time = Time()
        self.server = Server(self.time)
        self.world = World(self)
        self.files: dict[int, Open] = {}
        self.copies: set[str] = set()
        self.trace: list[str] = []
        self.faults: Counter[str] = Counter()
        self.is_calm = False
        self.why = ""
        self._names: Counter[str] = Counter()
        self._descriptor = 1000
        self._actors: list[Actor] = []
        self._slow = self.rng.choice([1.0, 1.0, 5.0, 40.0])
        self.nemesis = Nemesis(self)
        self.acting: Any = None
        for folder in FOLDERS:
            self.server.put(folder)
        licences = f"resources: {{licence: {plan.licences}}}\n" if plan.licences else ""
        fair = "fair: batches\n" if plan.turns else ""
        self.server.put("spool.yaml", SETTINGS + f"{licences}{fair}".encode())
        policy = (POLICY if plan.finals else "") + (f"max_running: {plan.most}\n" if plan.most else "")
        if policy:
            self.server.put("batches/s.yaml", f"{policy}...\n".encode())
        self.server.watcher = self.world
        rates = self.rng.choice([(1.0, 1.0, 1.0), (0.977, 1.023, 1.0), (1.023, 0.977, 1.01)])
        self.nodes = [
            Node(self, number, rate=rates[number], offset=self.rng.choice([0.0, 120.0, -300.0]), twin=plan.twins)
            for number in range(plan.nodes)
        ]

    # -- small services ------------------------------------------------------------------------------------------

    def latency(self) -> float:
        """How long a call takes: mostly a millisecond, now and then much longer."""
        chance = self.rng.random()
        if chance > 0.998 and not self.is_calm:
            return self.rng.random() * 0.2 * self._slow
        return LATENCY * (0.5 + chance)

    def dying(self, number: int) -> float:
        """Seconds until a signalled command is gone."""
        slow = number == 9 and self.rng.random() < 0.05
        return self.rng.uniform(0.1, KILL * 0.7) if slow else self.rng.uniform(0.001, 0.02)

    def count(self, kind: str) -> None:
        self.faults[kind] += 1

    def note(self, text: str) -> None:
        """One line of the trace."""
        self.trace.append(f"{self.time.now:9.3f}  {text}")

    def name(self, role: str) -> str:
        """worker1, worker2 ..."""
        self._names[role] += 1
        return f"{role}{self._names[role]}"

    def word(self, length: int = 8) -> str:
        """Random characters by the seed."""
        return "".join(self.rng.choices(names.ALPHABET, k=length))

    def broken(self, why: str, error: BaseException | None = None) -> None:
        """A promise is broken: this is the end."""
        if not self.why:
            self.why = why
            if error is not None:
                self.trace += traceback.format_exception(error)
            self.note(f"BROKEN: {why}")
        self.time.is_broken = True  # nobody runs on, not even the last duties of whoever did this
        raise Broken(why)

    def faults_of(self, name: str) -> dict[tuple[str, int], tuple[str, float]]:
        """What the plan has for an actor."""
        mine = [fault for fault in self.plan.faults if fault.actor == name]
        return {(fault.call, fault.number): (fault.kind, fault.seconds) for fault in mine}

    def opened(self, file: Open) -> int:
        """A descriptor."""
        self._descriptor += 1
        self.files[self._descriptor] = file
        if file.inode is not None:
            file.mount.opened(file.inode)
        return self._descriptor

    def closed(self, descriptor: int) -> None:
        """The descriptor is free; it is already when its process died while it closed it."""
        file = self.files.pop(descriptor, None)
        if file is not None and file.inode is not None and not self.server.read_only:
            file.mount.closed(file.inode)

    def exit_closes(self, descriptor: int) -> None:
        """A process ended with an open file: what it wrote is flushed when the server can be reached."""
        file = self.files[descriptor]
        self.closed(descriptor)
        if file.inode in file.mount.dirty and file.actor.power_lost_at is None:
            self.late(file.actor, lambda: file.mount.flush(file.inode), 0.0, counted=False)

    # -- what is carried out late --------------------------------------------------------------------------------

    def late(self, actor: Actor, do: Callable[[], object], seconds: float, *, counted: bool = True) -> None:
        """The server carries it out although nobody waits for it any more."""
        if counted:
            self.count("late call")
        self.time.at(self.time.now + seconds, self._late, actor, do, actor.node.boots)

    def _late(self, actor: Actor, do: Callable[[], object], boots: int) -> None:
        node = actor.node
        if node.boots != boots or not node.is_on:
            return
        free = max(node.cut_until, self.server.down_until)
        if free > self.time.now:
            self.time.at(free + 0.001, self._late, actor, do, boots)
            return
        self.acting = actor
        with contextlib.suppress(OSError):
            do()

    def again(self, actor: Actor, do: Callable[[], object], seconds: float, same: Callable[[], bool] | None) -> None:
        """The server carries it out a second time, unless something else has that name by then (not promised)."""

        def once_more() -> None:
            if same is None or same():
                do()

        self.late(actor, once_more, seconds, counted=False)

    def fell(self, actor: Actor, why: str) -> None:
        """The process that is running dies here and now."""
        self.note(f"{actor.name} dies {why}")
        actor.die(-9)
        raise Killed

    # -- who lives -----------------------------------------------------------------------------------------------

    def actors(self, role: str) -> list[Actor]:
        """Those that live."""
        every = [p for node in self.nodes for p in node.processes.values() if isinstance(p, Actor)]
        return [actor for actor in every if actor.role == role and actor.alive]

    def living_wids(self) -> list[str]:
        """WIDs of the workers that live."""
        return [actor.worker.station.wid for actor in self.actors("worker") if hasattr(actor, "worker")]

    # -- what happens --------------------------------------------------------------------------------------------

    def happen(self, event: Event) -> None:
        """One event of the plan."""
        node = self.nodes[event.node % len(self.nodes)]
        self.note(f"--- {event.what} n{node.number} {event.seconds}")
        self.count(event.what)
        if event.what in people.ROLES:
            if node.is_on:
                role, do = people.ROLES[event.what]
                actor = Actor(node, role, self.name(event.what), people.forgiving(do, event.seed))
                self._actors.append(actor)
                actor.start()
        else:
            getattr(self.nemesis, event.what)(node, event)

    # -- a whole schedule ----------------------------------------------------------------------------------------

    def play(self) -> None:
        """From the start to rest."""
        for number, slots in self.plan.workers:
            workers.start(self.nodes[number % len(self.nodes)], slots)
        for event in self.plan.events:
            self.time.at(event.at, self.happen, event)
        last = max([event.at for event in self.plan.events], default=0.0)
        self.time.run(min(ACTIVE, last + 6.0))
        self.heal()
        end = self.time.now + SETTLE
        while unrest := self.world.unrest():
            if self.time.now > end:
                self.broken(f"I6: it does not come to rest: {unrest}")
            self.time.run(self.time.now + 1.0)
        self.world.check()

    def heal(self) -> None:
        """The end of all faults; and one more worker, that can run everything."""
        self.note("--- everything is healed")
        self.is_calm = True
        self.server.full = self.server.read_only = False
        self.server.down_until = min(self.server.down_until, self.time.now)
        for node in self.nodes:
            node.cut_until = min(node.cut_until, self.time.now)
            if not node.is_on:
                node.start()
        workers.start(self.nodes[0], 3)

    def close(self) -> None:
        """Unwind every stack that is left."""
        self.acting = None
        for node in self.nodes:
            for process in list(node.processes.values()):
                if isinstance(process, Actor):
                    process.bury()
        for actor in self._actors:
            actor.bury()


@contextlib.contextmanager
def simulated() -> Iterator[None]:
    """The product's doors lead into the simulated kernel."""
    with (
        no_leaks(),
        mock.patch.multiple(proc, **PATCHES),
        mock.patch.object(census, "table", table),
        mock.patch.object(machine, "measure", measure),
        mock.patch.object(cgroups, "enter", lambda _ours: None),
        mock.patch.object(loop, "os", workers.NoPipes()),
        mock.patch.object(watch, "os", workers.NoPipes()),
        mock.patch.object(filelock, "FileLock", SimLock),
        mock.patch.object(words, "word", lambda length=8: current().sim.word(length)),
        mock.patch.object(Provenance, "commit", lambda _self, _folder: ""),
        mock.patch.object(Scripts, "write", write_script),
    ):
        yield


def run(plan: Plan) -> Result:
    """Play a plan; call it inside of `simulated`."""
    before = random.getstate()
    random.seed(plan.seed)
    simulation = Simulation(plan)
    try:
        simulation.play()
    except Broken:
        simulation.why = simulation.why or "I6: it goes round in circles"
    finally:
        simulation.close()
        random.setstate(before)
    return Result(
        simulation.why, simulation.trace, simulation.time.steps, simulation.world.starts_seen,
        simulation.time.now, simulation.faults,
    )  # fmt: skip


def narrow(plan: Plan) -> Plan:
    """A smaller plan that still breaks a promise."""
    smaller = True
    while smaller:
        smaller = False
        for part in plan.parts():
            if run(part).broken:
                plan, smaller = part, True
                break
    return plan


__all__ = ["Inode", "Result", "Simulation", "narrow", "run", "simulated"]
