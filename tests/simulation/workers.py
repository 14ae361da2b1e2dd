"""The real guard and the real worker on a simulated machine.

The rule: the guard is its own module, loaded anew for each guard, with the simulated kernel in the place of os, select,
signal and time; the worker is the product's class, of which only the pipe to the guard, the wait and the signals of the
real process are replaced.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

from dsgspool.errors import SpoolError
from dsgspool.spool import Spool
from dsgspool.worker import guard as guard_module
from dsgspool.worker.loop import Worker
from dsgspool.worker.station import GuardLine, Options
from tests.simulation.calls import calls
from tests.simulation.door import SimFs
from tests.simulation.mount import ROOT
from tests.simulation.node import Actor, Marked, Node

NODE_TROUBLE = 8
TURN = 0.0002  #: seconds that a turn takes by itself
with open(guard_module.__file__) as _file:
    _GUARD = compile(_file.read(), guard_module.__file__, "exec")


class Pipe:
    """From the worker to its guard."""

    def __init__(self, reader: Actor) -> None:
        self.reader, self.data = reader, b""
        self.writer: Actor | None = None

    def is_closed(self) -> bool:
        return self.writer is not None and not self.writer.alive


class Line(GuardLine):
    """The worker's end."""

    def __init__(self, pipe: Pipe) -> None:
        super().__init__(-1)
        self.pipe = pipe

    def _say(self, what: dict[str, object]) -> None:
        import json

        self.pipe.data += json.dumps(what).encode() + b"\n"
        self.pipe.reader.wake()


class NoPipes:
    """`os` as the worker's loop and its bell use it: nothing ever comes out of their pipes.

    Signals wake the simulated worker without one, and on a share nobody listens for the bell.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    @staticmethod
    def pipe2(_flags: int) -> tuple[int, int]:
        return -1, -1

    @staticmethod
    def read(_descriptor: int, _count: int) -> bytes:
        raise BlockingIOError


class SimWorker(Worker):
    """The product's worker; `actor` is the process that it runs in."""

    def __init__(self, spool: Spool, options: Options, actor: Actor, pipe: Pipe) -> None:
        super().__init__(spool, options)
        self.actor = actor
        self.station.guard = Line(pipe)
        actor.on_signal = self._signalled

    def _listen_to_signals(self) -> None:
        """The simulated kernel calls `_signalled`."""

    def _signalled(self, number: int) -> None:
        self.signals.append(number)
        self.actor.wake()

    def turn(self) -> None:
        self.actor.time.pause(self.actor, self.actor.time.now + TURN)
        super().turn()

    def _rest(self, seconds: float) -> None:
        self.actor.rest(seconds / self.actor.node.rate)

    def trouble(self, text: str) -> bool:
        if text.startswith("internal error"):
            self.actor.sim.broken(f"{self.station.wid}: {text}", sys.exc_info()[1])
        return super().trouble(text)

    def tell(self, event: str, text: str = "", **facts: object) -> None:
        if event not in ("start", "end"):
            self.actor.sim.note(f"{self.actor.name} tells: {text}")
        super().tell(event, text, **facts)

    def lose_guard(self) -> None:
        """The guard died: TERM by PDEATHSIG, and another parent."""
        self.controls.options = Options(**{**_facts(self.options), "guard_pid": 1})
        self._signalled(signal.SIGTERM)


def _facts(options: Options) -> dict[str, Any]:
    return {name: getattr(options, name) for name in Options.__dataclass_fields__}


def worker_body(slots: int, pipe: Pipe) -> Callable[[Actor], int]:
    """What `python -m dsgspool.worker` does."""

    def body(actor: Actor) -> int:
        pipe.writer = actor
        try:
            spool = Spool(ROOT, SimFs(floor=ROOT), actor.node.clock)
            options = Options(slots=slots, quiet=True, guard_pid=os.getppid())
            actor.worker = SimWorker(spool, options, actor, pipe)
            return actor.worker.run()
        except (SpoolError, OSError) as error:
            actor.sim.note(f"{actor.name} does not start: {error}")
            if not isinstance(error, OSError) and not isinstance(error.__context__, OSError):  # no fault of the plan
                actor.sim.broken(f"{actor.name} does not start: {error}", error)
            return NODE_TROUBLE

    return body


class GuardCalls:
    """`os` as the guard uses it."""

    WNOHANG, O_WRONLY, O_CREAT, O_EXCL = os.WNOHANG, os.O_WRONLY, os.O_CREAT, os.O_EXCL
    waitstatus_to_exitcode = staticmethod(os.waitstatus_to_exitcode)
    write, fsync = calls.write, calls.fsync

    def __init__(self, actor: Actor) -> None:
        self.actor = actor

    def pipe(self) -> tuple[Pipe, Pipe]:
        pipe = Pipe(self.actor)
        return pipe, pipe

    def chdir(self, _path: str) -> None:
        """No working folder here."""

    def fstat(self, _stream: int) -> None:
        """Its standard streams are open."""

    def set_blocking(self, _pipe: Pipe, _blocking: bool) -> None:
        """It never blocks."""

    def open(self, path: str, flags: int, mode: int) -> int:
        return calls.open(path, flags, mode)

    def close(self, descriptor: int | Pipe) -> None:
        if isinstance(descriptor, int):
            calls.close(descriptor)

    def read(self, pipe: Pipe, _count: int) -> bytes:
        data, pipe.data = pipe.data, b""
        return data

    def kill(self, pid: int, number: int) -> None:
        process = self.actor.node.processes.get(pid)
        if process is None:
            raise ProcessLookupError
        process.signal(number)

    def getpgrp(self) -> int:
        return self.actor.pid

    def getpgid(self, pid: int) -> int:
        process = self.actor.node.processes.get(pid)
        if process is None:
            raise ProcessLookupError
        return process.session if isinstance(process, Marked) else self.actor.pid

    def killpg(self, group: int, number: int) -> None:
        for process in list(self.actor.node.processes.values()):
            if isinstance(process, Marked) and process.session == group:
                process.signal(number)

    def waitpid(self, pid: int, _options: int) -> tuple[int, int]:
        children = self.actor.children
        mine = [child for child in children if pid in (-1, child.pid)]
        if not mine:
            raise ChildProcessError
        for child in mine:
            if child.is_gone():
                children.remove(child)
                self.actor.node.processes.pop(child.pid, None)
                number = child.number if not isinstance(child, Actor) else (9 if child.code == -9 else None)
                return child.pid, number or (child.code or 0) << 8
        return 0, 0


class Signals:
    """`signal` as the guard uses it."""

    SIGTERM, SIGINT, SIGHUP = signal.SIGTERM, signal.SIGINT, signal.SIGHUP
    SIGUSR1, SIGKILL, SIG_IGN = signal.SIGUSR1, signal.SIGKILL, signal.SIG_IGN
    SIGCHLD, SIGTSTP, SIGTTOU, SIG_DFL = signal.SIGCHLD, signal.SIGTSTP, signal.SIGTTOU, signal.SIG_DFL
    SIG_BLOCK, SIG_UNBLOCK = signal.SIG_BLOCK, signal.SIG_UNBLOCK

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.handlers: dict[int, Callable[[int, object], None]] = {}
        self.blocked: set[int] = set()
        self.pending: set[int] = set()

    def came(self, number: int) -> None:
        if number in self.blocked:
            self.pending.add(number)
            self.actor.wake()
        elif number in self.handlers:
            self.handlers[number](number, None)

    def signal(self, number: int, handler: Callable[[int, object], None]) -> None:
        self.handlers[number] = handler

    def getsignal(self, number: int) -> object:
        return self.handlers.get(number)

    def pthread_sigmask(self, how: int, numbers: Iterable[int]) -> None:
        if how == signal.SIG_BLOCK:
            self.blocked.update(numbers)
            return
        self.blocked.difference_update(numbers)
        for number in self.pending - self.blocked:
            self.pending.discard(number)
            self.came(number)

    def sigtimedwait(self, numbers: Iterable[int], seconds: float) -> int | None:
        if self.pending.isdisjoint(numbers):
            self.actor.rest(seconds / self.actor.node.rate)
        for number in self.pending.intersection(numbers):
            self.pending.discard(number)
            return number
        return None


class Poll:
    """select.poll of one pipe."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor

    def register(self, pipe: Pipe, _events: int) -> None:
        self.pipe = pipe

    def poll(self, milliseconds: float) -> bool:
        if not self.pipe.data and not self.pipe.is_closed():
            self.actor.rest(milliseconds / 1000 / self.actor.node.rate)
        return bool(self.pipe.data) or self.pipe.is_closed()


def guard_body(slots: int) -> Callable[[Actor], int]:
    """What `dsgspool worker` becomes."""

    def body(actor: Actor) -> int:
        module: dict[str, Any] = {"__name__": "guard"}
        exec(_GUARD, module)
        sim, node = actor.sim, actor.node
        signals = Signals(actor)

        def start_worker(_argv: list[str], speak: Pipe) -> int:
            worker = Actor(node, "worker", sim.name("worker"), worker_body(slots, speak), actor)
            worker.start()
            return worker.pid

        def descendants() -> list[int]:
            return [pid for child in actor.children for pid in (child.pid, *_below(child))]

        module.update(
            os=GuardCalls(actor), start_worker=start_worker, descendants=descendants, boot=node.boot_time,
            children=lambda: [child.pid for child in actor.children], say=lambda _text: None,
            libc=SimpleNamespace(prctl=lambda *_: 0),
            time=SimpleNamespace(sleep=lambda seconds: actor.rest(seconds / node.rate)),
            select=SimpleNamespace(poll=lambda: Poll(actor), POLLIN=select.POLLIN),
            signal=signals,
        )  # fmt: skip
        actor.on_signal = signals.came
        code = module["main"](["worker"])
        return int(code)

    return body


def _below(child: object) -> list[int]:
    found = child.children if isinstance(child, Actor) else []
    return [pid for each in found for pid in (each.pid, *_below(each))]


def start(node: Node, slots: int) -> Actor:
    """`dsgspool worker` on that machine."""
    guard = Actor(node, "guard", node.sim.name("guard"), guard_body(slots))
    guard.start()
    return guard
