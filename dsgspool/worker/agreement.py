"""Memory and folders must agree: what people did to my files, and what came late.

The rule (R2): my own folder is the truth.  What I know and it does not list was taken away: kill first, end the record,
then strip the claim off the name wherever it lies now.  What it lists and I do not know is a late claim, or a person's
file to be run here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from dsgspool import names
from dsgspool.errors import InvalidName
from dsgspool.names import Claim, TaskName
from dsgspool.records import record_is_over
from dsgspool.spool.chain import next_of
from dsgspool.spool.moves import Place
from dsgspool.spool.own import Held
from dsgspool.spool.scan import Sight
from dsgspool.task import State

if TYPE_CHECKING:
    from dsgspool.worker.intake import Intake


class Agreement:
    """Compares what the worker remembers with what lies where."""

    def __init__(self, intake: Intake) -> None:
        self.intake, self.worker, self.desk, self.own = intake, intake.worker, intake.desk, intake.own
        self.wid = intake.worker.station.wid

    def compare(self, listing: Iterable[str]) -> None:
        """Make memory agree with a listing of the own folder (R2)."""
        listed, known = set(listing), self.desk.known()
        for file in known - listed - set(self.desk.leaving):
            self._missing(file)
        for file in listed - known:
            if not names.is_ignored(file):
                self._unknown(file)
        for held in self.desk.doubtful:
            if held.file not in listed:
                self.strip(held)
        self.desk.doubtful.clear()

    def _missing(self, file: str) -> None:
        if attempt := self.desk.attempts.get(file):
            self.worker.attempts.revoke(attempt)
        elif waiting := self.desk.ready.pop(file, None) or self.desk.settling.pop(file, None):
            self.strip(waiting.held)

    def _unknown(self, file: str) -> None:
        """A late claim, or a file that a person put here to have it run here."""
        try:
            name = names.parse_flat(file)
        except InvalidName:
            self.intake.gifts.add(file)
            return
        if name.claim and name.claim.wid != self.wid and not self.worker.peers.is_dead(name.claim.wid):
            return  # its owner lives: it kills first and then strips the name
        found = self.worker.attempts.chain.of_claim(name) if name.claim else None
        decision = next_of(found[1]) if found and record_is_over(found[1]) else None
        if decision is None:
            self.intake.gifts.add(file)
        else:
            self.desk.send(self.worker.attempts.endings.leaving(Held(name), decision))

    def heed(self, sight: Sight) -> None:
        """Names with a claim that lie in todo/: a person moved or copied them out of a running/WID."""
        mine = [(path, name) for path, name in sight.held if name.claim and name.claim.wid == self.wid]
        if not mine:
            return
        listed, known = _by_claim(self.own.listing()), _by_claim(self.desk.known())
        for path, name in mine:
            key = name.identity, name.claim  # on its way through waiting/ it may have got another token
            if key in listed or self._is_published(name):  # a copy, whose original runs on or has ended
                self.worker.janitor.moves.park_copy(Place(State.TODO, path, name))
            elif attempt := self.desk.attempts.get(known.get(key, "")):
                self.worker.attempts.revoke(attempt)
            elif key not in known:
                self.worker.janitor.moves.strip(Place(State.TODO, path, name))
                self.intake.came_back()

    def _is_published(self, name: TaskName) -> bool:
        found = self.worker.attempts.chain.of_claim(name)
        return found is not None and record_is_over(found[1]) and next_of(found[1]) is not None

    def strip(self, held: Held) -> None:
        """My claim is over and nothing of it runs: its `@` comes off the name, wherever a person moved the file."""
        self.worker.janitor.strays.want(held.claim)


def _by_claim(files: Iterable[str]) -> dict[tuple[str, Claim | None], str]:
    """Names in running/WID by identity and claim."""
    found: dict[tuple[str, Claim | None], str] = {}
    for file in files:
        with contextlib.suppress(InvalidName):
            name = names.parse_flat(file)
            found[name.identity, name.claim] = file
    return found
