"""The stale ground: one folder, and a FUSE mount of it with caches of 5 s for each node.

The rule: a node is a set of Linux namespaces (mounts, host name, processes) with a machine-id and a boot id of its own,
so to dsgspool it is a machine of its own.  Its share is at the same path as everybody's.  What it can do that the local
ground cannot: lose its power, freeze, and have a share that hangs (its bindfs is stopped).  What real NFS does and this
does not: listings are never stale, locks are not shared at all, and what was written is never lost with the power.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import psutil

from tests.grounds.ground import CLIENTS, FAST
from tests.grounds.local import OnThisHost
from tests.grounds.node import AGENT

INIT = Path(__file__).with_name("stale.sh")
CACHE_SECONDS = 5
TOOLS = {"bindfs": "bindfs", "unshare": "util-linux", "mountpoint": "util-linux", "bash": "bash"}


class Stale(OnThisHost):
    """A plain process with the folder itself, and three nodes with a mount of it."""

    kind = "stale"
    can: ClassVar[frozenset[str]] = frozenset({"power", "freeze", "cut"})
    fast: ClassVar[Mapping[str, object]] = {**FAST, "heartbeat": "300ms", "poll_max": "500ms"}

    def __init__(self) -> None:
        super().__init__()
        mount = self.base / "share"
        mount.mkdir()
        self.share = str(mount)
        self._cut: set[int] = set()
        self._paused: set[int] = set()
        self._start_agent(0)
        try:
            for number in CLIENTS:
                (self.base / f"n{number}.machine-id").write_text(f"{0xD59 + number:032x}\n")
                self._boot(number)
            for node in self.nodes:
                node.boot_id()
        except BaseException:
            self.down()
            raise

    @staticmethod
    def missing() -> str:
        """Why there cannot be one here."""
        if os.geteuid() != 0:
            return "needs root: it makes namespaces and mounts"
        if not os.access("/dev/fuse", os.R_OK | os.W_OK):
            return "needs /dev/fuse: each node has a FUSE mount"
        if not os.path.exists("/etc/machine-id"):
            return "needs /etc/machine-id: each node has its own laid over it"
        packages = {package for tool, package in TOOLS.items() if not shutil.which(tool)}
        if packages:
            return f"needs: apt-get install {' '.join(sorted(packages))}"
        tried = subprocess.run(
            ["unshare", "--mount", "--uts", "--pid", "--fork", "mount", "-t", "proc", "proc", "/proc"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return f"cannot make namespaces: {tried.stderr.strip()}" if tried.returncode else ""

    def _boot(self, number: int) -> None:
        (self.base / f"n{number}.boot-id").write_text(f"{uuid.uuid4()}\n")
        command = ["unshare", "--mount", "--uts", "--pid", "--fork", "bash", str(INIT)]
        given = {
            "NODE": f"n{number}", "BASE": self.base, "FOLDER": self.folder, "SHARE": self.share, "AGENT": AGENT,
            "PYTHON": self.python, "SECONDS_CACHED": CACHE_SECONDS,
        }  # fmt: skip
        self._start(number, command, {**os.environ, **{key: str(value) for key, value in given.items()}})

    # -- faults --------------------------------------------------------------------------------------------------

    def kill(self, number: int) -> None:
        """Kill process 1 of the node; the kernel kills all others before that one is gone."""
        self.nodes[number].close()
        if process := self._processes.pop(number, None):
            for init in psutil.Process(process.pid).children():
                init.kill()
            assert process.stdin
            process.stdin.close()
            process.wait()
        self._cut.discard(number)
        self._paused.discard(number)

    def start(self, number: int) -> None:
        """Boot again, with another boot id and a fresh mount."""
        self._boot(number)
        self.nodes[number].boot_id()

    def pause(self, number: int) -> None:
        """Stop every process of the node but its first one and the one that we talk to."""
        self._signal(number, -1, signal.SIGSTOP)
        self._paused.add(number)

    def resume(self, number: int) -> None:
        """Let them go on; a share that hung hangs on."""
        self._signal(number, -1, signal.SIGCONT)
        self._paused.discard(number)
        if number in self._cut:
            self.cut(number)

    def cut(self, number: int) -> None:
        """Stop the node's bindfs."""
        self._signal(number, self._bindfs(number), signal.SIGSTOP)
        self._cut.add(number)

    def heal(self, number: int) -> None:
        """Let it go on, unless the whole node stands still."""
        if number not in self._paused:
            self._signal(number, self._bindfs(number), signal.SIGCONT)
        self._cut.discard(number)

    def _bindfs(self, number: int) -> int:
        return int((self.base / f"n{number}.bindfs").read_text())

    def _signal(self, number: int, pid: int, signum: int) -> None:
        self.nodes[number].python("os.kill(pid, signum)", pid=pid, signum=int(signum))

    def mend(self) -> None:
        """All nodes on, thawed, and their shares at work."""
        for number in CLIENTS:
            if number not in self._processes:
                self.start(number)
        for number in list(self._paused):
            self.resume(number)
        for number in list(self._cut):
            self.heal(number)

    def down(self) -> None:
        """Power off, and remove the folder."""
        for number in CLIENTS:
            self.kill(number)
        super().down()
