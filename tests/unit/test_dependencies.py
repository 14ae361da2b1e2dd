"""The rule: a task runs when all that it waits for has ended as it wants; no wake-up is lost, whoever crashes when."""

import errno
import os

import pytest

from dsgspool import names
from dsgspool.errors import InvalidName
from dsgspool.fs import Fs
from dsgspool.listings import Listings
from dsgspool.mounts import Mount
from dsgspool.spool import Spool
from dsgspool.spool.dependencies import Dependencies, Standing, top_of
from dsgspool.spool.moves import Moves
from dsgspool.spool.waiters import Waiters
from dsgspool.task import After, State
from tests.support.waiting import wait_until


def lies(worker, *names_):
    """Where these tasks lie: their folders."""
    paths = [path for path in worker.lies() if path.rpartition("/")[2].partition("~")[0] in names_]
    return [path.partition("/")[0] if "/after-" not in path else path.rpartition("/")[0] for path in paths]


# -- folders and words


@pytest.mark.parametrize("what", ["prep", "sweep-a/0001", "sweep-a/", "a/b/c", "sweep-a/x*", "*", "été/[ab]?"])
def test_a_folder_of_waiting_says_what_is_waited_for_and_back(what):
    assert names.parse_after(names.after_folder(what)) == what


@pytest.mark.parametrize(
    "folder", ["after-", "after-%", "after-a%%b", "after-.x", "until-20261121T210000Z", "after-a@b"]
)
def test_a_folder_that_says_nothing_is_nobodys(folder):
    assert names.parse_after(folder) == ""


@pytest.mark.parametrize("what", ["", "/", "a~1", "-x", "a//b", "x" * 151])
def test_what_can_be_no_name_can_not_be_waited_for(what):
    with pytest.raises(InvalidName):
        names.check_after(what)


@pytest.mark.parametrize(("what", "top"), [("a/b*", "a"), ("a/*/b", "a"), ("*", ""), ("a/b/", "a/b"), ("a*/b", "")])
def test_only_the_folders_before_a_sign_are_walked(what, top):
    assert top_of(what) == top


# -- one name


def test_a_task_waits_and_runs_when_what_it_waits_for_is_done(inside):
    worker = inside()
    worker.drop("b", after="a")
    worker.until(lambda: worker.lies() == ["waiting/after-a/b~0"])
    worker.drop("a")
    worker.until(lambda: worker.lies() == ["done/a", "done/b"])
    assert worker.record("b")["outcome"] == "done"
    assert os.listdir(f"{worker.root}/waiting") == []


def test_what_has_been_done_before_keeps_nobody_waiting(inside):
    worker = inside()
    worker.drop("a")
    worker.until(lambda: worker.lies() == ["done/a"])
    worker.drop("b", after=["a"])
    worker.until(lambda: worker.lies() == ["done/a", "done/b"])


def test_many_wait_for_many_and_keep_batch_and_lane(inside):
    worker = inside()
    worker.drop("@p5/s/join", after=["s/a", "b", {"s/c": "any"}])
    worker.until(lambda: [path for path in worker.lies("waiting") if path.endswith("/@p5/s/join~0")])
    for name in ("s/a", "b"):
        worker.drop(name)
    worker.until(lambda: worker.lies() == ["done/b", "done/s/a", "waiting/after-s%c/@p5/s/join~0"])
    worker.drop("s/c", "exit 1")
    worker.until(lambda: "done/s/join" in worker.lies())


def test_a_task_that_is_woken_is_judged_anew(inside):
    worker = inside()
    worker.drop("join", after=["a", "b", "c"])
    worker.until(lambda: worker.lies("waiting") == ["waiting/after-c/join~0"])
    worker.drop("c")
    worker.until(lambda: worker.lies("waiting") in (["waiting/after-a/join~0"], ["waiting/after-b/join~0"]))
    for name in "ab":
        assert "done/join" not in worker.lies()
        worker.drop(name)
    worker.until(lambda: worker.lies() == ["done/a", "done/b", "done/c", "done/join"])


def test_a_task_whose_need_failed_fails_with_a_record_that_names_it_and_so_do_those_behind_it(inside):
    worker = inside()
    worker.drop("c", after="b")
    worker.drop("b", after="a")
    worker.until(lambda: worker.lies() == ["waiting/after-a/b~0", "waiting/after-b/c~0"])
    worker.drop("a", "exit 3")
    worker.until(lambda: worker.lies() == ["failed/a~exit3", "failed/b~dependency", "failed/c~dependency"])
    record = worker.record("b")
    assert (record["outcome"], record["next"]) == ("dependency", "failed~dependency")
    assert record["reason"] == "a has failed, and `after` wants its success"
    assert "after: a" in record["text"]
    assert "b has failed" in worker.record("c")["reason"]


@pytest.mark.parametrize(
    ("command", "wants", "end"),
    [("true", "any", "done"), ("false", "any", "done"), ("false", "failure", "done"), ("true", "failure", "failed")],
)
def test_how_it_has_to_end_is_said_behind_the_name(inside, command, wants, end):
    worker = inside()
    worker.drop("b", after=[{"a": wants}])
    worker.drop("a", command)
    worker.until(lambda: lies(worker, "b") == [end])


def test_what_failed_and_is_run_again_takes_those_along_that_waited(inside):
    worker = inside()
    worker.drop("b", after="a")
    worker.drop("a", f"test -e {worker.root}/tmp/.gate")
    worker.until(lambda: worker.lies() == ["failed/a~exit1", "failed/b~dependency"])
    worker.mv("failed/a~exit1.yaml", "todo/a.yaml")
    worker.mv("failed/b~dependency.yaml", "todo/b.yaml")
    worker.open()
    worker.until(lambda: worker.lies() == ["done/a", "done/b"])


def test_a_text_that_the_peek_does_not_understand_is_decided_after_parsing(inside, monkeypatch):
    worker, said = inside(), []
    monkeypatch.setattr(worker.worker.journal, "event", lambda _now, _event, text="", **_: said.append(text))
    worker.drop("c", after=["it's, odd"])
    worker.until(lambda: lies(worker, "c") == ["waiting/after-it's, odd"])
    assert worker.record("c")["outcome"] == "stopped"
    assert "stopped c  (waits for it's, odd)" in said
    worker.drop("it's, odd", "exit 1")
    worker.until(lambda: "failed/c~dependency" in worker.lies())
    assert "command" in worker.record("c", 2)["text"]


# -- batches and patterns


def test_a_batch_is_waited_for_until_nothing_of_it_is_open(inside):
    worker = inside()
    worker.drop("join", after="s/")
    worker.drop("s/a", worker.gate())
    worker.drop("s/b", state="hold")
    worker.until(lambda: lies(worker, "join") == ["waiting/after-s%"])
    worker.open()
    worker.until(lambda: "done/s/a" in worker.lies())
    worker.live(10)
    assert lies(worker, "join") == ["waiting/after-s%"]
    worker.mv("hold/s/b.yaml", "todo/b.yaml")  # it leaves the batch with its folder
    worker.until(lambda: "done/join" in worker.lies())


def test_a_batch_that_is_not_there_yet_is_waited_for(inside):
    worker = inside()
    worker.drop("join", after=["s/"])
    worker.until(lambda: lies(worker, "join") == ["waiting/after-s%"])
    worker.live(10)
    assert lies(worker, "join") == ["waiting/after-s%"]
    worker.drop("s/a")
    worker.until(lambda: "done/join" in worker.lies())


def test_one_that_failed_makes_its_batch_fail_when_all_of_it_is_over(inside):
    worker = inside()
    worker.drop("join", after="s/")
    worker.drop("s/a", "exit 1")
    worker.drop("s/b")
    worker.until(lambda: "failed/join~dependency" in worker.lies())
    assert worker.record("join")["reason"].startswith("s/a (of s/) has failed")


def test_a_member_of_the_batch_does_not_wait_for_itself(inside):
    worker = inside()
    worker.drop("s/join", after="s/*")
    worker.drop("s/a", worker.gate())
    worker.until(lambda: lies(worker, "join") == ["waiting/after-s%*/s"])
    worker.open()
    worker.until(lambda: worker.lies() == ["done/s/a", "done/s/join"])


@pytest.mark.parametrize("place", ["todo/s/x.yaml", "todo/@p5/s/x.yaml", "waiting/until-20991121T210000Z/@p5/s/x.yaml",
                                   "waiting/after-b/s/x.yaml", "hold/s/x.yaml", "running/n1-k3f7x2ma/@p5%s%x.yaml",
                                   "todo/s%x~0.k3f7x2ma-1.yaml", "todo/@p5%s%x@n1-k3f7x2ma.3.yaml",
                                   "hold/s%x@n1-k3f7x2ma.3.yaml", "failed/s%x@n1-k3f7x2ma.3.yaml"])  # fmt: skip
def test_wherever_one_of_a_batch_lies_the_batch_is_open(spool, place):
    spool.fs.make_folder(os.path.dirname(f"{spool.root}/{place}"))
    for path in (place, "done/s/a.yaml"):
        spool.fs.make_folder(os.path.dirname(f"{spool.root}/{path}"))
        spool.fs.create_whole(f"{spool.root}/{path}", b"")
    dependencies = Dependencies(spool)
    for what in ("s/", "s/*", "*", "?/x"):
        assert dependencies.standing(what) == (Standing.OPEN, what)
    assert dependencies.standing("s/", but="s/x") == (Standing.DONE, "s/")
    assert dependencies.first_open("s/") == (State(place.partition("/")[0]), "s/x")


# -- no wake-up is lost


@pytest.fixture
def spool(world):
    return Spool(world.root, world.fs, world.clock)


def test_who_files_a_task_looks_again_what_it_waits_for(inside):
    """Published between the look and the filing: the publisher has looked before the task lay there."""
    worker = inside()
    worker.drop("b", after="a")
    judge = worker.worker.janitor.waiters.dependencies.judge

    def judge_and_publish(*arguments):
        verdict = judge(*arguments)
        worker.drop("a", state="done")
        worker.worker.janitor.waiters.dependencies.judge = judge
        return verdict

    worker.worker.janitor.waiters.dependencies.judge = judge_and_publish
    worker.worker.janitor.waiters._round_next = float("inf")  # without the leader's round
    worker.until(lambda: worker.lies() == ["done/a", "done/b"])


def test_who_publishes_a_task_looks_afterwards_who_waits_for_it(inside):
    worker = inside()
    worker.worker.janitor.waiters._round_next = float("inf")  # without the leader's round
    worker.drop("b", after="a")
    worker.until(lambda: worker.lies() == ["waiting/after-a/b~0"])
    worker.drop("a")
    worker.until(lambda: worker.lies() == ["done/a", "done/b"])


@pytest.fixture
def remembers(monkeypatch):
    """Makes this process a client that remembers of folders that they do not exist: until the one above is opened, or longer."""
    absent, real_open, real_scandir = {}, os.open, os.scandir

    def asked(call):
        def asking(path, *args, **keys):
            if any(f"{path}/".startswith(f"{folder}/") for folder in absent):
                raise FileNotFoundError(errno.ENOENT, "remembered", path)
            answer = call(path, *args, **keys)
            for folder in [folder for folder, forgets in absent.items() if forgets and os.path.dirname(folder) == path]:
                del absent[folder]
            return answer

        return asking

    monkeypatch.setattr(os, "open", asked(real_open))
    monkeypatch.setattr(os, "scandir", asked(real_scandir))

    def remember(*folders, forgets=True):
        absent.update(dict.fromkeys(folders, forgets))

    return remember


def test_a_client_that_believes_that_nobody_waits_asks_the_server(spool, remembers):
    spool.fs.make_folder(f"{spool.waiting}/after-a")
    spool.fs.create_whole(f"{spool.waiting}/after-a/x~0.aaaaaaaa-1.yaml", b"")
    spool.fs.create_whole(f"{spool.done}/a.yaml", b"")
    waiters = Waiters(Moves(spool), lambda *_: None)
    remembers(f"{spool.waiting}/after-a")
    waiters.published("a")
    assert waiters.turn(leading=False) == 1


def counted(_fs, folder):
    """Links as ext4 and xfs give them to a folder."""
    return 2 + sum(os.path.isdir(f"{folder}/{name}") for name in os.listdir(folder))


@pytest.mark.parametrize(("kind", "links", "asked"), [
    ("nfs4", counted, False), ("ext4", counted, False), ("ext4", lambda *_: 2, True), ("btrfs", lambda *_: 1, True),
    ("fuse.bindfs", counted, True),
], ids=["NFS", "ext4", "all folders have two links", "all have one", "a client that may remember"])  # fmt: skip
def test_the_links_of_waiting_tell_that_nobody_waits_where_they_count_folders(world, monkeypatch, kind, links, asked):
    spool = Spool(world.root, Fs(floor=world.root), world.clock)
    monkeypatch.setattr(spool.fs, "mount", lambda _path: Mount("/", kind, frozenset()))
    monkeypatch.setattr(Listings, "_links", links)
    waiters, looks, look = Waiters(Moves(spool), lambda *_: None), [], spool.fs.walk
    monkeypatch.setattr(spool.fs, "walk", lambda path: looks.append(path) or look(path))
    for name in "ab":
        spool.fs.create_whole(f"{spool.done}/{name}.yaml", b"")
        waiters.published(name)
    assert waiters.turn(leading=False) == 0
    assert bool(looks) is asked
    spool.fs.make_folder(f"{spool.waiting}/after-a")
    spool.fs.create_whole(f"{spool.waiting}/after-a/x~0.aaaaaaaa-1.yaml", b"")
    waiters.published("a")
    assert waiters.turn(leading=False) == 1


@pytest.mark.parametrize("forgets", [True, False], ids=["until it asks", "whoever it asks"])
@pytest.mark.parametrize("place", ["hold/s/x", "hold/s/t/x", "todo/s/x", "todo/@p5/s/x", "waiting/after-b/s/x",
                                   "running/n1-k3f7x2ma/s%x", "failed/s/x"])  # fmt: skip
def test_a_batch_is_not_over_when_a_client_believes_that_its_folder_does_not_exist(spool, remembers, place, forgets):
    for path in (place, "done/s/a"):
        spool.fs.make_folder(os.path.dirname(f"{spool.root}/{path}"))
        spool.fs.create_whole(f"{spool.root}/{path}.yaml", b"")
    state, *folders = place.split("/")[:-1]
    remembers(*(f"{spool.root}/{state}/{'/'.join(folders[:n])}" for n in range(1, len(folders) + 1)), forgets=forgets)
    standing, _ = Dependencies(spool).standing("s/")
    assert standing is (Standing.FAILED if forgets and state == "failed" else Standing.OPEN)


@pytest.mark.parametrize("is_coherent", [True, False], ids=["local", "share"])
@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: os.symlink("/etc/passwd", path)])
def test_only_a_file_in_done_says_that_a_task_has_succeeded(spool, monkeypatch, make, is_coherent):
    monkeypatch.setattr(Listings, "_is_coherent", is_coherent)
    make(f"{spool.done}/a.yaml")
    assert Dependencies(spool).standing("a") == (Standing.OPEN, "a")


def test_a_name_is_finished_though_a_client_believes_that_its_batch_does_not_exist(spool, remembers):
    for path in ("done/s/t/a", "failed/s/u/b~exit1"):
        spool.fs.make_folder(os.path.dirname(f"{spool.root}/{path}"))
        spool.fs.create_whole(f"{spool.root}/{path}.yaml", b"")
    remembers(*(f"{spool.root}/{folder}" for folder in ("done/s", "done/s/t", "failed/s", "failed/s/u")))
    dependencies = Dependencies(spool)
    assert [dependencies.standing(f"s/{name}")[0] for name in ("t/a", "u/b")] == [Standing.DONE, Standing.FAILED]


def test_what_one_look_at_a_batch_missed_the_second_one_finds(spool, monkeypatch):
    """A retry that went back to todo/ behind the first look."""
    spool.fs.make_folder(f"{spool.done}/s")
    spool.fs.create_whole(f"{spool.done}/s/a.yaml", b"")
    looks = iter([None, (State.TODO, "s/x"), None, None])
    monkeypatch.setattr(Dependencies, "first_open", lambda *_: next(looks))
    assert Dependencies(spool).standing("s/") == (Standing.OPEN, "s/")
    assert Dependencies(spool).standing("s/") == (Standing.DONE, "s/")


def test_what_a_crash_left_in_waiting_is_found_by_the_leaders_round(inside):
    worker = inside()
    worker.drop("a", state="done")
    worker.drop("b", state="waiting/after-a", after="a")
    worker.until(lambda: worker.lies() == ["done/a", "done/b"])


def test_a_round_lists_what_has_failed_once_however_many_names_are_waited_for(spool, monkeypatch):
    waiters = Waiters(Moves(spool), lambda *_: None)
    for number in range(50):
        spool.fs.make_folder(f"{spool.waiting}/after-a{number}")
        spool.fs.create_whole(f"{spool.waiting}/after-a{number}/x{number}~0.aaaaaaaa-{number}.yaml", b"")
    spool.fs.create_whole(f"{spool.failed}/a7~exit1.yaml", b"")
    spool.fs.create_whole(f"{spool.failed}/a8~exit1@n1-aaaaaaaa.1.yaml", b"")  # it is not over
    spool.fs.create_whole(f"{spool.done}/a9.yaml", b"")
    listed, scan = [], spool.fs.scan
    monkeypatch.setattr(spool.fs, "scan", lambda path, **keys: listed.append(path) or scan(path, **keys))
    assert waiters.turn(leading=True) == 2
    assert [name.partition("~")[0] for name in sorted(os.listdir(spool.todo))] == ["x7", "x9"]
    # The two that are over are asked by themselves once more, before somebody is woken for them.
    assert sum(path.startswith(spool.failed) for path in listed) <= 3


def test_a_round_goes_on_bit_by_bit_and_rests_as_long_as_it_is_dear(spool):
    moves, told = Moves(spool), []
    waiters = Waiters(moves, lambda *words: told.append(words))
    for number in range(50):
        spool.fs.make_folder(f"{spool.waiting}/after-a{number}")
        spool.fs.create_whole(f"{spool.waiting}/after-a{number}/x{number}~0.aaaaaaaa-1.yaml", b"")
        spool.fs.create_whole(f"{spool.done}/a{number}.yaml", b"")
    standing = waiters.dependencies.standing

    def slow(what, but=""):
        spool.clock.advance(0.04)
        return standing(what, but)

    waiters.dependencies.standing = slow
    woken = [waiters.turn(leading=True)]
    assert woken == [3]
    assert waiters.turn(leading=True) == 0
    while sum(woken) < 50:
        spool.clock.advance(max(0.0, waiters.next_moment() - spool.clock.boot()))
        woken.append(waiters.turn(leading=True))
    assert max(woken) <= 3
    assert len(os.listdir(spool.todo)) == 50
    assert not told


def test_what_cannot_be_woken_is_told_once_and_no_other_waits_for_it(spool):
    told = []
    waiters = Waiters(Moves(spool), lambda *words, **_: told.append(words))
    for what, path in (("a%", "s/x"), ("b%", "y")):  # a file lies in the place of the batch s
        spool.fs.make_folder(os.path.dirname(f"{spool.waiting}/after-{what}/{path}"))
        spool.fs.create_whole(f"{spool.waiting}/after-{what}/{path}~0.aaaaaaaa-1.yaml", b"")
        spool.fs.make_folder(f"{spool.done}/{what[0]}")
        spool.fs.create_whole(f"{spool.done}/{what[0]}/1.yaml", b"")
    spool.fs.create_whole(f"{spool.todo}/s", b"")
    waiters.published("a/1")
    for _ in range(2):
        waiters.turn(leading=True)
        spool.clock.advance(2)
    assert [name.partition("~")[0] for name in sorted(os.listdir(spool.todo))] == ["s", "y"]
    assert [event for event, _ in told] == ["stuck"]


def test_a_private_folder_of_what_is_waited_for_is_not_known_and_keeps_no_other_waiting(spool, monkeypatch):
    told, is_there = [], spool.fs.folder_is_there

    def private(path):
        if path == f"{spool.hold}/a":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return is_there(path)

    monkeypatch.setattr(spool.fs, "folder_is_there", private)
    waiters = Waiters(Moves(spool), lambda *words, **_: told.append(words))
    for what in "ab":
        spool.fs.make_folder(f"{spool.done}/{what}")
        spool.fs.create_whole(f"{spool.done}/{what}/1.yaml", b"")
        spool.fs.make_folder(f"{spool.waiting}/after-{what}%")
        spool.fs.create_whole(f"{spool.waiting}/after-{what}%/x{what}~0.aaaaaaaa-1.yaml", b"")
        waiters.filed(f"{what}/")
    assert waiters.dependencies.judge("x", [After("a/")]).culprit == ""
    for _ in range(3):
        waiters.turn(leading=True)
        spool.clock.advance(2)
    assert [name.partition("~")[0] for name in os.listdir(spool.todo)] == ["xb"]
    assert [event for event, _ in told] == ["stuck"]


def test_what_is_filed_while_its_folder_is_looked_at_is_looked_for_once_more(spool):
    waiters = Waiters(Moves(spool), lambda *_: None)
    spool.fs.make_folder(f"{spool.waiting}/after-a")
    standing = waiters.dependencies.standing

    def publish_after_the_look(what, but=""):
        found = standing(what, but)
        if not os.listdir(spool.done):
            spool.fs.create_whole(f"{spool.done}/a.yaml", b"")
            waiters.filed("a")
        return found

    waiters.dependencies.standing = publish_after_the_look
    spool.fs.create_whole(f"{spool.waiting}/after-a/x~0.aaaaaaaa-1.yaml", b"")
    waiters.filed("a")
    assert waiters.turn(leading=False) == 1


def test_a_share_that_cannot_be_listed_is_told_once_and_asked_again(spool, monkeypatch):
    def refuse(path, *_):
        raise OSError(errno.EIO, "the server is gone", path)

    told = []
    waiters = Waiters(Moves(spool), lambda *words: told.append(words))
    waiters.published("a")
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        for _ in range(3):
            spool.clock.advance(1.5)
            assert waiters.turn(leading=False) == 0
    assert len(told) == 1
    spool.fs.make_folder(f"{spool.waiting}/after-a")
    spool.fs.create_whole(f"{spool.waiting}/after-a/x~0.aaaaaaaa-1.yaml", b"")
    spool.fs.create_whole(f"{spool.done}/a.yaml", b"")
    spool.clock.advance(1.5)
    assert waiters.turn(leading=False) == 1


# -- the end


def test_who_works_until_empty_ends_although_a_task_waits_for_what_never_comes_and_says_so(inside):
    worker = inside(until_empty=True)
    told = []
    worker.worker.tell = lambda event, text="", **_: told.append((event, text))
    worker.drop("b", after="a")
    worker.until(lambda: worker.worker.controls.is_over())
    assert worker.lies() == ["waiting/after-a/b~0"]
    assert any(event == "left" and "b waits for a" in text for event, text in told)


def test_who_works_until_empty_does_not_end_before_what_can_be_woken_has_run(inside):
    worker = inside(until_empty=True)
    turn = worker.worker.janitor.waiters.turn
    worker.worker.janitor.waiters.turn = lambda **_: turn(leading=False)  # another worker leads, and is slow
    worker.drop("b", state="waiting/after-s%", after="s/")
    worker.drop("c", after="b")
    worker.drop("s/a", state="done")
    wait_until(lambda: worker.turn(0.25) or worker.worker.controls.is_over(), 10)
    assert worker.lies() == ["done/b", "done/c", "done/s/a"]


def test_the_order_in_which_batches_end_makes_few_moves(spool):
    after = tuple(After(f"s{number:03d}/") for number in range(60))
    dependencies = Dependencies(spool)
    moves, verdict = 1, dependencies.judge("x", after)
    for entry in after:
        spool.fs.make_folder(f"{spool.done}/{entry.what}")
        spool.fs.create_whole(f"{spool.done}/{entry.what}a.yaml", b"")
        if verdict.entry == entry and (verdict := dependencies.judge("x", after)):
            moves += 1
    assert verdict is None
    assert moves < 20


def test_the_order_in_which_needs_end_makes_few_moves(spool):
    """Not one move for each of 200 entries, in whatever order they end."""
    after = tuple(After(f"a{number:03d}") for number in range(200))
    dependencies = Dependencies(spool)
    for order in (after, after[::-1]):
        moves, verdict = 1, dependencies.judge("x", after)
        for entry in order:
            spool.fs.create_whole(f"{spool.done}/{entry.what}.yaml", b"")
            if verdict.entry == entry and (verdict := dependencies.judge("x", after)):
                moves += 1
        assert verdict is None
        assert moves < 20
        assert order is not after or moves == 1  # they end in the order of names, in which they are claimed
        for file in os.listdir(spool.done):
            os.unlink(f"{spool.done}/{file}")
