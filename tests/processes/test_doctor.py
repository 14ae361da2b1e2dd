"""The doctor beside living workers: no false alarm, nothing touched; two of them; and a file system that stands still."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from dsgspool.proc import marked
from tests.support.processes import CODE, Gate, Workers, is_alive, kill
from tests.support.spools import CALM, SpoolFolder
from tests.support.waiting import wait_until

COMMAND = [sys.executable, "-m", "dsgspool"]


def start(spool: object, *words: str, **variables: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(CODE), **variables}
    command = [*COMMAND, "--spool", str(spool), "doctor", *words]
    return subprocess.Popen(
        command, cwd="/", env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def findings(process: subprocess.Popen[str]) -> list[dict]:
    out, err = process.communicate(timeout=200)
    assert out.startswith("["), (out, err)
    return json.loads(out)


def bad(spool: object, *words: str) -> list[dict]:
    found = findings(start(spool, "--json", *words))
    return [finding for finding in found if finding["status"] in ("warn", "FAIL", "fixed") or finding["fix"]]


@pytest.mark.load
def test_twenty_looks_at_a_busy_spool_find_nothing(folder: SpoolFolder, workers: Workers) -> None:
    folder.configure(CALM, poll_min="20ms")
    names = {folder.drop(f"sweep-{n % 7}/t{n:03d}", "sleep 0.05", retries=1) for n in range(150)}
    names |= {folder.drop(f"fails/t{n:03d}", "exit 3", retries=2, backoff="1s") for n in range(40)}
    workers.ready(slots=3)
    workers.ready(slots=3)
    for look in range(20):
        if look % 5 == 0:
            names |= {folder.drop(f"late-{look}/t{n:03d}", "sleep 0.02") for n in range(40)}
        for place, path in zip(("todo", "hold", "failed", "done"), folder.ls("running"), strict=False):
            with contextlib.suppress(FileNotFoundError):  # its worker was faster
                os.rename(folder / f"running/{path}", folder / place / os.path.basename(path))
        assert bad(folder) == []
    workers.wait_until(lambda: sum(len(folder.ls(state)) for state in ("done", "failed", "hold")) >= len(names), 90)
    assert bad(folder) == []


def test_fix_touches_nothing_that_a_living_worker_holds(folder: SpoolFolder, workers: Workers, gate: Gate) -> None:
    held = folder.drop("held", gate.wait)
    worker = workers.ready()
    workers.wait_until(lambda: folder.has_begun(held), 10)
    mine = Path(folder.running(held))
    copy = f"hold/{mine.name}"
    shutil.copy(folder / str(mine), folder / copy)
    shutil.copy(folder / str(mine), folder / f"running/{mine.name}")
    before = {path: (folder / path).stat().st_ino for path in (str(mine), copy, f"running/{mine.name}")}
    found = bad(folder, "--fix")
    assert {finding["id"] for finding in found} == {"spool.claim-twice", "spool.astray"}
    assert [finding["fix"] for finding in found] == [None, None]
    assert all(worker.wid in finding["text"] for finding in found)
    assert {path: (folder / path).stat().st_ino for path in before} == before
    (folder / copy).unlink()
    (folder / f"running/{mine.name}").unlink()
    gate.open()
    workers.wait_until(lambda: held in folder.done(), 10)


def test_what_a_killed_worker_held_is_given_back(folder: SpoolFolder, workers: Workers, gate: Gate) -> None:
    """Worker and guard are killed by force and nobody lives to take over: the doctor does it, and a new worker runs it."""
    folder.drop("x", gate.wait)
    worker = workers.ready()
    command = workers.wait_until(lambda: marked(worker.wid), 10)[0]
    pid = worker.pid
    kill(worker.guard, number=signal.SIGSTOP)  # or it would see its worker die and kill the command
    kill(pid)
    kill(worker.guard)
    worker.process.wait()
    (first, *_) = [finding for finding in bad(folder, "--fix") if finding["id"] != "spool.workers"]
    assert (first["id"], first["status"]) == ("spool.leftover-process", "FAIL") and str(command) in first["text"]
    assert folder.running("x")
    kill(*marked(worker.wid))
    wait_until(lambda: not marked(worker.wid), 5)
    (fixed,) = [finding for finding in bad(folder, "--fix") if finding["id"] != "spool.workers"]
    assert (fixed["id"], fixed["status"]) == ("spool.stale-lease", "fixed")
    assert [path.partition("~")[::2][0] for path in folder.ls("todo")] == ["x"]
    assert "~0l1." in folder.ls("todo")[0]
    assert (folder / f"workers/{worker.wid}.dead").exists()
    gate.open()
    workers.run_until_empty()
    assert folder.outcome("x", 2) == "done"


def test_two_doctors_measure_together_and_leave_nothing(folder: SpoolFolder) -> None:
    both = [start(folder, "--peer", "--json"), start(folder, "--peer", "--json")]
    for found in map(findings, both):
        seen = {finding["id"]: finding for finding in found}
        assert "this machine" in seen["peers.who"]["text"]
        assert seen["peers.lock"]["facts"] == {"excludes": True, "frees": True}
        assert seen["peers.create"]["facts"]["both"] == seen["peers.rename"]["facts"]["both"] == 0
        assert seen["peers.rename"]["facts"]["mine"] + seen["peers.rename"]["facts"]["theirs"] == 100
        assert seen["peers.listing"]["status"] == seen["peers.heartbeat"]["status"] == "ok"
        assert [name for name, finding in seen.items() if finding["status"] == "FAIL"] == []
    assert os.listdir(folder / "tmp") == []


def test_of_three_doctors_two_meet_and_the_third_says_that_nobody_came(folder: SpoolFolder) -> None:
    three = [start(folder, "--peer", "--json", "--wait", "6") for _ in range(3)]
    verdicts = sorted("peers.verdict" in {finding["id"] for finding in findings(process)} for process in three)
    assert verdicts == [False, True, True]
    assert os.listdir(folder / "tmp") == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_partner_that_dies_is_told(folder: SpoolFolder, number: int) -> None:
    """Whether the partner's examination is ended with it and tidies up, or stands still."""
    one = start(folder, "--peer", "--json")
    wait_until(lambda: list((folder / "tmp").glob(".doctor-peer-*/hello")), 20)
    other = start(folder, "--peer", "--json")
    wait_until(lambda: list((folder / "tmp").glob(".doctor-peer-*/to-host/guest.json")), 20)
    whole = [other.pid, *(child.pid for child in psutil.Process(other.pid).children())]
    kill(*(whole if number == signal.SIGSTOP else whole[:1]), number=number)
    (told,) = [finding for finding in findings(one) if finding["group"] == "peers"]
    kill(*whole)
    other.communicate()
    assert (told["id"], told["status"]) == ("peers.who", "FAIL")
    assert "the other doctor" in told["text"]


@pytest.fixture
def standing_still(folder: SpoolFolder, tmp_path: Path) -> Iterator[Path]:
    """The spool through a FUSE mount whose program was stopped: every call on it hangs."""
    if not (shutil.which("bindfs") and Path("/dev/fuse").exists()):
        pytest.skip("no bindfs or /dev/fuse here")
    point = tmp_path / "mnt"
    point.mkdir()
    program = subprocess.Popen(["bindfs", "-f", str(tmp_path / "spool"), str(point)])
    try:
        wait_until(lambda: (point / "spool.yaml").exists(), 10)
        program.send_signal(signal.SIGSTOP)
        yield point
    finally:
        program.send_signal(signal.SIGCONT)
        subprocess.run(["fusermount", "-uz", str(point)], check=False)
        program.terminate()
        program.wait(10)


@pytest.mark.root
def test_a_file_system_that_does_not_answer_is_named(standing_still: Path) -> None:
    began = time.monotonic()
    process = start(standing_still)
    out, _ = process.communicate(timeout=200)
    assert process.returncode == 9
    assert time.monotonic() - began < 100
    assert f"the file server of {standing_still} does not answer" in out
    assert "takes longer than 10 s" in out


SHIM = """
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
struct dirent64 *readdir64(DIR *folder) {
    struct dirent64 *(*real)(DIR *) = dlsym(RTLD_NEXT, "readdir64");
    struct dirent64 *entry = real(folder);
    if (entry) entry->d_ino = 0xffffffff;
    return entry;
}
struct dirent *readdir(DIR *folder) { return (struct dirent *)readdir64(folder); }
"""


def test_a_file_system_whose_st_ino_never_equals_d_ino_is_named(folder: SpoolFolder, tmp_path: Path) -> None:
    """As FUSE programs without `use_ino` do: every number in a listing is 0xffffffff."""
    if not (compiler := shutil.which("cc")):
        pytest.skip("no C compiler here")
    (tmp_path / "shim.c").write_text(SHIM)
    shim = tmp_path / "shim.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", shim, tmp_path / "shim.c", "-ldl"], check=True)
    found = findings(start(folder, "--json", LD_PRELOAD=str(shim)))
    (finding,) = [finding for finding in found if finding["status"] == "FAIL" and finding["id"] == "semantics.inode"]
    assert "st_ino never equals d_ino" in finding["text"] and "runs nothing" in finding["text"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_doctor_that_is_stopped_tidies_up_and_leaves_no_process(folder: SpoolFolder, number: int) -> None:
    process = start(folder, "--peer", "--json")
    wait_until(lambda: list((folder / "tmp").glob(".doctor-peer-*/hello")), 20)
    (child,) = psutil.Process(process.pid).children()
    process.send_signal(number)
    process.communicate(timeout=20)
    assert process.returncode == {signal.SIGINT: 130}.get(number, -number)
    wait_until(lambda: not is_alive(child.pid), 5)  # who reaps it is not the doctor
    assert os.listdir(folder / "tmp") == []


@pytest.fixture
def small(tmp_path: Path) -> Iterator[SpoolFolder]:
    """A spool on a disk of 1 MB and 60 inodes."""
    disk = tmp_path / "small"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=60", "tmpfs", disk], check=True)
    try:
        yield SpoolFolder(disk / "spool")
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def failures(spool: SpoolFolder) -> dict[str, str]:
    return {finding["id"]: finding["text"] for finding in bad(spool) if finding["status"] == "FAIL"}


@pytest.mark.root
def test_a_full_disk_and_no_inodes_are_named_and_leave_nothing_behind(small: SpoolFolder) -> None:
    assert failures(small) == {}
    with (small.root.parent / "ballast").open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while True:
            ballast.write(bytes(4096))
    assert failures(small)["mount.space"].startswith("the disk is full")
    assert "ENOSPC" in failures(small)["semantics.fsync"]
    os.unlink(small.root.parent / "ballast")
    with contextlib.suppress(OSError):
        for number in range(100):
            (small.root.parent / f"file{number}").touch()
    found = failures(small)
    assert found["mount.inodes"].startswith("no inode is free") and "ENOSPC" in found["semantics.bench"]
    for number in range(60):
        (small.root.parent / f"file{number}").unlink(missing_ok=True)
    assert failures(small) == {}
    assert os.listdir(small / "tmp") == []
