"""The line of an error log that explains a failure.

The rule: one small read at the end of the file; a log that cannot be read explains nothing.
"""

from __future__ import annotations

from collections.abc import Collection

from dsgspool import redaction
from dsgspool.fs import Fs

TAIL = 2048  #: bytes that are looked at


def last_words(fs: Fs, path: str, secrets: Collection[str] = ()) -> str:
    """`: LINE` for the last line of an error log that is not empty: mostly it says why; else ''.  Secrets are hidden before the
    line is cut, and where the look may begin within one nothing is told: a part of one would not be found."""
    hidden = redaction.worth_hiding(secrets)
    most = TAIL + (longest := max((len(value.encode()) for value in hidden), default=0))
    try:
        data = fs.read_at(path, -most, most)
    except OSError:
        return ""
    lines = redaction.hide(data.decode(errors="replace"), hidden).split("\n")
    if longest and len(data) == most and lines[0]:
        lines[0] = lines[0][longest:] or redaction.MASK
    return next((f": {line.strip()[:200]}" for line in reversed(lines) if line.strip()), "")
