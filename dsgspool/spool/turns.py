"""Looking for work where owners, or batches, take turns (`fair` in spool.yaml).

The rule: priority comes first; below it each owner and each batch gets its part of the candidates, whatever the names
are, those first that had less of late.  Inside of a share wide tasks come first, and then the order is that of names.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Collection, Iterable
from typing import Any

from dsgspool import names
from dsgspool.spool import Spool
from dsgspool.spool.owners import LEAST, NOBODY, Owners
from dsgspool.spool.policies import top_batch
from dsgspool.spool.scan import Band, Entry, Look, Share, is_top_folder

EACH = 4096  #: candidates of one owner that are kept from one folder
SHARES = 64  #: whose tasks are looked for in one look
BY_CHANCE = 16  #: of these; else those that had least, and of which nothing may be started now, would hide the others
Places = list[tuple[Band, Entry]]


class FairLook(Look):
    """A look that gives each share its part.  `turns`: who takes turns; `use`: what a share had of late."""

    def __init__(
        self,
        spool: Spool,
        slots: int,
        *,
        turns: Collection[str],
        use: Callable[[Share], tuple[float, float]],
        owners: Owners,
        **options: Any,  # noqa: ANN401 - those of Look
    ) -> None:
        super().__init__(spool, slots, **options)
        self.use, self.owners = use, owners
        self.by_owner, self.by_batch = "owners" in turns, "batches" in turns
        self._uids: dict[str, int] = {}  #: of all that `_first` found
        self.owners.begin()

    def _first(self, prefix: str, blocks: Iterable[list[str]]) -> list[str]:
        """Of a folder that is no batch the first files of each owner; in a batch all stand in one line."""
        if not self.by_owner or not is_top_folder(prefix):
            return super()._first(prefix, blocks)
        most, key = min(self.limit, EACH), self.part.key
        found: dict[int | None, list[str]] = {}
        for name in itertools.chain.from_iterable(blocks):
            mine = found.setdefault(self.owners.of(prefix + name), [])
            mine.append(name)
            if len(mine) >= 2 * most:
                mine.sort(key=key)
                del mine[most:]
        for name in sorted(found.pop(None, ()), key=key)[:LEAST]:  # those that would be claimed first without turns
            found.setdefault(self.owners.of(prefix + name, must=True), []).append(name)
        kept = {uid: sorted(mine, key=key)[:most] for uid, mine in found.items()}
        self._uids |= {prefix + name: uid for uid, mine in kept.items() for name in mine if uid is not None}
        return [name for mine in kept.values() for name in mine]

    def _uid(self, path: str) -> int | None:
        return self._uids[path] if path in self._uids else self.owners.of(path)

    def _collect_all(self, bands: list[Band]) -> None:
        for priority, level in itertools.groupby(bands, key=lambda band: band.lane.priority):
            shares: dict[Share, Places] = {}
            for band in level:
                for entry in band.entries:
                    shares.setdefault(self._hint(band.prefix, *entry), []).append((band, entry))
            self._collect_level(priority, shares)
        self.owners.end()

    def _hint(self, prefix: str, name: str, is_folder: bool) -> Share:
        """Whose a file is, and whose most of a batch may be."""
        uid = self._uid(prefix + name) if self.by_owner else NOBODY
        return NOBODY if uid is None else uid, name if self.by_batch and is_folder else ""

    def _collect_level(self, priority: int, shares: dict[Share, Places]) -> None:
        """Candidates of one priority, so many of each share."""
        most, served = max(1, self.limit // max(1, min(len(shares), SHARES))), 0
        for share in self._in_turn(shares):
            before = len(self.sight.candidates)
            if served >= SHARES or before >= self.limit:
                return
            for band, places in itertools.groupby(shares[share], key=lambda place: place[0]):
                end = min(before + most, len(self.sight.candidates) + band.most)
                self._collect(band.prefix, [entry for _, entry in places], end)
            uid = share[0]
            for path in self.sight.candidates[before:]:
                if self.by_owner and (known := self._uid(path)) is not None:
                    uid = known  # of those that nobody knows yet it is taken for that of their neighbour
                self.sight.shares[path] = priority, (uid, share[1])
            served += len(self.sight.candidates) > before

    def _in_turn(self, shares: Iterable[Share]) -> list[Share]:
        """One of each owner, then the next of each; the first of each is the batch that had least.  The last come by chance."""
        by_uid: dict[int, list[Share]] = {}
        for share in sorted(shares, key=self.use):
            by_uid.setdefault(share[0], []).append(share)
        rounds = itertools.zip_longest(*by_uid.values())
        order = [share for each in rounds for share in each if share is not None]
        rest = order[SHARES - BY_CHANCE :]
        random.shuffle(rest)
        return order[: SHARES - BY_CHANCE] + rest


def share_of(identity: str, uid: int, turns: Collection[str]) -> Share:
    """Whose turn a task takes."""
    owner = uid if "owners" in turns else NOBODY
    return owner, top_batch(identity) if "batches" in turns else ""


def cpus_of(path: str) -> int:
    """Slots of a candidate, as far as its lane tells them."""
    return names.parse_lane(names.split_lane(path)[0] or "").cpus
