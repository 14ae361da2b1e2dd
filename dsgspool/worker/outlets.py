"""The files that a command writes to.

The rule: all of them are open, or none is.
"""

from __future__ import annotations

from collections.abc import Iterable

from dsgspool.fs import Fs

KINDS = ("out", "err")


def open_logs(fs: Fs, base: str, kinds: Iterable[str], *, exclusive: bool) -> tuple[int, ...]:
    """Open logs/NAME.N.KIND for each kind; `exclusive` as in `Fs.open_log`."""
    opened: list[int] = []
    try:
        for kind in kinds:
            opened.append(fs.open_log(f"{base}.{kind}", exclusive=exclusive))  # noqa: PERF401 - those before one that fails
    except OSError:
        for log in opened:
            fs.close(log)
        raise
    return tuple(opened)
