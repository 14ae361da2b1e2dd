"""`dsgspool logs`: which log, how far, how clean."""

import pytest

from dsgspool.cli import logs as command
from dsgspool.cli import output
from dsgspool.cli.following import GONE, Log
from dsgspool.spool import Spool

WID = "n1-abcdefgh"


def test_the_newest_attempts_stdout_is_printed_byte_by_byte_into_a_pipe(put, process, record):
    put("done/s/a.yaml")
    record("s/a", 1, "exit1", out="first\n")
    record("s/a", 2, "done", out="second \x1b[31m\r\n")
    assert process("logs", "s/a").stdout == "second \x1b[31m\r\n".replace("\r\n", "\n")


def test_another_attempt_and_stderr(put, run, record):
    put("done/a.yaml")
    record("a", 1, "exit1", out="first\n", err="oh\n")
    record("a", 2, "done", out="second\n")
    assert run("logs", "a", "--attempt", "1").stdout == "first\n"
    assert run("logs", "a", "--attempt", "-2", "--stderr").stdout == "oh\n"
    assert run("logs", "a", "--attempt", "3").exit_code == 2


def test_a_file_name_with_its_reason_is_understood(put, run, record):
    put("failed/a~exit1.yaml")
    record("a", 1, "exit1", out="x\n")
    assert run("logs", "a~exit1.yaml").stdout == "x\n"


def test_an_empty_stdout_hints_at_stderr(put, run, record):
    put("failed/a~exit1.yaml")
    record("a", 1, "exit1", err="why\n")
    assert "--stderr" in run("logs", "a").stderr


def test_on_a_terminal_the_text_is_made_clean_unless_raw(put, run, record, monkeypatch):
    put("done/a.yaml")
    record("a", 1, out="ü\x1b[2J\n")
    monkeypatch.setattr(output, "is_terminal", lambda *_: True)
    assert run("logs", "a").stdout == "ü\\x1b[2J\n"
    assert run("logs", "a", "--raw").stdout == "ü\x1b[2J\n"


def test_a_character_cut_by_two_reads_stays_whole(capsys):
    command._print([b"\xc3", b"\xbc\n"], raw=False)
    assert capsys.readouterr().out == "ü\n"


def test_a_task_that_has_not_run_is_exit_6_and_an_unknown_one_exit_5(put, run):
    put("todo/a.yaml")
    result = run("logs", "a")
    assert result.exit_code == 6 and "-f" in result.stderr
    assert run("logs", "never").exit_code == 5


def test_a_pattern_that_fits_several_is_a_usage_error(put, run, record):
    put("done/a.yaml")
    put("done/b.yaml")
    assert run("logs", "*").exit_code == 2


def test_following_ends_with_the_record_and_misses_nothing(spool, put, record):
    put(f"running/{WID}/a@{WID}.1.yaml")
    stem = record("a", 1, None, over=False, out="one\n")
    log, sleeps = Log(Spool(str(spool)), "a", 1, "out"), []

    def sleep(seconds):
        sleeps.append(seconds)
        with open(f"{stem}.out", "a") as file:
            file.write("two\n")
        with open(f"{stem}.yaml", "a") as file:
            file.write("outcome: done\n...\n")

    assert b"".join(log.follow(sleep)) == b"one\ntwo\n"
    assert len(sleeps) == 1


@pytest.mark.parametrize("how", ["next attempt", "nobody holds it"])
def test_following_ends_when_the_worker_died_without_an_end(spool, record, how):
    record("a", 1, None, over=False, out="one\n")
    log, sleeps = Log(Spool(str(spool)), "a", 1, "out"), []

    def sleep(seconds):
        sleeps.append(seconds)
        if how == "next attempt":
            record("a", 2, None, over=False)

    assert b"".join(log.follow(sleep)) == b"one\n"
    assert len(sleeps) == (1 if how == "next attempt" else GONE - 1)


def test_follow_of_a_finished_task_prints_it_and_ends(put, process, record):
    put("done/a.yaml")
    record("a", 1, out="x\n")
    result = process("logs", "-f", "a")
    assert (result.returncode, result.stdout) == (0, "x\n")
