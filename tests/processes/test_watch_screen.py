"""`status --watch` on a real terminal: it paints over what was there, fits the window, and ends without a trace."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Iterator

import pytest

from tests.support.processes import Workers
from tests.support.spools import SpoolFolder
from tests.support.terminal import Terminal


@pytest.fixture
def watch(folder: SpoolFolder) -> Iterator[Terminal]:
    terminal = Terminal([sys.executable, "-m", "dsgspool", "--spool", str(folder), "status", "--watch"], 80, 12)
    yield terminal
    terminal.close()


def test_it_paints_over_what_was_there_and_ends_without_a_trace(folder: SpoolFolder, watch: Terminal) -> None:
    watch.shows(r"all +0 +0 +0")
    folder.drop("x")
    watch.shows(r"all +1 +0 +0")
    watch.signal(signal.SIGINT)
    assert watch.ends() == 130
    assert "\x1b[2J" not in watch.written
    assert watch.written.count("\x1b[?7l") == watch.written.count("\x1b[?7h")
    assert "Traceback" not in watch.written
    assert watch.is_as_before()


def test_what_is_longer_than_the_window_is_cut_and_told(folder: SpoolFolder, watch: Terminal) -> None:
    for number in range(30):
        folder.drop(f"b{number}/x")
    screen = watch.shows("more lines: make the window higher")
    assert len(screen.rstrip("\n").split("\n")) <= 12


def test_progress_and_last_line_of_a_running_task_fit_the_window(
    folder: SpoolFolder, workers: Workers, watch: Terminal
) -> None:
    folder.drop("x", f"echo '##progress 37/100 {'long ' * 60}'; sleep 600")
    workers.start()
    screen = watch.shows(r"x +\S+ +1 +\S+ +37% +37/100 long")
    (line,) = (line for line in re.split(r"[\r\n]+", screen) if "37%" in line)
    assert 70 < len(line) <= 80


def test_it_tells_rates_newest_failures_and_loads_as_top_does(folder: SpoolFolder, workers: Workers) -> None:
    folder.drop("bad", "echo 'ValueError: no such column' >&2; exit 3")
    folder.drop("x", "sleep 600")
    workers.start()
    terminal = Terminal([sys.executable, "-m", "dsgspool", "--spool", str(folder), "status", "--watch"], 80, 24)
    try:
        screen = terminal.shows(r"(?s)\d\.\d finished a minute.*NEWEST FAILURES.*LOAD +CPU +MEMORY", 60)
    finally:
        terminal.close()
    assert re.search(r"(?m)^bad +\S+ +\S+ ago +exit code 3: ValueError: no such column", screen)
    (worker,) = (line for line in screen.splitlines() if " alive " in line)
    assert re.search(r"ago +\d+\.\d +(\d+% +)?\d.* of \d.*iB$", worker)
    assert max(map(len, screen.splitlines()[1:])) <= 80, "the first line is the folder's path"


def test_a_line_that_is_too_long_ends_with_a_sign_and_not_with_what_stands_further_right(folder: SpoolFolder) -> None:
    for number in range(3):
        folder.drop(f"b/{number}", state="failed")
    folder.drop("a/x")
    terminal = Terminal([sys.executable, "-m", "dsgspool", "--spool", str(folder), "status", "--watch"], 40, 24)
    try:
        screen = terminal.shows(r"(?m)^all +1 ")
    finally:
        terminal.close()
    (counts,) = (line for line in re.split(r"[\r\n]+", screen) if line.startswith("all "))
    assert len(counts.rstrip()) <= 40 and counts.rstrip().endswith("…"), counts
