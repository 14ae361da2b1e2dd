"""Who is dead, as section 9 lets one worker know it of another.

The rule: time is not counted.  What the page promises of times enters as an order: a heart that stands still is found
silent only after the guard had the time to kill (section 10), a partition shorter than that is found by nobody.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.model.setup import Model, Step
from tests.model.world import Wid, World

FACTS = ("machine", "boot", "namespace")
#: hosts -> which of these facts two workers have in common.  The first pid namespace of every kernel has one number.
SHARED = {
    "apart": {"namespace"},
    "same": set(FACTS),
    "clones": {"machine", "namespace"},
    "containers": {"machine", "boot"},
}


def is_dead(model: Model, world: World, slot: int, wid: Wid) -> bool:
    """What the worker in `slot` may know of `wid`."""
    if wid == (slot, world.workers[slot].inc):
        return False
    words = {word for other, word in world.marks if other == wid}
    if not words:
        return False
    if words & {"dead", "touched"}:
        return True  # rule 1
    if "fenced" in words and model.has("fence-proof"):
        return True
    if "silent" in words and watches(model, slot, wid):
        return True  # rule 3
    if "local" in words and same_host(model, slot, wid):
        return True  # rule 2
    return f"unknown to {slot}" in words or ("unlisted" in words and not model.has("lock-known"))


def watches(model: Model, slot: int, wid: Wid) -> bool:
    """With many workers the leader watches everybody, the others the leader."""
    return not model.bounds.leader or slot == 0 or wid[0] == 0


def same_host(model: Model, slot: int, wid: Wid) -> bool:
    """Same host name and machine-id, same boot id, same pid namespace."""
    shared = SHARED[model.bounds.hosts]
    return slot == wid[0] or all(fact in shared or not model.has(f"same-{fact}") for fact in FACTS)


def state_of(world: World, wid: Wid) -> tuple[str, bool]:
    """(status, does its guard live) of an incarnation; an older one than the present is off."""
    worker = world.workers[wid[0]]
    return (worker.status, worker.guard) if worker.inc == wid[1] else ("off", False)


def living_commands(world: World, wid: Wid) -> frozenset[tuple]:
    """Commands of one worker that run."""
    return frozenset(proc for proc in world.procs if proc[2][0] == wid)


def born(world: World) -> Iterator[Wid]:
    """Every incarnation that there was."""
    for slot, worker in enumerate(world.workers):
        yield from ((slot, inc) for inc in range(worker.inc + 1))


def proofs(model: Model, world: World) -> Iterator[Step]:
    """Steps in which a heart is found to stand still; what neighbours prove is in neighbours.py."""
    for wid in born(world):
        words = {word for other, word in world.marks if other == wid}
        if words & {"dead", "touched"}:
            continue
        if "silent" not in words and may_be_silent(model, world, wid):
            yield ("{} has been silent for a lease", wid), mark(world, wid, "silent"), False, ""


def may_be_silent(model: Model, world: World, wid: Wid) -> bool:
    """Whether a heart can have stood still for a whole lease."""
    status, guard = state_of(world, wid)
    if status == "up":
        return False
    if not model.has("self-fence") or not model.has("kill-all"):
        return True
    is_known = model.has("start-time") or (wid, "reused") not in world.marks
    if model.bounds.hosts == "same" and is_known and model.has("kill-left") and living_commands(world, wid):
        return False  # a neighbour on the machine kills them long before
    if status == "off" or not guard:
        # A worker that lost its guard and is cut off has had its SIGTERM: it has killed long before a lease is over.
        return status != "cut" or not model.has("pdeathsig") or not living_commands(world, wid)
    return False  # its guard is still at work, and has less than a lease to do it


def mark(world: World, wid: Wid, word: str) -> World:
    """The world in which something is known of a WID."""
    return world._replace(marks=world.marks | {(wid, word)})
