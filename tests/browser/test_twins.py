"""The report's twins for machines and for ssh say what the folders say: report.json, tasks.csv, metrics.prom, report.txt."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.browser.count import count
from tests.browser.hand import Hand

pytestmark = pytest.mark.browser

Study = tuple[Hand, Path]


def counted(study: Study) -> dict[str, int]:
    return {state: sum(batches.values()) for state, batches in count(str(study[0])).items()}


def test_report_json_counts_what_ls_counts(study: Study) -> None:
    told = json.loads((study[1].parent / "report.json").read_text())
    assert isinstance(told["schema"], int)
    assert told["counts"] == counted(study)


def test_tasks_csv_has_a_line_for_every_task(study: Study) -> None:
    with (study[1].parent / "tasks.csv").open(newline="", encoding="utf-8") as file:
        states = Counter(row["state"] for row in csv.DictReader(file))
    assert states == {state: number for state, number in counted(study).items() if number}


def test_metrics_count_what_ls_counts(study: Study) -> None:
    text = (study[1].parent / "metrics.prom").read_text()
    found = dict(re.findall(r'^dsgspool_tasks\{[^}]*state="(\w+)"[^}]*\} (\d+)$', text, re.MULTILINE))
    assert {state: int(number) for state, number in found.items()} == counted(study)


def test_report_txt_fits_a_terminal_and_tells_the_causes(study: Study) -> None:
    text = (study[1].parent / "report.txt").read_text()
    assert max(len(line) for line in text.splitlines() if not line.startswith("dsgspool --spool ")) <= 80
    assert "15" in text and "could not convert string to float" in " ".join(text.split())
