"""A person who reads the report: opens pages, looks, clicks; and an inspector who notes what no page may do.

The rule: what the console said, what failed and what was asked from anywhere but files is noted from the first moment on, and
`complaints` is empty at the end of every test.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.browser.hand import Hand
from tests.support.processes import CODE

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request

ROUTES = ("/", "/timeline", "/tasks", "/failures", "/batches", "/nodes", "/about")
WIDE = {"width": 1400, "height": 900}
NARROW = {"width": 390, "height": 844}
SECONDS = 10_000  #: milliseconds that a fact on a page may take


def render(spool: Hand) -> Path:
    """`dsgspool report`, as a person types it; the page's path."""
    command = [sys.executable, "-m", "dsgspool", "--spool", str(spool), "report"]
    done = subprocess.run(command, cwd=CODE, capture_output=True, text=True, check=False, timeout=90)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip().splitlines()[-1])


class Reader:
    """One tab of one context."""

    def __init__(self, context: BrowserContext, index: Path | None = None) -> None:
        self.context, self.index = context, index
        self.complaints: list[str] = []
        context.on("request", self._asked)
        self.page: Page = context.new_page()
        self.page.set_default_timeout(SECONDS)
        self.watch(self.page)

    def watch(self, page: Page) -> None:
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("crash", lambda _: self.complaints.append("the page crashed"))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            self.complaints.append(f"console {message.type}: {message.text} ({message.location})")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith(("file:", "data:", "blob:file:", "blob:null", "about:")):
            self.complaints.append(f"asked for {request.url}")

    # -- going about ---------------------------------------------------------------------------------------------

    def url(self, route: str = "/") -> str:
        """Address of a page of the report."""
        assert self.index is not None
        return f"file://{quote(str(self.index))}#{route}"

    def open(self, route: str = "/") -> Reader:
        """Load the report at a route, anew."""
        self.page.goto("about:blank")  # else a new hash alone loads nothing
        self.page.goto(self.url(route))
        return self.settle()

    def go(self, route: str) -> Reader:
        """Another page of the report that is open."""
        self.page.evaluate("route => { location.hash = route; }", f"#{route}")
        return self.settle()

    def settle(self) -> Reader:
        """Wait until the page says that what belongs to its route is drawn."""
        self.page.wait_for_function(
            "() => [location.hash, decodeURI(location.hash)].includes(document.documentElement.dataset.ready)"
        )
        return self

    # -- looking -------------------------------------------------------------------------------------------------

    @property
    def main(self) -> Locator:
        return self.page.locator("main")

    def text(self) -> str:
        """What can be read on the page that is shown, on one line."""
        return " ".join(self.page.locator("body").inner_text().split())

    def verdict(self) -> str:
        """The sentence on the top."""
        return " ".join(self.page.locator(".verdict").first.inner_text().split())

    def number(self, text: str) -> int:
        """`1,234` as a number."""
        return int(re.sub(r"\D", "", text))

    def overflow(self) -> int:
        """Pixels by which the page is wider than its window."""
        return self.page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
