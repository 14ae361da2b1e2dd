"""The process of a chunk of a sweep on a simulated machine.

The rule: it is the product's own module (worker/chunk.py), loaded anew for each process, with the simulated kernel in the
place of os, signal, time and open; only its items are entries in the machine's table, as all commands are.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, NoReturn

from dsgspool.proc import MARKER
from dsgspool.spawning import Launch
from dsgspool.worker import chunk as chunk_module
from dsgspool.worker.scripts import Scripts
from tests.simulation.calls import calls
from tests.simulation.files import Open
from tests.simulation.node import Actor, Command, Marked, Node
from tests.simulation.virtual import current

_PATH = os.path.abspath(chunk_module.__file__)
with open(_PATH) as _file:
    _CHUNK = compile(_file.read(), _PATH, "exec")
TURN = 0.0005  #: seconds: what it does between two of its calls
FOREVER = 1e9


def is_chunk(launch: Launch) -> bool:
    """True for what runs the items of a sweep."""
    return list(launch.argv[:4]) == [sys.executable, "-I", "-S", _PATH]


def write_script(self: Scripts, name: str, data: str | bytes, _user: object) -> str:
    """In the place of `Scripts.write`: onto the disk of the worker's own machine."""
    path = f"/disk/{self.wid}/{name}"
    current().node.disk[path] = data.encode() if isinstance(data, str) else data
    return path


class Exited(BaseException):
    """os._exit"""


class ChunkProcess(Actor, Marked):
    """It has a session of its own, in which its items are too."""

    def __init__(self, node: Node, parent: Actor, launch: Launch) -> None:
        self.launch, self.number = launch, None
        self.pending: list[int] = []
        super().__init__(node, "chunk", node.sim.name("chunk"), _body, parent)
        self.session, self.claim = self.pid, launch.env[MARKER]
        self.identity, self.attempt = launch.env["DSGSPOOL_TASK"], int(launch.env["DSGSPOOL_ATTEMPT"])
        self.on_signal = self._signalled
        self.mine = {
            number: self._inherit(given)
            for number, given in [(1, launch.stdout), (2, launch.stderr), *((kept, kept) for kept in launch.kept)]
        }
        node.sim.world.swept.begins(self)
        self.start()

    def _inherit(self, descriptor: int) -> int:
        file = self.sim.files[descriptor]
        return self.sim.opened(Open(self, file.mount, file.inode, file.path, append=True))

    def _signalled(self, number: int) -> None:
        """Python calls handlers between two steps of the process itself."""
        self.pending.append(number)
        self.wake()

    def die(self, code: int) -> None:
        super().die(code)
        if code < 0:
            self.code, self.number = None, -code


def _body(actor: Any) -> int:
    module: dict[str, Any] = {"__name__": "chunk"}
    exec(_CHUNK, module)
    kernel = Kernel(actor)
    module.update(
        os=kernel, open=kernel.open_file,
        signal=SimpleNamespace(
            **{name: getattr(signal, name) for name in ("SIGTERM", "SIGALRM", "SIGPIPE", "SIGXFSZ", "SIG_DFL")},
            signal=kernel.on,
        ),
        time=SimpleNamespace(
            CLOCK_BOOTTIME=0, clock_gettime=lambda _clock: actor.node.boot_time(), strftime=time.strftime, gmtime=time.gmtime
        ),
    )  # fmt: skip
    try:
        return int(module["main"](*actor.launch.argv[4:]))
    except Exited as exited:
        return int(exited.args[0])


class Kernel:
    """`os`, `open` and `signal.signal` as the process of a chunk uses them."""

    SEEK_SET, SEEK_END = os.SEEK_SET, os.SEEK_END
    strerror, fsencode, waitstatus_to_exitcode = os.strerror, os.fsencode, os.waitstatus_to_exitcode

    def __init__(self, actor: ChunkProcess) -> None:
        self.actor = actor
        self.environb = {os.fsencode(name): os.fsencode(value) for name, value in actor.launch.env.items()}
        self.handlers: dict[int, Callable[[int, object], object]] = {}

    def on(self, number: int, handler: Any) -> None:
        if callable(handler):
            self.handlers[number] = handler

    def _turn(self) -> None:
        """Others run; then what was signalled meanwhile is heard."""
        self.actor.time.pause(self.actor, self.actor.time.now + TURN)
        self._hear()

    def _hear(self) -> None:
        while self.actor.pending:
            number = self.actor.pending.pop(0)
            if number not in self.handlers:
                raise Exited(128 + number)
            self.handlers[number](number, None)

    def open_file(self, path: str, _mode: str, opener: object = None) -> io.BytesIO:  # noqa: ARG002 - no fifos here
        if path in self.actor.node.disk:
            return io.BytesIO(self.actor.node.disk[path])
        descriptor = calls.open(path, os.O_RDONLY)
        try:
            return io.BytesIO(calls.read(descriptor, 1 << 20))
        finally:
            calls.close(descriptor)

    def set_inheritable(self, _descriptor: int, _is: bool) -> None:
        """Items get three descriptors anyway."""

    def write(self, descriptor: int, data: bytes) -> int:
        self._turn()
        return calls.write(self.actor.mine[descriptor], data)

    def lseek(self, descriptor: int, offset: int, whence: int) -> int:
        return calls.lseek(self.actor.mine[descriptor], offset, whence)

    def posix_spawnp(
        self,
        _file: str,
        argv: Sequence[str],
        environment: Mapping[bytes, bytes],
        *,
        setpgroup: int,  # noqa: ARG002
    ) -> int:
        self._turn()
        actor, like = self.actor, self.actor.launch
        env = {os.fsdecode(name): os.fsdecode(value) for name, value in environment.items()}
        launch = Launch(argv, like.cwd, env, like.stdin, like.stdout, like.stderr)
        return Command(actor.node, actor, launch, session=actor.session).pid

    def killpg(self, group: int, number: int) -> None:
        next(each for each in self.actor.children if each.pid == group).signal(number)

    def waitpid(self, pid: int, _options: int) -> tuple[int, int]:
        child = next(each for each in self.actor.children if each.pid == pid)
        while not child.is_gone():
            self.actor.rest(FOREVER)
            self._hear()
        self.actor.children.remove(child)
        self.actor.node.processes.pop(pid, None)
        return pid, child.number or (child.code or 0) << 8

    def _exit(self, code: int) -> NoReturn:
        raise Exited(code)
