"""What begins in the head of the page: data is asked for at once and once, and all comes without that too."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import OpenReader
from tests.browser.hand import Hand
from tests.browser.reader import render

pytestmark = pytest.mark.browser

KINDS = ("tasks", "runs", "names", "rest")
NEEDS = {"/tasks": KINDS[:2], "/timeline": KINDS[1:2], "/task/fit/bad": KINDS, "/failures": ()}
ADDED = """globalThis.added = [];
new MutationObserver(changes => changes.forEach(({addedNodes}) => addedNodes.forEach(node => {
  if (node.nodeName === "SCRIPT") added.push([node.src.split("/").pop().split("-")[0], node.dataset.early !== undefined]);
}))).observe(document, {childList: true, subtree: true});"""


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """The report of two tasks that are done and one that failed."""
    spool = Hand(tmp_path / "lab" / "spool")
    wid = spool.worker("n1-aaaaaaaa")
    for n in range(2):
        spool.done(f"fit/{n}", wid, ago=90 - n)
    spool.failed("fit/bad", wid, ago=30, err="ValueError: no\n")
    return render(spool)


def test_a_page_asks_for_its_columns_once(index: Path, readers: OpenReader) -> None:
    for route, needs in NEEDS.items():
        reader = readers(index)
        reader.page.add_init_script(ADDED)
        reader.open(route)
        reader.page.evaluate("() => dsgspool.load('tasks', 'runs', 'names', 'rest')")
        added = [(kind, early) for kind, early in reader.page.evaluate("() => added") if kind in KINDS]
        assert [kind for kind, early in added if early] == list(needs), route
        assert sorted(kind for kind, _ in added) == sorted(KINDS), route


def test_what_another_part_of_the_page_is_bringing_is_not_asked_for_again(index: Path, readers: OpenReader) -> None:
    reader = readers(index).open()
    asked = reader.page.evaluate(
        """async () => {
          const { script } = dsgspool, asked = [], waiting = [];
          dsgspool.script = source => {
            asked.push(source.split("/").pop().split("-")[0]);
            return asked.at(-1) === "rest" ? new Promise(go => waiting.push(go)).then(() => script(source)) : script(source);
          };
          const first = dsgspool.load("runs", "names", "rest");
          while (dsgspool.tables.attempts.task[2] === undefined) await new Promise(go => setTimeout(go));
          const second = dsgspool.load("tasks", "names", "rest"); // all but `rest` has come, and is shown with it
          while (dsgspool.tables.tasks.task[2] === undefined) await new Promise(go => setTimeout(go));
          for (const go of waiting) go();
          await Promise.all([first, second]);
          return asked;
        }"""
    )
    assert sorted(asked) == sorted(KINDS)
    assert reader.page.evaluate("() => dsgspool.has('tasks', 'runs', 'names', 'rest')")
    assert reader.go("/tasks").rows() == ["fit/bad", "fit/1", "fit/0"]


def test_without_the_first_script_all_comes_a_little_later(index: Path, readers: OpenReader) -> None:
    for path in (index.parent / "data").glob("first-*.js"):
        path.unlink()
    reader = readers(index).open("/tasks")
    assert reader.rows() == ["fit/bad", "fit/1", "fit/0"]
    assert reader.complaints
    assert all("first-" in complaint for complaint in reader.complaints)
    reader.complaints.clear()


def test_a_page_without_its_script_shows_what_can_be_read(index: Path, readers: OpenReader) -> None:
    for path in (index.parent / "data").glob("app-*.js"):
        path.unlink()
    reader = readers(index)
    reader.page.goto(reader.url("/tasks"))
    reader.page.locator(".verdict").first.wait_for(state="visible")
    reader.complaints.clear()
