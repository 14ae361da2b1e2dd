"""Submitters, operators and people: short processes that do one thing through the mount of their machine.

The rule: submitters and operators use the product's own verbs; people use listdir, rename, unlink, open and write, and
believe what their machine's caches tell them.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from dsgspool.errors import SpoolError
from dsgspool.spool import Spool
from dsgspool.spool.moves import Moves
from dsgspool.spool.pruning import Pruner
from dsgspool.spool.submission import Draft, Submission
from dsgspool.task import State
from dsgspool.worker.peek import peek
from tests.simulation.calls import calls
from tests.simulation.counted import licence_line
from tests.simulation.door import SimFs
from tests.simulation.mount import ROOT
from tests.simulation.server import EPOCH
from tests.simulation.swept import NAMES as SWEEPS
from tests.simulation.waits import after_line

if TYPE_CHECKING:
    from tests.simulation.node import Actor

NAMES = ("a", "b", "c", "s/1", "s/2")
PRUNE_AGE = 15.0
Body = Callable[["Actor"], int]


def text(actor: Actor, chance: random.Random, *, complete: bool = True) -> tuple[str, bytes]:
    """A new version of a task, and its file."""
    version = actor.sim.world.version()
    seconds = chance.choice(["0.05", "0.3", "0.3", "1", "3", "9", "20"])
    options = chance.choice(["", "", "", ", stubborn", ", leaves"])
    lines = [f"command: [sim, '{seconds}', '{chance.choice('00001')}', '#{version}#'{options}]"]
    if retries := chance.choice([0, 0, 1, 2]):
        lines.append(f"retries: {retries}")
        lines += chance.choice([[], ["backoff: 2s"]])
    lines += chance.choice([[], [], [], ["cpus: 2"], ["timeout: 2s"]])
    lines += licence_line(actor.sim.plan.seed, version) if actor.sim.plan.licences else []
    lines += request_lines(actor.sim.plan.seed, version) if actor.sim.plan.most else []
    lines += after_line(actor.sim.plan.seed, version) if actor.sim.plan.dependencies else []
    return version, "\n".join([*lines, *(["..."] if complete else []), ""]).encode()


def request_lines(seed: int, version: str) -> list[str]:
    """What a new task wants of its node, mostly nothing; without dice of their own all older plans would be others."""
    chance = random.Random(f"{seed} {version} wants")
    return chance.choice(
        [[], [], ["where: scratch>=1T"], ["resources: {memory: 3G}"], ["where: scratch>=1T", "expires: 30d"]]
    )


def _spool(actor: Actor) -> Spool:
    return Spool(ROOT, SimFs(floor=ROOT), actor.node.clock)


def submit(actor: Actor, chance: random.Random) -> int:
    """`dsgspool submit`: one to three tasks, each accepted when its name is printed."""
    submission = Submission(_spool(actor))
    drafts, versions = [], []
    for _ in range(chance.choice([1, 1, 2, 3])):
        version, data = text(actor, chance)
        name = submission.named(chance.choice(NAMES)) if chance.random() < 0.6 else submission.unique("task")
        if chance.random() < 0.15:
            name = type(name)(name.identity, name.tag, name.token, lane="p5")
        drafts.append(Draft(name, data, peek(data).after))
        versions.append(version)
    for version, _ in zip(versions, submission.put(drafts, submission.spool.todo), strict=True):
        actor.sim.world.accept(version)
    submission.close()
    return 0


def bulk(actor: Actor, chance: random.Random) -> int:
    """`dsgspool submit --each-line`: a sub-folder with one rename."""
    submission = Submission(_spool(actor))
    made = [text(actor, chance) for _ in range(chance.choice([2, 4]))]
    for (version, _), _ in zip(
        made, submission.put_bulk([data for _, data in made], "s", submission.spool.todo), strict=True
    ):
        actor.sim.world.accept(version)
    submission.close()
    return 0


def sweep(actor: Actor, chance: random.Random) -> int:
    """`dsgspool submit` of a sweep."""
    submission = Submission(_spool(actor))
    mark, data = actor.sim.world.swept.text(chance)
    draft = Draft(submission.named(chance.choice(SWEEPS)), data, peek(data).after)
    for _ in submission.put([draft], submission.spool.todo):
        actor.sim.world.swept.accept(mark)
    submission.close()
    return 0


def operator(actor: Actor, chance: random.Random) -> int:
    """hold, release, requeue, cancel."""
    moves = Moves(_spool(actor))
    verb = chance.choice(["hold", "release", "requeue", "cancel", "hold", "cancel"])
    for place in moves.pick(verb, [chance.choice(["*", *NAMES])])[: chance.choice([1, 1, 3])]:
        getattr(moves, verb)(place)
    return 0


def prune(actor: Actor, _chance: random.Random) -> int:
    """`dsgspool prune`."""
    pruner = Pruner(_spool(actor), EPOCH + actor.sim.time.now, PRUNE_AGE)
    for _ in pruner.run(list(pruner.old([State.FAILED, State.DONE]))):
        pass
    return 0


# -- people with a shell -------------------------------------------------------------------------------------------


def _files(folder: str, prefix: str = "") -> Iterator[str]:
    with calls.scandir(f"{ROOT}/{folder}") as found:
        entries = list(found)
    for entry in entries:
        if entry.is_dir():
            yield from _files(f"{folder}/{entry.name}", f"{prefix}{entry.name}/")
        elif not entry.name.startswith("."):
            yield prefix + entry.name


def _pick(chance: random.Random, *folders: str) -> str:
    found = sorted(f"{folder}/{path}" for folder in folders for path in _files(folder))
    return chance.choice(found) if found else ""


def _move(source: str, target: str) -> None:
    """mv -n"""
    folder, name = os.path.split(f"{ROOT}/{target}")
    if not os.path.dirname(target).startswith("running") and folder.count("/") > 2:
        _mkdir(folder)
    if name not in calls.listdir(folder):
        calls.rename(f"{ROOT}/{source}", f"{ROOT}/{target}")


def _mkdir(folder: str) -> None:
    try:
        calls.mkdir(folder)
    except FileExistsError:
        return


def mv_out(actor: Actor, chance: random.Random) -> int:
    """mv running/WID/x todo/ (or hold/, or failed/)"""
    if path := _pick(chance, "running"):
        _move(path, f"{chance.choice(['todo', 'hold', 'failed'])}/{os.path.basename(path)}")
    return 0


def mv_back(actor: Actor, chance: random.Random) -> int:
    """mv failed/x todo/"""
    if path := _pick(chance, "done", "failed", "hold"):
        _move(path, f"todo/{path.partition('/')[2]}")
    return 0


def mv_hold(actor: Actor, chance: random.Random) -> int:
    """mv todo/x hold/"""
    if path := _pick(chance, "todo"):
        _move(path, f"hold/{path.partition('/')[2]}")
    return 0


def mv_here(actor: Actor, chance: random.Random) -> int:
    """mv todo/x running/WID/"""
    path, wids = _pick(chance, "todo"), sorted(calls.listdir(f"{ROOT}/running"))
    if path and wids and "@" not in path and path.endswith(".yaml"):
        _move(path, f"running/{chance.choice(wids)}/{os.path.basename(path)}")
    return 0


def mv_batch(actor: Actor, chance: random.Random, batch: str = "s") -> int:
    """mv todo/s hold/, and the other way"""
    source, target = chance.choice([("todo", "hold"), ("hold", "todo")])
    if batch in calls.listdir(f"{ROOT}/{source}") and batch not in calls.listdir(f"{ROOT}/{target}"):
        calls.rename(f"{ROOT}/{source}/{batch}", f"{ROOT}/{target}/{batch}")
    return 0


def mv_sweep(actor: Actor, chance: random.Random) -> int:
    """The same of the parts of a sweep."""
    return mv_batch(actor, chance, "w")


def rm(actor: Actor, chance: random.Random) -> int:
    """rm"""
    if path := _pick(chance, "todo", "hold", "running"):
        calls.unlink(f"{ROOT}/{path}")
    return 0


def drop(actor: Actor, chance: random.Random) -> int:
    """cp x.yaml todo/ from an editor that takes its time; a careful one renames it in."""
    careful = chance.random() < 0.5
    version, data = text(actor, chance, complete=chance.random() < 0.5)
    name = chance.choice(NAMES)
    folder, base = os.path.split(f"{ROOT}/todo/{name}")
    if "/" in name:
        _mkdir(folder)
    path = f"{folder}/.{base}.new" if careful else f"{folder}/{base}.yaml"
    _write(path, data, chance)
    if careful:
        calls.rename(path, f"{folder}/{base}.yaml")
    actor.sim.world.accept(version, promised=False)
    return 0


def drops(actor: Actor, chance: random.Random) -> int:
    """A script that renames a new file of one name into todo/ again and again."""
    for number in range(5):
        version, data = text(actor, chance)
        hidden = f"{ROOT}/todo/.a.{actor.pid}.{number}"
        _write(hidden, data)
        if "a.yaml" not in calls.listdir(f"{ROOT}/todo"):
            calls.rename(hidden, f"{ROOT}/todo/a.yaml")
            actor.sim.world.accept(version, promised=False)
        pause(chance.choice([0.02, 0.1, 0.3]))
    return 0


def cp_running(actor: Actor, chance: random.Random) -> int:
    """cp running/WID/x@WID.C todo/"""
    if path := _pick(chance, "running"):
        version, data = text(actor, chance)
        actor.sim.copies.add(version)
        _write(f"{ROOT}/todo/{os.path.basename(path)}", data, chance)
        actor.sim.world.accept(version, promised=False)
    return 0


def _write(path: str, data: bytes, chance: random.Random | None = None) -> None:
    descriptor = calls.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        pause(chance.choice([0.0, 0.0, 0.2, 3.0]) if chance else 0.0)
        calls.write(descriptor, data)
    finally:
        calls.close(descriptor)


def pause(seconds: float) -> None:
    """Think."""
    if seconds:
        from tests.simulation.virtual import current

        current().rest(seconds)


def forgiving(do: Callable[[Actor, random.Random], int], seed: int) -> Body:
    """A person whose command failed shrugs; what was accepted was accepted."""

    def body(actor: Actor) -> int:
        try:
            return do(actor, random.Random(seed))
        except (OSError, SpoolError):
            return 1

    return body


SUBMITTERS = {"submit": submit, "bulk": bulk, "sweep": sweep}
OPERATORS = {"operator": operator, "prune": prune}
PERSONS = {
    "drop": drop, "drops": drops, "mv_out": mv_out, "mv_back": mv_back, "mv_hold": mv_hold, "mv_here": mv_here,
    "mv_batch": mv_batch, "mv_sweep": mv_sweep, "rm": rm, "cp_running": cp_running,
}  # fmt: skip
ROLES = {
    **{what: ("submitter", do) for what, do in SUBMITTERS.items()},
    **{what: ("operator", do) for what, do in OPERATORS.items()},
    **{what: ("person", do) for what, do in PERSONS.items()},
}
