"""The rule: a worker whose node is not to be had begins nothing, says so once, and takes tasks again by itself."""

import errno
import json
import os
import signal
from datetime import UTC, datetime

import pytest

from dsgspool.hours import parse_hours
from dsgspool.nodes import Rules
from dsgspool.snapshot import take
from dsgspool.spool.rest import Rest
from tests.support.doors import FlakyFs

MINUTE = 60.0


@pytest.fixture
def configure(world):
    """Write spool.yaml; clocks on walls show UTC."""

    def write(nodes="{}"):
        with open(f"{world.root}/spool.yaml", "w") as file:
            file.write(f"format: 1\ntimezone: UTC\nnodes: {nodes}\n")

    write()
    return write


def hours(world, begin, end):
    """A window from so many minutes after now until before so many."""
    seconds = (world.clock.wall() // MINUTE * MINUTE + minutes * MINUTE for minutes in (begin, end))
    return "-".join(datetime.fromtimestamp(moment, UTC).strftime("%H:%M") for moment in seconds)


def rules(world, begin, end):
    return Rules(parse_hours(hours(world, begin, end)))


def told(worker, event):
    """Lines of the journal."""
    worker.worker.journal.save()
    with open(f"{worker.root}/workers/{worker.wid}.jsonl") as file:
        return [line for line in map(json.loads, file) if line["event"] == event]


def control(worker, text):
    with open(f"{worker.root}/workers/{worker.wid}.control.yaml", "w") as file:
        file.write(f"{text}\n...\n")


def test_outside_of_its_hours_it_takes_nothing_and_inside_it_does(inside, world, configure):
    worker = inside(rules=rules(world, 10, 20))
    worker.drop("x")
    worker.live(30)
    assert worker.lies() == ["todo/x"]
    worker.turn(10 * MINUTE)
    worker.until(lambda: worker.lies() == ["done/x"])
    worker.turn(11 * MINUTE)
    worker.drop("y")
    worker.live(30)
    assert worker.lies() == ["done/x", "todo/y"]


def test_it_is_told_once_and_seen_from_elsewhere(inside, world, configure):
    text = hours(world, 10, 20)
    worker = inside(rules=Rules(parse_hours(text)))
    worker.live(60)
    (line,) = told(worker, "rest")
    assert line["why"] == f"run_between: {text}"
    (seen,) = take(worker.worker.spool).workers
    assert (seen.rest.key, seen.rest.why) == ("run_between", text)
    assert 8 * MINUTE <= seen.rest.until - world.clock.wall() <= 10 * MINUTE
    worker.turn(10 * MINUTE)
    assert len(told(worker, "rest")) == len(told(worker, "work")) == 1
    assert take(worker.worker.spool).workers[0].rest is None
    assert f"{worker.wid}.rest" not in os.listdir(f"{world.root}/workers")


@pytest.mark.parametrize("because", ["SIGINT", "control file"])
def test_one_that_drains_says_so_at_once_and_until_it_ends(inside, world, configure, because):
    worker = inside(slots=2, rules=rules(world, -10, 30))
    worker.drop("x", worker.gate())
    worker.until(lambda: worker.pid("x"))
    if because == "SIGINT":
        worker.worker.signals.append(signal.SIGINT)
        worker.turn()
    else:
        control(worker, "drain: true")
        worker.live(6)
        os.remove(f"{world.root}/workers/{worker.wid}.control.yaml")
    (seen,) = take(worker.worker.spool).workers
    assert seen.rest == Rest("drain", because)
    assert (seen.draining, seen.paused, seen.halted, seen.closes) == (True, False, True, None)
    control(worker, "paused: true")
    worker.turn(31 * MINUTE)  # out of its hours: that it ends says more
    assert take(worker.worker.spool).workers[0].rest == seen.rest
    assert not told(worker, "rest") and len(told(worker, "drain")) == 1


def test_one_that_drains_and_runs_nothing_ends_without_a_word(inside, world, configure):
    worker = inside()
    worker.turn()
    worker.worker.signals.append(signal.SIGTERM)
    worker.turn()
    assert worker.worker.controls.is_over()
    assert f"{worker.wid}.rest" not in os.listdir(f"{world.root}/workers")


def test_what_runs_goes_on_and_what_has_not_begun_is_given_back(inside, world, configure):
    worker = inside(slots=1, rules=rules(world, -10, 10))
    worker.drop("x", worker.gate())
    worker.until(lambda: worker.pid("x"))
    worker.drop("y", state=worker.folder)
    worker.until(lambda: any(name.startswith("y@") for name in worker.mine()))
    worker.turn(11 * MINUTE)
    worker.until(lambda: worker.lies("todo") == ["todo/y~0"])
    worker.open()
    worker.until(lambda: worker.lies() == ["done/x", "todo/y~0"])
    worker.drop("gift", state=worker.folder)
    worker.until(lambda: worker.lies("todo") == ["todo/gift~0", "todo/y~0"])
    worker.live(10)
    assert not worker.record("y") and not worker.record("gift")


def test_the_control_file_wins_over_how_it_was_started_and_that_over_the_settings(inside, world, configure):
    configure(f"{{'*': {{run_between: '{hours(world, 10, 20)}'}}}}")
    of_settings, of_flag = inside(), inside(rules=Rules(parse_hours("always")))
    for worker in (of_settings, of_flag):
        worker.live(6)
    rest = {wid: seen.rest for seen in take(of_flag.worker.spool).workers for wid in [seen.wid]}
    assert (bool(rest[of_settings.wid]), bool(rest[of_flag.wid])) == (True, False)
    later = hours(world, 30, 40)
    control(of_flag, f"run_between: {later}")
    of_flag.live(6)
    assert of_flag.worker.controls.resting.rest.why == later
    control(of_flag, "run_between: null")
    of_flag.live(6)
    assert of_flag.worker.controls.resting.rest is None


def test_a_change_of_the_settings_is_followed(inside, world, configure):
    worker = inside()
    worker.live(1)
    configure(f"{{'{worker.worker.station.identity.host}': {{run_between: '{hours(world, 10, 20)}'}}}}")
    worker.live(6)
    assert worker.worker.controls.resting.rest
    later = hours(world, 30, 40)
    configure(f"{{'*': {{run_between: '{later}'}}}}")
    worker.live(6)
    assert worker.worker.controls.resting.rest.why == later
    configure("{no-such-node: {run_between: weekends}}")
    worker.live(6)
    assert worker.worker.controls.resting.rest is None


def test_with_until_empty_it_waits_for_its_hours(inside, world, configure):
    worker = inside(until_empty=True, rules=rules(world, 10, 20))
    worker.drop("x")
    worker.live(30)
    assert not worker.worker.controls.emptied
    worker.turn(10 * MINUTE)
    worker.until(lambda: worker.worker.controls.emptied)
    assert worker.lies() == ["done/x"]


def test_what_could_perhaps_not_be_written_is_removed_all_the_same(inside, world, configure):
    class Doubtful(FlakyFs):
        def step(self, name, args, call):
            if name == "replace" and self.times > 0:
                call()
            return super().step(name, args, call)

    worker = inside(Doubtful(world.clock, {"replace": errno.EIO}, path=".rest"), rules=rules(world, 10, 20))
    worker.turn()
    assert f"{worker.wid}.rest" in os.listdir(f"{world.root}/workers")
    control(worker, "run_between: always")
    worker.live(6)
    assert worker.worker.controls.resting.rest is None
    assert f"{worker.wid}.rest" not in os.listdir(f"{world.root}/workers")


def test_when_nobody_can_be_told_it_rests_all_the_same_and_tells_later(inside, world, configure):
    fs = FlakyFs(world.clock, {"replace": errno.EIO}, times=2, path=".rest")
    worker = inside(fs, rules=rules(world, 10, 20))
    worker.drop("x")
    worker.live(4)
    assert f"{worker.wid}.rest" not in os.listdir(f"{world.root}/workers")
    worker.live(15)
    assert f"{worker.wid}.rest" in os.listdir(f"{world.root}/workers")
    assert worker.lies() == ["todo/x"]


def test_until_when_tasks_are_taken_is_told_and_followed(inside, world, configure):
    minute = world.clock.wall() // MINUTE * MINUTE
    worker = inside(rules=rules(world, -5, 20))

    def closes():
        [seen] = [each for each in take(worker.worker.spool).workers if each.wid == worker.wid]
        return seen.closes

    worker.until(lambda: closes() == minute + 20 * MINUTE)
    control(worker, "run_between: always")
    worker.until(lambda: closes() is None)
    minute = world.clock.wall() // MINUTE * MINUTE  # another one may have begun
    control(worker, f"run_between: {hours(world, -5, 10)}")
    worker.until(lambda: closes() == minute + 10 * MINUTE)
    worker.turn(11 * MINUTE)
    worker.until(lambda: worker.worker.controls.resting.rest and closes() is None)
