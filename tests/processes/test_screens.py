"""Names, logs, task files and what others wrote into the spool reach no terminal and no page with their teeth.

Everything is run on a real terminal (a pty), by the program as a person calls it, and the bytes that come out are judged.
"""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from dsgspool.proc import worker_command
from tests.support.processes import CODE, Workers
from tests.support.spools import FAST, SpoolFolder

MARKUP = "</pre><script>alert(1)</script><img src=x onerror=alert(2)>"
TEETH = "\x1b]0;pwned\x07\x1b[2J\x9b31m\x08\x0d\x7f\u202egnp\u2066\u200b\u2028" + MARKUP
#: Bytes that a terminal may get: printable, newline, tab, and the return that a pty puts before a newline.
BAD = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\r(?!\n)"
)


def on_a_terminal(command: Sequence[str], seconds: float = 40) -> str:
    """What a person would see: all that a command writes to its terminal, undecodable bytes as surrogates."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "NO_COLOR": "1", "TERM": "xterm", "PYTHONPATH": str(CODE)}
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    parts = []
    try:
        while part := os.read(ours, 65536):
            parts.append(part)
    except OSError:  # EIO: nobody has the other side open any more
        pass
    finally:
        os.close(ours)
        process.wait(seconds)
    return b"".join(parts).decode("utf-8", "surrogateescape")


def judge(seen: str) -> str:
    found = BAD.search(seen) or re.search("[\udc80-\udcff]", seen)
    assert not found, f"{found[0]!r} at {seen[max(0, found.start() - 60) : found.end() + 20]!r}"
    return seen


def invocation(folder: SpoolFolder, *words: str) -> list[str]:
    return [sys.executable, "-m", "dsgspool", "--spool", str(folder), *words]


@pytest.fixture
def hostile(folder: SpoolFolder) -> SpoolFolder:
    """Tasks that failed in every way, with teeth wherever there is room."""
    shown = TEETH.replace("/", "_")
    folder.drop("prints", ["printf", "%s\\n", TEETH], description=TEETH, tags=[TEETH])
    folder.drop("cries", f"printf '%s\\n' '{TEETH}' >&2; exit 3")
    folder.drop("missing", [f"/no/{TEETH}"])
    folder.drop("nowhere", "true", cwd=f"/no/{TEETH}")
    folder.drop("file", "true", env_file=f"/no/{TEETH}")
    folder.drop("unknown", "true", **{TEETH: 1})
    folder.drop("value", "true", timeout=TEETH)
    folder.overwrite("todo/broken.yaml", f"command: 'x\n# {TEETH}\n...\n")
    folder.overwrite("todo/alias.yaml", "command: *evil\u202ename\n...\n")
    folder.drop("bidi\u202egnp\u200b", "false")
    for name in (f"esc{shown}", "c1\x9b31m", "nl\nx", "b\x08", "\udcff\udcfe\x1b[2J"):
        (folder / f"todo/{name[:60]}.yaml").write_text("command: 'true'\n...\n")
    return folder


def test_nothing_of_others_steers_a_terminal(hostile: SpoolFolder) -> None:
    arguments = ["--spool", str(hostile), "--slots", "2", "--until-empty"]
    seen = judge(on_a_terminal(worker_command(arguments)))
    assert "\\x1b]0;pwned" in seen
    assert not hostile.ls("todo")
    for words in (
        ("status",), ("list",), ("list", "--state", "failed"), ("show", "*"), ("logs", "prints"), ("logs", "cries", "-e"),
        ("workers", "--all"), ("report",), ("requeue", "missing"), ("cancel", "missing"), ("show", TEETH), ("logs", TEETH),
        ("hold", f"no{TEETH}"), ("prune", "--older-than", "1d", "--dry-run"),
        ("show", "--json", "*"), ("status", "--json"), ("workers", "--json", "--all"),
    ):  # fmt: skip
        judge(on_a_terminal(invocation(hostile, *words)))
    (hostile / "todo/later.yaml").write_text(f"command: x\n{yaml.safe_dump({TEETH: 1}, allow_unicode=True)}")
    judge(on_a_terminal(invocation(hostile, "submit", str(hostile / "todo/later.yaml"))))


def test_a_log_goes_raw_into_a_pipe_and_only_when_asked_to_a_terminal(hostile: SpoolFolder, workers: Workers) -> None:
    workers.run_until_empty()
    piped = subprocess.run(invocation(hostile, "logs", "prints"), capture_output=True, check=True).stdout
    assert piped == f"{TEETH}\n".encode()
    assert "\x1b]0;" in on_a_terminal(invocation(hostile, "logs", "prints", "--raw"))


def lies(folder: SpoolFolder) -> None:
    """What another member of a group could write into records, workers/ and spool.yaml."""
    words = "worker host started ended outcome reason next git cwd digest text file task"
    record = dict.fromkeys(words.split(), TEETH)
    folder.overwrite("failed/a~exit1.yaml", "command: false\n...\n")
    folder.overwrite(
        "logs/a.1.yaml", f"{yaml.safe_dump({**record, 'command': [TEETH], 'environment': {TEETH: TEETH}})}...\n"
    )
    folder.overwrite("logs/a.1.err", TEETH)
    wid = "n1-aaaaaaaa"
    facts = {
        "worker": wid,
        "host": TEETH,
        "version": TEETH,
        "user": TEETH,
        "started": TEETH,
        "pid": TEETH,
        "slots": TEETH,
    }
    lines = "".join(f"{json.dumps(key)}: {json.dumps(value)}\n" for key, value in facts.items())
    folder.overwrite(f"workers/{wid}.yaml", f"{lines}...\n")
    folder.overwrite(f"workers/{wid}.control.yaml", yaml.safe_dump({TEETH: 1}))
    folder.overwrite(f"workers/{wid}.fenced", TEETH)
    folder.overwrite(f"running/{wid}/x@{wid}.1.yaml", "command: x\n...\n")


def test_what_others_wrote_about_workers_and_attempts_steers_no_terminal(folder: SpoolFolder) -> None:
    lies(folder)
    for words in (
        ("status",),
        ("list",),
        ("show", "*"),
        ("logs", "a", "-e"),
        ("workers", "--all"),
        ("show", "--json", "a"),
    ):
        judge(on_a_terminal(invocation(folder, *words)))
    folder.overwrite("spool.yaml", yaml.safe_dump({**FAST, TEETH: 1}))
    for words in (("status",), ("submit", "--", "true")):
        judge(on_a_terminal(invocation(folder, *words)))
    judge(on_a_terminal(worker_command(["--spool", str(folder), "--slots", "1", "--until-empty"])))


class Elements(HTMLParser):
    """Names and attributes of all elements of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


TWINS = ("report.txt", "report.json", "tasks.csv", "metrics.prom")


def test_nothing_of_others_becomes_a_part_of_the_page(hostile: SpoolFolder, workers: Workers) -> None:
    workers.run_until_empty()
    lies(hostile)
    subprocess.run(invocation(hostile, "report"), check=True, capture_output=True)
    page = Path(hostile / "reports/index.html").read_text(encoding="utf-8")
    elements = Elements()
    elements.feed(page)
    names = [name for name, _ in elements.found]
    scripts = [attrs.get("src") or "" for name, attrs in elements.found if name == "script"]
    assert all(re.fullmatch(r"data/(first|app|page)-[0-9a-f]{16}\.js", source) for source in scripts)
    assert not {"img", "iframe", "object", "base", "form", "image", "foreignobject"} & set(names)
    assert not [attrs for _, attrs in elements.found if any(key.startswith("on") for key in attrs)]
    links = [attrs.get("href") or "" for name, attrs in elements.found if name in ("a", "link")]
    assert all(link.startswith(("#", "../logs/", "data/style-")) or link in TWINS for link in links)
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", re.sub(r'data-copy="[^"]*"', "", page)
    )  # that one is for the clipboard
