"""The rule: at each claim the share comes next that had least of late; where nobody takes turns nothing is asked or counted."""

import json
import math
import os
from collections import Counter

import pytest

from dsgspool.spool import scan
from dsgspool.spool.scan import Sight
from dsgspool.worker.sharing import HALF_LIFE, PART_TURN, Queue, weight


@pytest.fixture
def fair(inside, world):
    """Starts a worker where batches take turns."""

    def start(text="fair: batches", **options):
        with open(f"{world.root}/spool.yaml", "a") as file:
            file.write(f"{text}\n")
        return inside(**options)

    return start


def test_a_queue_gives_the_highest_priority_first_and_below_it_who_comes_next():
    shares = {path: (int(path[1]), (-1, path[0])) for path in ("a0", "b0", "c5")}
    queue = Queue(Sight(["a0", "b0", "c5"], shares=shares), max)
    assert sorted(queue) == ["a0", "b0", "c5"]
    assert [queue.popleft() for _ in range(3)] == ["c5", "b0", "a0"]
    assert not queue
    queue.extendleft(["a0", "c5"])
    assert queue.popleft() == "c5"


def test_what_is_put_back_is_at_the_head_of_its_line_again():
    queue = Queue(Sight(["a", "b", "c"]), max)
    first, second = queue.popleft(), queue.popleft()
    queue.extendleft(reversed([first, second]))
    assert [*queue] == ["a", "b", "c"]
    queue.clear()
    assert not queue


def test_an_hour_halves_what_was_used():
    assert weight(60) == pytest.approx(60, rel=0.01)
    assert weight(HALF_LIFE) == pytest.approx(weight(1e9) / 2)
    assert weight(1e9) == pytest.approx(HALF_LIFE / math.log(2))


def test_batches_take_turns_whatever_their_names(fair, claims):
    worker = fair(slots=1)
    for number in range(8):
        worker.drop(f"a/{number}")
        worker.drop(f"b/{number}")
    worker.until(lambda: len(worker.lies("done")) == 16)
    assert all(abs(Counter(path[0] for path in claims[:n])["a"] - n / 2) <= 1.5 for n in range(1, 17))


def test_slots_are_shared_out_before_anything_has_ended(fair):
    worker = fair(slots=4)
    for number in range(8):
        worker.drop(f"a/{number}", worker.gate())
        worker.drop(f"b/{number}", worker.gate())
    worker.until(lambda: len(worker.worker.attempts.by_pid) == 4)
    running = [attempt.name.identity for attempt in worker.worker.attempts.by_pid.values()]
    assert Counter(name[0] for name in running) == {"a": 2, "b": 2}
    worker.open()


def test_what_runs_counts_before_it_has_ended(fair):
    worker = fair(slots=3)
    worker.drop("a/0", worker.gate())
    worker.until(lambda: worker.pid("a/0"))
    worker.clock.advance(10)
    for name in ("a/1", "b/0", "b/1"):
        worker.drop(name, worker.gate())
    worker.until(lambda: len(worker.worker.attempts.by_pid) == 3)
    running = {attempt.name.identity for attempt in worker.worker.attempts.by_pid.values()}
    assert running == {"a/0", "b/0", "b/1"}
    worker.open()


def test_who_has_wide_tasks_gets_fewer_of_them(fair, claims):
    worker = fair(slots=4)
    for number in range(6):
        worker.drop(f"@cpus3/a/{number}", cpus=3)
    for number in range(24):
        worker.drop(f"b/{number:02d}")
    worker.until(lambda: len(worker.lies("done")) == 30)
    part = Counter("a" if "a/" in path else "b" for path in claims[:20])
    assert 4 <= part["a"] <= 6


def test_what_was_used_counts_half_after_an_hour(fair):
    worker = fair(slots=1)
    worker.drop("a/1", worker.gate())
    worker.until(lambda: worker.pid("a/1"))
    worker.clock.advance(10)
    worker.open()
    worker.until(lambda: worker.lies("done"))
    sharing = worker.worker.intake.sharing
    before = sharing.use((-1, "a"))[1]
    assert before >= 10
    worker.clock.advance(HALF_LIFE)
    sharing._now = None
    assert sharing.use((-1, "a"))[1] == pytest.approx(before / 2)


def test_who_comes_late_is_served_next(fair, claims):
    worker = fair(slots=1)
    for number in range(40):
        worker.drop(f"a/{number:02d}")
    worker.until(lambda: len(claims) == 20)
    worker.drop("z/late")
    worker.until(lambda: "z/late.yaml" in claims)
    assert claims.index("z/late.yaml") <= 20 + 10


def test_the_owner_of_the_file_that_ran_is_charged_whatever_a_look_believed(fair, monkeypatch):
    worker = fair("group: users", slots=1)
    monkeypatch.setattr(worker.fs, "owner", lambda _: 4711)
    worker.drop("a", worker.gate())
    worker.until(lambda: worker.pid("a"))
    worker.clock.advance(10)
    worker.open()
    worker.until(lambda: worker.lies("done"))
    assert worker.worker.intake.sharing.use((os.getuid(), ""))[0] >= 10
    assert worker.worker.intake.sharing.use((4711, ""))[0] == 0


def test_what_everybody_had_is_told_where_several_take_turns(fair, world):
    worker = fair(slots=1)
    for name in ("a/1", "b/1", "c"):
        worker.drop(name, worker.gate())
    worker.until(lambda: worker.worker.attempts.by_pid)
    worker.live(36)
    worker.open()
    with open(f"{world.root}/workers/{worker.wid}.jsonl") as file:
        told = [json.loads(line) for line in file]
    first, second = (line["used"] for line in told if line["event"] == "turns")
    assert [key[:2] for key in first] == [[-1, "/"], [-1, ""], [-1, "a"], [-1, "b"]]
    assert sorted(key[2] for key in first)[:2] == [0, 0]
    assert max(key[2] for key in second) >= 29


def test_files_that_are_not_whole_count_while_they_settle(fair, claims):
    worker = fair(slots=4)
    for number in range(20):
        worker.drop(f"a/{number:02d}", end="")
        worker.drop(f"b/{number:02d}", end="")
    worker.until(lambda: len(claims) >= 8)
    part = Counter(path[0] for path in claims[:8])
    assert abs(part["a"] - part["b"]) <= 2


def test_a_limited_batch_gives_its_turn_to_others(fair, world):
    worker = fair(slots=4)
    os.makedirs(f"{world.root}/batches", exist_ok=True)
    with open(f"{world.root}/batches/a.yaml", "w") as file:
        file.write("max_running: 1\n...\n")
    for number in range(8):
        worker.drop(f"a/{number}", worker.gate())
        worker.drop(f"b/{number}", worker.gate())
    worker.until(lambda: len(worker.worker.attempts.by_pid) == 4)
    running = [attempt.name.identity for attempt in worker.worker.attempts.by_pid.values()]
    assert Counter(name[0] for name in running) == {"a": 1, "b": 3}
    worker.open()


def test_where_nobody_takes_turns_nothing_is_counted_and_names_decide(inside, claims, monkeypatch):
    worker = inside(slots=1)
    monkeypatch.setattr(worker.fs, "owner", None)
    for name in ("b/1", "a/1", "a/2", "c"):
        worker.drop(name)
    worker.until(lambda: len(worker.lies("done")) == 4)
    assert claims == ["a/1.yaml", "a/2.yaml", "b/1.yaml", "c.yaml"]
    assert not worker.worker.intake.sharing.used


def test_the_memory_of_shares_is_bounded(fair, monkeypatch):
    monkeypatch.setattr("dsgspool.worker.sharing.MOST_KNOWN", 10)
    worker = fair(slots=4)
    for number in range(30):
        worker.drop(f"b{number:02d}/1")
    worker.until(lambda: len(worker.lies("done")) == 30)
    assert len(worker.worker.intake.sharing.used) <= 10


# -- where a look begins


@pytest.fixture
def order(inside, monkeypatch):
    """A worker with 40 tasks, and in which order a look gives them while such workers live besides."""
    worker = inside(slots=1)
    for number in range(40):
        worker.drop(f"x{number:02d}", worker.gate())

    def look(*wids):
        monkeypatch.setattr(worker.worker.intake.peers, "living", lambda: sorted([worker.wid, *wids]))
        return [path for path in worker.worker.intake.sharing.look().candidates if path[0] == "x"]

    look.worker = worker
    return look


def test_a_worker_that_is_alone_goes_by_the_names_only(order):
    assert order() == [f"x{number:02d}.yaml" for number in range(40)]


def test_workers_exchange_the_points_at_which_they_begin(order):
    """What is first for one that has no time comes to one that has."""
    first, sharing = set(), order.worker.worker.intake.sharing
    for _ in range(3):
        order.worker.clock.advance(PART_TURN)
        first.add(order("zz-aaaaaaaa", "zz-bbbbbbbb")[0])
        assert not sharing.has_turned()
    assert first == {"x00.yaml", "x13.yaml", "x26.yaml"}
    order.worker.clock.advance(PART_TURN)
    assert sharing.has_turned()


def test_what_another_one_begins_with_now_is_not_claimed_by_an_old_look(order, monkeypatch):
    order("zz-aaaaaaaa")
    worker, sharing = order.worker, order.worker.worker.intake.sharing
    worker.until(lambda: worker.worker.attempts.by_pid)
    looks, look = [], sharing.look
    monkeypatch.setattr(sharing, "look", lambda: looks.append(1) or look())
    worker.worker.intake._cost = 1e6  # so that no look is due by itself
    worker.clock.advance(PART_TURN)
    worker.open()
    worker.until(lambda: len(worker.lies("done")) == 2)
    assert looks


def test_who_loses_most_of_what_a_look_found_looks_again_soon(order, monkeypatch):
    """Others are at what it found: of what is left only a new look tells."""
    worker, sharing = order.worker, order.worker.worker.intake.sharing
    worker.until(lambda: worker.worker.attempts.by_pid)
    looks, look = [], sharing.look
    monkeypatch.setattr(sharing, "look", lambda: looks.append(1) or look())
    worker.worker.intake._cost = 1.0  # no other look for 20 s
    for number in range(20):
        os.unlink(f"{worker.root}/todo/x{number + 1:02d}.yaml")
    worker.open()
    worker.until(lambda: len(worker.lies("done")) == 2, step=0.5)
    assert looks
    assert len(looks) <= 2


def test_who_meets_others_asks_who_they_are_and_looks_again_at_once(order, claims, monkeypatch):
    """Else workers that start at once fight for the same names until each has heard of all, and again at the end."""
    worker, intake = order.worker, order.worker.worker.intake
    worker.until(lambda: worker.worker.attempts.by_pid)
    looks, look = [], intake.sharing.look

    def told():
        sight = look()
        looks.append((claims.copy(), intake.peers.known))
        return sight

    monkeypatch.setattr(intake.sharing, "look", told)
    intake._looked_at = worker.clock.boot()
    intake._cost, intake._next_look = 0.0, intake._looked_at + 3600
    newcomer = "zz-aaaaaaaa"
    with open(f"{worker.root}/workers/{newcomer}.yaml", "w") as file:
        file.write("host: zz\n...\n")
    for number in range(20):
        os.unlink(f"{worker.root}/todo/x{number + 1:02d}.yaml")
    worker.open()
    worker.until(lambda: looks, step=0.001)
    claimed, known = looks[0]
    assert claimed == ["x00.yaml", "x01.yaml", "x02.yaml"]  # once is chance
    assert newcomer in known


def test_a_heart_beats_while_a_long_listing_comes_in(inside, monkeypatch):
    """A listing that lasts longer than the fence: the guard would kill the worker, and its heir as well."""
    worker = inside(slots=1)
    for number in range(60):
        worker.drop(f"x{number:02d}")
    fence, silences = worker.worker.settings.fence, []
    listed = worker.fs.scan

    def slowly(folder, **options):
        for entry in listed(folder, **options):
            if folder == f"{worker.root}/todo/":
                worker.clock.advance(1.0)
                silences.append(worker.clock.boot() - worker.worker.lease.beat_at)
            yield entry

    monkeypatch.setattr(scan, "BLOCK", 2)
    monkeypatch.setattr(worker.fs, "scan", slowly)
    sight = worker.worker.intake.sharing.look()
    assert len(sight.candidates) == 60
    assert len(silences) == 60 > fence
    assert max(silences) < fence / 2
