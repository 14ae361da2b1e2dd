"""Why nothing moves, for who waits: what `why` says of a few of the tasks that are left.

The rule: asked only when nothing of them runs and nothing has changed for long, the longer the same holds the more seldom,
and never for more than a hundredth of the time.  Where so many files lie that they are only counted, no more is said than
is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from shlex import quote
from typing import TYPE_CHECKING

from dsgspool.classes import dataclass
from dsgspool.errors import SpoolError
from dsgspool.snapshot.awaited import FINISHED

if TYPE_CHECKING:
    from dsgspool.cli.waiting import Progress, Watch
    from dsgspool.snapshot import Snapshot, TaskSeen

AFTER = 10.0  #: seconds without a change until it is asked for the first time
SELDOM = 60.0  #: seconds between two looks at what stays the same
MOST = 300_000  #: files of which each is looked at
SHARE = 100  #: times as long as a look takes it is not looked again
ASKED = 10  #: kinds of tasks of which one each is asked
SHOWN = 3  #: of their reasons
LONGEST = 200  #: characters of a reason


@dataclass(slots=True)
class Stillness:
    """Looks on while tasks are waited for."""

    tasks: Watch
    last: Progress | None = None
    pause: float = AFTER
    next: float = 0.0
    said: str = ""

    def lines(self, step: Progress) -> list[str]:
        """What is to be said after one more step; nothing when that was said before."""
        clock = self.tasks.spool.clock
        now = clock.boot()
        if step != self.last:
            self.last, self.pause, self.next, self.said = step, AFTER, now + AFTER, ""
        if step.running or not self.tasks.open or now < self.next:
            return []
        try:
            told = list(self._told())
        except (SpoolError, OSError) as error:  # waiting goes on all the same
            told = [f"{len(self.tasks.open):,} left, and none of them runs; why cannot be told: {error}"]
        after = clock.boot()
        self.pause = min(2 * self.pause, SELDOM)
        self.next = after + max(self.pause, SHARE * (after - now))
        # How many tasks lie before one changes all the time.
        said = re.sub(r"\d+", "", "\n".join(told))
        is_new, self.said = said != self.said, said
        return told if is_new else []

    def _told(self) -> Iterator[str]:
        """What is left, and why none of it runs: in one line, or with a line for each reason."""
        from dsgspool import snapshot
        from dsgspool.cli.context import server_clock

        spool, number, ask = self.tasks.spool, len(self.tasks.open), f"dsgspool why {quote(min(self.tasks.open))}"
        seen = snapshot.take(spool, server=server_clock(spool), brief=True)
        is_all = len(seen.tasks) == seen.counts.total
        if not is_all and seen.counts.total <= MOST:
            seen, is_all = snapshot.take(spool, server=server_clock(spool)), True
        if not is_all:
            yield f"{number:,} left, and none of them runs{_known(seen)}; ask with: {ask}"
        elif reasons := self._reasons(seen):  # else all of it has moved on meanwhile
            yield f"{number:,} left, and none of them runs:"
            for because, (name, alike) in islice(reasons.items(), SHOWN):
                number -= alike
                more = f" and {alike - 1:,} more" if alike > 1 else ""
                text = because.replace(f"{spool.root}/", "")
                yield f"  {name}{more}: {text if len(text) <= LONGEST else f'{text[:LONGEST]} ...'}"
            others = f"and {number:,} more; " if number else ""
            yield f"  {others}ask with: {ask if len(reasons) == 1 else 'dsgspool why NAME'}"

    def _reasons(self, seen: Snapshot) -> dict[str, tuple[str, int]]:
        """Reason -> (a task, how many are of its kind), the most frequent kinds first."""
        from dsgspool.cli.reasons import Reasons

        reasons = Reasons(self.tasks.spool, seen)
        there = [task for task in seen.tasks if task.identity in self.tasks.open and task.state not in FINISHED]
        said = [(reasons.of(kind[0]).because, kind[0].identity, len(kind)) for kind in _kinds(there)[:ASKED]]
        gone = sorted(self.tasks.open - {task.identity for task in seen.tasks})[:ASKED]
        to_come = [answer for name in gone if (answer := reasons.of_gone(name)) and answer.state == "to come"]
        said += [(answer.because, answer.task, 1) for answer in to_come]
        found: dict[str, tuple[str, int]] = {}
        for because, identity, number in said:
            name, before = found.get(because, (identity, 0))
            found[because] = name, before + number
        return found


def _kinds(tasks: Iterable[TaskSeen]) -> list[list[TaskSeen]]:
    """Those that lie alike, and so wait for the same."""
    found: dict[object, list[TaskSeen]] = {}
    for task in tasks:
        found.setdefault((task.state, task.waits_for, task.name.lane, task.batch), []).append(task)
    return sorted(found.values(), key=len, reverse=True)


def _known(seen: Snapshot) -> str:
    """What holds for all tasks, whatever they are."""
    if seen.paused:
        return ": the spool is paused (dsgspool resume)"
    return "" if seen.alive else ": no worker is alive (dsgspool worker)"
