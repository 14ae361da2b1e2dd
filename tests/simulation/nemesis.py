"""What goes wrong from outside: kills, power, network, server, disk; and the orders that guards get.

The rule: one method an event of the plan; what it does ends by itself or by `heal`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation import workers
from tests.simulation.node import Actor, Node
from tests.simulation.plan import Event

if TYPE_CHECKING:
    from tests.simulation.schedule import Simulation

HANGS = ("cut", "cut_replies", "restart", "stall")


class Nemesis:
    """Of one schedule."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim

    def victim(self, node: Node, role: str) -> Actor | None:
        here = [actor for actor in self.sim.actors(role) if actor.node is node]
        return here[0] if here else None

    def kill_worker(self, node: Node, _event: Event) -> None:
        if victim := self.victim(node, "worker"):
            victim.die(-9)

    def kill_guard(self, node: Node, event: Event) -> None:
        # Not promised: a worker that hangs, or stands still, cannot kill its tasks when its guard is killed by force.
        hangs = [other for other in self.sim.plan.events if other.what in HANGS and abs(other.at - event.at) < 40.0]
        if not hangs and (victim := self.victim(node, "worker")) and victim.parent and hasattr(victim, "worker"):
            guard, victim.parent = victim.parent, None
            guard.die(-9)
            victim.give({})
            if hasattr(victim.worker, "controls"):
                victim.worker.lose_guard()
            else:
                victim.die(-9)

    def kill_chunk(self, node: Node, _event: Event) -> None:
        if victim := self.victim(node, "chunk"):
            victim.signal(9)

    def power(self, node: Node, event: Event) -> None:
        if node.is_on:
            node.lose_power()
            self.sim.time.at(self.sim.time.now + event.seconds, self.boot, node)

    def boot(self, node: Node) -> None:
        if not node.is_on:
            node.start()
            workers.start(node, 2)

    def cut(self, node: Node, event: Event) -> None:
        node.cut(event.seconds)

    def cut_replies(self, node: Node, event: Event) -> None:
        node.cut(event.seconds, replies_only=True)

    def restart(self, _node: Node, event: Event) -> None:
        self.sim.server.down_until = self.sim.time.now + event.seconds

    def full(self, _node: Node, event: Event) -> None:
        self.sim.server.full = True
        self.sim.time.at(self.sim.time.now + event.seconds, setattr, self.sim.server, "full", False)

    def read_only(self, _node: Node, event: Event) -> None:
        self.sim.server.read_only = True
        self.sim.time.at(self.sim.time.now + event.seconds, setattr, self.sim.server, "read_only", False)

    def stall(self, node: Node, event: Event) -> None:
        if victim := self.victim(node, "worker"):
            victim.stalled_until = self.sim.time.now + event.seconds

    def drain(self, node: Node, _event: Event) -> None:
        if victim := self.victim(node, "guard"):
            victim.signal(15)

    def start(self, node: Node, event: Event) -> None:
        if node.is_on:
            workers.start(node, 1 + event.seed % 3)
