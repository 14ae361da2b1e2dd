"""Why a task failed, by the record of its last attempt, and what would have it run again.

The rule: the reason that the record tells, then what the log says that says most; what no record knows is not guessed.
"""

from __future__ import annotations

import shlex

from dsgspool import names
from dsgspool.cli.behind import NAMED, Answer, Behind
from dsgspool.errors import InvalidTask
from dsgspool.records import MAX_BYTES, Record, parse_record
from dsgspool.report.larger import NEVER, larger, run_changed
from dsgspool.report.logs import error_of
from dsgspool.snapshot import Attempt, TaskSeen
from dsgspool.snapshot.attempts import read_attempt
from dsgspool.spool import Spool
from dsgspool.spool.policies import Policies
from dsgspool.task import Kind
from dsgspool.yamltext import compose, pairs

NOT_FOUND = 127  #: what a shell, and a worker, say of a command that is not there


def newest(spool: Spool, identity: str) -> Attempt | None:
    """Its last attempt that has a record."""
    found, number = None, 1
    while attempt := read_attempt(spool, identity, number):
        found, number = attempt, number + 1
    return found


def is_folder_unsaid(policies: Policies, identity: str, record: Record) -> bool:
    """True when a command was not found, and nothing says in which folder it was to run: the likeliest first mistake."""
    if record.exit_code != NOT_FOUND or not record.cwd or "cwd" in policies.template(identity):
        return False
    try:
        return "cwd" not in {key.value for key, _ in pairs(compose((record.text or "").encode()), "the task")}
    except InvalidTask:
        return False


def _where(spool: Spool, policies: Policies, last: Attempt, record: str) -> list[str]:
    if last.exit_code != NOT_FOUND:
        return []
    try:
        said = parse_record(spool.fs.read(f"{spool.logs}/{record}", MAX_BYTES)[0])
    except OSError:
        return []
    if not is_folder_unsaid(policies, last.task, said):
        return []
    return [f"it names no cwd, so it ran in {said.cwd}; `cwd: FOLDER` in its file has it run elsewhere"]


def _of_dependency(behind: Behind, task: TaskSeen, answer: Answer) -> Answer:
    """Its culprits run again before it: else it fails again at once."""
    culprits, many = behind.culprits(task)
    steps = []
    for what, failed in many.items():
        answer.more.append(f"of {what} {len(failed):,} have failed: {', '.join(failed[:NAMED])}, ...")
        is_cancelled = any(
            behind.tasks[name].reason == Kind.CANCELLED for name in failed
        )  # which --failed leaves alone
        which = "--reason '*'" if is_cancelled else "--failed"
        steps.append(f"dsgspool requeue {which} {shlex.quote(what)}")
    last = f"dsgspool requeue {' '.join([*map(behind.word, culprits), shlex.quote(task.identity)])}"
    answer.remedies = [" && ".join([*steps, last])]
    return answer


def why_failed(spool: Spool, behind: Behind, policies: Policies, task: TaskSeen) -> Answer:
    """The answer for a file in failed/."""
    last, name = newest(spool, task.identity), shlex.quote(task.identity)
    answer = Answer(task.identity, str(task.state), "", remedies=[f"dsgspool requeue {name}"])
    if claim := task.name.claim:
        answer.because = f"somebody cancelled it: its worker {claim.wid} stops it at its next heartbeat, within seconds"
        answer.remedies = []
        return answer
    if task.reason == Kind.CANCELLED or last is None:
        answer.because = "somebody cancelled it" if task.reason == Kind.CANCELLED else "it failed; no record says why"
        return answer
    answer.because = f"it failed with {task.reason or last.outcome}: {last.reason or 'no reason told'}"
    if more := larger([(task.identity, task.reason, last.reason)]):
        answer.remedies = [run_changed("dsgspool", name, more)]
    if task.reason == "expired":
        answer.remedies = [run_changed("dsgspool", name, NEVER)]
        return answer
    if task.reason == "dependency":
        return _of_dependency(behind, task, answer)
    if task.reason == "invalid":
        answer.remedies = [f"mend that (the task is {spool.failed}/{task.path}), then: dsgspool requeue {name}"]
    record = names.record_path(task.identity, last.number)
    if line := error_of(spool.fs, f"{spool.logs}/{record.removesuffix('.yaml')}", (None, None)):
        answer.more.append(f"its log says: {line}")
    answer.more += _where(spool, policies, last, record)
    answer.more.append(f"attempt {last.number} on {last.host}; see logs/{record}")
    return answer
