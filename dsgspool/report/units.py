"""Numbers as people read them: durations, sizes, moments, counts.

The rule: pure, one form for one thing, short enough for a bar's label.
"""

from __future__ import annotations


def duration(seconds: float) -> str:
    """`850 ms`, `12.3 s`, `4 min 05 s`, `12 min`, `2 h 10 min`, `3 d 4 h`."""
    if seconds < 1:
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


def rough(seconds: float) -> str:
    """A duration without more digits than a forecast deserves: `about` fits in front of it."""
    return duration(seconds if seconds < 90 else round(seconds / 60) * 60)


def size(number: float) -> str:
    """`512 B`, `3.4 MB`"""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 999.5:
            return f"{number:.0f} {unit}" if unit == "B" or number >= 99.5 else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def many(number: int, one: str, several: str = "") -> str:
    """`1 task`, `1,200 tasks`"""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"
