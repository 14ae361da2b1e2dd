"""The rule: what is found without a YAML parser is only a hint, and what is no top-level key is never found."""

import pytest

from dsgspool.clock import unix
from dsgspool.codec import parse_task
from dsgspool.task import After, Expiry
from dsgspool.worker.peek import Peek, peek


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("command: x\n", Peek()),
        ("cpus: 8\ncommand: x\n", Peek(cpus=8)),
        ("command: x\ncpus:   4   # wide\n", Peek(cpus=4)),
        ("cpus: 0\n", Peek(cpus=1)),
        ("format: 2\n", Peek(format=2)),
        ("expires: 2d  # old\n", Peek(expires=Expiry(age=172800))),
        ("expires: 90\n", Peek(expires=Expiry(age=90))),
        ("expires: '2026-11-21T21:00Z'\n", Peek(expires=Expiry(unix(2026, 11, 21, 21, 0, 0)))),
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
        "expires: 2026-11-21T21:00\n",
        "expires: soon\n",
        "expires: null\n",
        "not_before: 2026-13-41T99:00:00Z\n",
        "",
        "\xff\xfe",
    ],
)
def test_anything_else_is_none(text):
    assert peek(text.encode("latin-1")) == Peek()


@pytest.mark.parametrize(
    "text",
    [
        "after: prep",
        "after: prep   # first",
        "after: 0001",
        "after: a/b c",
        "after: 'it is, odd'",
        "after: []",
        "after: [a]",
        "after: [a, b: any, s/, 'x*', \"y?\": failure,]",
        "after: [a,\n  b,  # two\n  c]",
        "after:\n  prep",
        "after:\n- a\n- b: any",
        "after:\n  # two\n  - a\n\n  - 's/*'\ncpus: 2",
        "after:\n  a: any\n  b: success\ntags: [x]",
        "after: [a, b, a]",
    ],
)
def test_what_is_written_plainly_is_read_as_the_parser_reads_it(text):
    data = f"command: x\n{text}\n".encode()
    assert peek(data).after == parse_task(data).after


@pytest.mark.parametrize(
    "text",
    [
        "after: no",
        "after: 2026-01-01",
        "after: 12:30",
        "after: s/a:b",
        "after: null",
        "after: a\n  b",
        "after: a: any",
        "after: {a: any}",
        "after: [{a: any}]",
        "after: ['a, b']",
        "after: |\n  a",
        "after: &x a",
        "after: [a\n b]",
        "after:\n- a\n  b",
        "after:\n- a: any\n  b: any",
        "after: [a~1]",
        "after: [a: soon]",
        "env:\n  after: a",
        "script: |\n  after: a",
    ],
)
def test_what_is_written_otherwise_is_left_to_the_parser(text):
    assert peek(text.encode()).after == ()


def test_what_has_to_end_how_is_a_hint():
    assert peek(b"after: [a, b: any]\n") == Peek(after=(After("a"), After("b", "any")))
