"""Files that lie where nobody acts on them: strange names, astray, left over.

The rule: a living worker mends most of this by itself (what lies in todo/ it files away with a record that says why), so
what is told here is what no worker will ever touch, or what none is there to touch.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace

from dsgspool import names
from dsgspool.doctor import raw
from dsgspool.doctor.bench import PREFIX
from dsgspool.doctor.owners import Owners
from dsgspool.doctor.repair import Action, Fault
from dsgspool.doctor.semantics import ROOMS
from dsgspool.doctor.values import Status
from dsgspool.errors import InvalidName
from dsgspool.listings import DEEPEST
from dsgspool.names import TaskName
from dsgspool.spool import Spool, task_name
from dsgspool.spool.moves import Tokens
from dsgspool.spool.taken import Taken, parse_mark
from dsgspool.task import State

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
NAMED = 3  #: files in a line
_BAD = re.compile(r"[~@%\\\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_DRAFT = re.compile(r"\..+\.[0-9]+\.tmp\Z")


class Files:
    """One look at the files of all states."""

    def __init__(self, spool: Spool, owners: Owners) -> None:
        self.spool, self.fs, self.owners, self.token = spool, spool.fs, owners, Tokens()

    def faults(self) -> Iterator[Fault]:
        """Everything that is found."""
        for state in (State.WAITING, State.HOLD, State.DONE, State.FAILED):
            yield from self._strange(state)
        yield from self._endings()
        yield from self._astray(State.RUNNING)
        yield from self._astray(State.WAITING)
        yield from self._moments()
        yield from self._foreign()
        for state in (State.HOLD, State.DONE, State.FAILED):
            yield from self._in_the_way(f"{state}")
        yield from self._drafts()
        yield from self._marks()
        yield from self._rubbish()
        yield from self._parking()

    def _path(self, state: State, path: str) -> str:
        return f"{self.spool.folder(state)}/{path}"

    def _aside(self, state: State, path: str) -> Action:
        """Into hold/ (out of failed/: back into it) under a name that is a task's."""
        kept = spare_name(path, state, self.token())
        room = State.FAILED if state is State.FAILED else State.HOLD
        return Action("mv", self._path(state, path), f"{self.spool.folder(room)}/{kept.path}")

    def _strange(self, state: State) -> Iterator[Fault]:
        for path, _ in self.fs.walk(self.spool.folder(state)):
            if names.is_ignored(os.path.basename(path)) or (state is State.WAITING and "/" not in path):
                continue
            try:
                task_name(state, path)
            except InvalidName as error:
                text = f"{state}/{path}: no command finds it: {error.reason}"
                yield Fault("strange-name", "", (f"{state}/{path}",), text, (self._aside(state, path),), safe=True)

    def _endings(self) -> Iterator[Fault]:
        """What lies in todo/ and is no task by its ending; until it is at rest somebody may still be writing it."""
        others = []
        for path, _ in self.fs.walk(self.spool.todo):
            name = os.path.basename(path)
            is_odd = name[:1] not in ".#" and not name.endswith(("~", *names.SUFFIXES))
            if not is_odd or self._age(self._path(State.TODO, path)) <= MINUTE:
                continue
            if name.lower().endswith(names.SUFFIXES):
                text = f"todo/{path}: no worker takes it: the ending is .yaml, in small letters"
                yield Fault("ending", "", (f"todo/{path}",), text, (self._as_task(path),))
            else:
                others.append(path)
        if others:
            shown = [f"todo/{path}" for path in others[:NAMED]]
            more = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
            text = f"{', '.join(shown)}{more}: no worker takes what does not end with .yaml; if it is a task, rename it"
            actions = tuple(self._as_task(path) for path in others[:NAMED])
            yield Fault("ending", "", tuple(shown), text, actions, status=Status.NOTE)

    def _as_task(self, path: str) -> Action:
        """Under a task's name, in the lane where it lies, and with a token: it takes no other file's place."""
        lane, below = names.split_lane(path)
        name = spare_name(below, State.TODO, self.token())
        return Action(
            "mv", self._path(State.TODO, path), self._path(State.TODO, replace(name, lane=lane or "").lane_path)
        )

    def _astray(self, state: State) -> Iterator[Fault]:
        for file, is_folder in list(self.fs.scan(self.spool.folder(state))):
            if is_folder or names.is_ignored(file):
                continue
            where = (f"{state}/{file}",)
            claim = _claim(file)
            if claim and not self.owners.proof(claim):
                text = f"{state}/{file} lies in no folder of {state}/, and {claim}, who holds it, is not dead"
                yield Fault("astray", "", where, text, remedy="look again when that worker has ended")
                continue
            text = f"{state}/{file} lies in no folder of {state}/, so nobody takes it"
            yield Fault("astray", "", where, text, (self._aside(state, file),), safe=True)

    def _moments(self) -> Iterator[Fault]:
        """Folders of waiting/ whose name is no moment and no task's: what they hold waits for ever."""
        for folder, is_folder in list(self.fs.scan(self.spool.waiting)):
            if is_folder and folder[:1] != "." and not (names.parse_until(folder) or names.parse_after(folder)):
                text = f"waiting/{folder}: the name is no moment, so what is in it waits for ever"
                yield from self._emptied("no-moment", State.WAITING, folder, text)

    def _foreign(self) -> Iterator[Fault]:
        """Folders of running/ that no worker made: a batch that somebody moved there."""
        for folder, is_folder in list(self.fs.scan(self.spool.running)):
            if is_folder and folder[:1] != "." and not names.is_wid(folder):
                text = f"running/{folder}: the name is no worker's, so nobody runs what is in it"
                yield from self._emptied("no-worker", State.RUNNING, folder, text)

    def _in_the_way(self, below: str) -> Iterator[Fault]:
        """A folder with a task file's name: a task of that name can then not be put there."""
        if len(below) > DEEPEST:
            return
        for name, is_folder in list(self.fs.scan(f"{self.spool.root}/{below}")):
            if not is_folder or name[:1] == ".":
                continue
            if not name.endswith(names.SUFFIXES):
                yield from self._in_the_way(f"{below}/{name}")
                continue
            text = f"{below}/{name}/ is a folder, and in the way of the task of that name"
            stem = os.path.splitext(name)[0]
            source = f"{self.spool.root}/{below}/{name}"
            action = Action("mv", source, f"{self.spool.root}/{below}/{stem}-{self.token()}")
            yield Fault("in-the-way", "", (f"{below}/{name}",), text, (action,), safe=True)

    def _emptied(self, rule: str, state: State, folder: str, text: str) -> Iterator[Fault]:
        """Its tasks go to hold/; a folder that then is empty goes away."""
        paths = [path for path, _ in self.fs.walk(f"{self.spool.folder(state)}/{folder}")]
        tasks = [path for path in paths if not names.is_ignored(os.path.basename(path))]
        actions = [self._aside(state, f"{folder}/{path}") for path in tasks]
        if len(paths) == len(tasks) and not any("/" in path for path in paths):
            actions.append(Action("rmdir", f"{self.spool.folder(state)}/{folder}"))
        if actions:
            yield Fault(rule, "", (f"{state}/{folder}",), text, tuple(actions), safe=True)

    def _marks(self) -> Iterator[Fault]:
        """What dead workers have of the spool's counted resources; living ones give it back within half a minute.  What is
        no mark at all."""
        taken = Taken(self.spool)
        for name, is_folder in list(self.fs.scan(taken.folder)):
            if not names.is_ignored(f"{name}.yaml") and (is_folder or not parse_mark(name)):
                text = f"taken/{name} is no mark of a worker (NAME=AMOUNT@WORKER.COUNT), so nobody counts it"
                path = f"{taken.folder}/{name}"
                action = Action("rmdir" if is_folder else "rm", path)
                yield Fault("strange-mark", "", (f"taken/{name}",), text, (action,), status=Status.NOTE)
        for mark in [] if self.owners.living else taken.marks():
            if proof := self.owners.proof(mark.claim.wid):
                text = f"taken/{mark.file}: {proof}, and no worker lives to give it back"
                action = Action("rm", f"{self.spool.root}/taken/{mark.file}")
                remedy = "or start a worker: dsgspool worker"
                yield Fault("stale-mark", "", (f"taken/{mark.file}",), text, (action,), safe=True, remedy=remedy)

    def _drafts(self) -> Iterator[Fault]:
        """What a program wrote beside a file to put it in its place, and was killed."""
        for folder in ("", "workers", "reports"):
            base = f"{self.spool.root}/{folder}".rstrip("/")
            for file, is_folder in list(self.fs.scan(base)):
                if not is_folder and _DRAFT.match(file) and self._age(f"{base}/{file}") > DAY:
                    text = f"{folder or '.'}/{file} is a draft that was never put in its place"
                    action = Action("rm", f"{base}/{file}")
                    yield Fault("draft", "", (f"{folder}/{file}".lstrip("/"),), text, (action,), safe=True)
        for folder in ROOMS:
            for file, is_folder in list(self.fs.scan(f"{self.spool.root}/{folder}")) if folder != "tmp" else ():
                path = f"{folder}/{file}"
                if not is_folder and file.startswith(PREFIX) and self._age(f"{self.spool.root}/{path}") > HOUR:
                    text = f"{path} is a trial file of a doctor that was killed"
                    action = Action("rm", f"{self.spool.root}/{path}")
                    yield Fault("draft", "", (path,), text, (action,), safe=True)

    def _rubbish(self) -> Iterator[Fault]:
        """tmp/ is swept by a worker; renamed first, so that a submitter who comes back finds nothing to move."""
        for name, is_folder in list(self.fs.scan(self.spool.tmp)):
            path = f"{self.spool.tmp}/{name}"
            if (age := self._age(path)) <= (HOUR if name.startswith(PREFIX) else DAY):
                continue
            text = (
                f"tmp/{name} was left there {age / HOUR:.0f} h ago by a program that was killed; nothing was promised"
            )
            if not is_folder:
                actions: tuple[Action, ...] = (Action("rm", path),)
            elif name.endswith(".swept"):
                actions = (Action("rm -r", path),)
            else:
                swept = f"{self.spool.tmp}/.{name.lstrip('.')}.swept"
                actions = (Action("mv", path, swept), Action("rm -r", swept))
            yield Fault("rubbish", "", (f"tmp/{name}",), text, actions, safe=True)

    def _parking(self) -> Iterator[Fault]:
        """An empty folder in hold/ parks what comes back of a batch that has no folder in todo/."""
        todo = {name for name, is_folder in self.fs.scan(self.spool.todo) if is_folder}
        for name, is_folder in list(self.fs.scan(self.spool.hold)):
            if not is_folder or name in todo or any(True for _ in self.fs.walk(f"{self.spool.hold}/{name}")):
                continue
            text = f"hold/{name}/ is empty: while it is there, tasks of that batch that come back are parked in it"
            action = Action("rmdir", f"{self.spool.hold}/{name}")
            yield Fault("parking", "", (f"hold/{name}",), text, (action,), status=Status.NOTE)

    def _age(self, path: str) -> float:
        try:
            return self.owners.now - raw.entry(path).st_mtime
        except FileNotFoundError:
            return 0.0


def spare_name(path: str, state: State, token: str) -> TaskName:
    """A name that can be a task's and is as near as possible to one that cannot."""
    if state in (State.WAITING, State.RUNNING) and "/" in path:
        path = path.partition("/")[2]
    tag = "invalid" if state is State.FAILED else "0"
    try:
        name = task_name(State.HOLD, path)
        return TaskName(name.identity, name.tag if name.tag[:1].isdigit() else tag, token)
    except InvalidName:
        stem = os.path.splitext(path)[0]
        parts = [_BAD.sub("-", part).lstrip(".-#") for part in stem.split("/")]
        identity = "/".join(part for part in parts if part)
        try:
            return TaskName(names.check_identity(identity), tag, token)
        except InvalidName:
            return names.invalid_name(path, token)


def _claim(file: str) -> str:
    try:
        claim = names.parse_flat(file).claim
    except InvalidName:
        return ""
    return claim.wid if claim else ""
