"""The rule: what is found without a YAML parser is only a hint, and what is no top-level key is never found."""

import pytest

from dsgspool.clock import unix
from dsgspool.worker.peek import Peek, peek


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("command: x\n", Peek()),
        ("cpus: 8\ncommand: x\n", Peek(cpus=8)),
        ("command: x\ncpus:   4   # wide\n", Peek(cpus=4)),
        ("cpus: 0\n", Peek(cpus=1)),
        ("format: 2\n", Peek(format=2)),
        ("not_before: 2026-11-21T21:00:00Z\n", Peek(not_before=unix(2026, 11, 21, 21, 0, 0))),
        ("not_before: '2026-11-21 22:00+01:00' # later\n", Peek(not_before=unix(2026, 11, 21, 21, 0, 0))),
    ],
)
def test_a_key_at_the_beginning_of_a_line_is_a_hint(text, hint):
    assert peek(text.encode()) == hint


@pytest.mark.parametrize(
    "text",
    [
        "script: |\n  cpus: 8\n",
        "env:\n  cpus: 8\n",
        "cpus: many\n",
        "{cpus: 8}\n",
        "cpus: 12345678\n",
        "cpus: [8]\n",
        "not_before: 2026-11-21T21:00:00\n",
        "not_before: soon\n",
        "not_before: 2026-13-41T99:00:00Z\n",
        "",
        "\xff\xfe",
    ],
)
def test_anything_else_is_none(text):
    assert peek(text.encode("latin-1")) == Peek()
