"""One task for each tick, whoever makes it, how late, and whatever became of it since."""

import json
import os
import shutil
import stat

import pytest

from dsgspool.clock import unix
from dsgspool.spool import Spool
from dsgspool.spool.moves import Moves
from dsgspool.spool.ticks import Instance, Ticks, is_name
from tests.support.actors import STATES
from tests.support.doors import ClockedFs, Crash, CrashingFs, files_below, goes_behind_its_listing

NOON = unix(2026, 11, 29, 12, 0, 0)
STAMP = "20261129T1200Z"


@pytest.fixture
def instance(world):
    text = world.text()
    world.accept(text)
    return Instance("night", text)


def leader(world, fs=None):
    return Ticks(Moves(Spool(world.root, fs or world.fs, world.clock)))


def make(ticks, instance, tick=NOON, *, skips=False):
    return ticks.make(instance, tick, tick + 1, skips=skips)


def lies(world):
    return [path.partition("~")[0] for path in files_below(world.root, STATES)]


def test_a_tick_is_a_task_in_todo(world, instance):
    ticks = leader(world)
    assert ticks.newest("night", skips=False) is None
    assert make(ticks, instance) == f"night-{STAMP}"
    assert lies(world) == [f"todo/night-{STAMP}"] and leader(world).newest("night", skips=False) == NOON
    assert files_below(world.root, ["schedules", "tmp"]) == [f"schedules/ticks/night/{STAMP}/tick.json"]
    world.check()


@pytest.mark.parametrize("fate", ["todo", "done", "removed"])
def test_a_leader_that_is_slow_by_an_hour_makes_it_no_second_time(world, instance, fate):
    make(leader(world), instance)
    [path] = files_below(world.root, ["todo"])
    if fate == "done":
        world.succeeded.add(world.version(f"{world.root}/{path}"))
        os.rename(f"{world.root}/{path}", f"{world.root}/done/night-{STAMP}.yaml")
    elif fate == "removed":
        os.unlink(f"{world.root}/{path}")
    before = lies(world)
    assert make(leader(world), instance) == "" and lies(world) == before
    assert os.listdir(f"{world.root}/tmp") == []


@pytest.mark.parametrize("skips", [False, True])
@pytest.mark.parametrize("how", ["before", "torn", "after"])
def test_a_leader_that_dies_anywhere_leaves_it_to_the_next(world, how, skips):
    at = died = 0
    while at == died:
        at += 1
        text, tick = world.text(), NOON + 60 * at
        world.accept(text)
        instance = Instance("night", text)
        fs = CrashingFs(world.clock, at, how, world.on_rename)
        ticks = leader(world, fs)
        fs.armed = True
        try:
            make(ticks, instance, tick, skips=skips)
        except Crash:
            died = at
        other = leader(world)
        if other.newest("night", skips=skips) != tick:
            make(other, instance, tick, skips=skips)
        world.check()
        assert make(leader(world), instance, tick, skips=skips) == ""
        [path] = files_below(world.root, ["todo"]) if skips else [""]
        if path:  # or the next one would be skipped
            world.succeeded.add(world.version(f"{world.root}/{path}"))
            os.rename(f"{world.root}/{path}", f"{world.root}/done/{path.partition('~')[0].removeprefix('todo/')}.yaml")
    assert died >= 8 or how == "torn"


def test_what_is_not_over_skips_the_next_tick(world, instance):
    ticks = leader(world)
    make(ticks, instance)
    assert make(ticks, Instance("night", b"command: 'x' # v99\n"), NOON + 60, skips=True) == ""
    assert lies(world) == [f"todo/night-{STAMP}"] and ticks.newest("night", skips=False) == NOON + 60
    with open(f"{world.root}/schedules/ticks/night/20261129T1201Z/tick.json") as file:
        assert f"night-{STAMP} was not over" in file.read()
    os.unlink(f"{world.root}/{files_below(world.root, ['todo'])[0]}")
    assert make(ticks, instance, NOON + 120, skips=True) == "night-20261129T1202Z"


def test_a_folder_that_goes_behind_its_listing_skips_no_tick(world, instance, monkeypatch):
    os.makedirs(gone := f"{world.root}/waiting/until-20991231T000000Z")
    goes_behind_its_listing(monkeypatch, gone)
    with pytest.raises(FileNotFoundError):
        make(leader(world), instance, skips=True)
    assert lies(world) == []
    os.rmdir(gone)
    assert leader(world).newest("night", skips=True) == NOON
    assert lies(world) == [f"todo/night-{STAMP}"]


class Slow(ClockedFs):
    """A leader's door: before its call number `at` another leader does all of its work."""

    def __init__(self, clock, at, other):
        super().__init__(clock)
        self.at, self.other, self.count = at, other, 0

    def step(self, name, args, call):
        self.count += 1
        if self.count == self.at:
            self.other()
        return super().step(name, args, call)


@pytest.mark.parametrize("step", [60, -60])
def test_a_leader_that_stands_still_anywhere_leaves_no_two_instances_open(world, step):
    """The other one makes another tick only, as `catch_up: last` has it after a minute."""
    for at in range(1, 200):
        other = Instance("night", world.text())
        stands = Slow(world.clock, at, lambda other=other: make(leader(world), other, NOON + step, skips=True))
        make(leader(world, stands), Instance("night", world.text()), NOON, skips=True)
        there = [path for path in lies(world) if path.startswith("todo/")]
        assert len(there) == 1, (at, there)
        if stands.count < at:
            break
        for path in files_below(world.root, ["todo"]):
            os.unlink(f"{world.root}/{path}")
        shutil.rmtree(f"{world.root}/schedules/ticks/night")
    assert at > 20


def test_a_tick_is_not_queued_once_later_ones_were_made(world, instance):
    ticks = leader(world)
    for number in range(1, 9):
        ticks.once.make(f"{world.root}/schedules/ticks/night/20261129T120{number}Z", "tick.json", {}, {})
    assert make(ticks, instance, skips=True) == "" and lies(world) == []


def test_what_a_leader_left_behind_is_skipped_when_another_instance_is_open_by_then(world, instance):
    ticks = leader(world)
    ticks.once.make(
        f"{world.root}/schedules/ticks/night/{STAMP}", "tick.json", {"at": "then"}, {"task.yaml": instance.text}
    )
    world.drop("night-20261129T1159Z")
    assert leader(world).newest("night", skips=True) == NOON
    assert lies(world) == ["todo/night-20261129T1159Z.yaml"]
    with open(f"{world.root}/schedules/ticks/night/{STAMP}/tick.json") as file:
        assert json.load(file) == {"at": "then", "skipped": "night-20261129T1159Z was not over"}


def test_another_task_with_a_like_name_skips_nothing(world, instance):
    world.drop("night-shift")
    world.drop("nights-20261129T1100Z")
    assert make(leader(world), instance, skips=True)


def test_the_owner_of_the_schedule_owns_the_task(world, instance):
    make(leader(world), Instance("night", instance.text, os.geteuid()))
    [path] = files_below(world.root, ["todo"])
    assert stat.S_IMODE(os.stat(f"{world.root}/{path}").st_mode) == 0o600


def test_old_ticks_are_forgotten_and_the_newest_never(world, instance):
    ticks = leader(world)
    for number in range(3):
        make(ticks, Instance("night", world.text()), NOON + 60 * number)
    assert ticks.old(NOON) == [] and ticks.old(NOON + 1e6) == [f"night/{STAMP}", "night/20261129T1201Z"]
    for tick in ticks.old(NOON + 1e6):
        ticks.remove(tick)
    assert os.listdir(f"{world.root}/schedules/ticks/night") == ["20261129T1202Z"]


def test_a_folder_in_an_old_tick_stops_no_prune(world, instance):
    ticks = leader(world)
    make(ticks, instance)
    os.mkdir(f"{world.root}/schedules/ticks/night/{STAMP}/mine")
    ticks.remove(f"night/{STAMP}")
    assert os.listdir(f"{world.root}/schedules/ticks/night/{STAMP}") == ["mine"]


def test_names():
    assert is_name("nightly build") and not is_name("a~b") and not is_name("x" * 140)
