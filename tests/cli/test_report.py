"""`report`: a path on stdout, the same in 80 columns, again and again until Ctrl-C."""

import errno
import html
import json
import os
import re
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
    commands = [line for line in result.stdout.splitlines() if line.startswith("dsgspool ")]
    assert commands == [f"dsgspool --spool {spool} worker"]
    assert max(len(line) for line in result.stdout.splitlines() if line not in commands) <= 80


def test_the_commands_of_page_and_text_run_every_task_of_their_cause_again(spool, run, put, record, listed, tmp_path):
    """Two causes of one exit code, one with more tasks than a command names; and names that a shell reads otherwise."""
    odd = ["a b", "it's", "what?", "y[x]*", "$(touch oops)", "s/1;2", "s", "ü\u202ex", "batch/a name"]
    many = [*odd, *(f"s/{each}" for each in range(230))]
    few = [f"{name} too" for name in odd]
    for names, words in ((many, "no space"), (few, "bad input")):
        for name in names:
            put(f"failed/{name}~exit1.yaml")
            record(name, outcome="exit1", reason="exit code 1", exit_code=1, err=f"{words} left\n")
    assert run("report").exit_code == 0
    page = (spool / "reports/index.html").read_text()
    commands = [html.unescape(each) for each in re.findall(r'data-copy="(dsgspool [^"]+ requeue [^"]+)"', page)]
    text = re.findall(r"^dsgspool .* requeue .*", (spool / "reports/report.txt").read_text(), re.MULTILINE)
    assert set(commands) == set(text)
    assert len(set(text)) == 2
    (tmp_path / "dsgspool").write_text(f'#!/bin/sh\nexec {sys.executable} -m dsgspool "$@"\n')
    (tmp_path / "dsgspool").chmod(0o755)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    environment.pop("DSGSPOOL_SPOOL", None)
    for command, names in zip(text, (many, few), strict=True):
        before = listed("todo")
        done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert listed("todo") == sorted([*before, *names])
    assert listed("failed") == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dsgspool", "spool"]


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


def test_each_look_of_a_status_that_goes_on_comes_through_a_pipe_at_once(spool):
    command = [sys.executable, "-m", "dsgspool", "--spool", str(spool), "status", "--watch"]
    watcher = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True)
    try:
        assert str(spool) in watcher.stdout.readline()
    finally:
        watcher.send_signal(signal.SIGINT)
        watcher.communicate(timeout=20)


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


def said_by_the_page(spool):
    """Name -> why it does not run, as the page has it."""
    index = (spool / "reports/index.html").read_text()
    (page,) = re.findall(r"data/(page-[0-9a-f]+\.js)", index)[:1]
    text = (spool / "reports/data" / page).read_text()
    return json.loads(text[text.index("{") : text.rindex("}") + 1])["kept"]["tasks"]


def test_the_page_says_why_tasks_do_not_run_in_the_words_of_why(spool, run, put):
    put("todo/queued.yaml")
    put("hold/held.yaml")
    put("waiting/after-nobody/late~0.aaaaaaaa-1.yaml")
    put("waiting/after-held/behind~0.aaaaaaaa-2.yaml")
    put("done/over.yaml")
    put("waiting/until-20991231T000000Z/delayed~0.aaaaaaaa-3.yaml")
    assert run("report").exit_code == 0
    answers = json.loads(run("why", "--json", "queued", "held", "late", "behind").stdout)
    said = said_by_the_page(spool)
    assert said == {answer["task"]: answer["because"] for answer in answers}
    assert said["late"].startswith("it waits for nobody, which is nowhere in the spool")


def test_of_very_many_tasks_the_page_explains_those_that_no_queue_explains(spool, run, put, monkeypatch):
    monkeypatch.setattr("dsgspool.report.explained.MOST_STEPS", 22)
    for number in range(10):
        put(f"todo/{number}.yaml")
    put("waiting/after-nobody/late~0.aaaaaaaa-1.yaml")
    assert run("report").exit_code == 0
    assert said_by_the_page(spool).keys() == {"late", "0"}


def test_a_share_that_hangs_up_while_tasks_are_explained_has_its_report_all_the_same(spool, run, put, monkeypatch):
    def refused(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("dsgspool.cli.reasons.Reasons.of", refused)
    put("todo/a.yaml")
    assert run("report").exit_code == 0
    assert said_by_the_page(spool) == {}


def test_what_takes_long_to_explain_keeps_no_report_waiting(spool, run, put, monkeypatch):
    monkeypatch.setattr("dsgspool.cli.sentences.SECONDS", -1.0)
    put("todo/a.yaml")
    put("waiting/after-nobody/late~0.aaaaaaaa-1.yaml")
    assert run("report").exit_code == 0
    assert said_by_the_page(spool).keys() == {"late"}


def test_what_many_tasks_wait_for_is_looked_for_once(spool, run, put, monkeypatch):
    """With 30,000 tasks, and 500 that waited for 20 batches each, the sentences took half a minute."""
    looked = []
    monkeypatch.setattr("dsgspool.cli.behind.top_of", lambda what: looked.append(what) or what.rpartition("/")[0])
    put("done/s/0.yaml")
    for number in range(1, 6):
        put(f"todo/s/{number}~0.aaaaaaaa-{number}.yaml")
        put(f"waiting/after-s%/t/{number}~0.bbbbbbbb-{number}.yaml")
    put("waiting/after-s%/s/last~0.cccccccc-1.yaml")
    assert run("report").exit_code == 0
    said = said_by_the_page(spool)
    assert said["t/3"] == "it waits for s/, of which 6 of 7 are not over (s/1, s/2, s/3 ...)"
    assert said["s/last"] == "it waits for s/, of which 5 of 6 are not over (s/1, s/2, s/3 ...)"
    assert looked == ["s/"]


def test_a_sentence_that_names_very_many_tasks_is_cut_on_the_page(spool, run, put):
    """Of a canary of 1,000 tasks each of its batch told all the names: the page had 10 MB."""
    tried = [f"s/{number:04}" for number in range(1000)]
    put("batches/s.yaml", "canary: 1000\n...\n")
    put("batches/s.canary", f"tasks: [{', '.join(tried)}]\n...\n")
    put("running/n1-abcdefgh/x@n1-abcdefgh.1.yaml")
    put("workers/n1-abcdefgh.yaml", "worker: n1-abcdefgh\nhost: n1\nslots: 1\n...\n")
    put("workers/n1-abcdefgh.lock", "")
    put("todo/s/late.yaml")
    assert run("report").exit_code == 0
    told = said_by_the_page(spool)["s/late"]
    assert told.startswith("its batch is held back: the tasks that are tried first") and told.endswith(" ...")
    assert len(told) < 600
