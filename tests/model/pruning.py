"""`prune`: remove an old finished task with its records (sections 5.3 and 16: iii, xxi, xxii, xxiii).

The rule: lock the name by making the next record; look into every folder; remove the file, then the records from 1
upwards, its own last.  What it takes for finished and old is what it saw when it began (`pick`).  One runs at a time; the
next one ends what a killed one began.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.model.bounds import INDEX
from tests.model.chain import rested
from tests.model.setup import Model, Step
from tests.model.world import FINISHED, Claim, Path, Pruner, Record, World, at, is_running, record_of

#: The order in which the folders are listed; a task may move between two listings.
LISTINGS = (("todo", "lane"), ("waiting",), ("hold",), ("running",), ("done", "failed"))


def steps(model: Model, world: World) -> Iterator[Step]:
    """The next step of prune, and its death."""
    me = world.pruner
    if me.pc in ("idle", "over"):
        if model.can(world, "prune"):
            yield from _pick(model, world)
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
        if file.place in FINISHED and file.claim is None:
            yield ("PRUNE picks {}, which is old", file), _picked(model, world, file[:4], file.text), True, ""
    if model.has("prune-resume"):
        there = {file.name for file in world.files if file.place != "tmp"}
        for name in {record.name for record in world.records if record.st == "p"} - there:
            picked = _picked(model, world, ("", name, (), None), "")
            yield (f"PRUNE picks {name}, which a killed one had begun to remove",), picked, True, ""


def _picked(model: Model, world: World, path: Path, text: str) -> World:
    seen = frozenset(record.n for record in world.records if record.name == path[1])
    pc = "lock" if model.has("prune-lock") else "look"
    return model.spend(world, "prune", pruner=Pruner(pc, path, text, seen=seen))


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
    """Rule 1, and the fence mark: prune proves nothing about processes."""
    wid = claim[0]
    words = ("dead", "touched", "fenced") if model.has("fence-proof") else ("dead", "touched")
    if any((wid, word) in world.marks for word in words):
        return True
    return not model.has("prune-fresh") and wid in world.pruner.born


def _is_over(model: Model, world: World, record: Record) -> bool:
    """A mute record is over when it is old and no living worker's folder holds a file of the name (xxiii)."""
    if record.st == "x":
        return True
    if record.st == "b":
        return is_dead(model, world, record.claim)
    held = (file.claim for file in world.files if is_running(file.place) and file.name == record.name and file.claim)
    return model.has("prune-mute") and rested(model, world, record) and all(is_dead(model, world, c) for c in held)


def _lock(model: Model, world: World) -> Iterator[Step]:
    """Walk the chain up from 1; make the first record that is not there."""
    me, n = world.pruner, 1
    while (record := record_of(world, me.path[1], n)) is not None:
        if not _is_over(model, world, record):
            yield _over(world, f"record {n} is alive")
            return
        n += 1
    own = Record(me.path[1], n, None, "p", "")
    locked = world._replace(records=world.records | {own}, pruner=me._replace(pc="made", n=n))
    yield ("prune makes record {}", n), locked, False, ""


def _look_back(model: Model, world: World) -> Iterator[Step]:
    """All records before mine at once: only a prune removes records, and this is the only one."""
    me = world.pruner
    before = [record_of(world, me.path[1], n) for n in range(1, me.n)]
    if model.has("look-back") and not all(record and _is_over(model, world, record) for record in before):
        yield _let_go(world, "a record before is gone or alive")
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
    if not me.path[0]:  # a killed prune had removed it
        yield ("prune finds no file of {}, as expected", me.path[1]), _go_on(world), False, ""
        return
    if file is None:
        yield _let_go(world, "somebody moved the file meanwhile")
        return
    # The program looks at the age of record N-1; a file that came since, of a record that was old, is old as well.
    # (Without a record of its own, when the lock is taken away, it can only ask for the age of the file.)
    is_old = file.text == me.text and (me.n <= 1 or me.n - 1 in me.seen)
    if not is_old and model.has("prune-recheck"):
        yield _let_go(world, "a younger file lies there now")
        return
    problem = "" if file.text == me.text else f"I4 nothing that is still wanted is removed: {file.text} had just ended"
    removed = world._replace(files=world.files - {file}, gone=world.gone | {file.text})
    yield ("prune removes {}", file), _go_on(removed), False, problem


def _go_on(world: World) -> World:
    return world._replace(pruner=world.pruner._replace(pc="records"))


def _remove_record(model: Model, world: World) -> Iterator[Step]:
    """One record at a time, from 1 upwards, its own last; without `prune-order` the other way round."""
    me = world.pruner
    order = [*sorted(me.seen - {me.n}), *filter(None, [me.n])]
    order = (order if model.has("prune-order") else order[::-1])[me.done :]
    if not order:
        yield _over(world, "nothing is left")
        return
    rest = world._replace(records=world.records - {record_of(world, me.path[1], order[0])})
    pruner = Pruner("over") if len(order) == 1 else me._replace(done=me.done + 1)
    yield ("prune removes record {}", order[0]), rest._replace(pruner=pruner), False, ""


def leaves(model: Model, world: World) -> str:
    """What the next prune cannot end of what a killed one began, though everything rests and nobody disturbs it."""
    names = {record.name for record in world.records if record.st == "p"}
    for name in names:
        lies = [file for file in world.files if file.name == name]
        if len(lies) > 1 or any(file.place not in FINISHED for file in lies):
            continue  # it is not prune's to remove
        if any(record.name == name and record.st in "eb" for record in world.records):
            continue  # ... or a worker that it cannot know to be dead has it
        if not _can_end(model, world, name):
            return f"I6 what is begun can be finished: no prune ends what a killed one began of {name}"
    return ""


def _can_end(model: Model, world: World, name: str) -> bool:
    i = INDEX["prune"]
    left = tuple(int(j == i) for j in range(len(world.left)))  # one prune, and nothing that kills it
    stack = [then for _, then, _, _ in _pick(model, world._replace(left=left))]
    while stack:
        now = stack.pop()
        if now.pruner.pc == "over" and not any(record.name == name for record in now.records):
            return True
        stack += [then for _, then, _, _ in steps(model, now)]
    return False
