"""The rule: no text harms the reader, and every surprise of YAML is an error with its line and its remedy."""

import subprocess
import sys
import time

import pytest
import yaml

from dsgspool import fields
from dsgspool.errors import InvalidTask
from dsgspool.yamltext import check_keys, compose
from dsgspool.yamlwriting import MAX_BYTES, dump

BOMB = "a: &a [x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)},*{chr(97 + i)}]\n" for i in range(20)
)


def refused(data):
    with pytest.raises(InvalidTask) as caught:
        compose(data if isinstance(data, bytes) else data.encode())
    assert caught.value.remedy
    return caught.value


def field(read, text, *more):
    return read(compose(f"x: {text}\n".encode()).children[1], "x", *more)


def field_refused(read, text, *more):
    with pytest.raises(InvalidTask) as caught:
        field(read, text, *more)
    assert caught.value.line == 1
    return str(caught.value)


@pytest.mark.parametrize(
    ("data", "line", "part"),
    [
        (b"a: 1\nb: \xff\xfe\n", 2, "not UTF-8"),
        ("a: 1\n".encode("utf-16"), 1, "not UTF-8"),
        (b"a: 1\n\nb: x\x00y\n", 3, "cannot stand in YAML"),
        (b"a: 1\nb: 2\na: 3\n", 3, "`a` stands here for the second time, first in line 1"),
        (b"e:\n  A: 1\n  A: 2\n", 3, "second time"),
        (BOMB.encode(), 1, "anchor or alias"),
        (b"a: 1\nb: *a\n", 2, "anchor or alias"),
        (b"a:\n  <<: {b: 1}\n", 2, "merge key"),
        (b"a: !!python/object/apply:os.system [x]\n", 1, "tag"),
        (b"a: ! x\n", 1, "tag"),
        (b"[a]: 1\n", 1, "list cannot be a key"),
        (b"a: 1\n---\nb: 2\n", 2, "second document"),
        (b"", 1, "empty"),
        (b"# only\n", 1, "empty"),
        (b"- a\n", 1, "not a mapping"),
        (b"just words\n", 1, "not a mapping"),
        (b"a: 1\n...\n\nb: 2\n", 4, "behind the last line `...`"),
        (b"a: 1\r\n...  # whole\r\nb: 2\r\n", 3, "behind the last line"),
        (b"a: {b: 1}\n}\n...\n", 2, "not YAML"),
        (b"a: 1\nb: [1\nc: 2\n", 3, "not YAML"),
        (b"a: 1\n\tb: 2\n", 2, "not YAML"),
        (b"command: echo a: b\n", 1, "not YAML"),
    ],
)
def test_what_is_no_plain_mapping_is_refused_with_its_line(data, line, part):
    error = refused(data)
    assert (error.line, part in error.reason) == (line, True), str(error)


@pytest.mark.parametrize(
    "unit", ["[", "{", "- ", "? ", "a: [", "[[]", "!", "&", "*", "'", "{a: ", "|", "% ", "\n- ", "a"]
)
def test_256_kib_of_anything_are_refused_at_once(unit):
    start = time.process_time()
    refused((unit * MAX_BYTES)[:MAX_BYTES])
    assert time.process_time() - start < 5


def test_256_kib_of_brackets_do_not_kill_the_interpreter():
    program = "from dsgspool.yamltext import compose; compose(b'x: ' + b'[' * 200_000)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, "nested deeper than 20" in done.stderr) == (1, True)


def test_the_python_loader_takes_over_where_libyaml_is_missing(monkeypatch):
    monkeypatch.delattr(yaml, "CSafeLoader")
    assert compose(b"a: [1, {b: c}]\n").children[1].children[1].children[1].value == "c"
    assert "nested deeper" in refused("a: " + "[" * 5000).reason


def test_nesting_is_allowed_down_to_20():
    compose(b"a: " + b"[" * 19 + b"]" * 19)
    assert "nested deeper" in refused("a: " + "[" * 20 + "]" * 20).reason


def test_more_than_256_kib_are_refused_unread():
    assert "262145 bytes" in refused(b"[" * (MAX_BYTES + 1)).reason


def test_more_than_20000_values_are_refused():
    assert "more than 20000" in refused("a: [" + "1," * 20_001 + "]").reason


@pytest.mark.parametrize(
    "data", [b"\xef\xbb\xbfa: b\r\nc: d\r\n", b"a: b\nc: d\n...\n", b"---\na: b\nc: d\n", b"{a: b, c: d}"]
)
def test_bom_crlf_and_document_marks_are_fine(data):
    assert [node.value for node in compose(data).children] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("no", 'YAML reads no as false (put it in quotes: "no")'),
        ("On", "YAML reads On as true"),
        ("12:30", "a number of base 60"),
        ("12:30:00.5", "a number of base 60"),
        ("2026-01-01", "a date"),
        ("2026-01-01 12:00:00", "a date"),
        ("null", "has no value"),
        ("~", "has no value"),
        ("", "has no value"),
        ("[a]", "is a list"),
        ("{a: b}", "is a mapping"),
        ('"a\\0b"', "NUL"),
    ],
)
def test_text_that_yaml_reads_otherwise_is_refused(text, part):
    assert part in field_refused(fields.text, text)


@pytest.mark.parametrize("text", ["1", "1.50", "0x1F", "007", "1e3", "1_000", ".5", "=", "word", "a b"])
def test_plain_numbers_are_text_as_they_are_written(text):
    assert field(fields.text, text) == text
    assert field(fields.text, "'no'") == "no"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90), ("15m", 900), ("2h", 7200), ("1d", 86400), ("1h30m", 5400), ("500ms", 0.5), ("1d 2h", 93600),
        ("7", 7), ("1.5", 1.5), ("'2h'", 7200), ("1.5h", 5400), ("0", 0),
    ],
)  # fmt: skip
def test_durations_have_units_or_count_seconds(text, seconds):
    assert field(fields.duration, text) == seconds


@pytest.mark.parametrize(
    "text", ["1:30", "'1:30'", "12:30:00", "soon", "5 minutes", "-5s", "-1", ".inf", "5x", "''", "1m1h"]
)
def test_what_is_no_duration_is_refused_with_examples(text):
    message = field_refused(fields.duration, text)
    assert "90s" in message or "at least" in message


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512M", 512 << 20),
        ("16G", 16 << 30),
        ("1.5T", 3 << 39),
        ("100", 100),
        ("4k", 4096),
        ("2GiB", 2 << 30),
        ("1 GB", 1 << 30),
    ],
)
def test_sizes_are_binary(text, size):
    assert field(fields.size, text) == size


@pytest.mark.parametrize("text", ["big", "-1", "1:30", "5X", "[1]"])
def test_what_is_no_size_is_refused(text):
    assert "size" in field_refused(fields.size, text)


@pytest.mark.parametrize(
    "text", ["three", "3.5", "'3'", "0x10", "010", "1:30", "yes", "-1", "11", "1" * 5000, "[1]", ""]
)
def test_what_is_no_whole_number_from_0_to_10_is_refused(text):
    assert "`x`" in field_refused(fields.integer, text, 0, 10)


@pytest.mark.parametrize("text", ["1", "'true'", "maybe"])
def test_what_is_neither_true_nor_false_is_refused(text):
    assert "write true or false" in field_refused(fields.boolean, text)


@pytest.mark.parametrize("text", [".nan", "x", "'1'", "1:30", "99"])
def test_what_is_no_number_up_to_10_is_refused(text):
    assert "`x`" in field_refused(fields.number, text, 0, 10)


def test_a_text_where_a_list_is_wanted_is_refused_with_the_form():
    assert "write it as `x: [a, b]`" in field_refused(fields.texts, "a")


@pytest.mark.parametrize(
    "text", ["2026-11-21T22:00:00+01:00", "2026-11-21T21:00Z", "'2026-11-21 21:00:00Z'", "2026-11-21 22:00:00 +01:00"]
)
def test_moments_with_an_offset_need_no_time_zone(text):
    assert field(fields.moment, text) == 1795294800


def test_moments_without_an_offset_need_the_time_zone_of_the_spool():
    assert "or set `timezone` in spool.yaml" in field_refused(fields.moment, "2026-11-21T22:00")
    assert field(fields.moment, "2026-11-21 22:00", "Europe/Berlin") == 1795294800


@pytest.mark.parametrize("text", ["2026-03-29T02:30", "2026-10-25T02:30"])
def test_a_moment_in_the_hour_that_the_clocks_change_needs_its_offset(text):
    assert "twice or never" in field_refused(fields.moment, text, "Europe/Berlin")


@pytest.mark.parametrize("text", ["12:30", "tomorrow", "20261121", "2026-13-01T00:00Z", "2026-11-21T25:00Z"])
def test_what_is_no_moment_is_refused_with_an_example(text):
    assert "2026-11-21T21:00+01:00" in field_refused(fields.moment, text)


def test_an_unknown_key_is_an_error_with_the_nearest_one():
    with pytest.raises(InvalidTask, match=r"line 2: unknown key `comand` \(did you mean `command`\?\)"):
        check_keys(compose(b"env: {}\ncomand: x\n"), ("command", "env"))


def test_importing_it_does_not_import_yaml():
    program = "import sys, dsgspool.codec, dsgspool.settings; sys.exit('yaml' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_dump_writes_what_a_person_would_write():
    values = {
        "command": "./fold x > y",
        "tags": ["a", "b c"],
        "env": {"A": "1"},
        "count": 1,
        "text": "#!/bin/sh\n x\n",
        "no": None,
    }
    assert dump(values.items()) == (
        'command: ./fold x > y\ntags: [a, "b c"]\nenv:\n  A: "1"\ncount: 1\ntext: |\n  #!/bin/sh\n   x\n"no": null\n'
    )


def test_a_byte_that_is_not_utf8_is_written_as_its_escape():
    assert dump([("file", b"a\xff".decode(errors="surrogateescape"))]) == 'file: "a\\\\udcff"\n'
