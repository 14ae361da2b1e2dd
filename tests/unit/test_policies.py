"""The rule: a policy is known before anything of its batch is claimed, and one that is not known stops its batch."""

import errno
import os

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


def test_a_batch_with_a_limit_hides_nothing_that_lies_behind_it_in_its_lane(write, look, policies, world):
    write("max_running: 1", batch="a")
    look(*[f"@mem=aaaaaa/a/{n:03}.yaml" for n in range(LIMITED + 100)], "@mem=aaaaaa/b/x.yaml", "@mem=aaaaaa/c/y.yaml")
    for most in (LIMITED, 1):
        sight = Look(world.spool, 4, policies=policies, most=lambda *_, most=most: most).take()
        assert next(path for path in sight.candidates if "/a/" not in path) == "@mem=aaaaaa/b/x.yaml"


def test_what_runs_when_a_limit_is_named_is_marked_although_a_control_file_cannot_be_read(inside, world, write, taken):
    worker = inside()
    worker.drop("s/a", worker.gate())
    worker.until(lambda: worker.pid("s/a"))
    os.mkdir(f"{world.root}/workers/{worker.wid}.control.yaml")
    write("max_running: 1")
    worker.until(lambda: taken() == ["s%=1"])
    worker.drop("x")
    worker.until(lambda: "done/x" in worker.lies())
    worker.open()
    worker.until(lambda: "done/s/a" in worker.lies())


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


@pytest.fixture
def taken(world):
    """Names in taken/, without the claims."""
    return lambda: sorted(name.partition("@")[0] for name in os.listdir(f"{world.root}/taken"))


@pytest.fixture
def counted(inside, write):
    """How a worker counts that may run one of s at a time."""
    write("max_running: 1")
    worker = inside()
    return worker, worker.worker.intake.packing.counted


def limit_whole(world, number):
    with open(f"{world.root}/spool.yaml", "w") as file:
        file.write(f"max_running: {number}\n")


def test_of_two_that_claimed_at_once_nobody_begins_above_the_limit(counted, world, monkeypatch):
    worker, counts = counted
    make, other, raced = counts.taken.make, f"{world.root}/taken/s%=1@{world.worker().wid}.1", []

    def race(mark):
        make(mark)
        if not raced:  # right after my mark another worker makes its own
            raced.append(open(other, "w").close())

    monkeypatch.setattr(counts.taken, "make", race)
    worker.drop("s/1")
    worker.until(lambda: os.path.exists(other))
    worker.live(2.0)
    assert worker.lies("todo") == ["todo/s/1~0"]
    assert not worker.record("s/1")
    os.unlink(other)
    worker.until(lambda: worker.lies("done") == ["done/s/1"])


def test_what_runs_is_marked_for_its_batch_and_for_the_spool_until_no_process_is_left(inside, write, world, taken):
    limit_whole(world, 5)
    write("max_running: 1")
    worker = inside(slots=4)
    worker.drop("s/1", f"trap '' TERM; {worker.gate()}", grace="1h")
    worker.drop("x", worker.gate("x"))
    worker.until(lambda: worker.pid("s/1") and worker.pid("x"))
    assert taken() == ["%=1", "%=1", "s%=1"]
    (file,) = [file for file in worker.mine() if file.startswith("s%")]
    worker.mv(f"{worker.folder}/{file}", "hold/s%1.yaml")
    worker.until(lambda: any(each.stopping for each in worker.worker.attempts.by_pid.values()))
    assert "s%=1" in taken()
    worker.open("x")
    worker.until(lambda: not worker.worker.attempts.is_busy)
    assert taken() == []


def test_no_more_of_a_batch_begin_than_it_says_and_others_begin_beside_it(inside, write):
    write("max_running: 2")
    worker = inside(slots=4)
    for name in "4321":
        worker.drop(f"s/{name}", worker.gate())
    worker.drop("t/1", worker.gate())
    worker.until(lambda: len(worker.worker.attempts.by_pid) == 3)
    assert [worker.pid(f"s/{name}") > 0 for name in "1234"] == [True, True, False, False]
    worker.live(2.0)
    assert len(worker.worker.attempts.by_pid) == 3
    worker.open()
    worker.until(lambda: len(worker.lies("done")) == 5)


def test_what_a_worker_that_knows_the_limit_runs_counts_by_its_mark_alone(counted, world):
    worker, _ = counted
    other = world.worker()
    os.makedirs(f"{world.root}/running/{other.wid}", exist_ok=True)
    worker.drop("s/0")
    worker.until(lambda: worker.lies("done"))
    worker.live(2 * worker.worker.settings.heartbeat + 1.0)
    claim = f"{world.root}/running/{other.wid}/s%0@{other.wid}.1.yaml"
    open(claim, "w").close()  # an NFS v3 client may believe in such a one for ever
    worker.drop("s/1")
    worker.live(8.0)  # at most one pause between two looks
    assert worker.record("s/1")


def test_what_others_ran_when_a_limit_was_named_counts_though_they_have_not_marked_it_yet(inside, write, world):
    other = world.worker()
    os.makedirs(f"{world.root}/running/{other.wid}", exist_ok=True)
    claims = [f"{world.root}/running/{other.wid}/s%{n}@{other.wid}.{n}.yaml" for n in range(2)]
    for claim in claims:
        open(claim, "w").close()
    open(f"{world.root}/taken/s%=1@{other.wid}.1", "w").close()  # this one it has marked: it counts once
    worker = inside(slots=4)
    worker.live(30.0)
    write("max_running: 2")
    worker.drop("s/4")
    worker.live(10.0)
    assert not worker.record("s/4")
    os.unlink(claims[0])
    worker.until(lambda: worker.lies("done") == ["done/s/4"])


def test_what_i_ran_when_a_limit_was_named_counts_and_is_marked_at_the_next_heartbeat(inside, write, taken):
    worker = inside(slots=4)
    for name in "123":
        worker.drop(f"s/{name}", worker.gate(name))
    worker.until(lambda: len(worker.worker.attempts.by_pid) == 3)
    assert taken() == []
    write("max_running: 3")
    worker.drop("s/4")
    worker.until(lambda: worker.worker.intake.packing.skipped)
    worker.until(lambda: taken() == ["s%=1"] * 3)
    worker.live(2 * worker.worker.settings.heartbeat + 1.0)
    assert not worker.record("s/4")
    worker.open("1")
    worker.until(lambda: len(worker.lies("done")) == 2)
    assert taken() == ["s%=1"] * 2
    worker.open("2"), worker.open("3")


def test_what_cannot_be_marked_while_it_runs_is_marked_later(inside, write, taken, monkeypatch):
    worker = inside(slots=4)
    worker.drop("s/1", worker.gate())
    worker.until(lambda: worker.worker.attempts.by_pid)
    counts, refused = worker.worker.intake.packing.counted, []
    make = counts.taken.make

    def refuses_once(mark):
        if not refused:
            refused.append(mark)
            raise OSError(5, "Input/output error")
        make(mark)

    monkeypatch.setattr(counts.taken, "make", refuses_once)
    write("max_running: 2")
    worker.until(lambda: taken() == ["s%=1"])
    assert refused
    worker.open()
    worker.until(lambda: taken() == [])


def test_what_a_person_gives_a_worker_runs_and_counts_although_as_many_run_as_may(counted, world, taken):
    worker, _ = counted
    worker.drop("s/1", worker.gate("1"))
    worker.until(lambda: worker.pid("s/1"))
    worker.drop("s%2", worker.gate("2"), state=worker.folder)
    worker.until(lambda: worker.pid("s/2"))
    assert taken() == ["s%=1", "s%=1"]
    worker.open("1"), worker.open("2")
    worker.until(lambda: len(worker.lies("done")) == 2)


def test_who_waits_for_a_licence_keeps_nobody_else_from_running(inside, world):
    with open(f"{world.root}/spool.yaml", "w") as file:
        file.write("max_running: 1\nresources: {licence: 1}\n")
    open(f"{world.root}/taken/licence=1@{world.worker().wid}.1", "w").close()
    worker = inside(slots=4)
    worker.drop("a", resources={"licence": 1})
    worker.until(lambda: any("@" in path for path in worker.lies("todo")))
    worker.drop("b")
    worker.until(lambda: worker.lies("done") == ["done/b"])


def test_what_is_limited_and_perhaps_not_whole_takes_its_place_already(counted):
    worker, _ = counted
    for name in "123":
        worker.drop(f"s/{name}", end="")
    worker.live(1.5)
    assert len(worker.lies("running")) == 1
    worker.until(lambda: len(worker.lies("done")) == 3)


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


def test_a_worker_that_works_the_queue_off_waits_for_a_policy_and_not_for_a_pause(inside, world):
    edit(world, "paused: true")
    worker = inside(until_empty=True)
    worker.drop("s/1")
    worker.live(8.0)  # it ends within a line: it counts after 10 s
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
