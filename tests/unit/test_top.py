"""The rule: what the live screen shows follows from what was found and what was typed, and no text of others steers it."""

import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsgspool.cli.top.draw import frame
from dsgspool.cli.top.keys import keys
from dsgspool.cli.top.loads import Loads
from dsgspool.cli.top.look import nodes
from dsgspool.cli.top.model import Act, Model
from dsgspool.cli.top.rates import WINDOW, Rates
from dsgspool.cli.top.values import Facts, Load, Node, Row, View
from dsgspool.names import TaskName
from dsgspool.snapshot import Snapshot
from dsgspool.snapshot.values import Counts, TaskSeen, WorkerSeen
from dsgspool.spool.rest import Rest
from dsgspool.task import State
from tests.support.doors import ClockedFs

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
BAD = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
TEETH = "\x1b]0;pwned\x07\x1b[2J\x9b31m\r\n\x7f\u202egnp[bold]x[/bold]:smile:"


def run(name, **facts):
    return Row(name, State.RUNNING, f"n1-abcdefgh/{name}@n1-abcdefgh.1.yaml", **{"attempt": 1, "node": "n1", **facts})


def failed(name, **facts):
    return Row(name, State.FAILED, f"{name}~exit1.yaml", **{"attempt": 1, "node": "n1", "reason": "exit1", **facts})


def todo(name, state=State.TODO):
    return Row(name, state, f"{name}.yaml", reason=str(state))


def facts(running=(), failures=(), todos=(), **more):
    rows = {View.RUNNING: tuple(running), View.FAILURES: tuple(failures), View.TODO: tuple(todos)}
    counts = Counts(todo=len(rows[View.TODO]), running=len(rows[View.RUNNING]), failed=len(rows[View.FAILURES]))
    return Facts("/mnt/lab/spool", 1_700_000_000.0, counts=counts, rows=rows, **more)


@pytest.fixture
def model():
    """Three that run, two that failed, two that wait."""
    made = Model()
    made.update(facts([run("a"), run("b"), run("c")], [failed("f"), failed("g")], [todo("t"), todo("u", State.HOLD)]))
    return made


def press(model, words):
    return [act for key in words.split() if (act := model.key(key)) is not None]


# -- keys


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"q", ["q"]),
        (b"\x1b[A\x1b[B\x1bOA\x1bOB", ["up", "down", "up", "down"]),
        (b"\t\r\x7f\x0c", ["tab", "enter", "backspace", "redraw"]),
        (b"\x1b", ["escape"]),
        (b"\x1b[Z\x1b[5~\x1b[6~\x1b[H\x1b[F", ["back-tab", "page-up", "page-down", "home", "end"]),
        ("jk\u00fc".encode(), ["j", "k", "\u00fc"]),
        (b"\x1b[200~\x1b[1;5C\x1bOP\x1bc", []),  # no letter of a sequence is a command
        (b"\xff\x00\x01", []),
    ],
)
def test_what_is_typed_has_names(data, found):
    assert keys(data) == found


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=60))
def test_any_bytes_can_be_typed(data):
    model = Model()
    model.update(facts([run("a")]))
    for key in keys(data):
        model.key(key)
    assert len(frame(model, 80, 24)) == 24


# -- what keys do


def test_the_cursor_moves_and_stops_at_the_ends(model):
    press(model, "down j")
    assert model.current().identity == "c"
    press(model, "j j page-down")
    assert model.current().identity == "c"
    press(model, "k up up k")
    assert model.current().identity == "a"
    press(model, "end home")
    assert model.current().identity == "a"


def test_tab_goes_round_the_lists(model):
    seen = [model.view]
    for _ in range(3):
        press(model, "tab")
        seen.append(model.view)
    assert seen == [View.RUNNING, View.FAILURES, View.TODO, View.RUNNING]
    press(model, "back-tab")
    assert model.view is View.TODO


def test_the_cursor_stays_on_its_task_when_the_list_changes(model):
    press(model, "j")
    model.update(facts([run("0"), run("a"), run("b", seconds=3.0)]))
    assert model.current().identity == "b"
    model.update(facts([run("0")]))
    assert model.current().identity == "0"
    model.update(facts())
    assert model.current() is None


def test_what_stops_a_running_task_is_asked_about_first(model):
    for key, verb in (("h", "hold"), ("c", "cancel")):
        assert press(model, key) == []
        assert plain(model)[-1].strip() == f"this stops it: {verb} a? y/n"
        (act,) = press(model, "y")
        assert (act.verb, act.row.identity) == (verb, "a")


def test_hold_of_what_waits_and_requeue_are_done_at_once_where_they_apply(model):
    assert press(model, "r") == []
    assert "tab goes to the failures" in model.message
    (act,) = press(model, "tab j r")
    assert (act.verb, act.row.identity) == ("requeue", "g")
    assert press(model, "h c") == []
    assert model.asked is None
    (act,) = press(model, "tab h")
    assert (act.verb, act.row.state) == ("hold", State.TODO)


def test_a_cancel_is_asked_about_and_done_to_what_was_asked_about(model):
    assert press(model, "j c") == []
    model.update(facts([run("z"), run("y")]))
    (act,) = press(model, "y")
    assert (act.verb, act.row.identity) == ("cancel", "b")
    assert press(model, "y") == []


@pytest.mark.parametrize("key", ["n", "enter", "escape", "q", "c", "h"])
def test_anything_but_yes_cancels_nothing(model, key):
    assert press(model, f"c {key}") == []
    assert model.asked is None
    assert model.message == "nothing was done"


def test_the_filter_takes_all_letters_until_enter_and_escape_takes_it_away(model):
    assert press(model, "/ b q backspace") == []
    assert [row.identity for row in model.rows()] == ["b"]
    assert model.current().identity == "b"
    (act,) = press(model, "enter h y")
    assert act.row.identity == "b"
    press(model, "escape")
    assert len(model.rows()) == 3
    press(model, "/ x escape")
    assert (model.filter, model.is_typing) == ("", False)


def test_nothing_is_done_to_no_task():
    model = Model()
    assert press(model, "h c r l j k end tab h") == []
    assert model.message == "no task is chosen"


def test_pausing_turns_round(model):
    assert press(model, "p") == [Act("pause")]
    model.update(facts(paused=True))
    assert press(model, "p") == [Act("resume")]


def test_help_goes_away_with_any_key_and_does_not_obey_it(model):
    assert press(model, "? h") == []
    assert not model.is_helping
    assert press(model, "q") == [Act("quit")]


def test_a_task_without_an_attempt_has_no_log(model):
    (act,) = press(model, "l")
    assert (act.verb, act.row.identity) == ("log", "a")
    assert press(model, "tab tab l") == []
    assert "no log yet" in model.message


# -- rates


def test_the_rate_is_that_of_the_last_minutes():
    rates = Rates()
    rates.note(0.0, 100)
    assert rates.per_minute is None
    rates.note(60.0, 130)
    assert rates.per_minute == 30.0
    assert rates.seconds_for(15) == 30.0
    assert rates.seconds_for(0) is None
    for moment in range(70, 1000, 10):
        rates.note(float(moment), 130)
    assert rates.per_minute == 0.0
    assert rates.seconds_for(15) is None


def test_the_rate_is_no_negative_number():
    rates = Rates()
    rates.note(0.0, 100)
    rates.note(60.0, 20)
    assert rates.per_minute is None
    rates.note(120.0, 25)
    assert rates.per_minute == 5.0


@pytest.mark.parametrize(
    ("state", "name", "left"),
    [
        ("todo", "s/rest-010-999", None), ("running", "s/rest-010-999", None), ("hold", "s/rest-010-999", 60.0),
        ("todo", "s/010-999", 60.0), ("todo", "s/rest-room", 60.0),
    ],
)  # fmt: skip
def test_nothing_is_said_of_what_is_left_while_a_rest_of_a_sweep_is_queued(state, name, left):
    rates = Rates()
    rates.note(0.0, 0)
    rates.note(60.0, 2)
    seen = TaskSeen(name, State(state), f"{name}.yaml", TaskName(name))
    assert rates.left(Snapshot("/lab/spool", 0.0, False, Counts(todo=1, running=1), {}, (seen,), (), (), ())) == left


def test_counts_of_long_ago_are_forgotten():
    rates = Rates()
    for moment in range(0, 10_000, 2):
        rates.note(float(moment), moment)
    assert len(rates._seen) < WINDOW
    assert rates.per_minute == 60.0


# -- the load of nodes


def journal(world, name, *events):
    with open(f"{world.root}/workers/{name}", "a") as file:
        file.writelines(f"{event if isinstance(event, str) else json.dumps(event)}\n" for event in events)


def node(load):
    return {"at": "2026-11-21T21:00:00.000Z", "event": "node", "load": load, "memory_used": 1, "memory_total": 2}


@pytest.fixture
def loads(world):
    return Loads(ClockedFs(world.clock), world.spool.workers)


def test_the_newest_node_line_counts_and_only_news_are_read_later(loads, world, monkeypatch):
    journal(world, "n1-aaaaaaaa.jsonl", node(1), node(2), {"at": "x", "event": "end"})
    assert loads.of(["n1-aaaaaaaa"]) == {"n1-aaaaaaaa": Load(2.0, None, 1.0, 2.0)}
    sizes = []
    read_at = loads.fs.read_at
    monkeypatch.setattr(loads.fs, "read_at", lambda path, start, size: sizes.append(size) or read_at(path, start, size))
    journal(world, "n1-aaaaaaaa.jsonl", {"event": "end"})
    assert loads.of(["n1-aaaaaaaa"])["n1-aaaaaaaa"].load == 2.0
    journal(world, "n1-aaaaaaaa.2.jsonl", node(3))
    assert loads.of(["n1-aaaaaaaa"])["n1-aaaaaaaa"].load == 3.0
    assert max(sizes) < 200


def test_only_the_end_of_a_long_journal_is_read(loads, world):
    journal(world, "n1-aaaaaaaa.jsonl", node(1), *["x" * 1000] * 100)
    assert loads.of(["n1-aaaaaaaa"]) == {}


@pytest.mark.parametrize(
    "line",
    ['{"event": "node"', '["event": "node"]', '{"event": "node", "load": "\\u001b[2J"}', '[{"event": "node"}]',
     '{"event": "node", "load": NaN, "cpu": -1, "memory_used": true, "memory_total": 1e999}', "\x00\xff"],
)  # fmt: skip
def test_a_broken_line_says_nothing(loads, world, line):
    journal(world, "n1-aaaaaaaa.jsonl", line)
    assert loads.of(["n1-aaaaaaaa"]).get("n1-aaaaaaaa", Load()) == Load()


def test_half_a_line_is_read_when_it_is_whole(loads, world):
    line = json.dumps(node(7))
    with open(f"{world.root}/workers/n1-aaaaaaaa.jsonl", "w") as file:
        file.write(json.dumps(node(1)) + "\n" + line[:20])
        file.flush()
        assert loads.of(["n1-aaaaaaaa"])["n1-aaaaaaaa"].load == 1.0
        file.write(line[20:] + "\n")
    assert loads.of(["n1-aaaaaaaa"])["n1-aaaaaaaa"].load == 7.0


# -- the frame


def plain(model, columns=80, rows=24):
    return [COLOUR.sub("", row) for row in frame(model, columns, rows)]


def busy(count=40):
    nodes = [Node(f"n{n}", 8, n, "", Load(1.5, 0.25, 2 << 30, 8 << 30)) for n in range(8)]
    nodes.append(Node("n9", 4, 1, "no heartbeat for 90 s"))
    return facts(
        [run(f"sweep/{n:04}", seconds=100.0, progress=n / count, line=f"epoch {n}") for n in range(count)],
        [failed(f"f{n}", line="exit code 1: ValueError", seconds=n * 100.0) for n in range(count)],
        [todo(f"t{n}") for n in range(count)],
        nodes=tuple(nodes), rate=12.0, eta=100.0, problems=("the disk is full",),
    )  # fmt: skip


def test_a_node_that_is_not_to_be_had_says_so_unless_one_of_its_workers_takes_tasks():
    resting, taking = (
        WorkerSeen(wid, "n1", 2, "", 1.0, (), rest=rest)
        for wid, rest in (("n1-aaaaaaaa", Rest("run_between", "weekends")), ("n1-bbbbbbbb", None))
    )
    model = Model()
    for workers, told in (((resting,), True), ((resting, taking), False)):
        model.update(facts(nodes=nodes(workers, {})))
        assert ("takes tasks again when that is over (run_between: weekends)" in "\n".join(plain(model, 200))) is told


def test_in_a_narrow_window_nodes_have_names():
    model = Model()
    model.update(facts(nodes=(Node("node12", 8, 3, "", Load(1.5, 0.25, 2 << 30, 8 << 30)),)))
    (row,) = (row for row in plain(model, 40) if "3/8" in row)
    assert row.startswith("node12 ") and "━" not in row


def test_the_list_of_what_waits_is_not_called_as_the_folder_of_which_another_number_is_told():
    model, counts = Model(), Counts(todo=11, waiting=2, hold=1)
    model.update(Facts("/lab/spool", 1.0, False, counts))
    screen = "\n".join(plain(model))
    assert re.findall(r"todo +(\d+)", screen) == ["11"] and " to come 14 " in screen


def test_one_node_more_is_one():
    model = Model()
    for number, told in ((5, "... and 1 more node "), (6, "... and 2 more nodes ")):
        model.update(facts(nodes=tuple(Node(f"n{n}", 1, 0) for n in range(number))))
        assert any(f"{line} ".startswith(told) for line in plain(model, 80, 24)), plain(model, 80, 24)


@pytest.mark.parametrize(("rest", "word"), [(Rest("paused", "true"), "paused"), (Rest("drain", "SIGINT"), "draining")])
def test_a_node_whose_workers_are_paused_or_drain_says_so(rest, word):
    model = Model()
    model.update(facts(nodes=nodes([WorkerSeen("n1-aaaaaaaa", "n1", 2, "", 1.0, (), rest=rest)], {})))
    assert any(line.split()[::3] == ["n1", word] for line in plain(model, 100)), plain(model, 100)


@pytest.mark.parametrize("size", [(80, 24), (20, 6), (200, 60), (40, 10), (100, 30)])
@pytest.mark.parametrize("typed", ["", "tab", "tab tab", "?", "c", "/ f", "end", "p"])
def test_a_frame_fits_its_window(size, typed):
    model = Model()
    model.update(busy())
    press(model, typed)
    seen = plain(model, *size)
    assert len(seen) == size[1]
    assert max(map(len, seen)) <= size[0]


@pytest.mark.parametrize("left", [{"waiting": 1}, {"hold": 1}, {"todo": 1}, {"running": 1}])
def test_nothing_is_finished_as_a_whole_while_something_is_left(left):
    model = Model()
    for counts, told in (
        (Counts(done=999, **left), "99%"),
        (Counts(done=900, failed=99), "100%"),
        (Counts(**left), "0%"),
    ):
        model.update(Facts("/lab/spool", 1.0, counts=counts))
        (row,) = [row for row in plain(model) if " finished" in row]
        assert row.split()[-2] == told
        assert ("─" in row) is (told != "100%")


def test_while_the_spool_is_paused_no_time_is_left():
    model = Model()
    for paused in (False, True):
        model.update(facts([run("a")], rate=12.0, eta=31.0, paused=paused))
        (row,) = [row for row in plain(model) if " finished" in row]
        assert "12.0/min" in row and ("about 31s left" in row) is not paused


def test_what_is_stuck_is_told_where_there_is_room():
    model, lines = Model(), ("stuck: a waits for b", "stuck: c waits for d", "stuck: e waits for f")
    model.update(facts([run("a")], stuck=lines[:2]))
    assert [row for row in plain(model, 80, 24) if row.startswith("stuck")] == list(lines[:2])
    assert not [row for row in plain(model, 80, 20) if row.startswith("stuck")]
    model.update(facts([run("a")], stuck=lines))
    told = plain(model, 80, 24)
    assert lines[0] in told and "... and 2 more are stuck" in told and lines[1] not in told


def test_on_a_small_window_everything_is_there():
    model = Model()
    model.update(busy())
    screen = "\n".join(plain(model))
    for words in ("/mnt/lab/spool", "todo 40", "failed 40", "finished, 12.0/min, about 1m40s left", "the disk is full",
                  "no heartbeat for 90 s", "1.5   25%  2.0 GiB of 8.0 GiB", "... and 5 more nodes", "running 40", "sweep/0001",
                  "epoch 1", "NEWEST FAILURES", "exit code 1: ValueError", "q quit"):  # fmt: skip
        assert words in screen, words
    press(model, "tab")
    assert "WHY" in "\n".join(plain(model))


def test_batches_that_are_not_started_are_told():
    model = Model()
    model.update(facts(stopped=("batch a is not started: paused", "batch b is not started: its breaker")))
    assert [row for row in plain(model) if row.startswith("batch ")] == list(model.facts.stopped)
    model.update(facts(stopped=tuple(f"batch {n} is not started" for n in range(9))))
    screen = plain(model)
    assert "batch 0 is not started" in screen and "... and 8 more batches are not started" in screen


def test_long_names_keep_their_ends():
    model = Model()
    names = [f"align/a-rather-long-name-of-a-task-that-reads-many-files-{n}" for n in (1, 2)]
    model.update(facts(running=[run(name) for name in names], failures=[failed(name) for name in names]))
    for columns in (80, 110):
        shown = [line.split()[0] for line in plain(model, columns) if line.startswith("align/")]
        assert [name[-8:] for name in shown] == ["-files-1", "-files-2"] * 2, shown
        assert all("…" in name for name in shown), shown


def test_the_task_under_the_cursor_is_on_the_screen():
    model = Model()
    model.update(busy(500))
    for key in ["page-down"] * 20 + ["end"]:
        press(model, key)
        assert model.current().identity in "\n".join(plain(model))


def test_no_text_of_others_steers_the_terminal():
    model = Model()
    model.update(
        facts(
            [run(TEETH, node=TEETH, line=TEETH)], [failed(TEETH, reason=TEETH, line=TEETH)], [todo(TEETH)],
            nodes=(Node(TEETH, 1, 1, TEETH), Node(TEETH, 1, 1, rest=TEETH)), problems=(TEETH,),
        )
    )  # fmt: skip
    model.message = TEETH
    for typed in ("", "c", "n", "tab", "tab", "/", *TEETH, "enter"):
        press(model, typed)
        for row in plain(model, 300, 24):
            assert not BAD.search(row), repr(row)
    assert "[bold]x[/bold]:smile:" in "\n".join(plain(model, 300, 24))


def test_an_empty_spool_says_so():
    model = Model()
    assert "looking ..." in plain(model)[0]
    model.update(facts())
    screen = "\n".join(plain(model))
    assert "no worker is running" in screen and "nothing runs" in screen and "no tasks" in screen
