"""`dsgspool top` on a real terminal, over a real worker: keys do what they say, and the terminal is left as it was."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes.test_screens import TEETH
from tests.support.processes import Workers
from tests.support.spools import SpoolFolder
from tests.support.terminal import Terminal
from tests.support.waiting import wait_until

LEFT = "\x1b[?7h\x1b[?25h\x1b[?1049l"
ESCAPES = re.compile(r"\x1b\[(?:[0-9;]*m|H|K|J|\?(?:7|25|1049)[hl])")


def command(folder: SpoolFolder) -> list[str]:
    return [sys.executable, "-m", "dsgspool", "--spool", str(folder), "top"]


@pytest.fixture
def screen(folder: SpoolFolder) -> Iterator[Terminal]:
    terminal = Terminal(command(folder), 90, 24, PAGER="cat")
    yield terminal
    terminal.close()


def quit_well(screen: Terminal, code: int = 0) -> None:
    assert screen.ends() == code
    assert screen.written.endswith(LEFT)
    assert screen.is_as_before()
    assert "Traceback" not in screen.written


def test_tasks_are_held_cancelled_and_requeued_and_the_terminal_is_as_before(
    folder: SpoolFolder, workers: Workers, screen: Terminal
) -> None:
    for name in ("a", "b"):
        folder.drop(name, f"echo '##progress 1/4 {name} works'; sleep 600")
    folder.drop("bad", "echo 'ValueError: no column' >&2; exit 3")
    workers.start(slots=3)
    screen.shows(r"(?s)a .* 25% +1/4 a works.*b .* 25% .*NEWEST FAILURES.*bad .*exit code 3: ValueError")
    screen.send("h")
    screen.shows(r"this stops it: hold a\? y/n")
    screen.send("y")
    screen.shows("a is held; its worker stops it")
    wait_until(lambda: folder.ls("hold"), 20, lambda: str(folder.states()))
    screen.shows(r"running 1 ")
    screen.send("c")
    screen.shows(r"cancel b\? y/n")
    screen.send("y")
    wait_until(
        lambda: [file for file in folder.ls("failed") if file.startswith("b~cancelled")],
        20,
        lambda: str(folder.states()),
    )
    screen.send("\t/bad\r")
    screen.shows(r"only: bad \(1\)")
    screen.send("r")
    screen.shows("bad will run again")
    wait_until(lambda: folder.record("bad", 2).get("outcome"), 20, lambda: str(folder.states()))
    screen.send("p")
    screen.shows("PAUSED")
    assert (folder / "PAUSE").exists()
    screen.send("p")
    wait_until(lambda: not (folder / "PAUSE").exists(), 20, lambda: "")
    screen.send("q")
    quit_well(screen)


def test_a_log_is_shown_by_the_pager_and_the_screen_comes_back(
    folder: SpoolFolder, workers: Workers, screen: Terminal
) -> None:
    folder.drop("x", "echo 'first line'; echo 'and a last'; sleep 600")
    workers.start()
    screen.shows(r"x .*and a last")
    screen.send("l")
    wait_until(lambda: screen.feed() or "first line\r\nand a last" in screen.written, 20, lambda: screen.written)
    screen.shows(r"x .*and a last")
    screen.send("q")
    quit_well(screen)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_it_and_the_terminal_is_as_before(screen: Terminal, number: int, code: int) -> None:
    screen.shows("no worker is running")
    screen.signal(number)
    quit_well(screen, code)


def test_a_ctrl_c_while_it_imports_something_ends_it_with_the_terminal_as_before(
    folder: SpoolFolder, tmp_path: Path
) -> None:
    (tmp_path / "interrupted.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    (tmp_path / "sitecustomize.py").write_text(
        "import dsgspool.cli.top.draw as draw\ndraw.frame = lambda *_, **__: __import__('interrupted')\n"
    )
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
    screen = Terminal(command(folder), PYTHONPATH=path)
    try:
        quit_well(screen, 130)
    finally:
        screen.close()


def test_a_mistake_of_its_own_ends_it_with_the_terminal_as_before(folder: SpoolFolder, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import dsgspool.cli.top.look as look\ndef broken(self): raise ZeroDivisionError('oops')\nlook.Look.take = broken\n"
    )
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
    screen = Terminal(command(folder), PYTHONPATH=path, NO_COLOR="1")
    try:
        assert screen.ends() == 1
        assert LEFT in screen.written and screen.is_as_before()
        assert screen.written.rpartition(LEFT)[2].startswith("dsgspool: ZeroDivisionError: oops (a bug;")
    finally:
        screen.close()


def test_another_size_of_the_window_is_a_new_frame(screen: Terminal) -> None:
    screen.shows("no worker is running")
    screen.resize(60, 12)
    wait_until(
        lambda: screen.feed() or len(screen.screen().split("\n")) == 12 or None, 20, lambda: repr(screen.screen())
    )
    assert max(map(len, screen.screen().split("\r\n"))) <= 60


def test_nothing_of_others_steers_the_terminal(folder: SpoolFolder, workers: Workers, screen: Terminal) -> None:
    name = TEETH.replace("/", "_")[:60]
    folder.drop("prints", ["sh", "-c", 'printf "%s\\n" "$0"; sleep 600', TEETH])
    folder.drop("cries", f"printf '%s\\n' '{TEETH}' >&2; exit 3")
    (folder / f"todo/{name}.yaml").write_text("command: 'true'\n...\n")
    (folder / "hold/b\x1b[2J\x9b31m.yaml").write_text("command: 'true'\n...\n")
    workers.start(slots=2)
    screen.shows(r"(?s)prints .*NEWEST FAILURES.*cries")
    screen.send("\t\t")
    screen.shows(r"b\\x1b\[2J\\x9b31m")
    screen.send("q")
    quit_well(screen)
    rest = ESCAPES.sub("", screen.written).replace("\r\n", "").replace("\r", "")
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202e\u200b\u2028\udc80-\udcff]", rest), repr(rest)


@pytest.mark.parametrize("terminal", ["xterm", "dumb"])
def test_where_it_cannot_paint_it_says_what_to_use(folder: SpoolFolder, terminal: str) -> None:
    done = subprocess.run(
        command(folder), capture_output=True, text=True, env={**os.environ, "TERM": terminal}, timeout=60
    )
    assert done.returncode == 2
    assert f"`dsgspool --spool {folder} status --watch`" in done.stderr
