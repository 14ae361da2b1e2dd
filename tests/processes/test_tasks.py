"""Every key of a task file, seen from what the command does and from its record."""

from __future__ import annotations

import datetime
import os
import time
from pathlib import Path

import pytest

from tests.support.history import History
from tests.support.processes import Workers, is_alive
from tests.support.spools import SpoolFolder

Record = dict[str, object]


def run(folder: SpoolFolder, workers: Workers, command: object = None, slots: int = 2, **keys: object) -> Record:
    """Run task t alone; its first record."""
    folder.drop("t", command, **keys)
    workers.run_until_empty(slots=slots)
    return folder.record("t")


def test_a_timeout_kills_a_whole_tree_that_ignores_term(folder: SpoolFolder, workers: Workers, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    child = f"sh -c \"trap '' TERM; echo \\$\\$ >> {pids}; while :; do sleep 1; done\""
    record = run(folder, workers, f"trap '' TERM; setsid {child} & {child}", timeout="400ms", grace="300ms")
    assert folder.ls("failed") == ["t~timeout.yaml"]
    assert record["reason"] == "still running after 0.4 s"
    assert 0.7 <= float(str(record["seconds"])) < 60
    assert len(pids.read_text().split()) == 2
    assert not [pid for pid in pids.read_text().split() if is_alive(int(pid))]


def test_a_timeout_asks_first_and_leaves_time_to_clean_up(folder: SpoolFolder, workers: Workers) -> None:
    run(folder, workers, "trap 'echo bye; exit 0' TERM; sleep 9 & wait", timeout="300ms", grace="8s")
    assert folder.ls("failed") == ["t~timeout.yaml"]
    assert folder.out("t") == "bye\n"


def test_retries_run_it_again_at_once_without_a_backoff(folder: SpoolFolder, workers: Workers) -> None:
    run(folder, workers, "test $DSGSPOOL_ATTEMPT = 3", retries=5)
    assert [folder.outcome("t", n) for n in (1, 2, 3, 4)] == ["exit1", "exit1", "done", None]
    assert folder.ls("done") == ["t.yaml"]


def test_a_backoff_goes_through_waiting(folder: SpoolFolder, workers: Workers) -> None:
    workers.ready()
    folder.drop("t", "test $DSGSPOOL_ATTEMPT = 2", retries=1, backoff="1s")
    waits = workers.wait_until(lambda: folder.ls("waiting"))
    assert waits[0].startswith("until-20")
    assert "Z/t~1." in waits[0]
    workers.wait_until(lambda: folder.done() == {"t"})
    assert str(folder.record("t", 2)["started"]) >= str(folder.record("t")["ended"])


def test_success_codes_decide_what_is_done(folder: SpoolFolder, workers: Workers) -> None:
    record = run(folder, workers, "exit 3", success_codes=[0, 3])
    assert folder.ls("done") == ["t.yaml"]
    assert (record["exit_code"], record["outcome"]) == (3, "done")


def test_a_failure_says_its_exit_code_and_the_last_line_of_the_error_log(folder: SpoolFolder, workers: Workers) -> None:
    record = run(folder, workers, "echo first >&2; echo no such model >&2; exit 4")
    assert folder.ls("failed") == ["t~exit4.yaml"]
    assert record["reason"] == "exit code 4: no such model"


def test_a_command_killed_by_a_signal_says_which(folder: SpoolFolder, workers: Workers) -> None:
    record = run(folder, workers, "kill -9 $$")
    assert folder.ls("failed") == ["t~signal9.yaml"]
    assert (record["signal"], record["reason"]) == (9, "killed by SIGKILL")


def test_max_log_stops_a_command_that_writes_too_much(folder: SpoolFolder, workers: Workers) -> None:
    record = run(folder, workers, "while :; do echo 0123456789; sleep 0.001; done", max_log="1K")
    assert folder.ls("failed") == ["t~log-limit.yaml"]
    assert int(str(record["stdout_bytes"])) > 1024
    assert record["reason"] == "a log is longer than max_log (1.0 KiB)"


def test_stdin_is_the_file_that_it_names(folder: SpoolFolder, workers: Workers, tmp_path: Path) -> None:
    (tmp_path / "input").write_text("one\ntwo\n")
    run(folder, workers, "cat", stdin="input")
    assert folder.out("t") == "one\ntwo\n"


def test_stdin_is_dev_null_otherwise(folder: SpoolFolder, workers: Workers) -> None:
    run(folder, workers, "readlink /proc/self/fd/0; cat")
    assert folder.out("t") == "/dev/null\n"


def test_a_stdin_file_that_is_missing_fails_the_task_with_the_reason(folder: SpoolFolder, workers: Workers) -> None:
    record = run(folder, workers, "cat", stdin="/nowhere/input")
    assert folder.ls("failed") == ["t~exit126.yaml"]
    assert "/nowhere/input" in str(record["reason"])


def test_a_stdin_that_is_a_fifo_hangs_nobody(folder: SpoolFolder, workers: Workers, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    record = run(folder, workers, "cat", stdin="fifo")
    assert folder.ls("failed") == ["t~exit126.yaml"]
    assert "fifo" in str(record["reason"])


def test_umask_holds_for_the_files_it_makes(folder: SpoolFolder, workers: Workers, tmp_path: Path) -> None:
    run(folder, workers, "touch made", umask="027")
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o640


def test_nice_holds_for_the_command(folder: SpoolFolder, workers: Workers) -> None:
    mine = os.getpriority(os.PRIO_PROCESS, 0)
    run(folder, workers, "sleep 0.3; cut -d' ' -f19 /proc/$$/stat", nice=5)
    assert folder.out("t") == f"{min(mine + 5, 19)}\n"


def test_the_environment_is_kept_and_added_to(folder: SpoolFolder, workers: Workers) -> None:
    folder.drop("t", "echo $LAB $COLOUR", env={"COLOUR": "blue"})
    workers.run_until_empty(env={"LAB": "ours", "COLOUR": "red"})
    assert folder.out("t") == "ours blue\n"
    added = folder.record("t")["environment"]
    assert isinstance(added, dict)
    assert added["COLOUR"] == "blue"
    assert "LAB" not in added


def test_it_learns_who_it_is(folder: SpoolFolder, workers: Workers) -> None:
    folder.drop("b/t", 'echo "$DSGSPOOL_TASK $DSGSPOOL_ATTEMPT $DSGSPOOL_WORKER $DSGSPOOL_SPOOL $DSGSPOOL_CLAIM"')
    worker = workers.run_until_empty()
    claim = folder.record("b/t")["claim"]
    assert folder.out("b/t") == f"b/t 1 {worker.wids()[0]} {folder} {claim}\n"


def test_it_runs_in_the_folder_that_holds_the_spool(folder: SpoolFolder, workers: Workers, tmp_path: Path) -> None:
    record = run(folder, workers, "pwd")
    assert folder.out("t") == f"{tmp_path}\n"
    assert record["cwd"] == str(tmp_path)


def test_default_cwd_and_cwd_say_otherwise(folder: SpoolFolder, workers: Workers, tmp_path: Path) -> None:
    (tmp_path / "data/deep").mkdir(parents=True)
    folder.configure(default_cwd=str(tmp_path / "data"))
    folder.drop("a", "pwd")
    folder.drop("b", "pwd", cwd="deep")
    workers.run_until_empty()
    assert folder.out("a") + folder.out("b") == f"{tmp_path}/data\n{tmp_path}/data/deep\n"


def test_setup_lines_run_before_the_command_in_its_shell(folder: SpoolFolder, workers: Workers) -> None:
    folder.drop("a", "echo $STEP", setup="STEP=one")
    folder.drop("b", ["sh", "-c", "echo $STEP"], setup="export STEP=two")
    folder.drop("c", None, script="#!/bin/sh\necho $STEP\n", setup="export STEP=three")
    workers.run_until_empty()
    assert [folder.out(name) for name in "abc"] == ["one\n", "two\n", "three\n"]


def test_a_list_runs_without_a_shell(folder: SpoolFolder, workers: Workers) -> None:
    record = run(folder, workers, ["echo", "$HOME", "a  b", "*"])
    assert folder.out("t") == "$HOME a  b *\n"
    assert record["command"] == ["echo", "$HOME", "a  b", "*"]


def test_a_script_runs_by_its_own_interpreter(folder: SpoolFolder, workers: Workers) -> None:
    script = "#!/usr/bin/env python3\nimport os\nprint(6 * 7, os.environ['size'])\n"
    run(folder, workers, script=script, params={"size": "a b"})
    assert folder.out("t") == "42 a b\n"


def test_params_are_quoted_inside_a_string_command_only(folder: SpoolFolder, workers: Workers) -> None:
    params = {"x": "a  b; echo oops"}
    folder.drop("a", "echo {x} {{}} ${{HOME}}x", params=params)
    folder.drop("b", ["echo", "<{x}>"], params=params, env={"X": "{x}"})
    workers.run_until_empty(env={"HOME": "/h"})
    assert folder.out("b") == "<a  b; echo oops>\n"
    assert folder.out("a").startswith("a  b; echo oops {}")


def test_cpus_takes_as_many_slots_and_limits_threads(folder: SpoolFolder, workers: Workers, history: History) -> None:
    folder.drop("a", f"{history.command('sleep 0.3')}\necho $OMP_NUM_THREADS $OPENBLAS_NUM_THREADS", cpus=2)
    folder.drop("b", history.command("sleep 0.3"))
    folder.drop("c", history.command("echo $OMP_NUM_THREADS"))
    workers.run_until_empty(slots=2)
    wide, *narrow = (folder.record(name) for name in "abc")
    assert all(r["ended"] <= wide["started"] or r["started"] >= wide["ended"] for r in narrow)
    assert folder.out("a") == "2 2\n"
    assert folder.out("c") == "1\n"


def test_a_task_too_wide_for_this_worker_goes_to_the_lane_that_says_so(folder: SpoolFolder, workers: Workers) -> None:
    folder.drop("t", cpus=4)
    folder.overwrite("todo/flow.yaml", "{command: 'true', cpus: 3}\n")
    workers.run_until_empty(slots=2)
    lanes = [path.partition("~")[0] for path in folder.ls("todo")]
    assert lanes == ["@cpus3/flow", "@cpus4/t"]
    workers.run_until_empty(slots=4)
    assert folder.done() == {"flow", "t"}


def test_what_has_not_begun_when_it_expires_never_runs(folder: SpoolFolder, workers: Workers) -> None:
    old = time.time() - 10 * 86400
    folder.drop("young", expires="2d")
    folder.drop("soon", expires="2099-12-31T00:00Z")
    folder.drop("late", expires="2001-01-01T00:00Z")
    for name, text in (
        ("old", "command: 'true'\nexpires: 2d\n...\n"),
        ("flow", '{command: "true", expires: "2d"}\n'),
        ("held", "command: 'true'\nexpires: 2d\nafter: nothing\n...\n"),
        ("again~1.abcdefgh-1", "command: 'true'\nexpires: 2d\n...\n"),
    ):
        os.utime(folder.overwrite(f"tmp/{name}.yaml", text), (old, old))
        folder.mv(f"tmp/{name}.yaml", f"todo/{name}.yaml")
    folder.drop("waiter", after="old")
    workers.run_until_empty()
    assert folder.done() == {"young", "soon", "again"}
    names = ["flow", "held", "late", "old"]
    assert folder.ls("failed") == [*(f"{name}~expired.yaml" for name in names), "waiter~dependency.yaml"]
    assert [folder.outcome(name) for name in names] == ["expired"] * 4
    assert "had not begun by 2001-01-01T00:00:00" in str(folder.record("late")["reason"])


def test_it_does_not_start_before_not_before(folder: SpoolFolder, workers: Workers) -> None:
    workers.ready()
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=1.5)
    folder.drop("t", not_before=moment.isoformat())
    folder.overwrite("todo/flow.yaml", f'{{command: "true", not_before: "{moment.isoformat()}"}}\n')
    workers.wait_until(lambda: len(folder.ls("waiting")) == 2)
    workers.wait_until(lambda: folder.done() == {"t", "flow"})
    assert str(folder.record("t")["started"]) >= moment.isoformat()[:22]


@pytest.mark.parametrize("command", [["no-such-program", "-x"], "no-such-program -x"])
def test_a_command_that_is_not_found_is_exit_127_with_the_reason(
    command: object, folder: SpoolFolder, workers: Workers
) -> None:
    record = run(folder, workers, command)
    assert folder.ls("failed") == ["t~exit127.yaml"]
    assert "no-such-program" in str(record["reason"])
    assert "not found" in folder.out("t", stream="err")


def test_a_file_that_cannot_be_executed_is_exit_126(folder: SpoolFolder, workers: Workers, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("echo hello\n")
    record = run(folder, workers, ["./plain"])
    assert folder.ls("failed") == ["t~exit126.yaml"]
    assert "./plain: Permission denied" in str(record["reason"])


def test_a_cwd_that_is_missing_is_exit_126_with_the_reason(folder: SpoolFolder, workers: Workers) -> None:
    record = run(folder, workers, "true", cwd="/nowhere/here")
    assert folder.ls("failed") == ["t~exit126.yaml"]
    assert "cwd /nowhere/here: No such file or directory" in str(record["reason"])


def test_a_command_has_a_session_of_its_own(folder: SpoolFolder, workers: Workers) -> None:
    run(folder, workers, "echo $$; cut -d' ' -f6 /proc/$$/stat")
    assert len(set(folder.out("t").split())) == 1


def test_a_record_has_what_was_known_and_what_came_of_it(folder: SpoolFolder, workers: Workers) -> None:
    record = run(folder, workers, "echo hello", description="says hello", tags=["greeting"])
    assert set(record) >= {"task", "attempt", "worker", "claim", "host", "pid", "started", "text", "command", "cwd"}
    assert set(record) >= {"environment", "ended", "seconds", "exit_code", "outcome", "cpu_seconds", "stdout_bytes"}
    assert "description: says hello" in str(record["text"])
    assert (record["stdout_bytes"], record["stderr_bytes"], record["next"]) == (6, 0, "done")
    assert (folder / "logs/t.1.yaml").read_bytes().endswith(b"\n...\n")


def test_a_command_that_fills_its_log_directly_loses_nothing(folder: SpoolFolder, workers: Workers) -> None:
    run(folder, workers, "seq 100000; seq 100000 >&2")
    assert folder.out("t") == folder.out("t", stream="err") == "".join(f"{n}\n" for n in range(1, 100001))
