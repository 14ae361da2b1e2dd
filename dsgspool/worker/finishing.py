"""The leader makes the `finally` task of a batch that is over, and tells `notify` of what became of it.

The rule: asked are only batches whose policy wants to know it and that were not over before, bit by bit, for at most a
twentieth of the time; what is wrong with one is told once and stops no other.  Whoever leads, a task is made and an event
is told once (spool/finals.py).  A worker that wants to end asks for a round of its own, whoever leads.
"""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from dsgspool.accounts import Account, account
from dsgspool.clock import iso
from dsgspool.errors import SpoolError, StorageError
from dsgspool.policy import FINALLY, batch_of, final_text
from dsgspool.redaction import secrets_in
from dsgspool.spool.dependencies import NO_FILE
from dsgspool.spool.finals import OVER, TOLD, Finals, Tally, batch_over, facts_of, words_of
from dsgspool.spool.own import Text, text_of
from dsgspool.spool.policies import Entry, path_of
from dsgspool.spool.trials import CANARY, TRIPPED
from dsgspool.spool.waiters import SLICE
from dsgspool.worker.admission import owner_of, why_foreign

if TYPE_CHECKING:
    from dsgspool.worker.loop import Worker

INTERVAL = 2.0  #: seconds at least between two looks
SHARE = 20.0  #: rounds may take a twentieth of the time
LASTING = (*NO_FILE, errno.ENOTDIR, errno.EISDIR)  #: answers that another look at the same does not change


class Finishing:
    """The ends of batches, as a worker sees them while it leads."""

    def __init__(self, worker: Worker) -> None:
        self.worker, self.spool, self.fs, self.clock = worker, worker.spool, worker.spool.fs, worker.clock
        self.policies = worker.intake.turnstile.policies
        self.finals = Finals(worker.janitor.moves)
        self.round_at = float("-inf")  #: BOOTTIME at which the last whole round began
        self.next = 0.0  #: BOOTTIME of the next turn
        self._round: Iterator[None] | None = None
        self._began = 0.0
        self._is_asked = False
        self._settled: dict[str, object] = {}  #: batch -> its NAME.over/ for which nothing is left to do
        self._told: dict[str, str] = {}

    def ask(self) -> None:
        """A round, whoever leads, and at once unless one goes on."""
        self._is_asked = True
        if self._round is None:
            self.next = 0.0

    def turn(self) -> None:
        """Go on for a moment."""
        began = self.clock.boot()
        if began < self.next:
            return
        if self._round is None:
            if not (self.worker.leading or self._is_asked):
                return
            self._is_asked, self._began, self._round = False, began, self._all()
        try:
            for _ in self._round:
                if self.clock.boot() - began > SLICE:
                    break
            else:
                self._end_round()
        except OSError:
            self._round, self._is_asked = None, True
            raise
        self.next = began + SHARE * (self.clock.boot() - began)

    def _end_round(self) -> None:
        """RACE: of a policy that is just being written it is not known whether it wants something done."""
        self._round = None
        if any(map(self.policies.is_unsettled, self.policies.entries)):
            self._is_asked = True
        else:
            self.round_at = self._began

    def _all(self) -> Iterator[None]:
        try:
            listed = self.fs.inodes(f"{self.spool.root}/batches")
        except (FileNotFoundError, NotADirectoryError):
            return
        except PermissionError as error:  # tasks outside of batches go on without it
            self._tell_once("", str(error.strerror))
            return
        over = {batch: inode for file, inode in listed.items() if (batch := batch_over(file))}
        self._settled = {batch: known for batch, known in self._settled.items() if batch in over}
        if not over and not any(map(batch_of, listed)):
            return
        self.policies.refresh()
        for batch in sorted(over.keys() | self.policies.entries.keys()):
            yield
            try:
                yield from self._look(batch, over.get(batch), listed)
            except (SpoolError, OSError) as error:
                if isinstance(error, OSError) and error.errno not in LASTING:
                    raise  # an outage: it goes on when that is over, and nobody may end meanwhile
                self._tell_once(batch, str(StorageError.of(error) if isinstance(error, OSError) else error))
            else:
                self._told.pop(batch, None)

    def _look(self, batch: str, over: int | None, listed: Mapping[str, int]) -> Iterator[None]:
        entry = self.policies.entries.get(batch)
        if entry and (entry.why or not entry.policy.wants_its_end):
            entry = None
        why = self._why_foreign(entry) if entry else ""
        if over is not None:
            self._settle(batch, over, None if why else entry, listed)
        if why:
            raise SpoolError(why)
        if entry is None:
            return
        for tally in self.finals.tally(batch) if over is None else ():
            yield
            if tally is not None:
                self._make(batch, entry, tally, listed)
        if entry.policy.notify:
            self._tell_trial(batch, entry, listed)

    def _make(self, batch: str, entry: Entry, tally: Tally, listed: Mapping[str, int]) -> None:
        final, settings = entry.policy.final, self.worker.settings
        text = final_text(final, batch, tally.done, tally.failed) if final else None
        owner = owner_of(_file(entry), settings, self.worker.me)
        self.finals.make(batch, tally, self.worker.lease.server.now(), text, owner)
        if entry.policy.notify:  # its last tasks may have tripped the breaker since the policy was looked at
            self.policies.try_anew(batch, entry, listed)
        self._settle(batch, 0, entry, listed)

    def _why_foreign(self, entry: Entry) -> str:
        """Its task will be one of mine, or of the policy's owner, and so will be who is told: so a task file like the policy
        must be one that I run."""
        why = why_foreign(_file(entry), self.worker.settings, self.worker.me)
        return f"its `{FINALLY}` and `notify` are not for this worker: {why}" if why else ""

    def _settle(self, batch: str, over: int, entry: Entry | None, listed: Collection[str]) -> None:
        """Its last task goes to todo/, and its end is told, if that is still to be done; what came to that end is told first."""
        state = (over, entry and entry.policy.notify)
        if over and self._settled.get(batch) == state:
            return
        if identity := self.finals.publish(batch):
            self.worker.tell("final", f"{identity}: the batch {batch} is over; now in todo/", task=identity)
            self.worker.intake.came_back()
        if entry and entry.policy.notify:
            self._tell_trial(batch, entry, listed)
            facts = facts_of(self.spool, batch)
            self._notify(batch, entry, OVER, words_of(facts), facts)
        self._settled[batch] = state

    # -- telling -------------------------------------------------------------------------------------------------

    def _tell_trial(self, batch: str, entry: Entry, listed: Collection[str]) -> None:
        what = entry.trial.what
        if what in (TRIPPED, CANARY) and entry.trial.stops and f"{batch}.{TOLD}-{what}" not in listed:
            self._notify(batch, entry, what, entry.trial.why, {})

    def _notify(self, batch: str, entry: Entry, event: str, reason: str, facts: dict[str, object]) -> None:
        """Tell, unless another worker has told it: a worker that dies now tells nothing, and nobody tells it twice."""
        user = self._user(entry)
        if self.finals.is_mine(batch, event):
            known = {f"batch_{key}": facts[key] for key in ("done", "failed") if key in facts}
            told = {"event": event, "batch": batch, **known, "reason": reason, "file": path_of(self.spool, batch)}
            told["at"] = iso(self.worker.lease.server.now())
            command = entry.policy.notify
            assert command is not None
            secrets = secrets_in(entry.policy.text)
            self.worker.alerts.happened("notify", command, self.worker.settings.task, user, told, secrets)

    def _user(self, entry: Entry) -> Account | None:
        """As whom; None = as the worker."""
        uid = _file(entry).uid
        if self.worker.settings.run_as != "owner" or uid == self.worker.me.uid:
            return None
        try:
            return account(uid)
        except KeyError:
            raise SpoolError(f"`notify` is not told: this machine knows no user {uid}, who owns the policy") from None

    def _tell_once(self, batch: str, why: str) -> None:
        if self._told.get(batch) != why:
            self._told[batch] = why
            where = path_of(self.spool, batch) if batch else f"{self.spool.root}/batches"
            self.worker.tell("final", f"{where}: {why}", batch=batch, why=why)


def _file(entry: Entry) -> Text:
    assert entry.status is not None
    return text_of(entry.data, entry.status)
