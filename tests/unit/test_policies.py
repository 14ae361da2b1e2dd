"""The rule: a policy is known before anything of its batch is claimed, and one that is not known stops its batch."""

import errno
import os
from types import SimpleNamespace

import pytest

from dsgspool.policy import parse_policy
from dsgspool.spool import policies as room
from dsgspool.spool.policies import Policies, read_policies, top_batch
from dsgspool.spool.scan import LIMITED, Look
from tests.support.doors import FlakyFs

SETTLE, EVERY = 2.0, 5.0


@pytest.fixture
def write(world):
    """A policy, put in its place by a rename."""

    def put(text, batch="s", end="...\n"):
        with open(f"{world.root}/tmp/.policy", "w") as file:
            file.write(f"{text}\n{end}")
        os.rename(f"{world.root}/tmp/.policy", f"{world.root}/batches/{batch}.yaml")

    return put


@pytest.fixture
def policies(world):
    told = []
    found = Policies(
        world.spool,
        lambda status: "it is not mine" if status.st_mode & 0o002 else "",
        lambda: SETTLE,
        lambda: EVERY,
        lambda *what: told.append(what),
    )
    found.told = told
    return found


def edit(world, text, batch="s"):
    """What `vi` and `>` do: the same file, written in place."""
    with open(f"{world.root}/batches/{batch}.yaml", "w") as file:
        file.write(text)


def test_the_batch_of_a_task_is_its_top_folder():
    assert [top_batch(name) for name in ("x", "s/x", "s/000/x")] == ["", "s", "s"]


def test_a_policy_that_was_exchanged_is_seen_by_the_next_look(world, write, policies):
    write("max_running: 1")
    policies.refresh()
    write("max_running: 2")
    policies.refresh()
    assert (policies.of("s").max_running, policies.of("t").max_running) == (2, None)


def test_one_that_is_written_in_place_is_seen_after_a_while(world, write, policies):
    write("max_running: 1")
    policies.refresh()
    edit(world, "max_running: 2\n...\n")
    world.clock.advance(EVERY)
    policies.refresh()
    assert policies.of("s").max_running == 2


def test_one_without_the_last_line_stops_its_batch_until_it_is_at_rest(world, write, policies):
    write("defaults: {command: rm -rf /data/old", end="")  # the rest of the line is still to come
    policies.refresh()
    assert policies.is_unsettled("s")
    edit(world, "defaults: {command: rm -rf /data/old/x}\n")
    world.clock.advance(SETTLE - 0.1)
    policies.refresh()
    world.clock.advance(SETTLE - 0.1)
    policies.refresh()
    assert (policies.is_unsettled("s"), policies.told) == (True, [])
    world.clock.advance(0.2)
    policies.refresh()
    assert policies.why_not("s") == ""
    assert policies.template("s/x")["command"].value == "rm -rf /data/old/x"


def test_one_that_an_editor_moved_away_for_a_moment_stops_its_batch_meanwhile(world, write, policies):
    write("paused: false")
    policies.refresh()
    os.unlink(f"{world.root}/batches/s.yaml")
    policies.refresh()
    assert policies.is_unsettled("s")
    world.clock.advance(SETTLE)
    policies.refresh()
    assert policies.why_not("s") == ""
    assert policies.entries == {}


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [("prio: 1", 0o644, "line 1: unknown key `prio`"), ("priority: 1", 0o666, "batches/s.yaml: it is not mine")],
)
def test_one_that_is_not_obeyed_stops_its_batch_and_is_told_once_and_when_it_is_over(
    world, write, policies, text, mode, said
):
    write(text)
    os.chmod(f"{world.root}/batches/s.yaml", mode)
    for _ in range(3):
        world.clock.advance(EVERY)
        policies.refresh()
    assert said in policies.why_not("s")
    write("priority: 1")
    policies.refresh()
    assert policies.why_not("s") == ""
    assert [(batch, said in why) for batch, why in policies.told] == [("s", True), ("s", False)]


def test_one_that_cannot_be_read_stops_its_batch(world, write, policies):
    write("priority: 1")
    world.spool.fs = FlakyFs(world.clock, {"read": errno.EACCES}, path="batches/s.yaml")
    policies.refresh()
    assert "permission denied" in policies.why_not("s")


def test_a_spool_without_the_folder_has_no_policies(world, policies):
    os.rmdir(f"{world.root}/batches")
    policies.refresh()
    assert policies.entries == {}


def test_for_a_command_that_only_looks_a_policy_is_what_it_is_now(world, write):
    write("paused: true", end="")
    write("x: 1", batch="t")
    found = read_policies(world.spool)
    assert list(found.stopped()) == ["s", "t"]
    assert found.stopped()["s"] == f"{world.root}/batches/s.yaml says `paused: true`"


# -- a look at todo/


@pytest.fixture
def look(world, policies):
    """What a look sees; files are made first."""

    def take(*paths):
        for path in paths:
            os.makedirs(os.path.dirname(f"{world.root}/todo/{path}"), exist_ok=True)
            open(f"{world.root}/todo/{path}", "w").close()
        return Look(world.spool, 4, policies=policies).take()

    return take


def test_a_paused_batch_gives_no_candidates_in_any_lane_and_the_look_says_why(write, look):
    write("paused: true")
    sight = look("s/1.yaml", "s/000/2.yaml", "@p10/s/3.yaml", "t/s/4.yaml", "x.yaml")
    assert sight.candidates == ["t/s/4.yaml", "x.yaml"]
    assert list(sight.stopped) == ["s"]


def test_the_higher_priority_comes_first_and_that_of_a_lane_replaces_that_of_a_batch(write, look):
    write("priority: 5")
    write("priority: -1", batch="t")
    paths = ["@p3/s/a.yaml", "@p9/x.yaml", "@cpus2/s/b.yaml", "s/c.yaml", "t/d.yaml", "x.yaml"]
    wanted = ["@p9/x.yaml", "@cpus2/s/b.yaml", "s/c.yaml", "@p3/s/a.yaml", "x.yaml", "t/d.yaml"]
    assert look(*paths).candidates == wanted


def test_a_batch_with_a_limit_does_not_fill_the_queue(write, look):
    write("max_running: 1", batch="a")
    sight = look(*[f"a/{n // 200}/{n % 200:03}.yaml" for n in range(LIMITED + 100)], "x.yaml")
    assert len(sight.candidates) == LIMITED + 1
    assert sight.candidates[-1] == "x.yaml"


def test_a_policy_that_was_written_before_the_tasks_is_known_when_they_are_seen(write, look):
    assert look("t/1.yaml").candidates == ["t/1.yaml"]
    write("paused: true")
    assert look("s/1.yaml").candidates == ["t/1.yaml"]


def test_batches_are_asked_for_only_when_one_lies_there(look, policies, monkeypatch):
    asked = []
    monkeypatch.setattr(policies, "refresh", lambda: asked.append(1))
    look("x.yaml")
    assert asked == []
    look("s/x.yaml")
    assert asked == [1]


# -- a worker


def test_of_two_that_claimed_at_once_nobody_begins_above_the_limit(inside, write, world, monkeypatch):
    write("max_running: 1")
    worker = inside()
    turnstile = worker.worker.intake.turnstile
    count, other = turnstile._running, f"{world.root}/running/n1-abcdefgh"

    def counted():
        found = count()
        if not os.path.isdir(other):  # right after my count another worker claims
            os.mkdir(other)
            open(f"{other}/s%0@n1-abcdefgh.1.yaml", "w").close()
        return found

    monkeypatch.setattr(turnstile, "_running", counted)
    worker.drop("s/1")
    worker.until(lambda: worker.lies("todo") == ["todo/s/1~0"])
    worker.live(2.0)
    assert worker.lies("todo") == ["todo/s/1~0"]
    assert not worker.record("s/1")
    os.unlink(f"{other}/s%0@n1-abcdefgh.1.yaml")
    worker.until(lambda: worker.lies("done") == ["done/s/1"])


def test_who_gave_back_does_not_claim_again_at_once(inside, write, monkeypatch):
    write("max_running: 1")
    worker = inside()
    turnstile = worker.worker.intake.turnstile
    monkeypatch.setattr(turnstile, "_share", lambda _: 2)
    worker.drop("s/1", "true")
    worker.drop("s/2", "true")
    worker.until(lambda: turnstile.rests_until > worker.clock.boot(), step=0.0)
    assert not turnstile.admits("s/3.yaml")


def test_the_last_names_go_back_when_too_many_came(inside, write, world, monkeypatch):
    write("max_running: 2")
    worker = inside(slots=4)
    monkeypatch.setattr(worker.worker.intake.turnstile, "_share", lambda free: 4 if free > 0 else 0)
    for name in "4321":
        worker.drop(f"s/{name}", worker.gate())
    worker.until(lambda: len(worker.worker.attempts.by_pid) == 2)
    assert [worker.pid(f"s/{name}") > 0 for name in "1234"] == [True, True, False, False]
    worker.live(2.0)
    assert len(worker.worker.attempts.by_pid) == 2
    assert sorted(path[:8] for path in worker.lies("todo")) == ["todo/s/3", "todo/s/4"]
    worker.open()
    worker.until(lambda: len(worker.lies("done")) == 4)


def test_each_worker_takes_its_share_of_what_is_free(inside, monkeypatch):
    worker = inside()
    turnstile = worker.worker.intake.turnstile
    monkeypatch.setattr(turnstile.worker, "peers", SimpleNamespace(living=lambda: ["a", "b", "c"]))
    assert [turnstile._share(free) for free in (-1, 0, 1, 2, 3, 8)] == [0, 0, 1, 1, 1, 2]


def test_a_name_that_cannot_be_used_is_told_also_when_the_spool_is_full(inside, world):
    with open(f"{world.root}/spool.yaml", "w") as file:
        file.write("max_running: 1\n")
    worker = inside()
    worker.drop("x", worker.gate())
    worker.until(lambda: worker.pid("x"))
    worker.drop("a~b", state=worker.folder)
    worker.until(lambda: [path for path in worker.lies("failed") if "~invalid" in path])
    worker.open()


def test_what_was_claimed_before_its_batch_was_paused_goes_back(inside, write):
    write("paused: false")
    worker = inside()
    worker.drop("s/1", end="")
    worker.until(lambda: worker.lies("running"))  # it settles
    write("paused: true")
    worker.until(lambda: worker.lies("todo") == ["todo/s/1~0"])
    worker.live(6.0)
    assert not worker.record("s/1")


def test_what_a_person_gives_a_worker_runs_though_its_batch_is_paused_but_not_by_a_broken_policy(inside, write):
    write("paused: true")
    worker = inside()
    worker.drop("s%1", state=worker.folder)
    worker.until(lambda: worker.lies("done") == ["done/s/1"])
    write("x: 1")
    worker.drop("s%2", state=worker.folder)
    worker.until(lambda: worker.lies("todo") == ["todo/s/2~0"])
    assert not worker.record("s/2")


def test_a_worker_that_works_the_queue_off_waits_for_a_policy_and_not_for_a_pause(inside, write, world):
    write("paused: true", end="")
    worker = inside(until_empty=True)
    worker.drop("s/1")
    worker.live(1.5)
    assert not worker.worker.controls.emptied
    worker.until(lambda: worker.worker.controls.emptied)
    assert worker.lies() == ["todo/s/1"]


def test_a_worker_that_works_the_queue_off_waits_for_room(inside, write):
    write("max_running: 1")
    worker = inside(until_empty=True)
    for name in "123":
        worker.drop(f"s/{name}")
    worker.until(lambda: worker.worker.controls.emptied)
    assert len(worker.lies("done")) == 3


def test_a_policy_is_parsed_when_it_changes_and_when_the_time_zone_does(world, monkeypatch):
    parsed = []
    monkeypatch.setattr(room, "parse_policy", lambda *what: parsed.append(what[2]) or parse_policy(*what))
    path = f"{world.root}/batches/s.yaml"
    reader = Policies(world.spool, lambda _: "")
    for text, zone in (("priority: 1", None), ("priority: 1", None), ("priority: 2", None), ("priority: 2", "UTC")):
        with open(path, "w") as file:
            file.write(f"{text}\n...\n")
        with open(f"{world.root}/spool.yaml", "w") as file:
            file.write(f"timezone: {zone}\n" if zone else "format: 1\n")
        reader.refresh()
        assert reader.of("s").priority == int(text[-1])
    assert parsed == [None, None, "UTC"]
