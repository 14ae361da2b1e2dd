"""`python -m tests.browser.shots [--out DIR]`: pictures of every page: light, dark, wide, narrow, full, empty, hostile.

The rule: pictures are for eyes; nothing is compared.  The spool is always the same (`rich`), so two sets of pictures differ in
what was changed.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser import chromium
from tests.browser.hand import Hand
from tests.browser.hostile import hostile
from tests.browser.reader import NARROW, ROUTES, WIDE, Reader, render
from tests.browser.rich import rich
from tests.browser.seeds import empty

SPOOLS = {"rich": rich, "empty": empty, "hostile": hostile}


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
                for picture in shots(browser, render(spool), given.out, name, given.only):
                    print(picture)
        browser.close()


def shots(browser: Browser, index: Path, out: Path, name: str, only: str) -> Iterator[str]:
    """All pictures of one report; says what a page complained of."""
    for scheme in ("light", "dark"):
        for width, viewport in (("wide", WIDE), ("narrow", NARROW)):
            wanted = {route: f"{name}-{_slug(route)}-{scheme}-{width}" for route in _routes(name)}
            wanted = {route: picture for route, picture in wanted.items() if only in picture}
            if not wanted:
                continue
            context = browser.new_context(viewport=viewport, color_scheme=scheme, locale="en-GB", timezone_id="UTC")
            reader = Reader(context, index)
            for route, picture in wanted.items():
                reader.open(route)
                reader.page.screenshot(path=out / f"{picture}.png", full_page=True, animations="disabled")
                yield f"{picture}.png  {' '.join(reader.complaints)}"
                reader.complaints.clear()
            context.close()


def _routes(name: str) -> tuple[str, ...]:
    """Every page, and tasks worth a page of their own."""
    tasks = {"rich": ("align/9", "train/0003", "sweep-a/9000"), "hostile": ("big/log", "teeth/1", "big/bytes")}
    return (*ROUTES, *(f"/task/{task}" for task in tasks.get(name, ())))


def _slug(route: str) -> str:
    return route.strip("/").replace("/", "-") or "overview"


if __name__ == "__main__":
    main()
