"""The rule: of what a command printed last no part of a secret is told, wherever the look at the log begins."""

import pytest

from dsgspool.fs import Fs
from dsgspool.worker.last_words import TAIL, last_words

SECRET = "Ab3-" * 1000


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (SECRET, ": ***"),
        (f"{SECRET}\nno route\n", ": no route"),
        (f"a\nno route: {SECRET}", ": no route: ***"),
        (SECRET + "x" * (TAIL + 9), ": " + "x" * 200),
        (SECRET + "x" * (TAIL - 9), ": ***" + "x" * 197),
        ("y" * 9000 + SECRET + "x", ": ***"),
        ("y" * 9000 + SECRET + "\n\n", ": ***"),
        ("y" * 9000 + "\nno route\n", ": no route"),
    ],
)
def test_no_part_of_a_secret_is_told(tmp_path, text, told):
    path = tmp_path / "x.err"
    path.write_text(text)
    assert last_words(Fs(), str(path), [SECRET]) == told


def test_without_secrets_the_end_of_a_long_line_is_told(tmp_path):
    path = tmp_path / "x.err"
    path.write_text("y" * 9000)
    assert last_words(Fs(), str(path)) == ": " + "y" * 200
