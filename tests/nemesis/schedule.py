"""A seed makes a schedule: what happens when, to which node, for how long.  Pure.

The rule: the same seed, ground and length give the same schedule; what a fault then meets (which task runs) is the
machine's.  Faults fall on different nodes at the same time and on top of server faults, but what the promise excludes is
not scheduled: nobody kills a guard on a node that cannot reach its share, or is about not to.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass

#: kind -> (weight, does it last).  Kinds of one node; the ground says which it can do.
NODE_FAULTS: Mapping[str, tuple[float, bool]] = {
    "kill-worker": (40, False),
    "kill-guard": (12, False),
    "kill-both": (8, False),
    "kill-task": (20, False),
    "stop-worker": (6, False),  # TERM: drains
    "stop-worker-now": (6, False),  # TERM twice: its tasks are given back
    "drain-worker": (3, False),  # by the command
    "freeze-worker": (5, True),
    "freeze-guard": (3, True),
    "freeze-both": (5, True),
    "freeze-node": (4, True),
    "power-loss": (5, True),
    "cut": (5, True),
    "cut-replies": (5, True),
    "hang-share": (4, True),
    "clock-step": (4, True),
}
SPOOL_FAULTS: Mapping[str, tuple[float, bool]] = {
    "pause-file": (1, True),
    "server-restart": (5, False),
    "server-power-loss": (3, True),
    "server-freeze": (4, True),
    "disk-full": (2, True),
    "read-only": (2, True),
}
#: While these last a node may not reach its share: no guard is killed there.
HANGS = frozenset({"cut", "cut-replies", "hang-share", "server-freeze", "server-power-loss", "server-restart"})
GUARD_KILLS = frozenset({"kill-guard", "kill-both"})
CALM = 3.0  #: seconds in which a share that hung gets going again
BARE = 8.0  #: seconds in which a node that lost a guard is left alone: by then somebody else there has cleaned up
SHORT = frozenset({"pause-file", "server-power-loss"})  #: never longer than 5 s: they stop all work


@dataclass(frozen=True, slots=True)
class Step:
    """One fault: `node` 0 is the server or the spool; `chance` picks among what is there then."""

    at: float
    kind: str
    node: int
    seconds: float
    chance: float

    def __str__(self) -> str:
        lasting = f" for {self.seconds:.1f} s" if self.seconds else ""
        return f"{self.at:7.1f}  {self.kind}{f' n{self.node}' if self.node else ''}{lasting}"


@dataclass(frozen=True, slots=True)
class Weather:
    """How rough it is."""

    seconds: float
    nodes: int
    every: float  #: mean seconds between two faults
    longest: float  #: seconds of the longest freeze or partition


def schedule(seed: int, weather: Weather, possible: Collection[str]) -> list[Step]:
    """The steps in order."""
    chance = random.Random(seed)
    busy = dict.fromkeys(range(weather.nodes + 1), 0.0)
    hung = dict.fromkeys(range(weather.nodes + 1), 0.0)
    bare = 0.0  #: until then a node may be without a guard
    steps: list[Step] = []
    at = 0.0
    while True:
        at += chance.expovariate(1 / weather.every)
        if at > weather.seconds:
            return steps
        step = _step(chance, at, weather, possible)
        if busy[step.node] > at or (step.kind in GUARD_KILLS and max(hung[0], hung[step.node]) > at):
            continue
        if step.kind in HANGS and step.node == 0 and bare > at:
            continue
        steps.append(step)
        busy[step.node] = at + step.seconds + (BARE if step.kind in GUARD_KILLS else 0)
        bare = max(bare, at + BARE) if step.kind in GUARD_KILLS else bare
        if step.kind in HANGS:
            hung[step.node] = at + step.seconds + CALM


def _step(chance: random.Random, at: float, weather: Weather, possible: Collection[str]) -> Step:
    kinds = {kind: what for kind, what in {**NODE_FAULTS, **SPOOL_FAULTS}.items() if kind in possible}
    kind = chance.choices(list(kinds), [weight for weight, _ in kinds.values()])[0]
    node = chance.randint(1, weather.nodes) if kind in NODE_FAULTS else 0
    longest = min(weather.longest, 5.0) if kind in SHORT else weather.longest
    seconds = math.exp(chance.uniform(0, math.log(longest))) if kinds[kind][1] else 0.0
    return Step(at, kind, node, seconds, chance.random())
