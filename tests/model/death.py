"""Who is dead, as section 9 lets one worker know it of another.

The rule: time is not counted.  What the page promises of times enters as an order: a heart that stands still is found
silent only after the guard had the time to kill (section 10), a partition shorter than that is found by nobody.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.model.setup import Model, Step
from tests.model.world import Wid, World


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
    """Same host name, machine-id and boot."""
    return slot == wid[0] or model.bounds.hosts == "same"


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
    """Steps in which a death becomes known."""
    for wid in born(world):
        words = {word for other, word in world.marks if other == wid}
        if words & {"dead", "touched"}:
            continue
        if "silent" not in words and may_be_silent(model, world, wid):
            yield ("{} has been silent for a lease", wid), mark(world, wid, "silent"), False, ""
        if "local" not in words:
            yield from _local(model, world, wid)


def may_be_silent(model: Model, world: World, wid: Wid) -> bool:
    """Whether a heart can have stood still for a whole lease."""
    status, guard = state_of(world, wid)
    if status == "up":
        return False
    if not model.has("self-fence") or not model.has("kill-all"):
        return True
    if model.bounds.hosts == "same" and model.has("kill-left") and living_commands(world, wid):
        return False  # a neighbour on the machine kills them long before
    if status == "off" or not guard:
        # A worker that lost its guard and is cut off has had its SIGTERM: it has killed long before a lease is over.
        return status != "cut" or not model.has("pdeathsig") or not living_commands(world, wid)
    return False  # its guard is still at work, and has less than a lease to do it


def _local(model: Model, world: World, wid: Wid) -> Iterator[Step]:
    """Rule 2, by a worker of the same machine: process and guard are gone; what carries its claim is killed first."""
    status, guard = state_of(world, wid)
    finders = [s for s, w in enumerate(world.workers) if w.status == "up" and (s, w.inc) != wid]
    if model.bounds.hosts == "clones":
        yield from _other_boot(model, world, wid, status, bool(finders))
    if (wid, "power") in world.marks:
        return  # its machine has another boot id since: that proves nothing, only the lease does
    if status not in ("gone", "off") or (guard and model.has("guard-proof")):
        return
    if status == "off" and guard and (wid, "dead") not in world.marks and model.has("guard-proof"):
        return
    if any(same_host(model, s, wid) for s in finders):
        procs = world.procs
        if model.has("kill-left") and not model.bounds.hidden:
            procs = procs - living_commands(world, wid)
        known = mark(world._replace(procs=procs), wid, "local")
        yield ("{} is proven dead on its own machine: its processes are gone", wid), known, False, ""


def _other_boot(model: Model, world: World, wid: Wid, status: str, found: bool) -> Iterator[Step]:
    """Only with a rule away: the finder takes the clone for the past of its own machine, at once or after 2 H of silence."""
    still = status != "up" and not model.has("boot-still")  # 2 H are less than the guard needs to fence
    if found and (still or not model.has("boot-no-proof")) and (wid, "silent") not in world.marks:
        label = ("{} is taken for dead by a clone of its machine: another boot id", wid)
        yield label, mark(world, wid, "silent"), False, ""


def mark(world: World, wid: Wid, word: str) -> World:
    """The world in which something is known of a WID."""
    return world._replace(marks=world.marks | {(wid, word)})
