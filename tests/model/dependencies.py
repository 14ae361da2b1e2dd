"""`after`: who waits, who files, who wakes, who judges (section 7, After; 16: xxxiv to xxxvii).

The rule: one task waits for the success of one other, by its whole name.  A wake-up is a rename that reads nothing and
says nothing: whoever claims the task asks for itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.model.calls import call
from tests.model.server import Op, target_of
from tests.model.setup import Model, Step, idle, wid_of, with_worker
from tests.model.world import FINISHED, Decision, File, World, at, counts, is_running, waits_for

OPEN, DONE, FAILED = "open", "done", "failed"


def standing(world: World, what: str) -> str:
    """How far a task is; one that lies nowhere is not finished, nor is one whose owner has not let go."""
    if at(world.files, ("done", what, (), None)):
        return DONE
    is_failed = any(file.place == "failed" and file.name == what and file.claim is None for file in world.files)
    return FAILED if is_failed else OPEN


def _wanted(model: Model, name: str) -> str:
    """What a task of that name waits for, '' for nothing."""
    return model.bounds.after[1] if model.bounds.after[:1] == name else ""


def judge(model: Model, world: World, file: File) -> Decision:
    """Where a claimed file goes instead of being run; () when it may run."""
    what = _wanted(model, file.name)
    if not what or not model.has("judge") or (file.tag[:1] == ("n",) and not model.has("judge-again")):
        return ()
    found = standing(world, what)
    return {OPEN: (f"after-{what}", *counts(file.tag)), FAILED: ("failed", "dependency"), DONE: ()}[found]


def with_met(model: Model, world: World) -> World:
    """For I7: claimed files for which, since then, what they wait for has lain in done/."""
    running = [file for file in world.files if is_running(file.place)]
    hands = [
        each.file for each in world.workers if each.file
    ]  # a person may have taken it away, and the worker is slow
    held = {file.text: _wanted(model, file.name) for file in (*running, *hands)}
    met = frozenset(t for t, what in held.items() if what and (t in world.met or standing(world, what) == DONE))
    return world if met == world.met else world._replace(met=met)


def started(model: Model, world: World, file: File) -> str:
    """I7, when its command starts."""
    what = _wanted(model, file.name)
    is_early = what and file.text not in world.met
    return (
        f"I7 nothing starts before what it waits for: {file.text} does, and {what} is not in done/" if is_early else ""
    )


def rests(world: World, file: File) -> bool:
    """True where a file waits for what nobody brings to its end."""
    what = waits_for(file.place)
    return bool(what) and standing(world, what) == OPEN


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
    if standing(world, what) != OPEN:
        for file in world.files:
            if waits_for(file.place) == what:
                yield file, ("mv", file[:4], target_of(model, world, file, ("todo", *counts(file.tag))))


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
