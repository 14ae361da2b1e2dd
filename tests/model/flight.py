"""Calls that may be on the wire when a worker is killed or cut off.

The rule: the call of the step that the worker would take next, and no other: it makes one call at a time.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.model.chain import begin
from tests.model.claims import claims, may_claim
from tests.model.dependencies import ask, decide, wakes
from tests.model.server import Op, target_of
from tests.model.setup import Model
from tests.model.worker import next_of
from tests.model.world import World, at


def in_flight(model: Model, world: World, slot: int) -> Iterator[Op]:
    """Calls that may be on the wire when the worker is killed or cut off just now."""
    me = world.workers[slot]
    match me.pc:
        case "idle" if may_claim(model, slot):
            yield from (op for _, op in claims(model, world, slot))
        case "held" if not model.splits and _is_judged(model, world, slot):
            n, _ = begin(model, world, slot, me.file)
            if n:
                yield ("make", me.file.name, n, me.file.claim, me.file.text)
        case "found":
            yield ("make", me.file.name, me.n, me.file.claim, me.file.text)
        case "made":
            yield ("sign", me.file.name, me.n, me.file.claim)
        case "run":
            for out in ("done", "fail"):
                yield ("end", me.file.name, me.n, me.file.claim, next_of(model, me.file, out))
        case "pub" if at(world.files, me.file[:4]):
            yield ("mv", me.file[:4], target_of(model, world, me.file, me.out))
        case "look":
            yield from (op for _, op in wakes(model, world, *me.out))


def _is_judged(model: Model, world: World, slot: int) -> bool:
    """Whether a claimed file has no more to be asked about it, and needs a record."""
    decision = decide(model, world, world.workers[slot].file)
    return not any(ask(model, world, slot)) and decision[:1] in ((), ("failed",))
