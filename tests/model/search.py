"""Breadth-first through every world that can come about; then backwards from the finished ones (I6).

The rule: the first violation found has the shortest trace.  Worlds are kept once and traces are not kept at all: each
world knows the one it came from, and the sentence between the two is made when it is asked for.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from tests.model import claims, faults, janitor, neighbours, people, pruning, worker
from tests.model.calls import wire
from tests.model.death import proofs
from tests.model.dependencies import rests
from tests.model.normal import normal
from tests.model.setup import Model, Step
from tests.model.words import say, scene
from tests.model.world import FINISHED, World


@dataclass
class Result:
    """What a search found."""

    states: int = 0
    transitions: int = 0
    seconds: float = 0.0  #: of one core
    problem: str = ""
    trace: list[str] = field(default_factory=list)
    steps: int = 0  #: length of the shortest way to what is broken
    is_whole: bool = True  #: False = it was stopped before all states were seen


def successors(model: Model, world: World) -> Iterator[Step]:
    """Every step that can be next."""
    for slot, each in enumerate(world.workers):
        if each.status == "up":
            yield from worker.steps(model, world, slot)
    yield from janitor.steps(model, world)
    yield from proofs(model, world)
    yield from neighbours.proofs(model, world)
    yield from faults.steps(model, world)
    yield from faults.operators(model, world)
    yield from people.steps(model, world)
    if world.pruner.pc != "idle" or model.bounds.prune:
        yield from pruning.steps(model, world)
    if world.net:
        yield from wire(model, world)


def broken(model: Model, world: World) -> str:
    """The promise that a world breaks, '' mostly."""
    where = {file.text: 0 for file in world.files}
    for file in world.files:
        where[file.text] += file.place != "tmp"  # what lies in tmp/ is not accepted yet
    for text, times in where.items():
        if times > 1:
            return f"I1 each accepted file is in exactly one place: {text} is in {times}"
    accepted = _accepted(model, world)
    if lost := accepted - where.keys() - world.gone:
        return f"I1 each accepted file is in exactly one place: {', '.join(sorted(lost))} is nowhere"
    if len(world.procs) > 1:
        return _two_alive(world)
    return pruning.leaves(model, world) if model.bounds.pcrash and is_finished(model, world) else ""


def _accepted(model: Model, world: World) -> set[str]:
    everything = model.everything(world)
    return {f"{name}{everything[: i + 1].count(name)}" for i, name in enumerate(everything)}


def _two_alive(world: World) -> str:
    """I2.  An operator's word that a living worker is dead holds from the moment in which that worker has looked."""
    alive: dict[str, list[int]] = {}
    for name, n, claim in world.procs:
        if (claim[0], "touched") not in world.marks or (claim[0], "looked") in world.marks:
            alive.setdefault(name, []).append(n)
    for name, numbers in alive.items():
        if len(numbers) > 1:
            return f"I2 at most one live attempt of a name: attempts {sorted(numbers)} of {name} are alive"
    return ""


def is_finished(model: Model, world: World) -> bool:
    """Everything rests where a task ends, nothing runs, nobody has anything in hand."""
    if world.procs or world.net or world.pruner.pc not in ("idle", "over"):
        return False
    if not all(f.claim is None and (f.place in (*FINISHED, "hold") or rests(model, world, f)) for f in world.files):
        return False
    return all(each.pc == "idle" for each in world.workers if each.status == "up")


def lives(model: Model, world: World) -> bool:
    """Somebody is there who could finish the work."""
    return any(
        each.status == "up" and (each.guard or not model.has("pdeathsig")) and claims.may_claim(model, slot)
        for slot, each in enumerate(world.workers)
    )


class Search:
    """One search.  `reduce`: also the reductions of normal.py that change names on the way, so there is no trace."""

    def __init__(self, model: Model, *, reduce: bool = False, seconds: float = 600.0, states: int = 10**9) -> None:
        self.model, self.reduce, self.seconds, self.limit = model, reduce, seconds, states
        self.worlds: list[World] = []
        self.index: dict[World, int] = {}
        self.parent = array("l")
        self.edges = (array("l"), array("l"))  # of steps that are no faults, for the way back
        self.result = Result()

    def run(self) -> Result:
        """Search until something is broken, all is seen, or a limit is reached."""
        began = time.process_time()
        self._add(self._canonical(self.model.first()), -1)
        at = 0
        while at < len(self.worlds) and not self.result.problem:
            if at % 256 == 0 and (time.process_time() - began > self.seconds or len(self.worlds) > self.limit):
                self.result.is_whole = False
                break
            self._expand(at)
            at += 1
        if self.result.is_whole and not self.result.problem:
            self._look_for_stuck()
        self.result.states, self.result.seconds = len(self.worlds), time.process_time() - began
        return self.result

    def _canonical(self, world: World) -> World:
        return normal(self.model, world, reduce=self.reduce)

    def _add(self, world: World, parent: int) -> int:
        number = self.index[world] = len(self.worlds)
        self.worlds.append(world)
        self.parent.append(parent)
        return number

    def _expand(self, at: int) -> None:
        for label, then, is_fault, problem in successors(self.model, self.worlds[at]):
            self.result.transitions += 1
            number = self.index.get(then)  # worlds that were met are kept too, with the number of their normal form
            if number is None:
                met, then = then, self._canonical(then)
                number = self.index.get(then)
                if number is None:
                    number = self._add(then, at)
                    problem = problem or broken(self.model, then)
                self.index[met] = number
            if not is_fault:
                self.edges[0].append(at)
                self.edges[1].append(number)
            if problem:
                self.result.problem = problem
                if not self.reduce:
                    self.result.trace = [*self._way_to(at), say(label)]
                    self.result.steps = len(self.result.trace)
                return

    def _way_to(self, number: int) -> list[str]:
        """The sentences from the first world to this one."""
        way = [number]
        while self.parent[way[-1]] >= 0:
            way.append(self.parent[way[-1]])
        way.reverse()
        return [self._sentence(self.worlds[one], self.worlds[two]) for one, two in pairwise(way)]

    def _sentence(self, before: World, after: World) -> str:
        for label, then, _, _ in successors(self.model, before):
            if after in (then, self._canonical(then)):
                return say(label)
        raise AssertionError("a world has no step to the one that it led to")

    def _look_for_stuck(self) -> None:
        """I6: who cannot be reached backwards from a finished world, though somebody lives, is stuck."""
        before: list[list[int]] = [[] for _ in self.worlds]
        for one, two in zip(*self.edges, strict=True):
            before[two].append(one)
        can = bytearray(len(self.worlds))
        stack = [number for number, world in enumerate(self.worlds) if is_finished(self.model, world)]
        for number in stack:
            can[number] = 1
        while stack:
            for number in before[stack.pop()]:
                if not can[number]:
                    can[number] = 1
                    stack.append(number)
        for number, world in enumerate(self.worlds):
            if not can[number] and lives(self.model, world):
                stuck = sum(not can[i] and lives(self.model, w) for i, w in enumerate(self.worlds))
                self.result.problem = f"I6 what is begun can be finished: {stuck} states are stuck"
                if not self.reduce:
                    way = self._way_to(number)
                    self.result.trace, self.result.steps = [*way, *scene(world)], len(way)
                return
