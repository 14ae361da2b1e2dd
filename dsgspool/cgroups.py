"""The door to cgroups (v2): memory that the kernel counts and limits for all processes of a command, whatever they do.

The rule: only what is ours alone is divided.  The group that this worker was started in has to be no root, to hold nobody
but worker and guard, and to be delegated: both then move one level down, as a group whose memory is shared out may hold no
process of its own.  Whatever is refused, now or later, leaves all as it was, and memory is watched instead (worker/limits.py).

    GROUP/                     where the worker was started, such as run-u7.scope
    GROUP/dsgspool.worker/     guard, worker, and the commands without a limit
    GROUP/dsgspool-WID.C/      all processes of one command with a limit
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator, Sequence

from dsgspool.classes import dataclass

ROOT, OWN, SYSTEMD = "/sys/fs/cgroup", "/proc/self/cgroup", "/run/systemd/system"
LEAF, PREFIX = "dsgspool.worker", "dsgspool-"
NEEDED = ("cgroup.kill", "memory.max", "memory.oom.group")  #: Linux 5.14; the files of a group that has memory
#: What systemd writes on a group that it gives away (it then leaves all below alone); the second one only root can read.
DELEGATED = ("user.delegate", "trusted.delegate")
#: A shell enters the group that is open as its input before it becomes the command: no instruction of that is uncounted.
ENTRY = """echo 0 >&0 2>/dev/null || { echo "dsgspool: it cannot be put into the cgroup of its memory limit" >&2; exit 126; }
exec <"$1"; shift; exec "$@\""""


@dataclass(frozen=True, slots=True)
class Place:
    """The group that this process lives in: its folder, '' for none, and why it cannot be divided, '' when it can."""

    folder: str
    obstacle: str = ""


def path_in(own: str = OWN) -> str:
    """Where below the root of cgroup v2 this process lives; '/' also without any."""
    return next((line[3:] for line in text(own).splitlines() if line.startswith("0::")), "/")


def place(ours: Collection[int], root: str = ROOT, own: str = OWN) -> Place:
    """Where this process lives; `ours`: the processes that may be there."""
    held = f"{root}{path_in(own)}".rstrip("/")
    if not text(f"{held}/cgroup.controllers"):
        return Place("", f"there is no cgroup v2 with controllers in {root}")
    folder = os.path.dirname(held) if os.path.basename(held) == LEAF else held
    others = {int(pid) for pid in text(f"{held}/cgroup.procs").split()} - set(ours)
    return Place(folder, _why_not(folder) or (f"other processes are in it ({_some(others)})" if others else ""))


def _why_not(folder: str) -> str:
    if text(f"{folder}/cgroup.type").strip() != "domain":
        return "it is the root of all groups, or one of threads"
    if "memory" not in text(f"{folder}/cgroup.controllers").split():
        return "it has no memory controller"
    if lacking := [name for name in NEEDED if not os.access(f"{folder}/{name}", os.F_OK)]:
        return f"this kernel has no {lacking[0]} (Linux 5.14)"
    if not all(os.access(f"{folder}{name}", os.W_OK) for name in ("", "/cgroup.procs", "/cgroup.subtree_control")):
        return "this user may not write there"
    # Where systemd keeps a group to itself it takes back what others set there, at the next daemon-reload.
    if has_systemd() and not any(_attribute(folder, name) == b"1" for name in DELEGATED):
        return "systemd has not delegated it"
    return ""


def has_systemd() -> bool:
    """True where systemd runs this machine."""
    return os.access(SYSTEMD, os.F_OK)


def _some(pids: Collection[int]) -> str:
    return ", ".join(map(str, sorted(pids)[:3])) + (", ..." if len(pids) > 3 else "")


def enter(ours: Collection[int]) -> Tree | None:
    """Divide the group that this process lives in, and remove what dead workers left there; None where that cannot be."""
    found = place(ours)
    if found.obstacle:
        return None
    tree = Tree(found.folder)
    try:
        tree.divide(ours)
    except OSError:  # somebody came into it meanwhile, or it is allowed no more groups
        tree.leave()
        return None
    return tree


class Tree:
    """The groups of one worker."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def divide(self, ours: Collection[int]) -> None:
        """Move one level down, and let the groups beside have limits; OSError."""
        leaf = f"{self.folder}/{LEAF}"
        with contextlib.suppress(FileExistsError):
            os.mkdir(leaf)
        for pid in ours:
            _write(f"{leaf}/cgroup.procs", pid)
        _write(f"{self.folder}/cgroup.subtree_control", "+memory")
        self._sweep()

    def _sweep(self) -> None:
        """Remove what holds no process: nobody but this worker puts one in, and it has none yet or none any more."""
        for name in _names(self.folder):
            if name.startswith(PREFIX):
                _remove(f"{self.folder}/{name}")

    def make(self, claim: str, memory: int) -> Group | None:
        """A group for one command with so many bytes, without swap; None where that is refused."""
        group = Group(f"{self.folder}/{PREFIX}{claim}")
        try:
            os.mkdir(group.path)
            _write(f"{group.path}/memory.oom.group", 1)
            _write(f"{group.path}/memory.max", memory)
            if os.access(f"{group.path}/memory.swap.max", os.F_OK):
                _write(f"{group.path}/memory.swap.max", 0)
        except OSError:
            group.remove()
            return None
        return group

    def leave(self) -> None:
        """Put all back as it was before."""
        self._sweep()
        leaf = f"{self.folder}/{LEAF}"
        with contextlib.suppress(OSError):  # then it stays divided: the next worker there finds itself in the leaf
            _write(f"{self.folder}/cgroup.subtree_control", "-memory")
            for pid in text(f"{leaf}/cgroup.procs").split():
                _write(f"{self.folder}/cgroup.procs", pid)
            os.rmdir(leaf)


class Group:
    """All processes of one command."""

    def __init__(self, path: str) -> None:
        self.path = path

    @contextlib.contextmanager
    def entry(self) -> Iterator[int]:
        """What a command begins with as its input, so that it can enter; opened here, as its user may not be allowed to."""
        descriptor = os.open(f"{self.path}/cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def holds(self) -> bool:
        """False once its limit is gone: somebody took the controller away."""
        return os.access(f"{self.path}/memory.max", os.F_OK)

    def pids(self) -> set[int]:
        """Its living processes."""
        return {int(pid) for path in _below(self.path) for pid in text(f"{path}/cgroup.procs").split()}

    def kill(self) -> None:
        """KILL of all of them at once, those of other users too."""
        with contextlib.suppress(OSError):
            _write(f"{self.path}/cgroup.kill", 1)

    def killed(self) -> tuple[bool, bool]:
        """(the kernel killed processes of it for want of memory, it was its own limit that was reached)."""
        killed = _numbers(f"{self.path}/memory.events").get("oom_kill", 0)
        return killed > 0, _numbers(f"{self.path}/memory.events.local").get("oom", 0) > 0

    def peak(self, seen: int) -> int:
        """The most bytes that it needed, without the cache of files that is left; `seen`: the most that looks showed.

        Looks count twice what processes share, so they count up to the kernel's own figure; `seen` before Linux 5.19.
        """
        most = text(f"{self.path}/memory.peak").strip()
        if not most.isdecimal():
            return seen
        left = _numbers(f"{self.path}/memory.stat")
        cache = left.get("file", 0) - left.get("shmem", 0)
        return min(int(most), max(int(most) - cache, seen))

    def remove(self) -> None:
        """Remove it; what is not empty stays until the worker ends."""
        _remove(self.path)


def entering(argv: Sequence[str], stdin: str) -> list[str]:
    """The command line that enters the group which is open as its input, then reads from the file `stdin`."""
    return ["/bin/sh", "-c", ENTRY, "sh", stdin, *argv]


def _remove(path: str) -> None:
    """A group and those below it (a command may make some), the lowest first."""
    for each in reversed(_below(path)):
        with contextlib.suppress(OSError):
            os.rmdir(each)


def _below(path: str) -> list[str]:
    found = [path]
    for folder in found:
        found += [f"{folder}/{name}" for name in _names(folder)]
    return found


def _names(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _numbers(path: str) -> dict[str, int]:
    words = [line.split() for line in text(path).splitlines()]
    return {pair[0]: int(pair[1]) for pair in words if len(pair) == 2 and pair[1].isdecimal()}


def _attribute(path: str, name: str) -> bytes:
    try:
        return os.getxattr(path, name)
    except OSError:
        return b""


def text(path: str) -> str:
    """A small file of the kernel, '' when it is not there."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _write(path: str, value: object) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(f"{value}\n")
