"""Names, logs, records and YAML of strangers change nothing: no script of theirs runs, the pages stay whole and go on working."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from tests.browser.conftest import OpenReader
from tests.browser.hand import Hand
from tests.browser.hostile import BIG, NAMES, TEETH, hostile
from tests.browser.reader import NARROW, ROUTES, Reader, render

pytestmark = pytest.mark.browser

INSTRUMENTS = """() => [
  window.pwned,
  document.querySelectorAll('main script, main iframe, [onerror], [onload], [onmouseover]').length,
]"""


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Hand, Path]:
    spool = Hand(tmp_path_factory.mktemp("attacked") / "<b>lab&amp;'\" #1%20" / "spool")
    hostile(spool)
    return spool, render(spool)


def tasks() -> tuple[str, ...]:
    return (
        *(name for number, name in enumerate(NAMES) if number % 3 or len(name) >= 60),
        "teeth/0",
        "teeth/12",
        "big/log",
        "big/line",
    )


def unharmed(reader: Reader, where: str) -> None:
    assert reader.page.evaluate(INSTRUMENTS) == [None, 0], where


def test_nothing_of_theirs_runs_on_any_page(attacked: tuple[Hand, Path], readers: OpenReader) -> None:
    reader = readers(attacked[1])
    for route in ROUTES:
        reader.open(route)
        unharmed(reader, route)
        for summary in reader.page.locator("main summary:visible").all()[:15]:
            summary.click()
        unharmed(reader, f"{route}, opened")
        for link in reader.page.locator("main a:visible").evaluate_all(
            "all => all.map(each => each.getAttribute('href'))"
        ):
            assert link.startswith(("#/", "../", "report.", "tasks.", "metrics.", "data/", "blob:")), (route, link)


def test_the_page_of_every_strange_task_shows_it_as_text(attacked: tuple[Hand, Path], readers: OpenReader) -> None:
    reader = readers(attacked[1])
    reader.open("/tasks")
    for name in tasks():
        reader.page.evaluate(
            "name => { location.hash = '#/task/' + name.split('/').map(encodeURIComponent).join('/'); }", name
        )
        reader.settle()
        unharmed(reader, name)
        seen = reader.page.locator("h1:visible, h2:visible").first.text_content() or ""
        assert seen == "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in name)


def test_logs_of_others_are_shown_as_text_and_colours_as_colours(
    attacked: tuple[Hand, Path], readers: OpenReader
) -> None:
    reader = readers(attacked[1])
    text = reader.open("/task/teeth/1").page.locator("main").text_content() or ""
    assert TEETH[1] in text
    text = reader.open("/task/big/bytes").page.locator("main").text_content() or ""
    assert "last bytes" in text and "caf" in text
    text = reader.open("/task/big/log").page.locator("main").text_content() or ""
    assert "the very last line of a big log" in text
    assert re.search(r"stderr\s+the last 32 B of 100.0 MiB", text), "its length is the file's, not the record's"
    text = reader.open("/task/big/line").page.locator("main").text_content() or ""
    assert "y" * 1000 in text


def test_a_log_of_100_mb_makes_no_large_page(attacked: tuple[Hand, Path]) -> None:
    spool, index = attacked
    assert (spool / "logs/big/log.1.err").stat().st_size > BIG
    for file in [index, *(index.parent / "data").iterdir()]:
        assert file.stat().st_size < 1 << 20, file
        assert b"\x00" not in file.read_bytes(), file


def test_the_layout_stays_whole(attacked: tuple[Hand, Path], readers: OpenReader) -> None:
    for viewport in (None, NARROW):
        reader = readers(attacked[1], **({"viewport": viewport} if viewport else {}))
        for route in (*ROUTES, "/task/big/line", "/task/teeth/1"):
            assert reader.open(route).overflow() <= 0, (route, viewport)
            assert reader.page.locator("nav:visible").count() >= 1


def test_a_search_for_teeth_finds_them_and_nothing_bites(attacked: tuple[Hand, Path], readers: OpenReader) -> None:
    reader = readers(attacked[1]).open("/tasks")
    for teeth in (
        *TEETH[:5],
        "__proto__",
        "constructor:x",
        "state:__proto__",
        "((((",
        "[",
        "\\",
        "state:",
        ":",
        "seconds:>1e999",
        "%00%zz",
    ):
        reader.search(teeth)
        unharmed(reader, teeth)
    reader.search("__proto__")
    assert reader.shown() == 1
    for mad in (
        "#/task/%E0%A4%A",
        "#/%00",
        "#/tasks?q=%E0%A4%A",
        "#/task/",
        "#/tasks?sort=__proto__&q=a",
        "#/nowhere/at/all",
    ):
        reader.page.evaluate("hash => { location.hash = hash; }", mad)
        reader.page.wait_for_function("() => document.documentElement.dataset.ready !== undefined")
        unharmed(reader, mad)
    assert reader.open("/tasks").shown() > 20


def test_a_spreadsheet_that_opens_the_csv_computes_nothing(attacked: tuple[Hand, Path]) -> None:
    with (attacked[1].parent / "tasks.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert len({len(row) for row in rows}) == 1, "every row has as many fields as the first"
    cells = [cell for row in rows for cell in row if cell[:1] in ("=", "+", "@", "\t", "\r")]
    assert cells == []
    assert any("SUM(A1:A9)" in cell for row in rows for cell in row)


def test_the_twins_are_what_they_are_said_to_be(attacked: tuple[Hand, Path]) -> None:
    folder = attacked[1].parent
    json.loads((folder / "report.json").read_text(encoding="utf-8"))
    text = (folder / "report.txt").read_text(encoding="utf-8")
    assert "\x1b" not in text and "\u202e" not in text and "\x00" not in text
    assert max(len(line) for line in text.splitlines() if not line.startswith("dsgspool --spool ")) <= 80
    for line in (folder / "metrics.prom").read_text(encoding="utf-8").splitlines():
        assert line.startswith(("# HELP ", "# TYPE ", "dsgspool_")), line
