"""The local ground: nodes are plain processes of this one host, on a folder of its disk.

The rule: to dsgspool they are one machine: the same-host rules of docs/spool-format.md section 9 and the wake-up by the
kernel are at work here, and nowhere else.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar

from tests.grounds.ground import CLIENTS, Ground
from tests.grounds.node import AGENT, Node, connect_to

REPOSITORY = Path(__file__).parents[2]
#: Of every node that runs on this host's own kernel and files.
ENVIRONMENT: Mapping[str, str] = {
    "PATH": os.environ["PATH"],
    "HOME": str(Path.home()),
    "PYTHON": sys.executable,
    "PYTHONPATH": str(REPOSITORY),
}


class OnThisHost(Ground):
    """A ground in a folder of this host; node 0 is a plain process with the folder itself."""

    python = sys.executable

    def __init__(self) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="dsgspool-ground-"))
        self.folder, self.stories = self.base / "folder", self.base / "stories"
        for made in (self.folder, self.stories):
            made.mkdir()
        self.truth, self.stories_there, self.scratch = str(self.folder), str(self.stories), str(self.base)
        self.nodes = [
            Node(partial(connect_to, str(self.socket(number))), number, ENVIRONMENT) for number in (0, *CLIENTS)
        ]
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    def socket(self, number: int) -> Path:
        """Where a node's agent listens."""
        return self.base / f"n{number}.socket"

    def _start_agent(self, number: int) -> None:
        """A node that is a process like any other."""
        command = [sys.executable, "-I", "-S", str(AGENT), str(self.socket(number)), "--leash"]
        self._start(number, command, {**os.environ})

    def _start(self, number: int, command: list[str], env: Mapping[str, str]) -> None:
        """Start a node: it listens, and it ends when we do."""
        self.socket(number).unlink(missing_ok=True)
        with (self.base / f"n{number}.log").open("ab") as log:
            self._processes[number] = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=env, start_new_session=True
            )

    def _end(self, number: int) -> None:
        """Until a node is no more."""
        self.nodes[number].close()
        if process := self._processes.pop(number, None):
            assert process.stdin
            process.stdin.close()
            process.wait()

    def down(self) -> None:
        """End the nodes, and remove the folder."""
        for number in list(self._processes):
            self._end(number)
        shutil.rmtree(self.base)


class Local(OnThisHost):
    """Four agents on one host."""

    kind = "local"
    #: A beat that comes late on a busy machine must fence nobody.
    fast: ClassVar[Mapping[str, object]] = {
        "heartbeat": "200ms",
        "fence": "3s",
        "kill": "1s",
        "lease": "5s",
        "settle": "300ms",
        "poll_min": "50ms",
        "poll_max": "300ms",
        "defaults": {"grace": "500ms"},
    }

    def __init__(self) -> None:
        super().__init__()
        self.share = self.truth
        for node in self.nodes:
            self._start_agent(node.number)

    @staticmethod
    def missing() -> str:
        """It runs everywhere."""
        return ""

    def mend(self) -> None:
        """It has no faults."""
