"""What of this node is taken, and which lanes hold what fits.

The rule: what a lane says is believed before anything in it is claimed.  A lane says its request by a digest; what that
stands for is learned from one of its files, which is read where it lies and not claimed.  The first task that must wait
for room, and has waited for `reserve_after`, keeps what it wants: others get what is left over, so that it does not
starve.  One that waits for what is counted for the whole spool keeps of that alone: nobody knows until when, and this
node's CPUs and memory are not idle meanwhile.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING

from dsgspool import machine, names
from dsgspool.conditions import Gpu, Inventory
from dsgspool.errors import InvalidName
from dsgspool.names import Lane, TaskName
from dsgspool.requests import NOTHING, Request, Room, why_unfit
from dsgspool.spool import Spool
from dsgspool.worker.counted import Counted, Part
from dsgspool.worker.desk import Ready
from dsgspool.worker.peek import Peek, peek
from dsgspool.worker.sharing import Queue

if TYPE_CHECKING:
    from dsgspool.worker.attempt import Attempt

MAX_READ = 256 * 1024
TRIES = 8  #: files of a lane that are read before it is taken for mixed up
MOST = 256  #: candidates of one lane in one look, so that no lane hides what lies behind it
GPU_INTERVAL = 10.0  #: seconds between two looks at who computes on GPUs
MANY = 1 << 62  #: of what this node has no number of its own for
MAX_KNOWN = 4096  #: requests that are remembered


class Packing:
    """The node's stock, and the tasks that were passed over."""

    def __init__(self, spool: Spool, node: Inventory, tell: Callable[..., None], counted: Counted) -> None:
        self.spool, self.node, self.room, self.tell, self.counted = spool, node, Room.of(node), tell, counted
        self._limits: Mapping[str, int] = {}  #: of the whole spool, as `_fits` knows them
        self._part: Part | None = None  #: of this round, once somebody asked
        self.foreign: frozenset[int] = frozenset()  #: GPUs that I gave to nobody and on which somebody computes
        self._next_look = 0.0
        self.skipped: deque[str] = deque()  #: candidates that found no room since the last look
        self.has_changed = False  #: room came back since they were skipped
        self._first: tuple[int, Request] | None = None  #: what the first of them wants that waits for room here
        self._since: dict[str, float] = {}  #: lane -> BOOTTIME since when something in it finds no room here
        self._kept: dict[str, int] = {}  #: of the whole spool's: what the first wants that waits for it
        self._requests: dict[str, Request] = {}
        self._fits: dict[str, bool] = {}

    # -- what is taken -------------------------------------------------------------------------------------------

    def take(self, request: Request) -> tuple[Gpu, ...] | None:
        """It begins; the GPUs that it gets, None on a node without."""
        gpus = self.room.take(0, request, self.foreign) if request else ()
        return gpus if self.node.gpus else None

    def give(self, attempt: Attempt) -> None:
        """It has ended, to its last process."""
        if attempt.request:
            self.room.give(attempt.request, attempt.gpus or ())
        self.counted.give(attempt.name.claim)
        self.has_changed = True

    def has_room(self, free: int, cpus: int, request: Request, ready: Iterable[Ready]) -> bool:
        """True when this node could begin it now, with so many free slots, besides what waits for its start."""
        return self.left(free, ready).takes(cpus, request)

    def has_stock(self, name: TaskName, request: Request) -> bool:
        """True when there is enough for it, as far as anybody knows, of what is counted for the whole spool.

        Of what lay in no lane of its request nobody knew what it wants: it must not have what is kept for another."""
        wants = self.counted.of(name.identity, request)
        if not wants:
            return True
        part = self.counted.part()
        if names.parse_lane(name.lane).wants != request.digest:
            part.keep(self._kept.items())
        return part.takes(wants)

    def left(self, cpus: int, ready: Iterable[Ready] = ()) -> Room:
        """What is free besides what waits for its start; `cpus` were counted already."""
        room = self.room.left(cpus)
        if self.foreign:
            room.gpus = [gpu for gpu in room.gpus if gpu.index not in self.foreign]
        for each in ready:
            if each.request:
                room.take(0, each.request)
        return room

    def startable(self, ready: Iterable[Ready], cpus: int) -> Ready | None:
        """The first of those that wait for their start, when there is room for it; None while it has to wait."""
        for each in ready:
            if each.request.gpus:
                self.look_at_gpus()
            if not self._is_others(each.request):
                has_room = not each.request or self.left(cpus).takes(each.cpus, each.request)
                return each if has_room and each.cpus <= cpus else None
        return None

    def _is_others(self, request: Request) -> bool:
        """True while it wants a GPU on which somebody else computes: nobody knows until when, so nobody waits behind it."""
        mine = [gpu for gpu in self.node.gpus if gpu.index not in self.foreign]
        return request.gpus > 0 and len(request.usable(mine)) < request.gpus

    def look_at_gpus(self) -> None:
        """Before a GPU is given away: leave those alone that somebody uses without asking the queue."""
        if self.spool.clock.boot() < self._next_look:
            return
        self._next_look = self.spool.clock.boot() + GPU_INTERVAL
        busy, before = machine.busy_gpus(), self.foreign
        self.foreign = frozenset(gpu.index for gpu in self.room.gpus if gpu.uuid in busy)
        if new := sorted(self.foreign - before):
            self.tell("foreign", f"GPU {', '.join(map(str, new))}: used by a process of somebody else, so by no task")

    # -- what fits -----------------------------------------------------------------------------------------------

    def wanted(self, name: TaskName, hint: Peek) -> Request:
        """What a task wants now: of a ladder the rung that it has come to."""
        request = hint.request.on_rung(name.budget.ooms)
        if request and request.digest not in self._requests:
            self._learn(request)
        return request

    def fits(self, request: Request) -> bool:
        """True when it can run here, if not now."""
        return not request or self._fits[request.digest]

    def _learn(self, request: Request) -> None:
        if len(self._requests) >= MAX_KNOWN:
            self._requests.clear()
            self._fits.clear()
        self._requests[request.digest] = request
        self._fits[request.digest] = not why_unfit(request, self.node.within(self._limits))

    def heed(self) -> None:
        """spool.yaml may say something else since: what fits here is asked again."""
        if (limits := self.counted.limits) != self._limits:
            self._limits, known = limits, [*self._requests.values()]
            for name in limits:
                self.room.amounts.setdefault(name, MANY)
            for request in known:
                self._learn(request)

    def most(self, lane: Lane, paths: Iterable[str]) -> int:
        """How many candidates of a lane a look may take: 0 = nothing in it fits here.  `paths` are looked at if need be."""
        if lane.wants not in self._fits and not self._read(lane, paths):
            return MOST  # mixed up by somebody: who claims one of them sees what it wants
        if not self._fits[lane.wants]:
            return 0
        return MOST if self.left(lane.cpus).takes(lane.cpus, self._requests[lane.wants]) else 1

    def _read(self, lane: Lane, paths: Iterable[str]) -> bool:
        """Learn what the lane wants from one of its files; RACE: one that moves meanwhile, or is not whole, says nothing."""
        for path in islice(paths, TRIES):
            try:
                data = self.spool.fs.read(f"{self.spool.todo}/{path}", MAX_READ)[0]
                request = self.wanted(names.parse(path), peek(data))
            except (OSError, InvalidName):
                continue
            if request and request.digest == lane.wants:
                return True
        return False

    # -- choosing ------------------------------------------------------------------------------------------------

    def look_again(self, paths: Iterable[str]) -> None:
        """A new look has found these: what was passed over is among them, and in a lane without any nobody waits."""
        if self._since:
            lanes = {names.split_lane(path)[0] or "" for path in paths}
            self._since = {lane: since for lane, since in self._since.items() if lane in lanes}
        self.skipped.clear()
        self._first, self._kept = None, {}

    def plan(self, cpus: int, ready: Mapping[str, Ready], queue: Queue) -> Room:
        """The room for which candidates are chosen now; when some came back the skipped are candidates again."""
        if self.has_changed:
            self.has_changed, self._first, self._kept = False, None, {}
            queue.extendleft(reversed(self.skipped))
            self.skipped.clear()
        room = self.left(cpus, ready.values())
        self._part = None
        if self._first:
            room.take(*self._first)
        return room

    def admits(self, path: str, room: Room) -> bool:
        """Take a candidate's wants out of the room, as far as its lane tells them; False = skipped, there is too little."""
        words, identity = names.split_lane(path)
        lane = names.parse_lane(words or "")
        cpus, request = lane.cpus, self._requests.get(lane.wants, NOTHING)
        if request.gpus:
            self.look_at_gpus()
            room.gpus = [gpu for gpu in room.gpus if gpu.index not in self.foreign]
        wants = self.counted.of(identity, request)
        is_there = not wants or self._share().takes(wants)
        if is_there and room.takes(cpus, request):
            room.take(cpus, request)
            self._since.pop(words or "", None)
            if wants:
                self._share().take(wants)
            return True
        self.skipped.append(path)
        if not is_there:
            self._keep(request)
        elif self._first is None and not self._is_others(request) and self._has_waited(words or ""):
            self._first = (cpus, request)
            room.take(cpus, request)
            self._keep(request)
        return False

    def _has_waited(self, lane: str) -> bool:
        """True when something in a lane finds no room for longer than others may overtake it."""
        now = self.spool.clock.boot()
        if len(self._since) >= MAX_KNOWN:
            self._since.clear()
        return now - self._since.setdefault(lane, now) >= self.counted.settings().reserve_after

    def _share(self) -> Part:
        """What may be claimed in this round of what is counted for the whole spool; counted when somebody wants some."""
        if self._part is None:
            self._part = self.counted.part()
            self._part.keep(self._kept.items())
        return self._part

    def _keep(self, request: Request) -> None:
        """Of each of the whole spool's resources the first that waits keeps what it wants, as far as I claim; of how many may
        run it keeps nothing: others need not wait for its licence."""
        new = {name: amount for name, amount in self.counted.named(request) if name not in self._kept}
        self._kept.update(new)
        if new:
            self._share().keep(new.items())

    def weight(self, lane: Lane) -> int:
        """How much of the whole spool's its tasks want: who wants more goes first, or the others would leave it too little."""
        return sum(amount for _, amount in self.counted.named(self._requests.get(lane.wants, NOTHING)))
