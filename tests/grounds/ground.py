"""What every ground has: nodes, one shared folder, and what can befall them.

The rule: a test that runs on all grounds uses nothing but this.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from tests.grounds.node import Node

CLIENTS = (1, 2, 3)  #: the nodes that have the share; node 0 has the truth

#: Where a beat takes a while: a fence or a lease is a matter of seconds all the same.
FAST: Mapping[str, object] = {
    "heartbeat": "1s",
    "fence": "5s",
    "kill": "2s",
    "lease": "9.5s",
    "settle": "500ms",
    "poll_min": "200ms",
    "poll_max": "1s",
    "defaults": {"grace": "1s"},
}

#: On a busy machine a beat may come late: where no test waits for a fence, it shall fence nobody.
CALM: Mapping[str, object] = {"fence": "30s", "kill": "3s", "lease": "40s"}


class Ground(ABC):
    """One shared folder and the nodes that have it; made = up."""

    kind: str
    nodes: Sequence[Node]
    share: str  #: the shared folder, as nodes 1 to 3 see it
    truth: str  #: the same, as node 0 sees it
    stories: Path  #: a folder beside the share, for this process
    stories_there: str  #: the same, for a node
    scratch: str  #: a node's folder for logs and drafts
    python: str  #: the interpreter that has dsgspool, in a node
    fast: Mapping[str, object] = FAST  #: settings with short times
    can: ClassVar[frozenset[str]] = frozenset()  #: "power", "freeze", "cut"
    _blank = ""  #: an empty spool that `dsgspool init` made on the share, '' before the first

    @staticmethod
    @abstractmethod
    def missing() -> str:
        """Which capability this machine lacks for it, '' when it has all."""

    @abstractmethod
    def down(self) -> None:
        """Take it down and leave nothing."""

    def new_spool(self, name: str) -> None:
        """A fresh spool on the share: a copy of one that `dsgspool init` made, which takes a node of the rig a second."""
        if not self._blank:
            self.nodes[1].run(self.python, "-m", "dsgspool", "init", f"{self.share}/blank")
            self._blank = f"{self.truth}/blank"
        self.nodes[0].python("answer = shutil.copytree(blank, spool)", blank=self._blank, spool=f"{self.truth}/{name}")

    def kill(self, number: int) -> None:
        """Power loss of a node."""
        raise NotImplementedError(f"{self.kind}: no power")

    def start(self, number: int) -> None:
        """Power on again."""
        raise NotImplementedError(f"{self.kind}: no power")

    def pause(self, number: int) -> None:
        """Freeze a node."""
        raise NotImplementedError(f"{self.kind}: no freeze")

    def resume(self, number: int) -> None:
        """Thaw it."""
        raise NotImplementedError(f"{self.kind}: no freeze")

    def cut(self, number: int) -> None:
        """The share hangs for a node."""
        raise NotImplementedError(f"{self.kind}: no cut")

    def heal(self, number: int) -> None:
        """It goes on."""
        raise NotImplementedError(f"{self.kind}: no cut")

    @abstractmethod
    def mend(self) -> None:
        """Take every fault back."""
