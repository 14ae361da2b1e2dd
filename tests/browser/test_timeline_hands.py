"""Hands on the timeline: slider, colours, drag, Shift and drag, the strip of everything, two fingers, a newer report.

The rule: what the page tells of a view is compared with the spool's own records or with the place of the pointer, never with
what the page said before.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest

from tests.browser.conftest import OpenReader
from tests.browser.hand import Hand
from tests.browser.reader import NARROW, Reader, render
from tests.browser.rich import rich
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, FloatRect, Locator

pytestmark = pytest.mark.browser

PIXELS = "canvas => canvas.toDataURL()"
GUTTER = "() => dsgspool.timeline.layout.gutter"
VIEW = "() => dsgspool.timeline.whole()"


def canvas_of(reader: Reader) -> Locator:
    return reader.page.locator("canvas.lanes:visible")


def box_of(place: Locator) -> FloatRect:
    box = place.bounding_box()
    assert box
    return box


def asked(reader: Reader) -> dict[str, str]:
    """What the address says of the view."""
    return {key: values[0] for key, values in parse_qs(reader.hash().partition("?")[2]).items()}


def view(reader: Reader) -> tuple[float, float]:
    """[from, to] in ms."""
    from_, to = reader.page.evaluate(VIEW)
    return from_, to


def kept(reader: Reader, key: str) -> None:
    """Wait until the address has a key."""
    reader.page.wait_for_function("key => new URLSearchParams(location.hash.split('?')[1] || '').has(key)", arg=key)


def across(reader: Reader, share: float) -> tuple[float, float]:
    """Place on the lanes, `share` of the way from the left."""
    box, gutter = box_of(canvas_of(reader)), reader.page.evaluate(GUTTER)
    return box["x"] + gutter + (box["width"] - gutter) * share, box["y"] + box["height"] * 0.25


@contextmanager
def dragged(reader: Reader, start: tuple[float, float], end: tuple[float, float]) -> Iterator[None]:
    """The button is held down from `start` to `end`."""
    reader.page.mouse.move(*start)
    reader.page.mouse.down()
    reader.page.mouse.move(*end, steps=6)
    yield
    reader.page.mouse.up()


def ended_well(spool: Path, least: float) -> int:
    """Attempts that ended well after at least so many seconds, by the records."""
    texts = [file.read_text() for file in spool.joinpath("logs").rglob("*.yaml")]
    taken = [
        re.search(r"^seconds: ([0-9.]+)$", text, re.MULTILINE)
        for text in texts
        if re.search(r'^outcome: "?done"?$', text, re.MULTILINE)
    ]
    return sum(float(found[1]) >= least for found in taken if found)


def words(seconds: float) -> str:
    """How the slider tells a time."""
    return f"{seconds // 60:.0f} min {seconds % 60:02.0f} s"


def test_the_slider_leaves_the_attempts_that_took_longer(full: Path, readers: OpenReader) -> None:
    reader = readers(full).open("/timeline")
    before = canvas_of(reader).evaluate(PIXELS)
    slider = reader.page.get_by_role("slider", name="Longer than")
    slider.focus()
    assert reader.page.locator("output[for=longer]").inner_text() == "any"
    for _ in range(4):
        reader.page.keyboard.press("PageUp")
    kept(reader, "min")
    # Keys may come more slowly than the address waits for the next one: the last of them counts.
    told = reader.page.locator("output[for=longer]")
    wait_until(
        lambda: told.inner_text() == words(float(asked(reader)["min"])),
        5,
        lambda: f"{told.inner_text()} {reader.hash()}",
    )
    least = float(asked(reader)["min"])
    reader.page.wait_for_function("() => /longer than/.test(document.querySelector('.summary').textContent)")
    summary = reader.page.locator(".summary:visible").inner_text()
    number = re.search(r"([\d,]+) ended well", summary)
    assert number and reader.number(number[1]) == ended_well(full.parent.parent, least), summary
    assert canvas_of(reader).evaluate(PIXELS) != before, "shorter ones are not drawn"
    other = readers(full).open(reader.hash().removeprefix("#"))
    assert other.page.get_by_role("slider", name="Longer than").input_value() == slider.input_value()
    other.page.get_by_role("link", name="These in the table").click()
    other.page.wait_for_function("() => location.hash.startsWith('#/tasks')")
    other.settle()
    assert 0 < other.shown() < sum(1 for _ in full.parent.parent.joinpath("logs").rglob("*.yaml"))
    assert "seconds>=" in other.page.locator("input[type=search]:visible").input_value()


def test_bars_are_coloured_by_state_batch_or_name(full: Path, readers: OpenReader) -> None:
    reader = readers(full).open("/timeline")
    pictures, legend = {}, reader.page.locator(".legend:visible")
    for by, words in {"Batch": "sweep-a", "Name": "sweep-a", "State": "ended well"}.items():
        button = reader.page.get_by_role("group", name="Colour by").get_by_role("button", name=by)
        button.click()
        reader.page.wait_for_function(
            "by => (new URLSearchParams(location.hash.split('?')[1] || '').get('by') || 'state') === by",
            arg=by.lower(),
        )
        assert button.get_attribute("aria-pressed") == "true"
        assert reader.page.locator("[data-by][aria-pressed=true]").count() == 1
        assert words in legend.inner_text(), by
        pictures[by] = canvas_of(reader).evaluate(PIXELS)
    assert pictures["Batch"] != pictures["State"]
    other = readers(full).open("/timeline?by=batch")
    assert other.page.locator("[data-by=batch]").get_attribute("aria-pressed") == "true"


def test_shift_and_drag_chooses_a_part_and_a_drag_moves_it(full: Path, readers: OpenReader) -> None:
    reader = readers(full).open("/timeline")
    least, most = view(reader)
    reader.page.keyboard.down("Shift")
    with dragged(reader, across(reader, 0.25), across(reader, 0.5)):
        mark = box_of(reader.page.locator(".mark:visible"))
        assert mark["x"] == pytest.approx(across(reader, 0.25)[0], abs=3)
        assert mark["x"] + mark["width"] == pytest.approx(across(reader, 0.5)[0], abs=3)
    reader.page.keyboard.up("Shift")
    assert reader.page.locator(".mark:visible").count() == 0
    pixel = (most - least) / box_of(canvas_of(reader))["width"]
    chosen = view(reader)
    assert chosen == pytest.approx((least + (most - least) / 4, least + (most - least) / 2), abs=3 * pixel)
    kept(reader, "from")
    link = asked(reader)["from"]
    assert float(link) == pytest.approx(chosen[0], abs=1)
    with dragged(reader, across(reader, 0.2), across(reader, 0.6)):
        pass
    width = chosen[1] - chosen[0]
    assert view(reader) == pytest.approx((chosen[0] - 0.4 * width, chosen[1] - 0.4 * width), abs=width / 100)
    reader.page.wait_for_function("from => !location.hash.includes(from)", arg=link)


def test_the_strip_of_everything_draws_and_moves_the_window(full: Path, readers: OpenReader) -> None:
    reader = readers(full).open("/timeline")
    least, most = view(reader)
    strip, gutter = box_of(reader.page.locator("canvas.overview")), reader.page.evaluate(GUTTER)

    def at(share: float) -> tuple[float, float]:
        return strip["x"] + gutter + (strip["width"] - gutter) * share, strip["y"] + strip["height"] / 2

    def shares() -> tuple[float, float]:
        from_, to = view(reader)
        return (from_ - least) / (most - least), (to - least) / (most - least)

    for start, end, expected in ((0.2, 0.4, (0.2, 0.4)), (0.3, 0.6, (0.5, 0.7)), (0.7, 0.9, (0.5, 0.9))):
        with dragged(reader, at(start), at(end)):
            pass
        assert shares() == pytest.approx(expected, abs=0.01), "drawn, moved, its edge moved"
    reader.page.mouse.dblclick(*at(0.1))
    reader.page.wait_for_function("() => !location.hash.includes('from=')")
    assert view(reader) == (least, most)


# -- fingers ----------------------------------------------------------------------------------------------------------


class Fingers:
    """Touches as the system sends them."""

    def __init__(self, reader: Reader) -> None:
        self.session: CDPSession = reader.context.new_cdp_session(reader.page)

    def touch(self, kind: str, *points: tuple[float, float]) -> None:
        """`touchStart`, `touchMove` or `touchEnd` with the fingers that are there."""
        places = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})


def test_two_fingers_zoom_and_one_moves(full: Path, readers: OpenReader) -> None:
    reader = readers(full, viewport=NARROW, has_touch=True).open("/timeline")
    canvas_of(reader).scroll_into_view_if_needed()
    least, most = view(reader)
    fingers = Fingers(reader)
    fingers.touch("touchStart", across(reader, 0.45))
    fingers.touch("touchStart", across(reader, 0.45), across(reader, 0.55))
    for step in range(1, 11):
        fingers.touch("touchMove", across(reader, 0.45 - 0.02 * step), across(reader, 0.55 + 0.02 * step))
    fingers.touch("touchEnd")
    kept(reader, "from")
    from_, to = view(reader)
    assert (to - from_) / (most - least) == pytest.approx(0.1 / 0.5, rel=0.15), "five times as near"
    assert (from_ + to) / 2 == pytest.approx((least + most) / 2, abs=(most - least) * 0.02), "around the fingers"
    fingers.touch("touchStart", across(reader, 0.3))
    for step in range(1, 9):
        fingers.touch("touchMove", across(reader, 0.3 + 0.05 * step))
    fingers.touch("touchEnd")
    reader.page.wait_for_function("before => dsgspool.timeline.whole()[0] < before", arg=from_)
    moved = view(reader)
    assert moved[1] - moved[0] == pytest.approx(to - from_)
    assert from_ - moved[0] == pytest.approx(0.4 * (to - from_), rel=0.2)


def test_a_finger_on_a_bar_gets_its_words_first_and_opens_the_task_from_there(full: Path, readers: OpenReader) -> None:
    reader = readers(full, viewport=NARROW, has_touch=True).open("/timeline")
    canvas_of(reader).scroll_into_view_if_needed()
    for share in range(30, 70, 3):
        reader.page.touchscreen.tap(*across(reader, share / 100))
        if reader.page.locator(".tooltip:visible").count():
            break
    link = reader.page.locator(".tooltip.touched a")
    name = link.inner_text()
    assert reader.hash().startswith("#/timeline")
    link.tap()
    reader.page.wait_for_function("() => location.hash.startsWith('#/task/')")
    assert reader.settle().page.locator("h1:visible").text_content() == name


# -- a newer report ---------------------------------------------------------------------------------------------------


def test_a_newer_report_keeps_the_part_and_the_place_that_one_looks_at(tmp_path: Path, readers: OpenReader) -> None:
    spool = Hand(tmp_path / "lab" / "spool")
    rich(spool)
    reader = readers(render(spool), viewport={"width": 1000, "height": 420})
    reader.page.clock.install()
    reader.open("/timeline?by=batch&min=30")
    canvas_of(reader).focus()
    reader.page.keyboard.press("+")
    reader.page.keyboard.press("+")
    reader.page.clock.run_for(1000)
    kept(reader, "from")
    link, part = reader.hash(), view(reader)
    reader.page.evaluate("() => { window.sameDocument = 1; scrollTo(0, 260); }")
    top, version = reader.page.evaluate("() => [scrollY, dsgspool.current.stamp]")
    assert top > 100
    spool.beat()
    spool.done("news/1", "n1-aaaaaaaa", ago=40, seconds=35)
    render(spool)
    reader.page.clock.run_for(11_000)
    reader.page.wait_for_function("before => dsgspool.current.stamp > before", arg=version)
    reader.page.clock.run_for(1000)
    reader.page.wait_for_function("() => dsgspool.timeline.made.endsWith(String(dsgspool.current.stamp))")
    assert reader.page.evaluate("() => [window.sameDocument, scrollY]") == [1, top]
    assert (reader.hash(), view(reader)) == (link, part)
    reader.page.keyboard.press("0")
    reader.page.clock.run_for(1000)
    assert view(reader)[1] >= reader.page.evaluate("() => dsgspool.current.stamp * 1000"), "the whole goes on to be it"
    assert "news" in reader.page.locator(".legend:visible").inner_text()


def test_the_queue_counts_those_that_wait_still(tmp_path: Path, readers: OpenReader) -> None:
    spool = Hand(tmp_path / "lab" / "spool")
    spool.worker("n1-aaaaaaaa")
    spool.done("a/1", "n1-aaaaaaaa", ago=3000, seconds=100, waited=500)
    for n in range(5):
        name = spool.drop(f"a/{n + 2}")
        os.utime(spool.root / f"todo/{name}.yaml", (spool.now - 2000 + 100 * n,) * 2)
    reader = readers(render(spool)).open("/timeline")
    told = [
        reader.page.evaluate(
            "at => dsgspool.highest(dsgspool.timeline.model.queued, [at, at + 1], 1, at)[0]", 1000 * (spool.now - ago)
        )
        for ago in (3600, 3200, 2500, 1850, 0)
    ]
    assert told == [0, 1, 0, 2, 5]
    assert reader.page.evaluate("() => dsgspool.timeline.model.untold") == 0
    reader.go("/tasks?cols=times&q=state:todo")
    row = reader.page.locator(".grid-row[data-task='a/2'] .c-submitted")
    assert re.fullmatch(r"(\d+ \w+ )?\d\d:\d\d", row.inner_text())


def test_a_task_that_is_tried_again_is_queued_once_at_a_time(tmp_path: Path, readers: OpenReader) -> None:
    spool = Hand(tmp_path / "lab" / "spool")
    wid = spool.worker("n1-aaaaaaaa")
    again = {"outcome": "exit3", "reason": "exit code 3", "next": "waiting~1+30.0"}
    for task, late in (("a/1", 0), ("a/2", 10)):  # all of one moment, 3500 s ago
        spool.record(task, wid, ago=3000 - late, seconds=100.0, waited=500.0 - late, **again)
        spool.record(task, wid, ago=2000 - late, seconds=100.0, waited=1500.0 - late, **again)
    spool.record("a/1", wid, ago=1000, seconds=100.0, waited=2500.0, outcome="done")
    spool.overwrite("done/a/1.yaml", "command: 'true'\n...\n")
    file = spool.overwrite("todo/a/2~2.abcdefgh-3.yaml", "command: 'true'\n...\n")
    os.utime(file, (spool.now - 3500,) * 2)
    spool.done("c", wid, ago=2700, seconds=10.0, waited=800.0)
    spool.record("b", wid, ago=3000, seconds=100.0, waited=10.0, outcome="done")
    spool.record("b", wid, ago=300, seconds=100.0, waited=2710.0, outcome="done")  # nobody knows since when
    spool.overwrite("done/b.yaml", "command: 'true'\n...\n")
    reader = readers(render(spool)).open("/timeline")
    queued = "at => dsgspool.highest(dsgspool.timeline.model.queued, [at, at + 1], 1, at)[0]"
    told = [reader.page.evaluate(queued, 1000 * (spool.now - ago)) for ago in (3400, 2950, 2500, 1950, 1500, 950, 500)]
    assert told == [3, 1, 2, 0, 1, 0, 0]
    assert reader.page.evaluate("dsgspool.current.queued.length") == 1
    reader.go("/tasks?cols=times&q=a/2")
    assert reader.page.evaluate("dsgspool.ask('submitted', dsgspool.rowOf('a/2'))") == round(1000 * (spool.now - 3500))


TEETH = """() => {
  const strip = document.querySelector("canvas.overview"), ratio = strip.width / strip.clientWidth;
  const row = strip.getContext("2d").getImageData(0, Math.round(3 * ratio), strip.width, 1).data;
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = globalThis.dsgspool.colour("failed");
  probe.fillRect(0, 0, 1, 1);
  const wanted = [...probe.getImageData(0, 0, 1, 1).data].join();
  const found = [];
  for (let x = 0; x < strip.width; x += 1)
    if ([...row.slice(4 * x, 4 * x + 4)].join() === wanted) found.push(x / ratio);
  return found;
}"""
FAILED_ENDS = """() => {
  const d = globalThis.dsgspool, { attempts } = d.tables, words = attempts.dictionaries.outcome.words;
  return [...attempts.ended.subarray(0, attempts.count)]
    .filter((_, row) => attempts.started[row] > 0 && ["failed", "lost"].includes(d.outcomeKind(words[attempts.outcome[row]])));
}"""


def test_the_strip_of_everything_marks_where_attempts_failed(full: Path, readers: OpenReader) -> None:
    reader = readers(full).open("/timeline")
    least, most = view(reader)
    gutter = reader.page.evaluate(GUTTER)
    room = box_of(reader.page.locator("canvas.overview"))["width"] - gutter
    teeth, ends = reader.page.evaluate(TEETH), reader.page.evaluate(FAILED_ENDS)
    places = [gutter + room * (end - least) / (most - least) for end in ends]
    assert teeth and places
    assert all(min(abs(tooth - place) for place in places) < 3 for tooth in teeth)
    assert all(min(abs(tooth - place) for tooth in teeth) < 4 for place in places)
