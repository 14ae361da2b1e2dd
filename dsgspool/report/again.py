"""The commands that run failed tasks again, for the page and for report.txt.

The rule: a command takes every task that it stands beside, or its label says how many; and in front of tasks that failed for
others' sake those others, or all would fail again.  It names them when they are few; it picks by a reason that no other
cause has; else it reads their names from a file that lies beside the data of the page.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from dsgspool.report import chunks
from dsgspool.report.larger import NEVER, larger, run_changed
from dsgspool.report.text import plain
from dsgspool.spool.dependencies import BLAME, meaning, top_of
from dsgspool.task import After, Kind, State

if TYPE_CHECKING:
    from dsgspool.report.book import Failure
    from dsgspool.report.digest import Digest
    from dsgspool.report.failures import Cause

FEW = 4  #: tasks that a command names one by one even where their reason says the same
MAX_NAMES = 50  #: in one command


def again(digest: Digest, cause: Cause) -> tuple[str, str]:
    """(label, command) that runs all tasks of a cause again; with twice the limit by which all of them failed."""
    root = digest.book.root
    if named := _with_more(digest, cause):
        return named
    tasks = _with_culprits(digest, cause)
    if tag := _own_reason(digest, cause):
        command = requeue_reason(root, tag)
    else:
        command = (requeue_listed if _is_listed(digest, tasks) else requeue_command)(root, tasks)
    if cause.tags.keys() == {Kind.EXPIRED}:  # and they cannot be changed by name
        return "To hold/, to be given another expires", f"{command} --hold"
    return f"Run {'it' if len(tasks) == 1 else 'all'} again{_first(cause)}", command


def _with_more(digest: Digest, cause: Cause) -> tuple[str, str] | None:
    """The same with more time or memory, or without `expires`; None where that does not help, or they are too many."""
    change = larger((task.identity, task.tag, task.reason) for task in cause.tasks)
    if not change or _is_listed(digest, cause.tasks):
        return None
    what = "with more time" if change.startswith("timeout") else "with more memory"
    what = "without expires" if change == NEVER else what
    program, names = f"dsgspool --spool {shlex.quote(digest.book.root)}", _names(cause.tasks)
    return f"Run {'it' if cause.count == 1 else 'all'} again {what}", run_changed(program, names, change)


def by_hand(digest: Digest, cause: Cause) -> tuple[str, str]:
    """(label, command) without the program."""
    root, tasks = digest.book.root, _with_culprits(digest, cause)
    label = "By hand" if len(tasks) <= MAX_NAMES else f"By hand, the newest {MAX_NAMES} of {len(tasks):,}"
    return f"{label}{_first(cause)}", move_command(root, tasks)


def _first(cause: Cause) -> str:
    """What a person does before, without which they only fail again."""
    words = {Kind.INVALID: ", once mended", Kind.EXPIRED: ", with another expires"}
    return next((what for tag, what in words.items() if cause.tags.keys() == {tag}), "")


def lists(digest: Digest) -> Iterator[tuple[str, bytes]]:
    """(name, content) of each file of names that a command reads."""
    for cause in (*digest.causes, *digest.cancelled):
        tasks = _with_culprits(digest, cause)
        if _is_listed(digest, tasks) and not _own_reason(digest, cause):
            yield _list(tasks)


def _with_culprits(digest: Digest, cause: Cause) -> Sequence[Failure]:
    """All tasks of a cause, and before them whatever failed that they, and those, came after."""
    if Kind.DEPENDENCY not in cause.tags:
        return cause.tasks
    failed: dict[str, dict[str, Failure]] = {}  # by batch
    for task in digest.book.failed:
        failed.setdefault(task.batch, {})[task.identity] = task
    found, asked, left = {task.identity: task for task in cause.tasks}, set[str](), [*cause.tasks]
    while left:
        blame = BLAME.fullmatch(left.pop().reason)
        if blame is None or blame[4] != "failed" or (what := blame[2] or blame[1]) in asked:
            continue
        asked.add(what)
        for task in _meant(what, failed):
            if task.identity not in found:
                found[task.identity] = task
                left.append(task)
    return (*reversed([*found.values()][cause.count :]), *cause.tasks)


def _meant(what: str, failed: Mapping[str, Mapping[str, Failure]]) -> list[Failure]:
    """What lies in failed/, by batch, of a name, a batch or a pattern."""
    batch = top_of(what).partition("/")[0]
    if not After(what).is_many:
        task = failed.get(batch, {}).get(what)
        return [task] if task else []
    there = [failed.get(batch, {})] if batch else failed.values()
    is_meant = meaning(what)
    return [task for tasks in there for name, task in tasks.items() if is_meant(name)]


def _own_reason(digest: Digest, cause: Cause) -> str:
    """The reason that all tasks of a cause have and no others, '' when they are few or there is none."""
    if cause.count <= FEW or len(cause.tags) != 1 or Kind.DEPENDENCY in cause.tags:
        return ""
    tag = next(iter(cause.tags))
    return "" if any(tag in other.tags for other in digest.causes if other is not cause) else tag


def _is_listed(digest: Digest, tasks: Sequence[Failure]) -> bool:
    """True when names in a command would be too many, or would not do: as a pattern, the name of a task means a batch of
    that name too, and where a sign stands for what cannot be seen it is no name any more."""
    batches = digest.book.snapshot.batches
    return len(tasks) > MAX_NAMES or any(
        task.identity in batches or plain(task.identity) != task.identity for task in tasks
    )


def _list(tasks: Sequence[Failure]) -> tuple[str, bytes]:
    names = "".join(f"{task.identity}\n" for task in tasks)
    return f"again-{chunks.digest(names)}.txt", names.encode()


def requeue_reason(root: str, tag: str) -> str:
    """The command that runs all failed tasks again that have this reason."""
    return f"{_program(root)} --failed --reason {shlex.quote(tag)}"


def requeue_listed(root: str, tasks: Sequence[Failure]) -> str:
    """The command that runs failed tasks again whose names lie in a file."""
    return f"{_program(root)} --failed --from {shlex.quote(f'{root}/reports/data/{_list(tasks)[0]}')}"


def requeue_command(root: str, tasks: Sequence[Failure]) -> str:
    """The command that runs failed tasks again, by their names."""
    dashes = ["--"] if any(task.identity.startswith("-") for task in tasks) else []
    return " ".join([_program(root), *dashes, _names(tasks)])


def _names(tasks: Sequence[Failure]) -> str:
    return " ".join(shlex.quote(_literal(task.identity)) for task in tasks)


def _program(root: str) -> str:
    return f"dsgspool --spool {shlex.quote(root)} requeue"


def _literal(identity: str) -> str:
    """A pattern that only this name matches."""
    return re.sub(r"[\[*?]", lambda match: f"[{match[0]}]", identity)


def move_command(root: str, tasks: Sequence[Failure]) -> str:
    """Files in failed/ go back to todo/; of very many it names the first."""
    folders: dict[str, list[str]] = {}
    for task in tasks[:MAX_NAMES]:
        batch = task.identity.rpartition("/")[0]
        folders.setdefault(f"{State.TODO}/{batch}/" if batch else f"{State.TODO}/", []).append(
            f"{State.FAILED}/{task.path}"
        )
    return " && ".join([f"cd {shlex.quote(root)}", *(_moved(folder, paths) for folder, paths in folders.items())])


def _moved(folder: str, paths: Sequence[str]) -> str:
    make = "" if folder == f"{State.TODO}/" else f"mkdir -p {shlex.quote(folder)} && "
    return f"{make}mv -n {' '.join(map(shlex.quote, paths))} {shlex.quote(folder)}"
