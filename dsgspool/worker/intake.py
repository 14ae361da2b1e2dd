"""From todo/ to a start: look, claim, wait until a file is whole, wait for slots.

The rule: a listing is the truth and the bell only a hint; between two looks lies at least twenty times what a look
costs; nobody opens in vain what a name already says.  A file may be claimed before it is whole: then it waits in the own
folder, without slot and record, until all looks of `settle` seconds or longer show the same file.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from dsgspool import names
from dsgspool.errors import StorageError
from dsgspool.records import is_complete, time_at_rest
from dsgspool.spool.moves import doubt
from dsgspool.spool.own import Held, Unusable
from dsgspool.spool.scan import LIMIT
from dsgspool.task import State
from dsgspool.worker import admission
from dsgspool.worker.agreement import Agreement
from dsgspool.worker.counted import Counted
from dsgspool.worker.desk import Desk, Leaving, Settling
from dsgspool.worker.packing import Packing
from dsgspool.worker.pausing import Pausing
from dsgspool.worker.refusals import Refusals
from dsgspool.worker.sharing import Sharing
from dsgspool.worker.sorting import Sorting
from dsgspool.worker.starting import Starting
from dsgspool.worker.turnstile import Turnstile
from dsgspool.worker.watch import Bell

if TYPE_CHECKING:
    from dsgspool.worker.loop import Worker

LOOK_SHARE = 20.0  #: a look may take a twentieth of the time
MET_SHARE = 2.0  #: a third of it, while others win most of what was found
MAX_SETTLING = 256
BUSY_BEFORE_DEAF = 1.0  #: seconds of work after which the bell is switched off
RETRY_PAUSE = 0.5
TRIES_BEFORE_TOLD = 4  #: of a rename that does not work


class Intake:
    """Finds work and brings it to its start."""

    def __init__(self, worker: Worker) -> None:
        self.worker, self.spool, self.fs, self.clock = worker, worker.spool, worker.spool.fs, worker.clock
        self.own, self.peers = worker.own, worker.peers
        self.desk = Desk(worker.own)
        self.is_remote = self.fs.mount(self.spool.todo).is_remote
        self.bell = Bell(self.spool.todo, usable=not self.is_remote)
        self.agreement = Agreement(self)
        self.sorting = Sorting(self)
        self.turnstile = Turnstile(worker)
        counted = Counted(
            worker.spool, worker.station.wid, lambda: worker.settings, worker.peers, self.desk, self.turnstile
        )
        self.packing = Packing(worker.spool, worker.station.inventory, worker.tell, counted)
        self.starting, self.pausing = Starting(self), Pausing(self)
        self.sharing = Sharing(self)
        self.queue = self.sharing.queue()
        self.gifts: set[str] = set()
        self.refusals = Refusals(worker)
        self._looked_at = self._next_look = self._found_at = self._gave_at = self._retry_at = self._cost = 0.0
        self.has_met, self._vain = False, 0  #: others, at what a look found; claims in turn that brought little
        self._quiet_since: float | None = None  #: since when nobody runs anything (asked with --until-empty only)
        self._busy_since = float("inf")
        self._interval = worker.settings.poll_min

    # -- when ----------------------------------------------------------------------------------------------------

    @property
    def free(self) -> int:
        """Slots that nobody has or waits for."""
        wanted = sum(ready.cpus for ready in self.desk.ready.values())
        return self.worker.controls.slots - self.worker.attempts.used - wanted

    def may_claim(self) -> bool:
        """True when there is room, nobody said otherwise and the file system works."""
        room = self.free > 0 and len(self.desk.settling) < MAX_SETTLING
        calm = self.clock.boot() >= self.worker.blocked_until and not self.worker.attempts.endings.pending
        return room and calm and self.worker.controls.may_claim()

    def next_moment(self) -> float:
        """BOOTTIME of the next thing to do here."""
        now = self.clock.boot()
        moments = [now + 3600.0, self.packing.counted.touch_at]
        if self.desk.leaving or self.gifts:
            moments.append(now if self.desk.is_fresh else self._retry_at)
        if self.may_claim():
            has_candidates = self.queue or (self.packing.skipped and self.packing.has_changed)
            moments.append(now if has_candidates and not self.pausing.is_there else self._next_look)
        elif now < self.worker.blocked_until:
            moments.append(self.worker.blocked_until)
        if self.desk.settling:
            moments.append(min(each.last for each in self.desk.settling.values()) + self.worker.settings.settle / 2)
        if self.starting.next():
            moments.append(max(now, self.worker.blocked_until))
        return min(moments)

    def look_soon(self) -> None:
        """Something changed: do not wait for the next poll."""
        self._next_look = 0.0

    def came_back(self) -> None:
        """Something is in todo/ again: nobody may end before the next look at it."""
        self._gave_at, self._quiet_since = self.clock.boot(), None
        self.look_soon()

    # -- one turn ------------------------------------------------------------------------------------------------

    def turn(self) -> None:
        """Look if due, exchange files with the shared folders, settle, start."""
        self._listen()
        self.packing.heed()
        paths = self._choose() if self.may_claim() else []
        if paths or self.gifts or self.desk.is_fresh or (self.desk.leaving and self.clock.boot() >= self._retry_at):
            self._exchange(paths)
        self._settle()
        if self.worker.controls.starts_nothing:
            self.give_all_back()  # also what a person put here since that began
        elif self.pausing.holds_back():
            self.give_all_back(gifts=False)
        self.starting.turn()
        self.sharing.tell()
        self.worker.controls.emptied = self._is_at_end()  # RACE: work may come while the last alerts are told
        if self.worker.controls.emptied:
            self.sorting.tell_what_is_left(self._quiet_since)

    def _listen(self) -> None:
        if self.bell.heard():
            self._next_look = min(self._next_look, self._looked_at + self._cost * LOOK_SHARE)
        if self.bell.is_armed and self.clock.boot() - self._busy_since > BUSY_BEFORE_DEAF:
            self.bell.disarm()

    def _choose(self) -> list[str]:
        """Paths below todo/ to be claimed now, as many as there are free slots."""
        now = self.clock.boot()
        is_done = not (self.queue or self.packing.skipped or self.worker.attempts.used)
        if is_done and self._found_at == self._looked_at:
            self.look_soon()  # the last of what was found is done: look at once, and listen
        if self.queue and self.sharing.has_turned():
            self.queue.clear()
            self.look_soon()
        rest = self._cost * MET_SHARE if self.has_met else max(self.worker.settings.poll_min, self._cost * LOOK_SHARE)
        stale = now - self._looked_at >= rest
        if now >= self._next_look and (stale or not self.queue):
            self._look()
        if self.pausing.is_there:
            return []
        chosen: list[str] = []
        room = self.packing.plan(self.free, self.desk.ready, self.queue)
        while self.queue and room.cpus > 0:
            path = self.queue.popleft()
            if not self.bell.is_open(path) and self.packing.admits(path, room) and self._batch_is_there(path, chosen):
                chosen.append(self.sharing.took(path))
        if not chosen:  # what is left of the room is kept for the first of those that were skipped
            self.packing.skipped += self.queue
            self.queue.clear()
            if self.packing.skipped:  # a look that was full would find the same
                self._next_look = max(self._next_look, self._looked_at + self._pause(self.worker.settings.poll_min))
        return chosen

    def _batch_is_there(self, path: str, chosen: list[str]) -> bool:
        """RACE: a client that has a batch folder cached could rename files out of it after a person moved it away."""
        folder = path.rpartition("/")[0]
        if not folder or not self.is_remote or any(other.startswith(f"{folder}/") for other in chosen):
            return True
        return self.fs.folder_is_there(f"{self.spool.todo}/{folder}")

    def _look(self) -> None:
        """List todo/; when there is nothing, wait longer and listen."""
        before = self.clock.boot()
        self.pausing.look()
        sight = self.sharing.look()
        self.packing.look_again(sight.candidates)
        self._looked_at, self.has_met, self._vain = self.clock.boot(), False, 0
        self._cost = self._looked_at - before
        self.queue, self.turnstile.stopped = self.sharing.queue(sight), sight.stopped
        self.agreement.heed(sight)
        settings = self.worker.settings
        if sight.candidates and not self.pausing.is_there:
            self._found_at, self._interval = self._looked_at, settings.poll_min
            self._busy_since = min(self._busy_since, self._looked_at)
            is_full = len(sight.candidates) >= LIMIT
            self._next_look = 0.0 if is_full else self._looked_at + self._pause(settings.poll_min)
            return
        self._busy_since = float("inf")
        longer = min(self._interval * 1.5, settings.poll_max)
        self._interval = 1.5 * settings.settle if self.turnstile.is_unsettled else longer
        self._next_look = self._looked_at + self._pause(self._interval)
        if self.bell.usable and self.bell.arm(self.fs.status_of_folder(self.spool.todo).st_ino):
            self._next_look = 0.0  # what came before the bell was armed made no sound

    def _pause(self, seconds: float) -> float:
        spread = random.uniform(0.7, 1.0)  # noqa: S311 - keeps workers from looking all at once
        return max(seconds * spread, self._cost * LOOK_SHARE)

    def _exchange(self, paths: list[str]) -> None:
        gifts, self.gifts = self.gifts, set()
        self._retry_at = self.clock.boot() + RETRY_PAUSE
        result = self.desk.exchange(paths, gifts)
        for held in result.lost:
            self.agreement.strip(held)  # RACE: a person took it away, claim and all, before I listed my folder
        if paths:
            self._vain = self._vain + 1 if 2 * len(result.came) < len(paths) else 0
        if self._vain > 1:  # once is chance: who looked again then would come too late for what is scarce
            self.has_met, self._next_look = True, 0.0
        for stuck in [leaving for leaving in self.desk.leaving.values() if leaving.tries == TRIES_BEFORE_TOLD]:
            why = StorageError("move to", stuck.target, stuck.errno)
            self.worker.tell("stuck", f"{stuck.held.name.identity}: {why}; trying again", why=str(why))
        self.refusals.heed(result)
        for leaving in result.left:
            self._gone(leaving)
        if any(held.is_gift for held, _ in result.came):
            self.turnstile.policies.refresh()  # what a person put here, no look at todo/ has seen
        for held, inode in result.came:
            self._taken(held, inode)
            self.desk.doubtful.remove(held)

    def _gone(self, leaving: Leaving) -> None:
        if leaving.target.startswith((f"{self.spool.todo}/", f"{self.spool.waiting}/")):
            self.came_back()
        if leaving.event is not None:
            event, text, facts = leaving.event
            self.worker.tell(event, text, task=leaving.held.name.identity, **facts)
        if self.worker.settings.durability == "strict":
            self.fs.sync_folder(leaving.target.rpartition("/")[0])
        self.sorting.gone(leaving)
        if leaving.errno:
            self.agreement.strip(leaving.held)  # RACE: perhaps not published but taken away by a person, claim and all

    # -- a file that came ----------------------------------------------------------------------------------------

    def _taken(self, held: Held, inode: int) -> None:
        text = admission.judged(self.own.read(held, inode), self.worker.settings, self.worker.me)
        if text is None:
            self.worker.attempts.endings.give_back(held, tag=doubt(held.name))
        elif isinstance(text, Unusable):
            self.worker.attempts.reject(held, text.reason)
        elif why := admission.why_no_name(held):
            self.worker.attempts.reject(held, why)
        elif held.name.is_whole or is_complete(text.data) or (text.data and self.bell.saw_closed(held.dropped_as)):
            self.sorting.offer(held, text)
        else:
            self.desk.settling[held.file] = Settling(held, text.seen, self.clock.boot())

    def _settle(self) -> None:
        """Look again at files that may not be whole."""
        now = self.clock.boot()
        waiting = [each for each in self.desk.settling.values() if now - each.last >= self.worker.settings.settle / 2]
        listing = self.own.listing() if waiting else {}
        for settling in waiting:
            inode = listing.get(settling.held.file)
            read = self.own.read(settling.held, inode) if inode is not None else None
            text = admission.judged(read, self.worker.settings, self.worker.me)
            settling.looked = now
            if isinstance(text, Unusable):
                self.worker.attempts.reject(settling.held, text.reason)
            elif text is not None and text.seen != settling.seen:
                settling.since, settling.seen = now, text.seen
            elif text is not None and text.data:
                if now - settling.since >= time_at_rest(text.data, self.worker.settings.settle):
                    del self.desk.settling[settling.held.file]
                    self.sorting.offer(settling.held, text)
            elif text is not None and now - settling.since > self.worker.settings.lease:
                why = "it is empty, and nobody has written to it since it was claimed"
                self.worker.attempts.reject(settling.held, why)

    # -- the end -------------------------------------------------------------------------------------------------

    def give_all_back(self, *, gifts: bool = True) -> None:
        """Draining, at rest or paused: what has not begun goes back, nothing counted.

        RACE: but not what somebody may still be writing: the name that it would get says that it is whole."""
        for ready in [ready for ready in self.desk.ready.values() if gifts or not ready.held.is_gift]:
            self.worker.attempts.endings.give_back(ready.held)

    def _is_at_end(self) -> bool:
        """--until-empty: todo/, waiting/until-*, every running/* and edits/*.open are empty, except for what cannot run here."""
        controls, looked = self.worker.controls, self._looked_at - self._cost > max(self._found_at, self._gave_at)
        is_open = self.queue or self.pausing.is_there or self.turnstile.is_unsettled
        if is_open or not (controls.options.until_empty and looked and controls.may_claim()):
            return False
        if not self.desk.is_empty or self.worker.attempts.is_busy or self._others_have_work():
            self._quiet_since = None
        elif self._quiet_since is None:
            # RACE: what others ran at my last look at todo/ may have been given back since: look once more.
            self._quiet_since = self.clock.boot()
            self.look_soon()
            self.worker.rounds.ask()
        elif min(self._looked_at - self._cost, self.worker.rounds.began()) > self._quiet_since:
            # RACE: of a worker that died a moment ago a person may have parked a file, claim and all.
            return self.worker.janitor.is_at_rest()
        return False

    def _others_have_work(self) -> bool:
        waits = any(names.parse_until(folder) for folder, _ in self.fs.scan(self.spool.waiting))
        return waits or any(True for _ in self.spool.tasks(State.RUNNING)) or self.worker.janitor.awaits_an_edit()
