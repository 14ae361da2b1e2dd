"""A machine: its clocks, its mount, its processes.

The rule: what a machine loses with its power is everything here; what it keeps is its name.  A command is an entry in the
machine's table of processes, that ends at its moment or when it is killed, sometimes late.
"""

from __future__ import annotations

import itertools
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dsgspool.proc import MARKER
from dsgspool.spawning import Launch
from tests.simulation.mount import Mount
from tests.simulation.server import EPOCH
from tests.simulation.virtual import Process, current

if TYPE_CHECKING:
    from tests.simulation.schedule import Simulation

LOCK_LEASE = 12.0  #: seconds after which the server gives a v4 lock of a silent client to others


class NodeClock:
    """The clocks of one machine."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.boot = node.boot_time  # a turn of a worker asks ten times

    def wall(self) -> float:
        return EPOCH + self.node.sim.time.now + self.node.offset

    def sleep(self, seconds: float) -> None:
        current().rest(seconds / self.node.rate)


class Node:
    """One machine; `start` is a boot of it."""

    def __init__(self, sim: Simulation, number: int, *, rate: float, offset: float, twin: bool) -> None:
        self.sim, self.number, self.rate, self.offset = sim, number, rate, offset
        self.time = sim.time
        self.host = "n0" if twin else f"n{number}"
        self.machine_id = f"machine-{self.host}"
        self.clock = NodeClock(self)
        self.boots = 0
        self.cut_since, self.cut_until, self.cut_replies_only = 0.0, 0.0, False
        self.is_on = False
        self.start()

    def start(self) -> None:
        """Power on."""
        self.boots += 1
        self.is_on = True
        self.booted_at = self.sim.time.now
        self.processes: dict[int, Any] = {}
        self.disk: dict[str, bytes] = {}  #: files of its own that its worker wrote
        self._pids = itertools.count(100)
        self.mount = Mount(self.sim.server, self.sim.time, self.sim.plan.version)

    def boot_time(self) -> float:
        return 60.0 + (self.time.now - self.booted_at) * self.rate

    def boot_id(self) -> str:
        return f"{self.number}-{self.boots}"

    def cut(self, seconds: float, *, replies_only: bool = False) -> None:
        """From now on nothing comes through, or no reply does."""
        if not self.is_cut() or self.cut_replies_only:
            self.cut_since = self.sim.time.now
        self.cut_until, self.cut_replies_only = self.sim.time.now + seconds, replies_only

    def is_cut(self) -> bool:
        return self.cut_until > self.sim.time.now

    def is_silent(self) -> bool:
        """True when the server has heard nothing for so long that it gives a v4 lock to others who ask for it."""
        silence = self.sim.time.now - self.cut_since
        return self.is_cut() and not self.cut_replies_only and silence >= LOCK_LEASE and self.mount.version != "3"

    def lose_power(self) -> None:
        """Everything that runs is gone, without a word; what was not flushed is lost."""
        self.is_on = False
        for inode in self.mount.dirty:
            self.sim.world.unwritten(inode)
        for process in list(self.processes.values()):
            process.lost_power()
        self.processes = {}

    def add(self, process: Actor | Command) -> int:
        """A number for a new process."""
        pid = next(self._pids)
        self.processes[pid] = process
        return pid


class Actor(Process):
    """A process with code: a worker, a guard, somebody at a keyboard."""

    def __init__(
        self, node: Node, role: str, name: str, body: Callable[[Actor], int], parent: Actor | None = None
    ) -> None:
        super().__init__(node.sim.time, name, lambda: self._run(body))
        self.sim, self.node, self.role, self.parent = node.sim, node, role, parent
        self.pid = node.add(self)
        self.began = int(node.boot_time() * 100)
        self.boots = node.boots
        self.children: list[Any] = []
        self.on_signal: Callable[[int], None] = lambda _number: None
        self.in_flight: Callable[[], object] | None = None
        self.power_lost_at: float | None = None
        self.reaped = False
        self.give(node.sim.faults_of(name))
        if parent is not None:
            parent.children.append(self)

    def _run(self, body: Callable[[Actor], int]) -> int:
        try:
            return body(self)
        except Exception as error:
            if self.alive:  # a bug, not a crash of the plan
                self.sim.broken(f"{self.name} dies of {error!r}", error)
            raise

    def give(self, faults: dict[tuple[str, int], tuple[str, float]]) -> None:
        """From now on these befall it: (call, its number) -> (kind, seconds)."""
        self._faults = faults
        self._counts: dict[str, int] = {}

    def fault(self, call: str) -> tuple[str, float] | None:
        """What befalls this call of mine by the plan."""
        if not self._faults or self.sim.is_calm:
            return None
        counts = self._counts
        counts["any"] = counts.get("any", 0) + 1
        counts[call] = counts.get(call, 0) + 1
        return self._faults.get(("any", counts["any"])) or self._faults.get((call, counts[call]))

    def gone(self) -> None:
        sim = self.sim
        if self.in_flight is not None and self.power_lost_at is None and sim.rng.random() < 0.5:
            sim.late(self, self.in_flight, 0.0)
        for descriptor in [number for number, file in sim.files.items() if file.actor is self]:
            sim.exit_closes(descriptor)
        for child in self.children:
            child.adopt(self.parent)
        self.children = []
        if self.parent is not None and self.parent.alive:
            self.parent.wake()

    def is_gone(self) -> bool:
        """False also while it cannot finish exiting, because that closes files on a share that hangs."""
        hangs = self.in_flight is not None and (self.node.is_cut() or self.sim.server.down_until > self.sim.time.now)
        return not self.alive and not hangs

    def keeps_locks(self) -> bool:
        """As the server sees it."""
        now = self.sim.time.now
        if self.power_lost_at is not None:
            is_back = self.node.is_on and self.node.boots > self.boots
            return not is_back and (self.node.mount.version == "3" or now - self.power_lost_at < LOCK_LEASE)
        return not self.is_gone() and not self.node.is_silent()

    def lost_power(self) -> None:
        self.power_lost_at = self.sim.time.now
        self.in_flight, self.parent, self.children = None, None, []
        if self.alive:
            self.die(-9)

    def adopt(self, parent: Actor | None) -> None:
        self.parent = parent
        if parent is not None:
            parent.children.append(self)

    def signal(self, number: int) -> None:
        if not self.alive:
            return
        if number == signal.SIGKILL:
            self.die(-9)
        else:
            self.on_signal(number)


class Marked:
    """What of a task's process others can tell: its session, and the claim in its environment."""

    session: int
    claim: str
    alive: bool


class Command(Marked):
    """A command of a task, or what it left behind: no code, only an end."""

    def __init__(
        self, node: Node, parent: Actor, launch: Launch | None, like: Command | None = None, session: int = 0
    ) -> None:
        self.node, self.parent, self.sim = node, parent, node.sim
        self.pid = node.add(self)
        self.began = int(node.boot_time() * 100)
        self.session = session or self.pid
        self.code: int | None = None
        self.number: int | None = None
        self.alive, self.dying = True, False
        self.leaves = False
        parent.children.append(self)
        if launch is not None:
            environment = launch.env
            self.identity = environment["DSGSPOOL_TASK"]
            self.attempt = int(environment["DSGSPOOL_ATTEMPT"])
            self.claim = environment[MARKER]
            _, seconds, code, self.version, *options = launch.argv
            self.stubborn, self.leaves = "stubborn" in options, "leaves" in options
            self.sim.time.at(self.sim.time.now + float(seconds), self.end, int(code), None)
            self.item = int(environment.get("DSGSPOOL_ITEM", "-1"))
            self.told = self.sim.world if self.item < 0 else self.sim.world.swept
            self.told.starts(self)
        elif like is not None:
            self.identity, self.attempt, self.claim, self.version = (
                like.identity,
                like.attempt,
                like.claim,
                like.version,
            )
            self.stubborn = True
            self.told = self.sim.world
            self.told.left(self)

    def end(self, code: int | None, number: int | None) -> None:
        """It ends; perhaps it leaves a process behind."""
        if not self.alive:
            return
        if self.leaves and self.parent is not None and number is None:
            Command(self.node, self.parent, None, self)
        self.alive, self.code, self.number = False, code, number
        self.told.ends(self)
        if self.parent is not None:
            self.parent.wake()

    def signal(self, number: int) -> None:
        if not self.alive or self.dying or (number == signal.SIGTERM and self.stubborn):
            return
        self.dying = number == signal.SIGKILL
        self.sim.time.at(self.sim.time.now + self.sim.dying(number), self.end, None, number)

    def lost_power(self) -> None:
        if self.alive:
            self.alive, self.number = False, 9
            self.told.ends(self)

    def adopt(self, parent: Actor | None) -> None:
        self.parent = parent
        if parent is not None:
            parent.children.append(self)

    def is_gone(self) -> bool:
        return not self.alive
