"""A program on a terminal of its own (a pty): what it paints, keys for it, and whether it left the terminal as it was."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Sequence

from tests.support.processes import CODE

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[()].|[=>])")


class Terminal:
    """`argv` runs in it as soon as it is made; `close` ends it."""

    def __init__(self, argv: Sequence[str], columns: int = 100, rows: int = 30, **environment: str) -> None:
        self.ours, theirs = pty.openpty()
        self.resize(columns, rows, tell=False)
        self.before = termios.tcgetattr(theirs)
        self.raw = b""
        env = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(CODE), **environment}
        self.process = subprocess.Popen(
            argv, stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        self.theirs = theirs

    def resize(self, columns: int, rows: int, *, tell: bool = True) -> None:
        """Another size of the window; the kernel tells the program."""
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if tell:
            os.killpg(self.process.pid, signal.SIGWINCH)

    def send(self, keys: str) -> None:
        """Type."""
        os.write(self.ours, keys.encode())

    def signal(self, number: int) -> None:
        """To the program."""
        self.process.send_signal(number)

    def feed(self, seconds: float = 0.05) -> None:
        """Take in what it wrote."""
        while select.select([self.ours], [], [], seconds)[0]:
            try:
                self.raw += os.read(self.ours, 65536)
            except OSError:
                return
            seconds = 0.0

    @property
    def written(self) -> str:
        """All that it wrote."""
        return self.raw.decode("utf-8", "surrogateescape")

    def screen(self) -> str:
        """The newest whole frame, without colours."""
        return _ANSI.sub("", self.written.rpartition("\x1b[H")[2])

    def shows(self, words: str, limit: float = 30.0) -> str:
        """The frame, once these words (a regular expression) are on it."""
        deadline = time.monotonic() + limit
        while not re.search(words, screen := self.screen()):
            self.feed()
            assert time.monotonic() < deadline, f"{words!r} is not on the screen:\n{screen}"
            assert self.process.poll() is None or self.feed() or re.search(words, self.screen()), self.written[-3000:]
        return screen

    def ends(self, limit: float = 30.0) -> int:
        """Its exit code, once it is over."""
        deadline = time.monotonic() + limit
        while self.process.poll() is None:
            self.feed()
            assert time.monotonic() < deadline, f"it runs on:\n{self.screen()}"
        self.feed()
        return int(self.process.returncode)

    def is_as_before(self) -> bool:
        """True when echo, lines, and signals by keys are as they were."""
        return termios.tcgetattr(self.theirs) == self.before

    def close(self) -> None:
        """End it for certain."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        os.close(self.ours)
        os.close(self.theirs)
