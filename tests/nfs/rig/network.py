"""The nodes' network: one namespace, two bridges.

The rule: faults touch the data bridge (10.77.0.0/24, NFS) only; over the control bridge (10.78.0.0/24) a test can talk
to a node that is cut off.  A node is cut by taking its tap off the bridge: `down` would stall User-Mode Linux's network
driver for good.
"""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

CLONE_NEWNET = 0x40000000
DATA, CONTROL = 77, 78
BRIDGES = {"data": DATA, "control": CONTROL}
PORT = 7000  #: of a node's agent
_switching = threading.Lock()


def address(number: int, net: int = CONTROL) -> str:
    """Of node `number`."""
    return f"10.{net}.0.{10 + number}"


def mac(number: int, net: int = DATA) -> str:
    """Of node `number`'s interface."""
    return f"02:{net}:00:00:00:{number:02x}"


class Network:
    """The namespace of one rig."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = f"/run/netns/{name}"

    def _ip(self, words: str, *, check: bool = True) -> None:
        subprocess.run(["ip", "-n", self.name, *words.split()], check=check, capture_output=not check)

    def make(self) -> None:
        """Namespace and bridges, and `sink`: the port behind which nobody listens."""
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        self._ip("link set lo up")
        for bridge, net in BRIDGES.items():
            self._ip(f"link add {bridge} type bridge")
            self._ip(f"addr add 10.{net}.0.1/24 dev {bridge}")
            self._ip(f"link set {bridge} up")
        self._ip("tuntap add sink mode tap")
        self._ip("link set sink master data up")

    def remove(self) -> None:
        """Take everything away."""
        subprocess.run(["ip", "netns", "del", self.name], check=False, capture_output=True)

    def plug(self, number: int) -> None:
        """Fresh taps for a node: `d1` on the data bridge, `c1` on the control bridge."""
        for bridge in BRIDGES:
            tap = f"{bridge[0]}{number}"
            self._ip(f"link del {tap}", check=False)
            self._ip(f"tuntap add {tap} mode tap")
            self._ip(f"link set {tap} master {bridge} up")

    def cut(self, number: int, *, replies_only: bool = False) -> None:
        """Partition: nothing passes; or `replies_only`: the node is heard, and nothing comes back to it."""
        if replies_only:
            self._forward("replace", number, "static", "sticky")
        else:
            self._ip(f"link set d{number} nomaster")

    def heal(self, number: int) -> None:
        """Undo every cut."""
        self._forward("del", number)
        self._ip(f"link set d{number} master data")

    def _forward(self, verb: str, number: int, *flags: str) -> None:
        command = ["bridge", "-n", self.name, "fdb", verb, mac(number), "dev", "sink", "master", *flags]
        subprocess.run(command, check=verb != "del", capture_output=True)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """This thread in the namespace; a socket made meanwhile stays in it."""
        with _switching, open("/proc/self/ns/net", "rb") as home, open(self.path, "rb") as there:
            _set_namespace(there.fileno())
            try:
                yield
            finally:
                _set_namespace(home.fileno())

    def connect(self, number: int, seconds: float) -> socket.socket:
        """A connection to a node's agent over the control bridge."""
        with self.entered():
            line = socket.socket()
        line.settimeout(seconds)
        try:
            line.connect((address(number), PORT))
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            line.close()
            raise
        return line


def _set_namespace(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
