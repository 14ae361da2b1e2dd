"""A worker that counts: claims and how many of them others had won, looks at todo/, and the names that its largest kept.

The rule: the product as it is; two methods are wrapped, and what they did is written to DSGSPOOL_COUNTS at the end.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
from collections import Counter

from dsgspool.spool.own import Held, OwnFolder
from dsgspool.spool.scan import Look, Sight
from dsgspool.worker.__main__ import main

COUNTS = "DSGSPOOL_COUNTS"  #: environment: the folder that each worker writes a file into


def count() -> None:
    """Wrap, and write at the end."""
    counts: Counter[str] = Counter()
    claim, take = OwnFolder.claim, Look.take

    def counted_claim(own: OwnFolder, path: str) -> Held:
        held = claim(own, path)
        counts["claims"] += 1
        counts["lost"] += bool(held.errno)
        return held

    def counted_take(look: Look) -> Sight:
        sight = take(look)
        counts["looks"] += 1
        counts["kept"] = max(counts["kept"], len(sight.candidates))
        return sight

    OwnFolder.claim = counted_claim  # type: ignore[method-assign]
    Look.take = counted_take  # type: ignore[method-assign]

    def write() -> None:
        with open(f"{os.environ[COUNTS]}/{os.getpid()}.json", "w") as file:
            json.dump(counts, file)

    atexit.register(write)


if __name__ == "__main__":
    count()
    raise SystemExit(main(sys.argv[1:]))
