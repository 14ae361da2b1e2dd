"""The spool: a shared folder that is the queue.

The rule: the folder a task file is in is its state, and a task changes state by ONE rename between a shared folder and
a folder that only the mover moves things into or out of.  `Spool` knows the folders and reads the settings; the verbs
live beside it: `submission` (into todo/), `own` (a worker's private folder), `chain` (the records, which are a lock for
each name), `moves` (what people and janitors do), `strays` (claims that are over, wherever they lie).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dsgspool import names
from dsgspool.clock import Clock, SystemClock
from dsgspool.errors import InvalidName, NotASpool, SpoolError, StorageError
from dsgspool.fs import Fs
from dsgspool.names import TaskName
from dsgspool.shared_fs import SharedFs
from dsgspool.task import State

if TYPE_CHECKING:
    from dsgspool.settings import Settings

SETTINGS = "spool.yaml"
PAUSE = "PAUSE"
#: Every folder of a spool; a test ties spool_template/ to it.
FOLDERS = (
    "todo", "waiting", "hold", "running", "done", "failed", "logs", "workers", "batches", "schedules", "hooks", "reports",
    "taken", "tmp",
)  # fmt: skip


class Spool:
    """One spool: its folders and settings.  Side effects go through `fs` and `clock`."""

    def __init__(self, root: str, fs: Fs | None = None, clock: Clock | None = None) -> None:
        self.root = root.rstrip("/") or "/"
        self.clock = clock or SystemClock()
        self.todo, self.waiting, self.hold = (f"{self.root}/{name}" for name in ("todo", "waiting", "hold"))
        self.running, self.done, self.failed = (f"{self.root}/{name}" for name in ("running", "done", "failed"))
        self.logs, self.workers, self.tmp = (f"{self.root}/{name}" for name in ("logs", "workers", "tmp"))
        self.fs = fs or _door(self.root, self.todo)
        self.settings_status: os.stat_result  #: of spool.yaml when it was last read: who wrote it
        self._settings: tuple[tuple[int, ...], Settings] | None = None

    @classmethod
    def open(cls, root: str) -> Spool:
        """The spool in folder `root`; NotASpool when there is none, StorageError when nobody can tell."""
        root = os.path.abspath(root)
        root = f"/{root.lstrip('/')}"  # POSIX lets abspath keep two slashes in front
        if not _is_spool(root):
            raise NotASpool(root)
        return cls(root)

    @classmethod
    def find(cls, given: str | None) -> Spool:
        """The spool given, else DSGSPOOL_SPOOL, else the nearest folder upwards that is one; raises as `open` does."""
        if named := given or os.environ.get("DSGSPOOL_SPOOL"):
            return cls.open(named)
        here = folder = os.getcwd()
        error: SpoolError = NotASpool(here, "name one with: dsgspool --spool DIR ..., or set DSGSPOOL_SPOOL")
        while True:
            try:
                if _is_spool(folder):
                    return cls(folder)
            except StorageError as refusal:  # a private folder on the way up is passed by
                error = refusal if folder == here else error
            if (parent := os.path.dirname(folder)) == folder:
                raise error
            folder = parent

    def folder(self, state: State) -> str:
        """Path of a state's folder."""
        return f"{self.root}/{state}"

    def settings(self) -> Settings:
        """spool.yaml as it is now; parsed anew only when the file changed.  SettingsError when it is broken."""
        from dsgspool.settings import parse_settings

        path = f"{self.root}/{SETTINGS}"
        data, status = self.fs.read(path)
        self.settings_status = status
        seen = (status.st_ino, status.st_size, status.st_mtime_ns)
        if self._settings is None or self._settings[0] != seen:
            self._settings = (seen, parse_settings(data, path))
        return self._settings[1]

    def default_cwd(self, settings: Settings) -> str:
        """Where a task without `cwd` runs: spool.yaml's default_cwd, else the folder that holds the spool."""
        return settings.default_cwd or os.path.dirname(self.root)

    def is_paused(self) -> bool:
        """True while a file PAUSE lies in the spool (listed: stat() would believe an NFS cache) [R6]."""
        return PAUSE in self.fs.names(self.root)

    def held(self, state: State) -> Iterator[tuple[str, TaskName]]:
        """(path, name) of the tasks in a state whose name carries a claim: cheap also among a million others."""
        for path in self.fs.find(self.folder(state), "@"):
            if name := held_name(state, path):
                yield path, name

    def tasks(self, state: State, batch: str = "") -> Iterator[tuple[str, TaskName]]:
        """(path below the state's folder, name) of every task in a state; names that are no task's are passed over."""
        base = self.folder(state)
        prefix = f"{batch}/" if batch else ""
        for below, _ in self.fs.walk(f"{base}/{batch}" if batch else base):
            path = prefix + below
            if names.is_ignored(os.path.basename(path)):
                continue
            try:
                yield path, task_name(state, path)
            except InvalidName:
                continue


def held_name(state: State, path: str) -> TaskName | None:
    """The name that a path below a state's folder says, None when that carries no claim or is no task's."""
    with contextlib.suppress(InvalidName):
        if not names.is_ignored(os.path.basename(path)) and (name := task_name(state, path)).claim:
            return name
    return None


def task_name(state: State, path: str) -> TaskName:
    """The name that a path below a state's folder says: waiting/ has folders of its own, running/ one for each worker."""
    if state in (State.WAITING, State.RUNNING):
        path = path.partition("/")[2]
    # A person may have moved a flat name, slashes written %, anywhere: its last part says the whole identity.
    base = os.path.basename(path)
    return names.parse_flat(base) if "%" in base else names.parse(path)


def _is_spool(folder: str) -> bool:
    try:
        return SETTINGS in os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise StorageError.of(error, "look into") from None


def _door(root: str, todo: str) -> Fs:
    """The door that this spool needs: whether others than my user may lay something into its folders."""
    try:
        status = os.stat(todo)
    except OSError:
        return Fs(floor=root)
    group = status.st_mode & 0o2020 == 0o2020
    others = group or (os.geteuid() == 0 and status.st_uid != 0)
    return SharedFs(group=group, floor=root) if others else Fs(floor=root)


def lies(fs: Fs, path: str) -> bool:
    """True when a file lies there (R6: its folder is opened first); OSError when something does that cannot be opened."""
    try:
        fs.see(path)
        fs.status(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True
