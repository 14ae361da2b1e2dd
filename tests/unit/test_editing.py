"""Out, edit, in: with anything else between two steps the task runs once, with one of the two texts, whole."""

import os
import stat

import pytest

from dsgspool.errors import StorageError
from dsgspool.spool import editing
from dsgspool.spool.dependencies import Dependencies, Standing
from dsgspool.spool.editing import Change, Edit, mend, old_edits, owed, pick, remove_edit, under_edit
from dsgspool.spool.moves import Moves
from dsgspool.task import State
from tests.support.actors import STATES
from tests.support.doors import files_below


@pytest.fixture
def moves(world):
    moves = Moves(world.spool)
    moves.token.word = "tttttttt"
    return moves


def put(world, path, text="old"):
    os.makedirs(os.path.dirname(f"{world.root}/{path}"), exist_ok=True)
    with open(f"{world.root}/{path}", "w") as file:
        file.write(text)


def read(world, path):
    with open(f"{world.root}/{path}") as file:
        return file.read()


def prepared(moves, *, old=b"old", **options):
    """An edit of everything that there is, with its drafts written."""
    places, _ = pick(moves, ["*"])
    changes = [Change(place, old, b"new", **options) for place in places]
    edit = Edit(moves, "e")
    edit.prepare(changes, {"texts": {}})
    return edit, changes


def lies(world):
    return files_below(world.root, STATES)


@pytest.fixture
def old(world, moves):
    """Everything has been at rest for longer than a lease."""
    return lambda: mend(moves, lambda _path: 48.0, 47.0)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("todo/s/x.yaml", "todo/s/x~0.tttttttt-1.yaml"),
        ("todo/@p5/x~1l2.cccccccc-1.yaml", "todo/@p5/x~1l2.tttttttt-1.yaml"),
        ("hold/x~1.cccccccc-1.yaml", "hold/x~1.tttttttt-1.yaml"),
        ("hold/s%x~changed.cccccccc-1.yaml", "hold/s/x~changed.tttttttt-1.yaml"),
        ("waiting/after-a/@p5/s/x.yaml", "waiting/after-a/@p5/s/x~0.tttttttt-1.yaml"),
        ("waiting/until-20261121T210000Z/x~1.cccccccc-1.yaml", "waiting/until-20261121T210000Z/x~1.tttttttt-1.yaml"),
    ],
)
def test_a_task_goes_back_to_where_it_lay_with_a_fresh_token(world, moves, before, after):
    put(world, before)
    edit, [change] = prepared(moves)
    assert edit.carry_out(change) == ""
    edit.close()
    assert lies(world) == [after] and read(world, after) == "new"
    assert read(world, f"edits/e/old/{before}") == "old" and os.listdir(f"{world.root}/edits") == ["e"]


def test_what_is_perhaps_not_whole_and_goes_back_as_it_is_says_so_still(world, moves):
    put(world, "todo/@p5/x~settling.cccccccc-1.yaml", "old, and mo")
    edit, [change] = prepared(moves)
    assert "it has another text by now" in edit.carry_out(change)
    assert lies(world) == ["todo/@p5/x~settling.tttttttt-1.yaml"]


def test_what_was_copied_into_waiting_and_goes_back_as_it_is_is_not_called_whole(world, moves):
    put(world, "waiting/after-a/x.yaml", "old, and mo")
    edit, [change] = prepared(moves)
    assert "it has another text by now" in edit.carry_out(change)
    assert lies(world) == ["waiting/after-a/x~settling.tttttttt-1.yaml"]


def test_a_new_text_of_what_was_perhaps_not_whole_is_whole(world, moves):
    put(world, "todo/x~settling.cccccccc-1.yaml")
    edit, [change] = prepared(moves)
    assert edit.carry_out(change) == ""
    assert lies(world) == ["todo/x~0.tttttttt-1.yaml"]


def test_what_waits_for_something_else_now_is_judged_anew(world, moves):
    put(world, "waiting/after-a/@p5/s/x.yaml")
    edit, [change] = prepared(moves, afresh=True)
    edit.carry_out(change)
    assert lies(world) == ["todo/@p5/s/x~0.tttttttt-1.yaml"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("todo/@p5,cpus8/s/x.yaml", "todo/@p5/s/x~0.tttttttt-1.yaml"),
        ("todo/@mem900G=tvlz6n/x.yaml", "todo/x~0.tttttttt-1.yaml"),
        ("todo/@mine/x.yaml", "todo/@mine/x~0.tttttttt-1.yaml"),
        ("hold/x.yaml", "hold/x~0.tttttttt-1.yaml"),
    ],
)
def test_what_wants_something_else_now_leaves_the_lane_of_what_it_wanted(world, moves, before, after):
    put(world, before)
    edit, [change] = prepared(moves, afresh=True)
    edit.carry_out(change)
    assert lies(world) == [after]


def test_a_batch_that_was_parked_meanwhile_stays_parked(world, moves):
    put(world, "todo/s/x.yaml")
    put(world, "hold/s/y.yaml")
    places, _ = pick(moves, ["s/x"])
    edit, change = Edit(moves, "e"), Change(places[0], b"old", b"new")
    edit.prepare([change], {})
    os.rename(f"{world.root}/todo/s/x.yaml", f"{edit.folder}/out/todo/s/x.yaml")
    os.rename(f"{edit.folder}/out/todo/s/x.yaml", f"{edit.folder}/old/todo/s/x.yaml")
    os.rmdir(f"{world.root}/todo/s")
    mend(moves, lambda _path: 48.0, 47.0)
    assert lies(world) == ["hold/s/x~0.tttttttt-1.yaml", "hold/s/y.yaml"]


def test_what_a_worker_claimed_first_keeps_its_text(world, moves):
    world.drop("a")
    edit, [change] = prepared(moves, old=b"whatever")
    work = world.worker().claim("a.yaml")
    assert edit.carry_out(change) == editing.TAKEN and work
    edit.close()
    assert files_below(world.root, ["edits"]) == ["edits/e/edit.json"]


def test_a_text_that_a_person_changed_meanwhile_is_not_replaced(world, moves):
    put(world, "todo/x.yaml")
    edit, [change] = prepared(moves)
    put(world, "todo/x.yaml", "mine")
    assert "another text" in edit.carry_out(change)
    assert lies(world) == ["todo/x~settling.tttttttt-1.yaml"] and read(world, lies(world)[0]) == "mine"


def test_of_two_editors_one_wins(world, moves):
    put(world, "todo/x.yaml")
    edit, [change] = prepared(moves)
    other = Edit(Moves(world.spool), "f")
    other.prepare([Change(change.place, b"old", b"other")], {})
    assert (other.carry_out(change), edit.carry_out(change)) == ("", editing.TAKEN)
    assert [read(world, path) for path in lies(world)] == ["other"]


def steps(world, edit, change, number):
    """The first steps of an editor that is killed then."""
    out, old = f"{edit.folder}/out/{change.path}", f"{edit.folder}/old/{change.path}"
    if number >= 1:
        os.rename(f"{world.root}/{change.path}", out)
    if number >= 2:
        os.rename(out, old)


@pytest.mark.parametrize(("number", "text"), [(0, "old"), (1, "old"), (2, "new")])
def test_what_a_killed_editor_took_out_comes_back_once(world, moves, old, number, text):
    put(world, "todo/x.yaml")
    edit, [change] = prepared(moves)
    steps(world, edit, change, number)
    assert mend(moves, lambda _path: 46.0, 47.0) == 0
    assert (old(), old()) == (min(number, 1), 0)
    assert [read(world, path) for path in lies(world)] == [text]


@pytest.mark.parametrize("number", [1, 2])
def test_an_editor_that_was_taken_for_dead_moves_nothing_twice(world, moves, old, number, monkeypatch):
    """It stood still before its next step, and the leader has mended what it left."""
    put(world, "todo/x.yaml")
    edit, [change] = prepared(moves)
    taken = {1: "_has_changed", 2: "_has_changed"}[number]

    def stand_still(*_args):
        if number == 2:
            os.rename(f"{edit.folder}/out/{change.path}", f"{edit.folder}/old/{change.path}")
        old()
        return False

    monkeypatch.setattr(edit, taken, stand_still)
    edit.carry_out(change)
    assert [read(world, path) for path in lies(world)] == ["old" if number == 1 else "new"]


def test_an_editor_that_comes_back_after_a_day_finds_its_folder_closed(world, moves):
    put(world, "todo/x.yaml")
    edit, [change] = prepared(moves)
    mend(moves, lambda _path: editing.DAY + 1, 47.0)
    assert os.listdir(f"{world.root}/edits") == ["e"]
    with pytest.raises(FileNotFoundError):
        edit.carry_out(change)
    assert lies(world) == ["todo/x.yaml"] and os.listdir(f"{world.root}/edits") == ["e"]


@pytest.mark.parametrize("number", [1, 2])
def test_a_batch_is_not_over_while_a_task_of_it_is_taken_out(world, moves, number):
    put(world, "todo/s/x.yaml")
    put(world, "done/s/y.yaml")
    edit, [change] = prepared(moves)
    steps(world, edit, change, number)
    assert list(under_edit(world.spool)) == [(State.TODO, "s/x")]
    assert Dependencies(world.spool).standing("s/")[0] is Standing.OPEN
    assert Dependencies(world.spool).standing("s/", but="s/x")[0] is Standing.DONE


def test_what_no_edit_laid_into_edits_stops_nobody(world, moves, old):
    put(world, "done/s/y.yaml")
    for path in (
        "e.open/out/rubbish/f.yaml",
        "e.open/out/todo/a~b.yaml",
        "e.open/out/f.yaml",
        "e.open/out/todo",
        "f.open",
    ):
        put(world, f"edits/{path}{'/x@y.yaml' if path.endswith('todo') else ''}")
    assert list(under_edit(world.spool)) == [] and old() == 0
    assert Dependencies(world.spool).standing("s/")[0] is Standing.DONE


@pytest.mark.parametrize("hidden", ["edits", "edits/e.open/out"])
def test_a_folder_of_edits_that_may_not_be_read_stops_nobody(world, moves, old, hidden, monkeypatch):
    put(world, "done/s/y.yaml")
    put(world, "edits/e.open/out/todo/s/x.yaml")
    hide(world.fs, f"{world.root}/{hidden}", monkeypatch)
    assert old() == 0 and Dependencies(world.spool).standing("s/")[0] is Standing.DONE


def hide(fs, folder, monkeypatch):
    """Somebody else's, closed to others; root, as whom tests may run, may read everything."""
    for call in ("scan", "walk"):
        real = getattr(fs, call)

        def closed(path, *more, real=real, **how):
            if path == folder:
                raise PermissionError(13, "Permission denied", path)
            return real(path, *more, **how)

        monkeypatch.setattr(fs, call, closed)


def test_what_cannot_be_brought_back_keeps_nothing_else_from_it(world, moves, old):
    """A file lies where the batch folder of one of them was."""
    put(world, "edits/a.open/out/todo/s/x.yaml")
    put(world, "edits/b.open/out/todo/y.yaml")
    put(world, "todo/s", "a file")
    with pytest.raises(StorageError):
        old()
    assert lies(world) == ["todo/s", "todo/y~settling.tttttttt-4.yaml"]


def test_a_private_text_stays_private(world, moves):
    put(world, "todo/x.yaml")
    edit, [change] = prepared(moves, owner=os.geteuid())
    edit.carry_out(change)
    for path in (lies(world)[0], "edits/e.open/edit.json"):
        assert stat.S_IMODE(os.stat(f"{world.root}/{path}").st_mode) == 0o600


def test_old_edits_are_pruned_and_open_ones_stay(world, moves):
    put(world, "todo/x.yaml")
    edit, [change] = prepared(moves)
    edit.carry_out(change)
    assert old_edits(world.spool, 1e11) == [] and list(owed(world.spool, edit.folder)) == []
    edit.close()
    assert old_edits(world.spool, 1e9) == [] and old_edits(world.spool, 1e11) == ["e"]
    remove_edit(moves, "e")
    assert os.listdir(f"{world.root}/edits") == []


def test_a_hidden_folder_among_old_edits_stops_no_prune(world, moves):
    put(world, "edits/e/old/todo/x.yaml")
    os.mkdir(f"{world.root}/edits/e/.mine")
    remove_edit(moves, "e")
    assert os.listdir(f"{world.root}/edits") == []
