"""What is looked at as a whole before a worker with --until-empty ends.

The rule: a look counts when it began after all was quiet.  Asked for, each is taken by this worker, whoever leads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dsgspool.worker.loop import Worker


class Rounds:
    """The looks of one worker at all folders of workers, at all that waits, and at the ends of all batches."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker

    def ask(self) -> None:
        """Take each once more, soon."""
        self.worker.meeting.next = self.worker.concluding.next = 0.0
        self.worker.janitor.waiters.ask()
        self.worker.finishing.ask()

    def began(self) -> float:
        """BOOTTIME after which each of the newest whole ones began."""
        return min(*self.worker.janitor.rounds(), self.worker.finishing.round_at)
