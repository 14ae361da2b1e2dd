"""How a command is started: the part of the door to processes that every task goes through.

The rule: what Popen keeps is kept (a session of its own, no descriptor but three, the first program of that name on the
command's PATH, signals as a shell would hand them down), by posix_spawn(3), which does in C what Popen does in Python:
half the worker's time for it, 0.2 ms a task, and 0.1 ms of the child's.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import signal
from collections.abc import Iterator, Mapping, Sequence

from dsgspool.accounts import Account
from dsgspool.classes import dataclass

CLOSE_RANGE_CLOEXEC = 4
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR})
_PASSED_OVER = _ABSENT | {errno.EACCES}  #: what execvp(3) looks past on its way along PATH
_DEFAULT = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTTOU)  #: Python, or the guard, ignores them; a command must not
_close_range = getattr(ctypes.CDLL(None), "close_range", None)
_LAST = ctypes.c_uint(~0)


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start a command; `stdin`, `stdout`, `stderr` are open descriptors."""

    argv: Sequence[str]
    cwd: str
    env: Mapping[str, str]
    stdin: int
    stdout: int
    stderr: int
    umask: int = -1
    user: Account | None = None
    kept: Sequence[int] = ()  #: more open descriptors, which it gets under their numbers
    cpus: Sequence[int] = ()  #: the only ones that it may use; () = those of who starts it


def start(launch: Launch) -> int:
    """Start a command in a session of its own and give its pid; OSError names the file that was missing."""
    if launch.cpus:
        with _only_on(launch.cpus):
            return _begin(launch)
    return _begin(launch)


def _begin(launch: Launch) -> int:
    plain = launch.user is None and launch.umask < 0
    return _spawn(launch) if plain and _keep_descriptors() else _popen(launch)


@contextlib.contextmanager
def _only_on(cpus: Sequence[int]) -> Iterator[None]:
    """Be on these CPUs for the moment of a start: a command inherits that, and never sees others (sched_setaffinity(2))."""
    mine = os.sched_getaffinity(0)
    try:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, cpus)
        if os.sched_getaffinity(0) != set(cpus):  # a cpuset was made smaller: no fault of the command
            raise OSError(errno.EAGAIN, f"this node has no CPUs {', '.join(map(str, cpus))} for it any more")
        yield
    finally:
        with contextlib.suppress(OSError):  # it has been started: whatever happens now, its pid must be known
            os.sched_setaffinity(0, mine)


def _keep_descriptors() -> bool:
    """Mark all but three to be closed by exec, whoever opened them (watchdog's inotify is not); False before Linux 5.11."""
    return _close_range is not None and not _close_range(3, _LAST, CLOSE_RANGE_CLOEXEC)


def _spawn(launch: Launch) -> int:
    copy = os.POSIX_SPAWN_DUP2
    actions = [(copy, launch.stdin, 0), (copy, launch.stdout, 1), (copy, launch.stderr, 2)]
    actions += [(copy, kept, kept) for kept in launch.kept]  # to itself: exec leaves it open
    argv = list(launch.argv)
    here = os.open(".", os.O_PATH | os.O_CLOEXEC)  # also of a folder that somebody removed
    try:
        os.chdir(launch.cwd)  # posix_spawn begins where its parent is: nothing else in this process asks where that is
        refused: OSError | None = None
        for program in _programs(launch):
            try:
                return os.posix_spawn(program, argv, launch.env, file_actions=actions, setsid=True, setsigdef=_DEFAULT)
            except OSError as error:
                if error.errno not in _PASSED_OVER:
                    raise
                refused = refused if refused and refused.errno not in _ABSENT else error
        number = refused.errno if refused and refused.errno else errno.ENOENT
        raise OSError(number, os.strerror(number), launch.argv[0])
    finally:
        os.fchdir(here)
        os.close(here)


def _programs(launch: Launch) -> Iterator[str]:
    """Where the program may lie.  A look is cheaper than a child for each folder of PATH."""
    program = launch.argv[0]
    if "/" in program:
        yield program
        return
    for folder in launch.env.get("PATH", os.defpath).split(":"):
        path = f"{folder}/{program}" if folder else program
        if os.access(path, os.F_OK):
            yield path


def _popen(launch: Launch) -> int:
    """The long way, for what posix_spawn cannot do: another user, a umask."""
    import subprocess

    who = launch.user
    uid, gid, groups = (who.uid, who.gid, who.groups) if who else (None, None, None)
    process = subprocess.Popen(
        launch.argv, cwd=launch.cwd, env=launch.env, stdin=launch.stdin, stdout=launch.stdout, stderr=launch.stderr,
        umask=launch.umask, user=uid, group=gid, extra_groups=groups, start_new_session=True,
        pass_fds=launch.kept,
    )  # fmt: skip
    process.returncode = 0  # `reap` waits for every child at once; Popen must not try as well
    return process.pid
