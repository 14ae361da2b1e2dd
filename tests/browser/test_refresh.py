"""A page that is open: takes a newer report in place, tells its age, and what changed since it was last looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import OpenReader
from tests.browser.hand import Hand
from tests.browser.reader import Reader, render
from tests.browser.rich import rich
from tests.browser.seeds import running

pytestmark = pytest.mark.browser

HIDE = """hidden => {
  const as = value => ({value, configurable: true});
  Object.defineProperty(document, 'visibilityState', as(hidden ? 'hidden' : 'visible'));
  Object.defineProperty(document, 'hidden', as(hidden));
  document.dispatchEvent(new Event('visibilitychange'));
}"""


@pytest.fixture
def lab(tmp_path: Path) -> Hand:
    """A spool with much to scroll through, a worker alive, and failures."""
    spool = Hand(tmp_path / "lab" / "spool")
    rich(spool)
    return spool


def sooner(reader: Reader) -> None:
    """Let ten seconds and more pass for the page, and the rest of it wait for facts."""
    reader.page.clock.run_for(11_000)


def fresh(spool: Hand, more: int) -> None:
    """More failed, and the report was written again."""
    spool.beat()
    for n in range(more):
        spool.failed(f"news/{n:03d}", "n1-aaaaaaaa", ago=5, err=f"KeyError: 'brand-new-cause {n}'\n")
    render(spool)


def test_a_newer_report_comes_into_the_open_page_and_what_one_did_there_stays(lab: Hand, readers: OpenReader) -> None:
    reader = readers(render(lab))
    reader.page.clock.install()
    reader.open("/failures")
    details = reader.page.locator("main details:visible").first
    if details.get_attribute("open") is None:
        details.locator("summary").first.click()
    reader.page.evaluate("() => scrollTo(0, 400)")
    top = reader.page.evaluate("() => scrollY")
    loaded = reader.page.evaluate("() => { window.sameDocument = 1; return performance.timeOrigin; }")
    fresh(lab, 3)
    sooner(reader)
    reader.page.get_by_text("brand-new-cause").first.wait_for(state="attached")
    assert reader.page.evaluate("() => [window.sameDocument, performance.timeOrigin]") == [1, loaded]
    assert reader.page.evaluate("() => scrollY") == top
    assert reader.page.locator("main details[open]:visible").count() >= 1


def test_the_search_box_is_the_same_one_after_a_newer_report_came(lab: Hand, readers: OpenReader) -> None:
    reader = readers(render(lab))
    reader.page.clock.install()
    reader.open("/tasks")
    box = reader.page.locator("input[type=search]:visible")
    box.fill("state:failed")
    reader.searched("state:failed")
    before = reader.shown()
    handle = box.element_handle()
    box.focus()
    fresh(lab, 5)
    sooner(reader)
    reader.page.wait_for_function("n => document.body.innerText.replace(/,/g, '').includes(n)", arg=str(before + 5))
    assert reader.shown() == before + 5
    assert handle.evaluate("e => e.isConnected && e === document.activeElement && e.value") == "state:failed"


def test_a_page_in_the_background_asks_for_nothing(lab: Hand, readers: OpenReader) -> None:
    reader = readers(render(lab))
    reader.page.clock.install()
    reader.open()
    asked: list[str] = []
    reader.page.on("request", lambda request: asked.append(request.url))
    reader.page.evaluate(HIDE, True)
    reader.page.clock.run_for(120_000)
    assert asked == []
    reader.page.evaluate(HIDE, False)
    reader.page.clock.run_for(11_000)
    reader.page.wait_for_function("() => true")
    assert any("latest.js" in url for url in asked)


def test_the_age_of_the_page_is_told_and_turns_red(tmp_path: Path, readers: OpenReader) -> None:
    spool = Hand(tmp_path / "lab" / "spool")
    running(spool)
    spool.configure({"format": 1, "min_free": 0}, report_every="1m")
    reader = readers(render(spool))
    reader.page.clock.install()
    reader.open()
    assert not reader.is_stale()
    colour = reader.age().evaluate("e => getComputedStyle(e).color + getComputedStyle(e).backgroundColor")
    reader.page.clock.run_for(2_000)
    assert not reader.is_stale()
    reader.page.clock.fast_forward(3600_000)
    reader.page.clock.run_for(15_000)
    reader.page.wait_for_function("() => /1 h/.test(document.querySelector('.age').textContent)")
    assert reader.is_stale()
    assert reader.age().evaluate("e => getComputedStyle(e).color + getComputedStyle(e).backgroundColor") != colour
    size = "e => parseFloat(getComputedStyle(e).fontSize)"
    ago, heading = (reader.page.locator(each).first.evaluate(size) for each in (".age-ago", "main h2:visible"))
    assert ago > heading, "and large"


def test_what_changed_since_i_last_looked_is_told_at_the_second_visit(lab: Hand, readers: OpenReader) -> None:
    reader = readers(render(lab)).open()
    first = reader.text()
    assert "brand-new-cause" not in first
    fresh(lab, 4)
    reader.open()
    since = reader.page.locator(".since:visible").first
    since.wait_for()
    assert "4" in since.inner_text()
    assert "fail" in since.inner_text()
    other = readers(reader.index).open()
    assert not other.page.locator(".since.news:visible").count(), "who was never there before is told nothing"
