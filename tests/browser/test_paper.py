"""Every page on paper: light whoever printed it, nothing cut off, nothing to click; the rows of the table are all there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import OpenReader
from tests.browser.reader import ROUTES, Reader
from tests.browser.test_rules import luminance

pytestmark = pytest.mark.browser

A4 = {"width": 720, "height": 1040}  #: px between the margins
CONTROLS = "button, input, select, nav, .tools, .keys, .selection"
#: What holds more than it shows: nobody can scroll paper.
CUT = """() => [...document.querySelectorAll('body *')].filter(each => {
  const style = getComputedStyle(each);
  if (!each.getClientRects().length || each.closest('.unseen, [aria-hidden=true]')) return false;
  if (style.position === 'absolute' && each.offsetWidth <= 1) return false;
  return ['hidden', 'auto', 'scroll', 'clip'].some(way => [style.overflowX, style.overflowY].includes(way))
    && (each.scrollWidth > each.clientWidth + 1 || each.scrollHeight > each.clientHeight + 1);
}).map(each => `${each.tagName}.${each.className} ${each.textContent.slice(0, 60)}`)"""
DARK = """() => [...document.querySelectorAll('body, main *')].filter(each => {
  const box = each.getBoundingClientRect(), [red, green, blue, alpha = 1] =
    (getComputedStyle(each).backgroundColor.match(/[\\d.]+/g) || []).map(Number);
  const most = getComputedStyle(each).backgroundColor.startsWith('color(') ? 1 : 255;
  return box.width > 200 && box.height > 30 && alpha > 0.5 && red + green + blue < 0.8 * most;
}).map(each => `${each.tagName}.${each.className}`)"""
PALE = """canvas => {
  const g = canvas.getContext('2d'), at = g.getImageData(0, 0, canvas.width, canvas.height).data;
  let dark = 0;
  for (let p = 0; p < at.length; p += 4 * 53) if (at[p + 3] > 200 && at[p] + at[p + 1] + at[p + 2] < 120) dark += 1;
  return dark / (at.length / 4 / 53);
}"""
PRINT = "name => dispatchEvent(new Event(name))"


def printed(reader: Reader, route: str) -> Reader:
    """The page as the printer gets it: laid out anew, from a wide window."""
    reader.open(route)
    reader.page.evaluate(PRINT, "beforeprint")
    reader.page.emulate_media(media="print")
    reader.page.set_viewport_size(A4)
    return reader


@pytest.mark.timeout(300)
@pytest.mark.parametrize("route", [*ROUTES, "/task/train/0003", "/task/align/0003"])
def test_a_page_on_paper_is_light_whole_and_has_nothing_to_click(
    full: Path, readers: OpenReader, tmp_path: Path, route: str
) -> None:
    reader = printed(readers(full, color_scheme="dark"), route)
    controls = reader.page.locator(CONTROLS)
    assert [each.evaluate("e => e.outerHTML.slice(0, 80)") for each in controls.all() if each.is_visible()] == []
    assert reader.page.evaluate(CUT) == []
    assert reader.overflow() <= 0
    assert reader.page.evaluate(DARK) == []
    ink = reader.page.locator("h1:visible").evaluate("e => getComputedStyle(e).color")
    assert luminance(ink) < 0.2
    for canvas in reader.page.locator("main canvas:visible").all()[:3]:
        assert canvas.evaluate(PALE) < 0.1, "drawn anew, on white"
    assert len(reader.page.pdf(path=tmp_path / "page.pdf", format="A4")) > 5000


def test_the_table_on_paper_has_the_rows_that_are_shown(full: Path, readers: OpenReader) -> None:
    reader = printed(readers(full), "/tasks?q=state:failed&sort=task")
    assert reader.page.locator(".on-paper tbody tr:visible").count() == reader.shown()
    reader.page.evaluate(PRINT, "afterprint")
    reader.page.emulate_media(media="screen")
    assert reader.page.locator(".on-paper").count() == 0
    assert reader.page.locator(".grid:visible").count() == 1


def test_the_timeline_on_paper_keeps_its_proportions(full: Path, readers: OpenReader) -> None:
    reader = printed(readers(full), "/timeline")
    shape = "e => e.getBoundingClientRect().width / e.getBoundingClientRect().height / (e.width / e.height)"
    assert reader.page.locator("canvas.lanes").evaluate(shape) == pytest.approx(1, abs=0.03)
