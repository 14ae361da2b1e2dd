"""What was typed, as names of keys.

The rule: pure.  A sequence that means no key here is passed over whole, so that its letters are not taken for commands.
"""

from __future__ import annotations

import re

_SEQUENCES = {
    "\x1b[A": "up", "\x1bOA": "up", "\x1b[B": "down", "\x1bOB": "down", "\x1b[5~": "page-up", "\x1b[6~": "page-down",
    "\x1b[H": "home", "\x1bOH": "home", "\x1b[1~": "home", "\x1b[F": "end", "\x1bOF": "end", "\x1b[4~": "end",
    "\t": "tab", "\x1b[Z": "back-tab", "\r": "enter", "\n": "enter", "\x7f": "backspace", "\x08": "backspace",
    "\x1b": "escape", "\x0c": "redraw",
}  # fmt: skip
_PART = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1bO.|\x1b[^\x1b\[O]|[\s\S]")


def keys(data: bytes) -> list[str]:
    """`up`, `tab`, `q`, `/` ..."""
    found = []
    for part in _PART.findall(data.decode(errors="ignore")):
        if key := _SEQUENCES.get(part):
            found.append(key)
        elif part.isprintable():
            found.append(part)
    return found
