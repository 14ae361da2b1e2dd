"""The rule: by default a worker runs only files of its own user, and only those that nobody else may write to."""

import os

import pytest

from dsgspool.errors import SettingsError
from dsgspool.settings import Settings
from dsgspool.spool.own import Text
from dsgspool.worker.admission import Me, obeyed, why_foreign

ME = Me(uid=1000, spool_owner=1000)


def text(uid, gid=100, mode=0o644):
    return Text(b"command: x\n...\n", (1, 1, 1), uid, gid, mode)


def test_a_file_of_another_user_is_not_run():
    assert why_foreign(text(1000), Settings(), ME) == ""
    assert "uid 1001" in why_foreign(text(1001), Settings(), ME)


def test_a_file_of_mine_that_others_may_write_to_is_not_run():
    assert "everybody may write to it" in why_foreign(text(1000, mode=0o646), Settings(), ME)
    assert "may write to it" in why_foreign(text(1000, 12345, 0o664), Settings(), ME)
    assert why_foreign(text(1000, 0, 0o664), Settings(group="root"), ME) == ""
    assert "everybody may write to it" in why_foreign(text(1000, 0, 0o666), Settings(group="root"), ME)


def test_a_group_is_trusted_only_when_the_spool_says_so():
    assert "its group is 12345" in why_foreign(text(1001, 12345), Settings(group="root"), ME)
    assert why_foreign(text(1001, 0), Settings(group="root"), ME) == ""


def test_root_runs_roots_files_only_in_roots_spool():
    settings = Settings(run_as="owner")
    assert why_foreign(text(1001), settings, ME) == ""
    assert "root" in why_foreign(text(0), settings, ME)
    assert why_foreign(text(0), settings, Me(uid=0, spool_owner=0)) == ""


def test_a_spool_yaml_of_somebody_else_is_not_obeyed(world):
    me = os.geteuid()
    assert obeyed(world.spool, Me(uid=me, spool_owner=4711)) == obeyed(world.spool, Me(uid=4711, spool_owner=me))
    status = os.stat_result((0o100644, 1, 1, 1, 1234, 1234, 0, 0, 0, 0))
    world.spool.fs.read = lambda _path: (b"format: 1\n", status)
    for known in (Me(uid=1234, spool_owner=4711), Me(uid=4711, spool_owner=1234)):
        obeyed(world.spool, known)
    with pytest.raises(SettingsError, match="its owner is uid 1234"):
        obeyed(world.spool, Me(uid=4711, spool_owner=4712))


def test_a_spool_yaml_that_others_may_write_to_is_not_obeyed(world):
    me = os.geteuid()
    os.chmod(f"{world.root}/spool.yaml", 0o646)
    with pytest.raises(SettingsError, match="everybody may write to it"):
        obeyed(world.spool, Me(uid=me, spool_owner=me))
