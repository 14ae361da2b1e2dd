"""What the live screen finds in a spool, and what its keys do to it."""

import os

import pytest

from dsgspool.cli.top import acts, failures
from dsgspool.cli.top.look import Look
from dsgspool.cli.top.model import Act
from dsgspool.cli.top.values import View
from dsgspool.spool import Spool
from dsgspool.task import State

WID = "n1-abcdefgh"


@pytest.fixture
def look(spool):
    """Looks at the spool of the test; a worker is alive in it, one is silent."""
    for wid, age in ((WID, 0), ("n2-abcdefgh", 1000)):
        lock = spool / "workers" / f"{wid}.lock"
        lock.touch()
        os.utime(lock, (lock.stat().st_mtime - age,) * 2)
        (spool / "workers" / f"{wid}.yaml").write_text(f'worker: "{wid}"\nhost: "{wid[:2]}"\nslots: 4\n...\n')
    (spool / "workers" / f"{WID}.jsonl").write_text('{"at": "x", "event": "node", "load": 1.5, "cpu": 0.5}\n')
    return Look(Spool.find(str(spool)))


def test_everything_of_the_spool_is_found(look, put, record):
    put(f"running/{WID}/s%r@{WID}.1.yaml")
    record(
        "s/r", outcome=None, over=False, claim=f"{WID}.1", started="2026-11-21T21:00:00.000Z", err="##progress 1/4\n"
    )
    put(f"running/{WID}/new@{WID}.2.yaml")
    for path in ("todo/@p10/t.yaml", "waiting/until-20991121T210000Z/w~1.yaml", "hold/h.yaml", "done/d.yaml"):
        put(path)
    found = look.take()
    begun, claimed = found.rows[View.RUNNING]
    assert (begun.identity, begun.path, begun.attempt, begun.progress) == ("s/r", f"{WID}/s%r@{WID}.1.yaml", 1, 0.25)
    assert (claimed.identity, claimed.attempt, claimed.seconds) == ("new", 0, None)
    assert [(row.identity, row.state, row.reason) for row in found.rows[View.TODO]] == [
        ("t", State.TODO, "todo @p10"), ("w", State.WAITING, "waiting"), ("h", State.HOLD, "hold"),
    ]  # fmt: skip
    well, silent = found.nodes
    assert (well.host, well.slots, well.running, well.silent, well.load.load, well.load.cpu) == (
        "n1",
        4,
        2,
        "",
        1.5,
        0.5,
    )
    assert (silent.host, silent.slots) == ("n2", 0) and silent.silent.startswith("no heartbeat for")


def test_what_is_stuck_is_found_as_status_tells_it(look, put):
    put("waiting/after-gone/c.yaml")
    assert look.take().stuck == ("stuck: c waits for gone, which is nowhere in the spool",)


def test_a_node_is_not_silent_when_another_worker_came_after_the_dead_one(look, spool, put):
    lock = spool / "workers/n1-bbbbbbbb.lock"
    lock.touch()
    os.utime(lock, (1, 1))
    (spool / "workers/n1-bbbbbbbb.yaml").write_text('worker: "n1-bbbbbbbb"\nhost: "n1"\nslots: 4\n...\n')
    assert [(node.host, bool(node.silent)) for node in look.take().nodes] == [("n1", False), ("n2", True)]
    put("running/n1-bbbbbbbb/x@n1-bbbbbbbb.1.yaml")
    assert look.take().nodes[0].silent, "what it holds nobody runs yet"


def test_failures_have_their_newest_attempt_and_its_reason(look, put, record):
    put("failed/x~exit3.yaml")
    record("x", 1, "exit1", reason="exit code 1")
    record("x", 2, "exit3", reason="'exit code 3: why'", host="n7")
    (row,) = look.take().rows[View.FAILURES]
    assert (row.attempt, row.node, row.reason, row.line) == (2, "n7", "exit3", "exit code 3: why")
    assert row.seconds < 60


def test_of_many_failures_a_look_reads_a_few_and_each_record_once(look, put, record, monkeypatch):
    monkeypatch.setattr(failures, "STATUSES", 6)
    monkeypatch.setattr(failures, "RECORDS", 2)
    for number in range(10):
        put(f"failed/f{number}~exit1.yaml")
        record(f"f{number}", outcome="exit1", reason=f"reason {number}")
    reads = []
    real = failures.read_attempt
    monkeypatch.setattr(failures, "read_attempt", lambda *what: reads.append(what[1:]) or real(*what))
    rows = look.take().rows[View.FAILURES]
    assert len(rows) == 10
    assert [row.seconds is None for row in rows] == [False] * 6 + [True] * 4
    assert len({name for name, _ in reads}) == 2
    for _ in range(3):
        rows = look.take().rows[View.FAILURES]
    assert all(row.seconds is not None for row in rows)
    assert len(reads) == len(set(reads)) <= 2 * 4
    assert rows[0].line.startswith("reason")


def test_a_task_that_somebody_moved_meanwhile_is_told_and_left_alone(look, put, listed):
    put("todo/t.yaml")
    (row,) = look.take().rows[View.TODO]
    assert acts.do(look.spool, Act("hold", row)) == "t is held"
    assert acts.do(look.spool, Act("cancel", row)) == "t is not in todo/ any more: somebody moved it meanwhile"
    assert listed("hold") == ["t~0"] or listed("hold") == ["t"]


def test_trouble_with_the_share_is_one_line(look, put, monkeypatch):
    put("todo/t.yaml")
    (row,) = look.take().rows[View.TODO]

    def refuse(*_):
        raise PermissionError(13, "Permission denied", "/x")

    monkeypatch.setattr(type(look.spool.fs), "rename_into", refuse)
    assert "permission denied" in acts.do(look.spool, Act("hold", row))


def test_pause_and_resume_do_what_the_commands_do(look, spool):
    assert acts.do(look.spool, Act("pause")).startswith("paused")
    assert acts.do(look.spool, Act("pause")).startswith("paused")
    assert look.take().paused
    assert acts.do(look.spool, Act("resume")) == "resumed"
    assert not (spool / "PAUSE").exists()


def test_the_logs_that_have_something_in_them_are_opened_the_newest_first(look, put, record, spool):
    put("failed/x~exit1.yaml")
    stem = record("x", outcome="exit1", out="out", err="err")
    (row,) = look.take().rows[View.FAILURES]
    os.utime(f"{stem}.err", (1, 1))
    assert acts.logs(look.spool, row) == [f"{spool}/logs/x.1.out", f"{spool}/logs/x.1.err"]
    stem.with_name("x.1.out").write_text("")
    assert acts.logs(look.spool, row) == [f"{spool}/logs/x.1.err"]
