"""Settings, folders and who may do what in them.

The rule: whoever may write into todo/ runs commands as the worker's user, so what is open to all is a failure, and what
a group shares must be shared in every folder.
"""

from __future__ import annotations

import contextlib
import grp
import os
import shlex
import stat
from collections.abc import Iterator, Mapping

from dsgspool.accounts import name_of
from dsgspool.conditions import digits
from dsgspool.doctor import raw
from dsgspool.doctor.repair import Action, Fault
from dsgspool.doctor.semantics import refused
from dsgspool.doctor.values import Finding, Status, some
from dsgspool.errors import NodeError, SettingsError
from dsgspool.policy import batch_of
from dsgspool.settings import Settings
from dsgspool.shared_fs import SharedFs
from dsgspool.spool import FOLDERS, PAUSE, SETTINGS, Spool
from dsgspool.spool.finals import MARKS, batch_over
from dsgspool.spool.laying import group_number
from dsgspool.spool.policies import read_policies
from dsgspool.spool.trials import OVER

USED = tuple(name for name in FOLDERS if name != "hooks")  #: that one is kept for later versions


def settings(spool: Spool) -> Finding:
    """spool.yaml as workers read it."""
    try:
        found = spool.settings()
    except SettingsError as error:
        return _found(
            "settings", Status.FAIL, f"{error}", f"mend {spool.root}/{SETTINGS}: workers take nothing until then"
        )
    except OSError as error:
        return refused("spool.settings", "spool", error)
    beat = f"heartbeat {digits(found.heartbeat)} s, lease {digits(found.lease)} s"
    return _found(
        "settings",
        Status.OK,
        f"{SETTINGS} is right ({beat})",
        facts={"heartbeat": found.heartbeat, "lease": found.lease},
    )


def group(settings: Settings) -> Iterator[Finding]:
    """The group that spool.yaml trusts."""
    if settings.group is not None:
        try:
            number = group_number(settings.group)
        except NodeError as error:
            text, _, remedy = str(error).partition(": ")
            yield _found("group", Status.FAIL, text, remedy)
        else:
            yield _found("group", Status.OK, f"group {settings.group} ({number}) is known here and you are in it")


def missing(spool: Spool) -> Iterator[Fault]:
    """Folders that are not there, or are none; any worker makes them when it starts."""
    there = dict(spool.fs.scan(spool.root))
    for name in FOLDERS:
        if name not in there:
            action = Action("mkdir", f"{spool.root}/{name}", mode=0o2770 if spool.fs.group else 0)
            yield Fault("missing-folder", "", (name,), f"{name}/ is missing", (action,), safe=True)
            continue
        if why := _why_no_folder(spool, name, is_folder=there[name]):
            path, away = (shlex.quote(f"{spool.root}/{name}{end}") for end in ("", ".odd"))
            remedy = f"mv {path} {away}; a worker makes the folder when it starts"
            yield Fault("no-folder", "", (name,), f"{name} {why}", status=Status.FAIL, remedy=remedy)


def _why_no_folder(spool: Spool, name: str, *, is_folder: bool) -> str:
    try:
        spool.fs.status_of_folder(f"{spool.root}/{name}")
    except NotADirectoryError:
        return "is no folder"
    except OSError:  # a private one is told by the look at what may be done there
        return ""
    if is_folder or not isinstance(spool.fs, SharedFs):
        return ""
    return (
        "is a link: where others may lay links workers do nothing through one, and what lies there is not the spool's"
    )


def modes(spool: Spool) -> Iterator[Fault]:
    """Folders that are open to everybody, or not to the group that has all the others."""
    seen = dict(_folders(spool))
    whole = spool.fs.status_of_folder(spool.root)
    shared = "todo" in seen and seen["todo"].st_mode & 0o2020 == 0o2020
    for name, status in {"": whole, **seen}.items():
        path, mode = f"{spool.root}/{name}".rstrip("/"), stat.S_IMODE(status.st_mode)
        if mode & 0o002:
            action = Action("chmod", path, mode=mode & ~0o002)
            what = "take away what others need" if name in ("reports", "taken") else "run commands as the worker's user"
            text = f"{name or spool.root}/ may be written by everybody, who can so {what}"
            yield Fault("open-to-all", "", (name,), text, (action,), status=Status.FAIL)
        elif name and shared and (mode & 0o2070 != 0o2070 or mode & 0o1000):
            action = Action("chmod", path, mode=0o2770)
            text = f"{name}/ has mode {mode:04o} in a spool that a group shares (todo/ has setgid and group-write)"
            yield Fault("group-mode", "", (name,), text, (action,), safe=True)
        elif name == "todo" and mode & 0o1000:
            action = Action("chmod", path, mode=mode & ~0o1000)
            yield Fault("sticky", "", (name,), "todo/ is sticky: a worker of another user cannot claim", (action,))


def _folders(spool: Spool) -> Iterator[tuple[str, os.stat_result]]:
    there = set(spool.fs.names(spool.root))
    for name in [name for name in USED if name in there]:
        with contextlib.suppress(PermissionError, NotADirectoryError):  # told by others of these looks
            yield name, spool.fs.status_of_folder(f"{spool.root}/{name}")


def owner(spool: Spool) -> Finding:
    """Whose spool this is, for this user."""
    status = spool.fs.status_of_folder(spool.root)
    mode = stat.S_IMODE(spool.fs.status_of_folder(spool.todo).st_mode)
    facts = {"uid": status.st_uid, "gid": status.st_gid, "mode": f"{mode:04o}", "me": os.geteuid()}
    whose = f"owned by {name_of(status.st_uid)}, group {_group(status.st_gid)}, todo/ {mode:04o}"
    run_as = _run_as(spool)
    if os.geteuid() == 0 and status.st_uid != 0 and run_as != "owner":
        remedy = "run workers as the owner, or set `run_as: owner` in spool.yaml"
        return _found("owner", Status.WARN, f"{whose}; root's workers refuse it", remedy, facts=facts)
    there = set(spool.fs.names(spool.root))
    closed = [name for name in USED if name in there and not raw.may_write(f"{spool.root}/{name}")]
    if closed:
        text = f"{whose}; you may not write into {some([f'{name}/' for name in closed])}"
        remedy = "the owner can share it: dsgspool init --group G, and `group: G`"
        if os.geteuid() == 0:
            who = (
                f"work as {name_of(status.st_uid)}, who owns it"
                if status.st_uid
                else "give it to a user, on the server"
            )
            remedy = f"its server seems to take root for nobody (root_squash): {who}, or export it with no_root_squash"
        return _found("owner", Status.FAIL, text, remedy, facts=facts)
    if status.st_uid != os.geteuid() and os.geteuid() != 0 and not mode & 0o020:
        return _found("owner", Status.WARN, f"{whose}: not yours", "", facts=facts)
    return _found("owner", Status.OK, whose, facts=facts)


def _run_as(spool: Spool) -> str:
    try:
        return spool.settings().run_as
    except (SettingsError, OSError):
        return ""


def pause(spool: Spool) -> Iterator[Finding]:
    """A spool that somebody stopped."""
    if PAUSE in spool.fs.names(spool.root):
        yield _found("pause", Status.NOTE, "the spool is paused: nobody takes tasks", "dsgspool resume")


def policies(spool: Spool) -> Iterator[Finding]:
    """Files in batches/ that are not obeyed, and names there that are nobody's."""
    found = read_policies(spool)
    for batch in found.entries:
        if why := found.why_unread(batch):
            yield _found("batch", Status.WARN, f"{why}; nothing of the batch {batch} is started", "mend that file")
    for name, is_folder in sorted(spool.fs.scan(f"{spool.root}/batches")):
        if batch_over(name) and not is_folder:
            text = f"batches/{name} is no folder: nothing is made or told when that batch is over"
            yield _found("batch", Status.WARN, text, f"rm {shlex.quote(f'{spool.root}/batches/{name}')}")
        stem, _, what = name.rpartition(".")
        is_decision = what in {*OVER, *OVER.values(), *MARKS} and batch_of(f"{stem}.yaml")
        if not (batch_of(name) or is_decision or name.startswith(".")):
            yield _found("batch", Status.WARN, f"batches/{name} is not read", "call it batches/NAME.yaml, or remove it")


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return f"gid {gid}"


def _found(
    name: str, status: Status, text: str, remedy: str = "", facts: Mapping[str, object] | None = None
) -> Finding:
    return Finding(f"spool.{name}", "spool", status, text, remedy, facts or {})
