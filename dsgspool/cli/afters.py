"""What each task comes after: what its file or its record says, what the policy of its batch adds, the folder it waits in.

The rule: a file is read once and parsed only when it may say `after` in a way that the peek does not see.  No more are read
than was asked for, of each batch some, and how many were not is told.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import field
from operator import itemgetter

from dsgspool.classes import dataclass
from dsgspool.codec import after_entries, parse_task
from dsgspool.errors import SettingsError, SpoolError
from dsgspool.expressions import expression
from dsgspool.names import record_path
from dsgspool.policy import parse_policy
from dsgspool.records import MAX_BYTES as MAX_RECORD
from dsgspool.records import parse_record
from dsgspool.snapshot import TaskSeen
from dsgspool.snapshot.awaited import FINISHED
from dsgspool.spool import Spool
from dsgspool.spool.policies import NONE, read_policies
from dsgspool.task import After
from dsgspool.worker.peek import peek
from dsgspool.yamltext import Node
from dsgspool.yamlwriting import MAX_BYTES

Entries = tuple[After, ...]

_KEY = expression(rb"""(?:^|[{,"'\s])after["']?\s*:""", re.MULTILINE)


@dataclass(slots=True)
class Afters:
    """Reads files.  `most`: so many, and `unread` were left; `unreadable`: nobody lets me read them."""

    spool: Spool
    most: int
    unread: int = 0
    unreadable: int = 0
    timezone: str | None = None
    entries: dict[str, Entries] = field(default_factory=dict)

    def look(self, tasks: Collection[TaskSeen], named: Collection[str], *, finished: bool) -> None:
        """Read the files of what is not finished, `finished`: of the rest the records; those that are `named` first."""
        policies = read_policies(self.spool)
        with contextlib.suppress(SettingsError):
            self.timezone = self.spool.settings().timezone
        for task in self._within(_in_turn((task for task in tasks if task.state not in FINISHED), named)):
            self._add(task.identity, self._said_by_file(task, policies.template(task.identity)))
        if finished:
            for task in self._within(_in_turn((task for task in tasks if task.state in FINISHED), named)):
                self._add(task.identity, self._said_by_record(task.identity))
        for task in tasks:
            said = self.entries.get(task.identity, ())
            if task.after and not any(entry.what == task.after for entry in said):
                self._add(task.identity, (*said, After(task.after, "any")))

    def _add(self, identity: str, entries: Entries) -> None:
        if entries:
            self.entries[identity] = entries

    def _within(self, tasks: Iterable[TaskSeen]) -> Iterator[TaskSeen]:
        """As many as may still be read."""
        for task in tasks:
            if self.most > 0:
                self.most -= 1
                yield task
            else:
                self.unread += 1

    def _said_by_file(self, task: TaskSeen, template: Mapping[str, Node]) -> Entries:
        try:
            data = self.spool.fs.read(f"{self.spool.folder(task.state)}/{task.path}", MAX_BYTES)[0]
        except FileNotFoundError:  # it has moved on since it was listed
            return ()
        except OSError:
            self.unreadable += 1
            return ()
        return self._said(data, template)

    def _said_by_record(self, identity: str) -> Entries:
        """As its newest attempt ran it."""
        data = b""
        for number in itertools.count(1):
            try:
                data = self.spool.fs.read(f"{self.spool.logs}/{record_path(identity, number)}", MAX_RECORD)[0]
            except OSError:
                break
        if b"after" not in data:
            return ()
        record = parse_record(data)
        with contextlib.suppress(SpoolError):
            policy = parse_policy(record.policy.encode(), "", self.timezone) if record.policy else NONE
            return self._said((record.text or "").encode(errors="replace"), policy.defaults)
        return ()

    def _said(self, data: bytes, template: Mapping[str, Node]) -> Entries:
        if not _KEY.search(data):
            return after_entries(template["after"], "after") if "after" in template else ()
        if entries := peek(data).after:
            return entries
        with contextlib.suppress(SpoolError):
            return parse_task(data, template=template, timezone=self.timezone).after
        return ()


def _in_turn(tasks: Iterable[TaskSeen], named: Collection[str]) -> Iterator[TaskSeen]:
    """Those that are named, those that wait, then the rest, of each batch one: where a limit ends it, all had their turn."""
    batches: dict[str, int] = {}
    order = []
    for task in tasks:
        place = batches[task.batch] = batches.get(task.batch, 0) + 1
        order.append((task.identity not in named, not task.after, place, task.identity, task))
    yield from (task for *_, task in sorted(order, key=itemgetter(0, 1, 2, 3)))
