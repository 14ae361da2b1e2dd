"""Where a task stands among those that take turns (`fair` in spool.yaml).

The rule: who had how much of late is what the living workers told last, in the ends of their journals; what nobody has
told is not guessed.
"""

from __future__ import annotations

import contextlib
import json
import shlex
from collections import defaultdict
from collections.abc import Iterable

from dsgspool.accounts import name_of
from dsgspool.errors import SettingsError
from dsgspool.names import parse_lane
from dsgspool.snapshot import Snapshot, TaskSeen
from dsgspool.spool import SETTINGS, Spool
from dsgspool.spool.owners import NOBODY
from dsgspool.spool.scan import Share
from dsgspool.spool.turns import share_of
from dsgspool.task import State

Rank = tuple[int, str]  #: of a task: what comes sooner is smaller
END, MOST = 1 << 18, 10_000  #: bytes of a journal; files whose owner is asked for


def in_line(before: int) -> str:
    """How many lie before a task, in words."""
    return f"{before:,} task{'s lie' if before > 1 else ' lies'} before it" if before else "it is next"


class Turns:
    """Answers out of one snapshot."""

    def __init__(self, spool: Spool, seen: Snapshot) -> None:
        self.spool, self.seen = spool, seen
        self.turns: frozenset[str] = frozenset()
        with contextlib.suppress(SettingsError, OSError):  # a broken spool.yaml is a reason of its own
            self.turns = spool.settings().turns
        self._uids: dict[str, int] = {}
        self._used: dict[Share, float] | None = None
        self._highest: int | None = None

    def to_front(self, task: TaskSeen, queued: Iterable[tuple[Rank, TaskSeen]]) -> list[str]:
        """The command that puts it into a lane before all that is queued, as far as there is one."""
        if self._highest is None:
            self._highest = max((-rank[0] for rank, _ in queued), default=0)
        lane = f"p{max(self._highest // 10 + 1, 1) * 10}"
        if not parse_lane(lane).known:
            return []
        source = shlex.quote(f"{self.spool.todo}/{task.path}")
        target = shlex.quote(f"{self.spool.todo}/@{lane}/{task.name.batch}")
        return [f"mkdir -p {target} && mv {source} {target}  # to the front"]

    def share(self, task: TaskSeen) -> Share:
        """Whose turn it takes; of very many files that wait the owners of the last ones are not asked for."""
        if "owners" in self.turns and task.path not in self._uids and len(self._uids) < MOST:
            try:
                self._uids[task.path] = self.spool.fs.owner(f"{self.spool.folder(State.TODO)}/{task.path}")
            except OSError:
                self._uids[task.path] = NOBODY
        return share_of(task.identity, self._uids.get(task.path, NOBODY), self.turns)

    def called(self, share: Share) -> str:
        """In words: of alice, of the batch s, of alice in no batch."""
        uid, batch = share
        parts = [f"of {name_of(uid)}"] if "owners" in self.turns else []
        if "batches" in self.turns:
            parts.append(f"{'in' if parts else 'of'} {f'the batch {batch}' if batch else 'no batch'}")
        return " ".join(parts)

    def reason(self, mine: Share, others: Iterable[Share]) -> str:
        """Who comes first because of less, '' when nobody does as far as is known.  `others` have tasks of its priority."""
        ahead = sorted((share for share in {*others} - {mine} if self._use(share) < self._use(mine)), key=self._use)
        if not self._known() or not ahead:
            return ""
        whose = " and ".join(map(self.called, ahead[:2])) + (f" and {len(ahead) - 2} others" if len(ahead) > 2 else "")
        times = f"{self._told(ahead[0], mine):,.0f} s of slots, those {self.called(mine)} {self._told(mine, ahead[0]):,.0f} s"
        return f"tasks {whose} have had less of late ({times}): they come first (`fair` in {SETTINGS})"

    def _use(self, share: Share) -> tuple[float, float]:
        return self._known().get((share[0], "/"), 0.0), self._known().get(share, 0.0)

    def _told(self, share: Share, other: Share) -> float:
        """What decides between two: what the owners had, or of one owner what the batches had."""
        return self._use(share)[share[0] == other[0]]

    def _known(self) -> dict[Share, float]:
        if self._used is None:
            self._used = defaultdict(float)
            for worker in self.seen.alive:
                for uid, batch, seconds in self._last(worker.wid):
                    self._used[uid, batch] += seconds
        return self._used

    def _last(self, wid: str) -> list[tuple[int, str, float]]:
        """What a worker told last."""
        fs, folder = self.spool.fs, self.spool.workers
        parts = [file for file in fs.names(folder) if file.startswith(f"{wid}.") and file.endswith(".jsonl")]
        for file in sorted(parts, key=lambda file: (len(file), file), reverse=True)[:1]:
            try:
                lines = fs.read_at(f"{folder}/{file}", -END, END).splitlines()
                line = next((line for line in reversed(lines) if b'"event": "turns"' in line), b"{}")
                return [(int(uid), str(batch), float(spent)) for uid, batch, spent in json.loads(line).get("used", ())]
            except (OSError, ValueError, TypeError, AttributeError, RecursionError):
                continue
        return []
