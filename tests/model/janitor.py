"""What living workers do for others: take-over, stripping of claims, due tasks (section 11; safety needs no leader).

The rule: what is done does not depend on who does it, so only the first worker that may is tried.  The fence mark and
the rename after it are one step: a mark alone says nothing that was not proven before.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.model.calls import call
from tests.model.chain import of_claim
from tests.model.claims import is_mine
from tests.model.death import is_dead, mark
from tests.model.dependencies import sweep
from tests.model.server import target_of
from tests.model.setup import Model, Step, wid_of
from tests.model.world import CLAIMABLE, FINISHED, Decision, File, Path, World, at, counts, fresh_token, is_running

HELD_PLACES = ("todo", "lane", "hold", "failed", "done")


def steps(model: Model, world: World) -> Iterator[Step]:
    """Everything that anybody may do for others."""
    living = [s for s, w in enumerate(world.workers) if w.status == "up" and (w.guard or not model.has("pdeathsig"))]
    for file in world.files:
        if is_running(file.place):
            yield from _take_over(model, world, living, file)
        if file.claim and file.place != file.claim[0]:
            yield from _strip(model, world, living, file)
        if file.place == "waiting" and living:
            target = target_of(model, world, file, ("todo", *counts(file.tag)))
            yield from call(model, world, ("{} is due: to {}", file, target), ("mv", file[:4], target), _same)
    if living:
        yield from sweep(model, world)
    if not model.has("resweep"):
        yield from _sweep_once(model, world, living)


def _same(world: World) -> World:
    return world


def _take_over(model: Model, world: World, living: list[int], file: File) -> Iterator[Step]:
    wid = file.place
    if (wid, "swept") in world.marks or (
        file.claim and file.claim[0] != wid and not _owner_is_dead(model, world, file)
    ):
        return
    for slot in living:
        if is_dead(model, world, slot, wid):
            target = target_of(model, world, file, verdict(model, world, file))
            label = ("{} takes over {} of {}: to {}", wid_of(world, slot), file, wid, target)
            fenced = mark(world, wid, "fenced")
            yield from call(model, fenced, label, ("mv", file[:4], target), _same)
            return


def _owner_is_dead(model: Model, world: World, file: File) -> bool:
    return any(w.status == "up" and is_dead(model, world, s, file.claim[0]) for s, w in enumerate(world.workers))


def verdict(model: Model, world: World, file: File) -> Decision:
    """Read the record of that very claim: its end says where to; without an end the attempt was lost."""
    failures, losses = counts(file.tag)
    record = of_claim(model, world, file) if file.claim else None
    if record is None and model.has("count"):
        return ("todo", failures, losses)
    if record is not None and record.st == "x" and model.has("read-record"):
        return record.next or ("nothing",)
    if losses + 1 >= model.bounds.max_lost:
        return ("failed", "lost")
    return ("todo", failures, losses + 1)


def _sweep_once(model: Model, world: World, living: list[int]) -> Iterator[Step]:
    """The rule `resweep` taken away: a dead worker's folder that was empty once is never looked at again."""
    for slot, worker in enumerate(world.workers):
        wid = (slot, worker.inc)
        known = any(is_dead(model, world, s, wid) for s in living)
        if known and (wid, "swept") not in world.marks and not any(f.place == wid for f in world.files):
            yield ("running/{} is empty and never looked at again", wid), mark(world, wid, "swept"), False, ""


# -- names with a claim, outside of its owner's folder -----------------------------------------------------------------


def _strip(model: Model, world: World, living: list[int], file: File) -> Iterator[Step]:
    """The claim comes off a name when its owner has let go or is dead."""
    places = HELD_PLACES if model.has("strip-all") else ("todo", "lane", "hold")
    if file.place not in places and not is_running(file.place):
        return
    for slot in living:
        owner = file.claim[0]
        if is_mine(world, slot, file):
            yield from _strip_mine(model, world, slot, file)
            return
        if is_dead(model, world, slot, owner):
            label = ("{} strips {} of the dead: to {}", wid_of(world, slot), file)
            yield _move(model, _allowed(world, file), label, file, _bare(model, world, file))
            return


def _strip_mine(model: Model, world: World, slot: int, file: File) -> Iterator[Step]:
    """A copy of what I hold or have ended is parked; what was taken away is stripped once nothing of it runs."""
    wid, mine = wid_of(world, slot), world.workers[slot].file
    has_original = at(world.files, (wid, file.name, file.tag, file.claim)) is not None
    record = of_claim(model, world, file)
    ended = record is not None and record.st == "x" and record.next not in (("nothing",), ())
    if file.place in ("todo", "lane") and (has_original or ended):
        token = fresh_token(world) if model.has("tokens") else 0
        target = ("hold", file.name, ("duplicate", token), None)
        yield _move(model, world, ("{} parks {}, a copy: to {}", wid, file), file, target)
    elif (mine is None or mine.claim != file.claim) and _is_looked_for(model, world, file, is_published=ended):
        yield _move(model, _allowed(world, file), ("{} strips {}: to {}", wid, file), file, _bare(model, world, file))


def _is_looked_for(model: Model, world: World, file: File, *, is_published: bool) -> bool:
    """Of names outside of todo/ a worker looks for what it missed; the leader looks in hold/ for what has ended (xxxiii)."""
    if file.place in CLAIMABLE:
        return True
    if file.place == "hold" and is_published and not model.has("strip-ended"):
        return False  # its owner published the original and missed nothing
    return model.has("claim-looked") or file.text in world.seen


def _allowed(world: World, file: File) -> World:
    """A copy that its owner could not know as one any more is a file like any other, and may run."""
    return world._replace(fin=world.fin - {file.text}) if file.text.endswith("c") else world


def _bare(model: Model, world: World, file: File) -> Path:
    """A return like any other: with counts and a fresh token, never the plain name."""
    if file.place in FINISHED:
        reason = target_of(model, world, file, ("failed", "cancelled"))
        return (file.place, *reason[1:])
    if not model.has("strip-token"):
        return (file.place, file.name, file.tag, None)
    bare = target_of(model, world, file, ("todo", *counts(file.tag)))
    return (file.place, *bare[1:])


def _move(model: Model, world: World, label: tuple, file: File, target: Path) -> Step:
    return next(call(model, world, (*label, target), ("mv", file[:4], target), _same))
