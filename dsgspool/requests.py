"""What a task wants of a node besides CPUs, and whether that fits.

The rule: pure and exact.  `why_unfit` says what a node lacks for ever, `Room` what is free of it now.  A request has one
canonical text; its digest is the word of the lane in which nobody who is unfit opens such a task again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from dsgspool.classes import dataclass
from dsgspool.expressions import expression

if TYPE_CHECKING:  # every command imports this module, and only those that look at nodes need the other
    from dsgspool.conditions import Condition, Gpu, Inventory

DIGEST = 6  #: characters of base32
_STRANGE = expression(r"[^A-Za-z0-9.]+")


@dataclass(frozen=True)
class Request:
    """What a task wants of a node besides CPUs.  `memory` in bytes is a ladder: the next rung after each oom."""

    memory: tuple[int, ...] = ()
    gpus: int = 0
    gpu_memory: int = 0
    scratch: int = 0
    named: tuple[tuple[str, int], ...] = ()
    where: tuple[Condition, ...] = ()

    def __bool__(self) -> bool:
        if self is NOTHING:  # most tasks want nothing, and are asked eight times
            return False
        return bool(self.memory or self.gpus or self.gpu_memory or self.scratch or self.named or self.where)

    def on_rung(self, ooms: int) -> Request:
        """What it wants after so many ooms."""
        return self if len(self.memory) < 2 else replace(self, memory=(self.memory[min(ooms, len(self.memory) - 1)],))

    @cached_property
    def bytes(self) -> int:
        """Memory that it wants on its (first) rung, 0 = it does not say."""
        return self.memory[0] if self.memory else 0

    @cached_property
    def amounts(self) -> tuple[tuple[str, int], ...]:
        """What is taken from a node's stock while it runs, GPUs apart."""
        plain = (("memory", self.bytes), ("scratch", self.scratch), *self.named)
        return tuple((name, amount) for name, amount in plain if amount)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The canonical text, word by word."""
        from dsgspool.conditions import size

        facts = {
            "memory": ",".join(map(size, self.memory)),
            "gpus": self.gpus or "",
            "scratch": self.scratch and size(self.scratch),
        }
        facts["gpu_memory"] = self.gpu_memory and size(self.gpu_memory)
        named = [f"{name}={amount}" for name, amount in self.named]
        return (*(f"{key}={value}" for key, value in facts.items() if value), *named, *map(str, self.where))

    def __str__(self) -> str:
        return " ".join(self.words)

    @cached_property
    def digest(self) -> str:
        """The canonical text in six characters."""
        import base64
        import hashlib  # 1 ms of start-up that only those need who want something

        return base64.b32encode(hashlib.sha256(str(self).encode()).digest()).decode().lower()[:DIGEST]

    @cached_property
    def slug(self) -> str:
        """The same for people who look at the lane: as much as there is room for."""
        text = "-".join(self.words).replace("gpu_memory=", "gmem").replace("memory=", "mem").replace("gpus=", "gpus")
        return _STRANGE.sub("-", text)

    def usable(self, gpus: Sequence[Gpu]) -> list[Gpu]:
        """Those GPUs that it can use."""
        return [gpu for gpu in gpus if self._suits(gpu)] if self._is_choosy else list(gpus)

    @cached_property
    def _is_choosy(self) -> bool:
        return bool(self.gpu_memory) or any(condition.chooses_gpus for condition in self.where)

    def _suits(self, gpu: Gpu) -> bool:
        known = self._suited
        if gpu not in known:
            chosen = [condition for condition in self.where if condition.chooses_gpus]
            known[gpu] = gpu.memory >= self.gpu_memory and all(condition.meets(gpu) for condition in chosen)
        return known[gpu]

    @cached_property
    def _suited(self) -> dict[Gpu, bool]:
        return {}


NOTHING = Request()


def why_unfit(request: Request, node: Inventory) -> list[str]:
    """What this node lacks for ever, each in a few words that go on after its name; [] = it can run here."""
    from dsgspool.conditions import about

    lacks = []
    if request.bytes > node.memory:
        lacks.append(f"has {about(node.memory)} of memory, it wants {about(request.bytes)}")
    if request.scratch > node.scratch:
        lacks.append(f"has {about(node.scratch)} of scratch space, it wants {about(request.scratch)}")
    for name, amount in request.named:
        have = node.resources.get(name, 0)
        if amount > have:
            lacks.append(f"has {have or 'no'} {name}, it wants {amount}")
    usable = len(request.usable(node.gpus))
    if request.gpus > len(node.gpus):
        lacks.append(f"has {len(node.gpus) or 'no'} GPU{'s' if len(node.gpus) > 1 else ''}, it wants {request.gpus}")
    elif request.gpus > usable:
        each = f" of at least {about(request.gpu_memory)}" if request.gpu_memory else " that meet its `where`"
        lacks.append(f"has {usable or 'no'} GPU{'s' if usable > 1 else ''}{each}, it wants {request.gpus}")
    return lacks + [why for condition in request.where if (why := condition.why_not(node))]


class Room:
    """What is free of a node: CPUs (slots), amounts by name, GPUs."""

    __slots__ = ("amounts", "cpus", "gpus")

    def __init__(self, cpus: int, amounts: dict[str, int], gpus: list[Gpu]) -> None:
        self.cpus, self.amounts, self.gpus = cpus, amounts, gpus

    @classmethod
    def of(cls, node: Inventory) -> Room:
        """All of a node; its CPUs are counted elsewhere."""
        return cls(0, {"memory": node.memory, "scratch": node.scratch, **node.resources}, list(node.gpus))

    def left(self, cpus: int) -> Room:
        """A copy to plan with."""
        return Room(cpus, self.amounts.copy(), self.gpus.copy())

    def takes(self, cpus: int, request: Request) -> bool:
        """True when it fits now."""
        if cpus > self.cpus:
            return False
        if not request:
            return True
        enough = all(amount <= self.amounts.get(name, 0) for name, amount in request.amounts)
        return enough and (not request.gpus or len(request.usable(self.gpus)) >= request.gpus)

    def take(self, cpus: int, request: Request, without: frozenset[int] = frozenset()) -> tuple[Gpu, ...]:
        """Take it out, also more than there is; the GPUs that it gets: the smallest that do, none of `without`."""
        self.cpus -= cpus
        for name, amount in request.amounts:
            self.amounts[name] = self.amounts.get(name, 0) - amount
        if not request.gpus:
            return ()
        free = [gpu for gpu in request.usable(self.gpus) if gpu.index not in without]
        chosen = tuple(sorted(free, key=lambda gpu: (gpu.memory, gpu.index))[: request.gpus])
        for gpu in chosen:
            self.gpus.remove(gpu)
        return chosen

    def give(self, request: Request, gpus: tuple[Gpu, ...]) -> None:
        """Put back what was taken."""
        for name, amount in request.amounts:
            self.amounts[name] += amount
        self.gpus = sorted([*self.gpus, *gpus], key=lambda gpu: gpu.index)
