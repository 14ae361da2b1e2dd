"""What tasks really did on all nodes, told by themselves outside of the spool, on one clock.

The rule: a task makes empty files in a folder of the host, which every node sees.  The host stamps them when they are
made or grow, so that the moments of all nodes, also of one that then lost its power, are on one clock: the host's.

    x.2.n1.n1-k3f7x2ma.start    attempt 2 of x began on node n1, with that worker
    x.2.n1.n1-k3f7x2ma.life     grows every 0.1 s while the command lives
    x.2.n1.n1-k3f7x2ma.end      it came to its own end
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

SCRIPT = """#!/bin/sh
# act FIRST [LATER]: live for that many tenths of a second, LATER in attempts after the first; or until there is a gate.
set -C
task=$DSGSPOOL_TASK
while case $task in */*) ;; *) false ;; esac; do task=${task%%/*}%${task#*/}; done
me=${0%/*}/$task.$DSGSPOOL_ATTEMPT.$LAB_NODE.$DSGSPOOL_WORKER
ticks=$1
[ "$DSGSPOOL_ATTEMPT" = 1 ] || ticks=${2:-$1}
lives_on() {
    if [ $ticks = gate ]; then [ ! -e "${0%/*}/gate" ]; else [ $((ticks -= 1)) -ge 0 ]; fi
}
: > "$me.start"
while lives_on; do
    echo >> "$me.life"
    sleep 0.1
done
: > "$me.end"
"""


@dataclass(frozen=True)
class Life:
    """One attempt that ran: moments on the host's clock, as coarse as its tick (4 ms): of two in one tick nobody knows
    which came first."""

    task: str
    attempt: int
    node: str  #: n1
    worker: str
    start: float
    last: float  #: its last sign of life
    ended: bool  #: it came to its own end, it was not killed


def most_at_once(lives: Iterable[Life]) -> int:
    """The largest number of attempts that were alive at one moment; in one tick what ends comes before what begins."""
    changes = sorted(change for life in lives for change in ((life.start, 1), (life.last, -1)))
    return max(accumulate((change for _, change in changes), initial=0))


class Story:
    """The folder of one test: `folder` here, and below `there` for a node."""

    def __init__(self, stories: Path, there: str, name: str) -> None:
        self.folder = stories / name
        self.folder.mkdir()
        act = self.folder / "act"
        act.write_text(SCRIPT)
        act.chmod(0o755)
        self._act = f"{there}/{name}/act"

    def command(self, first: float = 0, later: float | None = None) -> str:
        """A command that lives for so many seconds, `later` in attempts after the first."""
        tenths = [str(round(seconds * 10)) for seconds in (first, later) if seconds is not None]
        return " ".join([self._act, *tenths])

    def gated(self) -> str:
        """A command that lives until `open`."""
        return f"{self._act} gate"

    def open(self) -> None:
        """Let all through."""
        (self.folder / "gate").touch()

    def begun(self) -> set[str]:
        """Tasks that began."""
        return {life.task for life in self.lives()}

    def lives(self, task: str | None = None) -> list[Life]:
        """All attempts, or those of one task, in the order in which they began."""
        times = {entry.name: entry.stat().st_ctime for entry in os.scandir(self.folder)}
        found = []
        for name, start in times.items():
            stem, dot, kind = name.rpartition(".")
            if dot and kind == "start":
                identity, attempt, node, worker = stem.rsplit(".", 3)
                last = max(start, times.get(f"{stem}.life", 0), times.get(f"{stem}.end", 0))
                identity = identity.replace("%", "/")
                found.append(Life(identity, int(attempt), node, worker, start, last, f"{stem}.end" in times))
        return sorted(
            (life for life in found if task in (None, life.task)), key=lambda life: (life.start, life.attempt)
        )

    def marks(self, kind: str) -> dict[str, list[float]]:
        """Moments at which somebody on a node made KIND.NODE.NUMBER in this folder, by node."""
        found: dict[str, list[float]] = {}
        for entry in os.scandir(self.folder):
            if entry.name.startswith(f"{kind}."):
                found.setdefault(entry.name.split(".")[1], []).append(entry.stat().st_ctime)
        return found

    def ended(self) -> set[str]:
        """Tasks that came to their end."""
        return {life.task for life in self.lives() if life.ended}

    def margins(self) -> list[float]:
        """Seconds between the last sign of life of an attempt and the start of the next of that task."""
        found, before = [], dict[str, Life]()
        for life in self.lives():
            if life.task in before:
                found.append(life.start - before[life.task].last)
            before[life.task] = max(before.get(life.task, life), life, key=lambda each: each.last)
        return found

    def assert_never_together(self) -> None:
        """At no time two attempts of one task were alive."""
        assert all(margin > 0 for margin in self.margins()), self.lives()

    def assert_each_once(self, names: Iterable[str]) -> None:
        """Each of these, and nothing else, began once and came to its end."""
        begun = Counter(life.task for life in self.lives())
        assert begun == Counter(dict.fromkeys(names, 1))
        assert self.ended() == set(begun)
