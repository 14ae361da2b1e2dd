"""Rule 2 of section 9, one condition after the other: a worker is proven dead by a neighbour on its machine.

The rule: a neighbour knows what its own /proc and the lock file show, and no more.  That it sees no process proves
something only where it would see one; each condition that asks for this is a word of rules.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.model.death import born, living_commands, mark, same_host, state_of
from tests.model.setup import Model, Step
from tests.model.world import Wid, World


def proofs(model: Model, world: World) -> Iterator[Step]:
    """Steps in which a neighbour finds a worker dead."""
    for wid in born(world):
        words = {word for other, word in world.marks if other == wid}
        finders = [s for s, w in enumerate(world.workers) if w.status == "up" and (s, w.inc) != wid]
        if words & {"dead", "touched"} or not finders:
            continue
        if "local" in words:
            yield from _die_late(model, world, wid)
            continue
        if model.bounds.hosts == "clones":
            yield from _other_boot(model, world, wid)
        if "power" not in words:  # else its machine has another boot id since: that proves nothing, only the lease does
            yield from _local(model, world, wid, finders)


def _local(model: Model, world: World, wid: Wid, finders: list[int]) -> Iterator[Step]:
    """Process and guard are gone, the lock is free; what carries its claim is killed, and the next look finds nothing."""
    for slot in finders:
        if (
            not same_host(model, slot, wid)
            or _is_hidden(model, slot, wid)
            or _is_there(model, world, slot, wid)
            or not _lock_is_free(model, world, wid)
        ):
            continue
        procs = world.procs
        if _kills_left(model, slot, wid) and model.has("look-again"):
            procs = procs - living_commands(world, wid)
        known = mark(world._replace(procs=procs), wid, "local")
        yield ("{} is proven dead on its own machine: its processes are gone", wid), known, False, ""


def _sees(model: Model, slot: int, wid: Wid) -> bool:
    """Whether /proc shows this finder the other's processes at all."""
    return slot == wid[0] or (model.bounds.hosts == "same" and not model.bounds.unseen)


def _is_hidden(model: Model, slot: int, wid: Wid) -> bool:
    """Whether the finder knows that its /proc does not show the other's processes: it proves nothing then."""
    return bool(model.bounds.unseen) and slot != wid[0] and model.has("hidden-user")


def _is_there(model: Model, world: World, slot: int, wid: Wid) -> bool:
    if not _sees(model, slot, wid):
        return False
    status, guard = state_of(world, wid)
    if status in ("up", "cut") and model.has("worker-proof"):
        return True
    return (guard and model.has("guard-proof")) or _is_mistaken(model, world, wid)


def _is_mistaken(model: Model, world: World, wid: Wid) -> bool:
    """Only without `start-time`: somebody else's process has the number, and is taken for the dead worker."""
    return not model.has("start-time") and (wid, "reused") in world.marks


def _lock_is_free(model: Model, world: World, wid: Wid) -> bool:
    """The kernel lets go of a dead process's lock; a living one that was cut off has lost it (v4)."""
    is_held = state_of(world, wid)[0] in ("up", "cut") and (wid, "unlocked") not in world.marks
    return not is_held or not model.has("lock-free")


def _kills_left(model: Model, slot: int, wid: Wid) -> bool:
    return model.has("kill-left") and not model.bounds.hidden and _sees(model, slot, wid)


def _die_late(model: Model, world: World, wid: Wid) -> Iterator[Step]:
    """Only without `look-again`: what was killed needs a while to die (a call that hangs)."""
    left = living_commands(world, wid)
    if left and model.has("kill-left") and not model.has("look-again"):
        yield ("what {} had left dies at last", wid), world._replace(procs=world.procs - left), False, ""


def _other_boot(model: Model, world: World, wid: Wid) -> Iterator[Step]:
    """Only with a rule away: the finder takes the clone for the past of its own machine, at once or after 2 H of silence."""
    still = state_of(world, wid)[0] != "up" and not model.has(
        "boot-still"
    )  # 2 H are less than the guard needs to fence
    if (still or not model.has("boot-no-proof")) and (wid, "silent") not in world.marks:
        label = ("{} is taken for dead by a clone of its machine: another boot id", wid)
        yield label, mark(world, wid, "silent"), False, ""
