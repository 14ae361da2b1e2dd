"""The verdict and the first screen of every seed are the expected ones, and numbers are those that `ls` gives."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.conftest import OpenReader
from tests.browser.count import count
from tests.browser.hand import Hand
from tests.browser.reader import Reader, render
from tests.browser.seeds import SEEDS, Seed

pytestmark = pytest.mark.browser

SCREEN = {"width": 1280, "height": 800}
#: Age, verdict, how much in all and of the first batch, what went wrong, what changed; in the order of the page.
FIRST = (
    ".age", ".verdict", "[data-key=totals] .counts", "[data-key=batches] .row", "[data-key=causes] .cause-title",
    "[data-key=changes] > h2", "[data-key=changes] .facts > div",
)  # fmt: skip
STATES = ("done", "running", "todo", "waiting", "hold", "failed")


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_the_verdict_and_the_first_screen_say_what_is_the_matter(
    seed: Seed, seeded: Callable[[Seed], Hand], readers: OpenReader
) -> None:
    spool = seeded(seed)
    reader = readers(render(spool), viewport=SCREEN)
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
    assert below(reader) == {}
    counted = {state: sum(batches.values()) for state, batches in count(str(spool)).items()}
    assert reader.counts() == counted


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_five_questions_are_answered_without_scrolling(full: Path, readers: OpenReader, scheme: str) -> None:
    reader = readers(full, viewport=SCREEN, color_scheme=scheme).open()
    assert below(reader) == {}
    places = [reader.page.locator(f"{where}:visible").first.bounding_box() for where in FIRST]
    assert all(places), places
    tops = [place["y"] for place in places if place]
    assert tops == sorted(tops), "in the order in which one asks"
    seen = " ".join(reader.page.locator("[data-key=changes] .facts > div").first.inner_text().split())
    assert re.fullmatch(r"attempts ended well \d+", seen)
    assert places[0] and places[0]["y"] < 60, "how old the page is stands above all"


def below(reader: Reader) -> dict[str, float]:
    """What of the first screen ends below it, and where; of a long list its head has to be there, and its first row."""
    found = {}
    for where in FIRST:
        each = reader.page.locator(f"{where}:visible")
        if each.count() and (place := each.first.bounding_box()) and place["y"] + place["height"] > SCREEN["height"]:
            found[where] = place["y"] + place["height"]
    return found


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
