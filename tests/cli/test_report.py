"""`report`: a path on stdout, the same in 80 columns, again and again until Ctrl-C."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.cli.conftest import ROOT


def test_report_prints_the_path_of_the_page_and_nothing_else(run, spool, put):
    put("failed/a~exit1.yaml")
    result = run("report")
    assert result.exit_code == 0
    assert result.stdout == f"{spool}/reports/index.html\n"
    assert f"file://{spool}/reports/index.html" in result.stderr
    assert json.loads((spool / "reports/report.json").read_text())["counts"]["failed"] == 1


def test_report_text_prints_the_report_itself(run, spool, put):
    put("todo/a.yaml")
    result = run("report", "--text")
    assert result.exit_code == 0
    assert result.stdout.rstrip() == (spool / "reports/report.txt").read_text().rstrip()
    assert result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


@pytest.mark.parametrize("words", [("--every", "5s"), ("--watch", "--every", "0.1s"), ("--watch", "--every", "soon")])
def test_every_goes_with_watch_and_is_a_duration(words, run, spool):
    assert run("report", *words).exit_code in (2, 4)
    assert not (spool / "reports/index.html").exists()


def test_watch_writes_again_and_again_until_it_is_interrupted(spool, put):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "dsgspool", "--spool", str(spool), "report", "--watch", "--every", "1s"]
    watcher = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert watcher.stdout.readline() == f"{spool}/reports/index.html\n"
        first = json.loads((spool / "reports/report.json").read_text())
        assert first["writes_every_s"] >= 1.0
        put("hold/a.yaml")
        latest = spool / "reports/latest.js"
        seen = {latest.read_text()}
        while len(seen) < 3:
            assert watcher.poll() is None
            seen.add(latest.read_text())
        assert json.loads((spool / "reports/report.json").read_text())["counts"]["hold"] == 1
    finally:
        watcher.send_signal(signal.SIGINT)
        rest, errors = watcher.communicate(timeout=20)
    assert (watcher.returncode, rest, errors) == (130, "", "")


def test_watch_goes_on_when_something_is_wrong_for_a_while(spool, put):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "dsgspool", "--spool", str(spool), "report", "--watch", "--every", "1s"]
    (spool / "reports").rmdir()
    (spool / "reports").write_text("in the way")
    watcher = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert "cannot write the report" in watcher.stderr.readline()
        (spool / "reports").unlink()
        assert watcher.stdout.readline() == f"{spool}/reports/index.html\n"
    finally:
        watcher.send_signal(signal.SIGINT)
        watcher.communicate(timeout=20)
