"""What `take` sees, and that it changes nothing and survives what moves under its eyes."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from dsgspool import proc
from dsgspool.clock import ServerClock, SystemClock
from dsgspool.lease import dump_identity
from dsgspool.mounts import Mount
from dsgspool.snapshot import Counts, take
from dsgspool.snapshot.attempts import moment, parse_attempt
from dsgspool.spool import Spool
from dsgspool.task import State
from tests.support.seeded import Seeded


@pytest.fixture
def seeded(tmp_path: Path) -> Seeded:
    return Seeded(str(tmp_path / "spool"))


def test_an_empty_spool_has_nothing_in_it(seeded: Seeded) -> None:
    seen = take(seeded.spool)
    assert (seen.counts, seen.tasks, seen.workers, seen.problems) == (Counts(), (), (), ())
    assert not seen.paused


def test_every_state_is_counted_in_all_and_for_each_batch(seeded: Seeded) -> None:
    seeded.done("a/1", "a/b/2")
    seeded.failed("a/3")
    seeded.running("a/4")
    for path in ("todo/5", "todo/@p10/a/6", "waiting/until-20300101T000000Z/a/7~1.abcdefgh-1", "hold/8"):
        seeded.write(f"{path}.yaml")
    seen = take(seeded.spool)
    assert seen.counts == Counts(todo=2, waiting=1, hold=1, running=1, done=2, failed=1)
    assert seen.batches == {
        "": Counts(todo=1, hold=1),
        "a": Counts(todo=1, waiting=1, running=1, done=2, failed=1),
    }


def test_the_name_tells_the_reason_the_attempts_and_the_moment(seeded: Seeded) -> None:
    seeded.write("failed/x~timeout.yaml")
    seeded.write("waiting/until-20300101T000000Z/y~1l2.abcdefgh-1.yaml")
    failed, waiting = sorted(take(seeded.spool).tasks, key=lambda task: task.identity)
    assert (failed.reason, failed.attempt) == ("timeout", 0)
    assert (waiting.reason, waiting.attempt, waiting.until) == ("", 3, 1893456000.0)
    assert take(seeded.spool).next_due == 1893456000.0


def test_a_running_task_is_told_with_the_attempt_of_its_very_claim(seeded: Seeded) -> None:
    seeded.worker("n1-aaaaaaaa")
    seeded.record("x", 1, "exit1")
    seeded.write("running/n1-aaaaaaaa/x@n1-aaaaaaaa.9.yaml")
    seeded.record("x", 2, claim="n1-aaaaaaaa.9", worker="n1-aaaaaaaa")
    (running,) = take(seeded.spool).running
    assert (running.task, running.attempt, running.host, running.claim) == ("x", 2, "n1", "n1-aaaaaaaa.9")
    assert running.seconds is not None
    assert 900 < running.seconds < 2000


def test_a_claim_whose_attempt_has_not_begun_has_no_start(seeded: Seeded) -> None:
    seeded.record("x", 1, "exit1")
    seeded.write("running/n1-aaaaaaaa/x@n1-aaaaaaaa.9.yaml")
    for records in (False, True):
        (running,) = take(seeded.spool, records=records).running
        assert (running.started, running.seconds, running.attempt) == (None, None, 0)


def test_with_records_every_attempt_of_a_finished_task_is_there(seeded: Seeded) -> None:
    seeded.record("x", 1, "exit1", exit_code=1)
    seeded.record("x", 2, "done", exit_code=0)
    seeded.write("done/x.yaml")
    (task,) = take(seeded.spool, records=True).tasks
    assert [attempt.outcome for attempt in task.attempts] == ["exit1", "done"]
    assert task.attempt == 2
    assert task.newest is not None
    assert task.newest.good


def test_without_records_no_log_is_opened_for_what_is_finished(seeded: Seeded) -> None:
    seeded.done("x")
    (task,) = take(seeded.spool).tasks
    assert task.attempts == ()


def test_workers_are_alive_silent_or_gone(seeded: Seeded) -> None:
    seeded.worker("n1-aaaaaaaa", slots=4)
    seeded.worker("n2-bbbbbbbb", silent=400)
    seeded.worker("n3-cccccccc", ended=True)
    seeded.running("x", "n9-zzzzzzzz")
    verdicts = {worker.wid: worker.verdict for worker in take(seeded.spool).workers}
    assert verdicts["n1-aaaaaaaa"] == ""
    assert verdicts["n2-bbbbbbbb"].startswith("no heartbeat for 4")
    assert verdicts["n3-cccccccc"] == "it has ended"
    assert verdicts["n9-zzzzzzzz"] == "it is not in workers/"


def test_a_worker_of_this_machine_whose_process_and_guard_are_gone_is_dead_at_once(seeded: Seeded, monkeypatch) -> None:
    me, wid = proc.identity(), seeded.worker("n1-aaaaaaaa")
    gone = replace(me, pid=2**22 + 1, start=1)

    def verdict(identity: proc.Identity, user: int) -> str:
        seeded.write(f"workers/{wid}.yaml", dump_identity(wid, identity, {"user": user}).decode())
        (seen,) = take(seeded.spool).workers
        return seen.verdict

    mine = os.geteuid()
    assert verdict(me, mine) == ""
    assert verdict(gone, mine) == "its process on this machine is gone"
    assert verdict(replace(gone, guard_pid=me.pid, guard_start=me.start), mine) == "", "its guard has still to kill"
    assert verdict(replace(gone, boot_id="another"), mine) == ""
    assert verdict(replace(gone, pid_namespace="pid:[1]"), mine) == "", "of another container"
    monkeypatch.setattr(proc, "mount_of", lambda _path: Mount("/proc", "proc", frozenset({"rw", "hidepid=invisible"})))
    assert (bool(verdict(gone, mine)), verdict(gone, mine + 1)) == (True, "")


def test_a_control_file_is_no_worker(seeded: Seeded) -> None:
    seeded.worker("n1-aaaaaaaa")
    seeded.write("workers/n1-aaaaaaaa.control.yaml", "slots: 1\n")
    assert [worker.wid for worker in take(seeded.spool).workers] == ["n1-aaaaaaaa"]


def test_the_file_servers_time_is_used_where_it_is_known(seeded: Seeded) -> None:
    server = ServerClock(SystemClock())
    server.set(seeded.now + 5000, server.clock.boot())
    seeded.worker("n1-aaaaaaaa")
    seen = take(seeded.spool, server=server)
    assert seen.taken == pytest.approx(seeded.now + 5000, abs=60)
    assert not seen.workers[0].alive


def test_a_heartbeat_from_the_future_moves_the_moment_of_the_look(seeded: Seeded) -> None:
    seeded.worker("n1-aaaaaaaa", silent=-300)
    assert take(seeded.spool).taken == pytest.approx(seeded.now + 300, abs=1)


def test_pause_is_seen(seeded: Seeded) -> None:
    seeded.write("PAUSE", "")
    assert take(seeded.spool).paused


def test_names_that_are_no_tasks_are_problems_and_the_rest_is_counted(seeded: Seeded) -> None:
    seeded.write("todo/a@b.yaml")
    seeded.write("todo/ok.yaml")
    seeded.write("todo/.hidden.yaml")
    seen = take(seeded.spool)
    assert seen.counts.todo == 1
    assert len(seen.problems) == 1
    assert "todo/a@b.yaml" in seen.problems[0]


def test_broken_settings_and_a_missing_folder_are_problems_not_errors(seeded: Seeded) -> None:
    seeded.write("spool.yaml", "lease: [\n")
    os.rmdir(f"{seeded.root}/workers")
    problems = "\n".join(take(seeded.spool).problems)
    assert "spool.yaml" in problems
    assert "workers" in problems


class _Mover(Spool):
    """Between the listing of todo/ and that of done/ the task is run."""

    def folder(self, state: State) -> str:
        if state is State.DONE and os.path.exists(f"{self.todo}/x.yaml"):
            os.rename(f"{self.todo}/x.yaml", f"{self.done}/x.yaml")
        return super().folder(state)


def test_a_task_that_moves_while_it_is_looked_at_is_counted_once(seeded: Seeded) -> None:
    seeded.write("todo/x.yaml")
    assert take(_Mover(seeded.root)).counts == Counts(done=1)


def test_two_files_of_one_name_are_two_tasks(seeded: Seeded) -> None:
    seeded.done("x")
    seeded.write("todo/x~0.abcdefgh-1.yaml")
    assert take(seeded.spool).counts == Counts(todo=1, done=1)


def test_the_look_changes_nothing(seeded: Seeded) -> None:
    seeded.worker("n1-aaaaaaaa")
    seeded.done("x")
    before = sorted((path, os.stat(f"{seeded.root}/{path}").st_mtime_ns) for path in os.listdir(seeded.root))
    take(seeded.spool, records=True)
    assert before == sorted((path, os.stat(f"{seeded.root}/{path}").st_mtime_ns) for path in os.listdir(seeded.root))


@pytest.mark.parametrize("cut", [b"exit_code: 1", b"outcome: exit1"])
def test_a_fact_whose_line_has_no_end_is_not_there_yet(cut: bytes) -> None:
    attempt = parse_attempt(b'claim: n1-aaaaaaaa.1\nstarted: "2026-11-21T21:00:00.500Z"\n' + cut, "x", 1)
    assert (attempt.claim, attempt.started) == ("n1-aaaaaaaa.1", 1795294800.5)
    assert (attempt.exit_code, attempt.outcome, attempt.over) == (None, "", False)


def test_a_record_that_is_written_otherwise_is_read_as_yaml() -> None:
    attempt = parse_attempt(b"outcome: 'exit1'\nreason: >\n  two\n  lines\n...\n", "x", 1)
    assert (attempt.outcome, attempt.reason.strip(), attempt.over) == ("exit1", "two lines", True)


def test_the_text_of_the_task_cannot_pass_for_facts_of_the_record() -> None:
    attempt = parse_attempt(b'text: |\n  outcome: done\n\n  claim: x-aaaaaaaa.1\nreason: "a\\nb"\n...\n', "x", 1)
    assert (attempt.outcome, attempt.claim, attempt.reason) == ("", "", "a\nb")


@pytest.mark.parametrize(
    "data", [b"", b"\0\xff", b"seconds: much\nexit_code: 1.x\nstarted: 2026-99-99T00:00:00Z\n...\n"]
)
def test_rubbish_in_a_record_is_no_error(data: bytes) -> None:
    attempt = parse_attempt(data, "x", 1)
    assert (attempt.seconds, attempt.exit_code, attempt.started) == (None, None, None)


def test_a_moment_is_utc_or_nothing() -> None:
    assert moment("1970-01-01T00:00:01.250Z") == 1.25
    assert moment("1970-01-01T00:00:01") is None


def test_what_lies_where_nobody_takes_it_is_told_with_the_mv_that_helps(seeded: Seeded) -> None:
    for path in ("waiting/a", "running/b", "waiting/until-20269999T000000Z/c", "waiting/until-20269999T000000Z/d"):
        seeded.write(f"{path}.yaml")
    seen, root = take(seeded.spool), seeded.spool.root
    assert [problem.rpartition(": ")[2] for problem in seen.problems] == [
        f"mv {root}/waiting/a.yaml {root}/todo/",
        f"mv {root}/waiting/until-20269999T000000Z/* {root}/todo/",
        f"mv {root}/running/b.yaml {root}/todo/",
    ]
    assert [task.identity for task in seen.tasks] == ["c", "d"]
