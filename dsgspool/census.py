"""All processes of this machine at one look: who belongs to a command, and how much memory it has.

The rule: one pass over /proc for all commands that are watched; a process that goes away meanwhile is no error.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence

import psutil

from dsgspool import proc
from dsgspool.classes import dataclass

_PAGE, _TICKS = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Process:
    """One process; `resident` is bytes of memory, those that it shares included, `cpu` seconds, with its ended children."""

    pid: int
    parent: int
    session: int
    resident: int
    cpu: float = 0.0


def table() -> dict[int, Process]:
    """Every process by its number."""
    found = (_look(int(name)) for name in os.listdir("/proc") if name.isdecimal())
    return {process.pid: process for process in found if process is not None}


def _look(pid: int) -> Process | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()  # proc(5), field 3 is the first
    except (FileNotFoundError, ProcessLookupError):
        return None
    if len(fields) <= 21:
        return None
    ticks = sum(map(int, fields[11:15]))
    return Process(pid, int(fields[1]), int(fields[3]), int(fields[21]) * _PAGE, ticks / _TICKS)


def trees(processes: Mapping[int, Process], claims: Mapping[int, str]) -> dict[int, list[Process]]:
    """What belongs to each of the commands that some processes began: its session, orphans with its claim, all below them.

    `claims`: leader -> claim.  Each process is looked at once for all of them: one look for each of 1,000 commands took
    longer than their worker's fence, and killed it.
    """
    me, roots = os.getpid(), {leader: list[int]() for leader in claims}
    of_claim = {claim: leader for leader, claim in claims.items()}
    for each in processes.values():
        if each.session in roots:
            roots[each.session].append(each.pid)
        elif each.parent == me and (leader := of_claim.get(proc.marker(each.pid))):
            roots[leader].append(each.pid)
    children = _children(processes)
    return {leader: _below(processes, children, pids) for leader, pids in roots.items()}


def below(processes: Mapping[int, Process], roots: Iterable[int]) -> list[Process]:
    """Some processes and all that are below them."""
    return _below(processes, _children(processes), roots)


def _children(processes: Mapping[int, Process]) -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for process in processes.values():
        children.setdefault(process.parent, []).append(process.pid)
    return children


def _below(processes: Mapping[int, Process], children: Mapping[int, list[int]], roots: Iterable[int]) -> list[Process]:
    waiting, found = list(roots), dict[int, Process]()
    while waiting:
        pid = waiting.pop()
        if pid not in found and pid in processes:
            found[pid] = processes[pid]
            waiting += children.get(pid, ())
    return list(found.values())


def cpu_of_others() -> float:
    """CPU seconds of this machine's processes since it was booted, without this process and all that came from it.

    Of what came from it none is lost: the seconds of who has ended are those of who reaped it, at last of this process.
    """
    every = psutil.cpu_times()
    mine = sum(process.cpu for process in below(table(), [os.getpid()]))
    return float(every.user + every.nice + every.system) - mine


def proportional(processes: Sequence[Process]) -> int:
    """Bytes of memory of some processes, what they share counted once (proportional set size; smaps_rollup)."""
    return sum(map(_proportional, processes))


def _proportional(process: Process) -> int:
    try:
        return int(psutil.Process(process.pid).memory_full_info().pss)
    except psutil.NoSuchProcess:
        return 0
    except (psutil.Error, OSError):  # one that is somebody else's now
        return process.resident


def descendants(pid: int) -> list[int]:
    """The pids of all that is below a process now, itself first.

    Only these are looked at: a look at all there are, for each of 1,000 commands that are stopped at once, outlasts the fence.
    """
    if not os.path.exists("/proc/thread-self/children"):  # a kernel without CONFIG_PROC_CHILDREN
        import psutil  # 15 ms that nobody else waits for

        with contextlib.suppress(psutil.NoSuchProcess):
            return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
        return [pid]
    found = [pid]
    for parent in found:  # it grows meanwhile
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for thread in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{thread}/children", "rb") as file:
                    found += map(int, file.read().split())
    return found
