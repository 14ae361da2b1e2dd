"""The examples of a new spool do what their comments say, with real workers."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from dsgspool import resources
from tests.support.processes import CODE, Workers, two_gpus
from tests.support.spools import SpoolFolder

EXAMPLES = Path(resources.spool_template()) / "examples"


def test_the_sweep_runs_by_its_policy(folder: SpoolFolder, workers: Workers) -> None:
    shutil.copy(EXAMPLES / "batches/sweep.yaml", folder / "batches")
    shutil.copytree(EXAMPLES / "sweep", folder / "todo/sweep")
    workers.run_until_empty(60, slots=2)
    tasks = {f"sweep/dice-{number}" for number in (1, 2, 3)}
    assert folder.done() == {*tasks, "sweep.finally"}
    assert folder.out("sweep.finally").splitlines()[1:] == [
        "6 sides, thrown 200 times",
        "8 sides, thrown 300 times",
        "3 done, 0 failed",
    ]
    assert (folder / "news.txt").read_text() == "sweep is over (3 done, 0 failed)\n"
    assert folder.out("sweep/dice-2") == "6 sides, thrown 200 times\n"
    first, *others = sorted((folder.record(name) for name in tasks), key=lambda record: str(record["started"]))
    assert all(str(first["ended"]) <= str(other["started"]) for other in others), "one is tried before the others"


def test_what_should_come_each_hour_comes(folder: SpoolFolder, workers: Workers) -> None:
    shutil.copy(EXAMPLES / "schedules/every-hour.yaml", folder / "schedules")
    before = (
        time.time() - 3700
    )  # as if it lay there for an hour: `catch_up: last` makes up for the tick that was missed
    os.utime(folder / "schedules/every-hour.yaml", (before, before))
    workers.ready()
    (name,) = workers.wait_until(folder.done, 30)
    assert name.startswith("every-hour-") and "Filesystem" in folder.out(name)


def test_what_expires_runs_while_there_is_time_and_not_later(folder: SpoolFolder, workers: Workers) -> None:
    for name, age in (("soon", 0), ("late", 3700)):
        shutil.copy(EXAMPLES / "11-expires.yaml", folder / f"todo/{name}.yaml")
        os.utime(folder / f"todo/{name}.yaml", (time.time() - age,) * 2)
    workers.run_until_empty(30)
    assert folder.done() == {"soon"} and folder.ls("failed") == ["late~expired.yaml"]


def test_what_takes_a_licence_runs_where_spool_yaml_says_how_many_there_are(
    folder: SpoolFolder, workers: Workers
) -> None:
    for number in range(3):
        shutil.copy(EXAMPLES / "12-licence.yaml", folder / f"todo/{number}.yaml")
    folder.configure(resources={"licence": 1})
    workers.run_until_empty(30)
    assert [folder.out(str(number)) for number in range(3)] == ["one of 1 that are taken now\n"] * 3


def test_two_sweeps_take_turns_as_the_page_on_fairness_says(folder: SpoolFolder, workers: Workers) -> None:
    folder.configure(fair="batches")
    for batch in ("sweep-a", "sweep-b"):
        shutil.copy(EXAMPLES / "batches/sweep.yaml", folder / f"batches/{batch}.yaml")
        shutil.copytree(EXAMPLES / "sweep", folder / f"todo/{batch}")
    workers.run_until_empty(60, slots=1)
    records = [folder.record(name) for name in folder.done()]
    order = [str(record["task"]) for record in sorted(records, key=lambda record: str(record["started"]))]
    assert len(order) == 8 and order[-1].endswith(".finally")  # the policy of the example has a last task
    assert {name.partition("/")[0] for name in order[:2]} == {"sweep-a", "sweep-b"}


def test_the_sweep_multiplies_all_numbers_but_one_pair(folder: SpoolFolder, workers: Workers) -> None:
    shutil.copy(EXAMPLES / "13-sweep.yaml", folder / "todo")
    workers.run_until_empty(60, slots=2)
    printed = [int(number) for path in (folder / "logs/13-sweep").glob("*.out") for number in path.read_text().split()]
    expected = [a * b for a in range(1, 501) for b in (2, 3, 5, 7) if (a, b) != (13, 7)]
    assert sorted(printed) == sorted(expected) and not folder.ls("failed")


def test_a_row_of_a_file_is_a_run(folder: SpoolFolder, workers: Workers) -> None:
    shutil.copy(EXAMPLES / "samples.tsv", folder.root.parent)
    shutil.copy(EXAMPLES / "14-rows.yaml", folder / "todo")
    workers.run_until_empty(60, slots=2)
    printed = [
        line for path in sorted((folder / "logs/14-rows").glob("*.out")) for line in path.read_text().splitlines()
    ]
    assert sorted(printed) == [
        "mouse-1 has 2000 reads a lane", "mouse-1 has 4000 reads a lane", "mouse-2 has 1800 reads a lane",
        "mouse-2 has 3600 reads a lane",
    ]  # fmt: skip
    assert not folder.ls("failed")


def test_tasks_get_the_cpus_the_memory_and_the_gpu_that_they_ask_for(folder: SpoolFolder, workers: Workers) -> None:
    for name in ("8-cpus", "9-resources", "15-gpu"):
        shutil.copy(EXAMPLES / f"{name}.yaml", folder / "todo")
    worker = workers.start("--until-empty", "--scratch", "/tmp", slots=2, env=two_gpus(folder))
    assert worker.ends(30) == 0, worker.output()
    assert folder.out("8-cpus") == "2 threads\n"
    assert folder.out("9-resources") == "1 CPU, 536870912 bytes of memory, scratch space in /tmp\n"
    assert folder.out("15-gpu") == "GPU 0\n"


def test_where_no_node_has_such_a_gpu_why_says_so(folder: SpoolFolder, workers: Workers) -> None:
    shutil.copy(EXAMPLES / "15-gpu.yaml", folder / "todo")
    worker = workers.ready()
    worker.wait_until(lambda: any(path.startswith("@") for path in folder.ls("todo")), 20)
    words = [sys.executable, "-m", "dsgspool", "--spool", str(folder), "why", "15-gpu"]
    said = subprocess.run(words, cwd=CODE, check=True, capture_output=True, text=True).stdout
    assert "gpus=1 gpu_memory=20G gpu~A100, and no worker that is alive has all of that" in said


def test_the_pipeline_fails_when_any_part_of_it_does(folder: SpoolFolder, workers: Workers, tmp_path: Path) -> None:
    text = (EXAMPLES / "2-pipeline.yaml").read_text()
    for name in ("full", "empty"):
        (tmp_path / name / "papers").mkdir(parents=True)
        (folder / f"todo/{name}.yaml").write_text(text.replace("cwd: /tmp ", f"cwd: {tmp_path / name} "))
    (tmp_path / "full/papers/a.txt").write_text("to be or not to be\n")
    workers.run_until_empty(30)
    assert folder.done() == {"full"} and folder.out("full") == "4 words\n"
    assert folder.ls("failed") == ["empty~exit1.yaml"]


def test_params_make_no_result_of_a_program_that_fails(folder: SpoolFolder, workers: Workers, tmp_path: Path) -> None:
    text = (EXAMPLES / "6-params.yaml").read_text()
    for name, body in (("good", 'echo "$2 $4"'), ("bad", "echo half; exit 3")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "simulate").write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name / "simulate").chmod(0o755)
        (folder / f"todo/{name}.yaml").write_text(text.replace("cwd: /tmp", f"cwd: {tmp_path / name}"))
    workers.run_until_empty(30)
    assert folder.done() == {"good"} and (tmp_path / "good/out-0.05.txt").read_text() == "0.05\n"
    assert folder.ls("failed") == ["bad~exit3.yaml"] and not (tmp_path / "bad/out-0.05.txt").exists()
