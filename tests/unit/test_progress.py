"""The rule: only what was written as progress counts, and any bytes are a log."""

import math

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dsgspool.progress import MAX_TEXT, Progress, last_line, progress

TQDM = "37%|███▋      | 37/100 [00:10<00:17,  3.60it/s]"


@pytest.mark.parametrize(
    ("line", "fraction", "text"),
    [
        ("##progress 37/100", 0.37, "37/100"),
        ("##progress 37 / 100 files read", 0.37, "37/100 files read"),
        ("  ##progress 0.37 words", 0.37, "words"),
        ("##progress 1", 1.0, ""),
        ("##progress 0", 0.0, ""),
        ("##progress .5", 0.5, ""),
        ("##progress 12.5% of it", 0.125, "of it"),
        ("::progress:: 0.37", 0.37, ""),
        ("::progress:: 37%", 0.37, ""),
        ("::progress:: 3/4 epoch 3", 0.75, "3/4 epoch 3"),
        (TQDM, 0.37, "37/100 [00:10<00:17,  3.60it/s]"),
        (f"epoch 3:  {TQDM}", 0.37, "37/100 [00:10<00:17,  3.60it/s]"),
        (" 37%|###7      | 37/100 [00:10<00:17,  3.60it/s, loss=0.1]", 0.37, "37/100 [00:10<00:17,  3.60it/s, loss=0.1]"),
        ("  0%|          | 0/100 [00:00<?, ?it/s]", 0.0, "0/100 [00:00<?, ?it/s]"),
        ("100%|##########| 3.70M/3.70M [00:10<00:00, 360kB/s]", 1.0, "3.70M/3.70M [00:10<00:00, 360kB/s]"),
        (f"\x1b[32m{TQDM}\x1b[0m", 0.37, "37/100 [00:10<00:17,  3.60it/s]"),
    ],
)  # fmt: skip
def test_what_is_written_as_progress_is_read(line, fraction, text):
    found = progress(f"before\n{line}\nordinary words after it\n".encode())
    assert found is not None
    assert found.text == text
    assert math.isclose(found.fraction, fraction)


@pytest.mark.parametrize(
    "line",
    [
        "accuracy 97%", "97%", "37/100", "loss 0.37 at 37/100", "epoch 3/10", "progress 0.37", "##progress", "##progress x",
        "##progress 37", "##progress 101%", "##progress 3/2", "##progress 1/0", "##progress -1", "##progress 0.5x",
        "##progressive 0.5", "see ##progress 0.5", "##progress nan", "##progress inf", "##progress 1e400",
        "97%| 3 |", "| accuracy 97%| 3 | 4/5", "recall 97%|fine", "0.97%|##| 1/2", "137%|###| 137/100 [",
        "##progress 1/2/3", "##progress ٣/٤",
    ],
)  # fmt: skip
def test_what_is_not_written_as_progress_is_none(line):
    assert progress(f"{line}\n".encode()) is None


def test_the_last_one_wins_also_when_a_return_overwrites_it():
    bars = "\r".join(f"{n:3}%|###       | {n}/100 [00:10<00:17,  3.60it/s]" for n in (10, 20, 30))
    assert progress(bars.encode()) == Progress(0.3, "30/100 [00:10<00:17,  3.60it/s]")
    assert progress(f"{bars}\n##progress 0.9\nwords\n".encode()) == Progress(0.9)
    assert progress(b"##progress 0.9\n##progress 5\n") == Progress(0.9)
    assert progress(b"##progress 9/10 epoch 3\n") == Progress(0.9, "9/10 epoch 3", "epoch 3")


def test_the_words_beside_it_are_short():
    found = progress(b"##progress 0.5 " + b"x" * 4000)
    assert found is not None
    assert len(found.text) == MAX_TEXT


@pytest.mark.parametrize(
    ("tail", "line"),
    [
        ("a\nb\n\n", "b"),
        ("reading\n##progress 0.5\n", "reading"),
        ("reading\n##progress 0.5 epoch 3\n", "epoch 3"),
        ("epoch 3: loss 0.12\n##progress 20/100\n", "epoch 3: loss 0.12"),
        ("##progress 19/100\n##progress 20/100\n", "20/100"),
        (f"reading\n{TQDM}", "reading"),
        (TQDM, "37/100 [00:10<00:17, 3.60it/s]"),
        ("a\tb\x0bc \n", "a b c"),
        ("\x1b[31mred\x1b[0m\n", "red"),
        ("50% \r60% \r", "60%"),
        ("", ""),
        ("\n \n", ""),
    ],
)
def test_the_last_line_is_one_that_says_something(tail, line):
    assert last_line(tail.encode()) == line


PIECES = [
    b"##progress ",
    b"::progress:: ",
    b"1",
    b"9" * 30,
    b"/",
    b"0",
    b".",
    b"%",
    b"|",
    b"\r",
    b"\n",
    b" ",
    b"\xff",
    b"\x1b[",
]
HOSTILE = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=5)), max_size=60).map(b"".join)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.binary(max_size=300), HOSTILE))
@example(b"##progress " + b"9" * 4000)
@example(b"1%|" * 1300)
@example(b"\x1b]" * 2000)
@example(b"##progress 0/0")
def test_any_bytes_are_a_log(tail):
    found = progress(tail)
    assert found is None or 0.0 <= found.fraction <= 1.0
    assert isinstance(last_line(tail), str)
