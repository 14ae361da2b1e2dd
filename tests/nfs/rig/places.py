"""Where everything lies.

The rule: a node sees this machine's whole file tree read-only, except that its /tmp, /run, /dev and /proc are its own.
So what nodes read lies below CACHE, and what they write for us goes to the share, a folder in this machine's memory.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
INSIDE = Path(__file__).parent / "node"  #: what runs in a node
CACHE = Path(os.environ.get("DSGSPOOL_NFS_CACHE") or Path.home() / ".cache/dsgspool-nfs")
SYSTEM = CACHE / "system-1"  #: kernel and NFS tools; the number grows when the recipe changes
PYTHON = os.path.realpath(sys.executable)  #: a venv's python leads to this one
HIDDEN = ("/tmp/", "/run/", "/dev/", "/proc/", "/sys/")  #: a node has its own of these

MEMORY = Path("/dev/shm")
PREFIX = "dsgspool-nfs-"
MOUNT = "/mnt/spool"  #: the export, in a client
EXPORT = "/srv/spool"  #: the same on the server, as its own disk shows it
SHARE = "/rigshare"  #: in every node; outside it is `Folders.share`


class Folders:
    """What one rig has for itself, by its name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.namespace = PREFIX + name
        self.run = MEMORY / self.namespace  #: disk, logs, pids, the share: gone with the rig
        self.share = self.run / "share"
        self.state = self.run / "rig.json"
        self.disk = self.run / "disk.img"
        self.stage = CACHE / f"stage-{name}"  #: the code under test, where nodes see it

    def log(self, number: int) -> Path:
        """A node's console."""
        return self.run / f"n{number}.log"

    def pid(self, number: int) -> Path:
        """The process that is the node."""
        return self.run / f"n{number}.pid"
