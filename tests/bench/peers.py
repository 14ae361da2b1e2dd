"""The others, each by the command that its documentation recommends, with two slots.

The rule: what is not here is left out with the reason.  Debian's come with apt (as root), Python's from PyPI, each into
an environment of its own below a cache folder outside of the repository, and only when `--install` asks for that.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.reference import KINDS, Run, call, timed

DRIVE = Path(__file__).with_name("drive")
#: PyPI name(s) of each Python queue, the program in drive/ and its last word.
PYTHON = {
    "hyperqueue": (("hyperqueue",), "hyperqueue_queue.py", ""),
    "huey-file": (("huey",), "huey_queue.py", "file"),
    "huey-sqlite": (("huey",), "huey_queue.py", "sqlite"),
    "dirq": (("dirq",), "dirq_queue.py", ""),
    "rq": (("rq",), "rq_queue.py", ""),
    "celery": (("celery", "redis", "packaging"), "celery_queue.py", ""),
}
DEBIAN = {"parallel": "parallel", "tsp": "task-spooler", "nq": "nq", "redis-server": "redis-server"}
NEEDS_REDIS = {"rq", "celery"}
PATIENCE = 180  #: seconds for one run of a peer


@dataclass(frozen=True)
class Peer:
    """`run(kind, tasks, folder)`; it is given at most `most` tasks, because it is slow or stops working with more."""

    name: str
    run: Callable[[str, int, Path], Run]
    most: int = 1_000_000


def cache_folder() -> Path:
    """Where environments and the compiled reference are kept."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(home) / "dsgspool-bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def find(*, install: bool) -> tuple[list[Peer], dict[str, str]]:
    """The peers that can run here, and why the others cannot."""
    missing = [package for program, package in DEBIAN.items() if not shutil.which(program)]
    if install and missing and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], check=False)
    peers, absent = [], {}
    for peer, program in ((PARALLEL, "parallel"), (TASK_SPOOLER, "tsp"), (NQ, "nq")):
        if shutil.which(program):
            peers.append(peer)
        else:
            absent[peer.name] = f"no {program} here: apt-get install {DEBIAN[program]}"
    for name in PYTHON:
        if name in NEEDS_REDIS and not shutil.which("redis-server"):
            absent[name] = "no redis-server here: apt-get install redis-server"
        elif why := _environment(name, install=install):
            absent[name] = why
        else:
            peers.append(Peer(name, lambda kind, tasks, folder, name=name: _drive(name, kind, tasks, folder), 2000))
    return peers, absent


def _python(name: str) -> Path:
    return cache_folder() / PYTHON[name][0][0] / "bin" / "python"


def _environment(name: str, *, install: bool) -> str:
    """Why there is no environment of that peer, '' when there is one."""
    python = _python(name)
    if python.exists():
        return ""
    if not install:
        return "not installed: python -m tests.bench --install"
    try:
        call([sys.executable, "-m", "venv", str(python.parents[1])])
        call([str(python), "-m", "pip", "install", "-q", *PYTHON[name][0]])
    except (subprocess.CalledProcessError, OSError) as error:
        shutil.rmtree(python.parents[1], ignore_errors=True)
        return f"could not be installed: {error}"
    return ""


def versions(peers: list[Peer]) -> dict[str, str]:
    """What was measured."""
    found = {}
    for peer in peers:
        if peer.name in PYTHON:
            words = [str(_python(peer.name)), "-m", "pip", "show", PYTHON[peer.name][0][0]]
        else:
            words = [
                "dpkg-query",
                "-W",
                "-f",
                "Version: ${Version}\n",
                DEBIAN[{"task-spooler": "tsp"}.get(peer.name, peer.name)],
            ]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        found[peer.name] = next((x[9:] for x in done.stdout.splitlines() if x.startswith("Version: ")), "unknown")
    return found


def _drive(name: str, kind: str, tasks: int, folder: Path) -> Run:
    """A Python queue, by its program in drive/, in its own environment."""
    _, program, word = PYTHON[name]
    words = [str(_python(name)), program, kind, str(tasks), str(folder), *([word] if word else [])]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False, cwd=DRIVE)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise RuntimeError(f"{name}: {(done.stderr.strip().splitlines() or ['it said nothing'])[-1]}")
    told = json.loads(lines[-1])
    return Run(told["tasks"], told["seconds"], None, told["submit"])


# -- programs ----------------------------------------------------------------------------------------------------


def _parallel(kind: str, tasks: int, folder: Path) -> Run:
    words = ["parallel", "-j2", "--joblog", f"{folder}/joblog", "--results", f"{folder}/out"]
    line = "true {}" if kind == "true" else "echo hello {}; echo err >&2"
    numbers = "\n".join(map(str, range(tasks)))
    return timed(tasks, lambda: call([*words, line], numbers))


def _behind_a_gate(
    kind: str, tasks: int, folder: Path, enqueue: Callable[[list[str]], None], finish: Callable[[], None]
) -> Run:
    """For queues that begin at once: both slots read from a pipe until all tasks are queued."""
    gate = f"{folder}/gate"
    os.mkfifo(gate)
    try:
        for _ in range(2):
            enqueue(["cat", gate])
        begun = time.perf_counter()
        for _ in range(tasks):
            enqueue(KINDS[kind])
        submit = time.perf_counter() - begun
        ran = timed(tasks, lambda: (_open_gate(gate), finish()), daemon=True)
        return Run(ran.tasks, ran.seconds, None, submit)
    finally:
        _open_gate(gate)


def _open_gate(path: str) -> None:
    """Let its readers end; there may be none any more."""
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))


def _task_spooler(kind: str, tasks: int, folder: Path) -> Run:
    env = {**os.environ, "TS_SOCKET": f"{folder}/socket", "TMPDIR": str(folder)}

    def tsp(*words: str) -> str:
        return subprocess.run(["tsp", *words], check=True, env=env, stdout=subprocess.PIPE, text=True).stdout.strip()

    last: list[str] = []
    try:
        tsp("-S", "2")
        return _behind_a_gate(
            kind, tasks, folder, lambda words: last.append(tsp(*words)), lambda: [tsp("-w", job) for job in last[-2:]]
        )
    finally:
        tsp("-K")


def _nq(kind: str, tasks: int, folder: Path) -> Run:
    """One queue runs one task at a time: two queues."""
    queues = itertools.cycle([str(folder / "a"), str(folder / "b")])

    def nq(queue: str, *words: str) -> None:
        env = {**os.environ, "NQDIR": queue}
        subprocess.run(["nq", *words], check=True, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    return _behind_a_gate(
        kind, tasks, folder, lambda words: nq(next(queues), *words), lambda: [nq(next(queues), "-w") for _ in range(2)]
    )


PARALLEL, TASK_SPOOLER, NQ = (
    Peer("parallel", _parallel, 300),
    Peer("task-spooler", _task_spooler, 500),
    Peer("nq", _nq, 300),
)


def new_folder(base: Path) -> Path:
    """For one run of a peer."""
    return Path(tempfile.mkdtemp(prefix="peer-", dir=base))
