"""The rule: the journal is telemetry; trouble with it loses lines, never tasks."""

import contextlib
import errno
import io
import json
import os
import sys

import pytest

from dsgspool.spool import Spool
from dsgspool.worker import journal as module
from dsgspool.worker.journal import Journal, clean
from tests.support.doors import FullFs

WID = "n1-aaaaaaaa"


@pytest.fixture
def fs(world):
    return FullFs(world.clock)


@pytest.fixture
def journal(world, fs):
    journal = Journal(Spool(world.root, fs, world.clock), WID, quiet=False)
    yield journal
    if journal._descriptor >= 0:
        os.close(journal._descriptor)


def lines(world, part=""):
    with open(f"{world.spool.workers}/{WID}{part}.jsonl") as file:
        return [json.loads(line) for line in file]


def test_an_event_is_a_line_on_the_screen_and_one_in_the_journal(journal, world, capfd):
    journal.event(0.0, "start", "start   x", task="x", attempt=1)
    journal.flush()
    journal.save()
    assert capfd.readouterr().out.endswith("  start   x\n")
    assert lines(world) == [{"at": "1970-01-01T00:00:00.000Z", "event": "start", "task": "x", "attempt": 1}]


def test_quiet_means_nothing_on_the_screen(journal, capfd):
    journal.quiet = True
    journal.event(0.0, "start", "start   x")
    journal.flush()
    assert capfd.readouterr().out == ""


def test_names_cannot_steer_a_terminal(journal, capfd):
    journal.event(0.0, "start", "start   \x1b[2Ja\nb\udcff\u202e")
    journal.flush()
    assert "\\x1b[2Ja\\x0ab\\xdcff\\x202e" in capfd.readouterr().out


def test_what_is_harmless_stays():
    assert clean("fold ü 'x' → y") == "fold ü 'x' → y"


def test_a_terminal_without_the_letters_of_a_name_gets_their_numbers(journal, monkeypatch, tmp_path):
    with open(tmp_path / "screen", "w", encoding="ascii") as screen:
        monkeypatch.setattr(sys, "stdout", screen)
        journal.event(0.0, "start", "start   ü")
        journal.flush()
        monkeypatch.undo()
    assert b"start   \\xfc\n" in (tmp_path / "screen").read_bytes()


def test_a_screen_that_stands_still_stops_nothing_and_gets_its_lines_later(journal, monkeypatch):
    ears, mouth = os.pipe2(os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(mouth, bytes(4096))
    os.set_blocking(mouth, True)
    with open(mouth, "w") as screen, open(ears, "rb", buffering=0) as reader:
        monkeypatch.setattr(sys, "stdout", screen)
        journal.event(0.0, "start", "start   x")
        journal.flush()
        while b"start" not in (seen := reader.read(1 << 20) or b"start"):
            journal.flush()
        monkeypatch.undo()
        assert b"start   x" in seen


def test_a_screen_that_is_gone_silences_the_worker_and_no_more(journal, monkeypatch):
    class Gone(io.StringIO):
        def write(self, _text):
            raise BrokenPipeError(errno.EPIPE, "gone")

    monkeypatch.setattr(sys, "stdout", Gone())
    journal.event(0.0, "start", "start   x")
    journal.flush()
    assert journal.quiet


def test_on_a_full_disk_lines_are_kept_until_there_is_space(journal, fs, world):
    journal.event(0.0, "one")
    journal.save()
    fs.space = False
    journal.event(0.0, "two")
    journal.save()
    fs.space = True
    journal.event(0.0, "three")
    journal.save()
    assert [line["event"] for line in lines(world)] == ["one", "two", "three"]
    assert journal.dropped == 0


def test_too_many_lines_are_dropped_and_counted(journal, monkeypatch):
    monkeypatch.setattr(module, "MAX_PENDING", 2)
    for _ in range(5):
        journal.event(0.0, "x")
    assert journal.dropped == 3


def test_a_long_journal_goes_on_in_another_file(journal, world, monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    for word in ("one", "two", "three"):
        journal.event(0.0, word)
        journal.save()
    assert [lines(world, part)[0]["event"] for part in ("", ".2", ".3")] == ["one", "two", "three"]


def test_a_descriptor_that_was_closed_is_never_used_again(journal, world, monkeypatch):
    """The number may be another file's by then: a record, for example."""
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    journal.event(0.0, "one")
    journal.save()
    monkeypatch.setattr(
        journal.spool.fs, "open_log", lambda _path: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full"))
    )
    journal.event(0.0, "two")
    journal.save()
    assert journal._descriptor == -1
    monkeypatch.undo()
    journal.save()
    assert lines(world, ".2")[0]["event"] == "two"
