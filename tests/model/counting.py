"""Counted resources and `max_running` (spool-format.md, decisions (li) and (lxi)), as a model of its own: every order of steps.

The rule: in no world do more commands run than there is of the resource, and where nothing can happen any more no mark is left.

    python -m tests.model.counting [--without RULE]

One resource of which there is one, two workers with a task each that wants it.  A worker may be killed, and its command lives
until its guard kills it; it may be silent, and be taken for dead only when it is; the making of a mark may hang and be executed
later; a person takes a running file away.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import NamedTuple

from tests.model import small

LIMIT = 1
WORKERS = ("w1", "w2")
RULES = {
    "mark-first": "who wants some makes its mark before it counts",
    "own-mark": "a listing that lacks one's own mark is not believed",
    "last-process": "a mark is removed when no process of the attempt is left, not when its file is gone",
    "proven-dead": "marks of a worker that is only silent stay",
    "sweep-again": "marks of the dead are removed again and again: a request may still have been on its way",
}
FAULTS = {"kill": 1, "late": 1, "person": 1, "tries": 2}


class Worker(NamedTuple):
    """What a worker is doing, and what of it runs.

    idle -> marking -> counting -> running -> clearing -> publishing -> done; `allowed`: it counted before it marked.
    """

    stage: str = "idle"
    command: bool = False
    alive: bool = True  #: False: killed; its command lives until its guard has killed that
    buried: bool = False  #: others proved its death, and removed its marks once


class World(NamedTuple):
    """All workers, the marks in taken/, what is on the wire, and the faults that are left."""

    workers: tuple[Worker, ...] = (Worker(), Worker())
    marks: frozenset[str] = frozenset()
    wire: frozenset[str] = frozenset()  #: marks whose making hangs
    faults: tuple[tuple[str, int], ...] = tuple(sorted(FAULTS.items()))

    def spend(self, fault: str) -> World | None:
        """The world in which that happened once more, None when it has happened often enough."""
        left = dict(self.faults)
        if not left[fault]:
            return None
        return self._replace(faults=tuple(sorted({**left, fault: left[fault] - 1}.items())))

    def put(self, name: str, **facts: object) -> World:
        """With a worker that is otherwise."""
        return self._replace(
            workers=tuple(
                each._replace(**facts) if who == name else each  # type: ignore[arg-type]
                for who, each in zip(WORKERS, self.workers, strict=True)
            )
        )


Step = tuple[str, World]


def broken(world: World, is_last: bool) -> str:
    """More commands than there may be; or a mark that nobody removes any more."""
    if sum(worker.command for worker in world.workers) > LIMIT:
        return f"{sum(worker.command for worker in world.workers)} commands run, and there is {LIMIT}"
    return f"marks of {', '.join(sorted(world.marks))} stay for ever" if is_last and world.marks else ""


def steps(world: World, off: small.Off) -> Iterator[Step]:
    """Everything that can be next."""
    for name, worker in zip(WORKERS, world.workers, strict=True):
        if worker.alive:
            yield from works(world, name, worker, off)
            if worker.stage != "idle" and (killed := world.spend("kill")):
                yield f"{name} is killed", killed.put(name, alive=False)
        else:
            yield from dies(world, name, worker, off)
        if worker.alive and "proven-dead" in off and name in world.marks:
            yield f"{name} is silent: its mark is removed", world._replace(marks=world.marks - {name})
    for name in world.wire:
        rest = world._replace(wire=world.wire - {name})
        yield f"late: the mark of {name} is made", rest._replace(marks=rest.marks | {name})
        yield f"never executed: the mark of {name}", rest


def works(world: World, name: str, worker: Worker, off: small.Off) -> Iterator[Step]:
    """A worker that lives."""
    yield from _STAGES[worker.stage](world, name, off)


def _idle(world: World, name: str, off: small.Off) -> Iterator[Step]:
    if "mark-first" not in off:
        yield from marks(world, name, "counting")
    elif len(world.marks) < LIMIT:
        yield f"{name} counts {len(world.marks)}", world.put(name, stage="allowed")


def _allowed(world: World, name: str, _off: small.Off) -> Iterator[Step]:
    yield from marks(world, name, "starting")


def _counting(world: World, name: str, off: small.Off) -> Iterator[Step]:
    others = len(world.marks - {name}) + 1
    if (name in world.marks or "own-mark" in off) and others <= LIMIT:
        yield f"{name} counts and starts", world.put(name, stage="running", command=True)
        return
    again = world.spend("tries")
    then = again.put(name, stage="idle") if again else world.put(name, stage="done")
    yield (
        f"{name} counts too many and gives {'back' if again else 'up'}",
        then._replace(marks=then.marks - {name}),
    )


def _starting(world: World, name: str, _off: small.Off) -> Iterator[Step]:
    yield f"{name} starts", world.put(name, stage="running", command=True)


def _running(world: World, name: str, _off: small.Off) -> Iterator[Step]:
    yield f"the command of {name} ends", world.put(name, stage="publishing", command=False)
    if then := world.spend("person"):
        yield f"a person takes the file of {name} away", then.put(name, stage="clearing")


def _clearing(world: World, name: str, off: small.Off) -> Iterator[Step]:
    yield f"{name} has killed its command", world.put(name, stage="publishing", command=False)
    if "last-process" in off:
        yield f"{name} removes its mark, its file is gone", world._replace(marks=world.marks - {name})


def _publishing(world: World, name: str, _off: small.Off) -> Iterator[Step]:
    over = world.put(name, stage="done")
    yield f"{name} removes its mark and publishes", over._replace(marks=over.marks - {name})


def _done(world: World, name: str, _off: small.Off) -> Iterator[Step]:
    if name in world.marks:
        yield f"{name} removes a mark that it does not know", world._replace(marks=world.marks - {name})


_STAGES = {
    "idle": _idle, "allowed": _allowed, "counting": _counting, "starting": _starting, "running": _running,
    "clearing": _clearing, "publishing": _publishing, "done": _done,
}  # fmt: skip


def marks(world: World, name: str, stage: str) -> Iterator[Step]:
    """A mark is made; the call may hang, and its caller is told that it failed."""
    yield f"{name} makes its mark", world.put(name, stage=stage)._replace(marks=world.marks | {name})
    if late := world.spend("late"):
        yield f"{name} makes its mark; the call hangs", late.put(name, stage=stage)._replace(wire=late.wire | {name})


def dies(world: World, name: str, worker: Worker, off: small.Off) -> Iterator[Step]:
    """A worker that was killed: its guard kills the command, then others can prove its death."""
    if worker.command:
        yield f"the guard of {name} kills its command", world.put(name, command=False)
    elif not worker.buried or (name in world.marks and "sweep-again" not in off):
        buried = world.put(name, buried=True)
        yield f"others prove the death of {name} and remove its mark", buried._replace(marks=buried.marks - {name})


def search(off: small.Off = frozenset()) -> tuple[int, list[str]]:
    """How many worlds there are, and the shortest way to a broken one."""
    return small.search(World(), lambda world: steps(world, off), broken)


def main(arguments: list[str]) -> int:
    """Search, and tell what came out."""
    return small.main(arguments, "counting", "Counted resources and max_running", RULES, search)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
