"""What a worker takes: files from todo/, and what else lies in its own folder (section 7, Claim; R1 to R3).

The rule: the own folder decides.  Which file a listing of todo/ shows is left open: a rename of something that is no
longer there does nothing, so an old listing adds no behaviour.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.model.calls import call
from tests.model.chain import of_claim
from tests.model.death import is_dead
from tests.model.server import Op
from tests.model.setup import Model, Step, wid_of, with_worker
from tests.model.world import CLAIMABLE, File, World, at, fresh_claim, is_running


def may_claim(model: Model, slot: int) -> bool:
    """A leader with no slots claims nothing."""
    return not (model.bounds.leader and slot == 0)


def is_mine(world: World, slot: int, file: File) -> bool:
    """A name outside of my folder that carries a claim of mine."""
    wid = wid_of(world, slot)
    return file.claim is not None and file.claim[0] == wid and not (is_running(file.place) and file.place == wid)


def claims(model: Model, world: World, slot: int) -> Iterator[tuple[File, Op]]:
    """Every rename of a file in todo/ to a claim of mine."""
    wid = wid_of(world, slot)
    mine = fresh_claim(world, wid)
    for file in world.files:
        if file.place in CLAIMABLE and (file.claim is None or not model.has("R3")):
            yield file, ("mv", file[:4], (wid, file.name, file.tag, mine))


def claim(model: Model, world: World, slot: int) -> Iterator[Step]:
    """Claim a file; what the own folder lists afterwards is mine (R1)."""
    if not may_claim(model, slot):
        return
    for file, op in claims(model, world, slot):

        def look(world: World, target: tuple = op[2]) -> World:
            came = at(world.files, target)
            return with_worker(world, slot, pc="held", file=came) if came else world

        yield from call(model, world, ("{} claims {}", wid_of(world, slot), file), op, look, lambda world: world)


def with_seen(world: World) -> World:
    """Which claims their owners have seen in their folders: what came late and was taken away at once is none of these."""
    hands = {each.file.claim for each in world.workers if each.file}
    texts = (file.text for file in world.files if file.claim and (file.text in world.seen or file.claim in hands))
    return world._replace(seen=frozenset(texts))


def reconcile(model: Model, world: World, slot: int) -> Iterator[Step]:
    """R2: what lies in the own folder and memory does not know: a late claim, or a person's gift."""
    wid = wid_of(world, slot)
    for file in world.files:
        if file.place != wid:
            continue
        if file.claim and file.claim[0] != wid and not is_dead(model, world, slot, file.claim[0]):
            continue  # its owner lives: it kills first and then strips the name
        record = of_claim(model, world, file) if file.claim else None
        if record is not None and record.st == "x":
            mine = with_worker(world, slot, pc="pub", file=file, out=record.next)
            yield ("{} finds {} in its folder, whose attempt has ended", wid, file), mine, False, ""
            continue
        target = (wid, file.name, file.tag, fresh_claim(world, wid))

        def look(world: World, target: tuple = target) -> World:
            came = at(world.files, target)
            return with_worker(world, slot, pc="held", file=came) if came else world

        yield from call(
            model, world, ("{} finds {} in its folder, adopts it", wid, file), ("mv", file[:4], target), look
        )
