"""Real workers as real processes: started as `dsgspool worker` starts them, watched from outside, buried for certain.

The rule: a test leaves no process behind.  At the end of each test every worker is told to stop, and a process that then
still carries the claim of a task of this spool makes the test fail: it escaped worker and guard.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import psutil
import yaml

from dsgspool.census import descendants
from dsgspool.proc import MARKER, PR_SET_CHILD_SUBREAPER, prctl, send, worker_command
from tests.support.spools import SpoolFolder
from tests.support.waiting import wait_until

T = TypeVar("T")

CODE = Path(__file__).parents[2]
STOP_SECONDS = 8.0


class WorkerProcess:
    """A guard and, below it, its worker.  What both print goes to a file."""

    def __init__(self, process: subprocess.Popen[bytes], spool: SpoolFolder, output: Path) -> None:
        self.process, self.spool, self.output_file = process, spool, output
        self.guard = process.pid
        self.asked = 0  #: how often it was told to stop at the end of the test

    def output(self) -> str:
        """All that guard and worker printed so far."""
        return self.output_file.read_text(errors="replace")

    def facts(self) -> dict[str, object]:
        """workers/WID.yaml of the newest incarnation below this guard, {} while there is none."""
        mine = [facts for facts in identities(self.spool) if facts.get("guard_pid") == self.guard]
        return max(mine, key=lambda facts: str(facts["started"]), default={})

    def wids(self) -> list[str]:
        """Every incarnation that this guard has started."""
        return [str(facts["worker"]) for facts in identities(self.spool) if facts.get("guard_pid") == self.guard]

    @property
    def wid(self) -> str:
        """WID, as soon as the worker exists for others."""
        return str(self.wait_until(self.facts, 15)["worker"])

    @property
    def pid(self) -> int:
        """The worker's own process, below the guard."""
        found = self.wait_until(self.facts, 15)["pid"]
        assert isinstance(found, int)
        return found

    def lives_on(self, beats: int = 4) -> None:
        """Wait until that many more heartbeats went through: by then it has looked and done what it was going to do."""
        for _ in range(beats):
            before = self._heart()
            self.wait_until(lambda seen=before: self._heart() != seen, 10)

    def _heart(self) -> tuple[str, int]:
        """WID and the moment of its last heartbeat."""
        wid = self.wid
        return wid, (self.spool / f"workers/{wid}.lock").stat().st_mtime_ns

    def says(self, words: str, seconds: float = 10) -> str:
        """All it printed, once that has these words."""
        return self.wait_until(lambda: self.output() if words in self.output() else "", seconds)

    def signal(self, number: int = signal.SIGTERM) -> None:
        """As a person does: to the guard, which is what `dsgspool worker` is."""
        os.kill(self.guard, number)

    def ends(self, seconds: float = 15) -> int:
        """Its exit code, once it has ended."""
        return self.wait_until(lambda: (self.process.poll(),) if self.process.poll() is not None else (), seconds)[0]

    def wait_until(self, fact: Callable[[], T], seconds: float) -> T:
        """The fact's value once it is true."""
        return wait_until(fact, seconds, lambda: f"{self.spool.states()}\n{self.output()}")


class Workers:
    """The workers of one test."""

    def __init__(self, spool: SpoolFolder, folder: Path) -> None:
        self.spool, self.folder = spool, folder
        self.all: list[WorkerProcess] = []

    def start(
        self,
        *flags: str,
        slots: int = 2,
        env: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
        **popen: object,
    ) -> WorkerProcess:
        """Start a guard with a worker; `prefix` is a program that starts it (setpriv), `env` is added to mine."""
        command = [*prefix, *worker_command(["--spool", str(self.spool), "--slots", str(slots), *flags])]
        output = self.folder / f"worker-{len(self.all)}.txt"
        with output.open("wb") as file:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True,
                env={**os.environ, "PYTHONPATH": str(CODE), **(env or {})}, **popen,
            )  # fmt: skip
        self.all.append(WorkerProcess(process, self.spool, output))
        return self.all[-1]

    def ready(self, *flags: str, **options: object) -> WorkerProcess:
        """The same, once it exists for others."""
        worker = self.start(*flags, **options)
        worker.wait_until(worker.facts, 15)
        return worker

    def run_until_empty(self, seconds: float = 20, **options: object) -> WorkerProcess:
        """One worker that works the queue off and ends well."""
        worker = self.start("--until-empty", **options)
        assert worker.ends(seconds) == 0, worker.output()
        return worker

    def wait_until(self, fact: Callable[[], T], seconds: float = 10) -> T:
        """The fact's value once it is true; a failure shows the spool and what the workers printed."""
        return wait_until(fact, seconds, self.describe)

    def describe(self) -> str:
        """What a person would look at first."""
        printed = "".join(f"--- worker {n}\n{worker.output()}" for n, worker in enumerate(self.all))
        return f"spool: {self.spool.states()}\n{printed}"

    def bury(self) -> None:
        """Stop all, politely and then by force; fail when a task's process outlived them."""
        try:
            wait_until(self._have_ended, STOP_SECONDS, self.describe)
            escaped = [f"{pid}: {command_line(pid)}" for pid in marked(self.spool)]
        finally:
            kill_everything(self.spool, [worker.guard for worker in self.all])
            for worker in self.all:
                worker.process.wait()
        assert not escaped, f"processes outlived their workers: {escaped}\n{self.describe()}"

    def _have_ended(self) -> bool:
        """Two signals at once would be one: the second comes when the first was heard."""
        living = [worker for worker in self.all if worker.process.poll() is None]
        for worker in living:
            if worker.asked == 0:
                kill(*descendants(worker.guard), number=signal.SIGCONT)
            if worker.asked == 0 or (worker.asked == 1 and "draining" in worker.output()):
                worker.asked += 1
                worker.signal(signal.SIGTERM)
        return not living


def identities(spool: SpoolFolder) -> list[dict[str, object]]:
    """What every worker says of itself in workers/WID.yaml."""
    found = []
    for path in (spool.root / "workers").glob("*.yaml"):
        text = path.read_text()
        if text.endswith("...\n") and "guard_pid" in text:
            found.append(yaml.safe_load(text))
    return found


def environment(pid: int) -> dict[str, str]:
    """The environment a process was started with, {} when it is gone."""
    try:
        return psutil.Process(pid).environ()
    except (psutil.Error, OSError):
        return {}


def marked(spool: SpoolFolder) -> list[int]:
    """Processes that belong to a task of this spool."""
    return [pid for pid in psutil.pids() if _is_of(environment(pid), spool)]


def _is_of(variables: Mapping[str, str], spool: SpoolFolder) -> bool:
    return MARKER in variables and variables.get("DSGSPOOL_SPOOL") == str(spool)


def command_line(pid: int) -> str:
    """How a process was started, '' when it is gone."""
    try:
        return " ".join(psutil.Process(pid).cmdline())
    except (psutil.Error, OSError):
        return ""


def is_alive(pid: int) -> bool:
    """True while a process is there and no zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def kill_everything(spool: SpoolFolder, guards: Sequence[int]) -> None:
    """SIGKILL what is left: guards, workers of this spool (also of dead guards), tasks."""
    workers = [
        pid for pid in psutil.pids() if "dsgspool.worker" in (line := command_line(pid)) and f" {spool} " in line
    ]
    for pid in {*guards, *workers, *marked(spool)}:
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)


def kill(*pids: int, number: int = signal.SIGKILL) -> None:
    """Signal processes, the given ones only; those that are gone are gone."""
    send(pids, number)


@contextlib.contextmanager
def adopting_orphans() -> Iterator[None]:
    """Meanwhile the workers of guards that die become children of this process, so that it learns their exit codes."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        yield
    finally:
        prctl(PR_SET_CHILD_SUBREAPER, 0)


def exit_code_of_orphan(pid: int, seconds: float) -> int:
    """Exit code of an adopted process, once it has ended."""

    def ended() -> tuple[int, ...]:
        try:
            gone, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:  # its guard is not gone yet
            return ()
        return (status,) if gone else ()

    return os.waitstatus_to_exitcode(wait_until(ended, seconds)[0])


class Gate:
    """Holds commands up until the test opens it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "gate"

    @property
    def wait(self) -> str:
        """Shell words that wait for the gate."""
        return f"while [ ! -e {self.file} ]; do sleep 0.02; done"

    def open(self) -> None:
        """Let all through."""
        self.file.touch()


def two_gpus(folder: SpoolFolder) -> dict[str, str]:
    """The environment of a worker on a node with an A100 of 40 GB and a T4 of 16: a fake nvidia-smi says so."""
    smi = folder.root.parent / "bin/nvidia-smi"
    smi.parent.mkdir(exist_ok=True)
    smi.write_text('#!/bin/sh\necho "0, GPU-aaaa, 40960, NVIDIA A100-SXM4-40GB"\necho "1, GPU-bbbb, 16384, Tesla T4"\n')
    smi.chmod(0o755)
    return {"PATH": f"{smi.parent}:{os.environ['PATH']}"}
