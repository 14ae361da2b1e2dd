"""The rule: a worker's own folder is the truth, an attempt ends only when all of it is dead, and the record comes first."""

import contextlib
import errno
import os
import shutil
import signal
import sys

import pytest

from dsgspool import proc
from dsgspool.errors import NodeError
from dsgspool.settings import Control
from dsgspool.spool.own import MAX_LOOKS
from dsgspool.spool.rest import Rest, rest_of
from dsgspool.worker import freezing
from dsgspool.worker.attempts import STOPPED
from dsgspool.worker.loop import Fenced
from tests.support.doors import CachedFolderFs, ClockedFs, FlakyFs, FullFs, LossyFs, RemoteFs
from tests.support.processes import is_alive
from tests.support.waiting import wait_until

HANGS = "sleep 600"
STUBBORN = "trap '' TERM\nwhile :; do sleep 0.05; done"


def running(worker, name="x", command=HANGS, **keys):
    """A task that runs; its pid."""
    worker.drop(name, command, **keys)
    return worker.until(lambda: worker.pid(name))


def configure(world, **settings):
    with open(f"{world.root}/spool.yaml", "w") as file:
        file.write("format: 1\n" + "".join(f"{key}: {value}\n" for key, value in settings.items()))


# -- the own folder is the truth


def test_a_task_whose_file_is_gone_is_killed_and_nothing_is_published(inside):
    worker = inside()
    pid = running(worker)
    (file,) = worker.mine()
    worker.mv(f"{worker.folder}/{file}", f"failed/{file}")
    worker.until(lambda: worker.lies() == ["failed/x~cancelled"])
    assert not is_alive(pid)
    assert (worker.record("x")["outcome"], worker.record("x")["next"]) == ("revoked", "nothing")
    assert worker.worker.intake.desk.is_empty


@pytest.fixture
def unlisted(inside, world):
    """A worker that has claimed x and could not list its folder then."""
    fs = FlakyFs(world.clock, {"inodes": errno.EIO}, times=0)
    worker = inside(fs)
    worker.turn()
    worker.drop("x")
    worker.worker.intake.look_soon()
    fs.times = 1
    worker.turn()
    return worker


def test_when_the_own_folder_cannot_be_listed_nothing_is_started_and_what_came_is_found_later(unlisted):
    worker = unlisted
    assert len(worker.mine()) == 1
    assert not worker.record("x")
    worker.until(lambda: worker.lies() == ["done/x"])


def test_what_a_person_takes_before_its_claimer_lists_its_folder_is_stripped(inside, world):
    class Taken(ClockedFs):
        def step(self, name, args, call):
            result = super().step(name, args, call)
            if name == "rename" and f"/{worker.folder}/" in args[1]:
                os.rename(args[1], f"{world.root}/hold/{os.path.basename(args[1])}")
            return result

    worker = inside(Taken(world.clock))
    worker.drop("x")
    worker.until(lambda: worker.lies() == ["hold/x~0"])
    assert not worker.record("x")


def test_what_a_person_takes_while_its_claimer_cannot_list_its_folder_is_stripped(unlisted):
    worker = unlisted
    (file,) = worker.mine()
    worker.mv(f"{worker.folder}/{file}", f"hold/{file}")
    worker.until(lambda: worker.lies() == ["hold/x~0"])
    assert not worker.record("x")


def test_what_waits_for_a_slot_and_is_taken_away_is_forgotten_and_stripped(inside):
    worker = inside(slots=1)
    running(worker)
    worker.drop("y", state=worker.folder)
    file = worker.until(lambda: next((name for name in worker.mine() if name.startswith("y@")), ""))
    worker.mv(f"{worker.folder}/{file}", f"hold/{file}")
    worker.until(lambda: worker.lies("hold") == ["hold/y~0"])
    assert not worker.record("y")


def test_what_ran_elsewhere_while_this_worker_was_slow_is_not_started(inside, world, monkeypatch):
    """Between its claim and its start a person took the file away, another worker ran it, and it failed for good."""
    worker = inside()
    intake = worker.worker.intake
    start = intake.starting.turn
    monkeypatch.setattr(intake.starting, "turn", lambda: None)
    worker.drop("x", HANGS)
    worker.until(lambda: intake.desk.ready)
    (file,) = worker.mine()
    worker.mv(f"{worker.folder}/{file}", "failed/x~exit1.yaml")
    with open(f"{world.root}/logs/x.1.yaml", "w") as record:
        record.write("task: x\nclaim: n2-bbbbbbbb.1\noutcome: exit1\nnext: failed~exit1\n...\n")
    start()
    assert not worker.worker.attempts.by_pid
    monkeypatch.setattr(intake.starting, "turn", start)
    worker.until(lambda: worker.record("x", 2).get("outcome"))
    assert (worker.record("x", 2)["outcome"], worker.record("x", 2)["next"]) == ("revoked", "nothing")
    assert worker.lies() == ["failed/x~exit1"]


def test_what_failed_and_was_requeued_runs_though_it_has_more_records_than_its_name_tells(inside, world):
    with open(f"{world.root}/logs/x.1.yaml", "w") as record:
        record.write("task: x\nclaim: n2-bbbbbbbb.1\noutcome: exit1\nnext: failed~exit1\n...\n")
    worker = inside()
    worker.drop("x")
    worker.until(lambda: worker.lies() == ["done/x"])
    assert worker.record("x", 2)["outcome"] == "done"


def test_what_is_still_being_written_and_is_taken_away_is_forgotten_and_stripped(inside):
    worker = inside()
    worker.drop("x", end="")
    (file,) = worker.until(worker.mine)
    worker.mv(f"{worker.folder}/{file}", f"hold/{file}")
    worker.until(lambda: worker.lies() == ["hold/x~0"])


def test_what_a_person_put_here_under_a_name_that_cannot_be_used_is_told(inside):
    worker = inside()
    worker.drop("a@b", state=worker.folder)
    worker.until(lambda: [path for path in worker.lies("failed") if "~invalid" in path])
    assert worker.mine() == []


def test_a_late_claim_is_run(inside):
    worker = inside()
    worker.drop(f"x@{worker.wid}.99", state=worker.folder)
    worker.until(lambda: worker.lies() == ["done/x"])


def test_a_late_claim_that_had_ended_goes_where_its_record_says(inside):
    worker = inside()
    with open(f"{worker.root}/logs/x.1.yaml", "w") as file:
        file.write(f"task: x\nclaim: {worker.wid}.99\noutcome: exit3\nnext: failed~exit3\n...\n")
    worker.drop(f"x@{worker.wid}.99", state=worker.folder)
    worker.until(lambda: worker.lies() == ["failed/x~exit3"])
    assert not worker.record("x", 2)


def test_a_living_owners_file_in_my_folder_is_left_to_its_owner(inside, world):
    worker, other = inside(), world.worker()
    worker.drop(f"x@{other.wid}.1", state=worker.folder)
    worker.live(12)
    assert worker.mine() == [f"x@{other.wid}.1.yaml"]
    assert not worker.record("x")


def test_a_copy_of_a_running_task_is_parked_and_the_task_runs_on(inside):
    worker = inside()
    pid = running(worker)
    (file,) = worker.mine()
    shutil.copy(f"{worker.root}/{worker.folder}/{file}", f"{worker.root}/todo/{file}")
    worker.until(lambda: worker.lies("hold") == ["hold/x~duplicate"])
    worker.live(6)
    assert worker.pid("x") == pid


def test_a_copy_of_a_task_that_has_ended_is_parked(inside):
    worker = inside()
    worker.drop("x")
    worker.until(lambda: worker.lies() == ["done/x"])
    worker.drop(f"x@{worker.record('x')['claim']}")
    worker.until(lambda: worker.lies() == ["done/x", "hold/x~duplicate"])
    assert not worker.record("x", 2)


def test_a_name_in_todo_keeps_its_claim_until_the_task_is_dead(inside):
    worker = inside()
    pid = running(worker, command=STUBBORN)
    (file,) = worker.mine()
    worker.mv(f"{worker.folder}/{file}", f"todo/{file}")

    def is_stripped():
        bare = "@" not in "".join(os.listdir(f"{worker.root}/todo"))
        assert not (bare and is_alive(pid))
        return bare

    worker.until(is_stripped)
    assert worker.record("x")["outcome"] == "revoked"


def test_every_file_that_carries_a_claim_that_is_over_is_stripped(inside):
    worker = inside()
    running(worker)
    (file,) = worker.mine()
    shutil.copy(f"{worker.root}/{worker.folder}/{file}", f"{worker.root}/hold/{file}")
    worker.mv(f"{worker.folder}/{file}", f"failed/{file}")
    worker.until(lambda: worker.record("x").get("outcome"))
    worker.live(1)
    assert worker.lies() == ["failed/x~cancelled", "hold/x~0"]


def test_a_name_that_cannot_be_stripped_now_is_stripped_at_a_later_heartbeat(inside, world):
    fs = FlakyFs(world.clock, {"rename": errno.EIO}, times=0, path="/failed/")
    worker = inside(fs)
    running(worker)
    (file,) = worker.mine()
    worker.mv(f"{worker.folder}/{file}", f"failed/{file}")
    fs.times = 3
    worker.until(lambda: worker.record("x").get("outcome"))
    assert "@" in "".join(os.listdir(f"{worker.root}/failed"))
    worker.until(lambda: worker.lies() == ["failed/x~cancelled"])


def test_what_a_person_takes_in_the_moment_of_its_publication_is_stripped(inside, world):
    def take(source, target):
        if target.endswith("/done/x.yaml"):
            os.rename(source, f"{world.root}/hold/{os.path.basename(source)}")

    worker = inside(LossyFs(world.clock, on_rename=take))
    worker.drop("x")
    worker.until(lambda: worker.record("x").get("outcome"))
    worker.live(1)
    assert worker.lies() == ["hold/x~0"]


def test_what_a_person_takes_at_the_moment_of_publication_is_told_to_nobody(inside, monkeypatch):
    worker, told = inside(), []
    monkeypatch.setattr(worker.worker.alerts, "published", lambda name, *_more: told.append(name.identity))
    give = worker.worker.own.give

    def taken(held, target, *, again=False):
        if held.name.identity == "x" and not again:
            os.rename(f"{worker.root}/{worker.folder}/{held.file}", f"{worker.root}/hold/x.yaml")
        return give(held, target, again=again)

    monkeypatch.setattr(worker.worker.own, "give", taken)
    worker.drop("x")
    worker.drop("y")
    worker.until(lambda: worker.lies() == ["done/y", "hold/x"])
    worker.live(2)
    assert told == ["y"]


@pytest.mark.parametrize("by_others", [True, False])
def test_what_others_publish_who_took_me_for_dead_they_tell_and_not_i(inside, monkeypatch, by_others):
    worker, told = inside(), []
    monkeypatch.setattr(worker.worker.alerts, "published", lambda name, *_more: told.append(name.identity))
    give = worker.worker.own.give

    def published(held, target, *, again=False):
        if not again:  # by others, or by my own request, whose answer was lost
            if by_others:
                open(f"{worker.root}/workers/{worker.worker.station.wid}.fenced", "x").close()
            os.rename(f"{worker.root}/{worker.folder}/{held.file}", target)
        return give(held, target, again=again)

    monkeypatch.setattr(worker.worker.own, "give", published)
    worker.drop("x")
    with pytest.raises(Fenced) if by_others else contextlib.nullcontext():
        worker.until(lambda: worker.lies() == ["done/x"])
        worker.live(6)
    assert worker.lies() == ["done/x"] and told == ([] if by_others else ["x"])


def test_a_worker_whose_folder_is_gone_is_fenced(inside):
    worker = inside()
    worker.turn()
    worker.mv(worker.folder, "tmp/away")
    with pytest.raises(Fenced, match="is gone"):
        worker.live(6)


def test_a_worker_whose_lock_is_gone_says_which_file_that_is(inside):
    worker = inside()
    worker.turn()
    os.unlink(lock := worker.worker.lease.path)
    with pytest.raises(Fenced, match=f"{lock} is gone"):
        worker.live(6)


# -- from todo/ to a start


def test_nothing_is_claimed_out_of_a_batch_that_was_moved_away_though_the_client_has_it_cached(inside, world):
    fs = CachedFolderFs(world.clock)
    worker = inside(fs, slots=1)
    for n in "12":
        worker.drop(f"s/{n}", worker.gate())
    worker.until(lambda: worker.pid("s/1"), step=0.0)
    worker.mv("todo/s", "hold/s")
    worker.open()
    worker.until(lambda: "done/s/1" in worker.lies(), step=0.0)
    for _ in range(5):
        worker.turn()
    fs.forget()
    assert worker.lies() == ["done/s/1", "hold/s/2"]


def test_while_pause_lies_there_nothing_is_claimed(inside, world):
    worker = inside()
    with open(f"{world.root}/PAUSE", "w"):
        pass
    worker.drop("x")
    worker.live(6)
    assert worker.lies() == ["todo/x"]
    os.unlink(f"{world.root}/PAUSE")
    worker.until(lambda: worker.lies() == ["done/x"])


@pytest.mark.parametrize("how", ["PAUSE", "control", "gift"])
def test_what_waits_for_a_slot_does_not_begin_after_a_pause(inside, world, how):
    worker = inside()
    running(worker, "a", worker.gate())
    worker.drop("b", cpus=2, state=worker.folder if how == "gift" else "todo")
    worker.until(lambda: any(name.startswith("b@") for name in worker.mine()))
    if how == "control":
        worker.worker.controls.control = Control(paused=True)
    else:
        open(f"{world.root}/PAUSE", "w").close()
    worker.open()
    worker.until(lambda: "done/a" in worker.lies())
    if how == "gift":  # a person put it here
        worker.until(lambda: "done/b" in worker.lies())
        return
    worker.live(2)
    assert worker.lies() == ["done/a", "todo/b~0"] and not worker.record("b")


@pytest.mark.parametrize("how", ["drain", "PAUSE"])
def test_a_file_that_is_still_being_written_is_not_given_back_as_if_it_were_whole(inside, world, how):
    worker = inside()
    worker.drop("x", end="")
    worker.until(worker.mine)
    if how == "drain":
        worker.worker.controls.drain("the test")
    else:
        open(f"{world.root}/PAUSE", "w").close()
    file = f"{worker.root}/{worker.folder}/{worker.mine()[0]}"
    for _ in range(3):
        worker.live(1.5)
        with open(file, "a") as text:
            text.write("# later\n")
    assert worker.lies("todo") == [] and not worker.worker.controls.is_over()
    worker.until(lambda: worker.lies() == ["todo/x~0"])
    assert not worker.record("x")


def claim_and_die(inside, world, name=""):
    """A worker that dies while the file that it has claimed, one without its last line, settles."""
    victim = inside()
    if name:
        victim.drop(name, end="")
    victim.until(victim.mine)
    open(f"{world.root}/workers/{victim.wid}.dead", "w").close()


def test_a_file_that_is_still_being_written_settles_again_when_its_worker_has_died(inside, world):
    """Twice: the name that it got by the first death says it by the second too."""
    claim_and_die(inside, world, "x")
    claim_and_die(inside, world)
    heir = inside()
    (file,) = heir.until(heir.mine)
    assert file.startswith("x~settling.")
    for _ in range(3):
        heir.live(1.5)
        assert not heir.record("x")
        with open(f"{heir.root}/{heir.folder}/{file}", "a") as text:
            text.write("# later\n")
    heir.until(lambda: heir.lies() == ["done/x"])
    assert heir.record("x")["text"] == "command: 'true'\n# later\n# later\n# later\n"


@pytest.mark.parametrize("name", ["x", "x~0.aaaaaaaa-1"])
def test_what_its_claimer_could_not_open_settles_again(inside, world, claims, name):
    """Nobody has looked into it, so only a name that a program gave may go on saying that it is whole."""
    worker = inside(FlakyFs(world.clock, {"read": errno.ESTALE}, times=MAX_LOOKS, path=f"/{name}"))
    worker.drop(name, end="")
    worker.until(lambda: worker.lies() == ["done/x"])
    first, second = claims
    assert first == f"{name}.yaml"
    assert second.startswith("x~settling." if name == "x" else "x~0.")


def test_what_has_no_name_is_not_run_by_another_one_when_its_record_could_not_be_made(inside, world):
    worker = inside(FlakyFs(world.clock, {"create": errno.ENOSPC}, path="logs/invalid-"))
    worker.drop("a@b", f"touch {world.root}/tmp/.ran")
    worker.until(lambda: worker.lies() == ["failed/invalid-b762d0ce5e2d~invalid"])
    assert not os.path.exists(f"{world.root}/tmp/.ran")


def test_what_has_no_name_is_not_run_by_another_one_when_who_took_it_has_died(inside, world):
    worker = inside()
    for mark in ("yaml", "dead"):
        open(f"{world.root}/workers/gone-aaaaaaaa.{mark}", "w").close()
    os.mkdir(f"{world.root}/running/gone-aaaaaaaa")
    path = "invalid-b762d0ce5e2d~invalid@gone-aaaaaaaa.1"
    worker.drop(path, f"touch {world.root}/tmp/.ran", state="running/gone-aaaaaaaa")
    worker.until(lambda: worker.lies() == ["failed/invalid-b762d0ce5e2d~invalid"])
    assert "rename it" in worker.record("invalid-b762d0ce5e2d")["reason"]


def test_a_script_that_cannot_be_removed_keeps_nothing_of_an_attempt_from_its_place(inside, monkeypatch):
    worker = inside()
    worker.drop("x", None, script="#!/bin/sh\n" + worker.gate())
    worker.until(lambda: worker.pid("x"))
    remove = worker.fs.remove

    def refused(path):
        if "/dsgspool-" in path:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
        return remove(path)

    monkeypatch.setattr(worker.fs, "remove", refused)
    worker.open()
    worker.until(lambda: worker.lies() == ["done/x"])


def test_a_log_that_another_client_has_removed_keeps_no_attempt_from_its_end(inside, monkeypatch):
    """An NFSv3 client that asks about such a file is told ESTALE, as long as it has it open."""
    worker = inside()
    worker.drop("x", worker.gate(), max_log="1M")
    worker.until(lambda: worker.pid("x"))
    logs = next(iter(worker.worker.attempts.by_pid.values())).logs

    def stale(call):
        def answer(descriptor):
            if descriptor in logs:
                raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
            return call(descriptor)

        return answer

    for name in ("fstat", "fsync"):
        monkeypatch.setattr(os, name, stale(getattr(os, name)))
    worker.worker.attempts.runner.flushes = True
    troubles = []
    monkeypatch.setattr(worker.worker, "trouble", troubles.append)
    worker.live(10)
    assert not troubles
    worker.drop("y")
    worker.until(lambda: "done/y" in worker.lies())
    worker.open()
    worker.until(lambda: "done/x" in worker.lies())


def test_what_has_settled_keeps_no_sign_of_it_when_it_is_given_back(inside):
    worker = inside(slots=1)
    worker.drop("x~settling.aaaaaaaa-1", cpus=2)
    worker.until(lambda: worker.lies("todo") == ["todo/@cpus2/x~0"])


def test_what_a_dead_worker_had_not_begun_keeps_the_counts_that_a_person_gave_it(inside, world):
    claim_and_die(inside, world, "x~2")
    heir = inside()
    (file,) = heir.until(heir.mine)
    assert file.startswith("x~2.")


def test_a_file_that_is_still_being_written_runs_only_when_two_looks_show_the_same(inside):
    worker = inside()
    worker.drop("x", end="")
    worker.until(worker.mine)
    worker.live(1.5)
    assert not worker.record("x")
    with open(f"{worker.root}/{worker.folder}/{worker.mine()[0]}", "a") as file:
        file.write("description: later\n")
    worker.live(1.5)
    assert not worker.record("x")
    worker.until(lambda: worker.lies() == ["done/x"])
    assert "later" in str(worker.record("x")["text"])


def test_a_file_that_ends_within_a_line_is_not_run_after_the_first_two_looks(inside):
    worker = inside()
    worker.drop("x", end="description: half")
    worker.until(worker.mine)
    worker.live(9)  # its writer stands still for longer than `settle`
    assert not worker.record("x")
    with open(f"{worker.root}/{worker.folder}/{worker.mine()[0]}", "a") as file:
        file.write(" and whole\n")
    worker.until(lambda: worker.lies() == ["done/x"])
    assert "half and whole" in str(worker.record("x")["text"])


def test_a_file_that_stays_empty_for_a_lease_is_invalid_and_not_before(inside, world):
    worker = inside()
    with open(f"{world.root}/todo/x.yaml", "w"):
        pass
    worker.live(45)
    assert worker.lies("failed") == []
    worker.live(10)
    assert worker.lies() == ["failed/x~invalid"]


def test_a_task_whose_file_was_written_to_while_it_ran_is_parked(inside):
    worker = inside()
    running(worker, command=worker.gate())
    with open(f"{worker.root}/{worker.folder}/{worker.mine()[0]}", "a") as file:
        file.write("# a new thought\n")
    worker.open()
    worker.until(lambda: worker.lies() == ["hold/x~changed"])


def test_what_is_given_back_while_its_batch_is_parked_is_parked(inside):
    worker = inside()
    running(worker, "s/x", f"{worker.gate()}; exit 1", retries=3)
    worker.mv("todo/s", "hold/s")
    worker.open()
    worker.until(lambda: worker.lies() == ["hold/s/x~1"])


def test_what_is_given_back_unrun_while_its_batch_is_parked_is_parked(inside):
    worker = inside()
    worker.drop("s/x", end="")
    worker.until(worker.mine)
    worker.mv("todo/s", "hold/s")
    worker.worker.controls.drain("the test")
    worker.until(lambda: worker.lies() == ["hold/s/x~0"])


@pytest.mark.parametrize("drains", [False, True])
def test_a_worker_that_is_stopped_tells_others_why(inside, drains):
    worker = inside()
    running(worker, "x", f"trap '' TERM; {worker.gate()}", grace="1m")
    path = f"{worker.root}/workers/{worker.wid}.rest"
    if drains:
        worker.worker.controls.drain("SIGTERM")
        worker.until(lambda: os.path.exists(path))
    worker.worker.controls.stop("the guard is dead")

    def told():
        return rest_of(worker.worker.spool, worker.wid, os.listdir(os.path.dirname(path)))

    worker.until(lambda: told() == Rest("drain", "the guard is dead"))


def test_a_file_that_became_whole_and_finds_no_slot_is_given_back(inside):
    worker = inside(slots=1)
    for name in "xy":
        worker.drop(name, HANGS, end="")
    worker.until(lambda: len(worker.mine()) == 2)
    worker.until(lambda: len(worker.mine()) == 1)
    assert [path[-2:] for path in worker.lies("todo")] == ["~0"]


def test_a_task_that_wants_more_slots_goes_to_the_lane_that_says_so(inside):
    worker = inside()
    worker.drop("@p5/x", cpus=8)
    worker.until(lambda: worker.lies() == ["todo/@p5,cpus8/x~0"])


def test_a_task_of_a_newer_format_goes_to_the_lane_that_says_so(inside):
    worker = inside()
    worker.drop("x", format=2)
    worker.until(lambda: worker.lies() == ["todo/@format2/x~0"])


def test_a_wide_task_at_the_head_is_not_overtaken(inside):
    worker = inside()
    running(worker, "a", worker.gate())
    worker.drop("b", cpus=2, state=worker.folder)
    worker.until(lambda: any(name.startswith("b@") for name in worker.mine()))
    worker.drop("c", state=worker.folder)
    worker.until(lambda: any(name.startswith("c@") for name in worker.mine()))
    worker.live(2)
    assert not worker.record("c")
    worker.open()
    worker.until(lambda: worker.lies() == ["done/a", "done/b", "done/c"])


def test_until_empty_looks_once_more_after_the_others_have_nothing(inside, world, monkeypatch):
    worker, other = inside(until_empty=True), world.worker()
    file = f"running/{other.wid}/x@{other.wid}.1.yaml"
    worker.drop(f"x@{other.wid}.1", state=f"running/{other.wid}")
    asked = worker.worker.intake._others_have_work

    def ask_after_it_was_given_back():
        if os.path.exists(f"{world.root}/{file}"):
            worker.mv(file, "todo/x~0.aaaaaaaa-1.yaml")
        return asked()

    monkeypatch.setattr(worker.worker.intake, "_others_have_work", ask_after_it_was_given_back)
    worker.until(worker.worker.controls.is_over)
    assert worker.lies() == ["done/x"]


def test_until_empty_says_once_what_is_left_and_waits_for_what_comes_while_alerts_are_told(inside, monkeypatch):
    """A retry of a task that an alert had submitted was left in waiting/; what stays was told at each turn meanwhile."""
    worker, told = inside(until_empty=True), []
    monkeypatch.setattr(worker.worker, "tell", lambda event, *_, **__: told.append(event))
    worker.drop("wide", state="todo/@cpus64")
    worker.drop("x", "exit 1", on_failed=worker.gate())
    worker.until(lambda: worker.worker.controls.emptied)
    worker.live(5)
    assert told.count("left") == 1 and not worker.worker.controls.is_over()
    worker.drop("y", f"{worker.gate('first')}; [ $DSGSPOOL_ATTEMPT = 2 ]", retries=1, backoff="60s")
    worker.until(lambda: worker.pid("y"))
    worker.open()
    worker.until(lambda: not worker.worker.alerts.is_busy)
    worker.open("first")
    worker.until(worker.worker.controls.is_over)
    assert worker.lies() == ["done/y", "failed/x~exit1", "todo/@cpus64/wide"] and told.count("left") == 2


def test_until_empty_waits_for_what_an_editor_has_taken_out(inside, monkeypatch):
    worker, asked = inside(until_empty=True), []
    worker.drop("x", state="edits/e.open/out/todo")
    awaits = worker.worker.janitor.awaits_an_edit

    def ask_until_it_is_back():
        asked.append(awaits())
        if len(asked) == 3:
            worker.mv("edits/e.open/out/todo/x.yaml", "todo/x~0.aaaaaaaa-1.yaml")
        return asked[-1]

    monkeypatch.setattr(worker.worker.janitor, "awaits_an_edit", ask_until_it_is_back)
    worker.until(worker.worker.controls.is_over)
    assert asked[:3] == [True] * 3 and worker.lies() == ["done/x"]


def test_until_empty_does_not_wait_for_an_editor_whom_no_leader_could_help(inside, world):
    worker = inside(until_empty=True)
    worker.drop("x", state="edits/e.open/out/todo")
    os.utime(f"{world.root}/edits/e.open/out/todo", (0, 0))
    worker.worker.janitor.sweep = lambda: 0  # as where it is another user's
    worker.until(worker.worker.controls.is_over)


def test_a_second_file_of_a_name_waits_while_the_first_runs(inside):
    worker = inside()
    pid = running(worker)
    worker.drop("x")
    worker.until(lambda: worker.lies("waiting"))
    assert worker.pid("x") == pid
    assert not worker.record("x", 2)


# -- the record comes first


def test_a_text_that_kills_its_worker_in_the_parser_counts(inside, monkeypatch):
    def die(*_args, **_options):
        raise SystemExit

    worker = inside()
    monkeypatch.setattr(freezing, "parse_task", die)
    worker.drop("x")
    with pytest.raises(SystemExit):
        worker.live(2)
    assert str(worker.record("x")["claim"]).startswith(worker.wid)


def test_on_a_share_a_command_starts_and_a_file_leaves_only_after_the_record_was_flushed(inside, world, monkeypatch):
    fs = RemoteFs(world.clock)
    worker = inside(fs)
    spawn = proc.spawn
    monkeypatch.setattr(proc, "spawn", lambda launch: (fs.told.append(("spawn", "", False)), spawn(launch))[1])
    worker.drop("x")
    worker.until(lambda: worker.lies() == ["done/x"])
    steps = [
        word for word, text, flushed in fs.told
        if word == "spawn" or (flushed and ("digest" in text or "outcome" in text)) or text.endswith("/done/x.yaml")
    ]  # fmt: skip
    assert steps == ["append", "spawn", "append", "rename"]


def test_with_strict_durability_records_and_folders_are_flushed(inside, world):
    configure(world, durability="strict")
    fs = RemoteFs(world.clock)
    fs.mount = super(RemoteFs, fs).mount
    worker = inside(fs)
    worker.drop("x")
    worker.until(lambda: worker.lies() == ["done/x"])
    flushed = [text for _, text, flushed in fs.told if flushed]
    assert [word for word in ("digest", "outcome", "/logs/", "/done") if any(word in text for text in flushed)] == [
        "digest", "outcome", "/logs/", "/done",
    ]  # fmt: skip


def test_on_a_full_disk_an_attempt_that_ended_is_published_only_when_its_record_has_an_end(inside, world):
    fs = FullFs(world.clock)
    worker = inside(fs)
    running(worker, command=worker.gate())
    fs.space = False
    worker.open()
    worker.until(lambda: not worker.pid("x"))
    worker.drop("y")
    worker.live(6)
    assert "todo/y" in worker.lies()
    assert len(worker.mine()) == 1
    fs.space = True
    worker.until(lambda: worker.lies() == ["done/x", "done/y"])


# -- who is alive


def test_an_attempt_whose_writer_was_buried_a_moment_ago_makes_nobody_wait(inside, world):
    """Another worker saw the tombstone first and gave the task back; since my last listing of workers/ no time passed."""
    for kind in ("yaml", "lock"):
        open(f"{world.root}/workers/n2-bbbbbbbb.{kind}", "w").close()
    worker = inside()
    worker.live(2)
    open(f"{world.root}/workers/n2-bbbbbbbb.dead", "w").close()
    with open(f"{world.root}/logs/x.1.yaml", "w") as record:
        record.write("task: x\nclaim: n2-bbbbbbbb.1\n")
    worker.drop("x~0l1.cccccccc-1")
    worker.worker.intake.look_soon()
    worker.until(lambda: worker.record("x", 2), step=0.0)


# -- the end of an attempt


def test_an_attempt_ends_only_when_nothing_of_it_is_left(inside, world, monkeypatch):
    spare = [True]
    for send in (proc.send, proc.send_group):
        monkeypatch.setattr(proc, send.__name__, lambda whom, n, send=send: None if spare[0] else send(whom, n))
    worker = inside()
    worker.drop("x", f"setsid sleep 600 & echo $! > {world.root}/tmp/.pid")
    worker.until(lambda: worker.worker.attempts.clearing)
    worker.live(1)
    assert not worker.lies("done")
    spare[0] = False
    worker.until(lambda: worker.lies() == ["done/x"])
    with open(f"{world.root}/tmp/.pid") as file:
        assert not is_alive(int(file.read()))


def test_an_attempt_that_has_ended_keeps_no_descriptor(inside):
    worker, counts = inside(), []
    for name in "xyz":
        worker.drop(name)
        worker.until(lambda name=name: f"done/{name}" in worker.lies())
        counts.append(len(os.listdir("/proc/self/fd")))
    assert counts[1] == counts[2]


def test_of_an_attempt_that_is_over_its_time_out_keeps_nothing(inside):
    worker = inside()
    worker.drop("x", "true", timeout="1d")
    running(worker, "y", timeout="1d")
    worker.until(lambda: "done/x" in worker.lies())
    worker.worker.attempts.tend()
    assert [alarm[2].name.identity for alarm in worker.worker.alarms] == ["y"]


def test_a_command_that_ignores_term_is_killed_after_its_grace(inside):
    worker = inside()
    pid = running(worker, command=STUBBORN, grace="3s")
    os.unlink(f"{worker.root}/{worker.folder}/{worker.mine()[0]}")
    worker.until(lambda: worker.record("x").get("outcome"))
    assert not is_alive(pid)


def test_what_a_stopped_command_began_has_the_grace_too_though_its_shell_ends_at_once(inside):
    worker = inside()
    trap = "sh -c 'trap \"sleep 0.5; echo saved; exit\" TERM; echo on >&2; while :; do sleep 0.05; done'"
    running(worker, command=f"{trap}; true", grace="30s")
    wait_until(lambda: os.path.getsize(f"{worker.root}/logs/x.1.err"), 10)
    attempts = worker.worker.attempts
    attempts.stop(next(iter(attempts.by_pid.values())), STOPPED)
    worker.until(lambda: worker.record("x").get("outcome"), step=0.0)
    with open(f"{worker.root}/logs/x.1.out") as file:
        assert file.read() == "saved\n"


@pytest.mark.parametrize("apart", ["os.setsid()", "os.setpgid(0, 0)"])
def test_what_is_no_more_below_its_command_is_told_to_end_with_it(inside, apart):
    worker = inside()
    code = f"import os; {apart}; os.write(2, b'on'); os.execlp('sleep', 'sleep', '60')"
    running(worker, command=f'({sys.executable} -c "{code}" &)\nsleep 60; true', grace="30s")
    wait_until(lambda: os.path.getsize(f"{worker.root}/logs/x.1.err"), 10)
    attempts = worker.worker.attempts
    attempts.stop(next(iter(attempts.by_pid.values())), STOPPED)
    worker.until(lambda: worker.record("x").get("outcome"), step=0.0)


def test_what_was_in_the_middle_of_exec_when_its_command_was_stopped_is_told_a_moment_later(inside, monkeypatch):
    worker = inside()
    code = "import os; os.setsid(); os.write(2, b'on'); os.execlp('sleep', 'sleep', '60')"
    running(worker, command=f'({sys.executable} -c "{code}" &)\nsleep 60; true', grace="30s")
    wait_until(lambda: os.path.getsize(f"{worker.root}/logs/x.1.err"), 10)
    attempts, marker = worker.worker.attempts, proc.marker
    monkeypatch.setattr(proc, "marker", lambda _: "")
    attempts.stop(next(iter(attempts.by_pid.values())), STOPPED)
    monkeypatch.setattr(proc, "marker", marker)
    began = worker.clock.boot()
    worker.until(lambda: worker.record("x").get("outcome"), step=0.0)
    assert worker.clock.boot() - began < 15.0  # the grace is 30 s


def test_what_could_not_be_read_and_was_then_taken_away_loses_its_claim(inside, monkeypatch):
    worker = inside()
    own, read = worker.worker.own, worker.worker.own.read

    def refused(held, _inode):
        monkeypatch.setattr(own, "read", read)
        os.makedirs(f"{worker.root}/hold", exist_ok=True)
        os.rename(f"{own.path}/{held.file}", f"{worker.root}/hold/{held.file}")
        raise OSError(errno.ENOSPC, "the disk is full", held.file)

    monkeypatch.setattr(own, "read", refused)
    for name in "xy":  # of the second it is not even asked
        worker.drop(name)
    worker.until(
        lambda: "done/y" in worker.lies() and not any("@" in file for file in os.listdir(f"{worker.root}/hold"))
    )
    assert os.listdir(f"{worker.root}/hold")


STUBBORN_AND_READY = STUBBORN.replace("\n", "\necho on >&2\n", 1)


def test_what_many_left_in_their_grace_is_looked_at_once_for_all_of_them(inside, monkeypatch):
    """A thousand looks at a thousand children, again and again, outlast the fence."""
    worker = inside(slots=3)
    attempts = worker.worker.attempts
    for name in "xyz":
        running(worker, name, command=f"({STUBBORN_AND_READY}) & wait", grace="1d")
        wait_until(lambda name=name: os.path.getsize(f"{worker.root}/logs/{name}.1.err"), 10)
    attempts.stop_all()
    worker.until(lambda: len(attempts.clearing) == 3)
    looks, marker = [], proc.marker
    monkeypatch.setattr(proc, "marker", lambda pid: looks.append(pid) or marker(pid))
    attempts.reap()
    assert len(looks) == len(set(looks)) >= 3


@pytest.mark.parametrize(
    "command", [STUBBORN_AND_READY, f"({STUBBORN_AND_READY}) & wait"], ids=["itself", "what it began"]
)
def test_who_ends_a_worker_waits_for_no_grace(inside, command):
    worker = inside()
    running(worker, command=command, grace="1d")
    attempts = worker.worker.attempts
    wait_until(lambda: os.path.getsize(f"{worker.root}/logs/x.1.err"), 10)
    attempts.stop(next(iter(attempts.by_pid.values())), STOPPED)
    if command != STUBBORN_AND_READY:
        worker.until(lambda: attempts.clearing)
    began = worker.clock.boot()
    attempts.kill_all()
    assert not attempts.has_processes
    assert worker.clock.boot() - began < worker.worker.settings.kill / 2


# -- whose files


def test_a_file_that_others_may_write_to_is_not_run(inside):
    worker = inside()
    os.chmod(worker.drop(".x"), 0o646)
    worker.mv("todo/.x.yaml", "todo/x.yaml")
    worker.until(lambda: worker.lies() == ["failed/x~invalid"])
    assert "everybody may write to it" in worker.record("x")["reason"]


def test_a_file_put_in_the_place_of_one_that_settles_is_judged_anew(inside):
    """Who may move things into a worker's folder must not have another's text run there as the first one's."""
    worker = inside()
    worker.drop("x", end="")
    (file,) = worker.until(worker.mine)
    os.chmod(worker.drop(".y", end="", command="false"), 0o646)
    worker.mv("todo/.y.yaml", f"{worker.folder}/{file}")
    worker.until(lambda: worker.lies() == ["failed/x~invalid"])
    assert "everybody may write to it" in worker.record("x")["reason"]


def test_a_spool_yaml_that_others_may_write_to_changes_nothing_and_stops_claims(inside, world):
    worker = inside()
    configure(world, max_lost=7)
    os.chmod(f"{world.root}/spool.yaml", 0o646)
    worker.until(lambda: "everybody may write to it" in worker.worker.controls.settings_trouble)
    assert worker.worker.settings.max_lost == 3
    worker.drop("x")
    worker.live(12)
    assert worker.lies() == ["todo/x"]
    os.chmod(f"{world.root}/spool.yaml", 0o644)
    worker.until(lambda: worker.lies() == ["done/x"])


# -- fenced, or at the end


@pytest.mark.parametrize("mark", ["fenced", "dead"])
def test_a_worker_that_others_took_for_dead_kills_ends_its_records_and_publishes_nothing(inside, world, mark):
    worker = inside()
    ended, runs = running(worker, "x", worker.gate()), running(worker, "y")
    files = worker.mine()
    with open(f"{world.root}/workers/{worker.wid}.{mark}", "w"):
        pass
    worker.open()
    wait_until(lambda: not is_alive(ended), 5)
    with pytest.raises(Fenced, match="took this one for dead"):
        worker.turn(5.0)
    worker.end()
    assert not is_alive(runs)
    assert worker.mine() == files
    assert (worker.record("x")["next"], worker.record("y")["outcome"]) == ("done", "revoked")


def test_a_worker_that_ends_in_order_removes_its_folder(inside):
    worker = inside()
    worker.drop("x")
    worker.until(lambda: worker.lies() == ["done/x"])
    worker.worker.controls.drain("the test")
    worker.until(worker.worker.controls.is_over)
    worker.end()
    assert os.listdir(f"{worker.root}/running") == []


# -- heartbeat and peers


def test_the_guard_hears_of_a_heartbeat_only_when_the_own_folder_was_listed_too(inside, world):
    listen, speak = os.pipe()
    os.set_blocking(listen, False)
    fs = FlakyFs(world.clock, {"inodes": errno.EIO}, times=0)
    worker = inside(fs, guard_fd=speak)
    worker.turn()
    os.read(listen, 4096)
    fs.times = 1
    worker.turn(5.0)
    with pytest.raises(BlockingIOError):
        os.read(listen, 4096)
    worker.turn(5.0)
    assert b"beat" in os.read(listen, 4096)
    os.close(listen)
    os.close(speak)


def test_a_worker_whose_guard_is_gone_does_not_begin(inside, monkeypatch):
    worker = inside(guard_pid=2**22 + 1)
    monkeypatch.setattr(signal, "set_wakeup_fd", lambda *_args, **_options: -1)
    monkeypatch.setattr(signal, "signal", lambda *_args: None)
    with pytest.raises(NodeError, match="guard died"):
        worker.worker._listen_to_signals()


def test_a_worker_that_is_cut_off_itself_declares_nobody_dead(inside, world):
    fs = FlakyFs(world.clock, {"touch": errno.EIO}, times=0, path=".lock")
    worker, other = inside(fs), world.worker()
    worker.live(20)
    fs.times = 10**6
    worker.live(40)
    fs.times = 0
    worker.live(10)
    assert not worker.worker.peers.verdict(other.wid)
    worker.live(60)
    assert "no heartbeat" in worker.worker.peers.verdict(other.wid)


def test_a_worker_whose_inventory_is_gone_writes_it_again(inside, world):
    worker = inside()
    worker.turn()
    os.unlink(f"{world.root}/workers/{worker.wid}.yaml")
    worker.live(2)
    assert os.path.exists(f"{world.root}/workers/{worker.wid}.yaml")


def test_the_leader_touches_todo_every_30_s(inside, world):
    worker = inside()
    worker.turn()
    os.utime(f"{world.root}/todo", (0, 0))
    worker.live(28)
    assert os.stat(f"{world.root}/todo").st_mtime == 0
    worker.live(4)
    assert os.stat(f"{world.root}/todo").st_mtime > 0
