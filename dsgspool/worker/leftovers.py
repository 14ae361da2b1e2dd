"""What commands leave behind: once its parent has ended, each is a child of this process.

The rule: a child that is no command of mine, is in no other command's session and carries no other claim belongs to the one
that ended, or is nobody's: it is killed rather than spared.  What an attempt that is stopped left has the attempt's grace,
whoever else ends meanwhile.
"""

from __future__ import annotations

import signal
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from dsgspool import census, proc
from dsgspool.classes import dataclass

if TYPE_CHECKING:
    from dsgspool.worker.attempt import Attempt


def tell(attempt: Attempt, commands: Collection[int]) -> None:
    """TERM to what is no more below its command when that is stopped."""
    for pid in set(proc.children()).difference(commands):
        session = proc.session(pid)
        claim = proc.marker(pid) if session not in commands else ""
        if attempt.pid == session or claim == attempt.held.claim:
            proc.send(census.descendants(pid), signal.SIGTERM)
        elif session not in commands and not claim:
            attempt.untold.add(pid)  # RACE: in the middle of exec it shows no environment: `clear` sees whose it is


@dataclass(frozen=True, slots=True)
class Left:
    """What there is: by session, by claim, and what says not whose it is."""

    sessions: Mapping[int, AbstractSet[int]]
    claims: Mapping[str, AbstractSet[int]]
    nobodys: AbstractSet[int]


def look(others: Collection[int], claims: Mapping[str, int]) -> Left:
    """One look for all that have ended: a thousand that are stopped at once may have a thousand children in their grace.

    `others`: the commands that run, and helpers; `claims`: which command each claim is of, of those that have ended too.
    What begins after the look comes from what it shows, of the same attempt.
    """
    sessions, of_claim, nobodys = dict[int, set[int]](), dict[str, set[int]](), set[int]()
    commands = set(claims.values())
    for pid in set(proc.children()).difference(others):
        if (session := proc.session(pid)) in others:
            continue
        claim = proc.marker(pid)
        sessions.setdefault(session, set()).add(pid)
        of_claim.setdefault(claim, set()).add(pid)
        if claim not in claims and session not in commands:
            nobodys.add(pid)
    return Left(sessions, of_claim, nobodys)


def clear(attempt: Attempt, left: Left, now: float) -> bool:
    """Kill what the ended command left, after its grace if it was stopped; True when nothing is left."""
    mine = attempt.group.pids() if attempt.group else set()
    mine |= left.sessions.get(attempt.pid, set()) | left.claims.get(attempt.held.claim, set())
    unknown = left.nobodys - mine
    # RACE: a process in the middle of exec shows no environment, so one that says nothing is looked at twice.
    mine |= unknown & attempt.unknown
    attempt.unknown = unknown
    if mine and not attempt.has_grace(now):
        _kill(attempt, mine)
    for pid in mine & attempt.untold if mine else ():
        attempt.untold.discard(pid)
        proc.send(census.descendants(pid), signal.SIGTERM)
    return not mine and not unknown


def _kill(attempt: Attempt, pids: set[int]) -> None:
    """Whole groups first, at once: a fork bomb outruns one signal after another."""
    if attempt.group:
        attempt.group.kill()
    for group in {proc.group(pid) for pid in pids} - {0}:
        proc.send_group(group, signal.SIGKILL)
    left = {process.pid for process in census.below(census.table(), pids)}
    attempt.leftovers |= left | pids
    proc.send(left, signal.SIGKILL)
