"""The rule: of what is counted for the whole spool no more is taken than there is, by whomever, and all of it comes back."""

import math
import os

import pytest

from dsgspool.names import Claim, lane_for
from dsgspool.requests import Request
from dsgspool.spool.taken import Mark, Taken, parse_mark, totals
from dsgspool.worker.counted import Part
from tests.support.doors import RemoteFs

CLAIM = Claim("n1-abcdefgh", 7)


@pytest.fixture
def spool_says(world):
    """Writes spool.yaml."""

    def write(text):
        with open(f"{world.root}/spool.yaml", "w") as file:
            file.write(text)

    write("resources: {licence: 2}\n")
    return write


@pytest.fixture
def taken(world):
    """Names in taken/."""
    return lambda: sorted(os.listdir(f"{world.root}/taken"))


@pytest.fixture
def mark(world):
    """Puts a mark there, of a worker that lives unless another one is named."""
    other = world.worker()

    def put(amount=1, count=1, wid="", resource="licence"):
        path = f"{world.root}/taken/{resource}={amount}@{wid or other.wid}.{count}"
        open(path, "w").close()
        return path

    put.other = other
    return put


@pytest.fixture
def worker(inside, spool_says):
    """One that knows how much there is."""
    return inside(slots=4)


def want(worker, name, command="true", licence=1, **keys):
    return worker.drop(name, command, resources={"licence": licence}, **keys)


def lane(licence):
    return f"@{lane_for(0, 1, Request(named=(('licence', licence),)))}"


# -- marks


@pytest.mark.parametrize(
    ("name", "mark"),
    [
        ("licence=2@n1-abcdefgh.7", Mark("licence", 2, CLAIM)),
        ("a_b-c=0@n1-abcdefgh.7", Mark("a_b-c", 0, CLAIM)),
        ("licence=02@n1-abcdefgh.7", None),
        ("licence=2@n1-abcdefgh.07", None),
        ("licence=2", None),
        ("licence=2@n1", None),
        ("licence=2@n1-abcdefgh", None),
        ("licence=-2@n1-abcdefgh.7", None),
        ("licence=²@n1-abcdefgh.7", None),
        ("licence=9999999999@n1-abcdefgh.7", None),
        ("=2@n1-abcdefgh.7", None),
        (".nfs0000000012", None),
        ("lic=ence=2@n1-abcdefgh.7", None),
        ("%=1@n1-abcdefgh.7", Mark("%", 1, CLAIM)),
        ("a=b c%=1@n1-abcdefgh.7", Mark("a=b c%", 1, CLAIM)),
        ("a%b=1@n1-abcdefgh.7", None),
        ("a%%=1@n1-abcdefgh.7", None),
    ],
)
def test_a_name_says_what_is_taken_and_for_whom(name, mark):
    assert parse_mark(name) == mark
    assert mark is None or mark.file == name


def test_marks_are_added_up_by_resource():
    marks = [Mark("a", 2, CLAIM), Mark("b", 5, CLAIM), Mark("a", 1, Claim("n1-abcdefgh", 8))]
    assert totals(marks) == {"a": 3, "b": 5}


def test_a_mark_that_is_there_already_is_mine_and_a_missing_folder_is_made(world):
    taken = Taken(world.spool)
    os.rmdir(f"{world.root}/taken")
    assert taken.marks() == []
    for _ in range(2):
        taken.make(Mark("a", 2, CLAIM))
    assert taken.marks() == [Mark("a", 2, CLAIM)]


def test_a_round_takes_its_share_but_one_task_may_want_more():
    part = Part({"a": 8}, 4)
    assert part.takes((("a", 8),)) and not part.takes((("a", 9),))
    part.take((("a", 1),))
    assert part.takes((("a", 1),)) and not part.takes((("a", 2),))
    part.take((("a", 1),))
    assert not part.takes((("a", 1),))
    assert not Part({}, 1).takes((("a", 1),))


# -- one worker


def test_a_mark_lies_there_while_the_command_runs_and_no_longer(worker, taken):
    want(worker, "x", worker.gate(), 2)
    worker.until(lambda: worker.pid("x"))
    (file,) = worker.mine()
    assert taken() == [f"licence=2@{file.removesuffix('.yaml').rpartition('@')[2]}"]
    worker.open()
    worker.until(lambda: worker.lies() == ["done/x"])
    assert taken() == []


def test_what_a_task_wants_of_its_node_alone_is_not_marked(inside, spool_says, taken):
    worker = inside(resources={"tape": 1})
    worker.drop("x", worker.gate(), resources={"tape": 1})
    worker.until(lambda: worker.pid("x"))
    assert taken() == []
    worker.open()


def test_no_more_begin_than_there_is(worker, taken):
    for name in "abcd":
        want(worker, name, worker.gate(name))
    worker.until(lambda: len(worker.worker.attempts.by_pid) == 2)
    worker.live(5.0)
    assert (len(worker.worker.attempts.by_pid), len(taken())) == (2, 2)
    running = [name for name in "abcd" if worker.pid(name)]
    worker.open(running[0])
    worker.until(lambda: len(worker.lies("done")) == 1)
    worker.until(lambda: len(worker.worker.attempts.by_pid) == 2)
    for name in "abcd":
        worker.open(name)
    worker.until(lambda: len(worker.lies("done")) == 4)
    assert taken() == []


def test_what_ran_of_others_counts(worker, mark):
    path = mark(amount=2)
    want(worker, "x")
    worker.live(10.0)
    assert worker.lies() == [f"todo/{lane(1)}/x~0"]
    os.unlink(path)
    worker.until(lambda: worker.lies() == ["done/x"])


def test_of_two_that_counted_at_once_nobody_begins_above_the_limit(worker, mark, taken, monkeypatch):
    counted, made = worker.worker.intake.packing.counted, []
    make = counted.taken.make

    def race(mine):
        make(mine)
        if not made:
            made.append(mark(amount=2))

    monkeypatch.setattr(counted.taken, "make", race)
    want(worker, "x")
    worker.until(lambda: made)
    worker.live(5.0)
    assert worker.lies() == [f"todo/{lane(1)}/x~0"]
    assert not worker.record("x")
    assert taken() == [os.path.basename(made[0])]
    os.unlink(made[0])
    worker.until(lambda: worker.lies() == ["done/x"])


def test_who_gave_back_does_not_count_again_at_once(worker, mark, monkeypatch):
    counted = worker.worker.intake.packing.counted
    monkeypatch.setattr(counted, "_is_allowed", lambda _: False)
    want(worker, "x")
    worker.until(lambda: counted.rests_until > worker.clock.boot(), step=0.0)
    monkeypatch.setattr(counted.taken, "marks", None)
    assert not counted.part().takes((("licence", 1),))


def test_a_listing_that_lacks_my_own_mark_is_not_believed(worker, taken, monkeypatch):
    counted = worker.worker.intake.packing.counted
    monkeypatch.setattr(counted.taken, "marks", list)
    want(worker, "x")
    worker.live(5.0)
    assert not worker.record("x")
    assert taken() == []
    monkeypatch.undo()
    worker.until(lambda: worker.lies() == ["done/x"])


def test_while_a_process_is_left_its_mark_stays_though_a_person_took_the_file(worker, taken):
    want(worker, "x", f"trap '' TERM; {worker.gate()}", grace="1h")
    worker.until(lambda: worker.pid("x"))
    (file,) = worker.mine()
    worker.mv(f"{worker.folder}/{file}", "hold/x.yaml")
    worker.until(lambda: worker.worker.attempts.by_pid and next(iter(worker.worker.attempts.by_pid.values())).stopping)
    assert len(taken()) == 1
    worker.until(lambda: not worker.worker.attempts.is_busy)
    assert taken() == []


def test_what_cannot_be_marked_goes_back_and_leaves_no_mark(worker, taken, monkeypatch):
    counted = worker.worker.intake.packing.counted
    make, refused = counted.taken.make, []

    def landed_all_the_same(mine):
        make(mine)
        if not refused:
            refused.append(mine)
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(counted.taken, "make", landed_all_the_same)
    monkeypatch.setattr(counted.taken, "remove", lambda _: None)
    want(worker, "x")
    worker.until(lambda: worker.lies("todo", "running") == [f"todo/{lane(1)}/x~0"], step=0.01)
    assert (taken(), worker.record("x")) == ([refused[0].file], {})
    monkeypatch.undo()
    worker.until(lambda: worker.lies() == ["done/x"])
    worker.live(31.0)
    assert taken() == []


def test_a_file_in_the_place_of_the_folder_is_told_once_and_stops_no_other_task(worker, world, monkeypatch):
    told = []
    monkeypatch.setattr(worker.worker, "tell", lambda _event, text="", **_facts: told.append(text))
    os.rmdir(f"{world.root}/taken")
    open(f"{world.root}/taken", "w").close()
    want(worker, "x")
    worker.until(lambda: any("/taken: ENOTDIR" in line for line in told))
    worker.drop("y", "true")
    worker.until(lambda: "done/y" in worker.lies("done"))
    worker.live(30.0)
    assert len({line for line in told if "ENOTDIR" in line}) == 1 and len(told) < 30
    os.unlink(f"{world.root}/taken")
    worker.until(lambda: "done/x" in worker.lies("done"))


def test_a_mark_of_what_runs_that_somebody_removed_comes_back(worker, world, taken):
    want(worker, "a", worker.gate(), licence=2)
    worker.until(lambda: worker.pid("a"))
    [file] = taken()
    os.unlink(f"{world.root}/taken/{file}")
    worker.until(lambda: taken() == [file])
    worker.open()
    worker.until(lambda: worker.lies() == ["done/a"] and taken() == [])


def test_a_mark_of_mine_that_lands_late_is_removed(worker, mark, taken):
    worker.live(1.0)
    mark(wid=worker.wid, count=99)
    worker.live(31.0)
    assert taken() == []


def test_what_could_not_be_removed_is_removed_soon(worker, taken, monkeypatch):
    remove, refused = worker.fs.remove, []

    def flaky(path):
        if "/taken/" in path and len(refused) < 3:
            refused.append(path)
            raise OSError(5, "Input/output error")
        return remove(path)

    monkeypatch.setattr(worker.fs, "remove", flaky)
    want(worker, "x")
    worker.until(lambda: worker.lies() == ["done/x"])
    worker.live(6.0)
    assert (len(refused), taken()) == (3, [])


def test_what_a_person_puts_into_my_folder_goes_back_when_nothing_is_left(worker, mark):
    path = mark(amount=2)
    want(worker, "x", state=worker.folder)
    worker.until(lambda: worker.lies() == [f"todo/{lane(1)}/x~0"])
    os.unlink(path)
    worker.until(lambda: worker.lies() == ["done/x"])


def test_an_attempt_of_its_name_that_is_alive_takes_no_licence_meanwhile(worker, world, taken):
    os.makedirs(f"{world.root}/running/n2-bbbbbbbb")
    other = world.worker()
    with open(f"{world.root}/logs/x.1.yaml", "w") as record:
        record.write(f"task: x\nclaim: {other.wid}.1\n")
    want(worker, "x")
    worker.until(lambda: worker.lies("waiting"))
    assert taken() == []


def test_on_a_share_who_gave_back_touches_the_folder_a_tick_later(inside, spool_says, world, monkeypatch):
    fs, told = RemoteFs(world.clock), []
    worker = inside(fs)
    want(worker, "x", worker.gate())
    worker.until(lambda: worker.pid("x"))
    remove, touch = fs.remove, fs.touch
    monkeypatch.setattr(fs, "remove", lambda path: told.append((path, world.clock.boot())) or remove(path))
    monkeypatch.setattr(fs, "touch", lambda path: told.append((path, world.clock.boot())) or touch(path))
    worker.open()
    worker.until(lambda: worker.lies() == ["done/x"], step=0.001)
    worker.until(lambda: worker.worker.intake.packing.counted.touch_at == math.inf, step=0.001)
    (removed,) = [when for path, when in told if "/taken/licence" in path]
    touched = [when for path, when in told if path == f"{world.root}/taken"]
    assert 0.02 <= touched[-1] - removed < 0.03
    assert worker.worker.intake.next_moment() > world.clock.boot()


# -- how much there is


def test_a_lower_limit_stops_nothing_and_starts_nothing_until_less_is_taken(worker, spool_says):
    for name in "ab":
        want(worker, name, worker.gate(name))
    worker.until(lambda: len(worker.worker.attempts.by_pid) == 2)
    spool_says("resources: {licence: 1}\n")
    want(worker, "c", worker.gate("c"))
    worker.live(12.0)
    worker.open("a")
    worker.until(lambda: worker.lies("done") == ["done/a"])
    worker.live(5.0)
    assert (worker.pid("b") > 0, worker.pid("c")) == (True, 0)
    worker.open("b")
    worker.until(lambda: worker.pid("c"))
    worker.open("c")


def test_who_wants_more_than_there_is_is_opened_once_and_runs_when_there_is_more(worker, spool_says):
    want(worker, "x", licence=3)
    worker.until(lambda: worker.lies() == [f"todo/{lane(3)}/x~0"])
    worker.live(20.0)
    assert worker.worker.own.next_claim().count == 3  # one claim, one token
    spool_says("resources: {licence: 3}\n")
    worker.until(lambda: worker.lies() == ["done/x"])


def test_what_the_spool_and_the_worker_both_count_keeps_both_limits(inside, spool_says, mark):
    worker = inside(slots=4, resources={"licence": 1})
    for name in "ab":
        want(worker, name, worker.gate(name))
    worker.until(lambda: worker.worker.attempts.by_pid)
    worker.live(5.0)
    assert len(worker.worker.attempts.by_pid) == 1
    worker.open("a"), worker.open("b")
    worker.until(lambda: len(worker.lies("done")) == 2)
    mark(amount=2)
    want(worker, "c")
    worker.live(5.0)
    assert not worker.record("c")


def test_a_limit_that_is_taken_out_of_spool_yaml_is_no_limit_but_nobody_has_it(worker, spool_says):
    want(worker, "x", worker.gate("x"))
    worker.until(lambda: worker.pid("x"))
    spool_says("{}\n")
    worker.live(6.0)
    want(worker, "y")
    worker.live(10.0)
    assert worker.pid("x")
    assert worker.lies("todo") == [f"todo/{lane(1)}/y~0"]
    worker.open("x")
    worker.until(lambda: worker.lies("done") == ["done/x"])


# -- order


def test_who_wants_most_goes_first_and_keeps_what_is_free(worker, mark):
    path = mark()
    for name in "abc":
        want(worker, f"{lane(1)}/{name}", worker.gate(name))
    want(worker, f"{lane(2)}/wide", worker.gate("wide"), 2)
    worker.live(10.0)
    assert not worker.worker.attempts.by_pid  # one is free, and kept
    os.unlink(path)
    worker.until(lambda: worker.pid("wide"))
    for name in ("wide", *"abc"):
        worker.open(name)
    worker.until(lambda: len(worker.lies("done")) == 4)


def test_what_is_kept_is_not_given_to_a_file_that_lay_in_no_lane(worker, mark):
    path = mark()
    want(worker, f"{lane(2)}/wide", worker.gate("wide"), 2)
    worker.live(3.0)
    want(worker, "small", worker.gate("small"))
    want(worker, "none", licence=0)
    worker.live(10.0)
    assert not worker.worker.attempts.by_pid  # one is free, and kept
    assert worker.lies("done") == ["done/none"]
    os.unlink(path)
    worker.until(lambda: worker.pid("wide"))
    for name in ("wide", "small"):
        worker.open(name)
    worker.until(lambda: len(worker.lies("done")) == 3)


def test_who_waits_for_the_spool_keeps_no_slots_and_no_other_resource(worker, spool_says, mark):
    spool_says("resources: {licence: 2, bandwidth: 3}\n")
    worker.live(6.0)
    mark(amount=2)
    worker.drop(f"@{lane_for(9, 4, Request(named=(('licence', 1),)))}/wide", cpus=4, resources={"licence": 1})
    worker.drop("data", resources={"bandwidth": 3})
    worker.drop("plain", cpus=4)
    worker.until(lambda: worker.lies("done") == ["done/data", "done/plain"])


# -- the dead


def test_what_a_dead_worker_had_comes_back_when_it_is_proven_dead_and_not_before(worker, mark, world, taken):
    mark(amount=2)
    want(worker, "x")
    worker.live(35.0)
    assert len(taken()) == 1
    world.crash(mark.other)
    worker.until(lambda: worker.lies("done") == ["done/x"])
    assert taken() == []


def test_what_lands_after_its_worker_was_buried_is_swept(worker, mark, world, taken):
    world.crash(mark.other)
    worker.live(5.0)
    mark()
    worker.live(31.0)
    assert taken() == []


def test_a_janitor_takes_over_the_tasks_first(world, actor, mark, monkeypatch):
    world.drop("x")
    work = mark.other.claim("x.yaml")
    for _ in range(3):
        mark.other.advance(work, None)
    mark()
    world.crash(mark.other)
    seen, remove = [], world.fs.remove
    monkeypatch.setattr(actor.fs, "remove", lambda path: seen.append([*world.spool.tasks("running")]) or remove(path))
    actor.sweep()
    assert seen[0] == []
    assert os.listdir(f"{world.root}/taken") == []


# -- what it costs


def test_who_finds_nothing_free_counts_once_a_poll_and_wakes_with_the_next(worker, mark, monkeypatch):
    path, counts = mark(amount=2), []
    want(worker, f"{lane(1)}/x")
    worker.live(3.0)
    counted = worker.worker.intake.packing.counted
    marks = counted.taken.marks
    monkeypatch.setattr(counted.taken, "marks", lambda: counts.append(worker.clock.boot()) or marks())
    for _ in range(1000):
        worker.turn(0.01)
    assert len(counts) <= 10.0 / (0.7 * worker.worker.settings.poll_min) + 2
    os.unlink(path)
    freed = worker.clock.boot()
    worker.until(lambda: worker.record("x"), step=0.01)
    assert worker.clock.boot() - freed < worker.worker.settings.poll_min + 0.1


def test_tasks_that_want_none_make_nobody_look(inside, spool_says, monkeypatch):
    worker = inside()
    counted = worker.worker.intake.packing.counted
    worker.live(1.0)
    counted._tidy_at = float("inf")
    monkeypatch.setattr(counted.taken, "marks", None)
    for name in "abc":
        worker.drop(name)
    worker.until(lambda: len(worker.lies("done")) == 3)
