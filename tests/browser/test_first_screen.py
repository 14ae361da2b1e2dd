"""The verdict and the first screen of every seed are the expected ones, and numbers are those that `ls` gives."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.conftest import OpenReader
from tests.browser.count import count
from tests.browser.hand import Hand
from tests.browser.reader import render
from tests.browser.seeds import SEEDS, Seed

pytestmark = pytest.mark.browser

STATES = ("done", "running", "todo", "waiting", "hold", "failed")


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_the_verdict_and_the_first_screen_say_what_is_the_matter(
    seed: Seed, seeded: Callable[[Seed], Hand], readers: OpenReader
) -> None:
    spool = seeded(seed)
    reader = readers(render(spool))
    if seed.later:
        reader.page.clock.install(time=spool.now + seed.later)
    reader.open()
    verdict, screen = reader.verdict(), reader.text()
    assert re.fullmatch(seed.verdict, verdict), verdict
    for words in seed.screen:
        assert re.search(words, screen), f"{words!r} is not on the first screen: {screen!r}"
    assert reader.tone() == seed.tone, verdict
    bottom = reader.page.locator(".verdict").first.bounding_box()
    assert bottom and bottom["y"] + bottom["height"] < 400, "the verdict stands on the top"
    counted = {state: sum(batches.values()) for state, batches in count(str(spool)).items()}
    assert reader.counts() == counted


def test_numbers_of_the_batches_are_those_of_the_folders(study: tuple[Hand, Path], readers: OpenReader) -> None:
    spool, index = study
    reader = readers(index).open("/batches")
    counted = count(str(spool))
    batches = {batch for numbers in counted.values() for batch in numbers}
    assert batches == {"", "sweep", "train", "align"}
    for batch in batches:
        expected = {state: counted[state][batch] for state in STATES if counted[state][batch]}
        assert reader.counts(f'[data-batch="{batch}"]', only=tuple(expected)) == expected, batch


def test_the_table_of_tasks_has_a_row_for_every_file(study: tuple[Hand, Path], readers: OpenReader) -> None:
    spool, index = study
    reader = readers(index)
    for state, batches in count(str(spool)).items():
        reader.open(f"/tasks?q=state:{state}")
        assert reader.shown() == sum(batches.values()), state
