"""What the simulated NFS is built on, asked of the real client and server: see tests/simulation/findings.py.

The rule: the same assertions; only the two clients and the faults are real here.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.grounds import Ground, Node
from tests.nfs.rig import Rig
from tests.nfs.rig.places import EXPORT, MOUNT
from tests.simulation.findings import FINDINGS
from tests.simulation.pair import Client, Pair
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.nfs, pytest.mark.timeout(300)]
AFTER_RESTART = 200.0  #: seconds: the server's grace period, and a client's patience between two tries


class NodeClient(Client):
    """A node of the rig."""

    def __init__(self, node: Node, folder: str) -> None:
        self.node, self.folder = node, folder

    def do(self, source: str, **values: object) -> Any:
        paths = {name: f"{self.folder}/{value}" for name, value in values.items() if name in ("path", "target")}
        return self.node.python(f"import errno, fcntl\n{source}", AFTER_RESTART, **{**values, **paths})


class RealPair:
    """Nodes 1 and 2, and a folder of their own on the share."""

    def __init__(self, rig: Rig, name: str) -> None:
        self.rig, self.version = rig, rig.shape.version
        rig.server.python("answer = os.mkdir(path)", path=f"{EXPORT}/{name}")
        self.a, self.b = (NodeClient(rig.nodes[number], f"{MOUNT}/{name}") for number in (1, 2))
        for client in (self.a, self.b):
            client.see("..")

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)

    def _begin(self, operation: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
        answers: list[Any] = []
        thread = threading.Thread(target=lambda: answers.append(operation()))
        thread.start()
        return thread, answers

    def _prime(self) -> None:
        """Node 1 knows all that it asks for before it changes something: else that is the reply that gets lost."""
        self.a.create("todo/first")  # waits for the end of the grace that a restart before this began
        self.a.unlink("todo/first")
        for folder in (".", "todo", "mine"):
            self.a.see(folder)
            self.a.call("os.access(path, os.R_OK | os.W_OK | os.X_OK)", path=folder)
            for name in self.a.list(folder):
                self.a.stat(f"{folder}/{name}")

    def lost_reply(self, operation: Callable[[], Any], happened: Callable[[], bool]) -> Any:
        self._prime()
        self.rig.cut(1, replies_only=True)
        thread, answers = self._begin(operation)
        wait_until(happened, 20)
        self.rig.restart_server(hard=True)  # by itself the kernel would send what nfsd had said once more
        self.rig.heal(1)
        thread.join(AFTER_RESTART)
        return answers.pop()

    def unanswered(self, operation: Callable[[], Any], look: Callable[[], bool]) -> Any:
        self._prime()
        self.rig.cut(1, replies_only=True)
        thread, answers = self._begin(operation)
        wait_until(look, 20)
        self.rig.heal(1)
        thread.join(AFTER_RESTART)
        return answers.pop()

    def cut_off(self, operation: Callable[[], Any], meanwhile: Callable[[], None]) -> Any:
        self.rig.cut(1)
        thread, answers = self._begin(operation)
        time.sleep(1.0)
        meanwhile()
        self.rig.heal(1)
        thread.join(AFTER_RESTART)
        return answers.pop()

    def still_clock(self) -> contextlib.AbstractContextManager[None]:
        return self.rig.still_clock()

    @contextlib.contextmanager
    def full_disk(self) -> Iterator[None]:
        self.rig.fill_disk()
        try:
            yield
        finally:
            self.rig.empty_disk()


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.__name__)
def test_the_real_client_still_does_what_the_simulated_one_does(
    finding: Callable[[Pair], None], ground: Ground
) -> None:
    pair = RealPair(ground.rig, f"finding-{finding.__name__}")
    try:
        finding(pair)
    finally:
        ground.mend()
