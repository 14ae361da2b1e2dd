"""What a test asks of a node: run a command, start one in the background, evaluate Python.

The rule: one line of JSON there, one back, over a line that does not touch the share; a node that is cut off answers, one
that is frozen or off does not, and then a call fails after `seconds`.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

AGENT = Path(__file__).with_name("agent.py")  #: what answers in the node
Connect = Callable[
    [float], socket.socket
]  #: a new connection to the agent, within so many seconds; OSError without one


class NodeError(Exception):
    """A node did not answer, or what it evaluated raised."""


@dataclass(frozen=True)
class Answer:
    """How a command ended."""

    code: int
    out: str
    err: str


class Node:
    """A node's agent, over a connection that is kept open."""

    def __init__(self, connect: Connect, number: int, environment: Mapping[str, str]) -> None:
        self.connect, self.number = connect, number
        self.environment = {"LAB_NODE": str(self), **environment}
        self._line: socket.socket | None = None
        self._lock = threading.Lock()

    def __str__(self) -> str:
        return f"n{self.number}"

    def run(
        self, *command: str, seconds: float = 60, check: bool = True, env: Mapping[str, str] | None = None
    ) -> Answer:
        """Run a command to its end; one word alone is a line for the shell."""
        argv = list(command) if len(command) > 1 else ["sh", "-c", command[0]]
        answer = Answer(**self._ask({"run": argv, "env": {**self.environment, **(env or {})}}, seconds))
        if check and answer.code:
            raise NodeError(f"{self}: {' '.join(argv)}: exit code {answer.code}\n{answer.out}{answer.err}")
        return answer

    def spawn(self, command: Sequence[str], log: str, env: Mapping[str, str] | None = None) -> int:
        """Start a command in a session of its own; its pid.  What it prints goes to the file `log` in the node."""
        environment = {**self.environment, **(env or {})}
        return int(self._ask({"spawn": list(command), "log": log, "env": environment}, 30)["pid"])

    def python(self, source: str, seconds: float = 60, **values: object) -> object:
        """Evaluate an expression, or run statements and get what they left in `answer`; `values` are its variables."""
        reply = self._ask({"python": source, "values": values}, seconds)
        return reply["value"]

    def boot_id(self) -> str:
        """Another one after each boot."""
        return str(self.python("Path('/proc/sys/kernel/random/boot_id').read_text()"))

    @cached_property
    def host(self) -> str:
        """Its host name."""
        return str(self.python("os.uname().nodename"))

    def close(self) -> None:
        """Hang up."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def _ask(self, request: Mapping[str, object], seconds: float) -> dict[str, object]:
        with self._lock:
            try:
                reply = self._exchange(json.dumps(request).encode() + b"\n", seconds)
            except OSError as error:
                self.close()
                raise NodeError(f"{self} does not answer: {error}") from error
        if "error" in reply:
            raise NodeError(f"{self}: {reply['error']}")
        return reply

    def _exchange(self, data: bytes, seconds: float) -> dict[str, object]:
        deadline = time.monotonic() + seconds
        while self._line is None:
            try:
                self._line = self.connect(min(seconds, 5))
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        self._line.settimeout(seconds)
        self._line.sendall(data)
        received = b""
        while not received.endswith(b"\n"):
            more = self._line.recv(1 << 20)
            if not more:
                raise ConnectionResetError("it hung up")
            received += more
        return dict(json.loads(received))


def connect_to(path: str, seconds: float) -> socket.socket:
    """A connection to an agent that listens at a path."""
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(seconds)
    try:
        line.connect(path)
    except OSError:
        line.close()
        raise
    return line
