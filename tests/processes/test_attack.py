"""Attacks that succeeded: each test is one way in which a worker was stopped, a task was lost or ran twice at once."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dsgspool.errors import InvalidName
from dsgspool.spool.submission import valid_batch
from tests.processes.test_users import ALICE, as_user, give
from tests.support.history import History
from tests.support.processes import Gate, Workers, command_line, kill, marked
from tests.support.spools import FAST, SpoolFolder

# -- one task stops a worker, or all of them -----------------------------------------------------------------------


def test_a_cwd_that_begins_with_two_slashes_hangs_nobody(folder: SpoolFolder, workers: Workers) -> None:
    folder.drop("x", cwd="//tmp")
    workers.run_until_empty()
    assert folder.done() == {"x"}


def test_a_head_of_git_with_a_nul_in_it_costs_no_slot(folder: SpoolFolder, workers: Workers, tmp_path: Path) -> None:
    (tmp_path / "repo/.git").mkdir(parents=True)
    (tmp_path / "repo/.git/HEAD").write_bytes(b"ref: refs/heads/ma\0\0")
    folder.drop("x", cwd=str(tmp_path / "repo"))
    folder.drop("y")
    workers.run_until_empty(slots=1)
    assert folder.done() == {"x", "y"}


def record_is_a_folder(folder: SpoolFolder) -> str:
    (folder / "logs/x.1.yaml").mkdir()
    return "x"


def batch_is_called_like_a_log(folder: SpoolFolder) -> str:
    folder.write("logs/a.1.out", "")
    return "a.1.out/x"


def batch_in_logs_is_a_dangling_link(folder: SpoolFolder) -> str:
    (folder / "logs/b").symlink_to("/nowhere/b")
    return "b/x"


@pytest.mark.parametrize("spoil", [record_is_a_folder, batch_is_called_like_a_log, batch_in_logs_is_a_dangling_link])
def test_a_task_whose_record_cannot_be_made_does_not_hold_up_the_others(
    spoil: object, folder: SpoolFolder, workers: Workers
) -> None:
    folder.drop(spoil(folder))  # type: ignore[operator]
    folder.drop("z")
    workers.start(slots=1)
    workers.wait_until(lambda: folder.done() == {"z"})


def test_done_that_is_a_dangling_link_holds_up_only_what_goes_there(folder: SpoolFolder, workers: Workers) -> None:
    (folder / "done").rmdir()
    (folder / "done").symlink_to("/nowhere/done")
    worker = workers.ready()
    folder.drop("b/x")
    workers.wait_until(lambda: folder.outcome("b/x"))
    folder.drop("z", "false")
    try:
        workers.wait_until(lambda: folder.ls("failed") == ["z~exit1.yaml"])
    finally:
        (folder / "done").unlink()
    assert "Traceback" not in worker.output()


def test_a_revoked_file_that_cannot_be_stripped_does_not_stop_the_worker_for_ever(
    folder: SpoolFolder, workers: Workers, gate: Gate
) -> None:
    worker = workers.ready()
    folder.drop("b/x", gate.wait)
    folder.write("failed/b", "a file where a folder should be")
    workers.wait_until(lambda: folder.has_begun("b/x"))
    file = folder.running("b/x")
    folder.mv(file, f"failed/{os.path.basename(file)}")
    worker.says("revoked b/x  (")
    folder.drop("z")
    try:
        workers.wait_until(lambda: folder.done() == {"z"})
    finally:
        (folder / "failed/b").unlink()


def test_what_a_person_left_where_nobody_takes_it_does_not_keep_a_worker(folder: SpoolFolder, workers: Workers) -> None:
    folder.drop("until-20269999T000000Z/x", state="waiting")
    folder.drop("y", state="waiting")
    folder.drop("z", state="running")
    folder.drop("good")
    workers.run_until_empty()
    assert folder.done() == {"good"}


@pytest.mark.root
def test_what_may_not_be_taken_is_told_once_and_keeps_nobody(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="dsgspool-attack-") as name:
        Path(name).chmod(0o755)
        folder = SpoolFolder(Path(name) / "spool", {**FAST, "default_cwd": "/"})
        for task in ("good", "theirs/1", "theirs/2"):
            folder.drop(task)
        (folder / "todo/@mine").mkdir(mode=0o700)
        give(folder.root, ALICE, ALICE)
        for theirs in ("todo/theirs", "todo/@mine"):
            os.chown(folder / theirs, 0, 0)
        workers = Workers(folder, tmp_path)
        try:
            worker = workers.run_until_empty(prefix=as_user(ALICE))
            assert folder.done() == {"good"}
            assert worker.output().count("left there") == 1
        finally:
            workers.bury()


def test_a_name_too_long_to_be_claimed_is_refused_or_told(folder: SpoolFolder, workers: Workers) -> None:
    folder.drop("good")
    (folder / f"todo/x~{'0' * 245}.yaml").write_text("command: 'true'\n...\n")
    workers.run_until_empty()
    assert folder.done() >= {"good"}
    assert not folder.ls("todo")


def test_a_second_signal_ends_a_worker_that_cannot_publish(folder: SpoolFolder, workers: Workers) -> None:
    worker = workers.ready()
    (folder / "done").rmdir()
    folder.write("done", "no folder")
    folder.drop("x")
    workers.wait_until(lambda: folder.outcome("x") == "done")
    worker.signal()
    worker.says("draining")
    worker.signal()
    try:
        worker.ends(8)
    finally:
        (folder / "done").unlink()


def test_the_scripts_folder_may_be_swept_from_tmp(folder: SpoolFolder, workers: Workers) -> None:
    workers.ready()
    folder.drop("a", None, script="#!/bin/sh\necho $0\n")
    workers.wait_until(lambda: folder.done() == {"a"})
    shutil.rmtree(os.path.dirname(folder.out("a").strip()))
    folder.drop("b", None, script="#!/bin/sh\ntrue\n")
    workers.wait_until(lambda: folder.done() == {"a", "b"})


def test_a_terminal_that_stands_still_stops_no_task(
    folder: SpoolFolder, workers: Workers, history: History, gate: Gate, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "screen")
    screen = os.open(tmp_path / "screen", os.O_RDWR | os.O_NONBLOCK)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(screen, b"x" * 4096)
    folder.drop("x", history.command(gate.wait))
    worker = workers.start(prefix=["/bin/sh", "-c", f'exec "$@" > {tmp_path}/screen', "sh"])
    workers.wait_until(lambda: history.starts("x"))
    worker.lives_on(20)  # longer than `fence`
    gate.open()
    workers.wait_until(lambda: folder.done() == {"x"})
    assert history.starts("x") == 1
    os.close(screen)


# -- two at once ---------------------------------------------------------------------------------------------------


def test_a_worker_whose_inventory_is_removed_shares_no_task(
    folder: SpoolFolder, workers: Workers, history: History
) -> None:
    first = workers.ready(slots=1)
    folder.drop("x", history.command("""[ "$DSGSPOOL_ATTEMPT" -gt 1 ] || { trap '' TERM; sleep 12; }"""))
    workers.wait_until(lambda: history.pid("x"))
    second = workers.ready(slots=1)
    second.lives_on(2)
    (folder / f"workers/{first.wid}.yaml").unlink()
    workers.wait_until(lambda: folder.done() == {"x"}, 30)
    history.assert_never_together()


def test_a_lease_that_is_shortened_while_a_worker_still_beats_slowly_kills_nobody(
    folder: SpoolFolder, workers: Workers, history: History
) -> None:
    folder.configure({**FAST, "heartbeat": "5s", "fence": "25s", "kill": "10s", "lease": "47s"})
    workers.ready(slots=1)
    folder.drop("x", history.command("""[ "$DSGSPOOL_ATTEMPT" -gt 1 ] || { trap '' TERM; sleep 10; }"""), grace="5s")
    workers.wait_until(lambda: history.pid("x"))
    folder.configure({**FAST, "heartbeat": "100ms", "fence": "300ms", "kill": "100ms", "lease": "700ms"})
    workers.start(slots=1)  # it reads the new times at once, the other one at its next heartbeat
    workers.wait_until(lambda: folder.done() == {"x"}, 30)
    history.assert_never_together()


# -- wrong outcomes ------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
def test_a_node_without_processes_to_spare_fails_no_task(folder: SpoolFolder, workers: Workers) -> None:
    for name in "xyz":
        folder.drop(name)
    # Where vfork fails Python tries fork, which is clone; the guard's own is the first of its process.
    refuse = ["-e", "trace=vfork,clone", "-e", "inject=vfork:error=EAGAIN", "-e", "inject=clone:error=EAGAIN:when=2"]
    workers.start(prefix=["strace", "-D", "-f", "-qq", "-o", "/dev/null", *refuse])
    workers.wait_until(lambda: len(folder.ls("done") + folder.ls("failed")) == 3, 20)
    assert folder.done() == {"x", "y", "z"}


def test_a_batch_below_a_folder_that_ends_with_yaml_is_refused_by_submit() -> None:
    with pytest.raises(InvalidName):
        valid_batch("a.yaml/c")


def test_without_spool_yaml_nothing_is_claimed(folder: SpoolFolder, workers: Workers) -> None:
    folder.configure({**FAST, "heartbeat": "3s", "fence": "8s", "lease": "20s"})
    worker = workers.ready()
    (folder / "spool.yaml").unlink()
    worker.says("spool.yaml")
    folder.drop("x")
    worker.lives_on(1)
    assert folder.ls("todo") == ["x.yaml"]
    folder.configure()


def test_a_signal_that_the_guard_passes_on_does_not_kill_the_worker(
    folder: SpoolFolder, workers: Workers, gate: Gate
) -> None:
    worker = workers.ready()
    folder.drop("x", gate.wait)
    workers.wait_until(lambda: folder.has_begun("x"))
    worker.signal(signal.SIGUSR1)
    gate.open()
    workers.wait_until(lambda: folder.done() == {"x"})


# -- a child that may not be killed --------------------------------------------------------------------------------


@pytest.fixture
def sudo() -> Iterator[Path]:
    """A folder that all may enter, with a program `sudo` in it that runs what it is told as root."""
    with tempfile.TemporaryDirectory(prefix="dsgspool-attack-") as name:
        place = Path(name)
        place.chmod(0o755)
        shutil.copy(shutil.which("setpriv") or "", place / "sudo")
        (place / "sudo").chmod(0o755 | stat.S_ISUID)
        yield place


@pytest.mark.root
@pytest.mark.parametrize("death", ["timeout", "worker"])
def test_a_child_that_has_become_root_stops_neither_worker_nor_guard(death: str, sudo: Path, tmp_path: Path) -> None:
    folder = SpoolFolder(sudo / "spool", {**FAST, "default_cwd": "/"})
    stubborn = f"trap '' TERM; {sudo}/sudo --reuid 0 --regid 0 --clear-groups sleep 6 & wait; sleep 6"
    folder.drop("x", stubborn, timeout="1s" if death == "timeout" else "1m")
    folder.drop("y", "sleep 1.5" if death == "timeout" else "sleep 61")
    give(folder.root, ALICE, ALICE)
    workers = Workers(folder, tmp_path)
    try:
        worker = workers.ready(prefix=as_user(ALICE))
        workers.wait_until(lambda: folder.has_begun("x") and folder.has_begun("y"))
        if death == "timeout":
            workers.wait_until(lambda: folder.done() == {"y"})
        else:
            kill(worker.pid)
            workers.wait_until(lambda: not [p for p in marked(folder) if command_line(p) == "sleep 61"])
            workers.wait_until(lambda: list((folder / "workers").glob("*.dead")), 12)
        assert "Traceback" not in worker.output()
    finally:
        workers.wait_until(lambda: not [p for p in marked(folder) if command_line(p) == "sleep 6"])
        workers.bury()
