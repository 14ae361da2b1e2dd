"""`python -m tests.browser.shots [--out DIR]`: pictures of every page: light, dark, wide, narrow, full, empty, hostile.

The rule: pictures are for eyes; nothing is compared.  The spool is always the same (`rich`), so two sets of pictures differ in
what was changed.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser import chromium
from tests.browser.hand import Hand
from tests.browser.hostile import hostile
from tests.browser.reader import NARROW, ROUTES, WIDE, Reader, render
from tests.browser.rich import rich
from tests.browser.seeds import empty
from tests.browser.wishes import wishes

#: Plots out of sight are drawn when there is nothing else to do.
DRAWN = """() => [...document.querySelectorAll('main figure.plot[data-series]')]
  .every(each => !each.offsetWidth || each.dataset.ownDrawn)"""
SPOOLS = {"rich": rich, "wishes": wishes, "empty": empty, "hostile": hostile}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.browser.shots", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("shots"), help="folder for the pictures (default: ./shots)")
    parser.add_argument("--only", default="", help="only pictures whose name has this word")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        for name, make in SPOOLS.items():
            with tempfile.TemporaryDirectory(prefix="dsgspool-shots-") as base:
                spool = Hand(Path(base) / "lab" / "spool")
                make(spool)
                for picture in shots(browser, spool, given.out, name, given.only):
                    print(picture)
        browser.close()


def shots(browser: Browser, spool: Hand, out: Path, name: str, only: str) -> Iterator[str]:
    """All pictures of one report; says what a page complained of."""
    index, routes = render(spool), (*ROUTES, *(f"/task/{task}" for task in tasks(spool)))
    for scheme, (width, viewport) in product(("light", "dark"), (("wide", WIDE), ("narrow", NARROW))):
        wanted = {route: f"{name}-{_slug(route)}-{scheme}-{width}" for route in routes}
        wanted = {route: picture for route, picture in wanted.items() if only in picture}
        if not wanted:
            continue
        context = browser.new_context(viewport=viewport, color_scheme=scheme, locale="en-GB", timezone_id="UTC")
        reader = Reader(context, index)
        for route, picture in wanted.items():
            reader.open(route)
            reader.page.wait_for_function(DRAWN)
            reader.page.screenshot(path=out / f"{picture}.png", full_page=True, animations="disabled")
            yield f"{picture}.png  {' '.join(reader.complaints)}"
            reader.complaints.clear()
        context.close()


def tasks(spool: Hand) -> list[str]:
    """Some that have much to tell: one that failed, one that runs, one that ended well, the strange ones."""
    found = [next((name.partition("~")[0] for name in spool.ls("failed") if name.startswith("align/")), "")]
    found += [path.partition("/")[2].partition("@")[0].replace("%", "/") for path in spool.ls("running")[:1]]
    found += [file.split(".")[0] for file in spool.ls("logs") if file.startswith("maps/") and file.endswith(".2.yaml")][
        -1:
    ]
    found += [
        name
        for name in (
            "train/0003",
            "sweep-a/9000",
            "big/log",
            "big/bytes",
            "teeth/1",
            "fit/040",
            "fit/big-1",
            "sweep-b/001",
            "plot",
        )
        if spool.where(name)
    ]
    return [name for name in found if name]


def _slug(route: str) -> str:
    return re.sub(r"\W+", "-", route).strip("-") or "overview"


if __name__ == "__main__":
    main()
