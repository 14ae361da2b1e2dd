"""The lines that tasks wrote (act.c), of all nodes, on one clock.

The rule: read as they grow, so that nothing is lost when a node dies and nothing is read twice.  A worker lives on one
boot of one node, whose CLOCK_BOOTTIME was compared with the host's: one file a worker, one offset a file.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.nemesis.history import Execution, Told
from tests.nemesis.kinds import NEVER, is_item

SOURCE = Path(__file__).parent / "act.c"


def missing() -> str:
    """Why the tasks' program cannot be made here, '' when it can."""
    return (
        "" if shutil.which("gcc") else "needs gcc and libc6-dev: the tasks' program is compiled (tests/nemesis/act.c)"
    )


class Run:
    """One process of a task, while its lines come in."""

    __slots__ = ("attempt", "ended", "last", "lost", "start", "task", "together", "word", "worker")

    def __init__(self, worker: str, task: str, attempt: int, moment: float, word: str) -> None:
        self.worker, self.task, self.attempt, self.word = worker, task, attempt, word
        self.start = self.last = moment
        self.ended = self.together = False
        self.lost = True  #: neither E nor X was seen


class Proof:
    """A folder that every node sees, with the program and what it writes."""

    def __init__(self, folder: Path, seen_as: str | None = None) -> None:
        self.folder = folder
        self.program = f"{seen_as or folder}/act"  #: as the nodes call it
        (folder / "proof").mkdir(parents=True)
        subprocess.run(["gcc", "-O2", "-o", str(folder / "act"), str(SOURCE)], check=True)
        (folder / "told").mkdir()
        for path, mode in ((folder, 0o777), (folder / "proof", 0o1777), (folder / "told", 0o1777)):
            path.chmod(mode)
        self.runs: list[Run] = []
        self.ended = 0  #: runs that came to their end: how far the work is
        self.boots: dict[str, str] = {}  #: worker -> boot id of its node
        self._open: dict[tuple[str, str, int], Run] = {}
        self._read: dict[str, tuple[int, bytes]] = {}
        self._together: set[tuple[str, str, int]] = set()

    def take_in(self) -> None:
        """Read what is new."""
        for entry in os.scandir(self.folder / "proof"):
            offset, rest = self._read.get(entry.name, (0, b""))
            if os.stat(entry.path).st_size > offset:
                with open(entry.path, "rb") as file:
                    file.seek(offset)
                    data = file.read()
                *lines, cut = (rest + data).split(b"\n")
                self._read[entry.name] = offset + len(data), cut
                for line in lines:
                    self._line(entry.name, line.decode())

    def _line(self, worker: str, line: str) -> None:
        kind, *facts = line.split(" ")
        if kind == "B":
            self.boots[worker] = facts[0]
            return
        task, number, moment, _, word = facts
        key = (worker, task, int(number))
        if kind == "T":
            self._together.add(key)
        elif kind == "S":
            self._open[key] = run = Run(*key, float(moment), word)
            run.together = key in self._together
            self._together.discard(key)
            self.runs.append(run)
        else:
            run = self._open[key]
            run.last = max(run.last, float(moment))
            run.ended |= kind == "E"
            run.lost &= kind == "L"
            self.ended += (kind == "E" or run.word.split(":")[2] == NEVER) and not is_item(task)

    def told(self) -> list[Told]:
        """What commands of `on_done` and `on_failed` were told, by the workers that told them."""
        found = []
        for path in (self.folder / "told").iterdir():
            facts = (json.loads(line) for line in path.read_text().splitlines())
            found += [Told(each["task"], each["event"], each.get("attempt", 0), path.name) for each in facts]
        return found

    def executions(self, offset: Callable[[str], float]) -> list[Execution]:
        """All of them; `offset`: what must be added to moments of a worker to have the host's."""
        self.take_in()
        known = {worker: offset(worker) for worker in {run.worker for run in self.runs}}
        return [
            Execution(
                run.task, run.attempt, run.worker, run.word, run.start + known[run.worker], run.last + known[run.worker],
                run.ended, not (run.ended or run.lost), run.together,
            )
            for run in self.runs
        ]  # fmt: skip


def now() -> float:
    """The one clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
