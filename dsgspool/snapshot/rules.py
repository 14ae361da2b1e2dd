"""What people wrote for the whole spool, and how that stands: policies of batches, counted resources.

The rule: nothing is asked of a spool that has none of them.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from dsgspool import names
from dsgspool.classes import dataclass
from dsgspool.errors import StorageError
from dsgspool.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dsgspool.snapshot.standings import Standing

MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Stock:
    """A counted resource of the whole spool: how much there is, and how much of it each worker has."""

    name: str
    there: int
    holders: Mapping[str, int]

    @property
    def taken(self) -> int:
        """By all together; more than there is where somebody lowered the number."""
        return sum(self.holders.values())

    @property
    def facts(self) -> dict[str, object]:
        """For programs."""
        return {"of": self.there, "taken": dict(self.holders)}

    @property
    def by(self) -> str:
        """The workers that have most, in words; '' for none."""
        most = sorted(self.holders, key=lambda wid: (-self.holders[wid], wid))
        shown = [f"{wid} {self.holders[wid]}" if self.holders[wid] > 1 else wid for wid in most[:MOST_NAMED]]
        more = [f"{len(most) - MOST_NAMED} more"] if len(most) > MOST_NAMED else []
        return ", ".join([*shown, *more])

    @property
    def sentence(self) -> str:
        """How it stands."""
        return f"{self.name}: {self.taken} of {self.there} taken{f' (by {self.by})' if self.holders else ''}"


def stock(spool: Spool, limits: Mapping[str, int]) -> tuple[Stock, ...]:
    """The counted resources of the whole spool, in the order of spool.yaml."""
    if not limits:
        return ()
    from dsgspool.spool.taken import Taken

    holders: dict[str, Counter[str]] = {name: Counter() for name in limits}
    for mark in Taken(spool).marks():
        if mark.resource in holders:
            holders[mark.resource][mark.claim.wid] += mark.amount
    return tuple(Stock(name, there, holders[name]) for name, there in limits.items())


def policies(spool: Spool, problems: list[str]) -> dict[str, Standing]:
    """Batch -> its policy and how that stands."""
    try:
        if not any(name.endswith(names.SUFFIXES) for name in spool.fs.names(f"{spool.root}/batches")):
            return {}
        from dsgspool.snapshot.standings import standings

        return standings(spool)
    except OSError as error:
        if not isinstance(error, FileNotFoundError):
            problems.append(str(StorageError.of(error, "list")))
        return {}
