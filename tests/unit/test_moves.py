"""The rule: a move by hand is one rename to a name with a fresh token, and after an error both folders are looked at."""

import errno
import os

import pytest

from dsgspool.errors import StorageError, TaskNotFound, WrongState
from dsgspool.names import Claim, TaskName
from dsgspool.spool import Spool
from dsgspool.spool.meaning import alone, matches, meant
from dsgspool.spool.moves import Moves, Place, Tokens, is_parked, park, target_of
from dsgspool.task import Budget, Decision, State
from tests.support.actors import STATES
from tests.support.doors import ClockedFs, FlakyFs, LossyFs, NegativeFs, files_below

WID = "n1-aaaaaaaa"
HELD = f"@{WID}.1"


@pytest.fixture
def put(world):
    """Puts an empty file somewhere; gives its place."""

    def make(path):
        os.makedirs(os.path.dirname(f"{world.root}/{path}"), exist_ok=True)
        with open(f"{world.root}/{path}", "w"):
            pass
        state, _, below = path.partition("/")
        return next(p for p in Moves(world.spool).find("*", [State(state)]) if p.path == below)

    return make


@pytest.fixture
def moves(world):
    return with_door(world, ClockedFs(world.clock))


def with_door(world, fs):
    moves = Moves(Spool(world.root, fs, world.clock))
    moves.token.word = "tttttttt"
    return moves


def lies(world):
    return files_below(world.root, STATES)


VERBS = [
    ("hold", "todo/s/x.yaml", "hold/s/x~0.tttttttt-1.yaml"),
    ("hold", "todo/@p10/x~1.cccccccc-1.yaml", "hold/x~1.tttttttt-1.yaml"),
    ("hold", "waiting/until-20261121T210000Z/s/x~1l2.cccccccc-1.yaml", "hold/s/x~1l2.tttttttt-1.yaml"),
    ("hold", f"running/{WID}/s%x{HELD}.yaml", f"hold/s%x~0.tttttttt-1{HELD}.yaml"),
    ("hold", f"running/{WID}/s%x~1.cccccccc-1.yaml", "hold/s/x~1.tttttttt-1.yaml"),
    ("release", "hold/s/x~1.cccccccc-1.yaml", "todo/s/x~1.tttttttt-1.yaml"),
    ("release", "waiting/until-20261121T210000Z/@p10/x~1.cccccccc-1.yaml", "todo/@p10/x~1.tttttttt-1.yaml"),
    ("requeue", "done/s/x.yaml", "todo/s/x~0.tttttttt-1.yaml"),
    ("requeue", "failed/x~exit1.yaml", "todo/x~0.tttttttt-1.yaml"),
    ("cancel", "todo/x.yaml", "failed/x~cancelled.tttttttt-1.yaml"),
    ("cancel", "hold/s/x.yaml", "failed/s/x~cancelled.tttttttt-1.yaml"),
    ("cancel", f"running/{WID}/x{HELD}.yaml", f"failed/x~0.tttttttt-1{HELD}.yaml"),
    ("strip", f"todo/x{HELD}.yaml", "todo/x~0.tttttttt-1.yaml"),
    ("strip", f"todo/s%x~2.cccccccc-1{HELD}.yaml", "todo/s/x~2.tttttttt-1.yaml"),
    ("strip", f"hold/@p10%s%x{HELD}.yaml", "hold/s/x~0.tttttttt-1.yaml"),
    ("strip", f"failed/x{HELD}.yaml", "failed/x~cancelled.tttttttt-1.yaml"),
    ("strip", f"running/n2-bbbbbbbb/x{HELD}.yaml", "running/n2-bbbbbbbb/x~0.tttttttt-1.yaml"),
    ("park_copy", f"todo/x{HELD}.yaml", "hold/x~duplicate.tttttttt-1.yaml"),
]


@pytest.mark.parametrize(("verb", "source", "target"), VERBS)
def test_a_verb_is_a_rename_to_a_name_with_a_fresh_token(world, moves, put, verb, source, target):
    assert getattr(moves, verb)(put(source))
    assert lies(world) == [target]


@pytest.mark.parametrize(("verb", "source", "target"), VERBS)
def test_a_lost_reply_is_a_move_all_the_same(world, put, verb, source, target):
    assert getattr(with_door(world, LossyFs(world.clock, 1)), verb)(put(source))
    assert lies(world) == [target]


def test_what_somebody_else_took_was_not_moved(world, moves, put):
    place = put("todo/x.yaml")
    os.rename(f"{world.root}/todo/x.yaml", f"{world.root}/hold/x.yaml")
    assert not moves.cancel(place)
    assert lies(world) == ["hold/x.yaml"]


def test_a_refused_rename_is_repeated_and_then_told(world, put):
    place = put("todo/x.yaml")
    assert with_door(world, FlakyFs(world.clock, {"rename": errno.EIO}, times=2)).hold(place)
    place = put("todo/y.yaml")
    with pytest.raises(StorageError, match="quota"):
        with_door(world, FlakyFs(world.clock, {"rename": errno.EDQUOT}, times=9)).hold(place)


@pytest.mark.parametrize("verb", ["hold", "cancel"])
def test_copies_of_a_running_task_are_handed_back_beside_each_other(world, moves, put, verb):
    """Else `cp` of a running task, `mv` of the copy to another worker, `hold`: the copy replaces the task."""
    places = [put(f"running/{wid}/x{HELD}.yaml") for wid in (WID, "n2-bbbbbbbb")]
    assert [getattr(moves, verb)(place) for place in places] == [True, True]
    assert len(lies(world)) == 2
    assert all(HELD in path for path in lies(world))


def test_tokens_are_never_given_twice():
    token = Tokens("tttttttt")
    assert [token(), token()] == ["tttttttt-1", "tttttttt-2"]
    assert Tokens()() != Tokens()()


def test_a_task_that_is_due_goes_to_its_lane(world, moves, put):
    put("waiting/until-20261121T210000Z/@p10/s/x~1.cccccccc-1.yaml")
    assert moves.due("until-20261121T210000Z", "@p10/s/x~1.cccccccc-1.yaml")
    assert lies(world) == ["todo/@p10/s/x~1.tttttttt-1.yaml"]


@pytest.mark.parametrize("folder", ["until-20261121T210000Z", "after-a"])
def test_what_is_woken_keeps_its_claim(world, moves, put, folder):
    """Else the copy of a running file that a person puts there would run as a task of its own."""
    put(f"waiting/{folder}/s%x~1.cccccccc-1{HELD}.yaml")
    assert moves.bring_back(folder, f"s%x~1.cccccccc-1{HELD}.yaml")
    assert lies(world) == [f"todo/s%x~1.tttttttt-1{HELD}.yaml"]


def test_a_task_that_is_due_while_its_batch_is_parked_goes_to_hold(world, moves, put):
    put("waiting/until-20261121T210000Z/s/x~1.cccccccc-1.yaml")
    os.makedirs(f"{world.root}/hold/s")
    assert moves.due("until-20261121T210000Z", "s/x~1.cccccccc-1.yaml")
    assert lies(world) == ["hold/s/x~1.tttttttt-1.yaml"]


def test_what_is_due_and_had_no_token_is_not_called_whole(world, moves, put):
    put("waiting/until-20261121T210000Z/x.yaml")
    put("waiting/after-a/y.yaml")
    assert moves.due("until-20261121T210000Z", "x.yaml") and moves.due("after-a", "y.yaml")
    assert lies(world) == ["todo/x~settling.tttttttt-1.yaml", "todo/y~settling.tttttttt-2.yaml"]


# -- where a decision leads

DECISIONS = [
    (Decision(State.DONE), "done/s/x.yaml"),
    (Decision(State.FAILED, "exit1"), "failed/s/x~exit1.yaml"),
    (Decision(State.FAILED, "lost", unique=True), "failed/s/x~lost.tttttttt-1.yaml"),
    (Decision(State.TODO, budget=Budget(1)), "todo/@p10/s/x~1.tttttttt-1.yaml"),
    (Decision(State.HOLD, budget=Budget(0, 1)), "hold/s/x~0l1.tttttttt-1.yaml"),
    (Decision(State.HOLD, "changed"), "hold/s/x~changed.tttttttt-1.yaml"),
    (
        Decision(State.WAITING, budget=Budget(1), delay=30),
        "waiting/until-20261121T210030Z/@p10/s/x~1.tttttttt-1.yaml",
    ),
]


@pytest.mark.parametrize(("decision", "target"), DECISIONS)
def test_a_decision_leads_to_a_path(world, decision, target):
    name = TaskName("s/x", "0", "cccccccc-1", Claim(WID, 1), "p10")
    assert target_of(world.spool, name, decision, "tttttttt-1", 1795294800.0) == f"{world.root}/{target}"


def test_a_moment_in_the_far_future_is_a_folder_too(world):
    target = target_of(world.spool, TaskName("x"), Decision(State.WAITING, delay=1e12), "tttttttt-1", 0.0)
    assert "until-99991231T235959Z" in target


def test_a_pause_is_never_cut_short_by_the_second(world):
    target = target_of(world.spool, TaskName("x"), Decision(State.WAITING, delay=0.5), "tttttttt-1", 1795294800.0)
    assert "until-20261121T210001Z" in target


def test_what_comes_back_of_a_parked_batch_is_parked(world):
    os.makedirs(f"{world.root}/hold/s")
    name, back = TaskName("s/t/x"), Decision(State.WAITING, budget=Budget(1), delay=9)
    assert park(world.spool, name, back) == Decision(State.HOLD, budget=Budget(1))
    assert park(world.spool, name, Decision(State.DONE)) == Decision(State.DONE)
    assert park(world.spool, TaskName("y"), back) == back


def test_a_batch_of_which_one_task_is_parked_is_not_parked(world):
    os.makedirs(f"{world.root}/hold/s")
    os.makedirs(f"{world.root}/todo/s")
    assert not is_parked(world.spool, "s")
    assert not is_parked(world.spool, "")
    os.makedirs(f"{world.root}/todo/@p5")
    os.rename(f"{world.root}/todo/s", f"{world.root}/todo/@p5/s")
    assert not is_parked(world.spool, "s", "p5")
    assert is_parked(world.spool, "s")


def test_a_task_that_is_held_when_nothing_of_its_batch_is_queued_any_more_parks_no_other(world, moves, put):
    """The folder in todo/ was swept: all of the batch runs for more than an hour."""
    assert moves.strip(put(f"hold/s%x{HELD}.yaml"))
    assert moves.hold(put("waiting/until-20261121T210000Z/t/x~1.cccccccc-1.yaml"))
    assert moves.park_copy(put(f"todo/u%x{HELD}.yaml"))
    assert sorted(os.listdir(world.spool.hold)) == ["s", "t", "u"]
    assert not any(is_parked(world.spool, batch) for batch in "stu")


def test_a_task_that_is_held_of_a_parked_batch_leaves_it_parked(world, moves, put):
    os.makedirs(f"{world.root}/hold/s")
    assert moves.strip(put(f"hold/s%x{HELD}.yaml"))
    assert is_parked(world.spool, "s")


# -- finding


@pytest.mark.parametrize(
    "pattern",
    ["s/x", "s/x.yaml", "s", "s/", "s/*", "*/x", "s/x~1.cccccccc-1", "s/[x]", f"s%x~1.cccccccc-1{HELD}", "*~1.*"],
)
def test_a_task_is_meant_by_name_pattern_or_batch(pattern):
    assert matches(TaskName("s/x", "1", "cccccccc-1", Claim(WID, 1)), pattern)


@pytest.mark.parametrize("pattern", ["x", "s/y", "s/x~2", "S/X", "s/x/"[:3] + "z", "t/*"])
def test_another_task_is_not_meant(pattern):
    assert not matches(TaskName("s/x", "1", "cccccccc-1"), pattern)


@pytest.mark.parametrize(
    ("pattern", "called"),
    [("a[1]", ["a[1]"]), ("a1", ["a1"]), ("a?", ["a1"]), ("x.yaml", ["x.yaml"]), ("x", ["x"]),
     ("g[1]/*", ["g[1]/t"]), ("g[1]", ["g[1]/t"]), ("g[2]/*", ["g2/t"]), ("[ax]*", ["a1", "a[1]", "x", "x.yaml"])],
)  # fmt: skip
def test_what_is_really_called_so_is_meant_and_nothing_beside_it(moves, put, pattern, called):
    for name in ("a[1]", "a1", "x", "x.yaml", "g[1]/t", "g1/t", "g2/t"):
        put(f"todo/{name}.yaml")
    assert sorted(place.identity for place in moves.find(pattern)) == called


def test_another_task_is_not_meant_though_the_one_of_that_name_lies_elsewhere(moves, put):
    put("todo/a[1].yaml")
    put("failed/a1~exit1.yaml")
    assert moves.find("a[1]", [State.FAILED]) == []


def test_a_verb_picks_what_it_applies_to(moves, put):
    put("todo/s/1.yaml")
    put("done/s/2.yaml")
    assert [place.path for place in moves.pick("requeue", ["s/*"])] == ["s/2.yaml"]
    assert [place.path for place in moves.pick("hold", ["s", "s/1"])] == ["s/1.yaml"]


def test_a_verb_in_the_wrong_state_says_which_would_fit(moves, put):
    put("done/x.yaml")
    with pytest.raises(WrongState, match="`requeue` runs it again"):
        moves.pick("hold", ["x"])
    with pytest.raises(TaskNotFound, match="'y'"):
        moves.pick("hold", ["y"])


def test_a_parked_batch_is_seen_though_this_client_once_missed_its_folder(world):
    spool = Spool(world.root, NegativeFs(world.clock), world.clock)
    assert not is_parked(spool, "s")
    os.makedirs(f"{world.root}/hold/s")
    assert is_parked(spool, "s")


@pytest.mark.parametrize("identity", ["fold", "s/fold", "a[1]", "[x]", "*?", "!a", "lr=0.1", "é x", "^"])
def test_a_task_is_meant_alone_where_a_batch_has_its_name(identity):
    names = [TaskName(identity), TaskName(f"{identity}/1"), TaskName("a1"), TaskName("fols"), TaskName("x")]
    things = [Place(State.HOLD, name.path, name) for name in names]
    assert [each.name.identity for each in meant(things, alone(identity))] == [identity]
