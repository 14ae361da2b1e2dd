"""The workers of all nodes: so many on each, started again when their guards are gone.

The rule: they are started as a user starts them, and asked about over lines of their own, so that a node whose share
hangs, or which stands still, holds up nobody else.
"""

from __future__ import annotations

import itertools
import socket
import threading
import time

from tests.grounds import Ground, Node, NodeError
from tests.nemesis.kinds import FLAGS
from tests.nemesis.snippets import LIVING, SEND

LOOK_EVERY = 0.3
TERM = 15
#: A node that booted again answers the first of these with a reset; one that stands still may do so for 30 s.
KEEPALIVE = {socket.TCP_KEEPIDLE: 5, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 5}


def line_to(node: Node) -> Node:
    """A connection of one's own to a node; one whose other end lost its power is noticed."""

    def connect(seconds: float) -> socket.socket:
        line = node.connect(seconds)
        if line.family == socket.AF_INET:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in KEEPALIVE.items():
                line.setsockopt(socket.IPPROTO_TCP, option, value)
        return line

    return Node(connect, node.number, node.environment)


class Crew:
    """Keeps `want` workers alive on every node from `start` to `stop`."""

    def __init__(self, ground: Ground, spool: str, want: int, slots: int) -> None:
        self.ground, self.spool, self.want, self.slots = ground, spool, want, slots
        self.guards: dict[int, list[int]] = {node.number: [] for node in ground.nodes[1:]}
        self.started = 0
        self._counter = itertools.count(1)
        self._boots: dict[int, str] = {}
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._keep, args=(line_to(node),)) for node in ground.nodes[1:]]

    def start(self) -> None:
        """From now on."""
        for thread in self._threads:
            thread.start()

    def _keep(self, node: Node) -> None:
        while not self._over.wait(LOOK_EVERY):
            try:
                self.tend(node)
            except NodeError:  # off, frozen, booting: asked again
                continue
        node.close()

    def tend(self, node: Node) -> None:
        """Look at the guards of a node, start what is missing."""
        number = node.number
        boot = node.python("Path('/proc/sys/kernel/random/boot_id').read_text()", 3)
        if self._boots.get(number) != boot:
            self._boots[number], self.guards[number] = str(boot), []
        self.guards[number] = self.living(node)
        while len(self.guards[number]) < self.want and not self._over.is_set():
            log = f"{self.ground.scratch}/worker-{number}-{next(self._counter)}.log"
            words = ["--spool", self.spool, "worker", "--slots", str(self.slots), "--quiet", *FLAGS.get(number, ())]
            self.guards[number].append(node.spawn([self.ground.python, "-m", "dsgspool", *words], log))
            self.started += 1

    def living(self, node: Node) -> list[int]:
        """Guards of a node that live."""
        found = node.python(LIVING, 3, guards=self.guards[node.number])
        assert isinstance(found, list)
        return found

    def stop(self, seconds: float) -> list[str]:
        """Drain all; who did not end in time."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        lines = [line_to(node) for node in self.ground.nodes[1:]]
        for node in lines:
            node.python(SEND, 10, pids=self.living(node), number=TERM)
        deadline = time.monotonic() + seconds
        while any((left := {node: self.living(node) for node in lines}).values()) and time.monotonic() < deadline:
            time.sleep(LOOK_EVERY)
        for node in lines:
            node.close()
        return [f"guard {guard} on {node} has not ended" for node, guards in left.items() for guard in guards]
