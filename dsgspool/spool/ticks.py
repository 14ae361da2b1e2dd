"""One instance for each tick of a schedule, whoever makes it and how often.

The rule: schedules/ticks/NAME/STAMP/ says that the tick STAMP was made, and is made once (`once`).  With `overlap: skip` who
has put it there looks for others before it queues the task, so that two leaders never have two instances open.
"""

from __future__ import annotations

import errno
import json

from dsgspool.classes import dataclass
from dsgspool.clock import iso
from dsgspool.errors import InvalidName, InvalidTask
from dsgspool.names import check_identity, is_ignored
from dsgspool.schedules import stamp_of, tick_of
from dsgspool.spool import Spool
from dsgspool.spool.dependencies import Dependencies
from dsgspool.spool.moves import Moves
from dsgspool.spool.once import DRAFT, Once
from dsgspool.spool.own import MAX_TASK_BYTES, Text, text_of

TICKS, FACTS = "schedules/ticks", "tick.json"
NO_NAME = "its name cannot be that of a task"  #: why a schedule is not obeyed
UNSURE = 5  #: of the newest ticks, looked at for a task that somebody could not put into todo/ any more


@dataclass(frozen=True, slots=True)
class Instance:
    """What an instance is made of: the schedule's name, its text and the owner who alone may read its file (-1 = mine,
    and others may read it too)."""

    schedule: str
    text: bytes
    owner: int = -1


def is_name(name: str) -> bool:
    """True when the tasks of a schedule may be called so."""
    try:
        return bool(check_identity(f"{name}-20261129T0200Z"))
    except InvalidName:
        return False


def schedule_files(spool: Spool) -> dict[str, str]:
    """File name -> the schedule's name, of all that lie in schedules/; PermissionError for a folder that may not be read."""
    found = spool.fs.scan(f"{spool.root}/schedules")
    return {file: file.rpartition(".")[0] for file, is_folder in found if not (is_folder or is_ignored(file))}


def read_schedule(spool: Spool, file: str) -> Text:
    """The file of a schedule; InvalidTask for a hard link, whose owner may be anybody's choice.  OSError."""
    data, status = spool.fs.read(f"{spool.root}/schedules/{file}", MAX_TASK_BYTES)
    if status.st_nlink != 1:
        raise InvalidTask("it is a hard link", remedy="copy it instead")
    return text_of(data, status)


class Ticks:
    """The ticks of a spool."""

    def __init__(self, moves: Moves) -> None:
        self.spool, self.fs, self.once = moves.spool, moves.fs, Once(moves)
        self.dependencies = Dependencies(moves.spool)

    def newest(self, schedule: str, *, skips: bool) -> float | None:
        """The newest tick that was made, after what somebody left of the newest ones was put into todo/, or skipped."""
        stamps = self._stamps(schedule)
        for stamp in stamps[-UNSURE:]:
            self._publish(schedule, stamp, skips=skips)
        return tick_of(stamps[-1]) if stamps else None

    def _stamps(self, schedule: str) -> list[str]:
        scanned = self.fs.scan(self._folder(schedule))
        return sorted(name for name, is_folder in scanned if is_folder and tick_of(name) is not None)

    def make(self, instance: Instance, tick: float, now: float, *, skips: bool) -> str:
        """The identity of the task that is in todo/ now, '' when the tick was made before, or is skipped."""
        stamp = stamp_of(tick)
        folder = f"{self._folder(instance.schedule)}/{stamp}"
        self.once.make(folder, FACTS, {"at": iso(now)}, {DRAFT: instance.text}, instance.owner)
        return self._publish(instance.schedule, stamp, skips=skips)

    def _publish(self, schedule: str, stamp: str, *, skips: bool) -> str:
        """Put the task of a tick into todo/, when it is still to be put there; its identity, '' otherwise."""
        folder, identity = f"{self._folder(schedule)}/{stamp}", f"{schedule}-{stamp}"
        if skips and DRAFT in self.fs.names(folder) and (why := self._in_the_way(schedule, stamp)):
            self._skip(folder, why)
        return identity if self.once.publish(folder, identity) else ""

    def _in_the_way(self, schedule: str, stamp: str) -> str:
        """Why a tick whose folder is in its place must not be queued; '' = it may, and none of those before it can be any more.

        RACE: another leader made a later one while I stood still, or goes on now where it stood still before me.
        """
        *earlier, newest = self._stamps(schedule)
        if newest > stamp:
            return f"{schedule}-{newest} was made before it was queued"
        for before in earlier[-UNSURE:]:
            if DRAFT in self.fs.names(folder := f"{self._folder(schedule)}/{before}"):
                self._skip(folder, f"{schedule}-{stamp} was made before it was queued")
        return self._still_open(schedule)

    def _skip(self, folder: str, why: str) -> None:
        """Take the text out of a tick's folder, unless it is queued by now."""
        if self.fs.remove(f"{folder}/{DRAFT}"):
            facts = json.loads(self.fs.read(f"{folder}/{FACTS}")[0])
            self.fs.replace(f"{folder}/{FACTS}", f"{json.dumps({**facts, 'skipped': why})}\n".encode())

    def _still_open(self, schedule: str) -> str:
        """That an earlier instance is not over, in words; two looks, as for a batch.  FileNotFoundError when nobody can tell."""
        what = f"{schedule.translate({ord(c): f'[{c}]' for c in '*?['})}-????????T????Z"
        for _ in range(2):
            if found := self.dependencies.first_open(what, part=f"{schedule}-"):
                if found[1] == what:  # RACE: a folder was removed behind its listing: no reason to skip a tick for good
                    why = "is listed and cannot be opened; it is looked at again"
                    raise FileNotFoundError(errno.ENOENT, why, f"something in {found[0]}/")
                return f"{found[1]} was not over"
        return ""

    def _folder(self, schedule: str) -> str:
        return f"{self.spool.root}/{TICKS}/{schedule}"

    def old(self, limit: float) -> list[str]:
        """NAME/STAMP of ticks before `limit` whose task was put into todo/; never the newest, which says what was made."""
        found: list[str] = []
        for schedule, is_folder in self.fs.scan(f"{self.spool.root}/{TICKS}"):
            stamps = sorted(stamp for stamp, _ in self.fs.scan(self._folder(schedule)) if is_folder)[:-1]
            before = [stamp for stamp in stamps if (tick := tick_of(stamp)) is not None and tick < limit]
            found += [f"{schedule}/{s}" for s in before if DRAFT not in self.fs.names(f"{self._folder(schedule)}/{s}")]
        return sorted(found)

    def remove(self, tick: str) -> None:
        """Forget a tick."""
        self.once.drop(f"{self.spool.root}/{TICKS}/{tick}")
