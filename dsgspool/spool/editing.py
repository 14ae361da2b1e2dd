"""Changing the text of tasks that are queued: taken out, replaced, put back.

The rule: nobody writes to a file that others may see.  The new text lies whole in edits/ID.open/ before the old file is
touched; each step is one rename of a file that exists once, so whoever comes second finds nothing to move.

    todo/x.yaml  ->  out/todo/x.yaml  ->  old/todo/x.yaml      out/: taken out; it goes back as it is
    new/todo/x.yaml  ->  todo/x~0.TOKEN.yaml                   only while old/ holds the file that it takes the place of

So the folder alone says what a killed editor owes, and the leader pays it (`mend`).  old/ stays, for an undo.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from dsgspool.classes import dataclass
from dsgspool.errors import InvalidName, StorageError, TaskNotFound, WrongState
from dsgspool.names import lane_for, parse_lane
from dsgspool.spool import Spool, task_name
from dsgspool.spool.moves import Moves, Place, doubt, park, target_of
from dsgspool.task import Decision, State

FOLDER, OPEN, PLAN = "edits", ".open", "edit.json"
DAY = 86400.0
TAKEN = "somebody took it meanwhile"
GONE = (0, errno.ENOENT, errno.ESTALE)
EDITABLE = (State.TODO, State.WAITING, State.HOLD)


@dataclass(frozen=True, slots=True)
class Change:
    """One task's text and what takes its place.  `afresh`: it goes to todo/ and there into no lane but that of its
    priority, because it waits for something else now, or wants something else."""

    place: Place
    old: bytes
    new: bytes
    owner: int = -1  #: uid of the only one who may read it, -1 = others may too
    afresh: bool = False

    @property
    def path(self) -> str:
        """Path below the spool."""
        return f"{self.place.state}/{self.place.path}"

    @property
    def draft(self) -> str:
        """Path of its new text below the edit's folder."""
        return f"{'afresh' if self.afresh else 'new'}/{self.path}"


def pick(moves: Moves, patterns: Iterable[str]) -> tuple[list[Place], list[Place]]:
    """Places that can be edited, and running ones that are left alone; TaskNotFound or WrongState when a pattern means
    nothing that can be."""
    found: dict[Place, None] = {}
    for pattern in patterns:
        places = moves.find(pattern)
        if not places:
            raise TaskNotFound(pattern)
        if not any(_is_free(place) for place in places):
            raise WrongState(places[0].identity, places[0].state, "edit", _remedy(places[0]))
        found.update(dict.fromkeys(places))
    return [p for p in found if _is_free(p)], [p for p in found if p.state is State.RUNNING or p.name.claim]


def _is_free(place: Place) -> bool:
    return place.state in EDITABLE and place.name.claim is None


def _remedy(place: Place) -> str:
    if place.state in (State.DONE, State.FAILED):
        return "`requeue --hold` parks it first; then edit and release it"
    return "`hold` stops and parks it; then edit and release it"


class Edit:
    """One run of `edit`, in edits/`name`.open/."""

    def __init__(self, moves: Moves, name: str) -> None:
        self.moves, self.fs, self.spool, self.name = moves, moves.fs, moves.spool, name
        self.folder = f"{self.spool.root}/{FOLDER}/{name}{OPEN}"

    def prepare(self, changes: Iterable[Change], plan: Mapping[str, object]) -> None:
        """Everything that will be needed, before the first task is touched."""
        changes = list(changes)
        self.fs.make_folder(self.folder, exclusive=True)
        for folder in sorted({os.path.dirname(change.path) for change in changes}):
            self.fs.make_folder(f"{self.folder}/out/{folder}")
            self.fs.make_folder(f"{self.folder}/old/{folder}")
        for change in changes:
            self.fs.make_folder(os.path.dirname(f"{self.folder}/{change.draft}"))
            self.fs.create_whole(f"{self.folder}/{change.draft}", change.new, owner=change.owner)
        owner = max((change.owner for change in changes), default=-1)  # it says of private texts what changed in them
        self.fs.create_whole(f"{self.folder}/{PLAN}", f"{json.dumps(plan, indent=1)}\n".encode(), owner=owner)

    def carry_out(self, change: Change) -> str:
        """Replace one task's text; why not, '' when it was done."""
        out, old = (f"{self.folder}/{stage}/{change.path}" for stage in ("out", "old"))
        # RACE: no folder is made on the way.  One that was closed meanwhile must not come back with a task in it.
        number = self.fs.rename(f"{self.spool.root}/{change.path}", out)
        if os.path.basename(out) not in self.fs.inodes(os.path.dirname(out)):
            if number in GONE:
                return TAKEN
            raise StorageError("move", f"{self.spool.root}/{change.path}", number)
        if self._has_changed(out, change):
            send_on(self.moves, self.folder, f"out/{change.path}")
            return "it has another text by now: edit it again"
        number = self.fs.rename(out, old)
        if os.path.basename(old) not in self.fs.names(os.path.dirname(old)):
            if number in GONE:
                return "a worker took this edit for dead and put it back: edit it again"
            raise StorageError("move", out, number)
        send_on(self.moves, self.folder, change.draft)
        return ""

    def _has_changed(self, path: str, change: Change) -> bool:
        try:
            return self.fs.read(path)[0] != change.old
        except OSError:  # a link or a fifo lies there now
            return True

    def close(self) -> None:
        """Nothing is owed any more: what was not replaced needs no new text, the old ones stay for an undo."""
        for stage in ("new", "afresh"):
            for path, _ in list(self.fs.walk(f"{self.folder}/{stage}")):
                self.fs.remove(f"{self.folder}/{stage}/{path}")
        for stage in ("new", "afresh", "out"):
            self.moves.remove_empty(f"{self.folder}/{stage}")
        self.fs.rename(self.folder, self.folder.removesuffix(OPEN))


def send_on(moves: Moves, folder: str, path: str) -> None:
    """Out of an edit's folder to where it belongs; whoever else did that has done the same."""
    stage, _, origin = path.partition("/")
    for _ in range(3):
        number = moves.fs.rename_into(f"{folder}/{path}", _home(moves, origin, stage))
        if os.path.basename(path) not in moves.fs.names(os.path.dirname(f"{folder}/{path}")):
            return
    raise StorageError("move", f"{folder}/{path}", number)


def _home(moves: Moves, origin: str, stage: str) -> str:
    """Where it lay, under a name with a fresh token; in hold/ when its batch was parked meanwhile."""
    folder, _, below = origin.partition("/")
    state, token, spool = State(folder), moves.token(), moves.spool
    name = task_name(state, below)
    # A reason, as hold/x~changed.TOKEN.yaml has it, is for people: it stays.
    kept = name.returned(name.budget, token) if name.tag[:1].isdigit() or not name.tag else replace(name, token=token)
    if stage == "afresh" and (lane := parse_lane(name.lane)).known:
        name = replace(name, lane=lane_for(lane.priority, 1))
    if state is State.HOLD:
        return f"{spool.hold}/{kept.lane_path}"
    # RACE: what goes back as it is may still be written to, most likely when it was found to have changed.
    tag = doubt(name) if stage == "out" else ""
    decision = park(spool, name, Decision(State.TODO, tag, name.budget))
    if decision.state is State.HOLD or state is State.TODO or stage == "afresh":
        return target_of(spool, name, decision, token, 0.0)
    return f"{spool.waiting}/{below.partition('/')[0]}/{(replace(kept, tag=tag) if tag else kept).lane_path}"


def opened(spool: Spool) -> list[str]:
    """Folders of edits that are not closed."""
    found: list[str] = []
    with contextlib.suppress(PermissionError):  # somebody's private folder, as below
        found = [
            name for name, is_folder in spool.fs.scan(f"{spool.root}/{FOLDER}") if is_folder and name.endswith(OPEN)
        ]
    return [f"{spool.root}/{FOLDER}/{name}" for name in sorted(found)]


def owed(spool: Spool, folder: str) -> Iterator[str]:
    """Paths below an edit's folder of tasks that lie nowhere else just now."""
    yield from (f"out/{path}" for path in tasks_below(spool, f"{folder}/out"))
    replaced = set(tasks_below(spool, f"{folder}/old"))
    for stage in ("new", "afresh"):
        yield from (f"{stage}/{path}" for path in tasks_below(spool, f"{folder}/{stage}") if path in replaced)


def tasks_below(spool: Spool, folder: str) -> Iterator[str]:
    """Paths such as todo/s/x.yaml of what an edit laid there; anything else was laid by somebody else, and stops nobody."""
    with contextlib.suppress(PermissionError):  # somebody's private folder
        for path, _ in spool.fs.walk(folder):
            state, _, below = path.partition("/")
            with contextlib.suppress(InvalidName):
                if state in EDITABLE and task_name(State(state), below):
                    yield path


def under_edit(spool: Spool) -> Iterator[tuple[State, str]]:
    """(state that it comes from, identity) of tasks that an edit has taken out."""
    for folder in opened(spool):
        for path in owed(spool, folder):
            state, _, below = path.partition("/")[2].partition("/")
            yield State(state), task_name(State(state), below).identity


def is_awaited(spool: Spool, age: Callable[[str], float], limit: float) -> bool:
    """True when an edit took a task out less than `limit` seconds ago; `age`: seconds since a folder changed.

    An older one is somebody's whom nobody here can help: it shall not be waited for.
    """
    return any(age(_left_at(folder, path)) < limit for folder in opened(spool) for path in owed(spool, folder))


def _left_at(folder: str, path: str) -> str:
    """The folder that changed when an edit took this task out."""
    stage, _, origin = path.partition("/")
    return os.path.dirname(f"{folder}/{'out' if stage == 'out' else 'old'}/{origin}")


def mend(moves: Moves, age: Callable[[str], float], lease: float) -> int:
    """Bring back what killed editors took out; the number of tasks.  `age`: seconds since a folder changed.

    What cannot be moved, such as another user's, keeps nothing else from it; the first error is raised in the end.

    RACE: a living editor may hold one just now.  To be overtaken costs it a task that it names; nothing moves twice.
    """
    failed: list[OSError] = []
    moved = 0
    for folder in opened(moves.spool):
        left = list(owed(moves.spool, folder))
        for path in left:
            try:
                if age(_left_at(folder, path)) > lease:
                    send_on(moves, folder, path)
                    moved += 1
            except OSError as error:
                failed.append(error)
        if not left and age(folder) > DAY:
            moves.fs.rename(folder, folder.removesuffix(OPEN))
    if failed:
        raise failed[0]
    return moved


def old_edits(spool: Spool, limit: float) -> list[str]:
    """Names of closed edits that were made before `limit`, Unix time of the server."""
    base = f"{spool.root}/{FOLDER}"
    closed = [name for name, is_folder in spool.fs.scan(base) if is_folder and not name.endswith(OPEN)]
    return sorted(name for name in closed if spool.fs.status_of_folder(f"{base}/{name}").st_mtime < limit)


def remove_edit(moves: Moves, name: str) -> None:
    """Forget what an edit kept: nothing can be taken back any more."""
    folder = f"{moves.spool.root}/{FOLDER}/{name}"
    for path, entry in list(moves.fs.walk(folder)):
        if not entry.is_dir(follow_symlinks=False):  # somebody's hidden folder: no reason to prune nothing else
            moves.fs.remove(f"{folder}/{path}")
    moves.remove_empty(folder)
