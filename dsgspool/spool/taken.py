"""What runs of the counted resources of the whole spool: an empty file taken/NAME=AMOUNT@WID.C for each attempt.

How many tasks run is counted so too, for `max_running`: as `%` of the whole spool, as `BATCH%` of a batch.

The rule: a mark is made before its maker counts and before the record, and removed when no process of the attempt is left:
by its worker, or by others once that is proven dead.  It is made once and removed once, in one folder: so of several marks
the maker of the last one sees all others in its next listing.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable

from dsgspool import names
from dsgspool.classes import dataclass
from dsgspool.conditions import is_name
from dsgspool.names import Claim
from dsgspool.spool import Spool

_DIGITS = 9  #: of the largest number that a task can ask for
_CROWD = "%"  #: stands in no name of a batch or a resource
WHOLE = _CROWD  #: what `max_running` of the whole spool limits


@dataclass(frozen=True, slots=True)
class Mark:
    """So much of a resource is taken for a claim."""

    resource: str
    amount: int
    claim: Claim

    @property
    def file(self) -> str:
        """Its name in taken/."""
        return f"{self.resource}={self.amount}@{self.claim}"


class Taken:
    """The folder taken/ of a spool."""

    def __init__(self, spool: Spool) -> None:
        self.fs, self.folder = spool.fs, f"{spool.root}/taken"

    def marks(self) -> list[Mark]:
        """All of them, by one listing; other names are nobody's marks."""
        return [mark for name, is_folder in self.fs.scan(self.folder) if not is_folder and (mark := parse_mark(name))]

    def make(self, mark: Mark) -> None:
        """RACE: an answer was lost, and the file is there already: nobody else makes one of that name."""
        path = f"{self.folder}/{mark.file}"
        try:
            self._make(path)
        except FileNotFoundError:
            self.fs.make_folder(self.folder)
            self._make(path)
        except NotADirectoryError as error:  # of each mark the same is told
            raise NotADirectoryError(error.errno, error.strerror, self.folder) from None

    def _make(self, path: str) -> None:
        try:
            self.fs.create_whole(path, b"", sync=False)
        except FileExistsError:
            return

    def remove(self, mark: Mark) -> None:
        """Give back what it stands for."""
        self.fs.remove(f"{self.folder}/{mark.file}")

    def sweep(self, is_dead: Callable[[str], bool]) -> None:
        """Remove what dead workers left; where I may not, others can."""
        marks = self.marks()
        dead = {wid for wid in {mark.claim.wid for mark in marks} if is_dead(wid)}
        for mark in [mark for mark in marks if mark.claim.wid in dead]:
            with contextlib.suppress(PermissionError):
                self.remove(mark)


def parse_mark(name: str) -> Mark | None:
    """What a name in taken/ says, None when it is no mark's."""
    rest, _, claim = name.rpartition("@")
    resource, _, amount = rest.rpartition("=")
    if not (
        (is_name(resource) or is_crowd(resource)) and amount.isdecimal() and amount.isascii() and len(amount) <= _DIGITS
    ):
        return None
    found = names.parse_claim(claim)
    mark = Mark(resource, int(amount), found) if found else None
    return mark if mark and mark.file == name else None  # one with zeros in front could not be removed by what it says


def crowd_of(batch: str) -> str:
    """What `max_running` of a batch limits."""
    return f"{batch}{_CROWD}"


def is_crowd(resource: str) -> bool:
    """True for what `max_running` limits, whose number is not in `resources`."""
    return resource.endswith(_CROWD) and resource.count(_CROWD) == 1


def totals(marks: Iterable[Mark]) -> Counter[str]:
    """How much of each resource is taken."""
    found: Counter[str] = Counter()
    for mark in marks:
        found[mark.resource] += mark.amount
    return found
