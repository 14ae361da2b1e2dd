"""While reports are written one after the other a reader sees the old one or the new one, never a mixture."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.browser.conftest import OpenReader
from tests.browser.hand import Hand
from tests.browser.reader import render
from tests.browser.seeds import running
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

STATE = """() => {
  const text = selector => (document.querySelector(selector) || {}).textContent || '';
  return [text('.verdict'), Number(text('[data-count=done]').replace(/\\D/g, ''))];
}"""


@contextmanager
def writing(spool: Hand) -> Iterator[list[int]]:
    """Finishes a task and writes the report, over and over; the list holds how often."""
    stop, rounds = threading.Event(), [0]
    trouble: list[Exception] = []

    def go() -> None:
        try:
            while not stop.is_set():
                spool.beat()
                spool.done(f"fit/more-{rounds[0]:04d}", "n1-aaaaaaa2", ago=5, seconds=3)
                render(spool)
                rounds[0] += 1
        except (AssertionError, OSError) as error:
            trouble.append(error)

    thread = threading.Thread(target=go)
    thread.start()
    try:
        yield rounds
    finally:
        stop.set()
        thread.join()
    assert not trouble, trouble


def references(text: str) -> set[str]:
    return set(re.findall(r"(?:app|style|page|attempts|tasks|details)-[0-9a-f]{16}\.(?:js|css)", text))


def whole(index: Path) -> None:
    """Everything that the index names is there, and so on from file to file."""
    data, seen, open_ = index.parent / "data", set(), references(index.read_text())
    assert any(name.startswith("page-") for name in open_)
    while open_:
        name = open_.pop()
        seen.add(name)
        text = (data / name).read_text(errors="replace")
        if name.startswith("page-"):
            open_ |= references(text) - seen


def test_whoever_reads_while_others_write_sees_one_report_as_a_whole(tmp_path: Path, readers: OpenReader) -> None:
    spool = Hand(tmp_path / "lab" / "spool")
    running(spool)
    index = render(spool)
    reader = readers(index)
    with writing(spool) as rounds:
        seen = set()
        while rounds[0] < 6:
            whole(index)
            reader.open("/tasks?q=state:done")
            verdict, done = reader.page.evaluate(STATE)
            assert reader.shown() == done, verdict
            seen.add(done)
        wait_until(lambda: rounds[0] >= 6, 60)
    assert len(seen) > 1, seen


def test_a_page_that_was_loaded_before_finds_its_data_for_an_hour(tmp_path: Path, readers: OpenReader) -> None:
    spool = Hand(tmp_path / "lab" / "spool")
    running(spool)
    index = render(spool)
    before = references(index.read_text())
    for n in range(3):
        spool.done(f"fit/more-{n}", "n1-aaaaaaa2", ago=5)
        render(spool)
    assert references(index.read_text()) != before
    assert not [name for name in before if not (index.parent / "data" / name).exists()]
