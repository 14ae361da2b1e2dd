"""The simulated NFS does what the real one was seen to do; tests/nfs/test_findings.py asks the real one the same.

The rule: without this the schedules would prove something of a file system that does not exist.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.simulation.calls import calls
from tests.simulation.door import Locks
from tests.simulation.findings import FINDINGS
from tests.simulation.mount import ROOT
from tests.simulation.node import Actor, Node
from tests.simulation.pair import Client, Pair
from tests.simulation.plan import Plan
from tests.simulation.schedule import Simulation

LAB = f"{ROOT}/lab"


class HeldLocks(Locks):
    """`fcntl` whose locks are held for as long as the process lives."""

    def flock(self, descriptor: int, flags: int) -> None:
        super().flock(descriptor, flags)
        file = calls.file(descriptor)
        file.actor.sim.server.locks[file.inode] = file.actor


class SimClient(Client):
    """A process on a simulated machine, that does one thing after another."""

    def __init__(self, node: Node) -> None:
        self.node, self.sim = node, node.sim
        self.todo: list[tuple[str, dict[str, object]]] = []
        self.answers: list[Any] = []
        self.meanwhile: Callable[[], None] | None = None
        self.actor = Actor(node, "person", f"client{node.number}", self._serve)
        self.actor.start()
        self.sim.time.run(self.sim.time.now + 0.0001)

    def _serve(self, actor: Actor) -> int:
        while True:
            while not self.todo:
                actor.rest(3600.0)
            source, values = self.todo.pop(0)
            names: dict[str, Any] = {"os": calls, "errno": errno, "fcntl": HeldLocks(), **values}
            exec(source, names)
            self.answers.append(names["answer"])
            self.sim.time.stop()

    def do(self, source: str, **values: object) -> Any:
        whole = {name: f"{LAB}/{value}" for name, value in values.items() if name in ("path", "target")}
        self.todo.append((source, {**values, **whole}))
        self.actor.wake()
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            self.sim.time.run(self.sim.time.now + 3.0)
            meanwhile()
        while not self.answers:
            self.sim.time.run(self.sim.time.now + 60.0)
        return self.answers.pop()


class SimPair:
    """Two of them."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.sim = Simulation(Plan(version=version))
        self.sim.server.put("lab")
        self.a, self.b = (SimClient(node) for node in self.sim.nodes)

    def wait(self, seconds: float) -> None:
        self.sim.time.run(self.sim.time.now + seconds)

    def lost_reply(self, operation: Callable[[], Any], happened: Callable[[], bool]) -> Any:
        self.a.actor.give({("any", 1): ("lost", 0.0)})
        answer = operation()
        assert happened()
        return answer

    def unanswered(self, operation: Callable[[], Any], look: Callable[[], bool]) -> Any:
        self.a.node.cut(10.0, replies_only=True)
        self.a.meanwhile = look
        return operation()

    def cut_off(self, operation: Callable[[], Any], meanwhile: Callable[[], None]) -> Any:
        self.a.node.cut(30.0)
        self.a.meanwhile = meanwhile
        return operation()

    @contextlib.contextmanager
    def still_clock(self) -> Iterator[None]:
        self.sim.server.still = self.sim.server.stamp()
        yield
        self.sim.server.still = None

    @contextlib.contextmanager
    def full_disk(self) -> Iterator[None]:
        self.sim.server.full = True
        yield
        self.sim.server.full = False


@pytest.mark.parametrize("version", ["4.2", "3"])
@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.__name__)
def test_the_simulated_client_does_what_a_real_one_does(finding: Callable[[Pair], None], version: str) -> None:
    pair = SimPair(version)
    try:
        finding(pair)
    finally:
        pair.sim.close()
