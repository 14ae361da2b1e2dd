"""What people do with ls, mv, cp and rm (section 14), and submission.

The rule: whoever moves a file to todo/ asks for it to run; whoever overwrites or removes one wanted that.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.model.calls import call
from tests.model.server import rename
from tests.model.setup import Model, Step
from tests.model.world import File, Path, World, at, counts, fresh_token, is_running, waits_for


def steps(model: Model, world: World) -> Iterator[Step]:
    """Every move that a person may make."""
    if model.bounds.submit:
        yield from _submit(model, world)
    if model.can(world, "drop"):
        yield _drop(model, world)
    if model.can(world, "human"):
        for file in world.files:
            yield from filter(model.bounds.allows, _moves(model, world, file))


def _submit(model: Model, world: World) -> Iterator[Step]:
    """tmp/TOKEN/NAME -> todo/NAME; accepted when a listing of tmp/TOKEN says that the file is gone (R1)."""
    for file in world.files:
        if file.place == "tmp":
            op = ("mv", file[:4], ("todo", *file[1:4]))

            def again(world: World, file: File = file) -> World:
                """Believes the error and submits the same text once more, with a token of its own."""
                token = ("n", 0, 0, fresh_token(world))
                return world._replace(files=world.files | {File("tmp", file.name, token, None, file.text)})

            yield from call(model, world, ("SUBMIT of {}", file), op, lambda world: world, again)


def _drop(model: Model, world: World) -> Step:
    name = model.bounds.drops[len(model.bounds.drops) - world.left[-1]]
    number = model.everything(world).count(name) + 1
    file = File("todo", name, (), None, f"{name}{number}")
    over = at(world.files, file[:4])
    world = model.spend(world, "drop")
    files, gone = world.files | {file}, world.gone
    if over is not None:
        files, gone = files - {over}, gone | {over.text}
    return ("a PERSON drops {}", file), world._replace(files=files, gone=gone), True, ""


def _moves(model: Model, world: World, file: File) -> Iterator[Step]:
    spent = model.spend(world, "human")
    if is_running(file.place):
        for place in ("todo", "hold", "failed"):
            yield _mv(model, spent, file, (place, *file[1:4]))
        removed = spent._replace(files=spent.files - {file}, gone=spent.gone | {file.text})
        yield ("a PERSON removes {}", file), removed, True, ""
        if file.claim:  # a copy without claim is a drop
            yield from _copy(spent, file)
    elif file.place == "todo":
        yield _mv(model, spent, file, ("hold", *file[1:4]))
        yield _mv(model, spent, file, ("lane", *file[1:4]))
        if model.bounds.after[:1] == file.name:
            yield _mv(model, spent, file, (f"after-{model.bounds.after[1]}", *file[1:4]))
        for slot, worker in enumerate(world.workers):
            if worker.status == "up" and file.claim is None:
                yield _mv(model, spent, file, ((slot, worker.inc), *file[1:4]))
    elif file.place in ("hold", "failed", "done", "waiting") or waits_for(file.place):
        tag = file.tag if file.tag[:1] == ("n",) else ("n", 0, 0, fresh_token(world)) if file.tag else ()
        yield _mv(model, spent, file, ("todo", file.name, tag, file.claim))
        if file.place == "hold" and file.claim:  # `release` gives a name like any other, without the claim
            yield _mv(model, spent, file, ("todo", file.name, ("n", *counts(file.tag), fresh_token(world)), None))


def _mv(model: Model, world: World, file: File, target: Path) -> Step:
    if target[0] == "todo":
        world = world._replace(fin=world.fin - {file.text})
    moved, _ = rename(model, world, file[:4], target, by_person=True)
    return ("a PERSON moves {} to {}", file, target), moved, True, ""


def _copy(world: World, file: File) -> Iterator[Step]:
    """cp running/WID/X todo/: the copy keeps its claim, and is not meant to run."""
    target, text = ("todo", *file[1:4]), f"{file.text}c"
    if (
        at(world.files, target)
        or file.text.endswith("c")
        or text in world.gone
        or any(f.text == text for f in world.files)
    ):
        return  # one copy of each text
    copied = world._replace(files=world.files | {File(*target, text)}, fin=world.fin | {text})
    yield ("a PERSON copies {} to todo/", file), copied, True, ""
