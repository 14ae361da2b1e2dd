"""One node as a process of this machine: boot, kill, pause, resume.

The rule: a node is a session of processes (the kernel and, traced by it, what runs in it); it is signalled by process id,
and only after its command line was seen to be the one that we started.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from tests.nfs.rig.network import CONTROL, DATA, Network, mac
from tests.nfs.rig.places import SYSTEM, Folders

READY = b"NODE READY"


class Machine:
    """Node `number` of a rig."""

    def __init__(self, folders: Folders, network: Network, number: int) -> None:
        self.folders, self.network, self.number = folders, network, number

    # -- boot ----------------------------------------------------------------------------------------------------

    def boot(self, memory: int, variables: Mapping[str, str]) -> None:
        """Power on; `variables` reach process 1 as its environment."""
        self.network.plug(self.number)
        log = self.folders.log(self.number)
        log.unlink(missing_ok=True)
        with log.open("ab") as console:
            process = subprocess.Popen(
                ["nsenter", f"--net={self.network.path}", *self._command(memory, variables)], stdin=subprocess.DEVNULL,
                stdout=console, stderr=console, start_new_session=True, env=self._environment(),
            )  # fmt: skip
        self.folders.pid(self.number).write_text(str(process.pid))
        process.returncode = 0  # it outlives this program when the command line booted it

    def _command(self, memory: int, variables: Mapping[str, str]) -> list[str]:
        number = self.number
        return [
            str(SYSTEM / "uml/usr/bin/linux.uml"), f"mem={memory}M", "rootfstype=hostfs", "rootflags=/", "ro",
            f"init={self.folders.stage}/node/init.sh", f"umid=n{number}", f"uml_dir={self.folders.run}/uml/",
            "con=null", "con0=null,fd:1", "loglevel=6", "random.trust_cpu=on",
            f"vec0:transport=tap,ifname=d{number},mac={mac(number, DATA)},depth=64",
            f"vec1:transport=tap,ifname=c{number},mac={mac(number, CONTROL)},depth=64",
            *([f"ubd0={self.folders.disk}"] if number == 0 else []),
            *(f"{key}={value}" for key, value in variables.items()),
        ]  # fmt: skip

    def _environment(self) -> dict[str, str]:
        shim = SYSTEM / "xstate.so"
        preload = {"LD_PRELOAD": str(shim)} if shim.exists() else {}
        return {"PATH": os.environ["PATH"], "TMPDIR": "/dev/shm", "HOME": str(Path.home()), **preload}

    def is_ready(self) -> bool:
        """True once process 1 has said so."""
        return READY in self.folders.log(self.number).read_bytes()

    # -- signals -------------------------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """The kernel's process, 0 when the node is off."""
        try:
            pid = int(self.folders.pid(self.number).read_text())
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return 0
        return pid if f"umid=n{self.number}\0uml_dir={self.folders.run}/".encode() in line else 0

    def kill(self) -> None:
        """Power loss."""
        pid = self.pid
        deadline = time.monotonic() + 10
        while pid and (living := _session(pid)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"processes {living} of node {self.number} do not die")
            for each in sorted(living, key=lambda each: each != pid):
                _kill(each)
            _reap(pid)
            time.sleep(0.02)
        self.folders.pid(self.number).unlink(missing_ok=True)

    def pause(self) -> None:
        """Freeze the whole node."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on, if it is there."""
        if pid := self.pid:
            os.kill(pid, signal.SIGCONT)


def _session(leader: int) -> list[int]:
    """Living processes of a session."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                fields = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == leader and fields[0] not in "ZX":
                found.append(int(name))
    return found


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _reap(pid: int) -> None:
    """Take in the zombie when it is a child of this very program."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
