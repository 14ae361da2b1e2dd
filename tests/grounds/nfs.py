"""The grounds of real NFS: what tests/nfs/rig boots, as a ground.

The rule: nothing is added; the rig's own faults are reached by `ground.rig`.
"""

from __future__ import annotations

import os
from typing import ClassVar

from tests.grounds.ground import CLIENTS, Ground
from tests.nfs.rig import Rig, Shape, missing
from tests.nfs.rig.cluster import take_down_abandoned
from tests.nfs.rig.places import EXPORT, MOUNT, PYTHON, SHARE


class Nfs(Ground):
    """A server n0 and its clients n1, n2, n3."""

    share, truth, stories_there, scratch, python = MOUNT, EXPORT, SHARE, "/tmp", PYTHON
    version: ClassVar[str]
    can: ClassVar[frozenset[str]] = frozenset({"power", "freeze", "cut"})

    def __init__(self) -> None:
        take_down_abandoned()
        self.rig = Rig.up(str(os.getpid()), Shape(clients=len(CLIENTS), version=self.version))
        self.nodes, self.stories = self.rig.nodes, self.rig.folders.share

    @staticmethod
    def missing() -> str:
        """Why no rig can be booted here."""
        reason = missing()
        return f"no NFS rig here: {reason}" if reason else ""

    def kill(self, number: int) -> None:
        """Power loss."""
        self.rig.kill(number)

    def start(self, number: int) -> None:
        """Power on; the server's disk is as it was."""
        self.rig.start(number)

    def pause(self, number: int) -> None:
        """Freeze."""
        self.rig.pause(number)

    def resume(self, number: int) -> None:
        """Thaw."""
        self.rig.resume(number)

    def cut(self, number: int) -> None:
        """Partition."""
        self.rig.cut(number)

    def heal(self, number: int) -> None:
        """End of the partition."""
        self.rig.heal(number)

    def mend(self) -> None:
        """Take back every fault."""
        self.rig.mend()

    def down(self) -> None:
        """Power off, and leave nothing."""
        self.rig.down()


class Nfs42(Nfs):
    """NFS v4.2."""

    kind, version = "v4.2", "4.2"


class Nfs3(Nfs):
    """NFS v3."""

    kind, version = "v3", "3"
