"""The rule: a file that others may write to is not obeyed; a group of one is nobody else."""

import grp
import pwd

import pytest

from dsgspool import permissions

ME, MINE, LAB = 4711, 4712, 4713


@pytest.fixture(autouse=True)
def accounts(monkeypatch):
    groups = {MINE: ("ann", ["ann"]), LAB: ("lab", ["ann", "bob"]), 9999: ("ann", ["ann", "bob"])}
    users = {ME: "ann"}

    def group(gid):
        name, members = groups[gid]
        return grp.struct_group((name, "x", gid, members))

    monkeypatch.setattr(grp, "getgrgid", group)
    monkeypatch.setattr(
        pwd, "getpwuid", lambda uid: pwd.struct_passwd((users[uid], "x", uid, MINE, "", "/", "/bin/sh"))
    )
    permissions._is_private.cache_clear()
    yield
    permissions._is_private.cache_clear()


@pytest.mark.parametrize(
    ("gid", "mode", "others"),
    [
        (LAB, 0o644, ""),
        (LAB, 0o640, ""),
        (LAB, 0o660, "group lab"),
        (LAB, 0o664, "group lab"),
        (MINE, 0o664, ""),  # umask 002 where each user has a group of their own
        (9999, 0o664, "group ann"),  # such a group, to which somebody was added
        (LAB, 0o602, "everybody"),
        (MINE, 0o666, "everybody"),
        (5000, 0o660, "group 5000"),  # a group that this machine does not know
    ],
)
def test_who_else_may_write_to_a_file(gid, mode, others):
    assert permissions.other_writers(ME, gid, mode) == others


def test_without_accounts_equal_numbers_are_a_group_of_one():
    assert permissions.other_writers(5000, 5000, 0o660) == ""
