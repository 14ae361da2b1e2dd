"""The terminal of the live screen: another page for it, keys one by one, and everything as it was before when it ends.

The rule: however the program ends (quit, Ctrl-C, TERM, an error, Ctrl-Z for a while), the page, the cursor and the modes
of the terminal are put back first.  Nothing is written here but frames whose texts were made clean.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from dsgspool import proc
from dsgspool.cli.top.keys import keys

_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l\x1b[?7l", "\x1b[?7h\x1b[?25h\x1b[?1049l"
_BELL = b"\0"


class Terminal:
    """Ours from `with` to its end."""

    def __init__(self) -> None:
        self.input, self.output = sys.stdin.fileno(), sys.stdout
        self._ears, self._mouth = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._before = termios.tcgetattr(self.input)
        self._handlers = {
            signal.SIGWINCH: signal.signal(signal.SIGWINCH, lambda *_: self.wake()),
            signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),  # never ends it at once
            signal.SIGTERM: signal.signal(signal.SIGTERM, _stop),
            signal.SIGHUP: signal.signal(signal.SIGHUP, _stop),
            signal.SIGTSTP: signal.signal(signal.SIGTSTP, self._rest),
        }

    def __enter__(self) -> Self:
        self.enter()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.leave()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def enter(self) -> None:
        """Take the terminal."""
        tty.setcbreak(self.input, termios.TCSADRAIN)
        self._write(_ENTER)

    def leave(self) -> None:
        """Give it back as it was."""
        with contextlib.suppress(OSError, termios.error):  # the window was closed
            self._write(_LEAVE)
            termios.tcsetattr(self.input, termios.TCSADRAIN, self._before)

    def _rest(self, *_: object) -> None:
        """Ctrl-Z: the shell gets its terminal as it was."""
        self.leave()
        signal.raise_signal(signal.SIGSTOP)
        self.enter()
        self.wake()

    def wake(self) -> None:
        """End the wait for a key; from any thread."""
        try:
            os.write(self._mouth, _BELL)
        except BlockingIOError:
            return  # it is awake

    def keys(self, seconds: float) -> list[str]:
        """What was typed; [] when nothing was in that time, or when something else happened."""
        ready = select.select([self.input, self._ears], [], [], max(0.0, seconds))[0]
        if self._ears in ready:
            os.read(self._ears, 4096)
        if self.input not in ready:
            return []
        data = os.read(self.input, 1024)
        return keys(data) if data else ["q"]  # nobody types there any more

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        found = os.get_terminal_size(self.output.fileno())
        return max(20, found.columns or 80), max(6, found.lines or 24)

    def paint(self, rows: Sequence[str]) -> None:
        """A frame: each row takes the place of the one that was there, in one write."""
        self._write("\x1b[H" + "\n".join(f"\x1b[K{row}" for row in rows))

    def _write(self, text: str) -> None:
        self.output.write(text)
        self.output.flush()

    def page(self, paths: Sequence[str]) -> str:
        """Show files in the person's pager; why that did not work, '' when it did."""
        import shlex

        pager = shlex.split(os.environ.get("PAGER") or "less") or ["less"]
        if not shutil.which(pager[0]):
            return f"{pager[0]}: not found; set PAGER to a program that shows text"
        # A log is shown as it is: nothing that the person's less is told to do with files may run on it.
        environment = {name: value for name, value in os.environ.items() if name not in ("LESSOPEN", "LESSCLOSE")}
        if os.path.basename(pager[0]) == "less":  # at the end, where the news is; and wait also when all fits
            pager += ["-+F", "+G"]
        self.leave()
        try:
            proc.run_in_front([*pager, *paths], environment)
        finally:
            self.enter()
        return ""


def _stop(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)
