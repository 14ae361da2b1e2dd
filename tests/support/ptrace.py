"""A tracer of real processes: it sees every system call that touches a folder, and can kill, tear or refuse any of them.

The rule: the traced processes are the real ones and unchanged; only this parent decides, at the very entry of a call,
what becomes of it.  strace can kill too, but only before the N-th call of one name, whatever its path is, counted in each
thread: with a worker, whose looks and heartbeats depend on the time, the N-th is another one in every run.  So this is
ptrace(2) itself: calls are known by what they do to which path.

    KILL        SIGKILL at the entry: the call is not executed
    TEAR        half of the bytes of a write are written, then SIGKILL
    ERRNO > 0   the call is not executed and answers with that error

A tracer belongs to one thread, and its folders to one trial; `missing()` says why there can be none.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import platform
import re
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

GO, KILL, TEAR = 0, -1, -2

_TRACEME, _CONT, _KILL_ON_EXIT, _POKEUSER = 0, 7, 0x100000, 6
_SYSCALL, _DETACH, _SETOPTIONS, _GETEVENTMSG, _SYSCALL_INFO = 24, 17, 0x4200, 0x4201, 0x420E
_GOOD, _FORK, _VFORK, _CLONE, _EXEC = 0x1, 0x2, 0x4, 0x8, 0x10
_EVENT_FORK, _EVENT_VFORK, _EVENT_CLONE, _EVENT_EXEC = 1, 2, 3, 4
_WALL, _CLONE_THREAD = 0x40000000, 0x10000
_ORIG_RAX, _RAX, _RDX = 15 * 8, 10 * 8, 12 * 8  # offsets in struct user of x86_64
_AT_FDCWD = -100
_CREATES = os.O_CREAT | os.O_TRUNC

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
_libc.ptrace.restype = ctypes.c_long

#: number -> (name, what its arguments are): p path, d folder descriptor of the path after it, f descriptor, - other.
_CALLS = {
    0: ("read", "f"), 1: ("write", "f"), 2: ("open", "p"), 3: ("close", "f"), 4: ("stat", "p"), 5: ("fstat", "f"),
    6: ("lstat", "p"), 8: ("lseek", "f"), 17: ("pread64", "f"), 18: ("pwrite64", "f"), 20: ("writev", "f"), 21: ("access", "p"),
    40: ("sendfile", "ff"), 73: ("flock", "f"), 74: ("fsync", "f"), 75: ("fdatasync", "f"), 76: ("truncate", "p"),
    77: ("ftruncate", "f"), 80: ("chdir", "p"), 82: ("rename", "pp"), 83: ("mkdir", "p"), 84: ("rmdir", "p"),
    86: ("link", "pp"), 87: ("unlink", "p"), 88: ("symlink", "-p"), 89: ("readlink", "p"), 90: ("chmod", "p"),
    91: ("fchmod", "f"), 92: ("chown", "p"), 93: ("fchown", "f"), 137: ("statfs", "p"), 138: ("fstatfs", "f"),
    217: ("getdents64", "f"), 254: ("inotify_add_watch", "-p"), 257: ("openat", "dp"), 258: ("mkdirat", "dp"),
    260: ("fchownat", "dp"), 262: ("newfstatat", "dp"), 263: ("unlinkat", "dp"), 264: ("renameat", "dpdp"),
    265: ("linkat", "dpdp"), 267: ("readlinkat", "dp"), 268: ("fchmodat", "dp"), 269: ("faccessat", "dp"),
    280: ("utimensat", "dp"), 306: ("syncfs", "f"), 316: ("renameat2", "dpdp"), 326: ("copy_file_range", "f-f"),
    332: ("statx", "dp"), 439: ("faccessat2", "dp"), 452: ("fchmodat2", "dp"),
    # What others can notice of a process without its touching a file.
    56: ("clone", ""), 57: ("fork", ""), 58: ("vfork", ""), 59: ("execve", "-"), 62: ("kill", ""), 231: ("exit_group", ""),
    435: ("clone3", ""),
}  # fmt: skip
PROCESS_CALLS = frozenset({"clone", "fork", "vfork", "clone3", "execve", "kill", "exit_group"})
#: Calls after which the folder is another one; opens that create are told as `create`.
CHANGES = frozenset({
    "create", "write", "pwrite64", "writev", "sendfile", "copy_file_range", "ftruncate", "truncate", "rename", "renameat",
    "renameat2", "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "link", "linkat", "symlink",
})  # fmt: skip

#: Calls that change no name and no byte, and that somebody else may notice or wait for all the same.
SIGNS = frozenset({"say", "utimensat", "flock", "fsync", "fdatasync", "syncfs"}) | PROCESS_CALLS


class _Info(ctypes.Structure):
    _fields_ = [
        ("op", ctypes.c_uint8), ("pad", ctypes.c_uint8 * 3), ("arch", ctypes.c_uint32), ("ip", ctypes.c_uint64),
        ("sp", ctypes.c_uint64), ("nr", ctypes.c_uint64), ("args", ctypes.c_uint64 * 6), ("more", ctypes.c_uint64 * 2),
    ]  # fmt: skip


class TraceeGoneError(Exception):
    """It was killed while it stood still."""


def _ptrace(request: int, pid: int, address: int = 0, data: int = 0) -> int:
    answer = _libc.ptrace(request, pid, address, data)
    if answer < 0:
        raise TraceeGoneError(f"ptrace {request} of {pid}: {os.strerror(ctypes.get_errno())}")
    return int(answer)


@dataclass(frozen=True, slots=True)
class Call:
    """A call at its entry.  `name` is `create` for an open that makes or empties a file; `paths` below the folder."""

    pid: int  #: the process
    role: str
    name: str
    paths: tuple[str, ...]
    is_main: bool = True  #: made by the process's main thread

    @property
    def is_change(self) -> bool:
        """True when the folder is another one after it."""
        return self.name in CHANGES

    @property
    def is_look(self) -> bool:
        """True when nobody else can tell whether it happened."""
        return self.name not in CHANGES and self.name not in SIGNS

    def __str__(self) -> str:
        return " ".join([self.name, *self.paths])


@dataclass(slots=True)
class _Thread:
    process: int
    role: str
    fault: int = GO
    is_new: bool = True


@dataclass
class Trace:
    """What happened: exit statuses of the processes by role, and what the tracer did."""

    ended: dict[int, int] = field(default_factory=dict)  #: pid -> wait status
    roles: dict[int, str] = field(default_factory=dict)
    faults: list[tuple[int, Call]] = field(default_factory=list)

    def status(self, role: str) -> int | None:
        """Exit code of the newest process of that role, negative = signal."""
        pids = [pid for pid, its_role in self.roles.items() if its_role == role and pid in self.ended]
        return os.waitstatus_to_exitcode(self.ended[pids[-1]]) if pids else None


class Tracer:
    """Runs one program and its children.  `roles` names the generations; whatever is below the last one runs free.

    `decide` is asked at the entry of every call that touches a path below `root`, tells somebody something (`say stdout`,
    `say stderr`, `say guard`), or makes, signals or ends a process.
    """

    def __init__(self, root: str, decide: Callable[[Call], int], roles: tuple[str, ...] = ("command",)) -> None:
        self.root, self.decide, self.roles = root, decide, roles
        self.trace = Trace()
        self._threads: dict[int, _Thread] = {}
        self._early: set[int] = set()

    def run(self, program: Callable[[], int], seconds: float) -> Trace:
        """Fork, run `program` in the child, until every traced process has ended."""
        pid = os.fork()
        if pid == 0:
            _be_traced(program)
        os.waitpid(pid, 0)
        self._add(pid, pid, self.roles[0])
        self._threads[pid].is_new = False
        _ptrace(_SETOPTIONS, pid, 0, _GOOD | _FORK | _VFORK | _CLONE | _EXEC | _KILL_ON_EXIT)
        _ptrace(_SYSCALL, pid)
        with _limited(seconds, self._describe):
            while self._threads:
                self._step(*os.waitpid(-1, _WALL))
        return self.trace

    def kill_all(self) -> None:
        """End what still runs under this tracer."""
        left = {thread.process for thread in self._threads.values()}
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in left:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, _WALL)

    def _describe(self) -> str:
        return f"still running: {self._threads}"

    def _add(self, tid: int, process: int, role: str) -> None:
        self._threads[tid] = _Thread(process, role)
        self.trace.roles.setdefault(process, role)
        if tid in self._early:
            self._early.discard(tid)
            self._threads[tid].is_new = False
            self._go(tid)

    def _step(self, tid: int, status: int) -> None:
        thread = self._threads.get(tid)
        if not os.WIFSTOPPED(status):
            if thread is not None:
                del self._threads[tid]
                if tid == thread.process:
                    self.trace.ended[tid] = status
        elif thread is None:
            self._early.add(tid)  # RACE: it stopped before its parent told of it
        else:
            with contextlib.suppress(TraceeGoneError):
                self._stopped(tid, thread, status >> 8)

    def _stopped(self, tid: int, thread: _Thread, what: int) -> None:
        if what == signal.SIGTRAP | 0x80:
            self._at_call(tid, thread)
            return
        event, number = what >> 8, what & 0xFF
        if event in (_EVENT_FORK, _EVENT_VFORK, _EVENT_CLONE):
            self._on_fork(tid, thread)
        elif event == _EVENT_EXEC and thread.role == "below":
            del self._threads[tid]
            _ptrace(_DETACH, tid)
            return
        deliver = 0 if event or number == signal.SIGTRAP or (thread.is_new and number == signal.SIGSTOP) else number
        thread.is_new = False
        self._go(tid, deliver)

    def _go(self, tid: int, number: int = 0) -> None:
        _ptrace(_SYSCALL, tid, 0, number)

    def _on_fork(self, tid: int, thread: _Thread) -> None:
        message = ctypes.c_ulong()
        _ptrace(_GETEVENTMSG, tid, 0, ctypes.addressof(message))
        child = message.value
        process = _process_of(child)
        if process == child:
            generations = (*self.roles, "below")
            role = generations[min(generations.index(thread.role) + 1, len(generations) - 1)]
        else:
            role = thread.role
        self._add(child, process, role)

    def _at_call(self, tid: int, thread: _Thread) -> None:
        info = _Info()
        _ptrace(_SYSCALL_INFO, tid, ctypes.sizeof(info), ctypes.addressof(info))
        if info.op == 1:
            if (call := self._call(tid, thread, info)) is not None:
                self._fault(tid, thread, call, self.decide(call), info)
        elif thread.fault == TEAR:
            os.kill(thread.process, signal.SIGKILL)
        elif thread.fault > 0:
            _ptrace(_POKEUSER, tid, _RAX, (-thread.fault) & (2**64 - 1))
            thread.fault = GO
        self._go(tid)

    def _fault(self, tid: int, thread: _Thread, call: Call, fault: int, info: _Info) -> None:
        if fault == GO:
            return
        self.trace.faults.append((fault, call))
        if fault == TEAR:
            _ptrace(_POKEUSER, tid, _RDX, info.args[2] // 2)
        else:
            _ptrace(_POKEUSER, tid, _ORIG_RAX, 2**64 - 1)
        thread.fault = fault
        if fault == KILL:
            os.kill(thread.process, signal.SIGKILL)

    # -- what a call touches -------------------------------------------------------------------------------------

    def _call(self, tid: int, thread: _Thread, info: _Info) -> Call | None:
        known = _CALLS.get(info.nr)
        if known is None:
            return None
        name, kinds = known
        paths = tuple(self._paths(tid, kinds, info.args))
        if name in PROCESS_CALLS:
            if _makes_thread(tid, name, info.args[0]):
                return None
        elif name == "write" and not any(paths):
            name, paths = "say", (self._listener(tid, info.args),)
            if not any(paths):
                return None
        elif not any(paths):
            return None
        elif name in ("open", "openat") and info.args[len(kinds)] & _CREATES:
            name = "create"
        return Call(thread.process, thread.role, name, paths, tid == thread.process)

    def _listener(self, tid: int, args: ctypes.Array[ctypes.c_uint64]) -> str:
        """Whom a write tells something: who started it, or (one JSON a line, through a pipe) the guard."""
        if args[0] in (1, 2):
            return ("stdout", "stderr")[args[0] - 1]
        is_pipe = _link(tid, f"fd/{args[0]}").startswith("pipe:")
        return "guard" if is_pipe and _memory(tid, args[1], 1) == b"{" else ""

    def _paths(self, tid: int, kinds: str, args: ctypes.Array[ctypes.c_uint64]) -> Iterator[str]:
        folder: str | None = None
        for kind, value in zip(kinds, args, strict=False):
            if kind == "f":
                yield self._below(_link(tid, f"fd/{value}").removesuffix(" (deleted)"))
            elif kind == "d":
                number = ctypes.c_int32(value & 0xFFFFFFFF).value
                folder = None if number == _AT_FDCWD else _link(tid, f"fd/{number}")
            elif kind == "p":
                yield self._below(self._path(tid, value, folder))

    def _path(self, tid: int, address: int, folder: str | None) -> str:
        text = os.fsdecode(_string(tid, address)) if address else ""
        if text.startswith("/"):
            return text
        base = folder if folder is not None else _link(tid, "cwd")
        return f"{base}/{text}" if text else base

    def _below(self, path: str) -> str:
        if path == self.root:
            return "."
        return path[len(self.root) + 1 :] if path.startswith(f"{self.root}/") else ""


def _be_traced(program: Callable[[], int]) -> None:
    """In the child: stop for the tracer, then run."""
    code = 70
    try:
        _libc.ptrace(_TRACEME, 0, None, None)
        os.kill(os.getpid(), signal.SIGSTOP)
        code = program()
    except BaseException:  # noqa: BLE001 - a forked child must never return into its parent's code
        sys.excepthook(*sys.exc_info())
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _memory(tid: int, address: int, size: int) -> bytes:
    with open(f"/proc/{tid}/mem", "rb", buffering=0) as memory:
        return os.pread(memory.fileno(), size, address)


def _string(tid: int, address: int) -> bytes:
    data = b""
    while b"\0" not in data and (part := _memory(tid, address + len(data), 256 - (address + len(data)) % 256)):
        data += part
    return data.partition(b"\0")[0]


def _makes_thread(tid: int, name: str, argument: int) -> bool:
    """A new thread is no new process: glibc asks for one with clone3, whose argument is a struct that begins with flags."""
    if name == "clone3":
        argument = int.from_bytes(_memory(tid, argument, 8), "little")
    return name in ("clone", "clone3") and bool(argument & _CLONE_THREAD)


def _link(tid: int, what: str) -> str:
    try:
        return os.readlink(f"/proc/{tid}/{what}")
    except OSError:
        return ""


def _process_of(tid: int) -> int:
    with open(f"/proc/{tid}/status", "rb") as file:
        found = re.search(rb"^Tgid:\s*(\d+)", file.read(), re.MULTILINE)
    assert found
    return int(found[1])


@contextlib.contextmanager
def _limited(seconds: float, describe: Callable[[], str]) -> Iterator[None]:
    """TimeoutError inside when it takes longer."""

    def ring(_number: int, _frame: object) -> None:
        raise TimeoutError(f"not over within {seconds:g} s: {describe()}")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@functools.cache
def missing() -> str:
    """Why nothing can be traced here, '' when it can."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return f"the tracer knows the system calls of Linux on x86_64, not of {platform.machine()}"
    try:
        trace = Tracer("/nowhere", lambda _call: GO).run(lambda: 0, 10)
    except (TraceeGoneError, OSError) as error:
        return f"ptrace does not work here: {error}"
    return "" if trace.status("command") == 0 else f"ptrace does not work here: {trace.ended}"
