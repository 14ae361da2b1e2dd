"""The rule: a rest of a sweep is divided once, whoever divides, dies or comes late; no item is lost and none belongs to two."""

import os
import random

import greenlet
import pytest

from dsgspool import names
from dsgspool.errors import InvalidTask
from dsgspool.items import Sweep
from dsgspool.names import TaskName
from dsgspool.ranges import Range, parse_range, whole
from dsgspool.spool import Spool
from dsgspool.spool.divisions import Divisions, split
from dsgspool.spool.moves import Moves
from dsgspool.task import Decision, State
from dsgspool.worker.dividing import GROWTH, MOST_PASSED, TARGET, Paces, reach
from tests.support.doors import ClockedFs, Crash, CrashingFs, files_below, goes_behind_its_listing

TEXT = b"command: 'true'\nsweep:\n  product: {n: 1..100}\n...\n"
REST = Range("s", 0, 99, 2, is_rest=True)


def divisions(world, fs=None):
    return Divisions(Moves(Spool(world.root, fs or world.fs, world.clock)))


def put(world, folder, rest=REST, token="aaaaaaaa-1"):
    path = f"{world.root}/{folder}/{TaskName(rest.identity, '0', token).path}"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(TEXT)


def rests(world):
    """Items for which a file of that kind stands, each as often as there are files."""
    found = [parse_range(name.identity) for _, name in world.spool.tasks(State.TODO)]
    return sorted(item for part in found if part for item in range(part.first, part.last + 1))


def test_the_first_to_divide_decides_and_the_others_go_by_it(world):
    assert divisions(world).divide(REST, 9, 2, TEXT) == Range("s", 0, 9, 2)
    assert rests(world) == list(range(10, 100))
    assert divisions(world).divide(REST, 49, 1, TEXT) == Range("s", 0, 9, 2)
    assert rests(world) == list(range(10, 100))


@pytest.mark.parametrize(("head", "parts", "count"), [(0, 1, 1), (0, 2, 2), (98, 2, 1), (99, 2, 0), (96, 5, 3)])
def test_what_comes_behind_the_first_chunk_is_divided_without_a_gap(head, parts, count):
    found = list(split(REST, head, parts))
    assert len(found) == count and all(part.is_rest and part.count > 0 for part in found)
    assert [item for part in found for item in range(part.first, part.last + 1)] == list(range(head + 1, 100))


@pytest.mark.parametrize("fate", ["todo", "done", "removed"])
def test_who_is_slow_by_an_hour_divides_it_no_second_time(world, fate):
    divisions(world).divide(REST, 9, 1, TEXT)
    [path] = files_below(world.root, ["todo"])
    if fate == "done":
        os.makedirs(f"{world.root}/done/s")
        os.rename(f"{world.root}/{path}", f"{world.root}/done/s/10-99.yaml")
    elif fate == "removed":
        os.unlink(f"{world.root}/{path}")
    before = files_below(world.root, ["todo", "done"])
    assert divisions(world).divide(REST, 30, 2, TEXT) == Range("s", 0, 9, 2)
    assert files_below(world.root, ["todo", "done"]) == before and os.listdir(f"{world.root}/tmp") == []


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b'{"head": "9"}', b'{"head": 100}', b"[" * 30000, None])
def test_a_folder_that_does_not_tell_how_it_was_divided_is_told(world, data):
    folder = divisions(world).folder(REST)
    os.makedirs(folder)
    with open(f"{folder}/{'split.json' if data is not None else 'x'}", "wb") as file:
        file.write(data or b"")
    with pytest.raises(InvalidTask, match="does not tell how s/rest-00-99 was divided"):
        divisions(world).divide(REST, 9, 1, TEXT)


@pytest.mark.parametrize("at", ["/split.json", ""])
def test_a_rest_with_something_else_in_the_place_of_its_folder_keeps_no_worker_from_other_tasks(world, inside, at):
    worker = inside(slots=1)
    folder = divisions(world).folder(REST)
    os.makedirs(os.path.dirname(f"{folder}{at}"))
    os.mkfifo(f"{folder}{at}")
    put(world, "todo")
    worker.until(lambda: "failed/s/rest-00-99~invalid" in worker.lies())
    assert "something that dsgspool did not make lies at " in worker.record("s/rest-00-99")["reason"]
    worker.drop("other")
    worker.until(lambda: "done/other" in worker.lies())
    os.unlink(f"{folder}{at}")
    if at:
        os.rmdir(folder)
    worker.mv("failed/s/rest-00-99~invalid.yaml", "todo/s/rest-00-99.yaml")
    worker.until(lambda: everything_is_done(world))


@pytest.mark.parametrize("how", ["before", "torn", "after"])
def test_who_dies_anywhere_leaves_it_to_whoever_claims_the_rest_next(world, how):
    at = died = 0
    while at == died:
        at += 1
        rest = Range(f"s{at}", 0, 99, 2, is_rest=True)
        fs = CrashingFs(world.clock, at, how)
        fs.armed = True
        try:
            divisions(world, fs).divide(rest, 9, 2, TEXT)
        except Crash:
            died = at
        chunk = divisions(world).divide(rest, 29, 1, TEXT)
        assert chunk.last in (9, 29)
        assert rests(world) == list(range(chunk.last + 1, 100))
        for path in files_below(world.root, ["todo"]):
            os.unlink(f"{world.root}/{path}")
    assert died > 20


class Turns(ClockedFs):
    """Another one's turn comes before each operation."""

    def step(self, name, args, call):  # noqa: ARG002
        greenlet.getcurrent().parent.switch()
        return call()


@pytest.mark.parametrize("seed", range(60))
def test_several_who_divide_one_rest_at_once_agree_whoever_stands_still_for_ever(world, seed):
    chance = random.Random(seed)
    found = []
    actors = [
        greenlet.greenlet(
            lambda head=head: found.append(divisions(world, Turns(world.clock)).divide(REST, head, 2, TEXT))
        )
        for head in (9, 29, 99)
    ]
    steps = {actor: chance.choice([chance.randrange(40), 10_000]) for actor in actors}
    while running := [actor for actor in actors if not actor.dead and steps[actor] > 0]:
        actor = chance.choice(running)
        steps[actor] -= 1
        actor.switch()
    for actor in actors:
        actor.throw()
    chunk = divisions(world).divide(REST, 49, 1, TEXT)
    assert set(found) <= {chunk}
    assert rests(world) == list(range(chunk.last + 1, 100))


# -- in a worker


def started(worker, found=None):
    """Chunks that it would start; each is done at once."""
    found = [] if found is None else found

    def start(ready):
        found.append(parse_range(ready.held.name.identity))
        assert not found[-1].is_rest
        target = f"{worker.root}/done/{ready.held.name.plain().path}"
        os.makedirs(os.path.dirname(target), exist_ok=True)
        assert not os.path.exists(target)
        os.rename(f"{worker.root}/{worker.folder}/{ready.held.file}", target)
        del worker.worker.intake.desk.ready[ready.held.file]

    worker.worker.attempts.start = start
    return found


def items_of(chunks):
    return sorted(item for chunk in chunks for item in range(chunk.first, chunk.last + 1))


def everything_is_done(world):
    return not files_below(world.root, ["todo", "waiting", "hold", "failed"]) and not list(
        world.spool.tasks(State.RUNNING)
    )


def test_a_worker_runs_every_item_of_a_rest_once(world, inside):
    worker = inside(slots=4)
    found = started(worker)
    put(world, "todo")
    worker.until(lambda: everything_is_done(world))
    assert items_of(found) == list(range(100)) and found[0].count == 1


@pytest.mark.parametrize("how", ["before", "torn", "after"])
def test_a_worker_that_dies_anywhere_while_it_divides_loses_and_doubles_nothing(world, inside, how):
    at = died = 0
    while at == died:
        at += 1
        rest = Range(f"s{at}", 0, 9, 1, is_rest=True)
        fs = CrashingFs(world.clock, at, how)
        worker = inside(fs)
        chunks = started(worker)
        dividing = worker.worker.intake.starting.dividing
        dividing.chunk_of = armed(fs, dividing.chunk_of)
        put(world, "todo", rest)
        try:
            worker.until(lambda: everything_is_done(world))
        except Crash:
            died = at
            open(f"{world.root}/workers/{worker.wid}.dead", "w").close()
        next_one = inside()
        started(next_one, chunks)
        next_one.until(lambda: everything_is_done(world))
        assert items_of(chunks) == list(range(10)), (at, how)
        for each in (worker, next_one):
            open(f"{world.root}/workers/{each.wid}.dead", "a").close()
    assert died > 20


def armed(fs, verb):
    """The verb; when it is done for the first time the door may crash."""

    def act(ready):
        fs.armed = not fs.done
        try:
            return verb(ready)
        finally:
            fs.armed = False

    return act


def test_a_rest_that_a_person_takes_away_while_it_is_divided_is_not_begun(world, inside, monkeypatch):
    worker = inside()
    found = started(worker)
    divide = Divisions.divide

    def taken(self, *args, **options):
        chunk = divide(self, *args, **options)
        [mine] = worker.mine()
        os.rename(f"{world.root}/{worker.folder}/{mine}", f"{world.root}/hold/{mine}")
        monkeypatch.setattr(Divisions, "divide", divide)
        return chunk

    monkeypatch.setattr(Divisions, "divide", taken)
    put(world, "todo")
    worker.until(lambda: not files_below(world.root, ["todo"]) and not worker.mine())
    worker.until(lambda: all("@" not in path for path in files_below(world.root, ["hold"])))
    [parked] = [name for _, name in world.spool.tasks(State.HOLD)]
    assert parked.identity == "s/rest-00-99" and items_of(found) == list(range(1, 100))
    Moves(world.spool).release(Moves(world.spool).find("s/rest-00-99")[0])
    worker.until(lambda: everything_is_done(world))
    assert items_of(found) == list(range(100))


def test_a_file_called_like_a_rest_that_is_no_sweep_is_a_task(world, inside):
    worker = inside()
    worker.drop("s/rest-00-99")
    worker.until(lambda: worker.lies("done"))
    assert worker.lies() == ["done/s/rest-00-99"] and not os.path.exists(f"{world.root}/sweeps")


@pytest.mark.parametrize("state", ["todo", "waiting/until-20991231T000000Z", "hold", "done", "failed", "logs"])
def test_a_name_of_which_a_batch_is_there_is_no_name_for_a_sweep(world, inside, state):
    worker = inside()
    os.makedirs(f"{world.root}/{state}/s")
    with open(f"{world.root}/{state}/s/{'x.1' if state == 'logs' else 'x'}.yaml", "w") as file:
        file.write("command: 'true'\nnot_before: 2099-01-01T00:00Z\n...\n")
    worker.drop("s", "true", sweep={"product": {"n": "1..100"}})
    worker.until(lambda: "failed/s~invalid" in worker.lies())
    assert "a batch of that name" in worker.record("s")["reason"]


def test_a_name_under_which_a_sweep_was_divided_is_no_name_for_another(world, inside):
    worker = inside()
    divisions(world).divide(REST, 99, 1, TEXT)
    worker.drop("s", "true", sweep={"product": {"n": "1..100"}})
    worker.until(lambda: "failed/s~invalid" in worker.lies())
    assert "sweeps/s/ says how an earlier one was divided" in worker.record("s")["reason"]


def test_of_two_sweeps_of_a_name_one_begins_however_slow_it_is(world):
    first, second = TEXT, TEXT.replace(b"1..100", b"1..50")
    os.makedirs(f"{world.root}/sweeps/s")  # somebody died while he made it
    assert divisions(world).begin("s", first) == ""
    assert "divided" in (divisions(world).begin("s", second) or "")
    assert divisions(world).begin("s", first) == "", "who died before it went on"
    divisions(world).divide(REST, 99, 1, first)
    assert "divided" in (divisions(world).begin("s", first) or "")


def test_a_folder_that_goes_behind_its_listing_makes_no_sweep_invalid(world, inside, monkeypatch):
    os.makedirs(gone := f"{world.root}/waiting/until-20991231T000000Z")
    goes_behind_its_listing(monkeypatch, gone)
    worker = inside()
    worker.drop("s", "true", sweep={"product": {"n": "1..3"}})
    worker.until(lambda: worker.lies("waiting") or worker.lies("failed"))
    assert not worker.lies("failed")
    assert worker.record("s")["outcome"] == "stopped"
    os.rmdir(gone)
    [path] = files_below(world.root, ["waiting"])
    worker.mv(path, "todo/s.yaml")  # as the leader does
    worker.until(lambda: worker.lies("done") and not worker.lies("todo", "waiting", "running"))
    assert items_of(filter(None, map(parse_range, worker.lies("done")))) == [0, 1, 2]


@pytest.mark.parametrize("name", ["s/0-9", "s/00-09", "s/000-100", "s/rest-000-999"])
def test_a_chunk_whose_name_does_not_fit_its_sweep_is_invalid(world, inside, name):
    worker = inside()
    worker.drop(name, "true", sweep={"product": {"n": "1..100"}})
    if name == "s/00-09":
        worker.until(lambda: worker.lies() == ["done/s/00-09"])
        return
    worker.until(lambda: worker.lies("failed"))
    chunk = name if "rest" not in name else "s/000-000"
    assert "and `sweep` has 100" in worker.record(chunk)["reason"]


@pytest.mark.parametrize("name", ["rest-00-99", "10-19"])
def test_a_part_that_a_person_moved_without_its_folder_is_not_run(world, inside, name):
    worker = inside()
    worker.drop(name, "true", sweep={"product": {"n": "1..100"}})
    worker.until(lambda: worker.lies("todo", "running") == [])
    assert worker.lies() == [f"failed/{name}~invalid"] and not os.path.exists(f"{world.root}/sweeps")
    assert f"move it to todo/NAME/{name}.yaml" in worker.record(name)["reason"]


def test_a_sweep_may_be_called_by_two_numbers_that_are_no_items_of_its_own(world, inside):
    worker = inside()
    worker.drop("2020-2026", "true", sweep={"product": {"n": "1..3"}})
    worker.until(lambda: worker.lies("done") and not worker.lies("todo", "running"))
    assert items_of(filter(None, map(parse_range, worker.lies("done")))) == [0, 1, 2]


# -- how long a chunk is


def test_chunks_begin_with_one_item_grow_and_take_about_so_long():
    paces = Paces()
    assert paces.length("s", 1_000_000, 64, 64) == 1
    paces.ran("s", 1, 0.001)
    assert paces.length("s", 1_000_000, 64, 64) == GROWTH
    paces.ran("s", 99_999, 99.999)
    assert paces.length("s", 10_000_000, 64, 64) == round(TARGET / 0.001)
    assert paces.length("other", 1_000_000, 64, 64) == 1


def test_a_sweep_whose_chunks_cannot_be_started_does_not_become_a_file_for_each_item(inside):
    worker = inside(slots=1)
    worker.drop("s", "true", sweep={"product": {"n": "1..100000"}}, cwd="/no/such/folder")
    worker.until(lambda: worker.lies("failed") and not worker.lies("todo", "running"))
    assert {path.partition("~")[2] for path in worker.lies("failed")} == {"exit126"}
    assert len(worker.lies("failed")) < 40


def test_a_sweep_of_which_much_is_excluded_does_not_become_a_file_for_each_item(inside):
    worker = inside(slots=1)
    worker.drop("s", "true", sweep={"product": {"a": [1, 2], "n": "1..20000"}, "exclude": [{"a": 1}, {"a": 2}]})
    worker.until(lambda: worker.lies("done") and not worker.lies("todo", "running"))
    assert worker.lies("done") == ["done/s/00000-39999"]


def test_the_end_of_a_chunk_is_looked_for_bit_by_bit():
    rest, sweep = whole("s", 300_000), Sweep([(["n"], (1, 1, 300_000, 0))], exclude=[{}])
    assert reach(sweep, rest, 5) == MOST_PASSED - 1
    assert reach(Sweep([(["n"], (1, 1, 300_000, 0))], exclude=[{"n": "2"}]), rest, 5) == 5


def test_near_the_end_a_slot_takes_its_part_but_no_crumbs():
    paces = Paces()
    paces.ran("s", 1000, 100.0)
    assert paces.length("s", 1280, 64, 2) == 10
    assert paces.length("s", 12, 64, 2) == 5
    assert paces.length("s", 12_800, 64, 64) == 100
    assert paces.length("s", 1280, 64, 64) == 20, "one worker with 64 slots would begin more chunks than it can"
    assert paces.length("s", 12, 64, 64) == 20
    paces.ran("slow", 10, 36_000.0)
    assert paces.length("slow", 10_000, 2, 2) == 1


def test_names_of_rests_fit_wherever_names_of_sweeps_do():
    assert names.parse("s/rest-00-99~0.aaaaaaaa-1.yaml").identity == REST.identity


# -- pruning


def aged(world, days=3.0):
    """Days go by."""
    for folder, _, files in os.walk(world.root):
        for path in [folder, *(f"{folder}/{file}" for file in files)]:
            then = os.stat(path).st_mtime - days * 86400
            os.utime(path, (then, then))


def test_how_a_sweep_was_divided_is_forgotten_when_it_is_old_and_nothing_of_it_is_left(world):
    nested = Range("lab/t", 0, 99, 2, is_rest=True)
    for rest in (REST, nested):
        divisions(world).divide(rest, 9, 1, TEXT)
    now = world.clock.wall()
    assert divisions(world).old(now, now) == []
    for path in files_below(world.root, ["todo"]):
        if "lab" in path:
            os.unlink(f"{world.root}/{path}")
    assert divisions(world).old(now + 9e9, now) == []  # a day at least: somebody may be slow
    aged(world)
    assert divisions(world).old(now - 4 * 86400, now) == []
    assert divisions(world).old(now, now) == ["lab/t"]  # of the other one a rest lies in todo/
    divisions(world).remove("lab/t")
    assert not os.path.exists(f"{world.root}/sweeps/lab/t") and os.path.exists(
        f"{world.root}/sweeps/s/00-99/split.json"
    )
    assert divisions(world).old(now, now) == []


# -- some items of a rest


def cut(world, first, last, state, fs=None):
    """Once more until it is so, as the command does."""
    for _ in range(10):
        places = Moves(Spool(world.root, fs or world.fs, world.clock)).find("s/")
        parts = [(place, parse_range(place.identity)) for place in places]
        across = [(place, part) for place, part in parts if part.is_rest and part.first <= last and part.last >= first]
        across = [(place, part) for place, part in across if part.first < first or part.last > last]
        if not across:
            return
        place, part = across[0]
        meant = part.part(max(first, part.first), min(last, part.last), is_rest=True)
        divisions(world, fs).cut(place, meant, state, TEXT)


def covered(world):
    """Item -> where the file lies that stands for it; each must be there once."""
    found = {}
    for state in State:
        for _, name in world.spool.tasks(state):
            part = parse_range(name.identity)
            for item in range(part.first, part.last + 1):
                assert item not in found, (item, name.identity)
                found[item] = str(state)
    return [found[item] for item in range(100)]


@pytest.mark.parametrize(("first", "last"), [(30, 40), (0, 40), (0, 0), (99, 99), (1, 99), (60, 99), (7, 7)])
@pytest.mark.parametrize("state", [State.HOLD, State.FAILED])
def test_some_items_of_a_rest_are_sent_elsewhere_and_the_others_stay(world, first, last, state):
    put(world, "todo")
    cut(world, first, last, state)
    assert covered(world) == [state if first <= item <= last else "todo" for item in range(100)]


@pytest.mark.parametrize("state", [State.HOLD, State.FAILED])
def test_of_what_was_sent_away_some_items_come_back(world, state):
    put(world, "hold" if state is State.HOLD else "failed", token="" if state is State.FAILED else "aaaaaaaa-1")
    cut(world, 40, 59, State.TODO)
    assert covered(world) == ["todo" if 40 <= item < 60 else state for item in range(100)]


@pytest.mark.parametrize("how", ["before", "after"])
def test_a_command_that_dies_anywhere_while_it_cuts_leaves_the_rest_to_whoever_claims_it(world, how):
    at = died = 0
    while at == died:
        at += 1
        for path in files_below(world.root, ["todo", "hold", "failed", "sweeps"]):
            os.unlink(f"{world.root}/{path}")
        if os.path.exists(f"{world.root}/sweeps/s"):
            divisions(world).remove("s")
        put(world, "todo")
        fs = CrashingFs(world.clock, at, how)
        fs.armed = True
        try:
            cut(world, 30, 40, State.FAILED, fs)
        except Crash:
            died = at
        fs.armed = False
        rest = Moves(world.spool).find("s/rest-00-99")
        if rest and os.path.exists(f"{world.root}/sweeps/s/00-99/split.json"):  # a worker claims it
            chunk = divisions(world).divide(REST, 9, 2, TEXT)
            assert chunk == Range("s", 0, 0, 2)
            Moves(world.spool).send(rest[0], TaskName(chunk.identity, "0"), Decision(State.TODO))
        cut(world, 30, 40, State.FAILED)
        assert covered(world) == ["failed" if 30 <= item <= 40 else "todo" for item in range(100)], at
    assert died > 15


def test_a_worker_that_holds_the_rest_goes_by_the_cut(world, inside):
    worker = inside(slots=2)
    found = started(worker)
    put(world, "todo")
    divide, stayed = Divisions.divide, []

    def late(self, *args, **options):
        [mine] = Moves(world.spool).find("s/", [State.RUNNING])
        Divisions.divide = divide
        assert divisions(world).cut(mine, Range("s", 50, 99, 2, is_rest=True), State.HOLD, TEXT)
        stayed.extend(Moves(world.spool).find("s/", [State.RUNNING]))  # its worker's to move
        return divide(self, *args, **options)

    Divisions.divide = late
    try:
        worker.until(lambda: not files_below(world.root, ["todo"]) and not worker.mine() and found)
    finally:
        Divisions.divide = divide
    assert items_of(found) == list(range(50)) and found[0] == Range("s", 0, 0, 2)
    assert [place.identity for place in stayed] == ["s/rest-00-99"]
    assert [name.identity for _, name in world.spool.tasks(State.HOLD)] == ["s/rest-50-99"]


def test_a_rest_that_was_divided_already_is_not_cut_otherwise(world):
    """Its worker died before it took the new name."""
    put(world, "todo")
    assert divisions(world).divide(REST, 9, 1, TEXT).last == 9
    [rest] = Moves(world.spool).find("s/rest-00-99")
    assert not divisions(world).cut(rest, Range("s", 5, 20, 2, is_rest=True), State.HOLD, TEXT)
    assert covered(world) == ["todo"] * 100 and Moves(world.spool).find("s/00-09")


def test_many_slots_do_not_cut_short_items_into_crumbs_and_end_at_about_the_same_time():
    """12,800 items of 50 ms for 64 slots: ten seconds, with one of two in each slot at the end."""
    paces, left, free, chunks = Paces(), 12_800, [0.0] * 64, 0
    ends = [0.0] * 64
    running = [0] * 64
    while left or any(running):
        slot = min(range(64), key=lambda slot: free[slot] if running[slot] or left else 1e9)
        if running[slot]:
            paces.ran("s", running[slot], running[slot] * 0.05)
            ends[slot] = free[slot]
        running[slot] = min(left, paces.length("s", left, 64, 64)) if left else 0
        left -= running[slot]
        chunks += running[slot] > 0
        free[slot] += running[slot] * 0.05
    assert chunks < 450
    assert max(ends) < 10 + 2.5
