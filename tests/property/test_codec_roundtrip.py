"""The rule: what is written is read back, by PyYAML's safe loader, by libyaml and by our own `compose`."""

import contextlib

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dsgspool import yamltext
from dsgspool.codec import dump_task, parse_record, parse_task
from dsgspool.errors import InvalidName, InvalidTask
from dsgspool.names import check_after
from dsgspool.worker.peek import peek
from dsgspool.yamltext import compose, pairs
from dsgspool.yamlwriting import dump

AWKWARD = [
    "no", "Yes", "on", "null", "~", "12:30", "2026-01-01", "1e3", "0x1F", "1_000", ".5", ".inf", "-1", "-", "--- x",
    "...", "=", "<<", "a: b", "a #b", "#!/bin/sh\n", " x", "x ", "\n", "\n\n", "x\n\n\n", "  x\ny", "\tx\ny", "x\n \n",
    "\n x\n", "x\r\ny", "\ufeff", "\x00", "\x85", "\u2028", "\x7f", "'", '"', "\\", "|", "> x", "@x", "`x`", "%x", "&x",
    "*x", "!x", "--out x", "-n", "[a", "{a}", "a, b", "?", "? x", ":", "x:", "- x", "naïve", "日本", "😀", "a" * 2000,
    "x\n...\ny",
]  # fmt: skip
TEXT = st.one_of(st.sampled_from(AWKWARD), st.text(), st.text(st.sampled_from("a \n\t:#-'\"\\[{|>.0~\r")))
SCALAR = st.one_of(TEXT, st.integers(-(10**20), 10**20), st.floats(allow_nan=False), st.booleans(), st.none())
VALUE = st.one_of(SCALAR, st.lists(SCALAR), st.dictionaries(TEXT, SCALAR))


@given(st.dictionaries(TEXT.filter(lambda key: len(key) < 100), VALUE))
@settings(max_examples=250)
def test_what_dump_writes_is_read_back_by_both_loaders(values):
    written = dump(values.items())
    for loader in (yaml.SafeLoader, yaml.CSafeLoader):
        assert yaml.load(written.encode(), loader) == values


@given(st.dictionaries(TEXT.filter(lambda key: len(key) < 100 and "\0" not in key), VALUE))
def test_what_dump_writes_passes_compose(values):
    node = compose((dump(values.items()) + "...\n").encode())
    read = {key.value: value for key, value in pairs(node, "it")}
    assert list(read) == list(values)
    assert all(read[key].value == value for key, value in values.items() if isinstance(value, str))


@given(st.text(st.characters(codec=None)))
def test_a_name_that_is_not_utf8_can_be_written_and_read(value):
    written = dump([("file", value)]).encode()
    assert isinstance(yaml.load(written, yaml.CSafeLoader)["file"], str)


YAMLISH = st.text(st.sampled_from("abx :-[]{}&*!|>'\"#%@,?\n\t0127.~<=\\\u0085\u2028"), max_size=200)


@given(st.one_of(st.binary(), YAMLISH.map(str.encode), YAMLISH.map(lambda text: b"command: " + text.encode())))
@settings(max_examples=150)
def test_any_bytes_are_a_task_or_an_invalid_task(data):
    with contextlib.suppress(InvalidTask):
        assert parse_task(data)
    parse_record(data)


@given(
    TEXT.filter(lambda text: text.strip() and "\0" not in text),
    st.dictionaries(st.from_regex("[A-Z]+", fullmatch=True), st.text()),
)
def test_what_submit_writes_is_the_task_that_is_run(command, env):
    env = {key: value.replace("\0", "") for key, value in env.items()}
    task = parse_task(dump_task({"command": [command], "description": command, "env": env}))
    assert (task.command, task.description, task.env) == ((command,), command, env)


NAMES = st.text(st.sampled_from("ab/ *?:,#-'\"[]{}&!|~%@.0no\n"), max_size=12)
ENTRY = st.one_of(NAMES, st.tuples(NAMES, st.sampled_from(["success", "any", "failure", "soon"])).map(": ".join))
AFTER = st.one_of(
    ENTRY,
    st.lists(ENTRY, max_size=3).map(lambda entries: f"[{', '.join(entries)}]"),
    st.lists(ENTRY, max_size=3).map(lambda entries: "".join(f"\n- {entry}" for entry in entries)),
    st.lists(ENTRY, max_size=3).map(lambda entries: "".join(f"\n  {entry}" for entry in entries)),
)


@given(AFTER)
@settings(max_examples=250)
def test_the_peek_reads_after_as_the_parser_does_or_not_at_all(text):
    data = f"command: x\nafter: {text}\ntags: [a]\n".encode()
    try:
        parsed = parse_task(data).after
    except InvalidTask:
        return  # such a file fails by its record, whatever was peeked
    assert peek(data).after in ((), parsed)


@given(st.lists(st.tuples(NAMES, st.sampled_from(["success", "any", "failure"])), max_size=4))
@settings(max_examples=150)
def test_what_submit_writes_for_after_is_read_by_the_peek(pairs_):
    entries = {}
    for name, wants in pairs_:
        with contextlib.suppress(InvalidName):
            entries[check_after(name)] = wants
    for value in (entries, list(entries)):
        data = dump_task({"command": "x", "after": value})
        assert peek(data).after in ((), parse_task(data).after)


PIECES = st.sampled_from([
    "x", "it's", 'a "b', '"a', 'b"', "'a", "b'", '"a\n  b"', '"a\nb"', "'a\nb'", "[a, b]", "[a,\nb]", "[a, # ]",
    '[a "b]', "[", "]", "|\n    'a", '>-\n  b: "c\n', '"\\\n', "''", '{a: [b, {c: "d"}]}', "}", '- "a', "- a", "a: 'b",
    '# "', "", "?", "-", "\t",
])  # fmt: skip
KEYS = st.sampled_from(["", "env:", "- ", "  - ", "  ", "    A: ", "  - B: ", "# ", "?C: "]) | st.integers(0, 99).map(
    "k{}: ".format
)
LINES = st.lists(st.tuples(KEYS, PIECES).map("".join), max_size=4)


@given(LINES, LINES)
@settings(max_examples=250)
def test_what_the_peek_takes_for_a_key_is_one(before, behind):
    data = "\n".join([*before, "cpus: 8", *behind, ""]).encode()
    try:
        keys = {key.value for key, _ in pairs(compose(data), "it")}
    except InvalidTask:
        return
    assert peek(data).cpus == 1 or "cpus" in keys


WORD = st.one_of(
    st.sampled_from(
        ["true", "no", "Yes", "null", "n", "y", "yes, so", "0", "7", "007", "1.5", "0x1f", "-1", "1_0", "../x"]
    ),
    st.sampled_from(["2h", "30s", "100M", "1K", "0h", "08d", "1e5", "1.5h", "2h30m", "7d "]),
    st.sampled_from(
        ["[true]", '[a, 1, "b c"]', "[]", "[a,b]", "[-x, ./a=b]", "[a b]", "{a: 1}", "~", "-", "--", "- a"]
    ),
    st.sampled_from(
        ["'true'", "'a b'", "''", "'it''s'", "'a", "['x', 'y']", "['x' ]", '"a\'b"', "'a\"b'", "'a' b", "'a\\n'"]
    ),
    st.text(st.sampled_from("abxN :-[]{}&*!|>'\"#%@,?\t0127.~<=\\/_\u0085é"), max_size=12),
)
REMARK = st.sampled_from(
    ["", "", "", " # why", "  #", "#x", " # 'no", " #\t", "\n", "\n\n", "\n  ", "\n# a: b", "\n  # - c", "\n\t"]
)
ENTRY = st.tuples(st.sampled_from(["  - ", "- ", "  -  ", "   - "]), WORD, REMARK)
BLOCK = st.lists(ENTRY.map("".join), min_size=1, max_size=3).map("\n".join)
LINE = st.tuples(
    st.sampled_from(["command", "cpus", "no", "a", "a_b", "a-b", "A"]),
    st.one_of(
        st.tuples(st.sampled_from([": ", ":", ":  "]), WORD, REMARK).map("".join),
        st.tuples(st.sampled_from([":\n", ":\n", ": \n", ": # x\n", ":\n\n"]), BLOCK).map("".join),
    ),
)
TEXTS = st.tuples(
    st.sampled_from(["", "", "", "# first\n", "\n", "  # in\n", "# a\n\n#b\n", "---\n"]),
    st.lists(LINE.map("".join), max_size=4).map("\n".join),
    st.sampled_from(["", "\n", "\n...\n", "\n...", "\n\n", "\r\n"]),
).map("".join)


def tree(node):
    return (node.kind, node.line, node.tag, node.value, node.style, node.span, [tree(child) for child in node.children])


@given(TEXTS)
@settings(max_examples=500)
def test_what_is_read_without_the_parser_is_what_the_parser_reads(text):
    if plain := yamltext._plainly(text.encode()):
        assert tree(plain) == tree(yamltext._parsed(text.encode()))


def test_what_submit_writes_for_a_command_line_needs_no_parser():
    for command in (["true"], ["fold", "--in", "input 17.fa", "3"], "echo hello; echo err >&2"):
        assert yamltext._plainly(dump_task({"command": command, "cwd": "/mnt/lab", "cpus": 4, "timeout": "2h"}))


def test_durations_and_sizes_as_people_write_them_need_no_parser():
    assert yamltext._plainly(b"command: fold x\ntimeout: 2h\nretries: 3\nbackoff: 30s\nmax_log: 100M\n")


def test_what_people_write_needs_no_parser():
    text = "# one of many\n\ncommand: ['fold', '--in', 'a b.fa']  # long\n\nafter:\n  - x/1\n  #\n  - 'x 2'\ntags:\n- a\n...\n"
    plain = yamltext._plainly(text.encode())
    assert plain and tree(plain) == tree(yamltext._parsed(text.encode()))


def test_a_key_that_is_too_long_for_yaml_is_left_to_the_parser():
    text = f"{'x' * 1025}: a\n".encode()
    with pytest.raises(InvalidTask):
        yamltext._parsed(text)
    assert yamltext._plainly(text) is None
