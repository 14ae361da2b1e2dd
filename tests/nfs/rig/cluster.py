"""`Rig`: a server and its clients, and every fault that can befall them.

The rule: what a rig is stands in files, so that the command line and a test find the same one; each fault has its
opposite, and `mend` takes all of them back.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import cast

from tests.grounds.node import Node
from tests.nfs.rig import fetch
from tests.nfs.rig.machine import Machine
from tests.nfs.rig.network import Network
from tests.nfs.rig.places import CACHE, EXPORT, MEMORY, PREFIX, PYTHON, SHARE, SYSTEM, Folders
from tests.nfs.rig.stage import stage
from tests.support.waiting import wait_until

BOOT_SECONDS = 90.0
MIN_LEASE = 10  #: nfsd ignores less, silently
BALLAST = "/srv/ballast"  #: what fills the disk


@dataclass
class Shape:
    """What a rig is like; written down when it is booted."""

    clients: int = 2
    version: str = "4.2"
    options: str = "hard"
    lease: int = MIN_LEASE  #: of the NFS server, seconds
    memory: int = 384  #: of a node, MB
    disk: int = 256  #: of the server, MB
    skew: dict[int, float] = field(default_factory=dict)  #: seconds by which a node's clock is wrong from its boot on
    path: str = ""  #: PYTHONPATH in the nodes

    def __post_init__(self) -> None:
        if self.lease < MIN_LEASE:
            raise ValueError(f"nfsd ignores a lease time under {MIN_LEASE} s")
        self.skew = {int(number): seconds for number, seconds in self.skew.items()}


class Rig:
    """One rig by its name; `up` boots it, the constructor finds one that is up."""

    def __init__(self, name: str) -> None:
        self.folders = Folders(name)
        self.shape = Shape(**json.loads(self.folders.state.read_text()))
        self.network = Network(self.folders.namespace)
        numbers = range(self.shape.clients + 1)
        self.machines = [Machine(self.folders, self.network, number) for number in numbers]
        python = {"PYTHONPATH": self.shape.path, "PYTHON": PYTHON}
        self.nodes = [Node(partial(self.network.connect, number), number, python) for number in numbers]

    @property
    def server(self) -> Node:
        """n0."""
        return self.nodes[0]

    # -- life ----------------------------------------------------------------------------------------------------

    @classmethod
    def up(cls, name: str, shape: Shape) -> Rig:
        """Boot; fetches what it needs when this is the first time."""
        folders = Folders(name)
        if folders.state.exists():
            raise FileExistsError(f"the rig {name!r} is up already")
        fetch.fetch()
        (folders.run / "uml").mkdir(parents=True, exist_ok=True)
        folders.share.mkdir(exist_ok=True)
        folders.share.chmod(0o1777)
        shape.path = stage(folders)
        folders.state.write_text(json.dumps(asdict(shape)))
        rig = cls(name)
        try:
            rig.network.make()
            with folders.disk.open("wb") as disk:
                disk.truncate(shape.disk << 20)
            subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", str(folders.disk)], check=True)
            for machine in rig.machines:
                rig._boot(machine)
            rig.wait_for(range(shape.clients + 1))
        except BaseException:
            rig.down()
            raise
        return rig

    def down(self) -> None:
        """Power off, and leave nothing."""
        for node in self.nodes:
            node.close()
        for machine in self.machines:
            machine.resume()
            machine.kill()
        self.network.remove()
        for folder in (self.folders.run, self.folders.stage):
            shutil.rmtree(folder, ignore_errors=True)

    def _boot(self, machine: Machine) -> None:
        number, shape = machine.number, self.shape
        variables = {
            "NODE": number, "SYSTEM": SYSTEM, "STAGE": self.folders.stage, "SHARE": self.folders.share, "PYTHON": PYTHON,
            "VERSION": shape.version, "OPTIONS": shape.options, "LEASE": shape.lease, "SKEW": shape.skew.get(number, 0),
        }  # fmt: skip
        machine.boot(shape.memory, {key: str(value) for key, value in variables.items()})

    def wait_for(self, numbers: Collection[int]) -> None:
        """Until these nodes have booted and mounted."""
        deadline = time.monotonic() + BOOT_SECONDS
        while waiting := [number for number in numbers if not self.machines[number].is_ready()]:
            if time.monotonic() > deadline:
                log = self.folders.log(waiting[0]).read_text(errors="replace")[-3000:]
                raise TimeoutError(
                    f"nodes {waiting} are not ready after {BOOT_SECONDS:g} s; the console of one:\n{log}"
                )
            time.sleep(0.05)

    # -- nodes ---------------------------------------------------------------------------------------------------

    def kill(self, number: int) -> None:
        """Power loss."""
        self.nodes[number].close()
        self.machines[number].kill()

    def start(self, number: int) -> None:
        """Power on again; the server's disk is as it was."""
        self._boot(self.machines[number])
        self.wait_for([number])

    def pause(self, number: int) -> None:
        """Freeze."""
        self.machines[number].pause()

    def resume(self, number: int) -> None:
        """Thaw."""
        self.machines[number].resume()

    def cut(self, number: int, *, replies_only: bool = False) -> None:
        """Partition between a node and the rest, or only of what is sent to it."""
        self.network.cut(number, replies_only=replies_only)

    def heal(self, number: int) -> None:
        """End of the partition."""
        self.network.heal(number)

    def skew(self, number: int, seconds: float) -> None:
        """Set a node's clock that many seconds ahead of this machine's."""
        self.nodes[number].python("time.clock_settime(time.CLOCK_REALTIME, moment)", moment=time.time() + seconds)

    # -- the server ----------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def still_clock(self) -> Iterator[None]:
        """The server's clock stands still: all that happens inside happens within one of its ticks."""
        before = self._clock_ahead()
        pid = self.server.spawn([PYTHON, "-c", HOLD], "/dev/null")
        try:
            wait_until(lambda: self._clock_ahead() < before - 0.02, 20)
            yield
        finally:
            self.server.python("os.kill(pid, 9)", pid=pid)
            self.skew(0, self.shape.skew.get(0, 0))

    def _clock_ahead(self) -> float:
        return cast("float", self.server.python("time.time() - time.monotonic()"))

    def restart_server(self, *, hard: bool = False) -> None:
        """Stop and start nfsd, or (hard) take the power away and boot again."""
        if hard:
            self.kill(0)
            self.start(0)
        else:
            self.server.run("rpc.nfsd 0; sleep 0.2; rpc.nfsd 4; sm-notify -f")

    def fill_disk(self) -> None:
        """Take every free block of the server's disk; nothing is written for that."""
        self.server.python(FILL, path=BALLAST)

    def empty_disk(self) -> None:
        """Give the blocks back."""
        self.server.run(f"rm -f {BALLAST}; sync")

    def export(self, mode: str = "rw", *, squash: bool = False) -> None:
        """Export read-only (`ro`) or writable (`rw`); `squash`: root of a client is nobody there."""
        options = f"{mode},sync,no_subtree_check,{'' if squash else 'no_'}root_squash,fsid=0"
        self.server.run(f"echo '{EXPORT} *({options})' > /etc/exports; exportfs -ra; exportfs -f")

    def mend(self) -> None:
        """Take back every fault: all nodes on, thawed, connected, their clocks right, the disk writable and free."""
        for machine in self.machines:
            machine.resume()
            if machine.pid:
                self.heal(machine.number)
        off = [machine for machine in self.machines if not machine.pid]
        for machine in off:
            self._boot(machine)
        self.wait_for([machine.number for machine in off])
        self.empty_disk()
        self.export("rw")
        for node in self.nodes:
            self.skew(node.number, self.shape.skew.get(node.number, 0))

    def status(self) -> Mapping[str, str]:
        """Node -> `off` or its process."""
        return {f"n{m.number}": f"process {m.pid}" if m.pid else "off" for m in self.machines}


HOLD = """
import time
moment = time.time()
while True:
    time.clock_settime(time.CLOCK_REALTIME, moment)
"""

FILL = """
with open(path, "wb") as ballast:
    size, end = 1 << 28, 0
    while size >= 1024:
        try:
            os.posix_fallocate(ballast.fileno(), end, size)
            end += size
        except OSError:
            size //= 2
"""


def take_down_abandoned() -> None:
    """Rigs named after a process that is gone: a killed test run could not take its own down."""
    for run in MEMORY.glob(f"{PREFIX}*"):
        name = run.name.removeprefix(PREFIX)
        if name.isdigit() and not os.path.exists(f"/proc/{name}"):
            if (run / "rig.json").exists():
                Rig(name).down()
            else:
                shutil.rmtree(run, ignore_errors=True)
            shutil.rmtree(CACHE / f"stage-{name}", ignore_errors=True)


__all__ = ["SHARE", "Rig", "Shape", "take_down_abandoned"]
