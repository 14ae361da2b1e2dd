"""What holds for every page: no network, a strict policy, no fault of accessibility, small screens, dark, paper, keyboard."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import OpenReader
from tests.browser.reader import NARROW, ROUTES, Reader

pytestmark = pytest.mark.browser

SCHEMES = ("light", "dark")
#: Pages of tasks, and what each of them shows: a traceback and an environment, a log with colours, a curve that goes on, and
#: an old one of which the report keeps neither text nor log.
TASKS = {
    "/task/align/0103": ".curve canvas", "/task/align/0316": ".log pre span[class*=ansi]",
    "/task/align/0308": "[data-key=environment] td", "/task/train/0003": ".did .none",
}  # fmt: skip
SMALL = """found => found.filter(each => {
  const box = each.getBoundingClientRect();
  return box.width && box.height < 24;
}).map(each => each.textContent.trim())"""
AXE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
    "resultTypes": ["violations"],
    "preload": False,
}  # it may not fetch


def faults(reader: Reader) -> list[str]:
    """What axe-core calls serious or critical: rule, words, the first element."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(reader.page, options=AXE).response["violations"]
    return [told(each) for each in found if each["impact"] in ("serious", "critical")]


def told(violation: dict[str, Any]) -> str:
    node = violation["nodes"][0]
    first = f"{node['html'][:200]} {node['failureSummary'][-200:]}"
    return f"{violation['id']} ({len(violation['nodes'])}): {violation['help']}: {first}"


@pytest.fixture(params=SCHEMES)
def scheme(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.timeout(300)
@pytest.mark.parametrize("route", [*ROUTES, *TASKS])
def test_axe_finds_no_serious_fault_on_any_page(full: Path, readers: OpenReader, scheme: str, route: str) -> None:
    reader = readers(full, color_scheme=scheme).open(route)
    if route in TASKS:
        reader.page.locator(TASKS[route]).first.wait_for()
    assert faults(reader) == []


def test_the_policy_of_the_page_allows_nothing_from_elsewhere(full: Path, readers: OpenReader) -> None:
    reader = readers(full).open()
    policy = reader.page.locator('meta[http-equiv="Content-Security-Policy"]').get_attribute("content")
    assert policy and "default-src 'none'" in policy
    assert not re.search(r"https?:|\*|unsafe-eval|script-src[^;]*unsafe-inline", policy), policy
    for addressed in ("script[src]", "link[href]", "img[src]", "iframe", "object", "embed", "base"):
        for address in reader.page.locator(addressed).evaluate_all(
            "found => found.map(each => each.src || each.href || '!')"
        ):
            assert address.startswith(("file:", "data:")), address


@pytest.mark.parametrize("width", [390, 320])
def test_nothing_is_wider_than_a_phone(full: Path, readers: OpenReader, width: int) -> None:
    reader = readers(full, viewport={**NARROW, "width": width})
    assert {route: wide for route in (*ROUTES, *TASKS) if (wide := reader.open(route).overflow()) > 0} == {}


#: The next picture but one: how many plots in sight are not as wide as their places.
MISFITS = """() => new Promise(tell => requestAnimationFrame(() => requestAnimationFrame(() => tell(
  [...document.querySelectorAll('.uplot')].filter(plot => {
    const box = plot.closest('.chart-half, .chart').getBoundingClientRect(), drawn = plot.querySelector('canvas').offsetWidth;
    return box.width && box.top < innerHeight && box.bottom > 0 && Math.abs(drawn - box.width) > 1;
  }).length))))"""


@pytest.mark.parametrize("route", ["/", "/batches", "/nodes", "/task/align/0103"])
def test_plots_follow_another_width_at_once(full: Path, readers: OpenReader, route: str) -> None:
    reader = readers(full, viewport={"width": 800, "height": 3000}).open(route)
    reader.page.wait_for_function("() => document.querySelector('main .uplot')")
    for width in (420, 1000):
        reader.page.set_viewport_size({"width": width, "height": 3000})
        assert reader.page.evaluate(MISFITS) == 0
        assert reader.page.evaluate("() => document.documentElement.scrollWidth") == width


def test_targets_of_a_finger_are_large_enough(full: Path, readers: OpenReader) -> None:
    reader = readers(full, viewport=NARROW, has_touch=True)
    for route in ROUTES:
        assert reader.open(route).page.locator("nav a, button").evaluate_all(SMALL) == [], route


def luminance(colour: str) -> float:
    red, green, blue = (int(each) / 255 for each in re.findall(r"\d+", colour)[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_it_is_dark_for_whoever_wants_it_dark(full: Path, readers: OpenReader) -> None:
    for scheme in SCHEMES:
        reader = readers(full, color_scheme=scheme).open()
        style = "e => { const s = getComputedStyle(e); return [s.backgroundColor, s.color]; }"
        ground, ink = map(luminance, reader.page.locator("body").evaluate(style))
        assert (ground < 0.2 and ink > 0.6) if scheme == "dark" else (ground > 0.8 and ink < 0.3)


def test_on_paper_all_is_there_and_nothing_to_click(full: Path, readers: OpenReader, tmp_path: Path) -> None:
    reader = readers(full, color_scheme="dark").open()
    reader.page.emulate_media(media="print", color_scheme="light")
    assert not reader.page.locator("nav").first.is_visible()
    assert reader.page.locator("button.copy:visible").count() == 0
    assert luminance(reader.page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor")) > 0.9 or (
        reader.page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor") == "rgba(0, 0, 0, 0)"
    )
    assert reader.overflow() <= 0
    pdf = reader.page.pdf(path=tmp_path / "page.pdf", format="A4")
    assert pdf.startswith(b"%PDF") and len(pdf) > 5000


def test_every_page_is_reached_by_the_keyboard_alone(full: Path, readers: OpenReader) -> None:
    reader = readers(full).open()
    reached: dict[str, str] = {}
    for _ in range(40):
        reader.page.keyboard.press("Tab")
        what = reader.page.evaluate(
            "() => { const e = document.activeElement, s = getComputedStyle(e);"
            " return [e.getAttribute('href') || '', s.outlineStyle + ' ' + s.outlineWidth + ' ' + s.boxShadow]; }"
        )
        reached[what[0]] = what[1]
        if {f"#{route}" for route in ROUTES} <= set(reached):
            break
    assert {f"#{route}" for route in ROUTES} <= set(reached), reached
    unseen = [
        link
        for link in (f"#{route}" for route in ROUTES)
        if reached[link].startswith(("none", "auto 0px")) and "none" in reached[link][-4:]
    ]
    assert not unseen, f"no focus ring on {unseen}"
    reader.page.locator('nav a[href="#/failures"]').focus()
    reader.page.keyboard.press("Enter")
    reader.page.wait_for_function("() => location.hash === '#/failures'")
    reader.settle()
    assert "could not convert" in reader.text()


def test_without_script_the_sections_can_be_read(full: Path, readers: OpenReader) -> None:
    reader = readers(full, java_script_enabled=False)
    reader.page.goto(reader.url())
    text = reader.page.locator("body").inner_text()
    for words in ("failures", "could not convert", "n4", "silent", "sweep-a"):
        assert words in text, words


def test_no_page_has_a_second_heading_of_the_first_rank_or_two_elements_of_one_id(
    full: Path, readers: OpenReader
) -> None:
    reader = readers(full)
    for route in ROUTES:
        reader.open(route)
        assert reader.page.locator("h1:visible").count() == 1, route
        ids = reader.page.locator("[id]").evaluate_all("found => found.map(each => each.id)")
        assert len(ids) == len(set(ids)), [each for each in ids if ids.count(each) > 1]
