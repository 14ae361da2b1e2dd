"""One clock for all nodes: what must be added to a node's CLOCK_BOOTTIME to have the host's.

The rule: compared after every boot and again at the end, so that it is known how wrong the sum may be; on grounds whose
nodes share the host's kernel nothing is to be added.
"""

from __future__ import annotations

import threading

from tests.grounds import Ground, Node, NodeError
from tests.nemesis.crew import line_to
from tests.nemesis.proof import now

LOOKS = 7
LOOK_EVERY = 0.5


class Clocks:
    """Watches for boots from `start` to `stop`; `offset` by boot id."""

    def __init__(self, ground: Ground) -> None:
        self.shared = not hasattr(ground, "rig")  #: the nodes have the host's kernel
        self.offsets: dict[str, float] = {}
        self.error = 0.0  #: largest difference seen between two comparisons, and half a round trip
        self._lines = [] if self.shared else [line_to(node) for node in ground.nodes[1:]]
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._watch, args=(line,)) for line in self._lines]

    def start(self) -> None:
        """From now on."""
        for thread in self._threads:
            thread.start()

    def _watch(self, node: Node) -> None:
        while not self._over.is_set():
            try:
                if (boot := node.boot_id().strip()) not in self.offsets:
                    self._compare(node, boot)
            except NodeError:
                pass
            self._over.wait(LOOK_EVERY)

    def _compare(self, node: Node, boot: str) -> None:
        looks = []
        for _ in range(LOOKS):
            before = now()
            there = node.python("time.clock_gettime(time.CLOCK_BOOTTIME)", 10)
            assert isinstance(there, float)
            after = now()
            looks.append((after - before, (before + after) / 2 - there))
        trip, offset = min(looks)
        self.error = max(self.error, trip / 2 + abs(offset - self.offsets.setdefault(boot, offset)))

    def stop(self) -> None:
        """Compare once more: all nodes are up now."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        for node in self._lines:
            self._compare(node, node.boot_id().strip())
            node.close()
