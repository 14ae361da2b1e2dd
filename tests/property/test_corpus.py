"""The rule: any bytes are a task, or an invalid task with reason and remedy, within a second and 50 MB; nothing else.

tests/property/corpus/tasks holds what was tried by hand, verdicts.tsv what must come of it; what a longer search finds is
added there.  A longer search: DSGSPOOL_FUZZ=20000 pytest tests/property/test_corpus.py
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsgspool import names
from dsgspool.codec import parse_record, parse_task
from dsgspool.errors import InvalidName, InvalidTask, SettingsError
from dsgspool.redaction import mask_text
from dsgspool.settings import parse_control, parse_settings
from dsgspool.task import Task
from dsgspool.worker import environment
from dsgspool.worker.peek import peek

CORPUS = Path(__file__).parent / "corpus"
TEXTS = {path.stem: path.read_bytes() for path in (CORPUS / "tasks").iterdir()}
VERDICTS = {
    name: (verdict, why)
    for name, verdict, why in (line.split("\t") for line in (CORPUS / "verdicts.tsv").read_text().splitlines())
}
K = 1024
#: Too long to be kept as files.
LARGE = {
    "open-brackets": b"[" * (255 * K),
    "open-braces": b"{" * (255 * K),
    "open-braces-with-keys": b"{a: " * (60 * K),
    "dashes": b"- " * (120 * K),
    "question-marks": b"? " * (120 * K),
    "deep-block": b"".join(b" " * depth + b"a:\n" for depth in range(700)),
    "quotes": b"'" * (255 * K),
    "open-double-quote": b'command: "' + b"x" * (250 * K),
    "one-long-line": b"command: " + b"x" * (250 * K) + b"\n",
    "one-long-key": b"x" * (250 * K) + b": y\n",
    "many-keys": b"".join(b"k%d: v\n" % n for n in range(25_000)),
    "many-equal-keys": b"a: b\n" * 50_000,
    "many-comments": b"# x\n" * 60_000 + b"command: x\n",
    "many-blanks": b"\n" * (250 * K) + b"command: x\n",
    "many-tags": b"command: x\ntags: [" + b"a," * 19_000 + b"]\n",
    "many-anchors": b"".join(b"k%d: &a%d x\n" % (n, n) for n in range(15_000)),
    "many-documents": b"---\n" * 60_000,
    "many-params": b"command: x\nparams: {" + b",".join(b"p%d: x" % n for n in range(9_000)) + b"}\n",
    "param-everywhere": b"command: " + b"{a}" * (60 * K) + b"\nparams: {a: '" + b"y" * (60 * K) + b"'}\n",
    "open-param-braces": b"params: {a: b}\ncommand: '" + b"{" * (250 * K) + b"'\n",
    "shell-braces": b"params: {a: b}\ncommand: '" + b"${" * (120 * K) + b"'\n",
    "spaces-before-a-colon": b"params: {a: b}\ncommand: x\n" + b" " * (250 * K) + b":\n",
    "secret-words": b"env: {" + b"TOKEN_" * (40 * K) + b": x}\ncommand: [\n",
    "secret-comments": b"# TOKEN " * (30 * K),
    "too-long": b"command: x\n#" + b"x" * (256 * K),
}


def readers(data: bytes) -> None:
    """All that reads what others wrote: none of it may raise anything but its own error."""
    peek(data)
    parse_record(data)
    mask_text(data.decode("utf-8", "replace"))
    for parse in (parse_settings, parse_control):
        try:
            parse(data, "x")
        except SettingsError as error:
            assert error.reason
    try:
        environment.parse(os.fsdecode(data), "x")
    except InvalidTask as error:
        assert error.remedy


def judge(data: bytes) -> Task | InvalidTask:
    """What comes of a text; an error must say what is wrong, where, and what to do."""
    try:
        task = parse_task(data)
    except InvalidTask as error:
        assert error.reason and error.remedy, error
        lines = data.count(b"\n") + data.count(b"\r") + data.count(b"\x85") + data.count(b"\xa8") + data.count(b"\xa9")
        assert error.line is None or 0 < error.line <= lines + 2, error  # libyaml counts the end as a line
        return error
    assert task.command or task.script
    return task


def test_every_text_of_the_corpus_has_a_verdict():
    assert set(TEXTS) == set(VERDICTS)


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_the_corpus_is_judged_as_it_was(name):
    verdict, why = VERDICTS[name]
    found = judge(TEXTS[name])
    readers(TEXTS[name])
    assert ("task" if isinstance(found, Task) else "invalid") == verdict, found
    assert verdict == "task" or re.search(why, str(found)), found


PARSE = """
import resource, sys, time
from dsgspool.codec import parse_task
from dsgspool.errors import InvalidTask
from tests.property.test_corpus import LARGE, TEXTS, readers
parse_task(b"command: x")
for name, data in {**TEXTS, **LARGE}.items():
    size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + (50 << 20), resource.RLIM_INFINITY))
    before = time.process_time()
    try:
        said = "task " + repr(parse_task(data))[:9]
    except InvalidTask as error:
        said = str(error)
    took = time.process_time() - before
    readers(data)
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(name, round(took, 3), round(time.process_time() - before - took, 3), said[:300].encode("ascii", "replace"))
"""


def test_no_text_takes_more_than_a_second_and_50_megabytes():
    done = subprocess.run(
        [sys.executable, "-c", PARSE], capture_output=True, text=True, cwd=CORPUS.parents[2], check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = done.stdout.splitlines()
    assert len(lines) == len(TEXTS) + len(LARGE)
    assert not [line for line in lines if float(line.split(" ")[1]) > 1 or float(line.split(" ")[2]) > 2]
    assert "MemoryError" not in done.stdout and "RecursionError" not in done.stdout


PIECES = [
    b": ", b":", b"- ", b"? ", b"[", b"]", b"{", b"}", b",", b"&a ", b"*a", b"!!str ", b"!x ", b"|\n", b">\n", b"'", b'"', b"#",
    b"%YAML 1.1\n", b"---\n", b"...\n", b"<<: ", b"\t", b"\n", b"\r", b"  ", b"\xef\xbb\xbf", b"\0", b"\x85", b"\xc2\x85",
    b"\xe2\x80\xa8", b"\xff", b"null", b"~", b"no", b"0x1", b"1:30", b".inf", b"2026-01-01", b"9" * 30, b"\\x00", b"\\ud800",
    b"command: ", b"script: ", b"params: ", b"env: ", b"limits: ", b"{a}", b"{{", b"}}", b"${", b"@", b"`", b"=",
]  # fmt: skip


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    """A text of the corpus with a few slips, or the beginning of one and the end of another."""
    data = draw(st.sampled_from(list(TEXTS.values())))
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(data)))
        to = draw(st.integers(at, min(len(data), at + 12)))
        match draw(st.sampled_from(["cut", "insert", "repeat", "replace", "splice", "lines"])):
            case "cut":
                data = data[:at] + data[to:]
            case "insert":
                data = data[:at] + draw(st.sampled_from(PIECES)) + data[at:]
            case "repeat":
                data = data[:at] + data[at:to] * draw(st.integers(2, 50)) + data[to:]
            case "replace":
                data = data[:at] + draw(st.binary(max_size=4)) + data[to:]
            case "splice":
                other = draw(st.sampled_from(list(TEXTS.values())))
                data = data[:at] + other[draw(st.integers(0, len(other))) :]
            case "lines":
                data = b"\n".join(draw(st.permutations(data.split(b"\n")[:12])))
    return data


@given(mutants())
@settings(
    max_examples=int(os.environ.get("DSGSPOOL_FUZZ", "200")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
def test_a_text_with_slips_is_a_task_or_an_invalid_task_and_soon(data):
    before = time.process_time()
    judge(data)
    assert time.process_time() - before < 1
    readers(data)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1 << 21  # KiB: nothing here grows without end


NAMES = [json.loads(line) for line in (CORPUS / "names.jsonl").read_text().splitlines()]


def verdict_on_name(text: str) -> str:
    try:
        name = names.parse(f"{text}.yaml")
    except InvalidName as error:
        return f"invalid {error.reason}"
    parts = (("tag", name.tag), ("claimed", name.claim and " "), ("lane", name.lane))
    return f"task {name.identity!r}" + "".join(f" {word} {part}".rstrip() for word, part in parts if part)


@pytest.mark.parametrize(("text", "verdict"), NAMES)
def test_the_names_of_the_corpus_are_judged_as_they_were(text, verdict):
    assert verdict_on_name(text) == verdict
    if verdict.startswith("task"):
        name = names.parse(f"{text}.yaml")
        assert ".." not in name.flat.split("%") and "/" not in name.flat and "\0" not in name.flat
