"""The rule: what is written is read back, by PyYAML's safe loader, by libyaml and by our own `compose`."""

import contextlib

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dsgspool.codec import dump_task, parse_record, parse_task
from dsgspool.errors import InvalidName, InvalidTask
from dsgspool.names import check_after
from dsgspool.worker.peek import peek
from dsgspool.yamltext import compose, dump, pairs

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
@settings(max_examples=500, deadline=None)
def test_what_dump_writes_is_read_back_by_both_loaders(values):
    written = dump(values.items())
    for loader in (yaml.SafeLoader, yaml.CSafeLoader):
        assert yaml.load(written.encode(), loader) == values


@given(st.dictionaries(TEXT.filter(lambda key: len(key) < 100 and "\0" not in key), VALUE))
@settings(deadline=None)
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
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_a_task_or_an_invalid_task(data):
    with contextlib.suppress(InvalidTask):
        assert parse_task(data)
    parse_record(data)


@given(
    TEXT.filter(lambda text: text.strip() and "\0" not in text),
    st.dictionaries(st.from_regex("[A-Z]+", fullmatch=True), st.text()),
)
@settings(deadline=None)
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
@settings(max_examples=500, deadline=None)
def test_the_peek_reads_after_as_the_parser_does_or_not_at_all(text):
    data = f"command: x\nafter: {text}\ntags: [a]\n".encode()
    try:
        parsed = parse_task(data).after
    except InvalidTask:
        return  # such a file fails by its record, whatever was peeked
    assert peek(data).after in ((), parsed)


@given(st.lists(st.tuples(NAMES, st.sampled_from(["success", "any", "failure"])), max_size=4))
@settings(max_examples=300, deadline=None)
def test_what_submit_writes_for_after_is_read_by_the_peek(pairs_):
    entries = {}
    for name, wants in pairs_:
        with contextlib.suppress(InvalidName):
            entries[check_after(name)] = wants
    for value in (entries, list(entries)):
        data = dump_task({"command": "x", "after": value})
        assert peek(data).after in ((), parse_task(data).after)
