"""The table of tasks by mouse and by keyboard: columns, states, the active row, selection; progress in every place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import OpenReader
from tests.browser.hand import Hand
from tests.browser.reader import Reader, render

if TYPE_CHECKING:
    from playwright.sync_api import Locator

pytestmark = pytest.mark.browser

HEADS = "found => found.map(each => each.dataset.sort)"
#: Cells of the rows in sight whose text does not fit, beside those that are cut on purpose.
CUT = """() => [...document.querySelectorAll('.grid-row:not([hidden]) > :is(.c-state, .c-host, .n)')]
  .filter(each => each.scrollWidth > each.clientWidth).map(each => each.textContent)"""
Study = tuple[Hand, Path]


def heads(reader: Reader) -> list[str]:
    return reader.page.locator(".grid-head [data-sort]").evaluate_all(HEADS)


def button(reader: Reader, group: str, name: str) -> Locator:
    return reader.page.get_by_role("group", name=group).get_by_role("button", name=name)


def test_each_set_of_columns_is_a_click_away_and_in_the_link(full: Path, readers: OpenReader) -> None:
    reader = readers(full).open("/tasks")
    basic = heads(reader)
    for name, column in {"Times": "wait", "Resources": "memory", "All": "worker"}.items():
        button(reader, "Columns", name).click()
        reader.page.wait_for_function("key => location.hash.includes(`cols=${key}`)", arg=name.lower())
        assert button(reader, "Columns", name).get_attribute("aria-pressed") == "true"
        assert column in heads(reader) and column not in basic
        rows = reader.page.locator(".grid-body .grid-row:visible")
        assert rows.first.locator("[role=gridcell]").count() == len(heads(reader)) + 1
        assert heads(readers(full).open(reader.hash().removeprefix("#"))) == heads(reader)
    button(reader, "Columns", "Basic").click()
    reader.page.wait_for_function("() => !location.hash.includes('cols=')")
    assert heads(reader) == basic
    assert reader.page.evaluate(CUT) == []


def test_a_click_on_a_state_shows_only_it_another_adds_and_again_takes_away(study: Study, readers: OpenReader) -> None:
    reader = readers(study[1]).open("/tasks")
    everything = reader.shown()

    def chip(name: str) -> tuple[int, int]:
        """Click it; (its own number, rows shown then)."""
        before, chosen = reader.hash(), button(reader, "States", name)
        number = reader.number(chosen.locator("b").inner_text())
        chosen.click()
        reader.page.wait_for_function("before => location.hash !== before", arg=before)
        return number, reader.shown()

    failed, shown = chip("Failed")
    assert failed == shown == 15
    assert reader.page.locator("input[type=search]").input_value() == "state:failed"
    done, both = chip("Done")
    assert both == failed + done
    assert reader.page.locator(".chip[aria-pressed=true]").count() == 2
    assert chip("Failed")[1] == done
    assert chip("Done")[1] == everything


def active(reader: Reader) -> int:
    """Number of the row that the grid says is active, from 0; it is in sight."""
    reader.page.wait_for_function("() => document.querySelector('.grid').getAttribute('aria-activedescendant')")
    row = reader.page.locator(f"#{reader.page.locator('.grid').get_attribute('aria-activedescendant')}")
    inside, grid = row.bounding_box(), reader.page.locator(".grid").bounding_box()
    assert inside and grid
    assert grid["y"] - 1 <= inside["y"] and inside["y"] + inside["height"] <= grid["y"] + grid["height"] + 1
    return int(row.get_attribute("aria-rowindex") or 0) - 2


def test_the_keyboard_goes_through_all_rows_and_one_sees_where_it_is(full: Path, readers: OpenReader) -> None:
    reader = readers(full).open("/tasks?sort=task")
    last, grid, press = reader.shown() - 1, reader.page.locator(".grid"), reader.page.keyboard.press
    reader.page.locator(".grid-head button").first.focus()
    press("Shift+Tab")
    press("Shift+Tab")
    assert grid.evaluate("e => e === document.activeElement"), "the grid is one stop of the Tab key"
    assert (
        grid.evaluate("e => getComputedStyle(e).outlineStyle + parseFloat(getComputedStyle(e).outlineWidth)")
        == "solid2"
    )
    assert active(reader) == 0
    resting = reader.page.locator(".grid-row:visible:not(.active)").last.evaluate("e => getComputedStyle(e).boxShadow")
    assert reader.page.locator(".grid-row.active").evaluate("e => getComputedStyle(e).boxShadow") != resting
    for key, row in {"ArrowDown": 1, "End": last, "ArrowUp": last - 1, "Home": 0}.items():
        press(key)
        assert active(reader) == row, key
    press("PageDown")
    page = active(reader)
    assert 5 < page < 60
    press("PageDown")
    assert active(reader) == 2 * page
    press("PageUp")
    assert active(reader) == page
    press("Home")
    press("ArrowUp")
    assert active(reader) == 0, "it stays at the first"


def test_space_and_shift_select_and_enter_opens(full: Path, readers: OpenReader) -> None:
    reader = readers(full).open("/tasks?sort=task&q=batch:align")
    names, press = reader.rows(), reader.page.keyboard.press
    reader.page.locator(".grid").focus()
    press("Space")
    assert "1 task selected" in reader.page.locator(".selection:visible").inner_text()
    assert reader.page.locator(".grid-row[aria-selected=true]").get_attribute("data-task") == names[0]
    press("Shift+ArrowDown")
    press("Shift+ArrowDown")
    assert "3 tasks selected" in reader.page.locator(".selection").inner_text()
    assert reader.page.locator(".selection code").first.inner_text().count("align/") == 3
    press("Space")
    assert "2 tasks selected" in reader.page.locator(".selection").inner_text()
    press("Enter")
    reader.page.wait_for_function("() => location.hash.startsWith('#/task/')")
    assert reader.settle().page.locator("h1:visible").text_content() == names[2]


def test_the_box_on_top_says_whether_all_that_are_shown_are_selected(full: Path, readers: OpenReader) -> None:
    reader = readers(full).open("/tasks?sort=task&q=batch:align")
    box = reader.page.get_by_label("Select all that are shown")
    box.check()
    reader.page.locator(".grid-body .pick input:visible").first.click()
    assert not box.is_checked(), "one of them is not"
    reader.page.locator(".grid-body .pick input:visible").first.click()
    assert box.is_checked()
    reader.page.get_by_role("button", name="Times").click()
    reader.page.locator("[data-sort=started]").wait_for()
    assert box.is_checked(), "other columns are no other selection"
    reader.page.get_by_role("button", name="Clear").click()
    assert not box.is_checked()
    box.check()
    assert reader.page.locator(".selection:visible").count() == 1, "one click selects all again"


# -- progress ---------------------------------------------------------------------------------------------------------


def told(reader: Reader, route: str) -> tuple[str, float]:
    """The text of the bar on a page and the share of it that is filled."""
    reader.go(route)
    if route.startswith("/task/"):
        bar = reader.page.locator(".task-progress progress:visible")
        words = reader.page.locator(".task-progress:visible").inner_text()
        return words, float(bar.get_attribute("value") or -1)
    bar = reader.page.locator("main :is(.progress-bar, .meter-bar):visible").first
    assert reader.page.evaluate(CUT) == []
    share = bar.evaluate("e => parseFloat(getComputedStyle(e).getPropertyValue('--share')"
                         " || getComputedStyle(e.parentElement).getPropertyValue('--share'))")  # fmt: skip
    return bar.locator("xpath=..").inner_text(), float(share)


def test_progress_of_a_task_is_told_wherever_it_runs_and_moves_on(tmp_path: Path, readers: OpenReader) -> None:
    spool = Hand(tmp_path / "lab" / "spool")
    spool.worker("n1-aaaaaaaa")
    spool.run("train/big", "n1-aaaaaaaa", ago=600, out="epoch 3\n##progress 37/100\n")
    reader = readers(render(spool))
    reader.page.clock.install()
    reader.open()
    routes = ("/", "/tasks", "/nodes", "/task/train/big")
    for route in routes:
        words, share = told(reader, route)
        assert "37 %" in words and share == pytest.approx(0.37), route
    spool.beat()
    spool.overwrite("logs/train/big.1.out", "epoch 3\n##progress 37/100\n##progress 81/100\n")
    render(spool)
    reader.page.clock.run_for(11_000)
    reader.page.wait_for_function("() => document.querySelector('.task-progress').textContent.includes('81 %')")
    for route in reversed(routes):
        words, share = told(reader, route)
        assert "81 %" in words and share == pytest.approx(0.81), route
