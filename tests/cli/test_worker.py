"""`dsgspool worker` becomes the guard; `dsgspool demo` and `submit --wait` with real workers."""

import json
import sys

import pytest

from dsgspool import proc
from dsgspool.demo import run as demo_run


@pytest.fixture
def became(monkeypatch):
    """What the process would have become."""
    seen = []
    monkeypatch.setattr(proc, "become", lambda argv: seen.append(argv))
    return seen


def test_it_becomes_the_guard_of_the_worker_with_all_its_flags(spool, run, became):
    assert run("worker", "--slots", "3", "--until-empty", "--quiet").exit_code == 0
    assert became == [proc.worker_command(["--spool", str(spool), "--slots", "3", "--until-empty", "--quiet"])]


def test_without_slots_it_takes_the_cpus_that_it_may_use(spool, run, became):
    run("worker")
    assert became[0][-2:] == ["--slots", str(proc.usable_cpus())]


def test_labels_counted_resources_and_scratch_are_handed_on(spool, run, became, tmp_path):
    words = ["--label", "rack=b", "--resource", "licence=2", "--scratch", "."]
    assert run("worker", "--slots", "1", *words).exit_code == 0
    assert became[0][-6:] == ["--scratch", str(tmp_path), "--label", "rack=b", "--resource", "licence=2"]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--label", "rack"), "'rack' is no KEY=TEXT"),
        (("--resource", "licence=some"), "is no NAME=N"),
        (("--resource", "memory=5"), "choose another name"),
        (("--label", "host=n1"), "choose another name"),
    ],
)
def test_a_label_or_resource_that_no_task_could_ask_for_is_refused(spool, run, became, words, part):
    result = run("worker", *words)
    assert (result.exit_code, became) == (2, [])
    assert part in result.stderr


def test_hours_are_handed_on_and_what_means_no_time_is_refused(spool, run, became):
    assert run("worker", "--slots", "1", "--run-between", "mon-fri 19:00-08:00, weekends").exit_code == 0
    assert became.pop()[-2:] == ["--run-between", "mon-fri 19:00-08:00, weekends"]
    result = run("worker", "--run-between", "25:00-08:00")
    assert (result.exit_code, became) == (2, [])
    assert "--run-between: `25:00` is no time of day" in result.stderr


def test_pinning_and_idleness_are_handed_on(spool, run, became):
    assert run("worker", "--slots", "1", "--pin", "--only-when-idle").exit_code == 0
    assert became[0][-2:] == ["--pin", "--only-when-idle"]


def test_no_slots_at_all_is_a_usage_error(spool, run, became):
    assert run("worker", "--slots", "0").exit_code == 2
    assert became == []


def test_a_submitted_task_runs_and_its_log_can_be_read(spool, process):
    assert process("submit", "--name", "a", "--", "echo hello; exit 3").returncode == 0
    worker = process("worker", "--slots", "1", "--until-empty")
    assert worker.returncode == 0 and ": 1 slot, spool " in worker.stdout + worker.stderr
    assert process("logs", "a").stdout == "hello\n"
    (task,) = json.loads(process("show", "a", "--json").stdout)
    assert (task["state"], task["attempts"][0]["exit_code"]) == ("failed", 3)
    assert process("wait", "a").returncode == 1


def test_the_demo_makes_a_new_folder_each_time(tmp_path):
    folders = [demo_run.new_folder(str(tmp_path / "dsgspool-demo")) for _ in range(3)]
    assert [folder.rpartition("/")[2] for folder in folders] == ["dsgspool-demo", "dsgspool-demo-2", "dsgspool-demo-3"]


@pytest.mark.timeout(400)
@pytest.mark.load
def test_the_demo_goes_as_it_was_designed(process, tmp_path):
    result = process("demo", "--dir", "d", seconds=240)  # it needs 55 s of CPU, and other tests run beside it
    assert result.returncode == 0, result.stderr
    assert "39 of 39: 37 done, 2 failed" in result.stderr
    assert (tmp_path / "d" / "reports" / "index.html").is_file()
    assert (tmp_path / "d" / "study" / "results" / "summary.json").is_file()
    # What it says to try must work.
    import subprocess

    lines = result.stdout.splitlines()
    mend, again = lines[-3].strip(), lines[-2].strip()
    subprocess.run(f"{mend} && {again}", shell=True, check=True, cwd=tmp_path / "d")
    assert process("--spool", "d", "worker", "--slots", "1", "--until-empty").returncode == 0
    assert (tmp_path / "d" / "done" / "describe" / "adelie-torgersen.yaml").is_file(), sys.executable
