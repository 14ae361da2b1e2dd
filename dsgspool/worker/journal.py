"""What a worker tells: one readable line an event on its terminal, one JSON line an event in workers/WID.jsonl.

The rule: the journal is telemetry, never truth.  Losing it loses no task, so trouble with it stops nothing: lines that
cannot be written are kept for a while, then dropped and counted.
"""

from __future__ import annotations

import json
import os
import select
import sys
from typing import Any

from dsgspool.clock import iso, local
from dsgspool.expressions import expression
from dsgspool.spool import Spool

MAX_BYTES = 32 << 20  #: a journal longer than this goes on in WID.2.jsonl, WID.3.jsonl ...
MAX_PENDING = 10_000
MAX_UNWRITTEN = 1 << 20  #: bytes kept for a terminal that stands still
_encode = json.JSONEncoder().encode
_UNSEEN = "\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f"
_CONTROLS = expression(f"[\x00-\x1f\x7f-\x9f\ud800-\udfff{_UNSEEN}]")


def clean(text: str) -> str:
    """Names and reasons come from outside: no control character of theirs may reach a terminal."""
    return _CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


class Journal:
    """Collects lines; `flush` writes them, once for many events."""

    def __init__(self, spool: Spool, wid: str, *, quiet: bool) -> None:
        self.spool, self.wid, self.quiet = spool, wid, quiet
        self.part, self.dropped = 1, 0
        self._screen: list[str] = []
        self._unwritten = b""
        self._events: list[tuple[float, str, dict[str, Any]]] = []
        self._descriptor = -1
        self._bytes = 0

    def event(self, now: float, event: str, text: str = "", **facts: Any) -> None:  # noqa: ANN401 - any JSON value
        """Tell an event: `text` on the terminal, `facts` in the journal; `now` is the server's time."""
        if text and not self.quiet:
            self._screen.append(f"{local(now)[-8:]}  {clean(text)}\n")
        if len(self._events) >= MAX_PENDING:
            self.dropped += 1
            return
        self._events.append((now, event, facts))

    def flush(self, patience: float = 0.0) -> None:
        """Write the terminal's lines, as many as it takes now: Ctrl-S or a pager must not stop the heartbeat."""
        if self._screen:
            encoding = sys.stdout.encoding or "utf-8"  # a name may have characters that the terminal has not
            self._unwritten += "".join(self._screen).encode(encoding, "backslashreplace")
            self._screen.clear()
        try:
            descriptor = sys.stdout.fileno()
            while self._unwritten and select.select([], [descriptor], [], patience)[1]:
                # A pipe that is ready takes this many bytes without waiting (pipe(7), PIPE_BUF).
                self._unwritten = self._unwritten[os.write(descriptor, self._unwritten[:4096]) :]
        except (OSError, ValueError):
            self.quiet, self._unwritten = True, b""  # nobody reads any more: the tasks matter more than the telling
        if len(self._unwritten) > MAX_UNWRITTEN:
            self._unwritten = self._unwritten[-MAX_UNWRITTEN:].partition(b"\n")[2]

    def save(self) -> None:
        """Append the events to the journal; called at heartbeats and on exit."""
        if not self._events:
            return
        # Encoded here, many at once: between two tasks each line costs five times as much, for want of warm caches.
        lines = [_encode({"at": iso(now), "event": event, **facts}) for now, event, facts in self._events]
        data = "".join([f"{line}\n" for line in lines]).encode()
        try:
            if self._descriptor < 0 or self._bytes > MAX_BYTES:
                self._open_next()
            self.spool.fs.append(self._descriptor, data)
        except OSError:
            return  # kept; `event` drops what is too much
        self._bytes += len(data)
        self._events.clear()

    def _open_next(self) -> None:
        if self._descriptor >= 0:
            full, self._descriptor, self._bytes = self._descriptor, -1, 0
            self.part += 1
            self.spool.fs.close(full)
        suffix = "" if self.part == 1 else f".{self.part}"
        self._descriptor = self.spool.fs.open_log(f"{self.spool.workers}/{self.wid}{suffix}.jsonl")
