"""The spool as it is: `take` looks once and gives a `Snapshot`, `check` says what breaks the promises.

The rule: reading never changes anything and never decides anything; whoever acts lists again (R1, R2).
"""

from dsgspool.snapshot.attempts import Attempt
from dsgspool.snapshot.check import Violation, check, judge
from dsgspool.snapshot.look import take
from dsgspool.snapshot.tails import with_tails
from dsgspool.snapshot.values import Counts, Running, Snapshot, TaskSeen, WorkerSeen

__all__ = [
    "Attempt", "Counts", "Running", "Snapshot", "TaskSeen", "Violation", "WorkerSeen", "check", "judge", "take",
    "with_tails",
]  # fmt: skip
