"""What becomes of a whole file that was claimed: in line for slots, into a lane, into waiting/, to failed/.

The rule: decided before there is a record, by the peek alone, so that a task which has to wait costs no attempt; what the
peek misses is decided again after parsing (attempts.py), with a record that ends as `stopped`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dsgspool import names
from dsgspool.clock import iso
from dsgspool.requests import Request
from dsgspool.spool import lies
from dsgspool.spool.dependencies import Verdict
from dsgspool.spool.moves import park
from dsgspool.spool.own import Held, Text
from dsgspool.spool.scan import BLOCK
from dsgspool.spool.waiters import Waiters
from dsgspool.task import Decision, Expiry, Kind, State
from dsgspool.worker.desk import Leaving, Ready
from dsgspool.worker.peek import peek

if TYPE_CHECKING:
    from dsgspool.worker.intake import Intake

SHOWN = 5  #: waiting tasks that are named at the end


def late(name: names.TaskName, expires: Expiry | None, text: Text, now: float) -> str:
    """Why a task may not begin any more, '' when it may; a retry, and what was lost with its worker, has begun."""
    if expires is None or name.budget.attempts or now < (until := expires.at(text.mtime)):
        return ""
    return f"it had not begun by {iso(until)}, when it expired"


class Sorting:
    """Sends files of an intake where they belong."""

    def __init__(self, intake: Intake) -> None:
        self.intake, self.worker, self.spool, self.desk = intake, intake.worker, intake.spool, intake.desk
        self._told_at: float | None = None  #: since when that was quiet of which was told what is left

    @property
    def waiters(self) -> Waiters:
        """Who wakes what waits for other tasks."""
        return self.worker.janitor.waiters

    def offer(self, held: Held, text: Text) -> None:
        """In line for slots, unless it has to go elsewhere."""
        hint, lane = peek(text.data), names.parse_lane(held.name.lane)
        cpus, request = max(hint.cpus, lane.cpus), self.intake.packing.wanted(held.name, hint)
        now = self.worker.lease.server.now()
        if why := late(held.name, hint.expires, text, now):
            self.worker.attempts.reject(held, why, Kind.EXPIRED, text)
            return
        if hint.after and (verdict := self.waiters.dependencies.judge(held.name.identity, hint.after)):
            self._must_wait(held, text, verdict)
        elif cpus > self.worker.controls.slots or not self.intake.packing.fits(request):
            self.unfit(held, cpus, request)
        elif hint.not_before is not None and hint.not_before > now:
            decision = Decision(State.WAITING, budget=held.name.budget, delay=hint.not_before - now)
            self._send(held, decision, "delay", f"{held.name.identity} waits until {iso(hint.not_before)}")
        elif self._has_room(held, cpus, request) or held.is_gift or self._may_wait_here(cpus, request):
            self.desk.ready[held.file] = Ready(held, text, cpus, request, hint.after)
        else:  # it became whole while others took the slots: it must not wait here while another node is idle
            # The lane tells everybody what it wants, so that it is claimed next by one who has room for that.
            self.worker.attempts.endings.give_back(held, lane=names.lane_for(lane.priority, cpus, request))

    def _may_wait_here(self, cpus: int, request: Request) -> bool:
        """True for one that only wants many CPUs, when nobody may overtake it and nobody waits before it."""
        return cpus > 1 and not (request or self.desk.ready or self.worker.settings.reserve_after)

    def _has_room(self, held: Held, cpus: int, request: Request) -> bool:
        packing, free = self.intake.packing, self.intake.free
        if request.gpus:
            packing.look_at_gpus()
        has_room = cpus <= free and (not request or packing.has_room(free, cpus, request, self.desk.ready.values()))
        return has_room and packing.has_stock(held.name, request)

    def _must_wait(self, held: Held, text: Text, verdict: Verdict) -> None:
        """Into the folder of what it waits for; or to failed/, when that has ended otherwise than it wants."""
        if verdict.culprit:
            self.worker.attempts.reject(held, verdict.reason, Kind.DEPENDENCY, text)
            return
        decision = Decision(State.WAITING, budget=held.name.budget, after=verdict.entry.what)
        self._send(held, decision, "after", f"{held.name.identity} waits for {verdict.entry.what}")

    def _send(self, held: Held, decision: Decision, event: str, text: str) -> None:
        self.desk.send(
            self.worker.attempts.endings.leaving(held, park(self.spool, held.name, decision), (event, text, {}))
        )

    def unfit(self, held: Held, cpus: int, request: Request) -> None:
        """Into the lane that says what it wants, so that no worker without that opens it again."""
        lane = names.lane_for(names.parse_lane(held.name.lane).priority, cpus, request)
        wants = f"{cpus} slots{' and ' if request else ''}" if cpus > self.worker.controls.slots or not request else ""
        self.worker.tell("unfit", f"{held.name.identity} wants {wants}{request}: now in todo/{lane and f'@{lane}/'}")
        self.worker.attempts.endings.give_back(held, lane=lane)

    def gone(self, leaving: Leaving) -> None:
        """A file of mine is out: who waits for it, or what it waits for, is looked at now (no wake-up is lost)."""
        if leaving.target.startswith((f"{self.spool.done}/", f"{self.spool.failed}/")):
            self.waiters.published(leaving.held.name.identity)
            # RACE: perhaps a person took it away, and nobody is told; or who took me for dead published it, and tells.
            if not leaving.errno or (lies(self.spool.fs, leaving.target) and not self._is_buried()):
                self.worker.alerts.published(leaving.held.name, leaving.target, leaving.attempt)
        elif leaving.target.startswith(f"{self.spool.waiting}/"):
            folder = leaving.target.removeprefix(f"{self.spool.waiting}/").partition("/")[0]
            if what := names.parse_after(folder):
                self.waiters.filed(what)

    def _is_buried(self) -> bool:
        """True when others took me for dead: that is said before they move anything of mine."""
        wid = self.worker.station.wid
        return not {f"{wid}.fenced", f"{wid}.dead"}.isdisjoint(self.spool.fs.names(self.spool.workers))

    def tell_what_is_left(self, since: float | None) -> None:
        """Before the end of `--until-empty`, which may wait for alerts: once, of what is quiet `since` then (BOOTTIME)."""
        if since == self._told_at:
            return
        self._told_at = since
        self._tell_who_waits()
        self._tell_who_stays()
        self.intake.turnstile.tell_stopped()

    def _tell_who_stays(self) -> None:
        """What lies in todo/ where this worker does not take it, as in a lane that wants more than it has."""
        number, shown = 0, list[str]()
        for lane, path in self._lying():
            number += 1
            if number <= SHOWN:
                name = path.partition("~")[0] if "~" in path else path.rpartition(".")[0]
                shown.append(f"{name} (@{lane})" if lane else name)
            if number % BLOCK == 0:
                self.intake.sharing.breathe()
        if number:
            text = "; ".join(sorted(shown)) + (" ..." if number > SHOWN else "")
            text = f"{number:,} left in todo/, which this worker does not take: {text}; ask with: dsgspool why NAME"
            self.worker.tell("left", text, tasks=number)

    def _lying(self) -> Iterator[tuple[str | None, str]]:
        """(lane, path in it) of what lies in todo/; batches that are not started are told by themselves."""
        fs, todo, stopped = self.spool.fs, self.spool.todo, self.intake.turnstile.stopped
        for top, is_folder in fs.scan(todo):
            with contextlib.suppress(PermissionError):  # somebody's private folder
                inside = fs.find(f"{todo}/{top}", "", f"{top}/") if top not in stopped and top[:1] != "." else ()
                for lane, path in map(names.split_lane, inside if is_folder else [top]):
                    is_stopped = "/" in path and path.partition("/")[0] in stopped
                    if not is_stopped and not names.is_ignored(os.path.basename(path)):
                        yield lane, path

    def _tell_who_waits(self) -> None:
        """What waits for something that nothing here will bring."""
        waiting: list[str] = []
        for path, name in self.spool.tasks(State.WAITING):
            if what := names.parse_after(path.partition("/")[0]):
                waiting.append(f"{name.identity} waits for {what}")
        if waiting:
            shown = "; ".join(waiting[:SHOWN]) + (" ..." if len(waiting) > SHOWN else "")
            text = f"{len(waiting)} left in waiting/, for what does not run here: {shown}; ask with: dsgspool why NAME"
            self.worker.tell("left", text, tasks=len(waiting))
