"""`after`: who waits, who files, who wakes, who judges (section 7, After; 16: xxxiv to xxxvii).

The rule: one task waits for the success of one other, by its whole name, or of all others (`*`, a batch).  A wake-up is a
rename that reads nothing and says nothing: whoever claims the task asks for itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.model.calls import call
from tests.model.server import Op, target_of
from tests.model.setup import Model, Step, idle, wid_of, with_worker
from tests.model.world import FINISHED, Decision, File, World, at, counts, is_running, waits_for

OPEN, DONE, FAILED = "open", "done", "failed"


#: One look at a batch: folder after folder, from running/ to running/.  Nobody but people puts anything into waiting/ or
#: hold/ at these bounds, so the two are listed in one step.
LOOK = (("running",), ("todo", "lane"), ("waiting", "hold"), ("running",))


def standing(model: Model, world: World, what: str) -> str:
    """How far it is, seen all at once; what lies nowhere is not finished, nor is what its owner has not let go of."""
    if what == "*":
        is_open = any(_lies_in(model, world, listing) for listing in LOOK)
        return OPEN if is_open else _ended(model, world)
    if at(world.files, ("done", what, (), None)):
        return DONE
    is_failed = any(file.place == "failed" and file.name == what and file.claim is None for file in world.files)
    return FAILED if is_failed else OPEN


def _lies_in(model: Model, world: World, places: tuple[str, ...]) -> bool:
    """Whether anything of the batch lies there; the task that asks is not counted."""
    others = (file for file in world.files if file.name != model.bounds.after[0])
    return any((file.place if isinstance(file.place, str) else "running") in places for file in others)


def _ended(model: Model, world: World) -> str:
    """The same, of a batch of which nothing is open."""
    return FAILED if _lies_in(model, world, ("failed",)) else DONE if _lies_in(model, world, ("done",)) else OPEN


def _wanted(model: Model, name: str) -> str:
    """What a task of that name waits for, '' for nothing."""
    return model.bounds.after[1] if model.bounds.after[:1] == name else ""


def decide(model: Model, world: World, file: File) -> Decision:
    """Where a claimed file goes instead of being run; () when it may run."""
    what = _judged_by(model, file)
    if not what:
        return ()
    found = _ended(model, world) if what == "*" else standing(model, world, what)
    return {OPEN: _filed(file, what), FAILED: ("failed", "dependency"), DONE: ()}[found]


def _judged_by(model: Model, file: File) -> str:
    """What has to be finished before this file may run."""
    is_asked = model.has("judge") and (file.tag[:1] != ("n",) or model.has("judge-again"))
    return _wanted(model, file.name) if is_asked else ""


def _filed(file: File, what: str) -> Decision:
    return (f"after-{what}", *counts(file.tag))


def ask(model: Model, world: World, slot: int) -> Iterator[Step]:
    """The next listing of the two looks at a batch; none when it has been looked for everywhere."""
    me, wid = world.workers[slot], wid_of(world, slot)
    if _judged_by(model, me.file) != "*":
        return
    listings = LOOK[not model.has("running-first") : -1 if not model.has("running-last") else None]
    listings *= 2 if model.has("two-looks") else 1
    looked = me.out[1] if me.out else 0
    if looked == len(listings):
        return
    places = " and ".join(f"{place}/" for place in listings[looked])
    if _lies_in(model, world, listings[looked]):
        files = with_worker(world, slot, pc="pub", out=_filed(me.file, "*"))
        yield ("{} lists " + places + " and finds something of the batch: files {}", wid, me.file), files, False, ""
    else:
        goes_on = with_worker(world, slot, out=("asked", looked + 1))
        yield ("{} lists " + places + " and finds nothing of the batch", wid), goes_on, False, ""


def with_met(model: Model, world: World) -> World:
    """For I7: claimed files for which, since then, what they wait for has lain in done/."""
    running = [file for file in world.files if is_running(file.place)]
    hands = [
        each.file for each in world.workers if each.file
    ]  # a person may have taken it away, and the worker is slow
    held = {file.text: _wanted(model, file.name) for file in (*running, *hands)}
    met = frozenset(t for t, what in held.items() if what and (t in world.met or standing(model, world, what) == DONE))
    return world if met == world.met else world._replace(met=met)


def started(model: Model, world: World, file: File) -> str:
    """I7, when its command starts."""
    what = _wanted(model, file.name)
    if not what or file.text in world.met:
        return ""
    why = "its batch is not over" if what == "*" else f"{what} is not in done/"
    return f"I7 nothing starts before what it waits for: {file.text} does, and {why}"


def rests(model: Model, world: World, file: File) -> bool:
    """True where a file waits for what nobody brings to its end."""
    what = waits_for(file.place)
    return bool(what) and standing(model, world, what) == OPEN


# -- waking ------------------------------------------------------------------------------------------------------------


def left(model: Model, world: World, slot: int) -> World:
    """The file in hand is out of its folder: the worker is idle, or has to look who waits."""
    me = world.workers[slot]
    out = idle(world, slot)
    if model.bounds.after and (what := _to_look_for(model, me.file, me.out)):
        out = with_worker(out, slot, pc="look", out=(what,))
    return out


def _to_look_for(model: Model, file: File, out: Decision) -> str:
    if filed := waits_for(out[0]):
        return filed if model.has("look-after") else ""
    is_awaited = out[0] in FINISHED and file.name == model.bounds.after[1]
    return file.name if is_awaited and model.has("wake") else ""


def wakes(model: Model, world: World, what: str) -> Iterator[tuple[File, Op]]:
    """Every rename of what waits for that, when it is finished."""
    if standing(model, world, what) != OPEN:
        for file in world.files:
            if waits_for(file.place) == what:
                place, name, tag, claim = target_of(model, world, file, ("todo", *counts(file.tag)))
                kept = file.claim if model.has("wake-claimed") else claim
                yield file, ("mv", file[:4], (place, name, tag, kept))


def look(model: Model, world: World, slot: int) -> Iterator[Step]:
    """After a rename to done/, failed/ or waiting/after-WHAT/: wake who waits, until nobody is left."""
    wid, (what,) = wid_of(world, slot), world.workers[slot].out
    found = list(wakes(model, world, what))
    for file, op in found:
        yield from call(model, world, ("{} wakes {}", wid, file), op, lambda world: world)
    if not found:
        yield ("{} has looked who waits for {}: nobody, or too early", wid, what), idle(world, slot), False, ""
    elif not model.has("look-fresh"):
        label = ("{} looks who waits for {}; its client believes an old 'does not exist'", wid, what)
        yield label, idle(world, slot), False, ""


def sweep(model: Model, world: World) -> Iterator[Step]:
    """The leader's round over all of waiting/after-*/; it believes no memory of any client."""
    if model.bounds.after and model.has("sweep"):
        for file, op in wakes(model, world, model.bounds.after[1]):
            yield from call(model, world, ("the leader's round wakes {}", file), op, lambda world: world)
