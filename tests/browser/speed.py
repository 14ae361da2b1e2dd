"""`python -m tests.browser.speed [--tasks N] [--spool DIR]`: how long a reader waits for each page of a large report.

The rule: told, not judged, since this machine may be busy.  `cold`: the report is opened at this page by a new browser
context, all data read from disk; `warm`: one comes from another page.  Until the frame in which the page says that it is
drawn, by the page's own clock: asking it from outside takes long while it goes on to read.  By then the columns that it
shows are there for every row (WHOLE), so its totals are those of all tasks, and order and search by them need nothing more.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.bench import report as bench
from tests.browser import chromium
from tests.browser.reader import ROUTES, WIDE, Reader

ROUNDS = 3
WHOLE = {"/timeline": {"runs"}, "/tasks": {"tasks", "runs"}}
WATCH = """globalThis.drawn = new Promise(done => {
  new MutationObserver(() => {
    if (document.documentElement.dataset.ready === location.hash)
      requestAnimationFrame(() => setTimeout(() => done(
        [performance.now(), ["tasks", "runs"].filter(part => dsgspool.has(part))])));
  }).observe(document, {attributes: true, subtree: true, attributeFilter: ['data-ready']});
})"""
FRAMES = """async () => {
  const canvas = document.querySelector('main canvas'), box = canvas.getBoundingClientRect(), took = [];
  for (let n = 0; n < 40; n++) {
    const began = performance.now();
    const at = {clientX: box.left + box.width * 0.6, clientY: box.top + 50, deltaY: n < 20 ? -120 : 120, ctrlKey: true};
    canvas.dispatchEvent(new WheelEvent('wheel', {...at, bubbles: true, cancelable: true}));
    await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    took.push(performance.now() - began);
  }
  return took;
}"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.browser.speed", description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--spool", type=Path, default=None, help="a spool that has a report already")
    given = parser.parse_args()
    root = given.spool or Path(tempfile.mkdtemp(prefix="dsgspool-speed-"))
    try:
        if not given.spool:
            bench.seed(root, given.tasks)
            bench.fill(root, 0, given.tasks)
            cost = bench.render(root)
            print(f"{given.tasks} tasks, rendered in {cost} with {cost.peak:.0f} MB")
        with sync_playwright() as playwright:
            browser = chromium.launch(playwright)
            measure(browser, root / "reports/index.html")
            browser.close()
    finally:
        if not given.spool:
            shutil.rmtree(root)


def measure(browser: Browser, index: Path) -> None:
    print("milliseconds until a page is drawn (median, worst of cold ones; warm), megabytes of script heap")
    for route in ROUTES:
        cold = sorted(opened(browser, index, route) for _ in range(ROUNDS))
        reader = new_reader(browser, index).open("/about" if route == "/" else "/")
        reader.open(route)
        warm = sorted(switched(reader, route) for _ in range(ROUNDS))
        heap = reader.page.evaluate("() => performance.memory ? performance.memory.usedJSHeapSize / 1e6 : 0")
        cold_ones = f"cold {statistics.median(cold):6.0f} {cold[-1]:6.0f}"
        print(f"{route:10} {cold_ones}   warm {statistics.median(warm):6.0f}   {heap:5.0f} MB")
        if route == "/timeline":
            frames = sorted(reader.page.evaluate(FRAMES))
            print(f"           a step of zoom: {statistics.median(frames):.0f} ms, worst {frames[-1]:.0f} ms")
        reader.context.close()


def new_reader(browser: Browser, index: Path) -> Reader:
    reader = Reader(browser.new_context(viewport=WIDE), index)
    reader.page.set_default_timeout(120_000)
    return reader


def opened(browser: Browser, index: Path, route: str) -> float:
    """Milliseconds from the beginning of the navigation."""
    reader = new_reader(browser, index)
    reader.page.add_init_script(WATCH)
    reader.open(route)
    took, whole = reader.page.evaluate("() => drawn")
    reader.context.close()
    assert WHOLE.get(route, set()) <= set(whole), f"{route} was drawn from {whole}"
    return float(took)


def switched(reader: Reader, route: str) -> float:
    """Milliseconds from the click."""
    reader.go("/about" if route != "/about" else "/")
    return float(reader.page.evaluate(
        """async hash => {
          const began = performance.now();
          location.hash = hash;
          while (document.documentElement.dataset.ready !== hash) await new Promise(requestAnimationFrame);
          return performance.now() - began;
        }""",
        f"#{route}",
    ))  # fmt: skip


if __name__ == "__main__":
    main()
