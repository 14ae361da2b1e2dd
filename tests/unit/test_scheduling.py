"""The leader's look at schedules/: what is odd about one stops no other, and no look is long."""

import json
import os
import stat

import pytest

from dsgspool.report.journals import Journals
from dsgspool.snapshot import WorkerSeen
from dsgspool.worker import scheduling
from dsgspool.worker.scheduling import Scheduler

TEXT = 'cron: "* * * * *"\noverlap: allow\ntask:\n  command: "true"\n...\n'


@pytest.fixture
def actor(inside):
    """A leading worker."""
    actor = inside()
    actor.until(lambda: actor.worker.leading)
    return actor


@pytest.fixture
def told(actor, monkeypatch):
    """A scheduler of its own: takes looks, and says what was told at the last one."""
    found: list[str] = []
    monkeypatch.setattr(actor.worker, "tell", lambda _event, text, **_facts: found.append(text))
    scheduler = Scheduler(actor.worker)

    def look(times=1):
        found.clear()
        for _ in range(times):
            scheduler.turn()
        return list(found)

    return look


def lay(world, path, text=TEXT, since=-3600.0):
    os.makedirs(os.path.dirname(f"{world.root}/{path}"), exist_ok=True)
    with open(f"{world.root}/{path}", "w") as file:
        file.write(text)
    moment = world.clock.wall() + since
    os.utime(f"{world.root}/{path}", (moment, moment))


def made(world):
    ticks = f"{world.root}/schedules/ticks"
    return {name: os.listdir(f"{ticks}/{name}") for name in os.listdir(ticks) if os.path.isdir(f"{ticks}/{name}")}


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ("schedules/ticks/a/99991231T2359Z/tick.json", "makes nothing before 9999-12-31T23:59:00.000Z"),
        ("schedules/ticks/a", "ENOTDIR"),
        ("schedules/ticks/a/20991231T2359Z", ""),
    ],
)
def test_something_odd_among_the_ticks_of_one_schedule_stops_no_other(world, told, odd, said):
    for name in "ab":
        lay(world, f"schedules/{name}.yaml")
    lay(world, odd)
    lines = told()
    assert len(made(world)["b"]) == 1 and any("b-" in line for line in lines)
    assert not said or any("schedules/a.yaml is not obeyed" in line and said in line for line in lines)
    assert not [line for line in told() if "a.yaml" in line], "it is told once"


def test_the_task_of_a_schedule_that_nobody_else_may_read_is_private_too(world, told):
    """It may hold a password."""
    lay(world, "schedules/a.yaml")
    os.chmod(f"{world.root}/schedules/a.yaml", 0o600)
    told()
    [task] = os.listdir(f"{world.root}/todo")
    assert stat.S_IMODE(os.stat(f"{world.root}/todo/{task}").st_mode) == 0o600


def test_a_folder_that_may_not_be_read_is_told_once(actor, told, monkeypatch):
    def closed(path, **_more):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(actor.fs, "scan", closed)
    assert [told(), told()] == [["schedules/ is not obeyed: Permission denied"], []]


def test_a_file_that_is_newer_than_now_is_told_and_makes_nothing(world, told):
    lay(world, "schedules/a.yaml", since=1e9)
    assert "which is to come: touch it" in told()[0] and not os.path.exists(f"{world.root}/schedules/ticks")


def test_when_what_is_too_new_was_removed_the_ticks_go_on(world, told):
    lay(world, "schedules/a.yaml")
    lay(world, "schedules/ticks/a/99991231T2359Z/tick.json")
    assert "remove what is too new" in told()[0]
    os.unlink(f"{world.root}/schedules/ticks/a/99991231T2359Z/tick.json")
    os.rmdir(f"{world.root}/schedules/ticks/a/99991231T2359Z")
    told()
    assert len(made(world)["a"]) == 1


def test_many_schedules_are_looked_at_bit_by_bit_and_each_once_a_round(world, told, monkeypatch):
    for name in "abc":
        lay(world, f"schedules/{name}.yaml")
    monkeypatch.setattr(scheduling, "SLICE", -1.0)
    assert [len(told()) for _ in range(4)] == [1, 1, 1, 0]
    assert sorted(made(world)) == ["a", "b", "c"]


def test_a_file_is_parsed_when_it_changes_and_when_the_settings_do(world, told, monkeypatch):
    parsed = []

    def parse(data, *more):
        parsed.append(data)
        return scheduling_parse(data, *more)

    scheduling_parse = scheduling.parse_schedule
    monkeypatch.setattr(scheduling, "parse_schedule", parse)
    lay(world, "schedules/a.yaml")
    told(times=3)
    assert len(parsed) == 1
    lay(world, "schedules/a.yaml", TEXT.replace("true", "false"))
    told(times=2)
    assert len(parsed) == 2


def test_the_report_names_the_file_of_a_schedule_that_is_not_obeyed(actor, world, monkeypatch):
    told = []
    monkeypatch.setattr(actor.worker, "tell", lambda event, _text, **facts: told.append({"event": event, **facts}))
    lay(world, "schedules/a.yaml", "comand: x\n...\n")
    Scheduler(actor.worker).turn()
    [line] = [json.dumps({"at": "2026-12-01T08:00:00.000Z", **facts}).encode() for facts in told]
    journals = Journals()
    journals._line(line, WorkerSeen("n1-abcdefgh", "n1", 1, "", 0.0, ()))
    [event] = journals.told()
    assert event.text.startswith("schedules/a.yaml: line 1: unknown key `comand`")
