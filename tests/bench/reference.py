"""What everything is compared with: xargs, and a C program that does nothing but posix_spawn and wait.

The rule: a reference runs just before and just after what it is compared with, so that what else the machine does in
those seconds is in both.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

#: What a task does, as a command line without a shell, and as xargs does it when both outputs are kept.
KINDS = {"true": ["true"], "shell": ["sh", "-c", "echo hello; echo err >&2"]}
REDIRECTED = '{ echo hello; echo err >&2; } > "$0/$1.out" 2> "$0/$1.err"'


@dataclass(frozen=True)
class Run:
    """How long `tasks` tasks took; `cpu` = seconds of user and system time, None where a daemon hides them."""

    tasks: int
    seconds: float
    cpu: float | None = None
    submit: float | None = None  #: seconds that it took to queue them before

    @property
    def rate(self) -> float:
        """Tasks a second."""
        return self.tasks / self.seconds


def timed(tasks: int, run: Callable[[], object], *, daemon: bool = False) -> Run:
    """Run it; what a daemon does is not in the CPU time of this process's children."""
    before, start = _cpu(), time.perf_counter()
    run()
    seconds = time.perf_counter() - start
    return Run(tasks, seconds, None if daemon else _cpu() - before)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def call(command: Sequence[str], text: str | None = None) -> None:
    """Run to the end, quietly; CalledProcessError when it fails."""
    subprocess.run(command, input=text, text=True, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def xargs(kind: str, tasks: int, folder: Path, slots: int = 2) -> Run:
    """xargs -P; for shell lines with the same redirections, else it keeps nothing."""
    command = ["sh", "-c", REDIRECTED, str(folder)] if kind == "shell" else KINDS.get(kind, kind.split())
    numbers = "\n".join(map(str, range(tasks)))
    words = ["xargs", f"-P{slots}", "-n1", *command]
    if kind not in KINDS:  # `sleep 0.1`: its argument is not the number
        words = ["xargs", f"-P{slots}", "-I@", *command]
    return timed(tasks, lambda: call(words, numbers))


def spawner(cache: Path) -> Path | None:
    """The C program, compiled on first use; None without gcc."""
    program = cache / "spawn"
    if not program.exists():
        if not shutil.which("gcc"):
            return None
        call(["gcc", "-O2", "-o", str(program), str(Path(__file__).with_name("spawn.c"))])
    return program
