"""From a task to a command line: shell, setup, script, environment, folders.

The rule: the scientist's environment is kept and only added to.  A string is the shell's, a list is nobody's but the
program's, a script is its own interpreter's; `setup` lines run before any of them, in the same shell.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from dsgspool.classes import dataclass
from dsgspool.conditions import Gpu, in_words
from dsgspool.machine import VISIBLE
from dsgspool.proc import MARKER
from dsgspool.requests import Request
from dsgspool.task import Task

#: Libraries that start one thread a CPU unless told otherwise.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")

#: Why a command could not be started, and no task is to blame: no process, memory or descriptor to spare, a share away.
NODE_TROUBLE = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EIO, errno.ESTALE})


@dataclass(frozen=True, slots=True)
class Who:
    """Which attempt a command is; what it learns by its environment."""

    identity: str
    attempt: int
    wid: str
    claim: str
    spool: str
    cpus: int = 1
    memory: int = 0  #: bytes that it has asked for
    scratch: str = ""  #: where, when it has asked for some

    def variables(self) -> dict[str, str]:
        """DSGSPOOL_ATTEMPT is a fencing token: it only grows for a task, so a late writer can be told from a new one."""
        return {
            "DSGSPOOL_TASK": self.identity,
            "DSGSPOOL_ATTEMPT": str(self.attempt),
            "DSGSPOOL_WORKER": self.wid,
            "DSGSPOOL_SPOOL": self.spool,
            "DSGSPOOL_CPUS": str(self.cpus),
            **({"DSGSPOOL_MEMORY": str(self.memory)} if self.memory else {}),
            **({"DSGSPOOL_SCRATCH": self.scratch} if self.scratch else {}),
            MARKER: self.claim,
        }


def argv(task: Task, script: str) -> list[str]:
    """The command line; `script` is the file that the task's script was written to."""
    if isinstance(task.command, str):
        lines = f"{task.setup}\n{task.command}" if task.setup else task.command
        return [task.shell, "-c", lines]
    program = list(task.command) if task.command else [*interpreter(task.script or ""), script]
    if task.setup:
        return [task.shell, "-c", f'{task.setup}\nexec "$@"', task.shell, *program]
    return program


def limited(argv: Sequence[str], limits: Mapping[str, int | None]) -> list[str]:
    """The command line that sets what the kernel keeps of `limits` for each process, and then becomes the command.

    A shell does it between fork and exec: a limit set from outside would come after the command's first instructions.
    """
    wanted = [(RLIMITS[key], value) for key, value in limits.items() if key in RLIMITS and value is not None]
    lines = [line for (number, form), value in wanted for line in form(_at_most(number, value))]
    return ["/bin/sh", "-c", "\n".join([*lines, 'exec "$@"']), "sh", *argv] if lines else list(argv)


def _at_most(number: int, value: int) -> int:
    """What may still be set: more than the worker's own hard limit would be refused."""
    hard = resource.getrlimit(number)[1]
    return min(value, 2**60 if hard == resource.RLIM_INFINITY else hard)


#: limit -> (setrlimit's number, shell lines that set it).  The shell counts file sizes in blocks of 512 bytes (POSIX).
#: Past its CPU time a process gets XCPU, which says why, and KILL when it went on for 5 s more.
RLIMITS: Mapping[str, tuple[int, Callable[[int], tuple[str, ...]]]] = {
    "open_files": (resource.RLIMIT_NOFILE, lambda number: (f"ulimit -n {number} || exit 126",)),
    "file_size": (resource.RLIMIT_FSIZE, lambda number: (f"ulimit -f {-(-number // 512)} || exit 126",)),
    "cpu_time": (
        resource.RLIMIT_CPU,
        lambda seconds: (f"ulimit -S -t {seconds} || exit 126", f"ulimit -H -t {seconds + 5} 2>/dev/null"),
    ),
}


def interpreter(script: str) -> list[str]:
    """What the kernel makes of a `#!` line: the interpreter and at most one argument (execve(2))."""
    line = script.partition("\n")[0].removeprefix("#!").strip()
    return line.split(None, 1)


def held_to(task: Task, request: Request) -> Task:
    """The task with the memory that it has asked for as its limit."""
    return replace(task, limits={**task.limits, "memory": request.bytes}) if request.bytes else task


def added_environment(task: Task, inherited: Mapping[str, str], gpus: Sequence[Gpu] | None = None) -> dict[str, str]:
    """What the task adds to the worker's environment: as many threads as it has CPUs, its GPUs, its own `env`.

    On a node that has GPUs (not None) who gets none sees none: it could take one that belongs to another task.
    """
    threads = {name: str(task.cpus) for name in THREADS if task.cpus > 1 or name not in inherited}
    if gpus is None:
        return {**threads, **task.env}
    seen = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", VISIBLE: ",".join(str(gpu.index) for gpu in gpus)}
    return {**threads, **seen, **task.env}


def for_others(inherited: Mapping[str, str]) -> dict[str, str]:
    """What another user's command may see of the environment that root's worker was started with."""
    kept = ("PATH", "LANG", "LANGUAGE", "TZ")
    return {name: value for name, value in inherited.items() if name in kept or name.startswith("LC_")}


def folder(task: Task, default: str) -> str:
    """Where the command runs: `cwd`, `~` and all, else the spool's default."""
    return os.path.join(default, os.path.expanduser(task.cwd)) if task.cwd else default


def input_path(task: Task, cwd: str) -> str:
    """The file that the command reads from, '' for nothing."""
    return os.path.join(cwd, os.path.expanduser(task.stdin)) if task.stdin else ""


def why(error: OSError | ValueError, argv: Sequence[str], cwd: str) -> tuple[str, int]:
    """(reason, exit code as a shell would give it) of a command that could not be started."""
    if isinstance(error, ValueError):
        return f"the command cannot be passed to the system: {error}", 126
    if str(error.filename) == cwd:
        return f"its folder cannot be entered: cwd {cwd}: {error.strerror}", 126
    if isinstance(error, FileNotFoundError):
        return f"command not found: {argv[0]} (in {cwd}, PATH={os.environ.get('PATH', '')})", 127
    return f"the command cannot be started: {argv[0]}: {error.strerror}", 126


def why_killed(number: int, limits: Mapping[str, int | None]) -> str:
    """What a signal says of a command, in words where it comes from one of its limits."""
    name = signal_name(number)
    for key, sign in (("cpu_time", signal.SIGXCPU), ("file_size", signal.SIGXFSZ)):
        if number == sign and (limit := limits.get(key)) is not None:
            return (
                f"killed by {name}: more than limits.{key} ({f'{limit} s' if key == 'cpu_time' else in_words(limit)})"
            )
    return f"killed by {name}"


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
