"""Whose files a worker runs, and why it does not run one.

The rule: whoever may write todo/ may run commands as the worker's user, so by default a worker runs only files of its
own user; a spool may trust a group instead (`group:`), and root's worker may run each file as its owner (`run_as`).  What
is checked is the open file whose bytes are run, each time that it is read.
"""

from __future__ import annotations

import grp

from dsgspool import names
from dsgspool.accounts import Account, account
from dsgspool.classes import dataclass
from dsgspool.errors import InvalidName, InvalidTask, SettingsError
from dsgspool.expressions import expression
from dsgspool.permissions import other_writers, why_not_obeyed
from dsgspool.settings import Settings
from dsgspool.spool import SETTINGS, Spool
from dsgspool.spool.own import Held, Text, Unusable

_NO_NAME = expression("invalid-[0-9a-f]{12}")  #: what `names.invalid_name` makes
FIRST_USER = 1000  #: uid of the first person (login.defs(5), UID_MIN): nobody's task runs as a service's account


@dataclass(frozen=True, slots=True)
class Me:
    """The worker's uid, as the server gives it to the worker's files, and the uid that owns the spool."""

    uid: int
    spool_owner: int


def judged(read: Text | Unusable | None, settings: Settings, me: Me) -> Text | Unusable | None:
    """What was read, or why its bytes are not run.

    RACE: asked at every reading: who may write to a worker's folder may put another file there while one settles.
    """
    why = why_foreign(read, settings, me) if isinstance(read, Text) else ""
    return Unusable(why) if why else read


def why_foreign(text: Text, settings: Settings, me: Me) -> str:
    """Why a file of another user is not run, or one that another user may have written to; '' for one that is run."""
    trusted = group_id(settings.group) if settings.group is not None and settings.run_as != "owner" else None
    if (why := _why_foreign_owner(text, settings, me, trusted)) or (text.gid == trusted and not text.mode & 0o002):
        return why
    if others := other_writers(text.uid, text.gid, text.mode):
        who = "o" if others == "everybody" else "g"
        more = "" if who == "o" else ", or set `group:` in spool.yaml to trust a group"
        return f"{others} may write to it, and whoever does would make this worker run it: chmod {who}-w it{more}"
    return ""


def _why_foreign_owner(text: Text, settings: Settings, me: Me, trusted: int | None) -> str:
    if settings.run_as == "owner":
        # What root's worker wrote lies where the spool's owner can move it: it must not become root's task.
        may_run = text.uid != 0 or me.spool_owner == 0
        return "" if may_run else "it is root's, and root's files are run only in a spool that root owns"
    if text.uid == me.uid or text.gid == trusted:
        return ""
    if trusted is not None:
        return f"its group is {text.gid}, not {settings.group} ({trusted}): chgrp {settings.group} it"
    return (
        f"its owner is uid {text.uid}, and this worker runs only files of uid {me.uid}: start a worker as that user, "
        "or set `group:` in spool.yaml to trust a group"
    )


def owner_of(text: Text, settings: Settings, me: Me) -> int:
    """Who alone may read a task that is made of a file of that owner and mode; -1 = others may too.

    root's worker makes a task of that owner, not one of root; what nobody else may read stays so."""
    if settings.run_as == "owner" and text.uid != me.uid:
        return text.uid
    return -1 if text.mode & 0o077 else me.uid


def user_of(text: Text, settings: Settings, me: Me) -> Account | None:
    """As whom the command of a task file runs: None = as the worker."""
    if settings.run_as != "owner" or text.uid == me.uid:
        return None
    if text.uid < FIRST_USER:
        raise InvalidTask(f"its owner, uid {text.uid}, is an account of the system (below {FIRST_USER})")
    try:
        return account(text.uid)
    except KeyError:
        raise InvalidTask(f"its owner, uid {text.uid}, has no account on this machine") from None


def obeyed(spool: Spool, me: Me) -> Settings:
    """spool.yaml as it is now; SettingsError unless nobody wrote it but the spool's owner, the worker's user or root.

    It says who is trusted and what runs before every command.
    """
    settings = spool.settings()
    if why := why_not_obeyed(spool.settings_status, me.uid, me.spool_owner, "what every worker runs"):
        raise SettingsError(f"{spool.root}/{SETTINGS}", why)
    return settings


def group_id(name: str) -> int:
    """Number of a group of this machine; -1, which is nobody's, when it has none of that name."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return -1


def why_no_name(held: Held) -> str:
    """Why the name of a file cannot be a task's, '' for one that can be.

    RACE: who took it died, or the disk was full, before there was a record: then nobody knows its own name any more.
    """
    if not (original := held.original):
        is_lost = _NO_NAME.fullmatch(held.name.identity)
        return "so is called what had a name that cannot be a task's: rename it and move it back" if is_lost else ""
    try:
        names.parse(original)
    except InvalidName as error:
        return f"{error}; it lay in todo/ as {original!r}: rename it and move it back"
    return f"{original!r} cannot be the name of a task: with a claim in it, it is too long"
