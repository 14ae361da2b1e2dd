"""The line of an error log that explains a failure.

The rule: one small read at the end of the file; a log that cannot be read explains nothing.
"""

from __future__ import annotations

from dsgspool.fs import Fs

TAIL = 2048  #: bytes that are looked at


def last_words(fs: Fs, path: str) -> str:
    """`: LINE` for the last line of an error log that is not empty: mostly it says why; else ''."""
    try:
        lines = fs.read_at(path, -TAIL, TAIL).decode(errors="replace").split("\n")
    except OSError:
        return ""
    return next((f": {line.strip()[:200]}" for line in reversed(lines) if line.strip()), "")
