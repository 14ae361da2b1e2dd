"""The process of a chunk: every item once, a line for each, and after a crash only the others."""

import marshal
import os
import re
import signal
import subprocess
import sys

import pytest

from dsgspool import snapshot
from dsgspool.cli import choosing
from dsgspool.items import Sweep
from dsgspool.spool.moves import Moves
from dsgspool.worker import chunk
from dsgspool.worker.chunk import _HEAD as HEAD
from dsgspool.worker.chunk import TROUBLE, Chunk, finished, main
from tests.support.doors import files_below

LINE = re.compile(r"(\d+) (\w+) (20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ([0-9.]+) (\d+) (\d+) (\d+) (\d+)\n")


def index(worker, name, attempt=1):
    """Item -> (outcome, its stdout, its stderr)."""
    base = f"{worker.root}/logs/{name}.{attempt}"
    with open(f"{base}.out", "rb") as out, open(f"{base}.err", "rb") as err, open(f"{base}.items") as items:
        logs, lines = (out.read(), err.read()), [line for line in items if not line.startswith("#")]
    found = {}
    for line in lines:
        number, outcome, _, _, *offsets = LINE.fullmatch(line).groups()
        begin, length, begin_err, length_err = map(int, offsets)
        found[int(number)] = (
            outcome, logs[0][begin : begin + length].decode(), logs[1][begin_err : begin_err + length_err].decode(),
        )  # fmt: skip
    return found


def run(worker, command, name="s/0-2", sweep=None, **keys):
    """A chunk of three items, to its end; where it lies then."""
    worker.drop(name, command, sweep=sweep or {"product": {"n": "1..3"}}, **keys)
    [found] = worker.until(lambda: worker.lies("done", "failed"))
    return found


def test_every_item_has_its_outcome_and_its_part_of_the_logs(inside):
    worker = inside()
    assert run(worker, "echo out {n}; echo err$DSGSPOOL_ITEM >&2; exit $((2 * {n} - 2))") == "failed/s/0-2~items2"
    assert index(worker, "s/0-2") == {
        0: ("done", "out 1\n", "err0\n"), 1: ("exit2", "out 2\n", "err1\n"), 2: ("exit4", "out 3\n", "err2\n"),
    }  # fmt: skip
    record = worker.record("s/0-2")
    assert (record["items_done"], record["items_failed"], record["outcome"]) == (1, 2, "items2")
    assert record["reason"] == "2 of 3 items failed: 1 exit2, 2 exit4"
    assert record["command"] == ["/bin/sh", "-c", "echo out {n}; echo err$DSGSPOOL_ITEM >&2; exit $((2 * {n} - 2))"]


def test_an_excluded_item_is_none_of_those_that_a_failure_counts(inside):
    worker = inside()
    swept = {"product": {"n": "1..3"}, "exclude": [{"n": "1"}]}
    assert run(worker, "test {n} != 2", sweep=swept) == "failed/s/0-2~items1"
    assert worker.record("s/0-2")["reason"] == "1 of 2 items failed: 1 exit1"


def test_a_retry_runs_only_what_failed_and_so_does_a_requeue_from_failed(inside):
    worker = inside()
    assert run(worker, "test {n} != 2", retries=1) == "failed/s/0-2~items1"
    assert list(index(worker, "s/0-2", 1)) == [0, 1, 2] and list(index(worker, "s/0-2", 2)) == [1]
    assert worker.record("s/0-2", 2)["items_done"] == 2
    os.rename(f"{worker.root}/failed/s/0-2~items1.yaml", f"{worker.root}/todo/s/0-2.yaml")
    worker.until(lambda: worker.lies("failed") and worker.record("s/0-2", 3).get("outcome"))
    assert list(index(worker, "s/0-2", 3)) == [1]


def test_a_chunk_that_was_done_runs_all_its_items_when_it_is_wanted_again(inside):
    worker = inside()
    assert run(worker, "true") == "done/s/0-2"
    os.rename(f"{worker.root}/done/s/0-2.yaml", f"{worker.root}/todo/s/0-2.yaml")
    worker.until(lambda: worker.lies("done"))
    assert list(index(worker, "s/0-2", 2)) == [0, 1, 2]


def test_items_of_an_attempt_whose_end_broke_off_are_not_run_again(inside, world):
    worker = inside()
    assert run(worker, "true") == "done/s/0-2"
    record = f"{world.root}/logs/s/0-2.1.yaml"
    with open(record) as file:
        text = file.read()
    with open(record, "w") as file:
        file.write(text.replace(worker.wid, "n9-abcdefgh").partition("reason:")[0].removesuffix("...\n"))
    open(f"{world.root}/workers/n9-abcdefgh.dead", "w").close()
    os.rename(f"{world.root}/done/s/0-2.yaml", f"{world.root}/todo/s/0-2.yaml")
    worker.until(lambda: worker.lies("done"))
    assert list(index(worker, "s/0-2", 2)) == [] and worker.record("s/0-2", 2)["items_done"] == 3


@pytest.mark.parametrize("sign", ["TERM", "KILL"])
def test_an_item_that_its_worker_stops_has_not_failed_and_runs_again(inside, world, sign):
    worker = inside()
    flag = f"{world.root}/tmp/go"
    worker.drop(
        "s/0-2", f"test {{n}} != 2 || test -e {flag} || exec sleep 60", sweep={"product": {"n": "1..3"}}, grace=60
    )
    worker.until(lambda: worker.pid("s/0-2") and 0 in _lines(worker))
    worker.worker.attempts.stop_all()
    if sign == "KILL":
        worker.worker.attempts.kill_now()
    open(flag, "w").close()
    worker.until(lambda: worker.lies("done"))
    assert list(index(worker, "s/0-2", 1)) == [0] and list(index(worker, "s/0-2", 2)) == [1, 2]
    assert worker.record("s/0-2", 1)["outcome"] == "stopped"


@pytest.mark.parametrize("item", [1, 3])
@pytest.mark.parametrize("command", ["kill $PPID; sleep 0.3", "kill $PPID; sleep 0.3; exit 1"])
def test_a_chunk_that_somebody_else_ends_is_not_done_and_runs_the_others_again(inside, world, command, item):
    worker = inside()
    flag = f"{world.root}/tmp/went"
    place = run(worker, f"test {{n}} != {item} || test -e {flag} || {{ touch {flag}; {command}; }}")
    if item == 3 and not command.endswith("exit 1"):
        assert place == "done/s/0-2"  # nothing was left
        return
    assert place == "failed/s/0-2~exit143"
    os.rename(f"{worker.root}/failed/s/0-2~exit143.yaml", f"{worker.root}/todo/s/0-2.yaml")
    worker.until(lambda: worker.lies("done"))
    done = [
        number for attempt in (1, 2) for number, item in index(worker, "s/0-2", attempt).items() if item[0] == "done"
    ]
    assert sorted(done) == [0, 1, 2] and worker.record("s/0-2", 2)["items_done"] == 3


@pytest.mark.parametrize(("kill", "outcome"), [("kill -9 $PPID", "signal9"), ("kill $PPID; kill $$", "exit143")])
def test_an_item_that_kills_its_chunk_each_time_keeps_no_other_from_running(inside, kill, outcome):
    worker = inside()
    command = f"case {{n}} in 2|4) {kill}; sleep 5; esac"
    assert run(worker, command, "s/0-5", {"product": {"n": "1..6"}}, retries=2) == f"failed/s/0-5~{outcome}"
    assert [list(index(worker, "s/0-5", attempt)) for attempt in (1, 2, 3)] == [[0], [2], [4, 5]]


@pytest.mark.timeout(20)
def test_an_item_that_begins_while_its_chunk_is_told_to_end_is_told_too(tmp_path, monkeypatch):
    """Whoever told the chunk saw no item: without its own TERM it would run until the KILL."""
    one, spawn = object.__new__(Chunk), os.posix_spawnp
    one.plan = {"cwd": "", "stdin": False, "env": {}, "timeout": None, "codes": [0], "earlier": []}
    one.argv, one.is_plain, one.environment = ["sleep", "600"], True, {**os.environb}
    one.is_stopping = one.is_at_item = one.is_cut = False
    one.pid, one.index = 0, os.open(tmp_path / "index", os.O_RDWR | os.O_CREAT)

    def told(*words, **options):
        pid = spawn(*words, **options)
        one.on_term()
        return pid

    monkeypatch.setattr(os, "posix_spawnp", told)
    one.run_one(1, {})
    os.close(one.index)
    assert one.is_cut
    assert (tmp_path / "index").read_bytes() == b""


def test_what_broke_off_is_the_first_that_has_no_line_or_what_had_begun(tmp_path):
    one = object.__new__(Chunk)
    one.sweep = Sweep([(["n"], (1, 1, 10, 0))], exclude=[{"n": "3"}])
    head, line = "# item outcome\n", " done 2026 1 0 0 0 0\n"

    def suspects(*indexes, chosen=(), may_be_killed=True):
        for number, text in enumerate(indexes):
            (tmp_path / f"{number}.items").write_text(text.replace(head, HEAD.decode()))
        one.plan = {
            "first": 0,
            "last": 9,
            "table": None,
            "earlier": [(list(chosen), f"{tmp_path}/{n}.items", may_be_killed) for n in range(len(indexes))],
        }
        return one.broke_off()

    assert suspects(head) == {0}
    assert suspects(f"{head}0{line}1{line}") == {3}  # 2 is excluded
    assert suspects(f"{head}0{line}# 1 done, 0 failed, 1 run in 1 s\n") == {1}  # told to end, and counted
    assert suspects(f"{head}# begins 4\n# 1 done, 0 failed, 0 run in 0 s\n") == {4}
    assert suspects(f"{head}0{line}# stopped\n") == set()
    assert suspects(f"{head}# begins 7\n7{line}# begins 4\n") == {4}
    assert suspects(f"{head}# begins 7\n7{line}") == set()
    assert suspects(f"{head}0{line}", f"{head}# begins 3\n3{line}# begins 1\n") == {1}
    assert suspects(head, chosen=(8, 6)) == {6}
    assert suspects(f"{head}# begins 77\n") == set()
    assert suspects(f"{head}{''.join(f'{n}{line}' for n in range(10))}") == set()
    assert suspects(head, may_be_killed=False) == set()  # its worker stopped it


def _lines(worker):
    try:
        return index(worker, "s/0-2")
    except FileNotFoundError:
        return {}


def test_an_item_that_empties_the_logs_has_what_is_in_them(inside):
    worker = inside()
    assert run(worker, "if [ {n} = 2 ]; then echo {n} > /dev/stderr; else echo longer {n} >&2; fi") == "done/s/0-2"
    assert [found[2] for found in index(worker, "s/0-2").values()][1:] == ["2\n", "longer 3\n"]


@pytest.mark.parametrize("timeout", [{}, {"timeout": 60}])
def test_an_item_that_ends_its_whole_group_ends_nothing_but_itself(inside, timeout):
    worker = inside()
    assert run(worker, "trap 'kill 0' EXIT; echo {n}", **timeout) == "failed/s/0-2~items3"
    assert [found[:2] for found in index(worker, "s/0-2").values()] == [("signal15", f"{n}\n") for n in (1, 2, 3)]


def test_a_timeout_is_for_each_item(inside):
    worker = inside()
    command = "test {n} != 2 || { trap '' TERM; sleep 60; }"
    assert run(worker, command, timeout=0.3, grace=0.1) == "failed/s/0-2~items1"
    assert [found[0] for found in index(worker, "s/0-2").values()] == ["done", "timeout", "done"]


@pytest.mark.parametrize(
    ("command", "outcome", "words"),
    [
        (["/no/such/program", "{n}"], "exit127", "dsgspool: item 0 cannot be started: /no/such/program: No such file"),
        (["/", "{n}"], "exit126", "Permission denied"),
        (["sh", "-c", "kill -9 $$", "{n}"], "signal9", ""),
        (["sh", "-c", "exit 3", "{n}"], "exit3", ""),
    ],
)
def test_an_item_that_cannot_be_started_or_dies_fails_alone(inside, command, outcome, words):
    worker = inside()
    assert run(worker, command) == "failed/s/0-2~items3"
    assert [found[0] for found in index(worker, "s/0-2").values()] == [outcome] * 3
    assert words in index(worker, "s/0-2")[0][2]


def test_an_item_whose_folder_is_not_there_says_which(inside, tmp_path):
    worker = inside()
    assert run(worker, "true", cwd=f"{tmp_path}/{{n}}") == "failed/s/0-2~items3"
    outcome, _, words = index(worker, "s/0-2")[1]
    why = f"its folder cannot be entered: cwd {tmp_path}/2: No such file or directory"
    assert (outcome, words) == ("exit126", f"dsgspool: item 1 cannot be started: {why}\n")


def test_a_time_that_is_over_as_its_item_ends_kills_nobody(monkeypatch):
    killed = []
    monkeypatch.setattr(os, "killpg", lambda *what: killed.append(what))
    monkeypatch.setattr(signal, "setitimer", lambda *_: None)
    one = object.__new__(Chunk)
    one.plan, one.pid, one.is_late = {"grace": 1.0}, 0, False
    one.on_alarm()
    assert killed == [] and not one.is_late  # group 0 is the chunk's own
    one.pid = 12345
    one.on_alarm()
    assert killed == [(12345, signal.SIGTERM)] and one.is_late


def test_an_earlier_index_that_cannot_be_read_is_the_nodes_trouble(tmp_path, capfd):
    (tmp_path / "s.1.items").mkdir()
    plan = tmp_path / "plan"
    plan.write_bytes(marshal.dumps({
        "sweep": ([], [{"n": "1"}], []), "argv": ["true"], "now": 0.0, "table": None,
        "earlier": [([], f"{tmp_path}/s.1.items", True)],
    }))  # fmt: skip
    assert main(str(plan), str(os.dup(2))) == TROUBLE
    assert "Is a directory" in capfd.readouterr().err


def test_a_chunk_that_the_node_cannot_go_on_with_is_not_tried_again_at_once(inside, world):
    worker = inside()
    assert run(worker, "false") == "failed/s/0-2~items3"
    os.remove(f"{world.root}/logs/s/0-2.1.items")
    os.mkdir(f"{world.root}/logs/s/0-2.1.items")
    os.rename(f"{world.root}/failed/s/0-2~items3.yaml", f"{world.root}/todo/s/0-2.yaml")
    worker.until(lambda: worker.record("s/0-2", 2).get("outcome"))
    assert worker.record("s/0-2", 2)["outcome"] == "stopped" and worker.worker.blocked_until > world.clock.boot()
    worker.live(10)
    assert not os.path.exists(f"{world.root}/logs/s/0-2.14.yaml")
    os.rmdir(f"{world.root}/logs/s/0-2.1.items")
    worker.until(lambda: worker.lies("failed"))


def test_a_chunk_that_cannot_even_say_that_the_disk_is_full_is_the_nodes_trouble(tmp_path):
    plan = tmp_path / "plan"
    plan.write_bytes(
        marshal.dumps({"sweep": ([], [{"n": "1"}], []), "argv": ["true"], "now": 0.0, "table": None, "earlier": []})
    )
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-I", "-S", chunk.__file__, str(plan), str(full.fileno())]
        ended = subprocess.run(command, stderr=full, pass_fds=[full.fileno()], check=False, timeout=30)
    assert ended.returncode == TROUBLE


def test_values_go_into_command_folder_and_environment(inside, tmp_path):
    worker = inside()
    for name in ("a b", "it's"):
        (tmp_path / name).mkdir()
    sweep = {"zip": {"dir": ["a b", "it's"], "n": [1, 2]}}
    command = 'pwd; echo {dir} "$WHERE" "$1"'
    place = run(worker, command, "s/0-1", sweep, cwd=f"{tmp_path}/{{dir}}", env={"WHERE": "in {dir}"}, setup="set -- x")
    assert place == "done/s/0-1"
    assert [found[1] for found in index(worker, "s/0-1").values()] == [
        f"{tmp_path}/a b\na b in a b x\n", f"{tmp_path}/it's\nit's in it's x\n",
    ]  # fmt: skip


def test_a_script_gets_the_values_as_variables_and_a_list_has_no_shell(inside, tmp_path):
    worker = inside()
    os.makedirs(f"{worker.root}/hold/s")
    with open(f"{worker.root}/hold/s/0-1.yaml", "w") as file:
        file.write("script: |\n  #!/bin/sh\n  echo [$n]\nsweep:\n  product:\n    n: [$HOME, x y]\n...\n")
    os.makedirs(f"{worker.root}/todo/s")
    os.rename(f"{worker.root}/hold/s/0-1.yaml", f"{worker.root}/todo/s/0-1.yaml")
    worker.until(lambda: worker.lies("done"))
    assert [found[1] for found in index(worker, "s/0-1").values()] == ["[$HOME]\n", "[x y]\n"]
    assert run_list(worker) == ["<$HOME>\n", "<x y>\n"]


def run_list(worker):
    worker.drop("l/0-1", ["printf", "<%s>\\n", "{n}"], sweep={"product": {"n": ["$HOME", "x y"]}})
    worker.until(lambda: "done/l/0-1" in worker.lies())
    return [found[1] for found in index(worker, "l/0-1").values()]


def test_each_item_reads_its_standard_input_from_the_beginning(inside, tmp_path):
    worker = inside()
    (tmp_path / "input").write_text("one\ntwo\n")
    assert run(
        worker, "head -c 4 {n}; cat", sweep={"product": {"n": ["-", "-"]}}, name="s/0-1", stdin=f"{tmp_path}/input"
    )
    assert {found[1] for found in index(worker, "s/0-1").values()} == {"one\ntwo\n"}


def test_limits_of_each_process_hold_for_items_and_not_for_the_chunk(inside):
    worker = inside()
    assert run(worker, "ulimit -n; true {n}", limits={"open_files": 40}) == "done/s/0-2"
    assert {found[1] for found in index(worker, "s/0-2").values()} == {"40\n"}


def test_a_sweep_becomes_a_batch_of_chunks(inside, world):
    worker = inside(slots=3)
    worker.drop("lab/s", "echo {n}", sweep={"product": {"n": "1..30"}, "exclude": [{"n": 7}]})
    worker.until(lambda: len(_items(worker)) == 29 and not worker.lies("todo", "running"))
    assert sorted(_items(worker)) == [item for item in range(30) if item != 6]
    assert {path.partition("/")[0] for path in worker.lies()} == {"done"}
    assert worker.record("lab/s")["reason"] == "30 items, now in todo/lab/s/"
    assert snapshot.check(world.spool) == []


def _items(worker):
    found = [path for path in files_below(worker.root, ["logs"]) if path.endswith(".items")]
    return [item for path in found for item in index(worker, path[len("logs/") : -len(".1.items")])]


# -- indexes


def test_a_line_that_broke_off_is_not_there(tmp_path):
    path = tmp_path / "x.items"
    path.write_bytes(b"# item outcome\n0 done x\n1 exit1 x\n2 done 2026")
    assert finished([([], str(path)), ([], f"{tmp_path}/none")]) == {0}


@pytest.mark.timeout(20)
def test_an_index_that_is_a_fifo_keeps_no_chunk_waiting(tmp_path):
    os.mkfifo(tmp_path / "x.items")
    assert finished([([], f"{tmp_path}/x.items")]) == set()


def test_what_any_attempt_has_done_is_done(tmp_path):
    for name, data in (("1", "0 done x\n1 exit1 x\n"), ("2", "1 done x\n# 2 done, 0 failed, 1 run in 1.0 s\n")):
        (tmp_path / name).write_text(data)
    earlier = [([], f"{tmp_path}/1"), ([], f"{tmp_path}/2")]
    assert finished(earlier) == {0, 1}
    assert finished([*earlier, ([0, 7], f"{tmp_path}/none")]) == {1}


# -- some items


def choose(worker, attempt, *items, state="failed", tag="~items1"):
    with open(f"{worker.root}/logs/s/0-2.{attempt}.only", "w") as file:
        file.write("".join(f"{item}\n" for item in items))
    os.rename(f"{worker.root}/{state}/s/0-2{tag}.yaml", f"{worker.root}/todo/s/0-2.yaml")
    [found] = worker.until(lambda: worker.record("s/0-2", attempt).get("outcome") and worker.lies("done", "failed"))
    return found


def test_of_a_chunk_that_failed_the_chosen_items_run_and_the_others_stay_failed(inside):
    worker = inside()
    assert run(worker, "test $DSGSPOOL_ATTEMPT != 1 || test {n} = 2") == "failed/s/0-2~items2"
    assert choose(worker, 2, 2, tag="~items2") == "failed/s/0-2~items1"
    assert list(index(worker, "s/0-2", 2)) == [2] and worker.record("s/0-2", 2)["items_done"] == 2
    os.rename(f"{worker.root}/failed/s/0-2~items1.yaml", f"{worker.root}/todo/s/0-2.yaml")
    worker.until(lambda: worker.lies("done"))
    assert list(index(worker, "s/0-2", 3)) == [0]


def test_a_retry_of_chosen_items_runs_those_of_them_that_failed_and_what_is_queued_anew_all(inside):
    worker = inside()
    command = "test $DSGSPOOL_ATTEMPT -gt 4 || test {n} = 1 -a $DSGSPOOL_ATTEMPT -gt 2"
    assert run(worker, command, retries=1) == "failed/s/0-2~items3"
    choose(worker, 3, 0, 1, tag="~items3")
    worker.until(lambda: worker.lies("failed"))
    assert [list(index(worker, "s/0-2", attempt)) for attempt in (2, 3, 4)] == [[0, 1, 2], [0, 1], [1]]
    os.rename(f"{worker.root}/failed/s/0-2~items2.yaml", f"{worker.root}/todo/s/0-2.yaml")
    worker.until(lambda: worker.lies("done"))
    assert list(index(worker, "s/0-2", 5)) == [1, 2]


def test_of_a_chunk_that_was_done_the_chosen_items_run_again_and_only_they_when_they_fail(inside):
    worker = inside()
    assert run(worker, "test $DSGSPOOL_ATTEMPT != 2") == "done/s/0-2"
    assert choose(worker, 2, 1, state="done", tag="") == "failed/s/0-2~items1"
    assert worker.record("s/0-2", 2)["items_done"] == 2
    os.rename(f"{worker.root}/failed/s/0-2~items1.yaml", f"{worker.root}/todo/s/0-2.yaml")
    worker.until(lambda: worker.lies("done"))
    assert list(index(worker, "s/0-2", 3)) == [1] and worker.record("s/0-2", 3)["items_done"] == 3


def test_a_choice_that_is_a_fifo_makes_its_chunk_invalid(inside, world):
    worker = inside()
    os.makedirs(f"{world.root}/logs/s")
    os.mkfifo(f"{world.root}/logs/s/0-2.1.only")
    assert run(worker, "true") == "failed/s/0-2~invalid"
    assert f"did not make lies at {world.root}/logs/s/0-2.1.only (take it away)" in worker.record("s/0-2")["reason"]


def test_a_choice_is_not_forgotten_when_its_worker_is_lost(inside, world):
    worker = inside()
    assert run(worker, "true") == "done/s/0-2"
    with open(f"{world.root}/logs/s/0-2.2.only", "w") as file:
        file.write("1\n")
    with open(f"{world.root}/logs/s/0-2.2.yaml", "w") as file:  # an attempt that got no further
        file.write("format: 1\ntask: s/0-2\nattempt: 2\nworker: n9-abcdefgh\nclaim: n9-abcdefgh.1\n")
    open(f"{world.root}/workers/n9-abcdefgh.dead", "w").close()
    os.rename(f"{world.root}/done/s/0-2.yaml", f"{world.root}/todo/s/0-2~0l1.aaaaaaaa-1.yaml")
    worker.until(lambda: worker.lies("done"))
    assert list(index(worker, "s/0-2", 3)) == [1]


@pytest.mark.parametrize("how", ["requeue", "mv", "release"])
def test_who_queues_a_chunk_anew_after_its_chosen_items_were_given_back_has_all_that_failed_run(inside, world, how):
    worker = inside()
    assert run(worker, "test $DSGSPOOL_ATTEMPT != 1") == "failed/s/0-2~items3"
    with open(f"{world.root}/logs/s/0-2.2.only", "w") as file:
        file.write("1\n")
    with open(f"{world.root}/logs/s/0-2.2.yaml", "w") as file:  # an attempt that was given back
        file.write("format: 1\ntask: s/0-2\nattempt: 2\noutcome: stopped\nnext: todo~0l0\n...\n")
    moves = Moves(world.spool)
    os.makedirs(f"{world.root}/hold/s")
    worker.mv("failed/s/0-2~items3.yaml", "hold/s/0-2~0.aaaaaaaa-1.yaml")
    if how == "release":  # nobody queued it anew
        moves.release(moves.find("s/0-2")[0])
    else:
        moves.cancel(moves.find("s/0-2")[0])
        [place] = moves.find("s/0-2")
        if how == "requeue":
            choosing.whole(moves)(place)
        else:
            worker.mv(f"failed/{place.path}", f"todo/{place.path}")
    worker.until(lambda: worker.record("s/0-2", 3).get("outcome"))
    assert list(index(worker, "s/0-2", 3)) == ([1] if how == "release" else [0, 1, 2])
