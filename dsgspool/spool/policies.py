"""The policies of all batches, batches/NAME.yaml, as one reader remembers them.

The rule: a batch is its top folder, and its policy is read after a listing showed something of it; so whoever writes the
policy first and the tasks then has no task of it run without.  While a policy cannot be obeyed (broken, another user's,
perhaps not written to its end, gone a moment ago) its batch is not started, and nothing of it fails.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from dsgspool.classes import dataclass
from dsgspool.errors import SettingsError, SpoolError, StorageError
from dsgspool.permissions import why_not_obeyed
from dsgspool.policy import MAX_BYTES, Policy, batch_of, parse_policy
from dsgspool.records import time_at_rest
from dsgspool.spool import Spool
from dsgspool.spool.trials import Trial, Trials
from dsgspool.yamltext import Node

NONE = Policy()
NO_TRIAL = Trial()
OBEYED_FOR = "what its batch runs"
UNSETTLED = "its policy may not be whole yet"


def read_policies(spool: Spool) -> Policies:
    """The policies as they are now, as a worker of my user would take them."""
    owner = spool.fs.status_of_folder(spool.root).st_uid
    policies = Policies(spool, lambda status: why_not_obeyed(status, os.geteuid(), owner, OBEYED_FOR))
    policies.refresh()
    return policies


def top_batch(identity: str) -> str:
    """The batch whose policy holds for a task, '' for one outside of any."""
    return identity.partition("/")[0] if "/" in identity else ""


def path_of(spool: Spool, batch: str) -> str:
    """Where the policy of a batch lies."""
    return f"{spool.root}/batches/{batch}.yaml"


@dataclass(slots=True)
class Entry:
    """One policy file: as it was `seen`, unchanged `since`, last `read` (BOOTTIME); or why it is not obeyed."""

    inode: int
    seen: object
    since: float
    read: float
    data: bytes = b""
    status: os.stat_result | None = None
    policy: Policy = NONE
    why: str = ""
    gone: float | None = None
    trial: Trial = NO_TRIAL


class Policies:
    """Reads batches/.  `judge` says why a file of that status is not obeyed; `settle`, `every`: seconds of my clock;
    `tell` hears once that a batch's policy is not obeyed, and '' when it is again; `decides`: as in `Trials`."""

    def __init__(
        self,
        spool: Spool,
        judge: Callable[[os.stat_result], str],
        settle: Callable[[], float] = lambda: 0.0,
        every: Callable[[], float] = lambda: 0.0,
        tell: Callable[[str, str], object] | None = None,
        *,
        decides: bool = False,
    ) -> None:
        self.spool, self.judge, self.settle, self.every = spool, judge, settle, every
        self.trials = Trials(spool, settle, decides=decides)
        self.tell = tell or (lambda *_: None)
        self.entries: dict[str, Entry] = {}
        self._told: dict[str, str] = {}
        self._parsed: dict[str, tuple[object, Policy]] = {}  #: path -> what it was read from
        self._looked_at = float("-inf")

    def of(self, batch: str) -> Policy:
        """What holds for a batch; that of one without a file says nothing."""
        entry = self.entries.get(batch)
        return entry.policy if entry else NONE

    def why_not(self, batch: str) -> str:
        """Why nothing of a batch may be started, in words; '' when it may."""
        paused = f"{path_of(self.spool, batch)} says `paused: true`" if self.of(batch).paused else ""
        trial = self.trial(batch)
        return self.why_unread(batch) or paused or ("" if trial.only else trial.why)

    def why_not_task(self, identity: str) -> str:
        """Why a task may not be started, in words: its batch may not, or others are tried first."""
        batch = top_batch(identity)
        trial = self.trial(batch)
        return self.why_not(batch) or ("" if identity in trial.only else trial.why)

    def trial(self, batch: str) -> Trial:
        """What its canary and its breaker say."""
        entry = self.entries.get(batch)
        return entry.trial if entry else NO_TRIAL

    def stopped(self) -> dict[str, str]:
        """The batches of which nothing, or only what is tried first, may be started, and why."""
        found = {batch: self.why_not(batch) or self.trial(batch).why for batch in sorted(self.entries)}
        return {batch: why for batch, why in found.items() if why}

    def state(self, batch: str) -> str:
        """`paused`, `tripped` or `canary` (others are tried first); `stopped` = it cannot be obeyed; `open` = it runs."""
        if self.of(batch).paused:
            return "paused"
        return self.trial(batch).what or ("stopped" if self.why_not(batch) else "open")

    def why_unread(self, batch: str) -> str:
        """Why it is not known what holds for a batch, '' when it is."""
        entry = self.entries.get(batch)
        return entry.why if entry else ""

    def template(self, identity: str) -> Mapping[str, Node]:
        """What a task gets from its batch: for `parse_task`."""
        return self.of(top_batch(identity)).defaults

    def is_unsettled(self, batch: str) -> bool:
        """True while the next look may find another policy, or a whole decision."""
        return self.why_unread(batch) == UNSETTLED or self.trial(batch).is_unsettled

    def freshen(self, age: float) -> None:
        """Look when the last look was longer ago than that."""
        if self.spool.clock.boot() - self._looked_at >= age:
            self.refresh()

    def refresh(self) -> None:
        """Look at batches/.  A file that was exchanged is read at once, one with the same inode every now and then."""
        now = self._looked_at = self.spool.clock.boot()
        try:
            listed = self.spool.fs.inodes(f"{self.spool.root}/batches")
        except FileNotFoundError:
            listed = {}
        found = {batch: inode for file, inode in listed.items() if (batch := batch_of(file))}
        for batch, inode in found.items():
            entry = self.entries.get(batch)
            if entry is None or entry.inode != inode or entry.why == UNSETTLED or now - entry.read >= self.every():
                self._read(batch, inode, now)
        for batch in self.entries.keys() - found.keys():
            self._miss(batch, now)
        for batch, entry in self.entries.items():
            self.try_anew(batch, entry, listed)
        self._tell_changes()

    def try_anew(self, batch: str, entry: Entry, listed: Mapping[str, int]) -> None:
        """Ask anew what the canary and the breaker of a batch say."""
        has_trial = entry.policy.canary or entry.policy.breaker
        entry.trial = self.trials.look(batch, entry.policy, listed) if has_trial and not entry.why else NO_TRIAL

    def _tell_changes(self) -> None:
        broken = {
            batch: why
            for batch, entry in self.entries.items()
            if (why := entry.why or (entry.trial.why if entry.trial.stops else "")) not in ("", UNSETTLED)
        }
        for batch in sorted(broken.keys() | self._told.keys()):
            if (why := broken.get(batch, "")) != self._told.get(batch, "") and not self.is_unsettled(batch):
                self.tell(batch, why)
        self._told = {b: why for b, why in self._told.items() if self.is_unsettled(b)} | broken

    def _read(self, batch: str, inode: int, now: float) -> None:
        path, before = path_of(self.spool, batch), self.entries.get(batch)
        try:
            data, status = self.spool.fs.read(path, MAX_BYTES)
        except FileNotFoundError:
            return self._miss(batch, now)
        except OSError as error:
            self.entries[batch] = Entry(inode, None, now, now, why=str(StorageError.of(error, "read")))
            return None
        seen = (status.st_ino, status.st_size, status.st_mtime_ns)
        since = before.since if before and before.seen == seen else now
        entry = self.entries[batch] = Entry(inode, seen, since, now, data, status)
        # RACE: an editor truncates and writes: what is read in between may be half a command.
        if now - since < time_at_rest(data, self.settle()):
            entry.why = UNSETTLED
        elif why := self.judge(status):
            entry.why = str(SettingsError(path, why))
        else:
            self._parse(entry, path)
        return None

    def _parse(self, entry: Entry, path: str) -> None:
        """What is read once in a heartbeat mostly says what it said: a thousand policies would take seconds."""
        try:
            what = (path, entry.data, self.spool.settings().timezone)
            if (known := self._parsed.get(path)) is None or known[0] != what:
                known = self._parsed[path] = (what, parse_policy(entry.data, path, what[2]))
            entry.policy = known[1]
        except SpoolError as error:
            entry.why = str(error)

    def _miss(self, batch: str, now: float) -> None:
        """RACE: an editor moves the old file away before it writes the new one: gone is what stays away."""
        if (entry := self.entries.get(batch)) is None:
            return
        entry.gone = now if entry.gone is None else entry.gone
        entry.why = UNSETTLED
        if now - entry.gone >= self.settle():
            del self.entries[batch]
            self._parsed.pop(path_of(self.spool, batch), None)
