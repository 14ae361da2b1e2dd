"""What tasks of a schedule want of the spool's licences, and that there are never more in use than there are.

The rule: it counts the commands that live, on all machines, and asks nobody who counts.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.node import Command
    from tests.simulation.server import Inode

SHARE = 0.6  #: of the tasks that want a licence, in a schedule with some
LINE = "resources: {licence: 1}"


def licence_line(seed: int, version: str) -> list[str]:
    """The line of a new task that wants one, or none."""
    return [LINE] if random.Random(f"{seed} licence {version}").random() < SHARE else []


def in_use(commands: Iterable[Command], inodes: dict[str, Inode]) -> list[str]:
    """The claims of all that live and want one; what a command left behind has the licence on."""
    mine = [command for command in commands if LINE.encode() in inodes[command.version.strip("#")].data]
    return sorted({command.claim for command in mine})
