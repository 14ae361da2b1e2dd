"""What happens to nodes: kills, power loss, partitions, restarts; and what guards do about it (section 8).

The rule: a fault takes from its budget, what repairs it does not.  A worker may be killed with one call on the wire.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.model import flight, worker
from tests.model.death import living_commands, mark
from tests.model.setup import Model, Step, idle, wid_of, with_worker
from tests.model.world import Wid, Worker, World


def steps(model: Model, world: World) -> Iterator[Step]:
    """Faults and repairs of every node."""
    for slot, me in enumerate(world.workers):
        if me.status in ("up", "cut"):
            yield from _kills(model, world, slot, me)
        yield from _repairs(model, world, slot, me)


def _tails(model: Model, world: World, slot: int) -> Iterator[tuple[str, World]]:
    """The same world with nothing, or with one call of that worker, on the wire."""
    yield "", world
    for op in flight.in_flight(model, world, slot):
        # The end of a record is written when the command is over.
        over = living_commands(world, wid_of(world, slot)) if op[0] == "end" else frozenset()
        yield "; on the wire: {}", world._replace(net=world.net | {op}, procs=world.procs - over)


def _kills(model: Model, world: World, slot: int, me: Worker) -> Iterator[Step]:
    wid = wid_of(world, slot)
    for tail, then in _tails(model, world, slot):
        op = tuple(then.net - world.net)
        if me.guard and model.can(world, "crash"):
            killed = idle(model.spend(then, "crash"), slot, status="gone", mute=())
            yield ("{} is KILLED" + tail, wid, *op), killed, True, ""
        if me.guard and model.can(world, "both"):
            killed = idle(model.spend(then, "both"), slot, status="off", guard=False, mute=())
            yield ("{} and its guard are KILLED together" + tail, wid, *op), killed, True, ""
        if model.can(world, "power"):
            dark = then._replace(procs=then.procs - living_commands(world, wid))
            dark = idle(model.spend(dark, "power"), slot, status="off", guard=False, mute=())
            dark = mark(dark, wid, "power")
            yield ("the node of {} loses POWER" + tail, wid, *op), dark, True, ""
    if me.status == "up" and model.can(world, "part"):
        # What was on the wire is sent again when the share is back: as if it had not been sent yet.
        cut = with_worker(model.spend(world, "part"), slot, status="cut")
        if model.bounds.hosts in ("same", "containers"):
            cut = mark(cut, wid, "unlocked")  # v4; only a neighbour on the machine asks for the lock
        yield ("{} is CUT OFF from the share", wid), cut, True, ""
    if me.guard and me.status == "up" and model.can(world, "guard"):
        yield ("the guard of {} is KILLED", wid), with_worker(model.spend(world, "guard"), slot, guard=False), True, ""


def _repairs(model: Model, world: World, slot: int, me: Worker) -> Iterator[Step]:
    wid = wid_of(world, slot)
    if me.status == "cut":
        yield from _cut(model, world, slot, me, wid)
    if me.status == "gone" and me.guard:
        yield from _bury(model, world, slot, wid)
    if me.status == "off" and me.guard and (wid, "dead") not in world.marks:
        yield ("the share is back: the guard writes {}.dead", wid), mark(world, wid, "dead"), False, ""
    if me.status in ("gone", "off") and (wid, "reused") not in world.marks and model.can(world, "reuse"):
        reused = mark(model.spend(world, "reuse"), wid, "reused")
        yield ("another process gets the PID of {}", wid), reused, True, ""
    if me.status == "off" and model.can(world, "restart"):
        born = with_worker(model.spend(world, "restart"), slot, **Worker(inc=me.inc + 1)._asdict())
        yield ("the node starts its worker again: {}", (slot, me.inc + 1)), _unseen(model, born, slot), True, ""


def _cut(model: Model, world: World, slot: int, me: Worker, wid: Wid) -> Iterator[Step]:
    yield ("the share is back for {}", wid), with_worker(world, slot, status="up"), False, ""
    for tail, then in _tails(model, world, slot):
        op = tuple(then.net - world.net)
        nothing = idle(then._replace(procs=then.procs - living_commands(then, wid)), slot, status="off", mute=())
        if not me.guard:
            if model.has("pdeathsig"):  # SIGTERM needs no share to kill the command
                yield ("{} has lost its guard: kills its command and ends" + tail, wid, *op), nothing, False, ""
        elif model.has("self-fence") and model.has("kill-all"):
            yield ("the guard of {} hears no heartbeat: kills worker and command" + tail, wid, *op), nothing, False, ""
        elif model.has("self-fence"):
            stuck = idle(then, slot, status="gone", mute=())
            label = "the guard of {} kills the worker, which cannot exit while the share hangs and keeps its command"
            yield (label + tail, wid, *op), stuck, False, ""


def _bury(model: Model, world: World, slot: int, wid: Wid) -> Iterator[Step]:
    """The worker is dead: kill what is left below the guard, then the tombstone."""
    nothing = world._replace(procs=world.procs - living_commands(world, wid))
    if not model.has("subreaper"):
        label = "the guard of {} sees no child and writes {}.dead; what left its session runs on"
        yield (label, wid, wid), worker.off(world, slot, wid), False, ""
        return
    done = ("the guard of {} kills what is left, writes {}.dead", wid, wid)
    if model.has("tomb-last"):
        yield done, worker.off(nothing, slot, wid), False, ""
    elif (wid, "dead") not in world.marks:
        yield ("the guard of {} writes {}.dead before it has killed", wid, wid), mark(world, wid, "dead"), False, ""
    else:
        yield ("the guard of {} kills what is left", wid), idle(nothing, slot, status="off", mute=()), False, ""


def _unseen(model: Model, world: World, slot: int) -> World:
    """A worker began: nobody who listed workers/ before has seen it."""
    wid = wid_of(world, slot)
    if world.pruner.pc not in ("idle", "over"):
        world = world._replace(pruner=world.pruner._replace(born=world.pruner.born | {wid}))
    if not model.has("fresh-look"):
        for other, each in enumerate(world.workers):
            if other != slot and each.status == "up":
                world = mark(world, wid, f"unknown to {other}")
    return world


def operators(model: Model, world: World) -> Iterator[Step]:
    """What people do to the files of workers/, and to the times."""
    for slot, me in enumerate(world.workers):
        wid = wid_of(world, slot)
        if me.status in ("up", "cut", "off") and (wid, "dead") not in world.marks and model.can(world, "touch"):
            touched = mark(model.spend(world, "touch"), wid, "touched")
            yield ("an OPERATOR makes {}.dead", wid), touched, True, ""
        if me.status == "up" and model.can(world, "rmyaml"):
            removed = mark(model.spend(world, "rmyaml"), wid, "unlisted")
            yield ("a PERSON removes {}.yaml; its folder is at rest for a lease", wid), removed, True, ""
        if me.status == "up" and not model.has("promised-lease") and model.can(world, "retime"):
            short = mark(model.spend(world, "retime"), wid, "silent")
            yield ("the times are SHORTENED; {} beats by the old ones: silent for the new lease", wid), short, True, ""
        for other in range(len(world.workers)):
            if (wid, f"unknown to {other}") in world.marks:
                known = world._replace(marks=world.marks - {(wid, f"unknown to {other}")})
                yield ("{} lists workers/ again and sees {}", wid_of(world, other), wid), known, False, ""
