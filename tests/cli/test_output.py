"""What is printed cannot harm a terminal, and fits it."""

import json

import pytest

from dsgspool.cli import output


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, ünïcode, 日本", "plain text, ünïcode, 日本"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("\x9b2J\x7f", "\\x9b2J\\x7f"),
        ("a\u202eb\u2066c", "a\\u202eb\\u2066c"),
        ("a\u2028b\u200bc\ufeff\u061c\U000e0041", "a\\u2028b\\u200bc\\ufeff\\u061c\\U000e0041"),
        ("byte \udcff", "byte \\xff"),
        ("a\r\n\tb", "a\\x0d\n\tb"),
    ],
)
def test_control_characters_are_made_visible(text, shown):
    assert output.clean(text) == shown


def test_one_line_stays_one_line():
    assert output.clean_line("a\nb\tc") == "a\\x0ab\\x09c"


def test_names_with_control_characters_are_clean_in_every_listing(spool, run, put):
    put("logs/x.1.out")
    put("failed/a\x1b[31m~exit1.yaml")
    put("done/ok.yaml")
    for command in (["list"], ["status"], ["list", "--json"], ["status", "--json"]):
        assert "\x1b" not in run(*command).output


def test_json_is_one_ascii_document(capsys):
    output.json([{"name": "ü\x1b\x7f\udcff"}])
    text = capsys.readouterr().out
    assert text.isascii() and "\x1b" not in text and "\x7f" not in text
    assert json.loads(text) == [{"name": "ü\x1b\x7f\udcff"}]


def test_a_table_shrinks_to_the_terminal(capsys, monkeypatch):
    monkeypatch.setattr(output, "is_terminal", lambda *_: True)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    output.table(("NAME", "STATE"), [("x" * 30 + "-end" * 10, "todo")])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) == 40
    assert "…" in lines[1] and lines[1].endswith("-end  todo")


def test_numbers_stand_below_each_other_also_beside_one_that_is_not_there(capsys):
    output.table(("A", "MAX_RUNNING", "C"), [("x", 7, "-"), ("y", "-", "-")])
    assert capsys.readouterr().out == "A  MAX_RUNNING  C\nx            7  -\ny            -  -\n"


def test_a_sentence_goes_on_in_the_next_line_between_two_words(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    words = "batch probe is not started: 3 of the first 3 have failed\x1b[2J"
    output.sentence(words)
    assert len(capsys.readouterr().out.splitlines()) == 1, "a pipe gets one line"
    monkeypatch.setattr(output, "is_terminal", lambda *_: True)
    output.sentence(words)
    output.sentence("x" * 90)
    shown = capsys.readouterr().out.splitlines()
    output.sentence("it wants licence=1, and all 3 are taken", "  ")
    assert capsys.readouterr().out.splitlines() == ["  it wants licence=1, and all", "    3 are taken"]
    assert shown[:3] == ["batch probe is not started: 3", "  of the first 3 have", "  failed\\x1b[2J"]
    assert max(map(len, shown)) <= 29


def test_wide_characters_take_two_columns(capsys):
    output.table(("NAME", "N"), [("日本", 1), ("abcd", 2)])
    assert capsys.readouterr().out.splitlines()[1:] == ["日本  1", "abcd  2"]


def test_colours_only_on_a_terminal_and_without_no_color(monkeypatch):
    assert output.paint("done", "done") == "done"
    monkeypatch.setattr(output, "is_terminal", lambda *_: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert output.paint("done", "done") == "\x1b[32mdone\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert output.paint("done", "done") == "done"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(4.23, "4.2s"), (200, "3m20s"), (18120, "5h02m"), (1047600, "12d03h")],
)
def test_durations_are_short(seconds, text):
    assert output.duration(seconds) == text
