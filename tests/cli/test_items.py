"""One item of a sweep by its number: what `show` and `logs` tell of it."""

import json
import os

import pytest

from dsgspool.ranges import parse_range
from dsgspool.spool import Spool
from dsgspool.spool.divisions import Divisions
from dsgspool.spool.moves import Moves
from dsgspool.task import State

TEXT = "command: ./fold {seed}\nsweep:\n  product:\n    seed: 11..110\n  exclude:\n    - {seed: 20}\n...\n"
HEAD = "# item outcome started seconds out bytes err bytes\n"
AT = "2026-11-30T04:00:00.000Z"


@pytest.fixture
def sweep(put, record, spool):
    """A chunk with two attempts that failed, one that runs, and a rest."""
    put("failed/s/00-09~items1.yaml", TEXT)
    put("todo/s/rest-20-99~0.aaaaaaaa-1.yaml", TEXT)
    put("running/n1-abcdefgh/s%10-19@n1-abcdefgh.3.yaml", TEXT)
    record("s/00-09", 1, "items2", out="onetwo", err="oh\n")
    record("s/00-09", 2, "items1", out="three")
    record("s/10-19", 1, None, out="ten\n")
    index = spool / "logs/s"
    (index / "00-09.1.items").write_text(
        f"{HEAD}0 done {AT} 1.5 0 3 0 0\n1 exit2 {AT} 0.1 3 3 0 3\n3 exit1 {AT} 0.1 6 0 3 0\n"
    )
    (index / "00-09.2.items").write_text(f"{HEAD}1 exit3 {AT} 0.2 0 5 0 0\n3 done {AT} 0.1 5 0 0 0\n")
    (index / "10-19.1.items").write_text(f"{HEAD}10 done {AT} 0.1 0 4 0 0\n11 exit1 2026")


@pytest.mark.parametrize(
    ("name", "state", "chunk"),
    [
        ("s/0", "done", "s/00-09"),
        ("s/1", "failed", "s/00-09"),
        ("s/001", "failed", "s/00-09"),
        ("s/3", "done", "s/00-09"),
        ("s/9", "excluded", "s/00-09"),
        ("s/10", "done", "s/10-19"),
        ("s/11", "running", "s/10-19"),
        ("s/99", "todo", "s/rest-20-99"),
    ],
)
def test_an_item_is_shown_with_its_state_its_values_and_its_chunk(sweep, run, name, state, chunk):
    [entry] = json.loads(run("show", name, "--json").stdout)
    assert (entry["state"], entry["chunk"]) == (state, chunk)
    assert entry["values"] == (None if state == "excluded" else {"seed": str(int(name[2:]) + 11)})


def test_its_params_stand_in_the_order_of_the_file(put, run):
    put("done/t/0-3.yaml", "command: x\nsweep:\n  product:\n    seed: [7, 8]\n    rate: [0.1, 0.5]\n...\n")
    assert [line.split() for line in run("show", "t/1").stdout.splitlines()[4:6]] == [["seed", "7"], ["rate", "0.5"]]


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_the_value_of_a_secret_is_not_shown(put, run, words):
    put(
        "done/t/0-1.yaml",
        "command: x\nsweep:\n  product:\n    API_TOKEN: [hunter2hunter2, other]\n    seed: [7]\n...\n",
    )
    for name in ("t/0", "t/1"):
        shown = run("show", name, *words).stdout
        assert "API_TOKEN" in shown and "***" in shown and "7" in shown
        assert "hunter2" not in shown and "other" not in shown


def test_an_index_that_somebody_wrote_to_is_read_as_far_as_it_is_one(sweep, run, spool):
    (spool / "logs/s/00-09.1.items").write_bytes(HEAD.encode() + b"1 exit2 x y z 3 0 3\n3 \xff a 1 1 1 1 1\n")
    assert len(json.loads(run("show", "s/1", "--json").stdout)[0]["attempts"]) == 1
    assert run("show", "s/3").exit_code == 0


def test_every_time_that_it_ended_is_told_with_its_bytes(sweep, run):
    shown = run("show", "s/1").stdout
    for line in ("state  failed", "seed   12", "exit2", "exit3", "3 B, from byte 3", "5 B, from byte 0"):
        assert line in shown
    [entry] = json.loads(run("show", "s/1", "--json").stdout)
    assert [each["stdout"] for each in entry["attempts"]] == [
        {"file": "logs/s/00-09.1.out", "offset": 3, "bytes": 3}, {"file": "logs/s/00-09.2.out", "offset": 0, "bytes": 5},
    ]  # fmt: skip


def test_its_part_of_the_log_is_printed_of_the_newest_attempt_that_ran_it(sweep, run):
    assert run("logs", "s/1").stdout == "three"
    assert run("logs", "s/1", "--attempt", "1").stdout == "two"
    assert run("logs", "s/1", "--attempt", "1", "--stderr").stdout == "oh\n"
    assert run("logs", "s/0").stdout == "one"
    assert run("logs", "s/10").stdout == "ten\n"


def test_what_has_not_ended_is_exit_6_and_what_is_no_item_exit_5(sweep, run):
    assert run("logs", "s/11").exit_code == 6
    assert run("logs", "s/99").exit_code == 6
    assert run("logs", "s/0", "--attempt", "2").exit_code == 2
    assert run("logs", "s/0", "-f").exit_code == 2
    for name in ("s/100", "t/1", "s/x"):
        assert (run("logs", name).exit_code, run("show", name).exit_code) == (5, 5)


def test_a_task_that_is_called_by_a_number_comes_first(sweep, put, run, record):
    put("done/s/1.yaml")
    record("s/1", 1, "done", out="a task\n")
    assert run("logs", "s/1").stdout == "a task\n"


def test_status_tells_how_far_each_sweep_is(sweep, run, put):
    put("done/years/2020-2021.yaml")
    assert json.loads(run("status", "--json").stdout)["sweeps"] == {
        "s": {"todo": 80, "waiting": 0, "hold": 0, "running": 10, "done": 9, "failed": 1}
    }
    lines = [line.split() for line in run("status").stdout.splitlines()]
    assert ["ITEMS", "todo", "waiting", "hold", "running", "done", "failed"] in lines
    assert ["s", "80", "0", "0", "10", "9", "1"] in lines


def test_items_are_requeued_with_their_chunk_and_named_in_a_file_for_its_next_attempt(sweep, run, spool, listed):
    result = run("requeue", "s/3", "s/0-1")
    assert (result.exit_code, result.stdout) == (0, "s/0\ns/1\ns/3\n")
    assert listed("failed") == [] and "s/00-09" in listed("todo")
    assert (spool / "logs/s/00-09.3.only").read_text() == "0\n1\n3\n"


def test_what_is_to_run_again_is_not_called_done(sweep, put, record, run, spool):
    run("requeue", "s/0")
    assert [json.loads(run("show", name, "--json").stdout)[0]["state"] for name in ("s/0", "s/1", "s/3")] == [
        "todo", "todo", "done",
    ]  # fmt: skip
    assert run("why", "s/0").stdout.startswith("s/0  todo\n")
    put("todo/t/0-3.yaml", "command: x\nsweep:\n  product:\n    seed: 1..4\n...\n")  # moved there by hand: all of it
    record("t/0-3", 1, "done")
    (spool / "logs/t/0-3.1.items").write_text(f"{HEAD}0 done {AT} 1.5 0 3 0 0\n")
    assert json.loads(run("show", "t/0", "--json").stdout)[0]["state"] == "todo"


def test_items_of_several_chunks_are_requeued_beside_tasks(sweep, put, record, run, spool, listed):
    put("done/s/100-109.yaml", TEXT)
    put("done/other.yaml")
    record("other", 1, "done")
    assert run("requeue", "s/1", "s/105", "other").exit_code == 0
    assert sorted(path.name for path in (spool / "logs/s").glob("*.only")) == ["00-09.3.only", "100-109.1.only"]
    assert {"s/00-09", "s/100-109", "other"} <= set(listed("todo"))


def test_a_whole_chunk_is_requeued_by_its_name_without_a_choice(sweep, run, spool):
    assert run("requeue", "s/00-09").stdout == "s/00-09\n"
    assert not list((spool / "logs/s").glob("*.only"))


def test_a_choice_that_was_cancelled_before_it_began_is_no_choice_any_more(sweep, run, spool, listed):
    chosen = spool / "logs/s/00-09.3.only"
    run("requeue", "s/3")
    assert run("cancel", "s/00-09").exit_code == 0 and chosen.read_text() == "3\n"
    assert run("requeue", "s/1").stdout == "s/1\n" and chosen.read_text() == "1\n"
    run("cancel", "s/00-09")
    assert run("requeue", "s/00-09").stdout == "s/00-09\n"
    assert not chosen.exists() and "s/00-09" in listed("todo")


def test_a_choice_of_one_that_was_killed_before_it_queued_the_chunk_stands(sweep, run, spool):
    chosen = spool / "logs/s/00-09.3.only"
    chosen.write_text("3\n")
    os.utime(chosen, times=(later := os.stat(spool / "failed/s/00-09~items1.yaml").st_ctime + 1, later))
    run("requeue", "s/00-09")
    assert chosen.read_text().split() == [str(item) for item in range(1, 10)], "item 0 is done, and 3 too, but chosen"


def test_a_chunk_that_is_requeued_whole_takes_no_choice_of_an_attempt_that_was_given_back(put, record, run, spool):
    for attempt, facts in ((1, {"next": "failed~items3"}), (2, {"next": "todo~0l0"})):
        record("s/00-09", attempt, "items3" if attempt == 1 else "stopped", **facts)
    (spool / "logs/s/00-09.1.items").write_text(f"{HEAD}0 done {AT} 1.5 0 3 0 0\n1 done {AT} 0.1 3 3 0 3\n")
    (spool / "logs/s/00-09.2.only").write_text("1\n")
    put("failed/s/00-09~cancelled.aaaaaaaa-1.yaml", TEXT)
    assert run("requeue", "s/*").stdout == "s/00-09\n"
    assert (spool / "logs/s/00-09.3.only").read_text().split() == [str(item) for item in range(1, 10)]


@pytest.mark.parametrize("name", ["s/9", "s/009", "s/9-9"])
def test_an_item_that_is_excluded_is_not_requeued_and_its_chunk_stays_where_it_is(sweep, run, spool, name):
    result = run("requeue", "s/3", name)
    why = "`exclude` leaves it out of the sweep; to run it, submit another one"
    assert result.stderr == f"dsgspool: {name} is excluded, which `requeue` does not apply to: {why}\n"
    assert (result.exit_code, result.stdout) == (6, "")
    assert not list((spool / "logs/s").glob("*.only")) and (spool / "failed/s/00-09~items1.yaml").exists()


def test_what_is_excluded_is_none_of_the_items_that_are_requeued(sweep, put, run, spool):
    assert run("requeue", "s/8-9").stdout == "s/8\n"
    assert (spool / "logs/s/00-09.3.only").read_text() == "8\n"
    put("failed/s/rest-20-99~cancelled.aaaaaaaa-2.yaml", TEXT.replace("seed: 20", "seed: 35"))
    (spool / "todo/s/rest-20-99~0.aaaaaaaa-1.yaml").unlink()
    assert run("requeue", "s/24").exit_code == 6
    assert run("requeue", "s/24-25").exit_code == 0


@pytest.mark.parametrize(("name", "code"), [("s/10", 6), ("s/50", 6), ("s/5-15", 6), ("s/200", 5), ("t/1", 5)])
def test_items_of_what_is_not_finished_are_left_alone(sweep, run, spool, name, code):
    result = run("requeue", name)
    assert result.exit_code == code
    assert not list((spool / "logs/s").glob("*.only")) and (spool / "failed/s/00-09~items1.yaml").exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("s/1", ["s/1  failed", "ended as exit3 in attempt 2 of its chunk, s/00-09", "-> dsgspool requeue s/1"]),
        ("s/0", ["s/0  done", "ended as done in attempt 1"]),
        ("s/9", ["s/9  excluded\n  it is excluded: `exclude` of its sweep leaves it out, so it never runs\n"]),
        ("s/99", ["s/99  todo", "it is one of s/rest-20-99: no worker is alive"]),
    ],
)
def test_why_answers_for_an_item_too(sweep, run, name, words):
    result = run("why", name)
    assert result.exit_code == 0 and all(word in result.stdout for word in words), result.stdout
    assert ("->" in result.stdout) is (name in ("s/1", "s/99"))  # nothing has what is excluded run
    assert run("why", "s/100").exit_code == 5


def test_the_logs_of_an_item_that_is_left_out_say_so(sweep, run):
    result = run("logs", "s/9")
    assert result.exit_code == 6 and "`exclude` of its sweep leaves it out, so it never runs" in result.stderr


# -- some items that have not run


@pytest.fixture
def names(spool):
    """The names of the sweep's files in a state."""
    moves = Moves(Spool.open(str(spool)))
    return lambda state: {place.identity for place in moves.find("s/", [State(state)])}


def test_items_of_a_rest_are_cancelled_held_released_and_requeued_by_range(sweep, run, names):
    result = run("cancel", "s/30-40", "s/99")
    assert (result.exit_code, result.stdout) == (0, "s/30-40\ns/99-99\n")
    assert {"s/20-20", "s/rest-21-29", "s/41-41", "s/rest-42-98"} <= names("todo")
    assert {"s/rest-30-40", "s/rest-99-99"} <= names("failed")
    assert run("hold", "s/20-25").stdout == "s/21-25\ns/20-20\n"
    assert {"s/20-20", "s/21-21", "s/rest-22-25"} == names("hold")
    assert run("release", "s/21-23").exit_code == 0
    assert {"s/20-20", "s/rest-24-25"} == names("hold")
    assert run("requeue", "s/35").exit_code == 0
    assert "s/rest-35-35" in names("todo") and {"s/30-30", "s/rest-31-34", "s/rest-36-40"} <= names("failed")
    counts = json.loads(run("status", "--json").stdout)["sweeps"]["s"]
    assert counts == {"todo": 66, "waiting": 0, "hold": 3, "running": 10, "done": 9, "failed": 12}


def test_what_lies_whole_in_the_range_is_moved_and_what_is_over_is_left(sweep, run, names):
    """Of the first ten items some have failed; ten run, whose chunk is not meant as a whole."""
    result = run("cancel", "s/15-30")
    assert result.exit_code == 6 and "a chunk is never divided: cancel it whole" in result.stderr
    assert ", and `cancel` does not apply to a part of it: " in result.stderr
    assert "s/rest-20-99" in names("todo") and "s/10-19" in names("running")
    assert run("cancel", "s/5-5").exit_code == 6
    assert run("cancel", "s/100-200").exit_code == 5
    result = run("cancel", "s/0-99")
    assert sorted(result.stdout.split()) == ["s/10-19", "s/rest-20-99"]


def test_items_of_a_rest_that_others_divide_meanwhile_are_looked_for_again(sweep, run, names, spool, monkeypatch):
    cut, moves = Divisions.cut, Moves(Spool.open(str(spool)))

    def late(self, place, meant, *more):
        monkeypatch.setattr(Divisions, "cut", cut)
        text = (spool / "todo" / place.path).read_bytes()
        Divisions(moves).divide(parse_range(place.identity), 24, 2, text)
        return self.cut(place, meant, *more)

    monkeypatch.setattr(Divisions, "cut", late)
    assert run("hold", "s/50-80").exit_code == 0
    held = [parse_range(name) for name in names("hold")]
    assert sorted(item for part in held for item in range(part.first, part.last + 1)) == list(range(50, 81))
    assert "s/20-24" in names("todo")


def test_only_the_owner_of_a_rest_or_root_divides_it(sweep, run, monkeypatch, names):
    monkeypatch.setattr("os.geteuid", lambda: 4242)
    result = run("cancel", "s/30")
    assert result.exit_code == 6 and "what is made of it must be theirs too" in result.stderr
    assert "s/rest-20-99" in names("todo")


# -- values that stand in files

ROWS = "command: echo {sample} {n}\nsweep:\n  rows: samples.csv\n  product: {n: 1..3}\n...\n"


def test_the_values_of_an_item_are_those_of_the_table(put, run, spool):
    put("todo/s/rest-0-5~0.aaaaaaaa-1.yaml", ROWS)
    put("sweeps/s/table/rows", '0\tS\\t1\n1\tS2\n# {"digest": "x", "mtime": 1, "parts": [[["sample"], 2]]}\n')
    [entry] = json.loads(run("show", "s/4", "--json").stdout)
    assert entry["values"] == {"sample": "S2", "n": "2"}
    [entry] = json.loads(run("show", "s/0", "--json").stdout)
    assert entry["values"] == {"sample": "S\t1", "n": "1"}
    for gone in ("rows", ""):
        (spool / "sweeps/s/table" / gone).unlink() if gone else (spool / "sweeps/s/table").rmdir()
        assert run("show", "s/4").exit_code == 0


def test_what_submit_would_queue_is_counted_and_what_is_wrong_is_told_before(run, tmp_path, listed):
    (tmp_path / "s.yaml").write_text(ROWS)
    result = run("submit", "s.yaml")
    assert result.exit_code == 4 and "s.yaml: samples.csv: there is no such file" in result.stderr
    (tmp_path / "samples.csv").write_text("sample\nS1\nS2,3\n")
    assert "s.yaml: samples.csv, line 3: it has 2 values, and the header has 1" in run("submit", "s.yaml").stderr
    (tmp_path / "samples.csv").write_text("name\nS1\nS2\n")
    assert "s.yaml, line 1: there is no param `sample`" in run("submit", "s.yaml").stderr
    assert listed("todo") == []
    (tmp_path / "samples.csv").write_text("sample\nS1\nS2\n")
    result = run("submit", "--dry-run", "s.yaml")
    assert result.exit_code == 0 and "s stands for 6 items" in result.stderr
    assert run("submit", "s.yaml").stdout == "s\n" and listed("todo") == ["s"]


def test_submit_says_how_many_are_excluded_and_which_entry_excludes_nothing(spool, run, tmp_path):
    sweep = "command: echo {a} {b}\nsweep:\n  product: {a: 001..005, b: [x, y]}\n  exclude: [%s]\n"
    for entries, said, hints in (
        ('{a: "003"}', "s stands for 8 items (2 excluded)", []),
        ('{a: "003", b: x}, {b: x}', "s stands for 5 items (5 excluded)", []),
        ("{a: 3}, {b: z}", "s stands for 10 items", ['`exclude: {"a": "3"}` leaves', '`exclude: {"b": "z"}` leaves']),
        ('{a: "006"}', "s stands for 10 items", ['`exclude: {"a": "006"}` leaves nothing out']),
    ):
        (tmp_path / "s.yaml").write_text(sweep % entries)
        told = run("submit", "--dry-run", "s.yaml").stderr
        assert f"{said}\n" in told
        assert told.count("leaves nothing out") == len(hints)
        assert all(hint in told for hint in hints)


def test_what_is_excluded_of_rows_or_of_very_many_is_not_counted(spool, run, tmp_path):
    (tmp_path / "samples.csv").write_text("sample\nS1\nS2\n")
    (tmp_path / "r.yaml").write_text(ROWS.replace("...", "  exclude: [{sample: S1}, {sample: S3}]\n..."))
    assert "stands for 6 items, less those that `exclude` names\n" in run("submit", "--dry-run", "r.yaml").stderr
    (tmp_path / "m.yaml").write_text("command: echo {a}\nsweep:\n  product: {a: 1..9000000}\n  exclude: [{a: 7}]\n")
    told = run("submit", "--dry-run", "m.yaml").stderr
    assert "stands for 9,000,000 items, less those" in told and "nothing out" not in told


def test_files_on_another_machine_are_left_to_its_workers(spool, run, tmp_path):
    (tmp_path / "s.yaml").write_text(f"cwd: /no/such/folder\n{ROWS}")
    result = run("submit", "s.yaml")
    assert result.exit_code == 0 and "this machine has no folder /no/such/folder" in result.stderr


@pytest.mark.parametrize("state", ["todo", "hold"])
@pytest.mark.parametrize(
    "words", [["hold", "s/3"], ["cancel", "s/3-7"], ["requeue", "s/3"], ["show", "s/3"], ["why", "s/3"]]
)
def test_of_a_sweep_that_nobody_has_divided_it_is_said_that_it_has_no_items_yet(put, run, state, words):
    put(f"{state}/s.yaml", TEXT)
    result = run(*words)
    why = "s has no items before a worker divides it; until then it goes as a whole"
    assert (result.exit_code, result.stderr) == (5, f"dsgspool: no task matches '{words[1]}': {why}\n")


def test_a_name_that_looks_like_an_items_and_is_unknown_is_told_as_it_was_typed(put, run):
    put("todo/b/000/00001.yaml")
    assert run("cancel", "b/000/00002").stderr.startswith("dsgspool: no task matches 'b/000/00002': see the names")
