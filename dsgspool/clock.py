"""The only door to time.

The rule: durations and leases are counted on CLOCK_BOOTTIME, which runs on while a laptop sleeps and which no clock
step can touch; the wall clock of this machine is for people's eyes only.  Absolute times in the spool are the file
server's: the mtime that it gave my last heartbeat, plus what my own clock has run since (`ServerClock`).
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from dsgspool.classes import dataclass

HALF_A_YEAR = 365.25 / 2 * 86400.0  #: seconds; what is further away may be of any year
#: The first second of the year 1 and the last of 9999, before and after which no date can be written.
_FIRST, _LAST = -62135596800.0, 253402300799.0
_LONGEST = 1e9  #: seconds that anybody pauses: 30 years; the kernel takes 300 at most


class Clock(Protocol):
    """What the rest of the program may know of time."""

    def boot(self) -> float:
        """Seconds since the machine started, sleep included."""

    def wall(self) -> float:
        """Unix time by this machine's own clock; may be wrong, may jump."""

    def sleep(self, seconds: float) -> None:
        """Pause this thread."""


class SystemClock:
    """The clocks of this machine."""

    def __init__(self) -> None:
        #: Seconds on CLOCK_BOOTTIME; asked for twenty times a task, so without a function of Python around it.
        self.boot: Callable[[], float] = functools.partial(time.clock_gettime, time.CLOCK_BOOTTIME)

    def wall(self) -> float:
        """Unix time on CLOCK_REALTIME."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Pause this thread."""
        time.sleep(min(seconds, _LONGEST))


@dataclass()
class ServerClock:
    """The file server's time, carried on by my own clock between two looks at it."""

    clock: Clock
    offset: float | None = None

    def set(self, mtime: float, boot: float) -> None:
        """The server stamped `mtime` on something that I touched at `boot`."""
        self.offset = mtime - boot

    def now(self) -> float:
        """Unix time of the server; this machine's own before the first heartbeat."""
        return self.clock.wall() if self.offset is None else self.clock.boot() + self.offset


def _writable(moment: float) -> float:
    return moment if _FIRST <= moment <= _LAST else min(max(moment, _FIRST), _LAST)


def iso(moment: float) -> str:
    """`2026-11-21T21:00:00.123Z`: how a moment stands in records."""
    milliseconds = round((moment if 0.0 <= moment <= _LAST else _writable(moment)) * 1e6) // 1000
    return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


@functools.lru_cache(maxsize=16)  # five moments of each attempt are written, mostly of one second
def _second(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).replace(tzinfo=None).isoformat()


def stamp(moment: float) -> str:
    """`20261121T210000Z`: how a moment stands in the names of folders."""
    return datetime.fromtimestamp(_writable(moment), UTC).strftime("%Y%m%dT%H%M%SZ")


def unix(year: int, month: int, day: int, hour: int, minute: int, second: int) -> float:
    """Unix time of a UTC date."""
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()


def local(moment: float, now: float | None = None) -> str:
    """`Sat 21 Nov 22:00:00`: how a moment stands on a screen, in the reader's time zone; `Sat 21 Nov 2026 22:00:00` when that
    is more than half a year away from `now`, else from what this machine takes for it."""
    moment = min(max(moment, _FIRST + 86400.0), _LAST - 86400.0)  # no zone is further from UTC than that
    date = datetime.fromtimestamp(moment, UTC).astimezone()
    is_far = abs(moment - (time.time() if now is None else now)) > HALF_A_YEAR
    return date.strftime(f"%a %d %b {f'{date.year:04} ' if is_far else ''}%H:%M:%S")
