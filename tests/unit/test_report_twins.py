"""The twins of the page: what other programs read of it, valid by their rules, with names that want to break them."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from dsgspool.clock import iso
from dsgspool.report import chunks, csvrows, metrics
from dsgspool.report.book import Book
from dsgspool.report.site import write_site
from dsgspool.report.statistics import Groups
from dsgspool.snapshot import take
from tests.support.seeded import Seeded

NAME = "=cmd|' /C calc'!\"A0\", and\u2028more"
Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture
def seeded(tmp_path: Path) -> Seeded:
    made = Seeded(str(tmp_path / "spool"))
    made.worker("n1-aaaaaaaa", slots=4)
    made.worker("n2-bbbbbbbb", silent=300)
    return made


def file(seeded: Seeded, name: str) -> str:
    return (Path(write_site(seeded.spool)).parent / name).read_bytes().decode()


def rows(seeded: Seeded) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file(seeded, "tasks.csv"), newline="")))


# -- metrics.prom ----------------------------------------------------------------------------------------------------

_SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(?:,|$)')


def parse(text: str) -> Series:
    """The samples, with promtool's rules asserted."""
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    kinds: dict[str, str] = {}
    helped: set[str] = set()
    closed: set[str] = set()
    current = ""
    series: Series = {}
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            name = line.split(" ")[2]
            assert name not in helped
            assert len(line.split(" ", 3)[3]) > 10
            helped.add(name)
        elif line.startswith("# TYPE "):
            _, _, current, kind = line.split(" ")
            assert current in helped
            assert current not in kinds
            assert kind in ("gauge", "counter", "summary")
            assert (kind == "counter") == current.endswith("_total")
            assert not re.search(r"_(minutes|hours|milliseconds|ms|kilobytes|percent)\b", current)
            kinds[current] = kind
        else:
            match = _SAMPLE.fullmatch(line)
            assert match, line
            name, inner, value = match.groups()
            base = re.sub(r"_(sum|count)$", "", name) if kinds[current] == "summary" else name
            assert base == current, "samples stand together below their TYPE"
            assert base not in closed
            labels = tuple(_LABEL.findall(inner or ""))
            assert "".join(f'{key}="{text}",' for key, text in labels) == (f"{inner}," if inner else "")
            assert len(dict(labels)) == len(labels)
            assert (name, labels) not in series
            assert math.isfinite(float(value))
            series[name, labels] = float(value)
    return series


def test_metrics_are_valid_and_say_what_the_folders_say(seeded: Seeded) -> None:
    seeded.done("a/1", "a/2", "b/1")
    seeded.failed("a/3", "exit3")
    seeded.running("r")
    seeded.write("todo/x.yaml")
    found = parse(file(seeded, "metrics.prom"))
    states = {labels[0][1]: value for (name, labels), value in found.items() if name == "dsgspool_tasks"}
    assert states == {"todo": 1, "waiting": 0, "hold": 0, "running": 1, "done": 3, "failed": 1}
    assert found["dsgspool_batch_tasks", (("batch", "a"), ("state", "done"))] == 2
    assert found["dsgspool_attempts_total", (("outcome", "done"),)] == 3
    assert found["dsgspool_attempts_total", (("outcome", "exit3"),)] == 1
    assert found["dsgspool_workers", (("state", "alive"),)] == 1
    assert found["dsgspool_workers", (("state", "silent"),)] == 1
    assert found["dsgspool_slots", (("host", "n1"),)] == 4
    assert found["dsgspool_running", (("host", "n1"),)] == 1
    assert found["dsgspool_attempt_duration_seconds", (("result", "done"), ("quantile", "0.5"))] == 1
    assert found["dsgspool_attempt_duration_seconds_count", (("result", "done"),)] == 3
    assert found["dsgspool_report_timestamp_seconds", ()] == pytest.approx(seeded.now, abs=60)


def test_metrics_of_an_empty_spool_are_valid(tmp_path: Path) -> None:
    found = parse(file(Seeded(str(tmp_path / "spool")), "metrics.prom"))
    assert found["dsgspool_tasks", (("state", "todo"),)] == 0
    assert found["dsgspool_attempt_duration_seconds_count", (("result", "done"),)] == 0


def test_metrics_count_no_attempt_that_was_given_back_as_a_failed_one(seeded: Seeded) -> None:
    book = Book(take(seeded.spool))
    for seconds, outcome in enumerate(("exit1", "stopped", "revoked", "timeout"), start=1):
        book.attempts.append(task=outcome, number=1, outcome=outcome, seconds=float(seconds))
    found = parse(metrics.prom(book, Groups.of(book.attempts, book.taken)))
    name, failed = "dsgspool_attempt_duration_seconds", (("result", "failed"),)
    assert (found[f"{name}_count", failed], found[f"{name}_sum", failed]) == (2, 5)


def test_metrics_escape_what_stands_in_names(seeded: Seeded) -> None:
    seeded.done('x"} 1/1', "a b ü/1")
    seeded.record("f", 1, 'back\\slash"\nline')
    found = parse(file(seeded, "metrics.prom"))
    assert ("dsgspool_batch_tasks", (("batch", 'x\\"} 1'), ("state", "done"))) in found
    assert any(labels == (("outcome", 'back\\\\slash\\"\\nline'),) for _, labels in found)


def test_promtool_finds_nothing_wrong_with_the_metrics(seeded: Seeded) -> None:
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("needs promtool: apt-get install prometheus")
    seeded.done('x"} 1/1', "a b ü/1")
    seeded.failed("b/1", "exit1")
    seeded.record("f", 1, 'back\\slash"\nline')
    text = file(seeded, "metrics.prom")
    check = [promtool, "check", "metrics"]
    done = subprocess.run(check, input=text, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    broken = text.replace("# TYPE dsgspool_attempts_total counter", "# TYPE dsgspool_attempts_total gauge")
    assert subprocess.run(check, input=broken, capture_output=True, text=True, check=False, timeout=60).returncode != 0


def test_the_number_of_series_is_bounded(seeded: Seeded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "MAX_BATCHES", 3)
    monkeypatch.setattr(metrics, "MAX_OUTCOMES", 2)
    for number in range(9):
        seeded.failed(f"b{number}/1", f"exit{number + 1}")
    found = parse(file(seeded, "metrics.prom"))
    assert len([name for name, _ in found if name == "dsgspool_batch_tasks"]) == 3 * 6
    outcomes = {labels[0][1]: value for (name, labels), value in found.items() if name == "dsgspool_attempts_total"}
    assert len(outcomes) == 3
    assert outcomes["~other"] == 7


def test_quantiles_are_of_the_attempts_themselves(seeded: Seeded) -> None:
    book = Book(take(seeded.spool))
    for seconds in range(1, 101):
        book.attempts.append(task=str(seconds), number=1, outcome="done", seconds=float(seconds))
    found = parse(metrics.prom(book, Groups.of(book.attempts, book.taken)))
    name = "dsgspool_attempt_duration_seconds"
    quantiles = [found[name, (("result", "done"), ("quantile", share))] for share in ("0.5", "0.9", "0.99")]
    assert quantiles == [50, 90, 99]
    assert found[f"{name}_sum", (("result", "done"),)] == 5050


# -- tasks.csv -------------------------------------------------------------------------------------------------------


def test_each_task_is_one_row_with_its_newest_attempt(seeded: Seeded) -> None:
    seeded.done("a/1")
    seeded.failed("a/2", "exit3", "no ink")
    seeded.record(
        "a/2", 2, "exit3", reason="no paper", exit_code=3, cpus=4, peak_memory_bytes=5_000_000, stdout_bytes=0
    )
    seeded.write("todo/t.yaml")
    found = {row["task"]: row for row in rows(seeded)}
    assert set(found) == {"a/1", "a/2", "t"}
    row = found["a/2"]
    assert (row["state"], row["batch"], row["tag"], row["attempts"], row["attempt"]) == (
        "failed",
        "a",
        "exit3",
        "2",
        "2",
    )
    assert (row["reason"], row["exit_code"], row["cpus"], row["memory_bytes"]) == ("no paper", "3", "4", "5000000")
    assert (row["seconds"], row["stdout_bytes"], row["stderr_bytes"]) == ("1.0", "0", "")
    assert row["started"] == iso(seeded.now - 980)
    assert (found["t"]["attempts"], found["t"]["outcome"]) == ("0", "")


def test_a_cell_is_never_a_formula_and_never_two_cells(seeded: Seeded) -> None:
    seeded.failed(NAME, "exit1", '-1+1\r\n@SUM(A1),"x"', host="+49")
    text = file(seeded, "tasks.csv")
    (row,) = rows(seeded)
    assert row["task"] == f"'{NAME}"
    assert row["reason"] == '\'-1+1\r\n@SUM(A1),"x"'
    assert row["host"] == "'+49"
    assert text.startswith(",".join(csvrows.COLUMNS) + "\r\n")
    assert not re.search(r'(^|,)"?[=+\-@]', text.replace("\r\n@", "  "), re.MULTILINE)


def test_rows_that_were_made_once_are_the_same_as_made_anew(seeded: Seeded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "ROWS", 4)
    monkeypatch.setattr("dsgspool.report.data.NEWEST", 2)
    for number in range(0, 40, 5):
        seeded.done(*(f"a/{each:02d}" for each in range(number, number + 5)))
        text = file(seeded, "tasks.csv")
    memory = Path(f"{seeded.root}/reports/.ledger")
    assert len(list(memory.glob("*.csv"))) == 9
    os.remove(f"{seeded.root}/done/a/02.yaml")
    os.remove(f"{seeded.root}/logs/a/02.1.yaml")
    later = file(seeded, "tasks.csv")
    assert sorted(later.splitlines()) == sorted(line for line in text.splitlines() if not line.startswith("a/02,"))
    for piece in memory.glob("*.csv"):
        piece.unlink()
    assert file(seeded, "tasks.csv") == later


@pytest.mark.parametrize("moment", [0, 1, 59_999, 60_000, 1_795_884_231_093, 4_070_908_800_000, 253_402_300_799_000])
def test_moments_are_written_as_everywhere(moment: int) -> None:
    assert csvrows.moment(moment) == iso(moment / 1000)


# -- report.json -----------------------------------------------------------------------------------------------------


def test_report_json_says_what_its_documentation_says(seeded: Seeded) -> None:
    seeded.done("a/1")
    seeded.failed("a/2", "exit3", "no ink")
    seeded.write("logs/a/2.1.err", "starting\nInkError: cartridge 7 is empty\n")
    seeded.running("r")
    seeded.write("logs/r.1.out", "step 1\nstep 2\n")
    found = json.loads(file(seeded, "report.json"))
    documented = set(re.findall(r"^\| `(\w+)` \|", _documentation(), re.MULTILINE))
    assert set(found) == documented
    assert found["schema"] == 1
    assert Counter(found["counts"]) == Counter({"done": 1, "failed": 1, "running": 1})
    assert found["batches"]["a"]["failed"] == 1
    (failed,) = found["failed"]
    assert (failed["task"], failed["reason"], failed["error"]) == ("a/2", "no ink", "InkError: cartridge 7 is empty")
    (running,) = found["running"]
    assert (running["task"], running["line"]) == ("r", "step 2")
    assert {node["host"]: node["silent"] for node in found["nodes"]} == {"n1": False, "n2": True}
    assert {worker["worker"]: worker["state"] for worker in found["workers"]}["n2-bbbbbbbb"] == "silent"


def _documentation() -> str:
    text = (Path(__file__).parents[2] / "docs/report.md").read_text()
    return text.partition("## report.json")[2].partition("\n## ")[0]


def test_earlier_counts_are_remembered(seeded: Seeded, monkeypatch: pytest.MonkeyPatch) -> None:
    seeded.done("a/1")
    file(seeded, "report.json")
    seeded.done("a/2")
    (earlier,) = json.loads(file(seeded, "report.json"))["earlier"]
    assert earlier["counts"]["done"] == 1
