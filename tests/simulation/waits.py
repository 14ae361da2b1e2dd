"""What tasks of a schedule wait for (`after`), judged by the server's tree: nobody starts too early, nobody waits in vain.

The rule: it asks the tree and no code of the product but the parser of names.  "Too early" is weaker than the promise, since
people may take away what was there a moment ago: what is asked for must have lain in done/ or failed/ at some time.
"""

from __future__ import annotations

import fnmatch
import random
from collections.abc import Iterable

import yaml

from dsgspool.errors import InvalidName
from dsgspool.names import TaskName, parse_after
from dsgspool.spool import task_name
from dsgspool.task import State
from tests.simulation.server import Server

WHATS = ("a", "b", "c", "s/1", "s/2", "s/", "s/*", "task-*")
SHARE = 0.4  #: of the tasks that wait for something, in a schedule with dependencies


def after_line(seed: int, version: str) -> list[str]:
    """The line `after` of a new task, or none."""
    chance = random.Random(f"{seed} {version}")
    if chance.random() > SHARE:
        return []
    whats = chance.sample(WHATS, chance.choice([1, 1, 2, 3]))
    entries = [
        f"{{'{what}': {wants}}}" if (wants := chance.choice(["", "any", "failure"])) else f"'{what}'" for what in whats
    ]
    return [f"after: [{', '.join(entries)}]"]


def _entries(data: bytes) -> list[tuple[str, str]]:
    """(what, success, failure or any) for each."""
    found = (yaml.safe_load(data) or {}).get("after", [])
    return [(entry, "success") if isinstance(entry, str) else next(iter(entry.items())) for entry in found]


class Waits:
    """What ever lay in done/ and failed/, and what waits in vain."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.ever: dict[State, set[str]] = {State.DONE: set(), State.FAILED: set()}

    def came(self, path: str) -> None:
        """Something lies there now."""
        state, _, rest = path.partition("/")
        if state in (State.DONE, State.FAILED) and (name := _name(State(state), rest)):
            self.ever[State(state)].add(name.identity)

    def too_early(self, identity: str, data: bytes) -> str:
        """Why a command must not start, ''."""
        for what, wants in _entries(data):
            states = {"success": [State.DONE], "failure": [State.FAILED], "any": [State.DONE, State.FAILED]}[wants]
            # An earlier task of the name counts for a name, though not for a batch: that would count the task itself.
            but = identity if what != identity else ""
            if not any(_is_meant(what, each) and each != but for state in states for each in self.ever[state]):
                return f"it waits for the {wants} of {what}, which there never was"
        return ""

    def waits_rightly(self, path: str) -> bool:
        """True for a file in waiting/after-WHAT/ whose WHAT is not finished."""
        what = parse_after(path.split("/")[1]) if path.startswith("waiting/after-") else ""
        mine = _name(State.WAITING, path.partition("/")[2])
        return bool(what and mine and self.is_open(what, mine.identity))

    def is_open(self, what: str, but: str = "") -> bool:
        """True for what is not finished."""
        over = any(self._of(State.DONE, what, but)) or any(self._of(State.FAILED, what, but))
        if what.endswith("/") or "*" in what:
            moving = (State.TODO, State.WAITING, State.HOLD, State.RUNNING)
            return not over or any(any(self._of(state, what, but)) for state in moving)
        return not over

    def _of(self, state: State, what: str, but: str) -> Iterable[TaskName]:
        for path, _ in self.server.files(state):
            name = _name(state, path.partition("/")[2])
            if name and name.identity != but and _is_meant(what, name.identity):
                yield name


def _is_meant(what: str, identity: str) -> bool:
    return fnmatch.fnmatchcase(identity, f"{what}*" if what.endswith("/") else what)


def _name(state: State, path: str) -> TaskName | None:
    if path.rpartition("/")[2].startswith((".", "#")):
        return None
    try:
        return task_name(state, path)
    except InvalidName:
        return None
