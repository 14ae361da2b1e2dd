"""A living worker, one step after the other: look, claim, begin, run, end, publish (section 7; R1 to R3).

The rule: one slot, one file in hand.  Steps that nobody else can come between, or between which nobody could see a
difference, are one step: signing a record and starting the command (a worker killed between the two leaves what it
leaves when it is killed just after the start); the command's end and the end of its record (the same, with `run`).
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.model.calls import call
from tests.model.chain import BUSY, NONE, OVER, begin, first, judge
from tests.model.claims import claim, reconcile
from tests.model.death import living_commands
from tests.model.dependencies import ask, decide, left, look, started
from tests.model.server import change_record, end_record, execute, target_of
from tests.model.setup import Model, Step, idle, wid_of, with_worker
from tests.model.world import CLAIMABLE, Decision, File, World, at, counts, record_of


def steps(model: Model, world: World, slot: int) -> Iterator[Step]:
    """All that the worker in that slot may do next."""
    me, wid = world.workers[slot], wid_of(world, slot)
    words = {word for other, word in world.marks if other == wid}
    if words & {"fenced", "touched"}:
        if model.has("heed"):
            yield _stop(world, slot)
            return
        if "looked" not in words:
            yield ("{} looks into workers/ and goes on", wid), _looked(world, wid), False, ""
    if not me.guard and model.has("pdeathsig"):
        yield from _orphaned(model, world, slot)
        return
    yield from BY_PC[me.pc](model, world, slot)


def _stop(world: World, slot: int) -> Step:
    """It finds that it was taken for dead: kill everything, end the record as far as it can, move nothing."""
    me, wid = world.workers[slot], wid_of(world, slot)
    world = _without_commands(world, slot)
    if me.pc in ("made", "run"):
        world = end_record(world, me.file.name, me.n, ("nothing",))
    return ("{} finds itself declared dead: kills, publishes nothing, ends", wid), off(world, slot, wid), False, ""


def off(world: World, slot: int, wid: tuple[int, int]) -> World:
    """No process of it is left, and its guard says so in WID.dead."""
    world = idle(world, slot, status="off", mute=())
    return world._replace(marks=world.marks | {(wid, "dead")})


def _looked(world: World, wid: tuple[int, int]) -> World:
    return world._replace(marks=world.marks | {(wid, "looked")})


def _without_commands(world: World, slot: int) -> World:
    return world._replace(procs=world.procs - living_commands(world, wid_of(world, slot)))


def _orphaned(model: Model, world: World, slot: int) -> Iterator[Step]:
    """The guard died: SIGTERM.  Kill, give back uncounted, end; nobody is left to write a tombstone."""
    me, wid = world.workers[slot], wid_of(world, slot)
    if me.pc in ("idle", "look"):
        yield ("{} ends: it has lost its guard", wid), idle(world, slot, status="off", mute=()), False, ""
    elif me.pc == "pub":
        yield from _publish(model, world, slot)
    else:
        decision = ("todo", *counts(me.file.tag))
        world = _without_commands(world, slot)
        if me.pc in ("made", "run"):
            world = end_record(world, me.file.name, me.n, decision)
        label = ("{} has lost its guard: kills, writes the end of its record: back to todo/", wid)
        yield label, with_worker(world, slot, pc="pub", n=0, out=decision), False, ""


# -- begin -------------------------------------------------------------------------------------------------------------


def _held(model: Model, world: World, slot: int) -> Iterator[Step]:
    """A file is mine: begin, or wait because an attempt of the name is alive, or give it back."""
    me, wid = world.workers[slot], wid_of(world, slot)
    if at(world.files, me.file[:4]) is None:
        yield ("{} sees that {} was taken away", wid, me.file), idle(world, slot), False, ""
    if asked := list(ask(model, world, slot)):
        yield from asked
        return
    if decision := decide(model, world, me.file):
        yield from _must_wait(model, world, slot, decision)
        return
    n, mute = (first if model.splits else begin)(model, world, slot, me.file)
    if n and model.splits:
        yield ("{} is going to try record {}", wid, n), with_worker(world, slot, pc="found", n=n), False, ""
    elif n:
        yield from _make(model, with_worker(world, slot, n=n), slot)
    else:
        yield _busy(world, slot, mute)
    if model.can(world, "back"):
        for place in CLAIMABLE:
            back = with_worker(model.spend(world, "back"), slot, pc="pub", out=(place, *counts(me.file.tag)))
            yield ("{} cannot run {} now: gives it back to " + place, wid, me.file), back, True, ""


def _must_wait(model: Model, world: World, slot: int, decision: Decision) -> Iterator[Step]:
    """What it waits for is not finished, or ended otherwise: then a record says so, made and ended in one step."""
    me, wid = world.workers[slot], wid_of(world, slot)
    label, problem = ("{} judges {}: to " + decision[0], wid, me.file), ""
    if decision[0] == "failed":
        n, mute = begin(model, world, slot, me.file)
        if not n:
            yield _busy(world, slot, mute)
            return
        world, problem = execute(model, world, ("make", me.file.name, n, me.file.claim, me.file.text))
        world = end_record(world, me.file.name, n, decision)
    yield label, with_worker(world, slot, pc="pub", n=0, out=decision), False, problem


def _busy(world: World, slot: int, mute: tuple) -> Step:
    """An attempt of the name is alive: the file goes to waiting/."""
    me, wid = world.workers[slot], wid_of(world, slot)
    waits = with_worker(
        world,
        slot,
        pc="pub",
        n=0,
        out=("waiting", *counts(me.file.tag)),
        mute=tuple(sorted((*me.mute, *mute), key=lambda each: each[:2])),
    )
    return ("{} finds an attempt of {} alive: its file is to wait", wid, me.file.name), waits, False, ""


def _try(model: Model, world: World, slot: int) -> Iterator[Step]:
    """Create record N with O_EXCL; on EEXIST read it, and go on to N+1 when it is over."""
    me, wid = world.workers[slot], wid_of(world, slot)
    if record_of(world, me.file.name, me.n) is None:
        if model.has("excl"):
            yield from _make(model, world, slot)
        else:
            yield ("{} finds no record {}", wid, me.n), with_worker(world, slot, pc="free"), False, ""
        return
    found, mute = judge(model, world, slot, me.file, me.n)
    if found == BUSY:
        yield _busy(world, slot, mute)
    else:
        yield ("{} finds record {} over", wid, me.n), with_worker(world, slot, n=me.n + 1), False, ""


def _make(model: Model, world: World, slot: int) -> Iterator[Step]:
    """Create record N with O_EXCL."""
    me, wid = world.workers[slot], wid_of(world, slot)
    op = ("make", me.file.name, me.n, me.file.claim, me.file.text)
    made, problem = execute(model, world, op)
    # Where prunes are killed, what the walk remembers of a mute record is needed once more by the look back.
    keeps = model.bounds.pcrash and model.splits
    mute = tuple(each for each in me.mute if keeps or each[0] != me.file.name)
    yield (
        ("{} creates record {} of {}", wid, me.n, me.file.name),
        with_worker(made, slot, pc="made", out=(), mute=mute),
        False,
        problem,
    )


def _start(model: Model, world: World, slot: int) -> Iterator[Step]:
    """Look back, sign, start."""
    me, wid = world.workers[slot], wid_of(world, slot)
    name, n = me.file.name, me.n
    if model.splits and model.has("look-back") and (k := me.out[1] if me.out else n - 1):
        yield _look_back(model, world, slot, k)
        return
    text = me.file.text
    if model.has("own-look") and n > sum(counts(me.file.tag)) + 1 and at(world.files, me.file[:4]) is None:
        label = ("{} lists its folder once more: {} was taken away; lets go of record {}", wid, me.file, n)
        yield label, idle(end_record(world, name, n, ("nothing",)), slot), False, ""
        return
    world = change_record(world, name, n, "e", "b", ())
    problem = f"I3 text {text} had ended for good and nobody asked, but it runs again" if text in world.fin else ""
    problem = problem or started(model, world, me.file)
    begun = world._replace(procs=world.procs | {(name, n, me.file.claim)})
    mute = tuple(each for each in me.mute if each[0] != name)
    running = with_worker(begun, slot, pc="run", out=(), mute=mute)
    yield ("{} STARTS attempt {} of {}", wid, n, me.file), running, False, problem


def _look_back(model: Model, world: World, slot: int, k: int) -> Step:
    """One record before mine: it must still be there and over, else I let go of mine."""
    me, wid = world.workers[slot], wid_of(world, slot)
    found, mute = judge(model, world, slot, me.file, k)
    if found == OVER or (found == BUSY and not model.has("look-back-over")):
        left = k - 1 if model.has("look-back-all") else 0
        return (
            ("{} looks back at record {}: all is well", wid, k),
            with_worker(world, slot, out=("back", left)),
            False,
            "",
        )
    ended = change_record(world, me.file.name, me.n, "e", "x", ("nothing",))
    label = ("{} looks back: record {} is {}; lets go of record {}", wid, k, "gone" if found == NONE else "alive", me.n)
    if found == NONE:
        return label, with_worker(ended, slot, pc="held", n=0, out=()), False, ""
    return label, _busy(ended, slot, mute)[1], False, ""


# -- run, end, publish -------------------------------------------------------------------------------------------------


def next_of(model: Model, file: File, out: str) -> Decision:
    """The retry policy: what an attempt's end says in `next`."""
    failures, losses = counts(file.tag)
    if out == "done":
        return ("done",)
    if failures + 1 > model.bounds.retries:
        return ("failed", "exit1")
    return ("waiting" if model.bounds.backoff else "todo", failures + 1, losses)


def _run(model: Model, world: World, slot: int) -> Iterator[Step]:
    me, wid = world.workers[slot], wid_of(world, slot)
    name = me.file.name
    if any(proc == (name, me.n, me.file.claim) for proc in world.procs):
        for out in ("done", "fail"):
            decision = next_of(model, me.file, out)
            ended = end_record(_without_commands(world, slot), name, me.n, decision)
            label = ("the command of {} ends: {}; the end of record {} is written", wid, out, me.n)
            yield label, with_worker(ended, slot, pc="pub", n=0, out=decision), False, ""
    if at(world.files, me.file[:4]) is None:
        ended = end_record(world, name, me.n, ("nothing",))
        if model.has("kill-first"):
            label = ("{} sees that {} was taken away: kills, then ends record {}", wid, me.file, me.n)
            yield label, idle(_without_commands(ended, slot), slot), False, ""
        else:
            label = ("{} sees that {} was taken away: ends record {} before it kills", wid, me.file, me.n)
            yield label, with_worker(ended, slot, pc="ended"), False, ""


def _publish(model: Model, world: World, slot: int) -> Iterator[Step]:
    """Rename out until the listing says that it is out."""
    me, wid = world.workers[slot], wid_of(world, slot)
    if at(world.files, me.file[:4]) is None:
        yield ("{} sees that {} is out of its folder", wid, me.file), left(model, world, slot), False, ""
        return
    target = target_of(model, world, me.file, me.out)

    def seen(world: World) -> World:
        return world if at(world.files, me.file[:4]) else left(model, world, slot)

    op = ("mv", me.file[:4], target)
    yield from call(
        model, world, ("{} moves {} to {}", wid, me.file, target), op, seen, lambda world: idle(world, slot)
    )


def _idle(model: Model, world: World, slot: int) -> Iterator[Step]:
    yield from claim(model, world, slot)
    if model.has("R2"):
        yield from reconcile(model, world, slot)


def _kill_late(model: Model, world: World, slot: int) -> Iterator[Step]:
    """Only without `kill-first`."""
    yield ("{} kills the command", wid_of(world, slot)), idle(_without_commands(world, slot), slot), False, ""


BY_PC = {
    "idle": _idle,
    "held": _held,
    "found": _try,
    "free": _make,
    "made": _start,
    "run": _run,
    "ended": _kill_late,
    "pub": _publish,
    "look": look,
}
