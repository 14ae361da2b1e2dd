"""The timeline: lanes, zoom, colours, hover, click to the task, the link to a view; with a mouse and without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import OpenReader

pytestmark = pytest.mark.browser

INK = """canvas => {
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data, seen = new Set();
  for (let at = 0; at < data.length; at += 4 * 97) seen.add(`${data[at]},${data[at + 1]},${data[at + 2]},${data[at + 3]}`);
  return seen.size;
}"""


def test_it_is_drawn_with_a_lane_for_each_node(full: Path, readers: OpenReader) -> None:
    reader = readers(full).open("/timeline")
    canvas = reader.page.locator("canvas:visible").first
    assert canvas.evaluate(INK) > 4, "bars in several colours"
    text = reader.text()
    for node in ("n1", "n2", "n4", "gpu1"):
        assert node in text or node in (canvas.get_attribute("aria-label") or ""), node


def test_the_wheel_and_the_keys_zoom_and_the_link_keeps_it(full: Path, readers: OpenReader) -> None:
    reader = readers(full).open("/timeline")
    canvas = reader.page.locator("canvas:visible").first
    whole = reader.hash()
    canvas.hover()
    reader.page.keyboard.down("Control")
    reader.page.mouse.wheel(0, -600)
    reader.page.keyboard.up("Control")
    reader.page.wait_for_function("whole => location.hash !== whole", arg=whole)
    zoomed = reader.hash()
    canvas.focus()
    reader.page.keyboard.press("+")
    reader.page.wait_for_function("before => location.hash !== before", arg=zoomed)
    link = reader.hash()
    other = readers(full).open(link.removeprefix("#"))
    assert other.hash() == link
    reader.page.keyboard.press("0")
    reader.page.wait_for_function("before => location.hash !== before", arg=link)


def test_a_bar_under_the_mouse_tells_of_its_task_and_a_click_leads_there(full: Path, readers: OpenReader) -> None:
    reader = readers(full).open("/timeline")
    canvas = reader.page.locator("canvas:visible").first
    box = canvas.bounding_box()
    assert box
    for part in range(20, 95):
        reader.page.mouse.move(box["x"] + box["width"] * part / 100, box["y"] + box["height"] * 0.3)
        if reader.page.locator(".tooltip:visible").count():
            break
    tip = reader.page.locator(".tooltip:visible").inner_text()
    assert any(batch in tip for batch in ("sweep-a/", "align/", "maps/", "train/")), tip
    reader.page.mouse.down()
    reader.page.mouse.up()
    reader.page.wait_for_function("() => location.hash.startsWith('#/task/')")
    reader.settle()
    name = reader.page.locator("h1:visible").text_content() or ""
    assert name and name in tip
