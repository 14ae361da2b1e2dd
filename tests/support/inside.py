"""A worker inside of the test: the real loop, folders and commands, no guard, and a clock that only the test moves.

The rule: a turn happens when the test says so, so that a person or another worker can act between two of them.  Nothing
that it starts outlives the test.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

import yaml

from dsgspool import proc
from dsgspool.spool import Spool
from dsgspool.worker.loop import Worker
from dsgspool.worker.station import Options
from tests.support.actors import STATES
from tests.support.doors import ClockedFs, FakeClock, files_below
from tests.support.waiting import wait_until

T = TypeVar("T")
STEP = 0.25  #: seconds by which the clock moves with each turn while a test waits
LIMIT = 5.0  #: real seconds for a fact


class WorkingClock(FakeClock):
    """Who sleeps on it also gives real processes time to end."""

    def sleep(self, seconds: float) -> None:
        time.sleep(0.002)
        self.advance(seconds)


class InsideWorker:
    """One worker.  Paths are below the spool."""

    def __init__(self, root: str, fs: ClockedFs, slots: int, **options: object) -> None:
        self.root, self.fs, self.clock = root, fs, fs.clock
        self.worker = Worker(Spool(root, fs, fs.clock), Options(slots=slots, quiet=True, **options))
        self.worker._wait = lambda: None
        self.worker._start()
        self.worker.intake.bell.usable = False
        self.wid = self.worker.station.wid
        self.folder = f"running/{self.wid}"

    # -- time ----------------------------------------------------------------------------------------------------

    def turn(self, seconds: float = 0.0) -> None:
        """Let time pass, then one turn."""
        self.clock.advance(seconds)
        self.worker.turn()

    def live(self, seconds: float) -> None:
        """Some turns, as many as fit."""
        for _ in range(round(seconds / STEP)):
            self.turn(STEP)

    def until(self, fact: Callable[[], T], step: float = STEP) -> T:
        """Turns until a fact is true; its value."""

        def look() -> T:
            self.turn(step)
            return fact()

        return wait_until(look, LIMIT, lambda: str(self.lies()))

    def end(self) -> None:
        """What the loop does at its end."""
        self.worker._end()

    def bury(self) -> None:
        """Kill what is left; this process adopts nobody any more."""
        deadline = time.monotonic() + LIMIT
        while (left := proc.children()) and time.monotonic() < deadline:
            proc.send(left, 9)
            list(proc.reap())
            time.sleep(0.002)
        proc.prctl(proc.PR_SET_CHILD_SUBREAPER, 0)
        self.worker.lease.release()
        self._close()
        assert not left

    def _close(self) -> None:
        """What goes with a process that ends: hundreds of tests share this one."""
        attempts, bell, journal = self.worker.attempts, self.worker.intake.bell, self.worker.journal
        attempts.runner.scripts.shut()
        left = [*attempts.by_pid.values(), *attempts.clearing, *attempts.endings.pending]
        files = [file for attempt in left for file in (attempt.record, *(attempt.logs or ()))]
        pipes = [self.worker._ears, self.worker._mouth, bell.ears, bell._mouth]
        for descriptor in {*files, *pipes, attempts.runner._nothing, journal._descriptor} - {-1}:
            os.close(descriptor)

    # -- what lies where -----------------------------------------------------------------------------------------

    def lies(self, *folders: str) -> list[str]:
        """All task files, tokens left out: `todo/x~0`."""
        return [path.removesuffix(".yaml").partition(".")[0] for path in files_below(self.root, folders or STATES)]

    def mine(self) -> list[str]:
        """Names in its own folder."""
        return sorted(os.listdir(f"{self.root}/{self.folder}"))

    def pid(self, name: str) -> int:
        """The running command of a task, 0 while it has none."""
        attempts = self.worker.attempts.by_pid.values()
        return next((attempt.pid for attempt in attempts if attempt.name.identity == name), 0)

    def record(self, name: str, attempt: int = 1) -> dict[str, object]:
        """A record, {} while it is not there."""
        try:
            with open(f"{self.root}/logs/{name}.{attempt}.yaml") as file:
                return yaml.safe_load(file) or {}
        except FileNotFoundError:
            return {}

    # -- what people do ------------------------------------------------------------------------------------------

    def drop(
        self, name: str, command: str | None = "true", *, state: str = "todo", end: str = "...\n", **keys: object
    ) -> str:
        """A task file, whole unless `end` says otherwise; its path."""
        path = f"{self.root}/{state}/{name}.yaml"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(f"{self.root}/tmp/.draft", "w") as file:
            file.write(yaml.safe_dump(keys if command is None else {"command": command, **keys}) + end)
        os.rename(f"{self.root}/tmp/.draft", path)
        return path

    def mv(self, source: str, target: str) -> None:
        """`mv SOURCE TARGET`"""
        os.rename(f"{self.root}/{source}", f"{self.root}/{target}")

    def gate(self, name: str = "gate") -> str:
        """Words for the shell that wait until the test calls `open`."""
        return f"while [ ! -e {self.root}/tmp/.{name} ]; do sleep 0.01; done"

    def open(self, name: str = "gate") -> None:
        """Let the command behind a gate go on."""
        with open(f"{self.root}/tmp/.{name}", "w"):
            pass
