"""Changing one key of a text: what is not asked for stays as a person wrote it, and nothing is guessed."""

import pytest

from dsgspool.codec import parse_task
from dsgspool.errors import InvalidTask
from dsgspool.rewriting import parse_setting, parse_substitution, rewritten

TEXT = """# mine
command: echo a   # say a
retries: 2

# the environment
env:
  A: x   # first
  B: 2
tags: [a,
 b]
...
"""


def change(text, *words):
    return rewritten(text.encode(), [parse_setting(word) or parse_substitution(word) for word in words]).decode()


@pytest.mark.parametrize(
    ("word", "old", "new"),
    [
        ("retries=3", "retries: 2\n", "retries: 3\n"),
        ("command=python x.py", "echo a   #", "python x.py   #"),
        ('command="a: b"', "echo a ", '"a: b" '),
        ("command=[a, b]", "echo a ", "[a, b] "),
        ("retries=", "retries: 2\n", ""),
        ("timeout=2h", "...\n", "timeout: 2h\n...\n"),
        ("env.A=y", "A: x ", "A: y "),
        ("env.C=z", "  A: x   # first\n  B: 2\n", "  A: x\n  B: 2\n  C: z\n"),
        ("env.B=", "  A: x   # first\n  B: 2\n", "  A: x\n"),
        ("env=", "env:\n  A: x   # first\n  B: 2\n", ""),
        ("params.p=1", "...\n", "params:\n  p: 1\n...\n"),
        ("tags=[c]", "tags: [a,\n b]\n", "tags: [c]\n"),
        ("s/echo (.)/print \\1\\1/", "echo a", "print aa"),
        ("s,A: .*,A: z,", "A: x   # first", "A: z"),
    ],
)
def test_only_what_was_asked_for_changes(word, old, new):
    assert change(TEXT, word) == TEXT.replace(old, new)


@pytest.mark.parametrize(
    ("text", "word", "after"),
    [
        ("command: x", "retries=1", "command: x\nretries: 1\n"),
        ("command: x\r\nretries: 1\r\n", "retries=4", "command: x\r\nretries: 4\r\n"),
        ("\ufeffcommand: ä\nretries: 1\n", "retries=4", "\ufeffcommand: ä\nretries: 4\n"),
        ("command: |\n  a\n  b\n\n# of retries\nretries: 1\n", "command=z", "command: z\n\n# of retries\nretries: 1\n"),
        ("env:\n  A: 'p''q'\n  M: \"1\"\n", "env.B=5", 'env:\n  A: "p\'q"\n  M: "1"\n  B: 5\n'),
        ("{command: x}", "command=y", "{command: y}"),
        ("env: {A: a}\n", "env.A=", ""),
        (
            "resources: {memory: [8G, 16G], gpus: 1}\n",
            "resources.gpus=",
            'resources:\n  memory: ["8G", "16G"]\n',
        ),
        (f"env:\n  A: {'x' * 200}\n", "env.B=y", f"env:\n  A: {'x' * 200}\n  B: y\n"),
    ],
)
def test_other_ways_to_write_are_kept(text, word, after):
    assert change(text + ("retries: 0\n" if after == "" else ""), word) == (after or "retries: 0\n")


def test_two_changes_are_made_one_after_the_other():
    assert parse_task(change(TEXT, "retries=3", "retries=", "nice=1").encode()).nice == 1


@pytest.mark.parametrize(
    ("text", "word", "reason"),
    [
        (TEXT, "command=echo a # b", "for a comment"),
        (TEXT, "command=a: b", "not YAML"),
        (TEXT, "command=a\nb", "several lines"),
        (TEXT, "command=*x", "alias"),
        (TEXT, "retries.a=1", "line 3: `retries` is no mapping here"),
        ("{command: x}", "retries=1", "cannot be changed"),
        ("command: x\n\tretries: 1\n", "retries=1", "line 2"),
    ],
)
def test_what_cannot_be_changed_for_certain_is_refused(text, word, reason):
    with pytest.raises(InvalidTask, match=reason):
        change(text, word)


@pytest.mark.parametrize("text", ["x/a/b/", "s/a/b", "s/a/b/x", "s/(/b/", "s/a/\\1/", "s//b/", "sxaxbx", "s"])
def test_a_substitution_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="--sed"):
        parse_substitution(text)


def test_a_substitution_is_made_in_each_line_once_or_everywhere():
    assert change("a a\na\n", "s/a/b/") == "b a\nb\n"
    assert change("a A\r\na\r\n", "s/a$/b/gi") == "a b\r\nb\r\n"
    assert change("a/b\n", r"s/a\/b/c/") == "c\n"
