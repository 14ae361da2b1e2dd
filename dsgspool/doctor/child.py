"""The examination in a process of its own, so that a call which never returns can be named.

The rule: the parent touches no file of the spool.  The child says before each call what it is about to do, in memory
that both share; when that has not changed for `patience` seconds, the parent tells it and goes on without the child.
A hung call on a hard mount can be killed only when the kernel lets go of it, so nobody waits for that.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import select
import signal
import subprocess
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

from dsgspool import proc
from dsgspool.classes import dataclass
from dsgspool.clock import SystemClock

PAGE = 8192
GOODBYE = 1.0  #: seconds that a child gets to tidy up, and a killed one to go away

Message = dict[str, Any]
Work = Callable[[Callable[[str], None]], Generator[Message]]


@dataclass(frozen=True, slots=True)
class Hung:
    """The call that did not come back."""

    call: str


def watched(work: Work, patience: float) -> Iterator[Message | Hung]:
    """What `work` yields, as it comes; a last `Hung` when it stands still for `patience` seconds."""
    page = mmap.mmap(-1, PAGE)
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _child(work, page, writer)
    os.close(writer)
    try:
        yield from _listen(reader, page, patience)
    finally:
        os.close(reader)
        _bury(pid)


def _child(work: Work, page: mmap.mmap, writer: int) -> None:
    """Never returns: what the parent holds open or would do at its end is not this process's."""
    code = 1
    count = 0

    def tell(what: str) -> None:
        nonlocal count
        count += 1
        text = what.encode(errors="surrogateescape")[: PAGE - 16]
        page[:10] = count.to_bytes(8, "little") + len(text).to_bytes(2, "little")
        page[10 : 10 + len(text)] = text

    try:
        proc.prctl(proc.PR_SET_PDEATHSIG, signal.SIGTERM)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _interrupt)
        with contextlib.closing(work(tell)) as messages:
            for message in messages:
                _write(writer, message)
        _write(writer, {"over": True})
        code = 0
    except (KeyboardInterrupt, BrokenPipeError):
        code = 0
    finally:
        if code:
            traceback.print_exc()
        os._exit(code)


def _interrupt(number: int, frame: object) -> None:  # noqa: ARG001 - a signal handler's signature
    """What lies in tmp/ is to be taken away; RACE: Ctrl-C comes here from the terminal and from the parent."""
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def _write(writer: int, message: Message) -> None:
    view = memoryview(json.dumps(message).encode() + b"\n")
    while view:
        view = view[os.write(writer, view) :]


def _listen(reader: int, page: mmap.mmap, patience: float) -> Iterator[Message | Hung]:
    clock = SystemClock()
    rest, seen, since = b"", bytes(page[:8]), clock.boot()
    while True:
        if select.select([reader], [], [], 0.1)[0]:
            data = os.read(reader, 1 << 16)
            if not data:
                raise RuntimeError("the examination broke off")
            *lines, rest = (rest + data).split(b"\n")
            for message in map(json.loads, lines):
                if "over" in message:
                    return
                yield message
        now = bytes(page[:8])
        if now != seen:
            seen, since = now, clock.boot()
        elif clock.boot() - since > patience:
            yield Hung(_last_words(page))
            return


def _last_words(page: mmap.mmap) -> str:
    size = int.from_bytes(page[8:10], "little")
    return bytes(page[10 : 10 + size]).decode(errors="surrogateescape")


def _bury(pid: int) -> None:
    """Politely, then by force, and then without it."""
    clock = SystemClock()
    for number in (signal.SIGTERM, signal.SIGKILL):
        until = clock.boot() + GOODBYE
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        while clock.boot() < until:
            if os.waitpid(pid, os.WNOHANG) != (0, 0):
                return
            clock.sleep(0.02)


def ask(argv: Sequence[str], seconds: float) -> tuple[int, str]:
    """(exit code, what it printed) of a small program of this machine; (-1, '') when it is not there or too slow."""
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return -1, ""
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")
