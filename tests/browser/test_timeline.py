"""The timeline: lanes, zoom, colours, hover, click to the task, the link to a view; with a mouse and without one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.browser.conftest import OpenReader
from tests.browser.hand import Hand
from tests.browser.reader import NARROW, render

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
    # The first one asks for the names of tasks, which are read when somebody wants them; until then it says so.
    reader.page.wait_for_function("() => !/^Reading/.test(document.querySelector('.tooltip').textContent)")
    tip = reader.page.locator(".tooltip:visible").inner_text()
    assert any(batch in tip for batch in ("sweep-a/", "align/", "maps/", "train/")), tip
    reader.page.mouse.down()
    reader.page.mouse.up()
    reader.page.wait_for_function("() => location.hash.startsWith('#/task/')")
    reader.settle()
    name = reader.page.locator("h1:visible").text_content() or ""
    assert name and name in tip


#: Colours in the middle of the height of the first bar of each node: behind its beginning, before its end; then at the top.
BARS = """() => {
  const t = dsgspool.timeline, [from, to] = t.whole(), found = {}, ratio = devicePixelRatio;
  const { canvas } = t.parts, { width, data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const x = at => t.layout.gutter + (at - from) / (to - from) * (t.layout.width - t.layout.gutter);
  const colour = (left, top) => {
    const place = 4 * (Math.floor(top * ratio) * width + Math.floor(left * ratio));
    return data.slice(place, place + 4).join();
  };
  t.model.hosts.forEach((host, index) => {
    const { top, lane: height } = t.layout.hosts[index], [lane] = host.lanes;
    const [left, right] = [x(lane.starts[0]) + 3, x(lane.ends[0]) - 5];
    found[host.name] = [[left, 0.5], [right, 0.5], [left, 0.2], [right, 0.2]]
      .map(([at, part]) => colour(at, top + height * part));
  });
  return found;
}"""


def test_a_bar_says_by_its_shape_too_what_became_of_its_attempt(tmp_path: Path, readers: OpenReader) -> None:
    spool = Hand(tmp_path / "lab" / "spool")
    spool.done("a", spool.worker("n1-aaaaaaaa"), ago=900, seconds=600)
    spool.failed("b", spool.worker("n2-bbbbbbbb"), ago=900, seconds=600, err="no\n")
    running = spool.worker("n3-cccccccc")
    spool.run("fit/c", running, ago=600, err="fold 2\n##progress 30/100\n")
    spool.record("d", running.replace("3", "4").replace("c", "d"), ago=900, seconds=600, outcome="stopped", next="todo")
    reader = readers(render(spool)).open("/timeline")
    bars = reader.page.evaluate(BARS)
    done, failed, runs, back = (bars[f"n{n}"] for n in (1, 2, 3, 4))
    assert len(set(done)) == 1, "plain"
    assert failed[0] != failed[1] and failed[0] == failed[2] == failed[3], "bitten in the middle of its end"
    assert runs[0] == runs[1] == runs[2] != runs[3], "a point"
    assert back[0] == back[1] != back[2] == back[3], "the lower half only"
    for kind in ("failed", "running", "back"):
        key = reader.page.locator(f".legend .bar-{kind}")
        assert key.evaluate("e => getComputedStyle(e).clipPath") != "none", kind
    place = reader.page.evaluate(
        "() => { const t = dsgspool.timeline, at = t.model.hosts.findIndex(each => each.name === 'n3');"
        " return { x: t.layout.width - 60, y: t.layout.hosts[at].top + 5 }; }"
    )
    reader.page.locator("canvas.lanes").hover(position=place)
    reader.page.wait_for_function("() => /30 % done, fold 2/.test(document.querySelector('.tooltip').innerText)")
    tip = reader.page.locator(".tooltip:visible").inner_text()
    assert "fit/c" in tip and "in fit" in tip


def test_a_phone_is_told_of_fingers_and_reads_more_than_two_hours(full: Path, readers: OpenReader) -> None:
    reader = readers(full, viewport=NARROW, has_touch=True, is_mobile=True).open("/timeline")
    words = " ".join(reader.page.locator(".keys:visible").all_inner_texts())
    assert "two fingers zoom" in words and "Ctrl" not in words
    ticks = (
        "() => { const t = dsgspool.timeline, [a, b] = t.whole(); return dsgspool.ticks(a, b, t.layout.ticks).length; }"
    )
    assert reader.page.evaluate(ticks) >= 3
    assert "Ctrl + wheel" in readers(full).open("/timeline").page.locator(".keys:visible").inner_text()


def test_what_never_began_is_on_no_node_on_any_page(tmp_path: Path, readers: OpenReader) -> None:
    spool = Hand(tmp_path / "lab" / "spool")
    spool.failed("fit/7", spool.worker("n1-aaaaaaaa"), ago=90, seconds=9, err="no\n")
    for name in ("fit/sum", "fit/plot"):
        spool.unstarted(name, spool.worker("n2-bbbbbbbb"), ago=60, culprit="fit/7", after="fit/7")
    reader = readers(render(spool)).open("/timeline")
    reader.page.wait_for_function("() => /attempt/.test(document.querySelector('.summary').textContent)")
    assert reader.page.locator(".summary").inner_text() == "1 attempt on 2 nodes: 1 failed."
    assert [each.strip() for each in reader.page.locator(".legend li").all_inner_texts()] == [
        "failed 1",
        "no worker there",
    ]
    reader.go("/batches")
    assert re.search(r"attempts that ended badly\s+1\b", reader.text())
    reader.go("/nodes")
    assert reader.page.locator(".node", has_text="n2").locator("[role=img]").count() == 0, "nothing ended there"
    reader.go("/tasks?cols=all")
    keys = "['task', 'host', 'worker', 'started', 'seconds']"
    cells = f"all => all.map(row => {keys}.map(key => row.querySelector(`.c-${{key}}`).innerText))"
    rows = reader.page.locator(".grid-body .grid-row:visible").evaluate_all(cells)
    assert sorted([name, host, worker, bool(started), took] for name, host, worker, started, took in rows) == [
        ["fit/7", "n1", "n1-aaaaaaaa", True, "9.0 s"], ["fit/plot", "", "", False, ""], ["fit/sum", "", "", False, ""],
    ]  # fmt: skip
    assert "No task matches" in reader.go("/tasks?q=host:n2").text()
