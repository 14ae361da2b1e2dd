"""From a rest of a sweep to a chunk of it that this worker runs.

The rule: no promise depends on how long a chunk is (spool/divisions.py keeps those).  Nobody knows how long an item takes
before one has ended: the first chunk has one item, and then they grow until one takes about TARGET seconds; near the end
they get shorter, so that all slots end at about the same time.  What is excluded takes no time and does not count.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from dsgspool.errors import InvalidTask, StorageError
from dsgspool.names import TaskName
from dsgspool.ranges import REST, Range, parse_range
from dsgspool.spool.divisions import Divisions
from dsgspool.spool.written import Tables
from dsgspool.task import Kind
from dsgspool.worker.admission import owner_of
from dsgspool.worker.desk import Ready
from dsgspool.worker.peek import is_sweep

if TYPE_CHECKING:
    from dsgspool.items import Sweep
    from dsgspool.worker.attempt import Attempt
    from dsgspool.worker.intake import Intake

TARGET = 20.0  #: seconds that a chunk shall take
LEAST = 0.5  #: seconds that a chunk takes at least, also near the end
#: Chunks that one worker begins in a second, at most: with many slots each takes longer.  12,800 sleeps of 50 ms in 64 slots
#: on two cores made 1,144 chunks in 89 s when each took 0.5 s at least, and 489 in 48 s with 2 s.
BEGUN = 32
GROWTH = 8  #: a chunk has at most so many times the items that were seen before
SHARE = 2  #: of what is left a slot takes its part, divided by this
FAILURES = (
    Kind.EXIT,
    Kind.SIGNAL,
    Kind.OOM,
    Kind.PROCESS_LIMIT,
    Kind.LOG_LIMIT,
)  #: ends of chunks of which no item ended
MOST_PASSED = 50_000  #: excluded items that one look for the end of a chunk goes past: a tenth of a second
MOST_KNOWN = 1024  #: sweeps that are remembered


class Paces:
    """What items of each sweep took, as far as this worker ran them."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, float]] = {}

    def ran(self, sweep: str, items: int, seconds: float) -> None:
        """So many more items ended."""
        number, sum_ = self._seen.pop(sweep, (0, 0.0))
        self._seen[sweep] = number + items, sum_ + seconds
        if len(self._seen) > MOST_KNOWN:
            del self._seen[next(iter(self._seen))]

    def length(self, sweep: str, left: int, slots: int, own: int) -> int:
        """Items of the next chunk, when about so many are left for so many slots, of which a worker has `own`."""
        seen, seconds = self._seen.get(sweep, (0, 0.0))
        if not seen:
            return 1
        each = max(seconds / seen, 1e-6)
        share = max(left / (SHARE * slots), max(LEAST, own / BEGUN) / each)
        return max(1, int(min(TARGET / each, share, GROWTH * seen)))


def reach(sweep: Sweep, rest: Range, wanted: int) -> int:
    """The number with which so many items of a rest, those that are excluded not counted, end."""
    passed = 0
    for number in range(rest.first, rest.last + 1):
        if number >= sweep.count or sweep.values(number) is not None:
            wanted -= 1
        else:
            passed += 1
        if not wanted or passed >= MOST_PASSED:
            return number
    return rest.last


class Dividing:
    """Divides for one worker."""

    def __init__(self, intake: Intake) -> None:
        self.intake, self.worker, self.desk, self.own = intake, intake.worker, intake.desk, intake.own
        self.paces = Paces()

    def chunk_of(self, ready: Ready) -> Ready | None:
        """What is to be started of a whole file: itself; of a rest its first chunk, which I hold now; None = it is gone."""
        identity = ready.held.name.identity
        rest = parse_range(identity) if REST in identity else None
        if rest is None or not rest.is_rest or not is_sweep(ready.text.data):
            return ready
        try:
            chunk = self._divide(rest, ready)
        except InvalidTask as error:
            self.worker.attempts.reject(ready.held, str(error), text=ready.text)
            return None
        return self._narrow(ready, chunk)

    def heard(self, attempt: Attempt) -> None:
        """An attempt has ended: how long its items took."""
        chunk, outcome = attempt.chunk, attempt.outcome
        if chunk and chunk.ran:
            self.paces.ran(chunk.range.sweep, chunk.ran, chunk.seconds)
        elif chunk and outcome and outcome.kind in FAILURES:  # or a sweep that cannot run becomes a file for each item
            self.paces.ran(chunk.range.sweep, chunk.range.count, 0.0)

    def _divide(self, rest: Range, ready: Ready) -> Range:
        settings, lane = self.worker.settings, ready.held.name.lane
        divisions = Divisions(self.worker.janitor.moves)
        own = max(1, self.worker.controls.slots)
        slots = own * max(1, len(self.worker.peers.living()))
        others = divisions.waiting(rest.sweep, lane)
        length = self.paces.length(rest.sweep, rest.count * (others + 1), slots, own)
        owner = owner_of(ready.text, settings, self.worker.me)
        # With few rests for many slots everybody would wait for the same one: so two come of one, until there are enough.
        parts = 2 if others + 1 < slots else 1
        head = min(rest.last, rest.first + length - 1)
        if b"exclude" in ready.text.data:
            with (
                contextlib.suppress(InvalidTask, ValueError),
                Tables(divisions.moves).sweep_of(rest.sweep, ready.text.data) as sweep,
            ):
                head = reach(sweep, rest, length)  # what is wrong with text or table the chunk will say
        return divisions.divide(rest, head, parts, ready.text.data, owner, lane)

    def _narrow(self, ready: Ready, chunk: Range) -> Ready | None:
        """Call a rest by the name of its first chunk, in my own folder."""
        before = ready.held
        held = self.own.rename_to(before, TaskName(chunk.identity, str(before.name.budget), lane=before.name.lane))
        listing = self.own.listing()
        if before.file in listing:
            raise StorageError("move to", f"{self.own.path}/{held.file}", held.errno)
        del self.desk.ready[before.file]
        if held.file not in listing:  # RACE: a person took it away meanwhile, claim and all
            for each in (before, held):
                self.intake.agreement.strip(each)
            return None
        now = Ready(held, ready.text, ready.cpus, ready.request, ready.after)
        self.desk.ready[held.file] = now
        return now
