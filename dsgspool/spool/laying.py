"""Laying a spool down in a folder.

The rule: nothing that exists is ever overwritten or moved; what is missing is made.  With a group, every folder becomes
2770 and every file of the template 0640, and who is no member hears so before anything is touched.
"""

from __future__ import annotations

import grp
import os
from collections.abc import Iterator

from dsgspool import resources
from dsgspool.errors import NodeError
from dsgspool.fs import Fs
from dsgspool.shared_fs import SharedFs
from dsgspool.spool import FOLDERS

_PLACEHOLDERS = frozenset({".gitkeep", ".gitignore", "__pycache__"})


def lay_down(root: str, group: str = "") -> Iterator[str]:
    """Make a spool of folder `root`; yields what was made, paths below it (folders end with a slash)."""
    number = group_number(group) if group else None
    fs = SharedFs(group=True, floor=root) if number is not None else Fs()
    template = resources.spool_template()
    folders = ["", *FOLDERS]
    files = [path for path, _ in fs.walk(template) if os.path.basename(path) not in _PLACEHOLDERS]
    folders += sorted({os.path.dirname(path) for path in files} - set(folders))
    for folder in folders:
        path = f"{root}/{folder}".rstrip("/") or "/"
        if _make_folder(fs, path):
            yield f"{folder}/" if folder else root
        if number is not None:
            fs.hand_over(path, number, 0o2770)
    for file in files:
        if _copy(fs, f"{template}/{file}", f"{root}/{file}"):
            yield file
        if number is not None:
            fs.hand_over(f"{root}/{file}", number, 0o640)


def group_number(group: str) -> int:
    """The gid of a group that this user may give files to; NodeError with the remedy otherwise."""
    try:
        number = grp.getgrnam(group).gr_gid
    except KeyError:
        remedy = f"see the groups with: getent group; root makes one with: groupadd {group}"
        raise NodeError(f"this machine knows no group {group!r}: {remedy}") from None
    if os.geteuid() != 0 and number not in {os.getegid(), *os.getgroups()}:
        remedy = f"root adds you with: usermod -aG {group} $USER, and then log in anew"
        raise NodeError(f"you are not in the group {group!r}: {remedy}")
    return number


def _make_folder(fs: Fs, path: str) -> bool:
    try:
        fs.make_folder(path, exclusive=True)
    except FileExistsError:
        if not os.path.isdir(path):
            raise NodeError(f"{path} is there and is no folder: remove it, or choose another place") from None
        return False
    return True


def _copy(fs: Fs, source: str, target: str) -> bool:
    if os.path.basename(target) in fs.names(os.path.dirname(target)):
        return False
    # Whole at the first sight of it: a half one, left by a crash or a full disk, would count as there for ever.
    fs.replace(target, fs.read(source)[0])
    return True
