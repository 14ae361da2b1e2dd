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


HINTS = "cpus: 8\nexpires: 1\nnot_before: 2026-11-21T21:00:00Z\nafter: [a]\n"


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ('command: "echo', '"'),
        ("command: 'echo", "'"),
        ('command: "a \\"\n  b\\\\ \\', '"'),
        ("command: 'it''s", "'"),
        ('command: "echo # ', '"'),
        ('env:\n  A: b\n  C: "d', '"'),
        ('env:\n  A: |\n    "\n  B: "', 'z\n"\ndescription: b"'),
        ("tags:\n- 'a", "'"),
        ('tags:\n  - a\n    "\n  - "', '"\ndescription: b"'),
        ("command: [echo, 'a", "']"),
        ('command: [echo, # ]\n  "a', '"]'),
        ('command: x\r\ndescription: "a', '"'),
        ('# \u2028command: "x', '"'),
        ('"command": "echo', '"'),
        ('command:\t"echo', '"'),
        ("tags:\n-\t'a", "'"),
        ("command:\t[echo, 'a", "']"),
    ],
)
def test_what_stands_at_the_left_edge_within_quotes_is_no_key(begin, end):
    """A task went to the lane of wide ones, to waiting/ or, as expired, to failed/ for words of its own command."""
    data = f"{begin}\n{HINTS}{end}\n".encode()
    assert peek(data) == Peek()
    if b"command" in data:
        task = parse_task(data if data.count(b"command") else b"command: x\n" + data)
        assert (task.cpus, task.after, task.expires, task.not_before) == (1, (), None, None)


@pytest.mark.parametrize(
    "text",
    [
        'command: echo "a"\nscript: |\n  echo "it\'s\n\n  cpus: 1 [\n',
        "command: it's \"\n  and 'this too\n",
        'command: "echo\n  a\n\n  b"\n',
        "command: ['a', \"b\",\n  c, [d: {e: 'f'}], ]  # it's\n",
        "env:\n  A: 'b'  # it's\n  B: >-\n    \"\n  C: it's\n# it's\n",
        "tags:\n- it's\n- 'b'\n- a: x \"\n  c: |\n    '\n",
        '\ufeffcommand: "x"\r\ntags: [a]\r\n',
        "---\ncommand:\n  echo \"a\n  b'\n",
        "command: |\n  python3 -c '\n  print(1)\n  '\nsetup: >-\n  [\n",
        "description: 'für'\n",
    ],
)
def test_quotes_that_end_before_the_left_edge_cost_no_hint(text):
    data = f"{text}{HINTS}...\n".encode()
    assert peek(data) == peek(HINTS.encode()) != Peek()


def test_no_text_keeps_its_reader_busy():
    for text in (
        *("[" * 200_000, "a: [" * 60_000, "- " * 100_000 + '"', "a: 'b\n " * 30_000, " " * 250_000 + "'"),
        *("tags: [a,\n" + "  # old: [b\n" * 20_000, "a: [ #" * 40_000),
    ):
        assert peek(f"{text}\n{HINTS}".encode()) == Peek()
