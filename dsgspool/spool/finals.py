"""That a batch is over, and what follows from it once: its `finally` task, and whom `notify` tells.

The rule: batches/NAME.over/ says that NAME was over, and is made once (`once`), whatever becomes of the batch afterwards;
who makes a mark is the one who tells:

    NAME.over/over.json    when that was, and how many files lay in done/ and failed/
    NAME.over/task.yaml    the `finally` task, until it is in todo/
    NAME.over/told         `over` was told
    NAME.told-tripped      that its breaker tripped was told; NAME.told-canary: that a task which was tried first failed
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from dsgspool.classes import dataclass
from dsgspool.clock import iso, local
from dsgspool.errors import SpoolError
from dsgspool.policy import batch_of, final_of
from dsgspool.spool import Spool
from dsgspool.spool.dependencies import Dependencies
from dsgspool.spool.moves import Moves
from dsgspool.spool.once import DRAFT, LEAST, Once
from dsgspool.spool.trials import CANARY, TRIPPED
from dsgspool.spool.trials import OVER as TRIALS
from dsgspool.task import State

OVER, FACTS, TOLD = "over", "over.json", "told"
MARKS = (OVER, *(f"{TOLD}-{what}" for what in (TRIPPED, CANARY)))


@dataclass(frozen=True, slots=True)
class Tally:
    """How a batch that is over ended: files in done/ and failed/."""

    done: int
    failed: int


def over_of(spool: Spool, batch: str) -> str:
    """The folder that says that a batch was over."""
    return f"{spool.root}/batches/{batch}.{OVER}"


def batch_over(file: str) -> str:
    """The batch that a name in batches/ says to be over, '' when it says something else."""
    return batch_of(f"{file.removesuffix(f'.{OVER}')}.yaml") if file.endswith(f".{OVER}") else ""


def facts_of(spool: Spool, batch: str) -> dict[str, object]:
    """`at`, `done` and `failed` as they were when a batch was over; {} when it was not, or nobody knows."""
    data = spool.fs.read_fresh(f"{over_of(spool, batch)}/{FACTS}")
    with contextlib.suppress(ValueError, RecursionError):
        facts = json.loads(data or b"{}")
        return dict(facts) if isinstance(facts, dict) else {}
    return {}


class Finals:
    """Asks and makes that in a spool."""

    def __init__(self, moves: Moves) -> None:
        self.spool, self.fs, self.once = moves.spool, moves.fs, Once(moves)
        self.dependencies = Dependencies(moves.spool)

    def tally(self, batch: str) -> Iterator[Tally | None]:
        """None again and again, and at last how the batch ended, when it is over: to count 100,000 files takes many turns.

        RACE: somebody may requeue a part of it while I count; and a task may go from running/ back to todo/ behind one
        look.  So it is looked for before and after.
        """
        counts = {State.DONE: 0, State.FAILED: 0}
        if self._is_open(batch):
            return
        for state in counts:
            try:
                for _ in self.dependencies.ended(state, batch):
                    counts[state] += 1
                    yield None
            except FileNotFoundError:  # what lies there is not known
                return
        if any(counts.values()) and not self._is_open(batch):
            yield Tally(counts[State.DONE], counts[State.FAILED])

    def _is_open(self, batch: str) -> bool:
        return self.dependencies.first_open(f"{batch}/") is not None

    def make(self, batch: str, tally: Tally, now: float, text: bytes | None, owner: int) -> bool:
        """Say that a batch is over, with the text of its last task; False when that was said before."""
        facts = {"at": iso(now), "done": tally.done, "failed": tally.failed}
        return self.once.make(over_of(self.spool, batch), FACTS, facts, {} if text is None else {DRAFT: text}, owner)

    def publish(self, batch: str) -> str:
        """Put its last task into todo/ when it is still to be put there; its name, '' otherwise.  SpoolError when what lies
        in the place of the folder is none."""
        identity, folder = final_of(batch), over_of(self.spool, batch)
        try:
            return identity if self.once.publish(folder, identity) else ""
        except (FileNotFoundError, NotADirectoryError):
            if dict(self.fs.scan(f"{self.spool.root}/batches")).get(f"{batch}.{OVER}", True):
                raise
            raise SpoolError(f"{folder} is no folder, so nothing is made or told when it is over: remove it") from None

    def is_mine(self, batch: str, event: str) -> bool:
        """True for the only one who is to tell of an event.  RACE: two leaders find it; O_EXCL lets one of them tell."""
        mark = f"{over_of(self.spool, batch)}/{TOLD}" if event == OVER else self._mark(batch, event)
        with contextlib.suppress(FileExistsError):
            self.fs.create_whole(mark, b"")
            return True
        return False

    def _mark(self, batch: str, event: str) -> str:
        return f"{self.spool.root}/batches/{batch}.{TOLD}-{event}"

    # -- pruning -------------------------------------------------------------------------------------------------

    def old(self, limit: float, now: float) -> list[str]:
        """What batches/ says of batches that was decided before `limit`, a day ago at least, and of which nothing is left."""
        limit = min(limit, now - LEAST)
        said: dict[str, list[tuple[str, bool]]] = {}
        for file, is_folder in self.fs.scan(f"{self.spool.root}/batches"):
            if batch := _decided(file, is_folder):
                said.setdefault(batch, []).append((file, is_folder))
        forgotten = [files for batch, files in said.items() if self._is_forgotten(batch, files, limit)]
        return sorted(file for files in forgotten for file, _ in files)

    def _is_forgotten(self, batch: str, files: Iterable[tuple[str, bool]], limit: float) -> bool:
        """RACE: with a file of it in done/ the next look would find it over once more."""
        for file, is_folder in files:
            status = self.fs.status_of_folder if is_folder else self.fs.status
            if status(f"{self.spool.root}/batches/{file}").st_mtime >= limit:
                return False
        if self._is_open(batch):
            return False
        return not any(next(self.dependencies.ended(state, batch), "") for state in (State.DONE, State.FAILED))

    def remove(self, file: str) -> None:
        """Forget that: a batch of that name will be a new one."""
        path = f"{self.spool.root}/batches/{file}"
        self.once.drop(path) if batch_over(file) else self.fs.remove(path)


def _decided(file: str, is_folder: bool) -> str:
    """The batch of which a name in batches/ says what was decided about it, '' when it says nothing of that kind."""
    if is_folder:
        return batch_over(file)
    stem, _, what = file.rpartition(".")
    is_mark = what in {*TRIALS, *TRIALS.values(), *MARKS} - {OVER}
    return batch_of(f"{stem}.yaml") if is_mark else ""


def since_of(facts: Mapping[str, object]) -> str:
    """When a batch was over, for a screen."""
    try:
        return local(datetime.fromisoformat(str(facts.get("at"))).timestamp())
    except ValueError:
        return "some time"


def words_of(facts: Mapping[str, object]) -> str:
    """`28 done, 2 failed`"""
    return f"{facts.get('done', '?')} done, {facts.get('failed', '?')} failed"
