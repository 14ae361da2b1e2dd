"""The only door to processes: who am I, start a command, reap, find and kill what it left behind.

The rule: a command and all its descendants are over before anybody hears that it ended.  Each command has a session of
its own, and worker and guard are child subreapers: whatever a command leaves behind, even after setsid, becomes a child
of the worker (or of the guard when the worker is dead) and so can be found and killed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from dsgspool.classes import dataclass
from dsgspool.mounts import mount_of

if TYPE_CHECKING:
    from dsgspool.spawning import Launch

#: prctl(2) numbers.
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36

_MARKER = b"\0DSGSPOOL_CLAIM="
MARKER = "DSGSPOOL_CLAIM"  #: in the environment of every command: WID.C of the attempt that it belongs to


@dataclass(frozen=True, slots=True)
class Identity:
    """Which process on which machine: what WID.yaml tells the others."""

    host: str
    machine_id: str
    boot_id: str
    pid_namespace: str
    pid: int
    start: int
    guard_pid: int = 0
    guard_start: int = 0

    def same_machine(self, other: Identity) -> bool:
        """True for the same operating system installation: host name and machine-id agree."""
        return bool(self.machine_id) and (self.host, self.machine_id) == (other.host, other.machine_id)

    def same_boot(self, other: Identity) -> bool:
        """True when process numbers of one mean the same to the other."""
        return (self.boot_id, self.pid_namespace) == (other.boot_id, other.pid_namespace) and bool(self.boot_id)


def _line(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def start_time(pid: int) -> int:
    """Clock ticks after boot at which process `pid` started; 0 = no such process, or a zombie.  proc(5), field 22."""
    fields = _line(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return int(fields[19]) if len(fields) > 19 and fields[0] not in "ZX" else 0


def identity(guard_pid: int = 0) -> Identity:
    """Who this process is."""
    try:
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        namespace = ""
    return Identity(
        host=os.uname().nodename,
        machine_id=_line("/etc/machine-id") or _line("/var/lib/dbus/machine-id"),
        boot_id=_line("/proc/sys/kernel/random/boot_id"),
        pid_namespace=namespace,
        pid=os.getpid(),
        start=start_time(os.getpid()),
        guard_pid=guard_pid,
        guard_start=start_time(guard_pid) if guard_pid else 0,
    )


def shows(uid: int) -> bool:
    """True when /proc shows me the processes of this user; mounted with `hidepid` it hides those of others.  proc(5)."""
    return uid == os.geteuid() or mount_of("/proc").value("hidepid") in ("", "0", "off")


def is_running(pid: int, start: int) -> bool:
    """True while the very process that started then is there."""
    return pid > 0 and start_time(pid) == start != 0


def usable_cpus() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0))


def prctl(option: int, value: int) -> None:
    """prctl(2); raises OSError."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl failed")


def become_subreaper() -> None:
    """From now on orphans below me become my children."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)


def spawn(launch: Launch) -> int:
    """Start a command in a session of its own and give its pid; OSError names the file that was missing."""
    from dsgspool.spawning import start  # commands, which only look, start nothing

    return start(launch)


def set_nice(pid: int, nice: int) -> None:
    """Lower the priority of a command's process group below my own (it may already be over, nicer, or not mine to change).

    It runs already, so nothing may be raised: who starts it must learn its pid.
    """
    try:
        os.setpriority(os.PRIO_PGRP, pid, min(os.getpriority(os.PRIO_PROCESS, 0) + nice, 19))
    except (ProcessLookupError, PermissionError):
        return


@dataclass(frozen=True, slots=True)
class Exit:
    """A child that ended: exit code or signal, CPU seconds, bytes from and to disks (getrusage(2); caches not counted)."""

    pid: int
    code: int | None
    signal: int | None
    cpu_seconds: float
    read_bytes: int = 0
    written_bytes: int = 0


def reap() -> Iterator[Exit]:
    """Every child that has ended by now, known or adopted."""
    while True:
        try:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        killed = os.WIFSIGNALED(status)
        yield Exit(
            pid,
            None if killed else os.WEXITSTATUS(status),
            os.WTERMSIG(status) if killed else None,
            usage.ru_utime + usage.ru_stime,
            usage.ru_inblock * 512,
            usage.ru_oublock * 512,
        )


def children() -> list[int]:
    """My children, adopted ones included, the ended but unreaped too."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:  # mostly all have ended: one call says so
        return []
    try:
        descriptor = os.open(f"/proc/self/task/{os.getpid()}/children", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:  # a kernel without CONFIG_PROC_CHILDREN
        import psutil

        return [child.pid for child in psutil.Process().children()]
    try:
        data = b""
        while part := os.read(descriptor, 1 << 16):
            data += part
        return [int(pid) for pid in data.split()]
    finally:
        os.close(descriptor)


def session(pid: int) -> int:
    """Session of a process, 0 when it is gone."""
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0


def group(pid: int) -> int:
    """Process group of a process, 0 when it is gone or in my own."""
    try:
        found = os.getpgid(pid)
    except ProcessLookupError:
        return 0
    return found if found != os.getpgrp() else 0


def marker(pid: int) -> str:
    """WID.C in the environment that a process was started with; '' when it has none or may not be read."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            found = (b"\0" + file.read()).partition(_MARKER)[2]
    except OSError:
        return ""
    return os.fsdecode(found.partition(b"\0")[0])


def marked(wid: str) -> list[int]:
    """Processes of this machine that carry a claim of worker `wid`: what a dead worker left behind."""
    return [pid for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))) if marker(pid).startswith(f"{wid}.")]


def nascent() -> list[int]:
    """Processes between exec and their first instruction: they have memory, and show neither environment nor arguments."""
    return [int(name) for name in os.listdir("/proc") if name.isdecimal() and _is_nascent(f"/proc/{name}")]


def _is_nascent(folder: str) -> bool:
    shown = []
    for kind in ("environ", "cmdline", "statm"):  # statm last: of a kernel's thread or a zombie it is 0
        try:
            with open(f"{folder}/{kind}", "rb") as file:
                shown.append(file.read())
        except OSError:  # it is gone, or somebody else's
            return False
        if kind != "statm" and shown[-1]:
            return False
    return not shown[-1].startswith(b"0 ")


def send(pids: Iterable[int], number: int) -> None:
    """Signal processes; those that are gone are gone, and those that became another user's (sudo) end when they will."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def send_group(pid: int, number: int) -> None:
    """Signal the process group that a command leads."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return


@dataclass(frozen=True, slots=True)
class NodeLook:
    """How busy this machine is: load of the last minute, bytes of memory, seconds of all its CPUs since it was booted."""

    load: float
    memory_used: int
    memory_total: int
    cpu_busy: float
    cpu_seconds: float


def node_look() -> NodeLook:
    """This machine now."""
    import psutil

    memory, cpu = psutil.virtual_memory(), psutil.cpu_times()
    whole = cpu.user + cpu.nice + cpu.system + cpu.irq + cpu.softirq + cpu.steal
    used = memory.total - memory.available
    return NodeLook(os.getloadavg()[0], used, memory.total, whole, whole + cpu.idle + cpu.iowait)


def worker_command(arguments: Sequence[str]) -> list[str]:
    """The command line that starts a guard, which starts the worker: isolated, so that it stays tiny."""
    guard = os.path.join(os.path.dirname(__file__), "worker", "guard.py")
    return [sys.executable, "-I", "-S", guard, sys.executable, "-m", "dsgspool.worker", *arguments]


def start_quietly(argv: Sequence[str]) -> int:
    """Start a helper process with its own session and no output; it is reaped with the others."""
    from dsgspool.spawning import Launch

    with open(os.devnull, "r+b") as null:
        return spawn(Launch(argv, "/", dict(os.environ), null.fileno(), null.fileno(), null.fileno()))


def run_in_front(argv: Sequence[str], env: Mapping[str, str]) -> int:
    """Give the terminal to a program until it ends; its exit code."""
    import subprocess

    return subprocess.run(argv, env=env, check=False).returncode


def become(argv: Sequence[str]) -> None:
    """Replace this process.  A Ctrl-C on the way waits for who comes next: while its interpreter begins nobody heeds it."""
    import signal

    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    os.execv(argv[0], list(argv))
