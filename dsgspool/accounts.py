"""Users of this machine, as whom root's worker runs commands (`run_as: owner`).

The rule: what belongs to a user is opened as that user: root must not open for somebody what that one may not open.
"""

from __future__ import annotations

import contextlib
import os
import pwd
from collections.abc import Iterator, Sequence

from dsgspool.classes import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine, as whom root's worker runs a command (`run_as: owner`)."""

    uid: int
    gid: int
    groups: list[int]
    name: str
    home: str

    def variables(self) -> dict[str, str]:
        """What a login would set: with root's HOME the user's programs would look in root's folder."""
        return {"HOME": self.home, "USER": self.name, "LOGNAME": self.name}

    def wrap(self, argv: Sequence[str], cwd: str, stdin: str) -> list[str]:
        """The command line that enters `cwd` and opens `stdin` as this user: root must not do it for them."""
        return [
            "/bin/sh",
            "-c",
            'cd -- "$1" && true <"$2" || exit 126; exec <"$2"; shift 2; exec "$@"',
            "sh",
            cwd,
            stdin,
            *argv,
        ]


def account(uid: int) -> Account:
    """A user of this machine; KeyError when it has none of that number."""
    user = pwd.getpwuid(uid)
    return Account(uid, user.pw_gid, os.getgrouplist(user.pw_name, user.pw_gid), user.pw_name, user.pw_dir)


def name_of(uid: int) -> str:
    """How people call a user; `uid 1234` for one that this machine does not know."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


@contextlib.contextmanager
def acting_as(account: Account | None) -> Iterator[None]:
    """Meanwhile files are opened with a user's rights, on a share too (root is nobody there); None = as I am."""
    if account is None:
        yield
        return
    uid, gid = os.geteuid(), os.getegid()
    os.setegid(account.gid)
    os.seteuid(account.uid)
    try:
        yield
    finally:
        os.seteuid(uid)
        os.setegid(gid)
