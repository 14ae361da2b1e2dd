"""What lies there when all is over, as the checker wants it: seen by node 0, past every cache.

The rule: nothing of dsgspool is asked but its own `check`; files, records and journals are read as a person would read them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import datetime

from tests.grounds import Ground
from tests.nemesis import kinds
from tests.nemesis.faults import Done
from tests.nemesis.figures import Rescue
from tests.nemesis.history import Execution, Lying, Record, Rest, Unguarded
from tests.nemesis.proof import now
from tests.nemesis.snippets import CHECK, LISTING, THERE

STANDSTILLS = ("freeze-guard", "freeze-both", "freeze-node")
READING = 600.0  #: seconds that reading a big spool may take


class Seen:
    """A spool at rest, and who its workers were."""

    def __init__(self, ground: Ground, root: str, accepted: Sequence[str], restless: list[str]) -> None:
        self.ground, self.root = ground, root
        self.truth = f"{ground.truth}/{root.rpartition('/')[2]}"
        listed = ground.nodes[0].python(LISTING, READING, root=self.truth)
        assert isinstance(listed, list)
        files, records, self.workers, fenced, rescues, ticks, lines, self.ended = listed
        self.ticks = list(kinds.ticks(ticks))  #: tasks of the schedule
        ahead = time.time() - now()
        self.rescues = [Rescue(datetime.fromisoformat(at).timestamp() - ahead, wid, why) for at, wid, why in rescues]
        self.rest = Rest(
            files=[Lying(state, path, identity(state, path), its_id, digest) for state, path, its_id, digest in files],
            records=[_record(*facts) for facts in records],
            lines=lines,
            fenced=frozenset(fenced),
            problems=self._check([*accepted, *self.ticks]),
            processes=self._left_over(),
            restless=restless,
        )

    def _check(self, accepted: Sequence[str]) -> list[str]:
        """What `snapshot.check` says.  The names are handed over in a file: a command line holds no 20,000 of them."""
        names = f"{self.ground.scratch}/accepted.json"
        reader = self.ground.nodes[0]
        reader.python("answer = Path(path).write_text(text)", path=names, text=json.dumps(accepted))
        checked = reader.run(self.ground.python, "-c", CHECK, self.truth, names, seconds=READING, check=False)
        return [*checked.out.splitlines(), *checked.err.splitlines()[-3:]]

    def _left_over(self) -> list[str]:
        found: list[str] = []
        for node in self.ground.nodes[1:]:
            there = node.python(THERE, root=self.root)
            assert isinstance(there, list)
            found += [f"{node}: {line}" for line in there]
        return found

    # -- whom a fault hit ----------------------------------------------------------------------------------------------

    def unguarded(self, done: Done) -> Unguarded | None:
        """Whose guard stood still during a fault."""
        if done.step.kind not in STANDSTILLS:
            return None
        return Unguarded(self.workers_of(done), done.begin, done.end)

    def tellers(self, faults: Sequence[Done]) -> frozenset[str]:
        """Workers that ended as a drain ends; one that was told twice to stop tells nothing more."""
        hurried = {wid for done in faults if done.step.kind == "stop-worker-now" for wid in self.workers_of(done)}
        ended = {wid for wid, code in self.ended.items() if code == 0}
        return frozenset(ended - hurried - self.rest.fenced)

    def resting(self) -> frozenset[str]:
        """Workers that were started with hours: those that have the label."""
        return frozenset(wid for wid in self.workers if f'"{kinds.LABEL}"' in self._fact(wid, "labels"))

    def was_hit(self, done: Done, run: Execution) -> bool:
        """True when a fault struck this run's worker, or its whole node."""
        return run.worker in self.workers_of(done) if done.guards else run.node == f"n{done.step.node}"

    def workers_of(self, done: Done) -> frozenset[str]:
        """The incarnations under the guards that were struck, or all of its node's boot."""
        return frozenset(
            wid for wid in self.workers
            if (not done.guards or self._fact(wid, "guard_pid") in map(str, done.guards))
            and (self.ground.kind == "local" or self._fact(wid, "boot_id") == done.boot)
        )  # fmt: skip

    def _fact(self, worker: str, key: str) -> str:
        """Of workers/WID.yaml; '' when a full disk left that empty."""
        return str(self.workers[worker].get(key, "")).strip('"')


def _record(path: str, worker: str, outcome: str, its_id: str, digest: str) -> Record:
    task, _, number = path.removesuffix(".yaml").rpartition(".")
    return Record(task, int(number), worker, outcome, its_id, digest)


def identity(state: str, path: str) -> str:
    """BATCH/NAME of a file below a state's folder, seen with a person's eyes."""
    if state in ("running", "waiting"):
        path = path.partition("/")[2].replace("%", "/")
    if path.startswith("@"):
        path = path.partition("/")[2]
    folder, slash, file = path.removesuffix(".yaml").rpartition("/")
    return f"{folder}{slash}{file.partition('~')[0].partition('@')[0]}"
