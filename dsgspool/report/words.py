"""Numbers, durations and moments as people read them.

The rule: pure, and the same words on the page, in report.txt and in the script (reports/js/01-units.js): 850 ms,
4 min 05 s, 3.4 MiB, 14:05.  Moments are told in the writer's time zone, relative to the moment of the look.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dsgspool.snapshot.values import WorkerSeen

from dsgspool.conditions import in_words

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LAST = 253402300799.0  #: the end of the year 9999


def duration(seconds: float) -> str:
    """`850 ms`, `12.3 s`, `4 min 05 s`, `12 min`, `2 h 10 min`, `3 d 4 h`."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 10:
        return f"{minutes} min {rest:02d} s" if rest else f"{minutes} min"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def about(seconds: float) -> str:
    """A duration that is only roughly known: `7 min`, `2 h`, `40 s`."""
    if seconds < 99.5:
        return f"{max(5, round(seconds / 5) * 5)} s" if seconds < 89 else "90 s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    hours = seconds / 3600
    return f"{round(hours)} h" if hours < 48 else f"{round(hours / 24)} d"


def age(seconds: float) -> str:
    """For how long something has been so, in whole units that have passed: `40 s`, `7 min`, `3 h`, `2 d`."""
    for unit, name, least in ((86400, "d", 2), (3600, "h", 2), (60, "min", 2)):
        if seconds >= least * unit:
            return f"{int(seconds // unit)} {name}"
    return f"{int(seconds)} s"


def size(number: float) -> str:
    """`512 B`, `3.4 MiB`: in steps of 1,024, as task files count, and as the command line tells it."""
    return in_words(number)


def count(number: float) -> str:
    """`12,345`"""
    return f"{round(number):,}"


def many(number: int, one: str, more: str = "") -> str:
    """`1 task`, `12,345 tasks`"""
    return f"{number:,} {one if number == 1 else more or f'{one}s'}"


def percent(share: float) -> str:
    """`37 %`; a small part is not nothing, and almost all is not all."""
    if 0 < share < 0.005:
        return "< 1 %"
    if 0.995 <= share < 1:
        return "> 99 %"
    return f"{share * 100:.0f} %"


def rate(per_hour: float) -> str:
    """`3.4 / h`, `120 / h`, `33 / min`"""
    return rates(per_hour)[0]


def rates(*per_hour: float) -> list[str]:
    """Several in one unit: that of the largest."""
    by_minute = max(per_hour) >= 600
    unit, factor = ("min", 60) if by_minute else ("h", 1)
    return [f"{_figures(each / factor)} / {unit}" for each in per_hour]


def _figures(number: float) -> str:
    if 0 < number < 0.05:
        return "< 0.1"
    return f"{number:,.0f}" if number >= 9.95 or not number else f"{number:.1f}"


def over(seconds: float) -> str:
    """A stretch of time up to now: `over the last hour`, `over 12 min`."""
    return "over the last hour" if seconds > 3599 else f"over {about(seconds)}"


def enumeration(words: list[str], most: int = 3) -> str:
    """`a, b and c`; of very many the first: `a, b, c and 4 more`."""
    if len(words) > most:
        return f"{', '.join(words[:most])} and {len(words) - most} more"
    return " and ".join([*([", ".join(words[:-1])] if words[:-1] else []), *words[-1:]])


def _local(moment: float) -> datetime:
    return datetime.fromtimestamp(min(max(moment, 0.0), _LAST - 86400), UTC).astimezone()


def moment(at: float, now: float) -> str:
    """`14:05` on the day of the look, `Sun 02:10` in the week around it, `12 Dec 08:00` in its year, else `2025-12-12`."""
    date, today = _local(at), _local(now)
    clock = f"{date:%H:%M}"
    if date.date() == today.date():
        return clock
    if abs(at - now) < 6 * 86400:
        return f"{_DAYS[date.weekday()]} {clock}"
    if date.year != today.year:
        return f"{date:%Y-%m-%d}"
    return f"{date.day} {_MONTHS[date.month - 1]} {clock}"


def exact(at: float) -> str:
    """`2026-11-21 22:00:00 CET`"""
    return f"{_local(at):%Y-%m-%d %H:%M:%S %Z}"


def rounded(at: float, seconds: float) -> float:
    """A moment that is `seconds` ahead, no finer than it can be known: to minutes, to five minutes beyond an hour."""
    return round(at / _step(seconds)) * _step(seconds)


def around(at: float, seconds: float, edges: tuple[float, float]) -> tuple[float, float]:
    """Two moments (or durations) around that rounded one, no finer: rounded outwards, so that it lies between them."""
    step, middle = _step(seconds), rounded(at, seconds)
    first, last = math.floor(edges[0] / step) * step, math.ceil(edges[1] / step) * step
    return min(first, middle - step), max(last, middle + step)


def _step(seconds: float) -> float:
    return 5.0 if seconds < 90 else 60.0 if seconds < 3600 else 300.0 if seconds < 6 * 3600 else 900.0


def halt(workers: Iterable[WorkerSeen]) -> str:
    """What those that take no new tasks until a person does something are: `paused`, `draining`, or either."""
    return " or ".join(sorted({"paused" if worker.paused else "draining" for worker in workers}, reverse=True))
