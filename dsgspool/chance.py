"""The only door to chance: words that nobody else has.

The rule: what must be unique for ever comes from the system's generator, 40 bits in 8 characters that are safe in every
file name.  A task's token is such a word of its mover and that mover's counter, so a clash needs two equal words.
"""

from __future__ import annotations

import os

from dsgspool.names import ALPHABET


def word(length: int = 8) -> str:
    """Random base32 characters, lower case."""
    return "".join(ALPHABET[byte & 31] for byte in os.urandom(length))
