"""A spool for tests: made in a folder of pytest's, steered as people do it (write, mv, cp, rm), read as people read it.

The rule: nothing here goes through dsgspool's own code except the list of folders, so that a test sees what `ls` and
`cat` would see.  Times are short, so that a fence or a take-over takes seconds.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import yaml

from dsgspool.spool import FOLDERS

STATES = ("todo", "waiting", "hold", "running", "done", "failed")

FAST: Mapping[str, object] = {
    "format": 1,
    "heartbeat": "150ms",
    "fence": "4s",  # a busy machine needs 2 s for the first heartbeat of a worker that starts
    "kill": "1s",
    "lease": "6500ms",
    "settle": "300ms",
    "poll_min": "50ms",
    "poll_max": "300ms",
    "min_free": 0,  # some tests fill their disk to the last byte
    "defaults": {"grace": "500ms"},
}
#: For tests with more workers than CPUs: a beat that comes late must fence nobody.
CALM: Mapping[str, object] = {**FAST, "heartbeat": "1s", "fence": "30s", "kill": "3s", "lease": "40s"}


class SpoolFolder:
    """One spool on disk; every path is relative to it: `todo/sweep-a/0001.yaml`."""

    def __init__(self, root: Path, settings: Mapping[str, object] = FAST) -> None:
        self.root = root
        for folder in FOLDERS:
            (root / folder).mkdir(parents=True, exist_ok=True)
        self.configure(settings)

    def __str__(self) -> str:
        return str(self.root)

    def __truediv__(self, below: str) -> Path:
        return self.root / below

    def configure(self, settings: Mapping[str, object] = FAST, **changes: object) -> None:
        """Put a new spool.yaml in the place of the old one."""
        self.overwrite("spool.yaml", yaml.safe_dump({**settings, **changes}))

    # -- what people do ------------------------------------------------------------------------------------------

    def drop(self, name: str, command: object = "true", *, state: str = "todo", **keys: object) -> str:
        """A whole task file `STATE/NAME.yaml`, closed by `...`, renamed into place; gives the task's name."""
        keys = keys if command is None else {"command": command, **keys}
        self.overwrite(f"{state}/{name}.yaml", f"{yaml.safe_dump(keys)}...\n")
        return name

    def overwrite(self, below: str, text: str | bytes) -> Path:
        """A file that is whole at the first sight of it."""
        target = self.root / below
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.parent / f".draft-{os.getpid()}"
        draft.write_bytes(text.encode() if isinstance(text, str) else text)
        draft.rename(target)
        return target

    def write(self, below: str, text: str | bytes) -> Path:
        """A file written in place, as `cat >` and `cp` do."""
        (self.root / below).write_bytes(text.encode() if isinstance(text, str) else text)
        return self.root / below

    def mv(self, source: str, target: str) -> None:
        """`mv SOURCE TARGET`; a target that ends with / or is a folder keeps the name."""
        shutil.move(self.root / source, self.root / target)

    # -- what people see -----------------------------------------------------------------------------------------

    def ls(self, state: str) -> list[str]:
        """Paths of all files below a state's folder, hidden ones excepted."""
        found = []
        for folder, _, files in os.walk(self.root / state):
            below = os.path.relpath(folder, self.root / state)
            found += [os.path.normpath(f"{below}/{file}") for file in files if not file.startswith(".")]
        return sorted(found)

    def states(self) -> dict[str, list[str]]:
        """Every task file by state: what a failed test wants to show."""
        return {state: files for state in STATES if (files := self.ls(state))}

    def running(self, name: str) -> str:
        """Path of a running task's file, '' while it has none.  Slashes of lane and batch stand as %."""
        return next((path for path in self.where(name) if path.startswith("running/")), "")

    def where(self, name: str) -> list[str]:
        """All paths at which a task's file lies."""
        return [f"{state}/{path}" for state in STATES for path in self.ls(state) if name_at(state, path) == name]

    def done(self) -> set[str]:
        """Names of the finished tasks."""
        return {identity_of(path) for path in self.ls("done")}

    def record(self, name: str, attempt: int = 1) -> dict[str, object]:
        """A record, {} while it cannot be read as a mapping."""
        try:
            read = yaml.safe_load((self.root / f"logs/{name}.{attempt}.yaml").read_bytes())
        except (FileNotFoundError, yaml.YAMLError):
            return {}
        return read if isinstance(read, dict) else {}

    def outcome(self, name: str, attempt: int = 1) -> object:
        """How an attempt ended, None while it has no end."""
        return self.record(name, attempt).get("outcome")

    def out(self, name: str, attempt: int = 1, stream: str = "out") -> str:
        """What an attempt wrote."""
        return (self.root / f"logs/{name}.{attempt}.{stream}").read_text()

    def has_begun(self, name: str, attempt: int = 1) -> bool:
        """True once the command of that attempt runs or ran."""
        return (self.root / f"logs/{name}.{attempt}.out").exists()


def identity_of(path: str) -> str:
    """BATCH/NAME of a path below a shared folder, seen with a person's eyes: up to the first ~ or @."""
    lane, slash, rest = path.partition("/") if path.startswith("@") else ("", "", path)
    return (rest if slash else path).removesuffix(".yaml").partition("~")[0].partition("@")[0] or lane


def name_at(state: str, path: str) -> str:
    """BATCH/NAME of a path below the folder of a state."""
    if state in ("waiting", "running"):
        path = path.partition("/")[2]
    return identity_of(path.replace("%", "/"))
