"""The files that a sweep takes its values from, as they are when it is submitted.

The rule: what a worker would refuse later is told now, where that can be known: on this machine, as this user.  Nothing is
written down here; that happens once, when the sweep is divided the first time.
"""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING

from dsgspool.cli import output
from dsgspool.cli.choosing import UNDIVIDED
from dsgspool.errors import InvalidTask
from dsgspool.items import MARK, Sweep
from dsgspool.worker import launch

if TYPE_CHECKING:
    from dsgspool.settings import Settings
    from dsgspool.spool import Spool
    from dsgspool.task import Task

COUNTED = 200_000  #: comparisons until it takes too long to say how many items are excluded


def items_of(spool: Spool, settings: Settings, parse: Callable[..., Task]) -> Sweep | None:
    """The items that a task file stands for now; None when it is no sweep, or when its files cannot be seen from here."""
    task = parse()
    if task.sweep is None or not task.sweep.sources:
        return task.sweep
    from dsgspool.worker import reading
    from dsgspool.worker.admission import group_id

    default = spool.default_cwd(settings)
    folder = default if MARK in (task.cwd or "") else launch.folder(task, default)
    if not _is_seen(spool, folder):
        output.note(f"dsgspool: the files of `sweep` were not looked at: this machine has no folder {folder}")
        return None
    trusted = group_id(settings.group) if settings.group is not None and settings.run_as != "owner" else -1
    try:
        parts = reading.counted(task.sweep.sources, folder, reading.Trust({os.geteuid()}, trusted))
    except InvalidTask as error:
        raise InvalidTask(str(error)) from None  # with the name of that file, beside that of the task's
    return parse(parts=parts).sweep


def _is_seen(spool: Spool, folder: str) -> bool:
    try:
        return spool.fs.folder_is_there(folder)
    except PermissionError:
        return False


def check_free(spool: Spool, identity: str) -> None:
    """InvalidTask when a worker would refuse a new sweep of that name: one that is there, or was, has it."""
    from dsgspool.spool.divisions import Divisions
    from dsgspool.spool.moves import Moves
    from dsgspool.task import State
    from dsgspool.worker.peek import is_sweep
    from dsgspool.worker.sweeping import OTHER_NAME

    moves, why = Moves(spool), None
    # RACE: looked for in the direction in which it goes: a worker takes it, and divides it, while we look.
    for place in moves.find(identity, (*UNDIVIDED, State.RUNNING)):
        path = f"{spool.folder(place.state)}/{place.path}"
        if place.identity == identity and is_sweep(moves.fs.read_fresh(path) or b""):
            first = f"take another name, or first: dsgspool cancel {shlex.quote(identity)}"
            raise InvalidTask(
                f"there is a sweep of that name: it lies in {place.state}/",
                remedy=OTHER_NAME if place.state is State.RUNNING else first,
            )
    with contextlib.suppress(PermissionError):  # in somebody's private folder nobody can tell
        why = Divisions(moves).why_not_new(identity)
    if why:
        raise InvalidTask(why, remedy=OTHER_NAME)


def told(identity: str, sweep: Sweep) -> None:
    """Say how many items a sweep has, and what of its `exclude` leaves none out."""
    import json

    from dsgspool.sweeps import idle

    without = sum(sweep.values(number) is None for number in range(sweep.product)) if _is_counted(sweep) else 0
    items = f"{sweep.count - without:,} item{'s' if sweep.count - without != 1 else ''}"
    more = f" ({without:,} excluded)" if without else ""
    if sweep.exclude and not _is_counted(sweep):
        more = ", less those that `exclude` names"
    output.note(f"dsgspool: {identity} stands for {items}{more}")
    for entry in idle(sweep):
        words = json.dumps(entry, ensure_ascii=False)
        output.hint(f"`exclude: {words}` leaves nothing out: values are texts, so write them as the items have them")


def _is_counted(sweep: Sweep) -> bool:
    """True when it is quick to say how many are excluded: they are few, and none of their values stands in a file."""
    is_whole = all(isinstance(rows, list) or len(rows) != 2 for _, rows in sweep.factors)
    return is_whole and 0 < sweep.product * len(sweep.exclude) <= COUNTED
