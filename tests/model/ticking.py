"""`overlap: skip` (spool-format.md, decisions (xliii) and (lxii)), as a model of its own: every order of steps.

The rule: in no world are two instances of a schedule open at once, and no tick is queued twice.

    python -m tests.model.ticking [--without RULE]

Two ticks, one after the other; a leader for each, who may stand still between any two steps and go on when others lead, and a
third one who begins to lead and does what is left of both.  Instances come to their end whenever they like.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import NamedTuple

from tests.model import small

TICKS = (1, 2)
RULES = {
    "once": "ticks/STAMP/ is moved into place whole, and only where none lies",
    "tick-first": "a tick is in its place before its leader looks whether it may queue its task",
    "later-wins": "who finds a later tick there does not queue its own",
    "takes-earlier": "who comes later takes the texts of those before it away, before it looks",
    "looks": "who queues has looked whether an instance is open",
}


class Leader(NamedTuple):
    """Who makes a tick: `stage` is the step that comes next."""

    tick: int
    stage: str


class World(NamedTuple):
    """Which ticks are in their place, which of them have their text in it, and how often each instance was queued and ended."""

    leaders: tuple[Leader, ...] = (Leader(1, "make"), Leader(2, "make"), Leader(0, "begin"))
    made: frozenset[int] = frozenset()
    texts: frozenset[int] = frozenset()
    opened: tuple[int, ...] = ()  #: instances that are open
    queued: tuple[int, ...] = ()  #: ever

    def lead(self, number: int, stage: str, tick: int = -1) -> World:
        """With a leader that goes on there."""
        leader = Leader(self.leaders[number].tick if tick < 0 else tick, stage)
        return self._replace(leaders=(*self.leaders[:number], leader, *self.leaders[number + 1 :]))


Step = tuple[str, World]


def broken(world: World, is_last: bool) -> str:
    """Two open instances, or one tick twice; or a text that nobody queues nor takes away."""
    if len(world.opened) > 1:
        return f"the instances {world.opened} are open at once"
    if len(set(world.queued)) < len(world.queued):
        return f"a tick is queued twice: {world.queued}"
    return f"the texts of {sorted(world.texts)} stay in their ticks" if is_last and world.texts else ""


def steps(world: World, off: small.Off) -> Iterator[Step]:
    """Everything that can be next."""
    for number, leader in enumerate(world.leaders):
        yield from leads(world, number, leader, off)
    for tick in world.opened:
        yield f"instance {tick} is over", world._replace(opened=tuple(each for each in world.opened if each != tick))


def leads(world: World, number: int, leader: Leader, off: small.Off) -> Iterator[Step]:
    """One step of one leader."""
    if do := _STAGES.get(leader.stage):
        yield from do(world, number, leader.tick, off)


def _looks_first(world: World, number: int, tick: int, _off: small.Off) -> Iterator[Step]:
    """What is forbidden: a look before the tick is in its place."""
    what = (
        f"finds {world.opened} open, and leaves tick {tick} out" if world.opened else f"finds nothing open for {tick}"
    )
    yield f"leader {number + 1} {what}", world.lead(number, "over" if world.opened else "late-make")


def _make(world: World, number: int, tick: int, off: small.Off) -> Iterator[Step]:
    is_late = world.leaders[number].stage == "late-make"
    if "tick-first" in off and not is_late:
        yield from _looks_first(world, number, tick, off)
        return
    if tick in world.made:
        yield f"leader {number + 1} finds tick {tick} made", world.lead(number, "over")
        if "once" not in off:
            return
    put = world.lead(number, "queue" if is_late else "later")
    label = f"leader {number + 1} puts tick {tick} into its place"
    yield label, put._replace(made=put.made | {tick}, texts=put.texts | {tick})


def _begin(world: World, number: int, _tick: int, off: small.Off) -> Iterator[Step]:
    """What is left of the ticks that others made, one after the other; where `once` is away, also one that was made."""
    for each in sorted(world.texts):
        label = f"leader {number + 1} begins to lead, and goes on with tick {each}"
        yield label, world.lead(number, "later", each)
    if "once" in off:
        for each in sorted(world.made):
            yield f"leader {number + 1} begins to lead, and makes tick {each}", world.lead(number, "make", each)


def _later(world: World, number: int, tick: int, off: small.Off) -> Iterator[Step]:
    if any(other > tick for other in world.made) and "later-wins" not in off:
        yield from _drop(world, number, tick, "finds a later tick")
    else:
        yield f"leader {number + 1} finds no tick later than {tick}", world.lead(number, "take")


def _drop(world: World, number: int, tick: int, why: str) -> Iterator[Step]:
    gone = world.lead(number, "over")
    yield f"leader {number + 1} {why}, and drops {tick}", gone._replace(texts=gone.texts - {tick})


def _take(world: World, number: int, tick: int, off: small.Off) -> Iterator[Step]:
    kept = world.lead(number, "look")
    before = frozenset() if "takes-earlier" in off else {each for each in kept.texts if each < tick}
    label = f"leader {number + 1} takes texts before {tick} away: {sorted(before)}"
    yield label, kept._replace(texts=kept.texts - before)


def _look(world: World, number: int, tick: int, off: small.Off) -> Iterator[Step]:
    if world.opened and "looks" not in off:
        yield from _drop(world, number, tick, f"finds {world.opened} open")
    else:
        yield f"leader {number + 1} finds nothing open", world.lead(number, "queue")


def _queue(world: World, number: int, tick: int, _off: small.Off) -> Iterator[Step]:
    over = world.lead(number, "over")
    if tick in world.texts:
        opened, queued = (*over.opened, tick), (*over.queued, tick)
        over = over._replace(texts=over.texts - {tick}, opened=opened, queued=queued)
    yield f"leader {number + 1} queues tick {tick}, if its text is there", over


def _over(world: World, number: int, _tick: int, _off: small.Off) -> Iterator[Step]:
    if number == 2 and world.texts:
        yield f"leader {number + 1} looks for more", world.lead(number, "begin", 0)


_STAGES = {
    "make": _make, "late-make": _make, "begin": _begin, "later": _later, "take": _take, "look": _look, "queue": _queue,
    "over": _over,
}  # fmt: skip


def search(off: small.Off = frozenset()) -> tuple[int, list[str]]:
    """How many worlds there are, and the shortest way to a broken one."""
    return small.search(World(), lambda world: steps(world, off), broken)


def main(arguments: list[str]) -> int:
    """Search, and tell what came out."""
    return small.main(arguments, "ticking", "Schedules with overlap: skip", RULES, search)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
