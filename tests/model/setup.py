"""One run: its bounds, and which rules are taken away; and the first world."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.model.bounds import INDEX, Bounds
from tests.model.world import File, Pruner, Record, Worker, World

Step = tuple  # (label, world, is a fault, what it broke)


@dataclass(frozen=True)
class Model:
    """The protocol without the rules `off`."""

    bounds: Bounds = field(default_factory=Bounds)
    off: frozenset[str] = frozenset()

    def has(self, rule: str) -> bool:
        """True unless the rule is taken away."""
        return rule not in self.off

    def can(self, world: World, fault: str) -> bool:
        """True while the budget of that fault lasts."""
        return world.left[INDEX[fault]] > 0

    def spend(self, world: World, fault: str, **changes: object) -> World:
        """The world after one fault of that kind."""
        i = INDEX[fault]
        return world._replace(left=(*world.left[:i], world.left[i] - 1, *world.left[i + 1 :]), **changes)

    @property
    def splits(self) -> bool:
        """Whether choosing N and making record N are two steps.

        Records that are over stay so and O_EXCL decides who comes first, so what lies between the two changes nothing;
        unless records can vanish (prune) or O_EXCL is taken away.
        """
        return self.bounds.prune > 0 or not self.has("excl")

    def first(self) -> World:
        """Everything submitted, nobody has looked yet."""
        place = "tmp" if self.bounds.submit else "todo"
        old = [File("done", name, (), None, f"{name}1") for name in self.bounds.old]
        files = list(old)
        for name in self.bounds.files:
            number = sum(file.name == name for file in files) + 1
            # A second file of a name that a command submitted has a token: ~0.TOKEN.
            files.append(File(place, name, () if number == 1 else ("n", 0, 0, number), None, f"{name}{number}"))
        workers, marks = (Worker(),) * self.bounds.workers, set()
        if self.bounds.away:
            workers = (*workers[:-1], Worker(status="off"))
            marks.add(((len(workers) - 1, 0), "dead"))
        return World(
            frozenset(files), workers, frozenset(Record(file.name, 1, None, "x", file.text) for file in old), frozenset(),
            frozenset(), frozenset(marks), frozenset(), frozenset(file.text for file in old), Pruner(), self.bounds.budget(),
        )  # fmt: skip

    def everything(self, world: World) -> str:
        """Names of all files that came so far, in order."""
        dropped = len(self.bounds.drops) - world.left[-1]
        return self.bounds.old + self.bounds.files + self.bounds.drops[:dropped]


def with_worker(world: World, slot: int, **changes: object) -> World:
    """The world with one worker changed."""
    workers = world.workers
    return world._replace(workers=(*workers[:slot], workers[slot]._replace(**changes), *workers[slot + 1 :]))


def idle(world: World, slot: int, **changes: object) -> World:
    """The worker of that slot has nothing in hand."""
    return with_worker(world, slot, pc="idle", file=None, n=0, out=(), **changes)


def wid_of(world: World, slot: int) -> tuple[int, int]:
    """WID of the incarnation that has that slot now."""
    return (slot, world.workers[slot].inc)
