"""The rule: what a dead worker left is sorted by the record of that very claim, again and again; two may do it at once."""

import errno
import os

import pytest

from dsgspool.janitor import DAY
from dsgspool.task import Kind, Outcome, State
from tests.support.actors import STATES
from tests.support.doors import BelievingFs, FlakyFs, files_below

DONE, EXIT = Outcome(Kind.DONE, 0), Outcome(Kind.EXIT, 1)


@pytest.fixture
def dying(world):
    """A worker that will die."""
    return world.worker()


def lies(world, *folders):
    return files_below(world.root, folders or STATES)


def running(worker, name, *, steps=3):
    """A task of a worker, some steps on."""
    worker.world.drop(name)
    work = worker.claim(f"{name}.yaml")
    for _ in range(steps):
        worker.advance(work, DONE)
    return work


# -- the dead


def test_what_never_began_goes_back_uncounted(world, dying, actor):
    running(dying, "x", steps=0)
    world.crash(dying)
    actor.sweep()
    assert [name.stem.partition(".")[0] for _, name in world.spool.tasks(State.TODO)] == ["x~settling"]


def test_what_was_running_goes_back_and_the_loss_is_counted(world, dying, actor):
    running(dying, "@p10/s/x")
    world.crash(dying)
    actor.sweep()
    assert [path.partition(".")[0] for path in lies(world)] == ["todo/@p10/s/x~0l1"]


def test_what_was_lost_too_often_fails(world, actor):
    for _ in range(3):
        dying = world.worker()
        if not lies(world, "todo"):
            world.drop("x")
        work = dying.claim(dying.candidates()[0])
        for _ in range(3):
            dying.advance(work, DONE)
        world.crash(dying)
        actor.sweep()
    assert [path.partition(".")[0] for path in lies(world)] == ["failed/x~lost"]


@pytest.mark.parametrize(("outcome", "target"), [(DONE, "done/x.yaml"), (EXIT, "failed/x~exit1.yaml")])
def test_what_had_ended_is_published_and_never_run_again(world, dying, actor, outcome, target):
    world.retries = 0
    dying.end(running(dying, "x"), outcome)
    world.crash(dying)
    actor.sweep()
    assert lies(world) == [target]


def test_of_two_who_bury_the_same_worker_one_tells(world, dying, actor, monkeypatch):
    """The other one has listed the folder too, and renames first."""
    dying.end(running(dying, "x"), DONE)
    world.crash(dying)
    rename, told = actor.spool.fs.rename_into, []

    def second(source, target):
        assert rename(source, target) == 0
        return rename(source, target)

    monkeypatch.setattr(actor.janitor, "published", lambda name, _target: told.append(name.identity))
    monkeypatch.setattr(actor.spool.fs, "rename_into", second)
    actor.sweep()
    assert lies(world) == ["done/x.yaml"] and told == []


def test_who_buries_alone_tells(world, dying, actor, monkeypatch):
    told = []
    dying.end(running(dying, "x"), DONE)
    world.crash(dying)
    monkeypatch.setattr(actor.janitor, "published", lambda name, _target: told.append(name.identity))
    actor.sweep()
    assert told == ["x"]


def test_a_client_that_believes_a_published_file_to_be_there_already_publishes_it_in_the_next_sweep(
    world, dying, actor
):
    dying.end(running(dying, "x"), DONE)
    world.crash(dying)
    fs = actor.spool.fs
    fs.__class__, fs.believed = type("Believing", (BelievingFs, type(fs)), {}), f"{world.root}/done/x.yaml"
    actor.sweep()
    assert lies(world, "done") == []
    actor.sweep()
    assert lies(world) == ["done/x.yaml"]


def test_a_retry_that_had_been_decided_is_kept(world, dying, actor):
    dying.end(running(dying, "x"), EXIT)
    world.crash(dying)
    actor.sweep()
    assert [path.partition(".")[0] for path in lies(world)] == ["todo/x~1"]


def test_the_record_of_another_claim_of_that_name_says_nothing(world, dying, actor):
    first = running(dying, "x")
    dying.end(first, DONE)
    dying.publish(first)
    running(dying, "x", steps=0)
    world.crash(dying)
    actor.sweep()
    assert [path.partition(".")[0] for path in lies(world)] == ["done/x", "todo/x~settling"]


def test_what_a_person_put_there_goes_to_todo(world, dying, actor):
    world.drop("x")
    os.rename(f"{world.root}/todo/x.yaml", f"{dying.own.path}/x.yaml")
    world.crash(dying)
    actor.sweep()
    assert [path.partition(".")[0] for path in lies(world)] == ["todo/x~settling"]


def test_what_has_no_name_goes_to_failed(world, dying, actor):
    world.drop("x")
    os.rename(f"{world.root}/todo/x.yaml", f"{dying.own.path}/a@b.yaml")
    world.crash(dying)
    actor.sweep()
    assert lies(world)[0].startswith("failed/invalid-")


def test_a_living_owners_file_in_a_dead_workers_folder_is_left_to_its_owner(world, dying, actor):
    work = running(actor, "x")
    os.rename(f"{actor.own.path}/{work.held.file}", f"{dying.own.path}/{work.held.file}")
    world.crash(dying)
    third = world.worker()
    third.sweep()
    assert os.listdir(dying.own.path) == [work.held.file]
    actor.react()
    third.sweep()
    assert [path.partition(".")[0] for path in lies(world)] == ["todo/x~0"]


def test_a_batch_that_was_parked_stays_parked(world, dying, actor):
    running(dying, "s/x")
    world.crash(dying)
    os.rename(f"{world.root}/todo/s", f"{world.root}/hold/s")
    actor.sweep()
    assert [path.partition(".")[0] for path in lies(world)] == ["hold/s/x~0l1"]


def test_a_rename_that_lands_late_is_found_by_the_next_sweep(world, dying, actor):
    world.crash(dying)
    actor.sweep()
    world.drop("x")
    os.rename(f"{world.root}/todo/x.yaml", f"{dying.own.path}/x@{dying.wid}.9.yaml")
    actor.sweep()
    assert [path.partition(".")[0] for path in lies(world)] == ["todo/x~settling"]


def test_a_folder_that_stays_empty_is_looked_at_seldom_and_what_lands_in_it_still_comes_back(
    world, dying, actor, monkeypatch
):
    world.crash(dying)
    actor.sweep()
    looks: list[float] = []
    scan = actor.janitor.fs.scan

    def seen(folder, **how):
        if folder == dying.own.path:
            looks.append(world.clock.boot())
        return scan(folder, **how)

    monkeypatch.setattr(actor.janitor.fs, "scan", seen)

    def rounds(seconds):
        looks.clear()
        for _ in range(seconds):
            world.pass_time(1)
            actor.janitor.bury()
        return len(looks)

    assert rounds(60) < 14
    assert 5 <= rounds(60) <= 7
    world.drop("x")
    os.rename(f"{world.root}/todo/x.yaml", f"{dying.own.path}/x@{dying.wid}.9.yaml")
    rounds(11)
    assert [path.partition(".")[0] for path in lies(world)] == ["todo/x~settling"]


def test_who_leads_is_read_once(world, actor, monkeypatch):
    """A link is written once, and everybody asks each second."""
    other = world.worker()
    assert (leads(actor), leads(other)) == (True, False)
    reads: list[str] = []
    read = other.janitor.fs.read_fresh
    monkeypatch.setattr(other.janitor.fs, "read_fresh", lambda path: reads.append(path) or read(path))
    assert not any(leads(other) for _ in range(5))
    assert not [path for path in reads if "janitor" in path]


def test_two_janitors_at_once_move_it_once(world, dying, actor):
    running(dying, "x")
    other = world.worker()
    world.crash(dying)
    for janitor in (actor, other):
        janitor.peers.refresh()
    assert [actor.janitor.bury(), other.janitor.bury()] == [1, 0]
    assert len(lies(world)) == 1


def test_however_many_are_dead_the_spool_is_walked_for_all_of_their_names_at_once(world, actor, monkeypatch):
    """One walk for each of 190 dead workers took a new worker longer than its fence: every new one was killed too."""
    for number in range(20):
        dying = world.worker()
        running(dying, f"x{number}", steps=0)
        (file,) = os.listdir(dying.own.path)
        os.rename(f"{dying.own.path}/{file}", f"{world.root}/hold/{file}")
        world.crash(dying)
    walked = []
    find = type(world.spool.fs).find
    monkeypatch.setattr(
        type(world.spool.fs), "find", lambda fs, *args, **how: walked.append(args) or find(fs, *args, **how)
    )
    actor.sweep()
    assert len([path for path in lies(world, "hold") if "@" not in path]) == 20
    assert len([folder for folder, *_ in walked if folder.endswith("/failed")]) == 2  # the second one finds nothing


def test_nothing_of_the_living_is_touched(world, dying, actor):
    work = running(dying, "x")
    actor.sweep()
    assert os.listdir(dying.own.path) == [work.held.file]


def test_a_worker_that_is_just_starting_is_not_dead(world, actor):
    wid = "n9-zzzzzzzz"
    os.makedirs(f"{world.root}/running/{wid}")
    actor.sweep()
    world.drop("x")
    os.rename(f"{world.root}/todo/x.yaml", f"{world.root}/running/{wid}/x@{wid}.1.yaml")
    actor.sweep()
    assert lies(world) == [f"running/{wid}/x@{wid}.1.yaml"]


def test_a_folder_that_nobody_ever_announced_is_swept_when_it_is_old(world, actor):
    wid = "n9-zzzzzzzz"
    os.makedirs(f"{world.root}/running/{wid}")
    world.drop("x")
    os.rename(f"{world.root}/todo/x.yaml", f"{world.root}/running/{wid}/x@{wid}.1.yaml")
    world.pass_time(60)
    actor.sweep()
    assert [path.partition(".")[0] for path in lies(world)] == ["todo/x~settling"]


def test_who_is_taken_for_dead_is_told(world, dying, actor):
    running(dying, "x")
    world.crash(dying)
    actor.sweep()
    actor.sweep()
    assert os.path.exists(f"{world.root}/workers/{dying.wid}.fenced")
    assert [event for event, _ in actor.told] == ["fence", "rescue"]


def test_who_is_taken_for_dead_with_nothing_in_its_hands_is_told_too(world, dying, actor):
    """A claim of it may still be on its way."""
    world.crash(dying)
    actor.sweep()
    assert os.path.exists(f"{world.root}/workers/{dying.wid}.fenced")


def test_a_dead_workers_folder_is_kept_for_a_day(world, dying, actor):
    world.crash(dying)
    actor.sweep()
    assert os.path.exists(dying.own.path)
    world.clock.advance(DAY + 60)
    actor.beat()
    actor.sweep()
    assert not os.path.exists(dying.own.path)


def test_a_mark_that_its_user_alone_may_read_keeps_nobody_from_working(world, dying, actor, monkeypatch):
    """`touch workers/WID.dead` with umask 077, in a group's spool."""
    running(dying, "x")
    world.crash(dying)
    read = actor.janitor.fs.status

    def status(path):
        if path.endswith((".dead", ".fenced")):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return read(path)

    monkeypatch.setattr(actor.janitor.fs, "status", status)
    actor.sweep()
    world.clock.advance(DAY + 60)
    actor.beat()
    actor.sweep()
    assert lies(world, "todo") and os.path.exists(dying.own.path)


# -- stripping


@pytest.mark.parametrize(("state", "bare"), [("todo", "x~0"), ("hold", "x~0"), ("failed", "x~cancelled")])
def test_the_claims_of_the_dead_are_stripped_wherever_a_person_moved_them(world, dying, actor, state, bare):
    work = running(dying, "x")
    os.rename(f"{dying.own.path}/{work.held.file}", f"{world.root}/{state}/{work.held.file}")
    world.crash(dying)
    actor.sweep()
    assert [path.partition(".")[0] for path in lies(world)] == [f"{state}/{bare}"]


def test_a_name_that_is_moved_late_is_stripped_now_and_then(world, dying, actor):
    world.crash(dying)
    actor.sweep()
    world.drop(f"x@{dying.wid}.5")
    actor.janitor.strays.patrol()
    actor.walk()
    assert [path.partition(".")[0] for path in lies(world)] == ["todo/x~0"]


def test_the_claims_of_the_living_are_left(world, dying, actor):
    work = running(dying, "x")
    os.rename(f"{dying.own.path}/{work.held.file}", f"{world.root}/todo/{work.held.file}")
    actor.sweep()
    assert lies(world) == [f"todo/{work.held.file}"]


# -- who leads


def links(world):
    return sorted(file for file in os.listdir(world.spool.workers) if file.startswith("janitor."))


def leads(actor):
    actor.peers.refresh()
    return actor.janitor.leadership.leads()


def test_the_first_leads_and_the_second_does_not(world, dying, actor):
    assert [leads(dying), leads(actor), leads(dying)] == [True, False, True]
    assert links(world) == ["janitor.1"]


def test_after_a_dead_leader_another_leads_and_the_chain_stays_short(world, actor):
    for _ in range(12):
        other = world.worker()
        assert leads(other)
        world.crash(other)
    assert leads(actor)
    assert links(world) == ["janitor.12", "janitor.13"]


@pytest.mark.parametrize("mtime", [832_000_000, 2_100_000_000])
def test_a_link_that_its_maker_has_not_written_yet_is_waited_for(world, actor, mtime):
    """However it is stamped: NFS v3 keeps the verifier of an O_EXCL creation in mtime until its maker's next call."""
    with open(f"{world.spool.workers}/janitor.1", "w"):
        pass
    os.utime(f"{world.spool.workers}/janitor.1", (mtime, mtime))
    assert not leads(actor)
    world.pass_time(60)
    assert leads(actor)
    assert links(world) == ["janitor.1", "janitor.2"]


def test_of_two_who_see_the_same_dead_leader_one_leads(world, dying, actor):
    leads(dying)
    other = world.worker()
    world.crash(dying)
    for one in (actor, other):
        one.peers.refresh()
    assert [actor.janitor.leadership.leads(), other.janitor.leadership.leads()] == [True, False]


def test_the_leader_and_two_deputies_watch_everybody(world):
    everybody = sorted((world.worker() for _ in range(8)), key=lambda actor: actor.wid)
    for one in everybody:
        one.peers.refresh()
    leader, deputy, last = everybody[7], everybody[0], everybody[6]
    assert leads(leader)
    for one in everybody:
        one.peers.refresh()
    assert (
        len(deputy.janitor.leadership.watched(leading=False))
        == len(leader.janitor.leadership.watched(leading=True))
        == 7
    )
    assert set(last.janitor.leadership.watched(leading=False)) == {one.wid for one in [*everybody[:3], leader]}


def test_the_newest_link_says_whom_all_watch(world):
    everybody = sorted((world.worker() for _ in range(8)), key=lambda actor: actor.wid)
    for number, one in ((9, everybody[4]), (10, everybody[5])):
        with open(f"{world.spool.workers}/janitor.{number}", "w") as file:
            file.write(f"{one.wid}\n")
    everybody[7].peers.refresh()
    watched = everybody[7].janitor.leadership.watched(leading=False)
    assert everybody[5].wid in watched
    assert everybody[4].wid not in watched


# -- the waiting


def wait(world, until, name="x~1.cccccccc-1"):
    os.makedirs(f"{world.root}/waiting/{until}/s")
    with open(f"{world.root}/waiting/{until}/s/{name}.yaml", "w"):
        pass


def test_what_is_due_comes_back_and_its_folder_goes(world, actor):
    wait(world, "until-20260101T000000Z")
    assert actor.janitor.due() == 1
    assert [path.partition(".")[0] for path in lies(world)] == ["todo/s/x~1"]
    assert os.listdir(world.spool.waiting) == []


def test_what_is_not_due_waits(world, actor):
    wait(world, "until-20990101T000000Z")
    wait(world, "after-y")
    assert actor.janitor.due() == 0


def test_a_folder_whose_name_is_no_date_stops_nobody(world, actor):
    wait(world, "until-20261399T999999Z")
    wait(world, "until-20260101T000000Z")
    assert actor.janitor.due() == 1


def test_what_is_no_task_in_waiting_stays(world, actor):
    wait(world, "until-20260102T000000Z", name=".x")
    assert actor.janitor.due() == 0
    assert len(os.listdir(world.spool.waiting)) == 1


def test_a_name_that_cannot_be_a_task_goes_to_todo_where_a_worker_says_why(world, actor):
    wait(world, "until-20260101T000000Z", name="a@b")
    assert actor.janitor.due() == 1
    assert os.listdir(world.spool.todo) == ["a@b.yaml"]


# -- tidiness


def age(path, seconds, world):
    moment = world.clock.wall() - seconds
    os.utime(path, (moment, moment))


def test_an_old_empty_batch_folder_is_removed(world, actor):
    for path in ("old/s", "new", "full"):
        os.makedirs(f"{world.root}/todo/{path}")
    world.drop("full/x")
    for path in ("old/s", "old", "full"):
        age(f"{world.root}/todo/{path}", 3700, world)
    age(f"{world.root}/todo/new", 60, world)
    actor.janitor.sweep_batches()
    assert sorted(os.listdir(world.spool.todo)) == ["full", "new"]


def test_a_folder_in_a_batch_stays_for_an_hour_after_it_was_made_or_became_empty(world, actor):
    for path in ("a/new/newer", "a/old/older", "b/old/older", "@p5/s/new"):
        os.makedirs(f"{world.root}/todo/{path}")
    for path in ("a/old/older", "a/old", "a", "b/old/older", "b/old", "b", "@p5/s", "@p5"):
        age(f"{world.root}/todo/{path}", 3700, world)
    for path in ("a/new/newer", "a/new", "@p5/s/new"):
        age(f"{world.root}/todo/{path}", 60, world)
    actor.janitor.sweep_batches()
    assert sorted(actor.janitor.moves.folders_below(world.spool.todo)) == [
        f"{world.spool.todo}/{path}" for path in ("@p5", "@p5/s", "@p5/s/new", "a", "a/new", "a/new/newer")
    ]


def test_what_a_crashed_submitter_left_is_put_aside_and_then_removed(world, actor):
    os.makedirs(f"{world.spool.tmp}/tttttttt/000")
    with open(f"{world.spool.tmp}/tttttttt/000/1.yaml", "w"):
        pass
    actor.janitor.sweep_tmp()
    age(f"{world.spool.tmp}/tttttttt", DAY + 60, world)
    actor.janitor.sweep_tmp()
    assert os.listdir(world.spool.tmp) == [".tttttttt.swept"]
    actor.janitor.sweep_tmp()
    assert os.listdir(world.spool.tmp) == []


def test_the_file_that_told_a_killed_command_the_time_goes_after_a_day(world, actor):
    for name in (".aaaaaaaa.now", ".bbbbbbbb.now"):
        with open(f"{world.spool.tmp}/{name}", "x"):
            pass
    age(f"{world.spool.tmp}/.aaaaaaaa.now", DAY + 60, world)
    actor.janitor.sweep_tmp()
    assert os.listdir(world.spool.tmp) == [".bbbbbbbb.now"]


def test_todo_is_touched(world, actor):
    os.utime(world.spool.todo, (0, 0))
    actor.janitor.bump()
    assert os.stat(world.spool.todo).st_mtime > 0


def test_a_batch_folder_is_touched_twice_after_each_change_and_then_left_alone(world, actor):
    folder = f"{world.spool.todo}/batch/sub"
    os.makedirs(folder)
    touched = []
    actor.spool.fs.__class__ = type("Telling", (type(actor.spool.fs),), {"touch": _tell_touch(touched)})
    for moment in (1000, 2000):
        os.utime(folder, (moment, moment))
        touched.clear()
        for _ in range(4):
            actor.janitor.bump()
        assert touched.count(folder) == 2
        assert touched.count(world.spool.todo) == 4


def test_what_is_listed_again_and_again_in_waiting_is_touched_too(world, actor):
    many, one = (f"{world.spool.waiting}/after-{what}" for what in ("s%", "a"))
    for folder in (f"{many}/s", one):
        os.makedirs(folder)
    touched = []
    actor.spool.fs.__class__ = type("Telling", (type(actor.spool.fs),), {"touch": _tell_touch(touched)})
    for _ in range(4):
        actor.janitor.bump()
    counts = [touched.count(folder) for folder in (world.spool.waiting, many, f"{many}/s", one)]
    assert counts == [4, 2, 2, 0]  # 100,000 may wait for one name each, and who files a task there looks at that name


def _tell_touch(touched):
    def touch(self, path):
        touched.append(path)
        super(type(self), self).touch(path)

    return touch


def test_somebodys_private_batch_and_a_deep_one_keep_nobody_from_sweeping(world, actor):
    os.makedirs(f"{world.spool.todo}/deep/{'d/' * 300}")
    for name in ("empty", "private"):
        os.makedirs(f"{world.spool.todo}/{name}")
    for name in ("deep", "empty", "private"):
        age(f"{world.spool.todo}/{name}", 4000, world)
    actor.spool.fs.__class__ = type("Private", (type(actor.spool.fs),), {"scan": _scan_unless_private})
    actor.janitor.sweep_batches()
    assert sorted(os.listdir(world.spool.todo)) == ["deep", "private"]


def _scan_unless_private(self, folder, **options):
    if folder.endswith("/private"):
        raise PermissionError
    return super(type(self), self).scan(folder, **options)


# -- what a listing says, and whose a name is


def test_what_a_take_over_could_not_move_is_not_told_and_is_tried_again(world, dying):
    actor = world.worker(FlakyFs(world.clock, {"rename": errno.EIO}, times=0))
    running(dying, "x", steps=0)
    world.crash(dying)
    actor.fs.times = 1
    actor.sweep()
    assert [event for event, _ in actor.told] == ["fence"]
    actor.sweep()
    assert [event for event, _ in actor.told] == ["fence", "rescue"]


def test_the_strays_of_the_living_are_left(world, dying, actor):
    world.drop(f"x@{dying.wid}.5")
    actor.janitor.strays.patrol()
    actor.walk()
    assert lies(world) == [f"todo/x@{dying.wid}.5.yaml"]


def test_an_empty_batch_folder_stays_while_a_task_of_it_is_held(world, actor):
    for folder in ("todo", "hold"):
        os.makedirs(f"{world.root}/{folder}/s")
    age(f"{world.root}/todo/s", 4000, world)
    actor.janitor.sweep_batches()
    assert os.listdir(world.spool.todo) == ["s"]


def test_an_empty_batch_folder_in_a_lane_stays_while_a_task_of_it_is_held(world, actor):
    """Else what comes back to the lane would be parked: see `is_parked`."""
    for folder in ("todo/@p10", "todo/@p5", "hold"):
        os.makedirs(f"{world.root}/{folder}/{'t' if folder == 'todo/@p5' else 's'}")
    for path in ("@p10/s", "@p10", "@p5/t", "@p5"):
        age(f"{world.root}/todo/{path}", 4000, world)
    actor.janitor.sweep_batches()
    assert os.listdir(world.spool.todo) == ["@p10"]


def test_what_cannot_come_back_is_told_once_and_keeps_nothing_else_waiting(world, actor):
    """A file `s` in the place of the batch s: so ends `mv failed/s/x~exit1.yaml todo/s` without its mkdir."""
    for number, path in enumerate(("s/x", "s/y", "z")):
        world.drop(f"waiting/{path}")
        target = f"{world.spool.waiting}/until-2026010{number + 1}T000000Z/{path}.yaml"
        os.renames(f"{world.spool.todo}/waiting/{path}.yaml", target)
    os.makedirs(world.spool.todo, exist_ok=True)
    with open(f"{world.spool.todo}/s", "x"):
        pass
    for _ in range(2):
        actor.janitor.due()
        actor.spool.clock.advance(5)
    assert [path.partition("~")[0] for path in lies(world, "todo") if path != "todo/s"] == ["todo/z"]
    assert [event for event, _ in actor.told] == ["stuck", "stuck"]
    os.unlink(f"{world.spool.todo}/s")
    assert actor.janitor.due() == 2
