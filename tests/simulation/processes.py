"""`dsgspool.proc` and `dsgspool.census` as they look from a process of a simulated machine.

The rule: a function of `proc` that is not simulated ends the schedule, because the real one would look at real processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from dsgspool import census, proc
from dsgspool.conditions import Inventory
from dsgspool.proc import Exit, Identity, NodeLook
from dsgspool.spawning import Launch
from tests.simulation.chunks import ChunkProcess, is_chunk
from tests.simulation.node import Command, Marked
from tests.simulation.virtual import current


class Processes:
    """What `dsgspool.proc` offers, in the simulated machine of whoever calls."""

    @staticmethod
    def identity(_guard: int = 0) -> Identity:
        me = current()
        guard = me.parent
        return Identity(
            me.node.host, me.node.machine_id, me.node.boot_id(), "pids", me.pid, me.began,
            guard.pid if guard else 0, guard.began if guard else 0,
        )  # fmt: skip

    @staticmethod
    def shows(_uid: int) -> bool:
        """/proc hides nothing."""
        return True

    @staticmethod
    def is_running(pid: int, start: int) -> bool:
        process = current().node.processes.get(pid)
        return process is not None and process.began == start and not process.is_gone()

    @staticmethod
    def become_subreaper() -> None:
        """Every actor is one."""

    @staticmethod
    def spawn(launch: Launch) -> int:
        me = current()
        return (ChunkProcess(me.node, me, launch) if is_chunk(launch) else Command(me.node, me, launch)).pid

    @staticmethod
    def reap() -> Iterator[Exit]:
        me = current()
        for child in [child for child in me.children if child.is_gone()]:
            me.children.remove(child)
            me.node.processes.pop(child.pid, None)
            yield Exit(child.pid, child.code, child.number, 0.0)

    @staticmethod
    def children() -> list[int]:
        return [child.pid for child in current().children]

    @staticmethod
    def session(pid: int) -> int:
        process = current().node.processes.get(pid)
        return process.session if isinstance(process, Marked) else 0

    @staticmethod
    def group(pid: int) -> int:
        """Each command leads a session, and in it one group."""
        return Processes.session(pid)

    @staticmethod
    def set_nice(_pid: int, _nice: int) -> None:
        """Nobody competes for CPUs here."""

    @staticmethod
    def usable_cpus() -> int:
        return 4

    @staticmethod
    def marker(pid: int) -> str:
        process = current().node.processes.get(pid)
        return process.claim if isinstance(process, Marked) and process.alive else ""

    @staticmethod
    def marked(wid: str) -> list[int]:
        every = current().node.processes.items()
        return [pid for pid, p in every if isinstance(p, Marked) and p.alive and p.claim.startswith(f"{wid}.")]

    @staticmethod
    def nascent() -> list[int]:
        return []

    @staticmethod
    def descendants(pid: int) -> list[int]:
        return [pid]

    @staticmethod
    def send(pids: Iterable[int], number: int) -> None:
        processes = current().node.processes
        for pid in sorted(pids):
            if pid in processes:
                processes[pid].signal(number)

    @staticmethod
    def send_group(pid: int, number: int) -> None:
        every = current().node.processes.values()
        Processes.send([p.pid for p in every if isinstance(p, Marked) and p.session == pid], number)

    @staticmethod
    def node_look() -> NodeLook:
        """Idle, with 8 GiB."""
        return NodeLook(0.0, 0, 8 << 30, 0.0, current().node.boot_time())


def measure(*_: object) -> Inventory:
    """`dsgspool.machine.measure`: a node without GPUs; the first one has more scratch space than the others."""
    node = current().node
    return Inventory(host=node.host, cpus=4, memory=8 << 30, scratch=1 << (40 if node.number == 0 else 30))


def table() -> dict[int, census.Process]:
    """`dsgspool.census.table` on that machine."""
    every = current().node.processes.items()
    return {pid: census.Process(pid, p.parent.pid if p.parent else 1, getattr(p, "session", 1), 0) for pid, p in every}


def _unknown(name: str) -> Callable[..., Any]:
    def stop(*_: object) -> None:
        current().sim.broken(f"proc.{name} is not simulated")

    return stop


_OFFERED = [name for name, value in vars(proc).items() if getattr(value, "__module__", "") == proc.__name__]
PATCHES = {name: getattr(Processes, name, _unknown(name)) for name in _OFFERED if name[0].islower()}
