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
STATES = ("done", "running", "todo", "waiting", "hold", "failed")
FROM_THE_TOP = """all => all.map(each => [each.getBoundingClientRect().top, each.dataset.task])
  .sort((one, other) => one[0] - other[0]).map(each => each[1])"""
SECONDS = 30_000  #: milliseconds that a fact on a page may take


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
        self.page.wait_for_function("() => document.documentElement.dataset.ready === location.hash")
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

    def tone(self) -> str:
        return self.page.locator("[data-tone]").first.get_attribute("data-tone") or ""

    def counts(self, scope: str = "main", only: tuple[str, ...] = STATES) -> dict[str, int]:
        """The numbers of the states in a part of the page; what is not told is 0."""
        found = {}
        for state in only:
            told = self.page.locator(f"{scope} [data-count={state}]:visible").all_inner_texts()
            found[state] = self.number(told[0]) if told else 0
        return found

    def age(self) -> Locator:
        return self.page.locator(".age:visible").first

    def is_stale(self) -> bool:
        return self.page.locator(".age.stale:visible, [data-stale]:visible .age").count() > 0

    def hash(self) -> str:
        return self.page.evaluate("() => location.hash")

    # -- the table of tasks --------------------------------------------------------------------------------------

    def shown(self) -> int:
        """How many rows the table says that it has."""
        return int(self.page.locator("main [data-shown]:visible").first.get_attribute("data-shown") or -1)

    def rows(self) -> list[str]:
        """The tasks in the rows that are drawn, from the top."""
        return self.page.locator("main [data-task]:visible").evaluate_all(FROM_THE_TOP)

    def search(self, query: str) -> None:
        """Type a query, and wait for the link that keeps it."""
        self.page.locator("input[type=search]:visible").fill(query)
        self.searched(query)

    def searched(self, query: str) -> None:
        self.page.wait_for_function(
            "query => (new URLSearchParams(location.hash.split('?')[1] || '').get('q') || '') === query", arg=query
        )
        self.settle()

    def sort(self, column: str) -> list[str]:
        """Click on a column's head; the tasks shown then."""
        before = self.hash()
        self.page.locator(f"[data-sort={column}]:visible").first.click()
        self.page.wait_for_function("before => location.hash !== before", arg=before)
        self.settle()
        return self.rows()

    def copy(self, button: Locator) -> str:
        """What a copy button puts into the clipboard."""
        button.click()
        return self.page.evaluate("() => navigator.clipboard.readText()")
