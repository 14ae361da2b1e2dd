"""The rule: the bell is a hint, and a name counts as whole only when it was seen closed or renamed in."""

import os
import select

import pytest
from watchdog.events import DirCreatedEvent, FileClosedEvent, FileCreatedEvent, FileMovedEvent

from dsgspool.worker.watch import MAX_ASKED, MAX_CLOSED, Bell
from tests.support.waiting import wait_until


@pytest.fixture
def bell():
    bell = Bell("/spool/todo", usable=False)
    yield bell
    bell.disarm()
    os.close(bell.ears)
    os.close(bell._mouth)


def test_a_node_without_threads_to_spare_goes_on_without_a_bell(tmp_path, monkeypatch):
    def refuse(_bell):
        raise RuntimeError("can't start new thread")

    bell = Bell(str(tmp_path), usable=True)
    monkeypatch.setattr(Bell, "_listen", refuse)
    assert not bell.arm(1)
    assert "polling only" in bell.trouble


@pytest.fixture
def armed(tmp_path):
    bell = Bell(str(tmp_path), usable=True)
    assert bell.arm(tmp_path.stat().st_ino)
    yield bell
    bell.disarm()


def rings(bell, seconds=5.0):
    return bool(select.select([bell.ears], [], [], seconds)[0]) and bell.heard()


def test_a_file_that_was_only_made_does_not_ring_and_is_open(bell):
    bell.on_event(FileCreatedEvent("/spool/todo/a.yaml"))
    assert not bell.heard()
    assert bell.is_open("a.yaml")
    assert not bell.saw_closed("a.yaml")


def test_its_close_rings_and_it_is_whole_once(bell):
    bell.on_event(FileCreatedEvent("/spool/todo/a.yaml"))
    bell.on_event(FileClosedEvent("/spool/todo/a.yaml"))
    assert bell.heard()
    assert not bell.heard()
    assert not bell.is_open("a.yaml")
    assert bell.saw_closed("a.yaml")
    assert not bell.saw_closed("a.yaml")


def test_a_file_renamed_in_is_whole(bell):
    bell.on_event(FileMovedEvent("", "/spool/todo/s/a.yaml"))
    assert bell.heard()
    assert bell.saw_closed("s/a.yaml")


def test_a_file_renamed_out_is_nothing(bell):
    """Else every claim would leave a mark by which the next file of that name counts as whole, half-written or not."""
    bell.on_event(FileMovedEvent("/spool/todo/a.yaml", ""))
    assert not bell.heard()
    assert not bell.saw_closed("a.yaml")


def test_a_file_made_anew_is_not_whole_because_the_old_one_was(bell):
    bell.on_event(FileClosedEvent("/spool/todo/a.yaml"))
    bell.on_event(FileCreatedEvent("/spool/todo/a.yaml"))
    assert not bell.saw_closed("a.yaml")


def test_what_was_seen_is_forgotten_when_nobody_listens(bell):
    bell.on_event(FileClosedEvent("/spool/todo/a.yaml"))
    bell.disarm()
    assert not bell.saw_closed("a.yaml")


def test_what_is_never_closed_is_left_alone_only_for_some_looks(bell):
    bell.on_event(FileCreatedEvent("/spool/todo/link.yaml"))
    assert [bell.is_open("link.yaml") for _ in range(MAX_ASKED + 1)] == [True] * MAX_ASKED + [False]


def test_a_new_batch_folder_rings(bell):
    bell.on_event(DirCreatedEvent("/spool/todo/sweep-a"))
    assert bell.heard()


def test_what_is_no_task_rings_when_it_is_made(bell):
    bell.on_event(FileCreatedEvent("/spool/todo/README"))
    assert bell.heard()
    assert not bell.is_open("README")


def test_only_so_many_names_are_remembered(bell):
    for number in range(MAX_CLOSED + 5):
        bell.note(f"/spool/todo/{number}.yaml", closed=True)
    assert not bell.saw_closed("4.yaml")
    assert bell.saw_closed("5.yaml")


def test_a_full_bell_rings_on(bell):
    for _ in range(70_000):
        bell.note("/spool/todo/a.yaml", closed=True)
    assert bell.heard()


def test_a_file_written_into_the_folder_rings(armed, tmp_path):
    (tmp_path / "a.yaml").write_text("command: x\n")
    assert rings(armed)
    wait_until(lambda: armed.saw_closed("a.yaml"), 5, lambda: "never seen closed")


def test_a_file_in_a_new_batch_folder_rings(armed, tmp_path):
    (tmp_path / "s").mkdir()
    assert rings(armed)
    (tmp_path / "s" / "b.yaml").write_text("command: x\n")
    assert rings(armed)


def test_a_claim_leaves_no_mark(armed, tmp_path, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("running")
    (tmp_path / "a.yaml").write_text("command: x\n")
    wait_until(lambda: armed.saw_closed("a.yaml"), 5, lambda: "never seen closed")
    (tmp_path / "a.yaml").rename(elsewhere / "a.yaml")
    (tmp_path / "b.yaml").write_text("command: x\n")
    wait_until(lambda: armed.saw_closed("b.yaml"), 5, lambda: "never seen closed")
    assert not armed.saw_closed("a.yaml")


def test_a_folder_that_is_gone_is_no_error_but_deaf(tmp_path):
    bell = Bell(str(tmp_path / "away"), usable=True)
    assert not bell.arm(1)
    assert not bell.is_armed
    assert "polling only" in bell.trouble


def test_another_folder_of_that_name_is_listened_to_anew(armed, tmp_path):
    inode = tmp_path.stat().st_ino
    assert not armed.arm(inode)
    assert armed.arm(inode + 1)


def test_on_a_share_nobody_listens(tmp_path):
    bell = Bell(str(tmp_path), usable=False)
    assert not bell.arm(1)
    assert not bell.is_armed


def test_a_file_made_in_a_folder_that_was_just_made_is_not_waited_for(bell):
    """The folder is watched a moment after it was made: the close of what was made in it may have made no sound."""
    bell.on_event(DirCreatedEvent("/spool/todo/s"))
    bell.heard()
    bell.on_event(FileCreatedEvent("/spool/todo/s/a.yaml"))
    assert bell.heard()
    assert not bell.is_open("s/a.yaml")
