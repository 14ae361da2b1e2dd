"""`canary` and `breaker`: a batch is tried on a few tasks, and stopped when most of the first ones fail.

The rule: the folders decide, and one file in batches/ that one worker can make says what was decided:

    NAME.canary    which tasks are tried first; the rest waits until all of them are in done/
    NAME.passed    they are, or somebody resumed the batch: no task is tried first any more
    NAME.tripped   too many failed: as paused, while the policy has the text that it had then
    NAME.resumed   somebody resumed the batch after that: the breaker trips no more
"""

from __future__ import annotations

import contextlib
import hashlib
import heapq
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from shlex import quote

from dsgspool import names
from dsgspool.classes import dataclass
from dsgspool.errors import InvalidName, InvalidTask, StorageError
from dsgspool.fields import texts
from dsgspool.policy import Policy
from dsgspool.records import is_complete
from dsgspool.spool import Spool, task_name
from dsgspool.spool.dependencies import NO_FILE, Dependencies, Standing
from dsgspool.task import State
from dsgspool.yamltext import compose, pairs
from dsgspool.yamlwriting import dump

CANARY, PASSED, TRIPPED, RESUMED = "canary", "passed", "tripped", "resumed"
OVER = {CANARY: PASSED, TRIPPED: RESUMED}  #: the file that ends what the other one says


@dataclass(frozen=True, slots=True)
class Trial:
    """`why`: nothing but what is in `only` may be started, and the file `what` says so.  `stops`: a person is needed.
    `is_unsettled`: that file may not be whole yet.  Who does not decide, a reader, is also told what was removed meanwhile."""

    why: str = ""
    what: str = ""
    only: frozenset[str] = frozenset()
    stops: bool = False
    is_unsettled: bool = False


class Trials:
    """Asks the folders.  `decides`: may make the files too, as a worker does."""

    def __init__(self, spool: Spool, settle: Callable[[], float], *, decides: bool) -> None:
        self.spool, self.fs, self.settle, self.decides = spool, spool.fs, settle, decides
        self.dependencies = Dependencies(spool)
        self._cut: dict[str, float] = {}  #: decisions without their last line, and BOOTTIME when I first saw them so

    def look(self, batch: str, policy: Policy, listed: Mapping[str, int]) -> Trial:
        """How a batch stands; `listed`: a listing of batches/.  What cannot be looked at stops its own batch alone."""
        try:
            trial = self._breaker(batch, policy, listed)
            return trial if trial.why else self._canary(batch, policy, listed)
        except OSError as error:  # a folder in the place of a decision, somebody's private one in failed/
            if error.errno not in NO_FILE:
                raise  # an outage: nobody may end because of it
            return Trial(str(StorageError.of(error)), stops=True)

    def path(self, batch: str, what: str) -> str:
        """Where a decision lies."""
        return f"{self.spool.root}/batches/{batch}.{what}"

    # -- breaker -------------------------------------------------------------------------------------------------

    def _breaker(self, batch: str, policy: Policy, listed: Mapping[str, int]) -> Trial:
        if policy.breaker is None or f"{batch}.{RESUMED}" in listed:
            return Trial()
        digest = hashlib.sha256(policy.text.encode()).hexdigest()
        if not self._is_made(batch, TRIPPED, listed) and not self._trip(batch, policy, digest):
            return Trial()
        said = self._said(batch, TRIPPED)
        if said.get("policy", digest) != digest:
            return Trial()  # somebody has changed the policy since
        return Trial(f"{self.path(batch, TRIPPED)}: {said.get('why', 'its breaker has tripped')}", TRIPPED, stops=True)

    def _trip(self, batch: str, policy: Policy, digest: str) -> bool:
        """True when too many have failed.  Those in done/ only become more, so later looks find no other answer."""
        assert policy.breaker is not None
        of, failures = policy.breaker.of, policy.breaker.failures
        if self._count(State.FAILED, batch, failures) < failures:
            return False
        if (done := self._count(State.DONE, batch, of - failures + 1)) > of - failures:
            return False
        if self.decides:
            why = f"{failures} of the first {failures + done} tasks that ended have failed"
            self._decide(batch, TRIPPED, {"policy": digest, "why": why})
        return True

    def _count(self, state: State, batch: str, most: int) -> int:
        """Tasks of a batch that ended so, at most so many; what a person cancelled has not failed."""
        paths = self.fs.find(f"{self.spool.folder(state)}/{batch}", ".y", f"{batch}/")
        return sum(1 for _ in islice(filter(lambda path: _ended(state, path), paths), most))

    # -- canary --------------------------------------------------------------------------------------------------

    def _canary(self, batch: str, policy: Policy, listed: Mapping[str, int]) -> Trial:
        if not policy.canary or f"{batch}.{PASSED}" in listed:
            return Trial()
        if not self._is_made(batch, CANARY, listed):
            first = heapq.nsmallest(policy.canary, self.queued(batch))
            if not first or not self.decides:
                return Trial(
                    f"its first {policy.canary}, in the order of names, are tried before the others",
                    CANARY,
                    frozenset(first),
                )
            self._decide(batch, CANARY, {"tasks": first})
        tried = self._tried(batch)
        if tried is None:
            why = f"{self.path(batch, CANARY)} is no whole list of tasks: remove it, and they are chosen anew"
            return Trial(why, CANARY, is_unsettled=f"{batch}.{CANARY}" in self._cut)
        standings = {name: self.dependencies.standing(name)[0] for name in tried}
        if failed := [name for name, standing in standings.items() if standing is Standing.FAILED]:
            why = f"of the tasks that are tried first ({self.path(batch, CANARY)}) {', '.join(failed)} failed"
            return Trial(why, CANARY, frozenset(tried), stops=True)
        if left := [name for name, standing in standings.items() if standing is Standing.OPEN]:
            why = f"the tasks that are tried first ({self.path(batch, CANARY)}) are not done: {', '.join(left)}"
            gone = "" if self.decides else self._gone(batch, left)
            return Trial(f"{why}{gone}", CANARY, frozenset(tried), stops=bool(gone))
        if self.decides:
            self.fs.rename(self.path(batch, CANARY), self.path(batch, PASSED))
        return Trial()

    def _gone(self, batch: str, left: Iterable[str]) -> str:
        """What a person has to know when one of them was removed, '' when none was."""
        with contextlib.suppress(OSError):  # what cannot be looked at may be there
            if gone := self.dependencies.nowhere(batch, left):
                way_on = f"`dsgspool batch resume {quote(batch)}` goes on without that"
                return f"; {gone[0]} lies nowhere any more, so it will never be done: {way_on}"
        return ""

    def queued(self, batch: str) -> Iterable[str]:
        """Names of the batch in todo/, in all lanes."""
        for lane in ("", *(f"{name}/" for name, _ in self.fs.scan(self.spool.todo) if name[:1] == "@")):
            with contextlib.suppress(PermissionError):  # somebody's private lane
                for path in self.fs.find(f"{self.spool.todo}/{lane}{batch}", ".y", f"{lane}{batch}/"):
                    with contextlib.suppress(InvalidName):
                        if not names.is_ignored(path.rpartition("/")[2]):
                            yield names.parse(path).identity

    def _tried(self, batch: str) -> tuple[str, ...] | None:
        """What NAME.canary says; None while it is not whole, and for what no task can be called."""
        data = self.fs.read_fresh(self.path(batch, CANARY)) or b""
        with contextlib.suppress(InvalidTask, InvalidName):
            nodes = {key.value: node for key, node in pairs(compose(data), CANARY)}
            if is_complete(data) and "tasks" in nodes:
                return tuple(map(names.check_identity, texts(nodes["tasks"], "tasks")))
        return None

    def end(self, batch: str, trial: Trial) -> None:
        """A person goes on all the same."""
        with contextlib.suppress(FileExistsError):
            self.fs.create_whole(self.path(batch, OVER[trial.what]), b"")

    # -- files ---------------------------------------------------------------------------------------------------

    def _is_made(self, batch: str, what: str, listed: Mapping[str, int]) -> bool:
        """True for a decision that is there, and for one that somebody may still be writing.

        RACE: who makes it may be killed before it writes, or the disk is full: what stays cut off counts for nothing.
        """
        file = f"{batch}.{what}"
        if file not in listed or is_complete(self.fs.read_fresh(self.path(batch, what)) or b""):
            self._cut.pop(file, None)
            return file in listed
        now = self.spool.clock.boot()
        return now - self._cut.setdefault(file, now) < self.settle()

    def _decide(self, batch: str, what: str, facts: Mapping[str, object]) -> None:
        """RACE: several workers come to it at once; O_EXCL lets one of them write, and all go by what that one wrote."""
        path, data = self.path(batch, what), f"{dump(facts.items())}...\n".encode()
        if self._cut.pop(f"{batch}.{what}", None) is not None:
            self.fs.replace(path, data)
            return
        with contextlib.suppress(FileExistsError):
            self.fs.create_whole(path, data)

    def _said(self, batch: str, what: str) -> dict[str, str]:
        """The texts in a file of mine, {} while it is not whole."""
        data = self.fs.read_fresh(self.path(batch, what)) or b""
        with contextlib.suppress(InvalidTask):
            if is_complete(data):
                return {key.value: node.value for key, node in pairs(compose(data), what)}
        return {}


def _ended(state: State, path: str) -> bool:
    try:
        name = task_name(state, path)
    except InvalidName:
        return False
    return not names.is_ignored(path.rpartition("/")[2]) and not name.claim and name.tag != "cancelled"
