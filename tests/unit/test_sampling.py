"""The rule: samples are telemetry: few, cheap, none of what is short, and what they say is true."""

import itertools
import json
import os

import pytest

from dsgspool import census, proc
from dsgspool.worker.sampling import FIRST, MOST, Meter, Sampler

YEAR = 365 * 86400.0
BURNS = "while :; do :; done"


def journal(worker, kind):
    worker.worker.journal.save()
    try:
        with open(f"{worker.root}/workers/{worker.wid}.jsonl") as file:
            return [event for line in file if (event := json.loads(line))["event"] == kind]
    except FileNotFoundError:
        return []


# -- how often


def moments(seconds, step=4.0):
    """Ages at which an attempt that runs so long is sampled."""
    meter, taken = Meter(), []
    for number in range(1, int(seconds / step) + 1):
        if meter.is_due(age := number * step):
            meter.take(age, 0.0, 0.0)
            taken.append(age)
    return taken


def test_the_first_sample_comes_early_and_then_they_get_rarer():
    taken = moments(3600)
    assert taken[0] == FIRST
    assert all(4.0 <= later - sooner <= 0.31 * later + 4.0 for sooner, later in itertools.pairwise(taken))
    assert len(taken) < 30


def test_however_long_an_attempt_runs_it_has_a_limited_number_of_samples():
    meter, age = Meter(), 0.0
    while age < 20 * YEAR:
        age += 4.0 if age < 1000 else age / 100
        if meter.is_due(age):
            meter.take(age, 0.0, 0.0)
    assert meter.samples <= MOST


def test_nothing_is_said_of_what_is_younger_than_the_first_sample():
    assert not Meter().is_due(FIRST - 0.1)


# -- what they say


def test_cores_are_those_since_the_sample_before():
    meter = Meter()
    assert meter.take(14.0, 8.0, 10.0) == 2.0
    assert meter.take(18.0, 9.0, 10.0) == 0.25


def test_cpu_that_went_away_with_a_process_is_no_negative_number():
    meter = Meter()
    meter.take(14.0, 8.0, 10.0)
    assert meter.take(18.0, 1.0, 10.0) == 0.0


def test_two_looks_at_one_moment_divide_by_nothing():
    assert Meter().take(10.0, 1.0, 10.0) == 0.0


def test_a_running_attempt_is_in_the_journal_with_its_memory_and_its_cpu(inside, monkeypatch):
    worker = inside()
    worker.drop("x", "sleep 600")
    pid = worker.until(lambda: worker.pid("x"))
    real = census.table
    monkeypatch.setattr(
        census, "table",
        lambda: {each: census.Process(p.pid, p.parent, p.session, p.resident, 3.0 if each == pid else p.cpu)
                 for each, p in real().items()},
    )  # fmt: skip
    worker.until(lambda: journal(worker, "sample"))
    event = journal(worker, "sample")[0]
    assert (event["task"], event["attempt"]) == ("x", 1)
    assert event["memory"] > 100_000
    assert 0.3 < event["cpu"] <= 3.0 / FIRST + 0.01
    assert worker.worker.attempts.by_pid[pid].peak_memory >= event["memory"]


def test_one_look_at_the_processes_serves_all_attempts_and_none_is_taken_for_nobody(inside, monkeypatch):
    worker, looks = inside(slots=4), []
    real = census.table
    monkeypatch.setattr(census, "table", lambda: looks.append(1) or real())
    worker.live(20.0)
    assert not looks
    for name in "abc":
        worker.drop(name, "sleep 600")
    worker.worker.intake.look_soon()
    worker.until(lambda: all(worker.pid(name) for name in "abc"))
    looks.clear()
    worker.live(8.0)
    assert len(looks) == 2
    assert {event["task"] for event in journal(worker, "sample")} == set("abc")


def test_the_cpu_of_a_process_is_counted_with_that_of_its_ended_children():
    before = census.table()[os.getpid()].cpu
    pid = os.fork()
    if not pid:
        while os.times().user < 0.1:
            pass
        os._exit(0)
    os.waitpid(pid, 0)
    assert census.table()[os.getpid()].cpu >= before + 0.09


# -- the node


@pytest.fixture
def told():
    return []


def test_the_node_is_told_of_and_how_busy_it_was_from_the_second_time_on(told, monkeypatch):
    looks = iter([proc.NodeLook(1.5, 2, 8, 10.0, 100.0), proc.NodeLook(0.5, 3, 8, 40.0, 160.0)])
    monkeypatch.setattr(proc, "node_look", lambda: next(looks))
    sampler = Sampler(None, lambda event, **facts: told.append((event, facts)))
    sampler.look()
    sampler.look()
    assert told == [
        ("node", {"load": 1.5, "memory_used": 2, "memory_total": 8}),
        ("node", {"load": 0.5, "memory_used": 3, "memory_total": 8, "cpu": 0.5}),
    ]


def test_the_node_is_in_the_journal_every_half_minute(inside):
    worker = inside()
    worker.live(65.0)
    assert len(journal(worker, "node")) == 3


def test_what_a_worker_says_of_itself_has_the_memory_of_its_machine(inside):
    worker = inside()
    with open(f"{worker.root}/workers/{worker.wid}.yaml") as file:
        assert f"memory_bytes: {proc.node_look().memory_total}\n" in file.read()


# -- the record


def test_a_record_says_when_its_task_was_submitted_and_what_memory_it_may_have(inside):
    worker = inside()
    path = worker.drop("x", "true", limits={"memory": "1G"})
    os.utime(path, (1_700_000_000.25, 1_700_000_000.25))
    worker.until(lambda: worker.lies("done") == ["done/x"])
    record = worker.record("x")
    assert str(record["submitted"]) == "2023-11-14T22:13:20.250Z" or record["submitted"].timestamp() == 1_700_000_000.25
    assert record["memory_limit_bytes"] == 1 << 30


@pytest.mark.parametrize("mtime", [-(10**9), 0, 10**10])
def test_a_task_file_of_a_strange_age_runs_all_the_same(inside, mtime):
    worker = inside()
    os.utime(worker.drop("x", "true"), (mtime, mtime))
    worker.until(lambda: worker.lies("done") == ["done/x"])
    assert worker.record("x")["submitted"]
    assert "memory_limit_bytes" not in worker.record("x")
