"""Whose files a worker runs, and why it does not run one.

The rule: whoever may write todo/ may run commands as the worker's user, so by default a worker runs only files of its
own user; a spool may trust a group instead (`group:`), and root's worker may run each file as its owner (`run_as`).
"""

from __future__ import annotations

import grp
from dataclasses import dataclass

from dsgspool import names
from dsgspool.errors import InvalidName
from dsgspool.settings import Settings
from dsgspool.spool.own import Text


@dataclass(frozen=True, slots=True)
class Me:
    """The worker's uid, as the server gives it to the worker's files, and the uid that owns the spool."""

    uid: int
    spool_owner: int


def why_foreign(text: Text, settings: Settings, me: Me) -> str:
    """Why a file of another user is not run; '' for one that is."""
    if settings.run_as == "owner":
        # What root's worker wrote lies where the spool's owner can move it: it must not become root's task.
        may_run = text.uid != 0 or me.spool_owner == 0
        return "" if may_run else "it is root's, and root's files are run only in a spool that root owns"
    if text.uid == me.uid:
        return ""
    if settings.group is not None:
        gid = group_id(settings.group)
        return (
            ""
            if text.gid == gid
            else f"its group is {text.gid}, not {settings.group} ({gid}): chgrp {settings.group} it"
        )
    return (
        f"its owner is uid {text.uid}, and this worker runs only files of uid {me.uid}: start a worker as that user, "
        "or set `group:` in spool.yaml to trust a group"
    )


def group_id(name: str) -> int:
    """Number of a group of this machine; -1, which is nobody's, when it has none of that name."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return -1


def why_no_name(original: str) -> str:
    """Why a name found in todo/ cannot be a task's."""
    try:
        names.parse(original)
    except InvalidName as error:
        return f"{error}; it lay in todo/ as {original!r}: rename it and move it back"
    return f"{original!r} cannot be the name of a task: with a claim in it, it is too long"
