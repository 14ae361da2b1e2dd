"""The rule: a claim that is over comes off every name, and looking for it keeps nobody's heart from beating."""

import errno
import os

import pytest

from dsgspool import lease
from dsgspool.proc import Identity
from dsgspool.spool import Spool, held_name
from dsgspool.spool.moves import Moves
from dsgspool.spool.strays import PAUSE, SLICE, Strays
from dsgspool.task import State
from tests.support.doors import ClockedFs, FlakyFs, files_below

WID = "n1-aaaaaaaa"
SLOW = 0.4  #: seconds a name
LONG = 100  #: names that a slow door needs 40 s for: longer than a fence


class SlowFs(ClockedFs):
    """Each name that is found takes a while."""

    def find(self, folder, part, prefix="", **how):
        for path in super().find(folder, part, prefix, **how):
            if not prefix:
                self.clock.advance(SLOW)
            yield path


@pytest.fixture
def put(world):
    """Makes an empty file."""

    def make(*paths):
        for path in paths:
            os.makedirs(os.path.dirname(f"{world.root}/{path}"), exist_ok=True)
            with open(f"{world.root}/{path}", "x"):
                pass

    return make


def strays_of(world, fs=None, dead=(), ended=()):
    """And what they told."""
    told = []
    spool = Spool(world.root, fs or ClockedFs(world.clock), world.clock)
    strays = Strays(
        Moves(spool), set(dead).__contains__, set(ended).__contains__, lambda _event, text, **_: told.append(text)
    )
    return strays, told


def lies(world, *folders):
    return [
        path.partition(".")[0]
        for path in files_below(world.root, folders or ("todo", "hold", "failed", "done", "running"))
    ]


def many(put):
    put(*(f"done/{number}.yaml" for number in range(LONG)))


@pytest.mark.parametrize(
    ("path", "bare"),
    [
        (f"hold/s%x@{WID}.1.yaml", "hold/s/x~0"),
        (f"todo/s/x@{WID}.1.yaml", "todo/s/x~0"),
        (f"failed/s/s%x@{WID}.1.yaml", "failed/s/x~cancelled"),
        (f"done/s%x@{WID}.1.yaml", "done/s/x~cancelled"),
        (f"running/n2-bbbbbbbb/s%x@{WID}.1.yaml", "running/n2-bbbbbbbb/s%x~0"),
    ],
)
def test_a_claim_is_found_wherever_a_person_moved_it(world, put, path, bare):
    strays, _ = strays_of(world)
    put(f"hold/y@{WID}.11.yaml", path)
    strays.want(f"{WID}.1")
    assert strays.turn() == 1
    assert sorted(lies(world)) == sorted([f"hold/y@{WID}", bare])
    assert not strays.is_busy


def test_a_copy_in_hold_loses_its_claim_when_the_attempt_of_its_original_has_ended(world, put):
    """Its owner lives and misses nothing; what is still running keeps its name, wherever it lies."""
    ended = held_name(State.HOLD, f"s/x@{WID}.1.yaml")
    strays, _ = strays_of(world, ended=[ended])
    put(f"hold/s/x@{WID}.1.yaml", f"hold/y@{WID}.2.yaml", f"todo/s/x@{WID}.1.yaml")
    strays.patrol()
    assert strays.turn() == 1
    assert sorted(lies(world)) == ["hold/s/x~0", f"hold/y@{WID}", f"todo/s/x@{WID}"]


def test_the_folder_of_a_dead_worker_is_left_to_the_sweep_that_reads_its_records(world, put):
    strays, _ = strays_of(world)
    put(f"running/{WID}/x@{WID}.1.yaml")
    strays.want(WID)
    assert strays.turn() == 0


def test_a_walk_goes_on_for_a_moment_at_each_turn_and_ends_with_the_last_name(world, put):
    strays, _ = strays_of(world, SlowFs(world.clock))
    many(put)
    put(f"running/n2-bbbbbbbb/x@{WID}.1.yaml")
    strays.want(WID)
    turns = 0
    while strays.is_busy:
        before = world.clock.boot()
        strays.turn()
        turns += 1
        assert world.clock.boot() - before <= SLICE + SLOW
    assert turns > LONG / 2
    assert lies(world, "running") == ["running/n2-bbbbbbbb/x~0"]


def test_who_is_asked_for_in_the_middle_of_a_walk_is_looked_for_in_a_whole_one(world, put):
    strays, _ = strays_of(world, SlowFs(world.clock))
    put(*(f"hold/{number}.yaml" for number in range(9)))
    strays.want("n3-cccccccc")
    strays.turn()
    strays.turn()
    put("hold/x@n2-bbbbbbbb.1.yaml", f"hold/y@{WID}.1.yaml")
    strays.want(WID)
    while strays.is_busy:
        strays.turn()
    assert f"hold/y@{WID}" not in lies(world)
    assert "hold/x@n2-bbbbbbbb" in lies(world)


def test_a_name_that_a_person_moves_back_while_it_is_looked_for_is_found_in_the_next_walk(world, put):
    """Out of done/, which is still to come, into hold/, which was looked at."""
    strays, _ = strays_of(world, SlowFs(world.clock))
    put("hold/0.yaml", f"todo/x@{WID}.1.yaml", f"done/y@{WID}.2.yaml")
    strays.want(WID)
    while not strays.turn():
        pass
    os.rename(f"{world.root}/done/y@{WID}.2.yaml", f"{world.root}/hold/y@{WID}.2.yaml")
    while strays.is_busy:
        strays.turn()
    assert sorted(lies(world)) == ["hold/0", "hold/y~0", "todo/x~0"]


def test_a_walk_that_fails_is_tried_again_later_and_keeps_nobody_waiting(world, put):
    fs = FlakyFs(world.clock, {"scan": errno.EIO}, path="/hold")
    strays, told = strays_of(world, fs)
    put(f"todo/x@{WID}.1.yaml")
    strays.want(f"{WID}.1")
    assert strays.turn() == 0
    assert "trying again" in told[0]
    assert not strays.is_busy
    assert strays.turn() == 0
    world.clock.advance(PAUSE)
    assert strays.turn() == 1


# -- in a worker's loop


def dead_worker(world):
    dying = world.worker()
    world.crash(dying)
    return dying.wid


def test_a_heart_beats_while_its_worker_looks_through_what_is_finished_for_a_dead_ones_names(inside, world, put):
    many(put)
    put(f"done/x@{dead_worker(world)}.1.yaml")
    worker = inside(SlowFs(world.clock), until_empty=True)
    gaps = []

    def is_stripped():
        gaps.append(world.clock.boot() - worker.worker.lease.beat_at)
        return "done/x~cancelled" in worker.lies("done")

    worker.until(is_stripped)
    assert max(gaps) < worker.worker.settings.fence / 2


def test_until_empty_waits_for_the_names_of_the_dead(inside, world, put):
    many(put)
    put(f"done/x@{dead_worker(world)}.1.yaml")
    worker = inside(SlowFs(world.clock), until_empty=True)
    worker.until(worker.worker.controls.is_over)
    assert not worker.worker.janitor.strays.is_busy
    assert "@" not in "".join(lies(world, "done"))


def test_until_empty_waits_for_the_proof_that_a_worker_of_this_machine_is_dead(inside, world, monkeypatch, put):
    """Its last process is being killed when it is met."""
    worker = inside(until_empty=True)
    dead = dead_worker(world)
    os.remove(f"{world.root}/workers/{dead}.dead")
    put(f"hold/x@{dead}.1.yaml")
    peers, looks = worker.worker.peers, []
    monkeypatch.setattr(lease, "kill_leftovers", lambda wid: looks.append(wid) or len(looks) < 9)
    here = peers.me
    monkeypatch.setattr(
        peers,
        "identity",
        lambda _wid: Identity(here.host, here.machine_id, here.boot_id, here.pid_namespace, 999999999, 1, 999999999, 1),
    )
    worker.until(worker.worker.controls.is_over)
    assert len(looks) == 9
    assert worker.lies() == ["hold/x~0"]


def test_until_empty_looks_for_the_dead_once_more_when_all_is_quiet(inside, world, monkeypatch, put):
    """The last worker but this one dies in the moment in which there is nothing to do, a file of it parked."""
    worker, other = inside(until_empty=True), world.worker()
    asked = worker.worker.intake._others_have_work

    def ask_and_die():
        if other.alive:
            world.crash(other)
            put(f"hold/x@{other.wid}.1.yaml")
        return asked()

    monkeypatch.setattr(worker.worker.intake, "_others_have_work", ask_and_die)
    worker.until(worker.worker.controls.is_over, step=0.01)
    assert worker.lies() == ["hold/x~0"]


def test_a_draining_worker_ends_when_the_claims_that_it_let_go_of_are_stripped(inside, world, put):
    many(put)
    worker = inside(SlowFs(world.clock))
    worker.drop("x", "sleep 600")
    worker.until(lambda: worker.pid("x"))
    (file,) = worker.mine()
    worker.mv(f"{worker.folder}/{file}", f"done/{file}")
    worker.worker.controls.drain("test")
    worker.until(worker.worker.controls.is_over)
    assert "@" not in "".join(lies(world, "done"))


# -- other duties that may be long


def test_what_is_due_comes_back_in_several_turns_when_there_is_much_of_it(world, actor, put):
    put(*(f"waiting/until-20260101T000000Z/{number}.yaml" for number in range(30)))
    actor.spool.fs.__class__ = type("Slow", (type(actor.spool.fs),), {"rename": _slowly("rename")})
    first = actor.janitor.due()
    assert 0 < first < 30
    turns = 1
    while os.listdir(world.spool.waiting):
        assert actor.janitor.due()
        turns += 1
    assert turns > 2
    assert len(os.listdir(world.spool.todo)) == 30


def test_what_a_killed_bulk_submission_left_is_removed_in_several_turns(world, actor, put):
    put(*(f"tmp/.tttttttt.swept/{number}.yaml" for number in range(30)))
    os.utime(f"{world.spool.tmp}/.tttttttt.swept", (0, 0))
    actor.spool.fs.__class__ = type("Slow", (type(actor.spool.fs),), {"remove": _slowly("remove")})
    actor.janitor.sweep_tmp()
    assert 0 < len(os.listdir(f"{world.spool.tmp}/.tttttttt.swept")) < 30


def _slowly(name):
    def operation(self, *args):
        self.clock.advance(0.05)
        return getattr(super(type(self), self), name)(*args)

    return operation
