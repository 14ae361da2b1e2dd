"""The rule: a canary and a breaker are decided by the folders, and by one file that one worker makes."""

import errno
import os

import pytest

from dsgspool.errors import SettingsError
from dsgspool.policy import Breaker, parse_policy
from dsgspool.spool.policies import Policies
from dsgspool.spool.scan import ALL, Look, Part
from tests.support.doors import FlakyFs

BREAKER = "breaker: {of: 6, failures: 3}"


@pytest.fixture
def write(world):
    """A policy of the batch s, put in its place by a rename."""

    def put(text):
        with open(f"{world.root}/tmp/.policy", "w") as file:
            file.write(f"{text}\n...\n")
        os.rename(f"{world.root}/tmp/.policy", f"{world.root}/batches/s.yaml")

    return put


@pytest.fixture
def put(world):
    """Files: put('failed/s/1~exit1')."""

    def make(*paths):
        for path in paths:
            os.makedirs(os.path.dirname(f"{world.root}/{path}"), exist_ok=True)
            open(f"{world.root}/{path}.yaml", "w").close()

    return make


@pytest.fixture
def policies(world):
    """Those of a worker: told what it would say."""
    told = []
    found = Policies(world.spool, lambda _: "", tell=lambda *what: told.append(what), decides=True)
    found.told = told
    return found


def candidates(world, policies, *, part=ALL, limit=100):
    return Look(world.spool, 4, part=part, policies=policies, limit=limit).take().candidates


def decided(world):
    return sorted(set(os.listdir(f"{world.root}/batches")) - {"s.yaml"})


def test_canary_and_breaker_are_checked():
    assert parse_policy(BREAKER.encode(), "p").breaker == Breaker(6, 3)
    assert parse_policy(b"canary: null\nbreaker: null", "p").breaker is None
    for text, said in (
        ("canary: 0", "`canary` is 0"),
        ("breaker: 3", "must be a mapping"),
        ("breaker: {of: 3}", "lacks `failures` (write it like breaker: {of: 20, failures: 10})"),
        ("breaker: {of: 3, failures: 4}", "wants more failures than there are tasks"),
        ("breaker: {off: 3, failures: 4}", "did you mean `of`?"),
    ):
        with pytest.raises(SettingsError) as error:
            parse_policy(text.encode(), "p")
        assert said in str(error.value)


# -- canary


def test_only_the_first_names_are_started_until_all_of_them_are_done(world, write, put, policies):
    write("canary: 2")
    put(*[f"todo/s/{name}" for name in "dcba"], "todo/@p5/s/aa", "todo/x")
    assert candidates(world, policies) == ["@p5/s/aa.yaml", "s/a.yaml", "x.yaml"]
    assert decided(world) == ["s.canary"]
    with open(f"{world.root}/batches/s.canary") as file:
        assert file.read() == "tasks: [s/a, s/aa]\n...\n"
    put("done/s/a")
    assert candidates(world, policies) == ["@p5/s/aa.yaml", "s/a.yaml", "x.yaml"]
    assert policies.stopped()["s"].endswith("are not done: s/aa")
    put("done/s/aa")
    assert "s/b.yaml" in candidates(world, policies)
    assert (decided(world), policies.stopped()) == (["s.passed"], {})


def test_a_canary_that_failed_stops_the_rest_and_is_told_once(world, write, put, policies):
    write("canary: 2")
    put(*[f"todo/s/{name}" for name in "abc"])
    candidates(world, policies)
    os.rename(f"{world.root}/todo/s/a.yaml", f"{world.root}/todo/.a")
    put("failed/s/a~exit1")
    for _ in range(2):
        assert candidates(world, policies) == ["s/b.yaml"]
    assert "s/a failed" in policies.why_not_task("s/c")
    assert policies.why_not_task("s/b") == ""
    assert [batch for batch, _ in policies.told] == ["s"]
    os.rename(f"{world.root}/failed/s/a~exit1.yaml", f"{world.root}/done/a.yaml")
    put("done/s/a", "done/s/b")
    assert "s/c.yaml" in candidates(world, policies)


def test_tasks_that_come_later_are_no_canaries_and_a_prune_does_not_undo_it(world, write, put, policies):
    write("canary: 1")
    put("todo/s/m")
    candidates(world, policies)
    put("todo/s/a")
    assert candidates(world, policies) == ["s/m.yaml"]
    put("done/s/m")
    assert "s/a.yaml" in candidates(world, policies)
    os.unlink(f"{world.root}/done/s/m.yaml")
    assert "s/a.yaml" in candidates(world, Policies(world.spool, lambda _: "", decides=True))


def test_the_canaries_are_found_among_very_many_wherever_a_look_begins(world, write, put, policies):
    write("canary: 1")
    put(*[f"todo/s/{number:04}" for number in range(300)])
    for number in range(10):
        assert candidates(world, policies, part=Part(number, 10), limit=20) == ["s/0000.yaml"]


@pytest.mark.parametrize("name", ["s/x.yml", "s/x~1", "@p1/s/sub/x.yml~1.aaaaaaaa-1"])
def test_the_canaries_are_found_behind_very_many_that_came_later(world, write, put, policies, name):
    write("canary: 1")
    put(f"todo/{name}")
    assert candidates(world, policies) == [f"{name}.yaml"]
    put(*[f"todo/{os.path.dirname(name)}/{number:04}" for number in range(300)])
    assert candidates(world, policies, limit=20) == [f"{name}.yaml"]


@pytest.mark.parametrize("text", ["", "tasks: [s/z"])
def test_a_list_of_canaries_that_is_not_whole_stops_the_batch_for_a_moment_and_is_then_made_anew(
    world, write, put, text
):
    """Its maker was killed before it wrote, or its disk was full: nobody may wait for the end of it for ever."""
    settling = Policies(world.spool, lambda _: "", lambda: 2.0, decides=True)
    write("canary: 1")
    put("todo/s/a", "todo/s/b")
    with open(f"{world.root}/batches/s.canary", "w") as file:
        file.write(text)
    for seconds in (0.0, 1.9):
        world.clock.sleep(seconds)
        assert candidates(world, settling) == []
        assert settling.is_unsettled("s") and "no whole list" in settling.stopped()["s"]
    world.clock.sleep(0.1)
    assert candidates(world, settling) == ["s/a.yaml"]
    assert not settling.is_unsettled("s")
    with open(f"{world.root}/batches/s.canary") as file:
        assert file.read() == "tasks: [s/a]\n...\n"


def test_a_list_of_canaries_that_is_being_written_is_left_to_who_writes_it(world, write, put):
    settling = Policies(world.spool, lambda _: "", lambda: 2.0, decides=True)
    write("canary: 1")
    put("todo/s/a", "todo/s/b")
    for text in ("", "tasks: [s/b]\n...\n"):
        with open(f"{world.root}/batches/s.canary", "w") as file:
            file.write(text)
        assert candidates(world, settling) == (["s/b.yaml"] if text else [])
        world.clock.sleep(1.0)
    world.clock.sleep(9.0)
    assert candidates(world, settling) == ["s/b.yaml"]


def test_why_a_batch_was_stopped_is_written_anew_when_that_broke_off(world, write, put):
    settling = Policies(world.spool, lambda _: "", lambda: 2.0, decides=True)
    write(BREAKER)
    put("todo/s/z", *[f"failed/s/{n}~exit1" for n in range(3)], "batches/s.tripped")
    os.rename(f"{world.root}/batches/s.tripped.yaml", f"{world.root}/batches/s.tripped")
    for seconds in (0.0, 2.0):
        world.clock.sleep(seconds)
        assert candidates(world, settling) == []
    assert "3 of the first 3" in settling.why_not("s")


@pytest.mark.parametrize("text", ['["s/\\0a"]', "[../s/a]", "[]x", "{s: a}"])
def test_a_list_of_canaries_in_which_stands_what_is_no_task_stops_the_batch_alone(world, write, put, policies, text):
    write("canary: 1")
    put("todo/s/a", "todo/t/a")
    with open(f"{world.root}/batches/s.canary", "w") as file:
        file.write(f"tasks: {text}\n...\n")
    assert candidates(world, policies) == ["t/a.yaml"]
    assert "remove it" in policies.stopped()["s"]


@pytest.mark.parametrize("what", ["canary", "tripped"])
@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: os.symlink(path, path)])
def test_what_lies_in_the_place_of_a_decision_stops_its_batch_alone(world, write, put, policies, what, make):
    write(f"canary: 1\n{BREAKER}")
    put("todo/s/a", "todo/t/a", "todo/b")
    make(f"{world.root}/batches/s.{what}")
    assert candidates(world, policies) == ["b.yaml", "t/a.yaml"]
    assert f"s.{what}" in policies.stopped()["s"]


@pytest.mark.parametrize(("folder", "said"), [("failed/s", ["b.yaml"]), ("todo/@p1/s", ["b.yaml", "s/a.yaml"])])
def test_somebodys_private_folder_stops_its_batch_at_most(world, write, put, policies, folder, said):
    write(f"canary: 1\n{BREAKER}")
    put(f"{folder}/x", "todo/s/a", "todo/b")
    world.spool.fs = policies.spool.fs = policies.trials.fs = FlakyFs(world.clock, {"scan": 13}, 99, folder)
    assert candidates(world, policies) == said


def test_an_outage_is_no_reason_to_stop_a_batch(world, write, put, policies):
    write(BREAKER)
    put("todo/s/a")
    policies.trials.fs = FlakyFs(world.clock, {"scan": 5}, path="failed/s")
    with pytest.raises(OSError, match="failed/s"):
        candidates(world, policies)


def test_a_worker_that_may_not_write_its_decision_says_so(world, write, put, policies):
    write("canary: 1")
    put("todo/s/a", "todo/b")
    policies.trials.fs = FlakyFs(world.clock, {"create": 13}, 99)
    assert candidates(world, policies) == ["b.yaml"]
    assert "EACCES" in policies.stopped()["s"]


def test_who_only_looks_decides_nothing(world, write, put):
    write(f"canary: 1\n{BREAKER}")
    put("todo/s/a", "todo/s/b", *[f"failed/s/{n}~exit1" for n in range(3)])
    reader = Policies(world.spool, lambda _: "")
    reader.refresh()
    assert "its breaker has tripped" in reader.why_not("s")
    assert decided(world) == []


# -- breaker


@pytest.mark.parametrize(
    ("failed", "done", "trips"), [(2, 0, False), (3, 0, True), (3, 3, True), (3, 4, False), (9, 3, True), (9, 9, False)]
)
def test_a_breaker_trips_when_so_many_of_the_first_have_failed(world, write, put, policies, failed, done, trips):
    write(BREAKER)
    put("todo/s/z", *[f"failed/s/000/{n}~exit1" for n in range(failed)], *[f"done/s/{n}" for n in range(done)])
    put("failed/t/1~exit1", "failed/s/8~cancelled.aaaaaaaa-1", "failed/s/9~exit1@n1-aaaaaaaa.1")
    assert candidates(world, policies) == ([] if trips else ["s/z.yaml"])
    assert decided(world) == (["s.tripped"] if trips else [])


def test_a_breaker_that_tripped_stays_so_until_somebody_edits_the_policy(world, write, put, policies):
    write(BREAKER)
    put("todo/s/z", *[f"failed/s/{n}~exit1" for n in range(3)])
    candidates(world, policies)
    put(*[f"done/s/{n}" for n in range(9)])
    assert candidates(world, policies) == []
    assert "3 of the first 3 tasks that ended have failed" in policies.why_not("s")
    assert [batch for batch, _ in policies.told] == ["s"]
    write(f"{BREAKER}\n# the input was wrong")
    assert candidates(world, policies) == ["s/z.yaml"]
    assert policies.told[-1] == ("s", "")


@pytest.mark.parametrize("policy", ["canary: 1", BREAKER])
def test_who_resumes_goes_on_for_good(world, write, put, policies, policy):
    write(policy)
    put("todo/s/a", "todo/s/b", *[f"failed/s/{name}~exit1" for name in ("a", "x", "y")])
    candidates(world, policies)
    policies.trials.end("s", policies.trial("s"))
    for _ in range(2):
        assert candidates(world, policies) == ["s/a.yaml", "s/b.yaml"]


def test_of_two_workers_that_decide_at_once_one_writes(world, policies):
    for word in ("first", "second"):
        policies.trials._decide("s", "tripped", {"why": word})
    assert policies.trials._said("s", "tripped")["why"] == "first"


# -- a worker


def test_a_worker_tries_first_and_then_goes_on(inside, write):
    write("canary: 1")
    worker = inside(slots=2)
    for name in "abc":
        worker.drop(f"s/{name}", worker.gate())
    worker.until(lambda: worker.pid("s/a"))
    worker.live(6.0)
    assert (worker.pid("s/b"), worker.record("s/b")) == (0, {})
    worker.open()
    worker.until(lambda: len(worker.lies("done")) == 3)


@pytest.fixture
def worked_off(inside, write, monkeypatch):
    """A worker that has worked off s/a and s/b, which fail, under a policy; what it told."""

    def work(policy):
        write(policy)
        worker = inside(slots=2, until_empty=True)
        told = []
        monkeypatch.setattr(worker.worker, "tell", lambda event, text="", **_: told.append((event, text)))
        for name in "ab":
            worker.drop(f"s/{name}", "exit 1")
        worker.until(lambda: worker.worker.controls.emptied)
        return worker, told

    return work


def test_a_worker_that_works_the_queue_off_ends_when_a_canary_failed_and_says_so(worked_off):
    worker, told = worked_off("canary: 1")
    assert worker.lies() == ["failed/s/a~exit1", "todo/s/b"]
    assert [event for event, text in told if "s/a failed" in text] == ["policy", "left"]


def test_a_worker_that_works_the_queue_off_does_not_say_that_an_empty_folder_is_left(worked_off):
    worker, told = worked_off("breaker: {of: 2, failures: 1}")
    assert worker.lies() == ["failed/s/a~exit1", "failed/s/b~exit1"]
    assert list(worker.worker.intake.turnstile.stopped) == ["s"]
    assert [text for event, text in told if event == "left"] == []


def test_what_is_left_is_told_though_somebodys_private_folder_lies_beside_it(inside, write, monkeypatch):
    """And without a list of everything that lies in todo/, which may be a million files."""
    write("paused: true")
    worker = inside(slots=2, until_empty=True)
    told = []
    monkeypatch.setattr(worker.worker, "tell", lambda event, text="", **_: told.append((event, text)))
    worker.drop("s/a")
    scandir = os.scandir

    def private(path):
        if str(path).endswith("/todo/private"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scandir(path)

    os.mkdir(f"{worker.root}/todo/private")
    monkeypatch.setattr(os, "scandir", private)
    worker.until(lambda: worker.worker.controls.emptied)
    assert [event for event, _ in told if event in ("left", "trouble")] == ["left"]
