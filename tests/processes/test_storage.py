"""What a worker does when the file system refuses something: it says so, loses nothing, and goes on when it can."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import Gate, Workers
from tests.support.spools import FAST, SpoolFolder


def test_a_result_whose_place_is_taken_by_a_folder_waits_until_it_is_free(
    folder: SpoolFolder, workers: Workers
) -> None:
    (folder / "done/t.yaml/inside").mkdir(parents=True)
    worker = workers.ready()
    folder.drop("t")
    worker.says("EISDIR", 10)
    assert folder.outcome("t", 1) == "done"
    (folder / "done/t.yaml/inside").rmdir()
    (folder / "done/t.yaml").rmdir()
    workers.wait_until(lambda: folder.done() == {"t"})
    assert folder.outcome("t", 2) is None


def test_a_logs_folder_that_may_not_be_written_stops_claims_and_not_the_worker(
    folder: SpoolFolder, workers: Workers, gate: Gate
) -> None:
    worker = workers.ready(slots=2)
    folder.drop("first", gate.wait)
    workers.wait_until(lambda: folder.ls("logs"))
    os.rename(folder / "logs", folder / "logs.away")
    (folder / "logs").write_text("a file where a folder belongs")
    folder.drop("second")
    worker.says("no new ones are taken", 10)
    gate.open()
    os.unlink(folder / "logs")
    os.rename(folder / "logs.away", folder / "logs")
    workers.wait_until(lambda: folder.done() == {"first", "second"})


@pytest.fixture
def small(tmp_path: Path) -> Iterator[SpoolFolder]:
    """A spool on a disk of 2 MB."""
    (tmp_path / "small").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", tmp_path / "small"], check=True)
    try:
        yield SpoolFolder(tmp_path / "small" / "spool")
    finally:
        subprocess.run(["umount", "-l", tmp_path / "small"], check=True)


def fill(folder: SpoolFolder, spare: int = 0) -> Path:
    """Use up the last byte, or all but some."""
    filler = folder.root.parent / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(bytes(4096))
    os.truncate(filler, filler.stat().st_size - spare)
    return filler


@pytest.mark.root
@pytest.mark.parametrize("floor", ["1M", "60%"])
def test_below_the_floor_of_free_space_nothing_new_is_begun_and_it_goes_on_by_itself(
    floor: str, small: SpoolFolder, tmp_path: Path, gate: Gate
) -> None:
    small.configure({**FAST, "min_free": floor})
    workers = Workers(small, tmp_path)
    try:
        worker = workers.ready()
        small.drop("first", gate.wait)
        workers.wait_until(lambda: small.has_begun("first"))
        filler = fill(small, 512 * 1024)
        worker.says("less than `min_free`")
        small.drop("later")
        gate.open()
        workers.wait_until(lambda: small.done() == {"first"})
        worker.lives_on()
        assert small.ls("todo") == ["later.yaml"]
        status = [sys.executable, "-m", "dsgspool", "--spool", str(small), "status"]
        assert "less than `min_free`" in subprocess.run(status, capture_output=True, text=True, check=True).stderr
        filler.unlink()
        workers.wait_until(lambda: small.done() == {"first", "later"})
        worker.lives_on()
        assert worker.output().count("less than `min_free`") == 1
        assert '"event": "space"' in (small / f"workers/{worker.wid}.jsonl").read_text()
    finally:
        workers.bury()


@pytest.mark.root
def test_the_floor_is_100_mb_unless_somebody_says_otherwise(small: SpoolFolder, tmp_path: Path) -> None:
    small.configure({key: value for key, value in FAST.items() if key != "min_free"})
    small.drop("x")
    workers = Workers(small, tmp_path)
    try:
        worker = workers.ready()
        worker.says("less than `min_free` (100.0 MiB)")
        worker.lives_on()
        assert small.ls("todo") == ["x.yaml"]
    finally:
        workers.bury()


@pytest.mark.root
def test_on_a_full_disk_claims_stop_and_running_tasks_are_published_when_space_returns(
    small: SpoolFolder, tmp_path: Path, gate: Gate
) -> None:
    workers = Workers(small, tmp_path)
    try:
        worker = workers.ready()
        small.drop("first", gate.wait)
        workers.wait_until(lambda: small.ls("logs"))
        small.drop("later", state="hold")
        filler = fill(small)
        os.rename(small / "hold/later.yaml", small / "todo/later.yaml")
        gate.open()
        worker.says("the disk is full", 15)
        worker.lives_on()
        assert small.ls("failed") == []
        filler.unlink()
        workers.wait_until(lambda: small.done() == {"first", "later"}, 15)
    finally:
        workers.bury()
