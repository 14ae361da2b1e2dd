"""The file server: it executes one call after the other, each at once and whole.

The rule: a rename replaces what lies at its target.  Whether that was still wanted is checked here (I4), and so is that
an attempt number is given once (I5).  A call is a tuple, so it can also wait on the wire and be executed later.
"""

from __future__ import annotations

from tests.model.setup import Model
from tests.model.world import FINISHED, Claim, Decision, File, Path, Record, World, at, counts, fresh_token

Op = tuple


def execute(model: Model, world: World, op: Op) -> tuple[World, str]:
    """The world after one call, and what that call broke ('' mostly)."""
    match op:
        case ("mv", source, target):
            return rename(model, world, source, target)
        case ("make", name, n, claim, text):
            return make_record(model, world, Record(name, n, claim, "e", text))
        case ("sign", name, n, claim):
            return (change_record(world, name, n, "e", "b", ()) if _is_of(world, name, n, claim) else world), ""
        case ("end", name, n, claim, decision):
            return (end_record(world, name, n, decision) if _is_of(world, name, n, claim) else world), ""
    raise AssertionError(op)


def _is_of(world: World, name: str, n: int, claim: Claim) -> bool:
    """A late write goes to the file that its writer opened, not to a younger one of that name."""
    return any(r.name == name and r.n == n and r.claim == claim for r in world.records)


def rename(model: Model, world: World, source: Path, target: Path, *, by_person: bool = False) -> tuple[World, str]:
    """One RENAME; a source that is not there changes nothing."""
    file, over = at(world.files, source), at(world.files, target)
    if file is None or source == target:
        return world, ""
    files = world.files - {file}
    problem, gone = "", world.gone
    if over is not None:
        files = files - {over}
        gone = gone | {over.text}
        kept = target[0] in FINISHED and any(r.text == over.text and r.st in "bx" for r in world.records)
        if not (kept or by_person):
            problem = f"I4 nothing that is still wanted is overwritten: text {over.text} was, at {target[0]}"
    return world._replace(files=files | {File(*target, file.text)}, gone=gone), problem


def make_record(model: Model, world: World, record: Record) -> tuple[World, str]:
    """open(O_CREAT|O_EXCL); without `excl` the newer one takes the older one's place."""
    older = [r for r in world.records if r.name == record.name and r.n >= record.n]
    same = [r for r in older if r.n == record.n]
    if same and model.has("excl"):
        return world, ""
    grown = not older or model.bounds.prune > 0 or same
    problem = "" if grown else f"I5 attempts only grow: {record.name} gets {record.n} after {older[0].n}"
    return world._replace(records=world.records - set(same) | {record}), problem


def change_record(world: World, name: str, n: int, old: str, new: str, decision: Decision) -> World:
    """A record of state `old` becomes `new`."""
    for record in world.records:
        if record.name == name and record.n == n and record.st in old:
            changed = record._replace(st=new, next=decision)
            return world._replace(records=world.records - {record} | {changed})
    return world


def end_record(world: World, name: str, n: int, decision: Decision) -> World:
    """Append the end.  A text that ended for good while its file lay with its worker is marked (I3)."""
    record = next((r for r in world.records if r.name == name and r.n == n), None)
    world = change_record(world, name, n, "eb", "x", decision)
    if record is None or record.claim is None or not decision or decision[0] not in FINISHED:
        return world
    held = next((f for f in world.files if f.claim == record.claim and f.text == record.text), None)
    if held is None or held.place != record.claim[0] or any(op[1] == held[:4] for op in world.net):
        return world  # taken away; or taken over by who looked before the end was there (section 12)
    return world._replace(fin=world.fin | {record.text})


def target_of(model: Model, world: World, file: File | Path, decision: Decision) -> Path:
    """The path that a decision sends a file to: a returned name carries a fresh token."""
    name = file[1]
    token = fresh_token(world) if model.has("tokens") else 0
    match decision:
        case ("done",):
            return ("done", name, (), None)
        case ("failed", ("exit1" | "dependency") as reason):
            return ("failed", name, (reason,), None)
        case ("failed", reason):
            return ("failed", name, (reason, token) if model.has("lost-token") else (reason,), None)
        case (place, failures, losses):
            return (place, name, ("n", failures, losses, token), None)
        case ("nothing",):
            return ("todo", name, ("n", *counts(file[2]), token), None)
    raise AssertionError(decision)
