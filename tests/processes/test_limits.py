"""Tasks that take too much: memory, processes, files, CPU time, log.  The worker stops them and goes on working."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.processes.test_users import ALICE, as_user, give
from tests.processes.test_users import place as place
from tests.support.processes import Workers
from tests.support.spools import FAST, SpoolFolder

HOG = """
import time
kept = []
for _ in range(300):
    kept.append(bytearray(b"x") * (4 << 20))
    time.sleep(0.01)
"""

#: `count` children, each of which has `size` MiB of its own (or, with shared, all of which see the parent's).
FAMILY = """
import os, sys, time
count, size, shared = map(int, sys.argv[1:])
kept = bytearray(b"x") * (size << 20) if shared else b""
for _ in range(count):
    if not os.fork():
        kept = kept or bytearray(b"x") * (size << 20)
        time.sleep(3)
        os._exit(0)
for _ in range(count):
    os.wait()
"""

#: A bomb with an end, in case nothing stops it: 2 ** 9 processes, each in a session of its own.
BOMB = """
import os, time
for _ in range(9):
    os.fork() or os.setsid()
    time.sleep(0.1)
time.sleep(30)
"""


def python(code: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", code, *map(str, arguments)]


def test_a_task_that_takes_more_memory_than_its_limit_is_killed_and_says_so(
    folder: SpoolFolder, workers: Workers
) -> None:
    folder.drop("x", python(HOG), limits={"memory": "150M"}, retries=1)
    folder.drop("y", python(HOG.replace("300", "20")), limits={"memory": "150M"})
    workers.run_until_empty(60)
    assert folder.states() == {"done": ["y.yaml"], "failed": ["x~oom.yaml"]}
    record = folder.record("x", 2)
    assert "limits.memory is 150.0 MiB" in str(record["reason"])
    assert record["outcome"] == "oom"


def test_memory_is_counted_over_the_whole_tree(folder: SpoolFolder, workers: Workers) -> None:
    folder.drop("x", python(FAMILY, 4, 60, 0), limits={"memory": "200M"})
    workers.run_until_empty(60)
    assert folder.ls("failed") == ["x~oom.yaml"]


def test_memory_that_processes_share_is_counted_once(folder: SpoolFolder, workers: Workers) -> None:
    folder.drop("x", python(FAMILY, 4, 100, 1), limits={"memory": "250M"})
    workers.run_until_empty(60)
    assert folder.done() == {"x"}
    assert int(str(folder.record("x")["peak_memory_bytes"])) > 250 << 20  # the sum of what each one sees


def test_a_task_that_has_more_processes_than_its_limit_is_killed_to_the_last(
    folder: SpoolFolder, workers: Workers
) -> None:
    worker = workers.ready()
    folder.drop("x", python(BOMB), limits={"processes": 20})
    folder.drop("y", "sleep 0.5")
    workers.wait_until(lambda: folder.ls("failed") and folder.ls("done"), 30)
    assert folder.ls("failed") == ["x~process-limit.yaml"]
    assert "limits.processes is 20" in str(folder.record("x")["reason"])
    assert worker.wids() == [worker.wid]


@pytest.mark.root
@pytest.mark.skipif(not shutil.which("prlimit"), reason="needs prlimit, to keep the bomb in this test")
def test_a_real_fork_bomb_costs_no_worker_its_heart(place: Path, tmp_path: Path) -> None:
    folder = SpoolFolder(place / "spool", {**FAST, "default_cwd": "/"})
    folder.drop("bomb", ["/bin/bash", "-c", ":(){ :|:& };:"], limits={"processes": 100})
    folder.drop("good", "sleep 1")
    give(folder.root, ALICE, ALICE)
    workers = Workers(folder, tmp_path)
    try:
        worker = workers.ready(prefix=["prlimit", "--nproc=1500:1500", *as_user(ALICE)])
        workers.wait_until(lambda: folder.done() >= {"good"} and folder.outcome("bomb"), 30)
        assert worker.wids() == [worker.wid]
    finally:
        workers.bury()


def test_what_the_kernel_limits_is_set_before_the_command_begins(folder: SpoolFolder, workers: Workers) -> None:
    limits = {"open_files": 64, "file_size": "1M", "cpu_time": "90s"}
    folder.drop("shell", "ulimit -n; ulimit -f; ulimit -S -t; ulimit -H -t", limits=limits)
    folder.drop("list", ["/bin/sh", "-c", 'ulimit -n; echo "$@"', "sh", "a  b", "$c"], limits={"open_files": 64})
    folder.drop("high", "ulimit -n", limits={"open_files": 9_999_999})
    workers.run_until_empty()
    assert folder.out("shell") == "64\n2048\n90\n95\n"
    assert folder.out("list") == "64\na  b $c\n"
    assert int(folder.out("high")) > 64
    assert folder.record("list")["command"] == ["/bin/sh", "-c", 'ulimit -n; echo "$@"', "sh", "a  b", "$c"]


def test_a_limit_that_the_kernel_enforces_is_named_in_the_reason(folder: SpoolFolder, workers: Workers) -> None:
    folder.drop("cpu", python("while True: pass"), limits={"cpu_time": "1s"})
    folder.drop("file", ["head", "-c", "2M", "/dev/zero"], limits={"file_size": "1M"})
    folder.drop("missing", ["/no/such/program"], limits={"open_files": 64})
    workers.run_until_empty(30)
    assert folder.ls("failed") == ["cpu~signal24.yaml", "file~signal25.yaml", "missing~exit127.yaml"]
    assert "limits.cpu_time (1 s)" in str(folder.record("cpu")["reason"])
    assert "limits.file_size (1.0 MiB)" in str(folder.record("file")["reason"])
    assert (folder / "logs/file.1.out").stat().st_size == 1 << 20


def test_a_tasks_limits_are_added_to_those_of_the_spool(folder: SpoolFolder, workers: Workers) -> None:
    folder.configure({**FAST, "defaults": {"grace": "500ms", "limits": {"open_files": 64, "file_size": "1M"}}})
    folder.drop("x", "ulimit -n; ulimit -f", limits={"open_files": 80})
    folder.drop("y", "ulimit -n; ulimit -f", limits={"file_size": None})
    workers.run_until_empty()
    assert folder.out("x") == "80\n2048\n"
    assert folder.out("y") == "64\nunlimited\n"


@pytest.mark.parametrize("stubborn", ["", "trap '' TERM; "])
def test_a_log_bomb_is_stopped_and_leaves_no_more_than_its_limit(
    stubborn: str, folder: SpoolFolder, workers: Workers
) -> None:
    worker = workers.ready()
    # About 100 MB/s: `yes` alone fills a disk at several GB/s.
    bomb = f"{stubborn}while :; do head -c 1M /dev/zero | tr '\\0' x; sleep 0.01; done"
    folder.drop("x", bomb, max_log="3M", grace="1m")
    folder.drop("y", "sleep 0.5")
    workers.wait_until(lambda: folder.ls("failed") and folder.ls("done"), 30)
    assert folder.ls("failed") == ["x~log-limit.yaml"]
    size = (folder / "logs/x.1.out").stat().st_size
    assert 3 << 20 < size < (3 << 20) + 200
    assert folder.record("x")["stdout_bytes"] == size
    assert b"cut here at max_log; it had" in (folder / "logs/x.1.out").read_bytes()[-200:]
    assert worker.wids() == [worker.wid]
