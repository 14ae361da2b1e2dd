"""The rule: an unfit worker opens a task at most once, and what has no room now is not claimed."""

import os

import pytest

from dsgspool import machine
from dsgspool.conditions import Gpu, Inventory
from dsgspool.names import lane_for
from dsgspool.requests import Request
from dsgspool.spool.chain import next_line, next_of
from dsgspool.spool.scan import Look
from dsgspool.task import Budget, Decision, Kind, Outcome, State
from dsgspool.worker import intake

G = 1 << 30
NODE = Inventory("n1", 4, 64 * G, 100 * G, (Gpu(0, 40 * G, "A100", "GPU-a"), Gpu(1, 16 * G, "T4", "GPU-t")))


@pytest.fixture
def node(inside, monkeypatch):
    """Starts a worker on a node that has this."""

    def start(inventory=NODE, slots=4, **options):
        monkeypatch.setattr(machine, "measure", lambda *_: inventory)
        monkeypatch.setattr(machine, "busy_gpus", frozenset)
        return inside(slots=slots, **options)

    return start


def lane(**wanted):
    return f"@{lane_for(0, 1, Request(**wanted))}"


def test_a_dropped_task_that_cannot_run_here_is_opened_once_and_lies_in_the_lane_that_says_so(node, claims):
    worker, target = node(), lane(memory=(128 * G,))
    worker.drop("@p5/x", resources={"memory": "128G"})
    worker.until(lambda: worker.lies() == [f"todo/@p5,{target[1:]}/x~0"])
    worker.live(30)
    assert claims == ["@p5/x.yaml"]


def test_a_lane_is_judged_by_one_of_its_files_which_is_read_and_not_claimed(node, claims, world):
    worker, target = node(), lane(memory=(128 * G,))
    reads, read = [], worker.fs.read

    def counted(path, *limit):
        reads.append(path)
        return read(path, *limit)

    worker.fs.read = counted
    for number in range(20):
        worker.drop(f"{target}/b/{number:02d}", resources={"memory": "128G"})
    worker.drop("y")
    worker.until(lambda: "done/y" in worker.lies())
    worker.live(30)
    assert claims == ["y.yaml"]
    assert [path for path in reads if target in path] == [f"{world.root}/todo/{target}/b/00.yaml"]


def test_what_cannot_run_here_keeps_no_room_for_itself(node):
    worker = node(slots=1)
    worker.drop(f"@p9,{lane(memory=(128 * G,))[1:]}/x", resources={"memory": "128G"})
    worker.drop("y")
    worker.until(lambda: "done/y" in worker.lies())


def test_a_task_in_the_lane_of_another_request_goes_to_its_own(node):
    worker, wrong = node(), lane(memory=(1 * G,))
    worker.drop(f"{wrong}/x", resources={"memory": "128G"})
    worker.until(lambda: worker.lies() == [f"todo/{lane(memory=(128 * G,))}/x~0"])


def test_submitted_tasks_are_claimed_once_each_although_few_fit_at_a_time(node, claims):
    worker, target = node(slots=8), lane(memory=(20 * G,))
    for number in range(12):
        worker.drop(f"{target}/{number:02d}", resources={"memory": "20G"})
    worker.until(lambda: len(worker.lies("done")) == 12)
    assert len(claims) == 12


def test_a_dropped_task_that_has_no_room_now_costs_one_claim_more(node, claims):
    worker = node(slots=4)
    for name in "ab":
        worker.drop(name, worker.gate(), resources={"memory": "40G"})
    worker.until(lambda: len(claims) == 2 and len(worker.mine()) == 1)
    worker.live(20)
    assert len(claims) == 2
    worker.open()
    worker.until(lambda: worker.lies() == ["done/a", "done/b"])
    assert len(claims) == 3


def test_each_task_gets_gpus_of_its_own_and_gives_them_back(node):
    worker, target = node(), lane(gpus=1)
    for name in "abc":
        worker.drop(f"{target}/{name}", worker.gate(name), resources={"gpus": 1})
    worker.until(lambda: worker.pid("a") and worker.pid("b"))
    worker.live(5)
    assert [worker.record(name).get("gpus") for name in "abc"] == [[1], [0], None]
    assert worker.record("a")["environment"]["CUDA_VISIBLE_DEVICES"] == "1"
    assert worker.record("a")["resources"] == "gpus=1"
    worker.open("a")
    worker.until(lambda: worker.pid("c"))
    assert worker.record("c")["gpus"] == [1]


def test_cpus_are_not_idle_while_tasks_wait_for_gpus(node):
    worker, target = node(), lane(gpus=2)
    for name in "ab":
        worker.drop(f"{target}/{name}", worker.gate(), resources={"gpus": 2})
    worker.until(lambda: worker.pid("a"))
    worker.drop("plain")
    worker.until(lambda: "done/plain" in worker.lies())


def test_the_first_that_waits_for_room_is_not_overtaken_by_those_that_want_less(node):
    worker = node()
    worker.drop(f"{lane(gpus=1)}/a", worker.gate("a"), resources={"gpus": 1})
    worker.until(lambda: worker.pid("a"))
    worker.drop(f"@p1,{lane(gpus=2)[1:]}/wide", worker.gate(), resources={"gpus": 2})
    worker.drop(f"{lane(gpus=1)}/narrow", worker.gate(), resources={"gpus": 1})
    worker.live(20)
    assert not worker.record("narrow")
    worker.open("a")
    worker.until(lambda: worker.pid("wide"))
    assert not worker.record("narrow")


def test_with_reserve_after_smaller_ones_overtake_for_so_long_and_no_longer(node, world):
    with open(f"{world.root}/spool.yaml", "w") as file:
        file.write("format: 1\nreserve_after: 5m\n")
    worker = node(slots=2)
    worker.drop("a", worker.gate("a"))
    worker.until(lambda: worker.pid("a"))
    worker.drop("wide", cpus=2, end="...\n")
    worker.until(lambda: worker.lies("todo") == ["todo/@cpus2/wide~0"])
    worker.drop("b", worker.gate("b"))
    worker.until(lambda: worker.pid("b"))
    worker.drop("c", worker.gate("c"))
    worker.open("b")
    worker.until(lambda: worker.pid("c"))  # it was passed over for seconds only
    worker.live(301)
    worker.drop("d")
    worker.open("c")
    worker.until(lambda: "done/c" in worker.lies())
    worker.live(20)
    assert not worker.record("d") and not worker.record("wide")
    worker.open("a")
    worker.until(lambda: "done/wide" in worker.lies())
    worker.until(lambda: "done/d" in worker.lies())


def test_how_long_something_in_a_lane_found_no_room_begins_anew_when_nothing_lay_there(node, world):
    with open(f"{world.root}/spool.yaml", "w") as file:
        file.write("format: 1\nreserve_after: 5m\n")
    worker = node(slots=2)
    worker.drop("a", worker.gate())
    worker.until(lambda: worker.pid("a"))
    path = worker.drop("@cpus2/wide", cpus=2)
    worker.live(5)
    os.remove(path)  # another node has taken it
    worker.live(301)
    worker.drop("@cpus2/wider", cpus=2)
    worker.live(1)
    worker.drop("b")
    worker.until(lambda: "done/b" in worker.lies())
    worker.open()
    worker.until(lambda: "done/wider" in worker.lies())


def test_a_gift_waits_here_for_its_room(node):
    worker = node()
    worker.drop(f"{lane(gpus=2)}/a", worker.gate(), resources={"gpus": 2})
    worker.until(lambda: worker.pid("a"))
    worker.drop("g", state=worker.folder, resources={"gpus": 1})
    worker.until(lambda: any(name.startswith("g@") for name in worker.mine()))
    worker.live(10)
    assert not worker.record("g")
    worker.open()
    worker.until(lambda: worker.lies() == ["done/a", "done/g"])


def test_until_empty_waits_for_what_has_no_room_now(node):
    worker, target = node(until_empty=True), lane(gpus=2)
    for name in "ab":
        worker.drop(f"{target}/{name}", worker.gate(name), resources={"gpus": 2})
    worker.until(lambda: worker.pid("a"))
    worker.live(10)
    assert not worker.worker.controls.is_over()
    worker.open("a")
    worker.open("b")
    worker.until(lambda: worker.worker.controls.is_over())
    assert worker.lies() == ["done/a", "done/b"]


def test_until_empty_says_at_its_end_what_nobody_like_it_can_run(node, world, monkeypatch):
    """Of a lane that it does not look into, and of what it filed there itself; what a paused batch has is told once."""
    worker, told = node(until_empty=True), []
    monkeypatch.setattr(worker.worker, "tell", lambda event, text="", **facts: told.append((event, text, facts)))
    worker.drop("@cpus64/s/a.b")
    worker.drop(f"{lane(gpus=64)}/c~0.abcdefgh-1", resources={"gpus": 64})
    worker.drop("d", where="tape=1")
    world.fs.create_whole(f"{world.root}/batches/p.yaml", b"paused: true\n...\n")
    for name in ("p/1", "@cpus64/p/2"):
        worker.drop(name)
    worker.until(lambda: worker.worker.controls.emptied)
    ((_, text, facts), (_, paused, _)) = [each for each in told if each[0] == "left"]
    assert facts == {"tasks": 3} and "3 left in todo/, which this worker does not take: c (@gpus64=" in text
    assert "; d (@tape" in text and "; s/a.b (@cpus64); ask with: dsgspool why NAME" in text and "p/" not in text
    assert "todo/p/ is left" in paused


def test_many_tasks_that_wait_for_a_gpu_hide_nothing_that_lies_behind_them(node, monkeypatch, world):
    monkeypatch.setitem(Look.__init__.__kwdefaults__, "limit", 8)
    worker, target = node(), lane(gpus=2)
    for number in range(20):
        worker.drop(f"{target}/{number:02d}", worker.gate(), resources={"gpus": 2})
    worker.until(lambda: worker.pid("00"))
    worker.drop("plain")
    worker.until(lambda: "done/plain" in worker.lies())
    assert len(os.listdir(f"{world.root}/todo/{target}")) == 19


def test_the_end_of_a_record_says_the_rung():
    decision = Decision(State.TODO, budget=Budget(1, 0, 2))
    assert next_line(decision) == "todo~1l0o2"
    assert next_of(b"next: todo~1l0o2\n") == decision


def test_after_an_oom_a_task_lies_in_the_lane_of_its_next_rung(node):
    worker = node()
    worker.drop("@p3/x", worker.gate(), resources={"memory": ["1G", "128G"]})
    worker.until(lambda: worker.pid("x"))
    (attempt,) = worker.worker.attempts.by_pid.values()
    worker.worker.attempts.stop(attempt, Outcome(Kind.OOM, reason="too much"), 0.0)
    worker.until(lambda: worker.lies() == [f"todo/@p3,{lane(memory=(128 * G,))[1:]}/x~0o1"])
    assert worker.record("x")["memory_limit_bytes"] == G


def test_a_gpu_on_which_somebody_else_computes_is_left_alone_until_that_is_over(node, monkeypatch, claims):
    worker, target, busy = node(until_empty=True), lane(gpus=2), {"GPU-t"}
    monkeypatch.setattr(machine, "busy_gpus", lambda: frozenset(busy))
    worker.drop(f"{target}/both", resources={"gpus": 2})
    worker.live(30)
    assert claims == []
    assert not worker.worker.controls.is_over()
    worker.drop(f"{lane(gpus=1)}/one", resources={"gpus": 1})
    worker.drop("dropped", resources={"gpus": 1}, where="gpu~T4")
    worker.until(lambda: worker.lies("todo")[-1:] != ["todo/dropped"])
    assert worker.record("one")["gpus"] == [0]
    busy.clear()
    worker.until(lambda: worker.lies() == ["done/both", "done/dropped", "done/one"])


def test_a_gpu_on_which_a_task_of_mine_computes_is_no_foreign_one(node, monkeypatch):
    worker, target = node(), lane(gpus=1)
    monkeypatch.setattr(machine, "busy_gpus", lambda: frozenset({"GPU-a", "GPU-t"}) if worker.pid("a") else frozenset())
    for name in "ab":
        worker.drop(f"{target}/{name}", worker.gate(name), resources={"gpus": 1})
    worker.until(lambda: worker.pid("a") and worker.pid("b"))
    worker.open("a")
    worker.until(lambda: "done/a" in worker.lies())
    worker.drop(f"{target}/c", resources={"gpus": 1})
    worker.until(lambda: "done/c" in worker.lies())


def test_what_waits_for_the_gpu_of_somebody_else_keeps_nothing_back(node, monkeypatch):
    worker, busy = node(), {"GPU-t"}
    monkeypatch.setattr(machine, "busy_gpus", lambda: frozenset(busy))
    worker.drop(f"@p1,cpus4,{lane(gpus=2)[1:]}/both", cpus=4, resources={"gpus": 2})
    worker.drop(f"{lane(gpus=1)}/one", resources={"gpus": 1})
    worker.until(lambda: "done/one" in worker.lies())
    assert not worker.record("both")


def test_a_gift_that_waits_for_the_gpu_of_somebody_else_begins_when_that_is_over_and_keeps_nobody_waiting(
    node, monkeypatch
):
    worker, busy = node(until_empty=True), {"GPU-a", "GPU-t"}
    monkeypatch.setattr(machine, "busy_gpus", lambda: frozenset(busy))
    worker.drop("a", state=worker.folder, resources={"gpus": 1})
    worker.until(lambda: any(name.startswith("a@") for name in worker.mine()))
    worker.drop("b", state=worker.folder)
    worker.until(lambda: "done/b" in worker.lies())
    assert not worker.record("a")
    busy.clear()
    worker.until(worker.worker.controls.is_over)
    assert worker.lies() == ["done/a", "done/b"]


def test_a_full_queue_in_which_nothing_has_room_is_not_listed_again_and_again(node, monkeypatch):
    monkeypatch.setitem(Look.__init__.__kwdefaults__, "limit", 8)
    monkeypatch.setattr(intake, "LIMIT", 8)
    worker, looks, take = node(), [], Look.take
    monkeypatch.setattr(Look, "take", lambda look: looks.append(worker.clock.boot()) or take(look))
    worker.drop("running", worker.gate())
    worker.until(lambda: worker.pid("running"))
    worker.drop("@p1,cpus4/wide", cpus=4)
    for number in range(10):
        worker.drop(f"{number}")
    worker.until(lambda: worker.worker.intake.packing.skipped)
    looks.clear()
    for _ in range(100):
        assert worker.worker.intake.next_moment() > worker.clock.boot()
        worker.turn(0.01)
    assert len(looks) < 4
    worker.open()
    worker.until(lambda: len(worker.lies("done")) == 12)


def test_while_the_only_task_waits_for_the_gpu_of_somebody_else_a_turn_is_no_reason_for_a_look(node, monkeypatch):
    worker, looks, take = node(), [], Look.take
    monkeypatch.setattr(machine, "busy_gpus", lambda: frozenset({"GPU-t"}))
    monkeypatch.setattr(Look, "take", lambda look: looks.append(worker.clock.boot()) or take(look))
    worker.drop(f"{lane(gpus=2)}/both", resources={"gpus": 2})
    worker.until(lambda: worker.worker.intake.packing.skipped)
    looks.clear()
    for _ in range(100):
        worker.turn(0.01)
    assert len(looks) < 4


def test_a_task_that_wants_more_cpus_than_there_can_be_fails_with_the_reason_and_gets_no_lane(node):
    worker = node()
    worker.drop("@p-999999/x", cpus=999_999, resources={"memory": "128M"}, where="host!=n7 ram>=1M")
    worker.until(lambda: worker.lies() == ["failed/x~invalid"])
    assert "999999" in worker.record("x")["reason"]
