"""What `status --watch` remembers from look to look: rates, failures, loads.

The rule: it is the plain form of `top`, so both ask the same modules and say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsgspool.classes import dataclass
from dsgspool.cli.overview import look
from dsgspool.cli.top.failures import Failures
from dsgspool.cli.top.loads import Loads
from dsgspool.cli.top.rates import Rates
from dsgspool.task import Kind, State

if TYPE_CHECKING:
    from dsgspool.cli.top.values import Load, Row
    from dsgspool.snapshot import Snapshot
    from dsgspool.spool import Spool


@dataclass(frozen=True, slots=True)
class News:
    """What one look alone does not tell."""

    rate: float | None  #: finished tasks a minute; None = not known yet
    eta: float | None  #: seconds until nothing is left to run, at that rate
    #: Newest first, no cancelled ones; none where so many lie in failed/ that they were only counted.
    failures: tuple[Row, ...]
    loads: dict[str, Load]  #: WID -> what its worker said of its node


class Watch:
    """Looks again and again."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.rates, self.failures, self.loads = Rates(), Failures(spool), Loads(spool.fs, spool.workers)

    def look(self) -> tuple[Snapshot, News]:
        """The spool now."""
        seen = look(self.spool)
        self.rates.note(self.spool.clock.boot(), seen.counts.finished)
        failed = [task for task in seen.in_state(State.FAILED) if task.reason != Kind.CANCELLED]
        return seen, News(
            self.rates.per_minute,
            self.rates.left(seen),
            self.failures.rows(failed, seen.taken),
            self.loads.of(worker.wid for worker in seen.workers if worker.alive),
        )
