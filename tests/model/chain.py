"""The chain of records: when is a name free, and which number comes next (section 7, Start)."""

from __future__ import annotations

from tests.model.death import is_dead
from tests.model.setup import Model
from tests.model.world import Claim, File, Record, World, counts, is_running, record_of

NONE, OVER, BUSY = "none", "over", "busy"


def begin(model: Model, world: World, slot: int, file: File) -> tuple[int, tuple]:
    """(N to be made or 0 when an attempt is alive, what to remember anew of a record that names nobody)."""
    n = sum(counts(file.tag)) + 1
    while n > 1 and model.has("sequence"):
        before, mute = judge(model, world, slot, file, n - 1)
        if before == BUSY:
            return 0, mute
        if before == OVER:
            break
        n = 1  # people delete logs: from the first on
    while True:
        found, mute = judge(model, world, slot, file, n)
        if found == NONE:
            return n, ()
        if found == BUSY:
            return 0, mute
        n += 1


def first(model: Model, world: World, slot: int, file: File) -> tuple[int, tuple]:
    """The first N to be tried, where the walk is made step by step; 0 when the record before it is alive."""
    n = sum(counts(file.tag)) + 1
    if n > 1 and model.has("sequence"):
        before, mute = judge(model, world, slot, file, n - 1)
        return (0, mute) if before == BUSY else (n if before == OVER else 1, ())
    return n, ()


def judge(model: Model, world: World, slot: int, file: File, n: int) -> tuple[str, tuple]:
    """Is record n of this file's name not there, over, or alive?  And the memory of a mute one."""
    record = record_of(world, file.name, n)
    if record is None:
        return NONE, ()
    if record.st == "x":
        return OVER, ()
    if record.st == "b":
        return (OVER if _is_over(model, world, slot, record) else BUSY), ()
    return _mute(model, world, slot, file, record)


def _is_over(model: Model, world: World, slot: int, record: Record) -> bool:
    if model.has("alive"):
        return is_dead(model, world, slot, record.claim[0])
    return not any(f.claim == record.claim and f.place == record.claim[0] for f in world.files)


def _mute(model: Model, world: World, slot: int, file: File, record: Record) -> tuple[str, tuple]:
    """A record that names no writer: unchanged for a lease, and no claim from before is held any more."""
    if not model.has("mute"):
        return OVER, ()
    holders = holding(model, world, slot, file)
    first_look = next((held for name, n, held in world.workers[slot].mute if (name, n) == record[:2]), None)
    if first_look is None:
        return BUSY, ((record.name, record.n, holders),)
    # Without `mute-any`, the first design: no file of that name lies in a living worker's folder.
    before = holders if not model.has("mute-any") else first_look & holders if model.has("mute-claims") else frozenset()
    held = bool(before)
    return (OVER if not held and rested(model, world, record) else BUSY), ()


def holding(model: Model, world: World, slot: int, file: File) -> frozenset[Claim]:
    """Claims of living workers, other than this file's, that hold a file of that name."""
    return frozenset(
        other.claim
        for other in world.files
        if is_running(other.place) and other.name == file.name and other.claim and other.claim != file.claim
        if not is_dead(model, world, slot, other.claim[0])
    )


def rested(model: Model, world: World, record: Record) -> bool:
    """Can it have been unchanged for a lease?  Its maker signs in the same turn, or its guard kills it before that."""
    if not model.has("mute-lease"):
        return True
    if record.st == "p":
        return (world.pruner.path[1:2], world.pruner.n) != ((record.name,), record.n)
    if not model.has("one-turn") or record.claim is None:
        return True
    slot, inc = record.claim[0]
    maker = world.workers[slot]
    at_it = maker.inc == inc and maker.pc == "made" and maker.n == record.n and maker.file.claim == record.claim
    return not (at_it and maker.status in ("up", "cut"))


def of_claim(model: Model, world: World, file: File) -> Record | None:
    """The record that this very claim wrote, found by walking as the worker walked.

    Where nothing is ever pruned it lies in an unbroken chain, and the walk may begin at 1 (normal.py renumbers).
    """
    n = sum(counts(file.tag)) + 1
    if not model.bounds.prune or (n > 1 and record_of(world, file.name, n - 1) is None):
        n = 1
    while (record := record_of(world, file.name, n)) is not None:
        if record.st in "bx" and record.claim == file.claim:
            return record
        n += 1
    return None
