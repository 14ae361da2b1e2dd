"""The promises, checked: no file twice, no attempt twice, nothing finished without its record.

The rule: a violation is what no crash, no race and no person's `mv` may leave behind in a spool at rest; each says
which promise, which task, and exactly where.  What may be a file on its way is looked at again before it counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from dsgspool import names
from dsgspool.classes import dataclass
from dsgspool.lease import Peers
from dsgspool.snapshot.attempts import Attempt, read_attempts
from dsgspool.snapshot.look import is_there, proof_of_death, take
from dsgspool.snapshot.values import Snapshot, TaskSeen
from dsgspool.spool import Spool
from dsgspool.task import State

DAY = 86400.0
SLACK = 0.25  #: seconds by which two workers' ideas of the file server's time may differ


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken promise: `rule` in one word, the task, the paths below the spool, and what is wrong with them."""

    rule: str
    task: str
    where: tuple[str, ...]
    detail: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.task or '-'}: {self.detail} ({', '.join(self.where)})"


def check(
    spool: Spool, *, accepted: Iterable[str] = (), pruned: bool = False, peers: Peers | None = None
) -> list[Violation]:
    """Every violation.  `accepted`: identities that must be somewhere; `pruned`: records in the middle may be gone."""
    # A file goes to done/ when its record has its end: records that are read after the folders know of that.
    snapshot = take(spool, peers=peers)
    return judge(spool, snapshot, read_attempts(spool), accepted=accepted, pruned=pruned, peers=peers)


def judge(
    spool: Spool,
    snapshot: Snapshot,
    attempts: Mapping[str, list[Attempt]],
    *,
    accepted: Iterable[str] = (),
    pruned: bool = False,
    peers: Peers | None = None,
) -> list[Violation]:
    """`check` of what was looked at already: the folders first, then the records."""
    tasks = snapshot.tasks
    dead = _Dead(set(spool.fs.names(spool.workers)), peers)
    found = [
        *_twice(spool, tasks),
        *_ownerless(tasks, dead),
        *_claims_twice(attempts),
        *_finished(tasks, attempts),
        *_lost(tasks, accepted),
        *_rubbish(spool, snapshot.taken),
    ]
    for identity, chain in attempts.items():
        found += [*_chain(identity, chain, dead, pruned), *_overlaps(identity, chain)]
    return found


@dataclass(frozen=True, slots=True)
class _Dead:
    files: Collection[str]
    peers: Peers | None

    def reason(self, wid: str) -> str:
        """Why a worker is dead for certain, '' while it must be taken for alive."""
        return proof_of_death(wid, self.files) or (self.peers.verdict(wid) if self.peers else "")


def _place(task: TaskSeen) -> str:
    return f"{task.state}/{task.path}"


def _record(attempt: Attempt) -> str:
    return f"logs/{names.record_path(attempt.task, attempt.number)}"


def _twice(spool: Spool, tasks: Iterable[TaskSeen]) -> Iterator[Violation]:
    """A claim or a token is given once, so two files with it are one file twice."""
    seen: dict[tuple[str, str], list[TaskSeen]] = {}
    for task in tasks:
        for kind, mark in (("claim", str(task.name.claim or "")), ("token", task.name.token)):
            if mark:
                seen.setdefault((kind, mark), []).append(task)
    for (kind, mark), places in seen.items():
        if len(places) > 1 and len(places := [task for task in places if is_there(spool, task.state, task.path)]) > 1:
            where = tuple(map(_place, places))
            yield Violation(f"{kind}-twice", places[0].identity, where, f"{len(places)} files carry the {kind} {mark}")


def _ownerless(tasks: Iterable[TaskSeen], dead: _Dead) -> Iterator[Violation]:
    """Outside of running/ the janitor strips what a dead worker held."""
    for task in tasks:
        claim = task.name.claim
        if claim and task.state is not State.RUNNING and (reason := dead.reason(claim.wid)):
            yield Violation("ownerless", task.identity, (_place(task),), f"held by {claim.wid}: {reason}")


def _claims_twice(attempts: Mapping[str, list[Attempt]]) -> Iterator[Violation]:
    """One claim begins at most one attempt."""
    first: dict[str, Attempt] = {}
    for attempt in (each for chain in attempts.values() for each in chain if each.claim):
        other = first.setdefault(attempt.claim, attempt)
        if other is not attempt:
            detail = f"the claim {attempt.claim} began two attempts"
            yield Violation("claim-used-twice", attempt.task, (_record(other), _record(attempt)), detail)


def _chain(identity: str, chain: list[Attempt], dead: _Dead, pruned: bool) -> Iterator[Violation]:
    """Record N needs a record N-1 that is over, by its end or by the death of its writer."""
    before: Attempt | None = None
    is_going = any(attempt.outcome == "pruned" for attempt in chain)  # prune removes records from 1 upwards
    for attempt in chain:
        if attempt.recorded_task not in ("", identity):
            yield Violation("wrong-record", identity, (_record(attempt),), f"it tells of {attempt.recorded_task}")
        expected = before.number + 1 if before else 1
        if attempt.number != expected and not (is_going or (pruned and before)):
            missing = f"logs/{names.record_path(identity, attempt.number - 1)}"
            yield Violation("chain-gap", identity, (_record(attempt), missing), "the record before it is missing")
        if before and not before.over and not dead.reason(before.worker or before.claim.rpartition(".")[0]):
            detail = f"attempt {before.number} has no end and its worker {before.worker or '?'} is not dead"
            rule = "chain" if attempt.over else "two-live-attempts"
            yield Violation(
                rule, identity, (_record(before), _record(attempt)), f"{detail}, yet {attempt.number} began"
            )
        before = attempt


def _overlaps(identity: str, chain: Iterable[Attempt]) -> Iterator[Violation]:
    """At most one attempt of a name runs at any time."""
    timed = sorted((a.started, a.ended, a.number, a) for a in chain if a.started is not None and a.ended is not None)
    last: tuple[float, Attempt] | None = None
    for started, ended, _, attempt in timed:
        if last and started < last[0] - SLACK:
            where = (_record(last[1]), _record(attempt))
            detail = f"attempt {attempt.number} began {last[0] - started:.3f} s before {last[1].number} had ended"
            yield Violation("overlap", identity, where, detail)
        last = max(last or (ended, attempt), (ended, attempt), key=lambda pair: pair[0])


def _finished(tasks: Iterable[TaskSeen], attempts: Mapping[str, list[Attempt]]) -> Iterator[Violation]:
    """What lies in done/ or failed/ under a name without a token got there by an attempt that ended so."""
    elsewhere = {task.identity for task in tasks if task.state is not State.DONE}
    for task in tasks:
        ended = [attempt for attempt in attempts.get(task.identity, ()) if attempt.over]
        if task.state is State.DONE and not task.name.token and not task.name.claim:
            yield from _done(task, ended, task.identity in elsewhere)
        elif _claims_a_record(task) and all(attempt.outcome != task.reason for attempt in ended):
            detail = f"no attempt ended with {task.reason}"
            yield Violation("failed-without-record", task.identity, (_place(task),), detail)


def _claims_a_record(task: TaskSeen) -> bool:
    return task.state is State.FAILED and bool(task.reason) and not task.name.token and not task.name.claim


def _done(task: TaskSeen, ended: list[Attempt], has_another: bool) -> Iterator[Violation]:
    if not any(attempt.good for attempt in ended):
        yield Violation("done-without-record", task.identity, (_place(task),), "no attempt ended with done")
    elif not ended[-1].good and not has_another:
        # Another file of this name may have failed since; then it lies somewhere.
        detail = f"the newest attempt that ended is {ended[-1].outcome or '?'}, not done"
        yield Violation("done-but-failed", task.identity, (_place(task), _record(ended[-1])), detail)


def _lost(tasks: Iterable[TaskSeen], accepted: Iterable[str]) -> Iterator[Violation]:
    """No accepted task is lost."""
    there = {task.identity for task in tasks}
    for identity in sorted(set(accepted) - there):
        yield Violation("lost", identity, (), "it was accepted and is in no state folder")


def _rubbish(spool: Spool, now: float) -> Iterator[Violation]:
    """tmp/ is swept, by the age of its folders: a file whose maker died on NFS v3 may have any mtime."""
    for name, is_folder in spool.fs.scan(spool.tmp):
        try:
            age = now - spool.fs.status_of_folder(f"{spool.tmp}/{name}").st_mtime if is_folder else 0.0
        except OSError:
            continue
        if age > DAY:
            yield Violation("rubbish", "", (f"tmp/{name}",), f"it has been there for {age / DAY:.1f} days")
