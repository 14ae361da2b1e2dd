"""`prune`: remove an old finished task with its records (sections 5.3 and 16, decisions iii and ix).

The rule: lock the name by making the next record; look into every folder; remove the file, then the records from 1
upwards, its own last.  What it takes for finished and old is what it saw when it began (`pick`).
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.model.setup import Model, Step
from tests.model.world import Claim, Pruner, Record, World, at, record_of

#: The order in which the folders are listed; a task may move between two listings.
LISTINGS = (("todo", "lane"), ("waiting",), ("hold",), ("running",), ("done", "failed"))


def steps(model: Model, world: World) -> Iterator[Step]:
    """The next step of prune, and its death."""
    me = world.pruner
    if me.pc == "idle":
        if model.can(world, "prune"):
            yield from _pick(model, world)
        return
    if me.pc == "over":
        return
    if model.can(world, "pcrash"):
        yield ("prune is KILLED",), model.spend(world, "pcrash", pruner=Pruner("over")), True, ""
    match me.pc:
        case "lock":
            yield from _lock(model, world)
        case "made":
            yield from _look_back(model, world)
        case "look":
            yield from _look(model, world)
        case "file":
            yield from _remove_file(model, world)
        case "records":
            yield from _remove_record(model, world)


def _pick(model: Model, world: World) -> Iterator[Step]:
    for file in world.files:
        if file.place in ("done", "failed") and file.claim is None:
            pc = "lock" if model.has("prune-lock") else "look"
            picked = model.spend(world, "prune", pruner=Pruner(pc, file[:4], file.text))
            yield ("PRUNE picks {}, which is old", file), picked, True, ""


def _over(world: World, why: str) -> Step:
    return (f"prune lets go: {why}",), world._replace(pruner=Pruner("over")), False, ""


def _let_go(world: World, why: str) -> Step:
    me = world.pruner
    own = record_of(world, me.path[1], me.n)
    records = (
        world.records - {own} | {own._replace(st="x", next=("nothing",))} if own and own.st == "p" else world.records
    )
    return _over(world._replace(records=records), why)


def is_dead(model: Model, world: World, claim: Claim) -> bool:
    """Rule 1 only: prune proves nothing about processes."""
    wid = claim[0]
    if (wid, "dead") in world.marks or (wid, "touched") in world.marks:
        return True
    return not model.has("prune-fresh") and wid in world.pruner.born


def _lock(model: Model, world: World) -> Iterator[Step]:
    """Walk the chain up from 1; make the first record that is not there."""
    me, n = world.pruner, 1
    while (record := record_of(world, me.path[1], n)) is not None:
        if record.st in "ep" or (record.st == "b" and not is_dead(model, world, record.claim)):
            yield _over(world, f"record {n} is alive")
            return
        n += 1
    own = Record(me.path[1], n, None, "p", "")
    locked = world._replace(records=world.records | {own}, pruner=me._replace(pc="made", n=n))
    yield ("prune makes record {}", n), locked, False, ""


def _look_back(model: Model, world: World) -> Iterator[Step]:
    me = world.pruner
    if me.n > 1 and model.has("look-back") and record_of(world, me.path[1], me.n - 1) is None:
        yield _let_go(world, "the record before is gone")
    else:
        yield ("prune looks back",), world._replace(pruner=me._replace(pc="look")), False, ""


def _look(model: Model, world: World) -> Iterator[Step]:
    """List one folder after the other: the name must lie nowhere but in the finished file."""
    me = world.pruner
    places = LISTINGS[me.looked]
    for file in world.files:
        place = file.place if isinstance(file.place, str) else "running"
        if file.name == me.path[1] and place in places and file[:4] != me.path:
            yield _let_go(world, f"the name lies in {place}/ too")
            return
    last = me.looked + 1 == len(LISTINGS)
    seen = me._replace(looked=me.looked + 1, pc="file" if last else "look")
    yield ("prune has listed " + " and ".join(places),), world._replace(pruner=seen), False, ""


def _remove_file(model: Model, world: World) -> Iterator[Step]:
    me, file = world.pruner, at(world.files, world.pruner.path)
    if file is None:
        yield _let_go(world, "somebody moved the file meanwhile")
        return
    if file.text != me.text and model.has("prune-recheck"):
        yield _let_go(world, "a younger file lies there now")
        return
    problem = "" if file.text == me.text else f"I4 nothing that is still wanted is removed: {file.text} had just ended"
    removed = world._replace(files=world.files - {file}, gone=world.gone | {file.text})
    yield ("prune removes {}", file), removed._replace(pruner=me._replace(pc="records")), False, problem


def _remove_record(model: Model, world: World) -> Iterator[Step]:
    """One record at a time, each once, from 1 upwards; without `prune-order` from its own downwards."""
    me = world.pruner
    upwards = model.has("prune-order")
    mine = [r.n for r in world.records if r.name == me.path[1] and (r.n <= me.n or not me.n)]
    left = sorted((n for n in mine if not me.done or (n > me.done if upwards else n < me.done)), reverse=not upwards)
    if not left:
        yield _over(world, "nothing is left")
        return
    rest = world._replace(records=world.records - {record_of(world, me.path[1], left[0])})
    pruner = Pruner("over") if len(left) == 1 else me._replace(done=left[0])
    yield ("prune removes record {}", left[0]), rest._replace(pruner=pruner), False, ""
