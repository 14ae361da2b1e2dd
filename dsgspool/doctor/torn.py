"""Texts that break off: task files of a copy that was cut short, and records whose writer was killed.

The rule: what somebody may still be writing is no finding: a task file must have been at rest, and the writer of a
record must be dead.  A record is told of and never changed: it is a link of the lock on its name, and readers leave out
a last line that has no end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from dsgspool import names
from dsgspool.codec import NewerFormat, parse_task
from dsgspool.doctor.owners import Owners
from dsgspool.doctor.repair import Action, Fault
from dsgspool.doctor.values import Status, quoted
from dsgspool.errors import InvalidName, InvalidTask, SettingsError
from dsgspool.records import is_complete, record_claim, record_is_over
from dsgspool.settings import Settings
from dsgspool.snapshot import Attempt
from dsgspool.spool import Spool, task_name
from dsgspool.spool.chain import Chain
from dsgspool.spool.moves import Place, Tokens
from dsgspool.spool.policies import read_policies, top_batch
from dsgspool.spool.pruning import MARK
from dsgspool.task import State
from dsgspool.yamltext import Node
from dsgspool.yamlwriting import MAX_BYTES

REST = 60.0  #: seconds after which nobody is still writing a file
LONG_REST = 3600.0  #: seconds after which nobody is still editing one, so that it may be moved by --fix
MOST = 5000  #: files of one folder that are looked into


# -- task files ------------------------------------------------------------------------------------------------------


def torn_tasks(spool: Spool, owners: Owners, *, quick: bool = False) -> Iterator[Fault]:
    """Those in hold/, and in todo/ when no worker lives to judge them.  `quick`: only empty ones."""
    settings, policies = None if quick else _settings(spool), read_policies(spool)
    token = Tokens()
    for state in [State.HOLD] if owners.living else [State.HOLD, State.TODO]:
        for place in _at_rest(spool, state):
            known = None if policies.why_unread(top_batch(place.identity)) else settings
            if fault := _judged(spool, owners, known, policies.template(place.identity), place, token):
                yield fault


def _settings(spool: Spool) -> Settings | None:
    """None when they are broken: what they would make of a text is not known then."""
    try:
        return spool.settings()
    except (SettingsError, OSError):
        return None


def _at_rest(spool: Spool, state: State) -> Iterator[Place]:
    """Tasks that nobody holds."""
    for path, entry in islice(spool.fs.walk(spool.folder(state)), MOST):
        if names.is_ignored(entry.name) or entry.is_symlink():
            continue
        try:
            name = task_name(state, path)
        except InvalidName:
            continue
        if not name.claim:
            yield Place(state, path, name)


def _judged(
    spool: Spool,
    owners: Owners,
    settings: Settings | None,
    template: Mapping[str, Node],
    place: Place,
    token: Tokens,
) -> Fault | None:
    where = f"{place.state}/{place.path}"
    try:
        data, status = spool.fs.read(f"{spool.root}/{where}", MAX_BYTES)
    except OSError:
        return None  # it moved, or is somebody's whose files I may not read
    age = owners.now - status.st_mtime
    if age < REST:
        return None
    action = Action("mv", f"{spool.root}/{where}", f"{spool.failed}/{place.name.failed('invalid', token()).path}")
    if not data:
        text = f"{where} is empty: a copy that broke off, or a disk that was full"
        return Fault("half-written", place.identity, (where,), text, (action,), safe=True)
    error = _error(data, settings, template) if settings else None
    is_cut = not is_complete(data)
    if error is None or not (is_cut or place.state is State.HOLD):
        return None
    last = data.count(b"\n") + 1  # of a text that ends too early the parser names the line after it
    text = str(InvalidTask(error.reason, line=min(error.line or 1, last), path=where))
    then = f", then: dsgspool release {quoted(place.identity)}" if place.state is State.HOLD else ""
    if is_cut:
        text += "; it has no last line `...`, so a copy may have broken off"
        remedy = f"write what is missing, with ... as the last line{then}; or file it away:"
        safe = age > LONG_REST
        return Fault("half-written", place.identity, (where,), text, (action,), safe=safe, remedy=remedy)
    remedy = f"{error.remedy or 'mend that line'}{then}; or file it away:"
    return Fault("invalid", place.identity, (where,), text, (action,), remedy=remedy)


def _error(data: bytes, settings: Settings, template: Mapping[str, Node]) -> InvalidTask | None:
    """What a worker would say to it."""
    try:
        parse_task(data, settings.task, template, timezone=settings.timezone)
    except NewerFormat:
        return None
    except InvalidTask as error:
        return error
    return None


# -- records ---------------------------------------------------------------------------------------------------------


def torn_records(
    spool: Spool, owners: Owners, chain: Chain, attempts: Mapping[str, Iterable[Attempt]]
) -> Iterator[Fault]:
    """Records that break off in a line, or before they say whose they are.  One that only lacks its end is usual.

    `chain` knows by the file server's time which attempts may be alive.
    """
    for identity, all_of_them in attempts.items():
        for attempt in [attempt for attempt in all_of_them if not attempt.over]:
            path = f"logs/{names.record_path(identity, attempt.number)}"
            try:
                data = spool.fs.read(f"{spool.root}/{path}")[0]
            except OSError:
                continue
            if record_is_over(data) or data.endswith(MARK):
                continue
            wid = (record_claim(data) or "").rpartition(".")[0]
            if not wid and chain.is_over(identity, attempt.number):
                yield _mute(identity, path, data)
            elif wid and not data.endswith(b"\n") and (proof := owners.proof(wid)):
                yield _cut(identity, path, data, f"{wid}: {proof}")


def _mute(identity: str, path: str, data: bytes) -> Fault:
    how = "breaks off before it says whose it is" if data else "is empty"
    text = f"{path} {how}: its writer was killed as it began that attempt"
    remedy = "nothing to do: a lease after it was made it counts as over, and the next attempt has the next number"
    return Fault("torn-record", identity, (path,), text, status=Status.NOTE, remedy=f"{remedy}; {KEPT}")


def _cut(identity: str, path: str, data: bytes, who: str) -> Fault:
    line = data.count(b"\n") + 1
    text = f"{path}, line {line}: it breaks off there, its writer was killed as it wrote ({who})"
    remedy = "nothing to do: that line is not read, and all before it is"
    return Fault("torn-record", identity, (path,), text, status=Status.NOTE, remedy=f"{remedy}; {KEPT}")


KEPT = "`dsgspool prune` removes it with its task"
