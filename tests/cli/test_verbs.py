"""`hold`, `release`, `requeue`, `cancel`: names and patterns, right and wrong states."""

import shlex

import pytest

from tests.support.waiting import wait_for_tick

WID = "n1-abcdefgh"


@pytest.mark.parametrize(
    ("verb", "before", "after"),
    [
        ("hold", "todo/a.yaml", "hold/a"),
        ("hold", "waiting/until-20301121T210000Z/a~1.abcdefgh-1.yaml", "hold/a~1."),
        ("release", "hold/a~1.abcdefgh-1.yaml", "todo/a~1."),
        ("release", "waiting/until-20301121T210000Z/a.yaml", "todo/a"),
        ("requeue", "failed/a~timeout.yaml", "todo/a"),
        ("requeue", "done/a.yaml", "todo/a"),
        ("requeue --hold", "failed/a~timeout.yaml", "hold/a~0."),
        ("requeue --hold", "done/a.yaml", "hold/a~0."),
        ("cancel", "todo/a.yaml", "failed/a~cancelled."),
        ("cancel", "hold/a.yaml", "failed/a~cancelled."),
    ],
)
def test_a_verb_moves_the_file_and_prints_the_name(spool, process, put, verb, before, after):
    put(before)
    result = process(*verb.split(), "a")
    assert (result.returncode, result.stdout, result.stderr) == (0, "a\n", "")
    assert not (spool / before).exists()
    assert len(list(spool.glob(f"{after}*.yaml"))) == 1


@pytest.mark.parametrize(
    ("verb", "where", "fitting"),
    [
        ("hold", "done/a.yaml", "requeue"),
        ("release", "todo/a.yaml", "hold"),
        ("requeue", "todo/a.yaml", "cancel"),
        ("requeue", "hold/a.yaml", "release"),
        ("cancel", "failed/a~exit1.yaml", "requeue"),
    ],
)
def test_the_wrong_state_is_exit_6_and_says_which_verb_fits(spool, run, put, verb, where, fitting):
    put(where)
    result = run(verb, "a")
    assert result.exit_code == 6
    assert f"a is {where.partition('/')[0]}" in result.stderr and f"`{fitting}`" in result.stderr
    assert (spool / where).exists()


@pytest.mark.parametrize("verb", ["hold", "release", "requeue", "cancel"])
def test_an_unknown_name_is_exit_5(spool, run, verb):
    result = run(verb, "nothing")
    assert result.exit_code == 5 and "'nothing'" in result.stderr


@pytest.mark.parametrize("words", [["hold", "s.finally"], ["cancel", "s.finally"], ["edit", "s.finally", "retries=3"]])
def test_the_last_task_of_a_batch_that_is_not_over_is_told_to_come(spool, run, put, words):
    put("todo/s/1.yaml")
    put("batches/s.yaml", "finally: {command: x}\n...\n")
    result = run(*words)
    assert result.exit_code == 5
    assert (
        "no task matches 's.finally': it is made when the batch s is over; what it runs is said by `finally` in "
        in result.stderr
    )
    put("batches/s.yaml", "priority: 1\n...\n")
    assert "see the names with" in run(*words).stderr


def test_patterns_and_batches_take_many(spool, run, put, listed):
    for path in ("todo/s/1.yaml", "todo/s/2.yaml", "todo/t/1.yaml", "todo/u.yaml", "done/s/3.yaml"):
        put(path)
    assert sorted(run("hold", "s/*", "t").stdout.split()) == ["s/1", "s/2", "t/1"]
    assert listed("todo") == ["u"] and listed("done") == ["s/3"]


def test_a_running_task_keeps_its_claim_on_its_way_so_that_its_worker_knows(spool, run, put):
    put(f"running/{WID}/s%a@{WID}.7.yaml")
    result = run("cancel", "s/a")
    assert result.stdout == "s/a\n" and "hint: it ran: the worker stops it at its next heartbeat" in result.stderr
    (handed_back,) = (path.name for path in (spool / "failed").iterdir())
    assert handed_back.startswith("s%a~0.")
    assert handed_back.endswith(f"@{WID}.7.yaml")


def test_requeue_takes_all_failed_of_a_reason(spool, run, put, listed):
    for name in ("a~timeout", "b~exit1", "c~exit12", "s/d~timeout"):
        put(f"failed/{name}.yaml")
    put("done/e.yaml")
    assert sorted(run("requeue", "--reason", "timeout").stdout.split()) == ["a", "s/d"]
    assert sorted(run("requeue", "--reason", "exit*").stdout.split()) == ["b", "c"]
    assert run("requeue", "--failed").exit_code == 5
    assert listed("done") == ["e"]


def test_requeue_failed_leaves_the_done_ones_alone(spool, run, put):
    put("failed/s/a~exit1.yaml")
    put("done/s/b.yaml")
    assert run("requeue", "--failed", "s").stdout == "s/a\n"


def test_requeue_failed_leaves_alone_what_was_cancelled(spool, run, put, listed):
    for path in ("bad~exit1", "c~cancelled.abcdefgh-1", "s/d~cancelled.abcdefgh-2", f"e@{WID}.7"):
        put(f"failed/{path}.yaml")
    result = run("requeue", "--failed")
    assert (result.exit_code, result.stdout) == (0, "bad\n")
    assert "left alone, as cancelled: 3; to run these too: dsgspool requeue --reason cancelled\n" in result.stderr
    for words in (["--failed", "s/*"], ["--failed", "s/d", "--hold"]):
        result = run("requeue", *words)
        assert result.exit_code == 5
        assert f"cancelled (1) runs with: dsgspool requeue --reason cancelled {shlex.quote(words[1])}" in result.stderr
    assert listed("todo") == ["bad"]
    assert run("requeue", "--failed", "--reason", "cancelled", "s/*").stdout == "s/d\n"
    assert (run("requeue", "c").stdout, run("requeue", "--failed").exit_code) == ("c\n", 5)


def test_requeue_failed_leaves_alone_what_failed_and_was_cancelled_when_it_ran_again(spool, run, put, listed):
    put("failed/a~exit1.yaml")
    put("failed/b~exit1.yaml")
    wait_for_tick(spool)
    put("failed/a~cancelled.abcdefgh-1.yaml")
    result = run("requeue", "--failed")
    assert (
        result.stdout == "b\n" and "cancelled: 1;" in result.stderr and "older files of the same names" in result.stderr
    )
    assert listed("failed") == ["a~cancelled.abcdefgh-1", "a~exit1"]


def test_requeue_failed_leaves_alone_chunks_and_parts_of_a_sweep_that_were_cancelled(spool, run, put, listed):
    sweep = "command: x\nsweep: {product: {i: 0..99}}\n...\n"
    put("todo/s/rest-20-99~0.aaaaaaaa-1.yaml", sweep)
    for path in ("s/00-09~items1", "s/10-19~cancelled.abcdefgh-1"):
        put(f"failed/{path}.yaml", sweep)
    assert run("cancel", "s/50-59").exit_code == 0
    assert run("requeue", "s/*", "--failed").stdout == "s/00-09\n"
    assert len(listed("failed")) == 2


def test_a_failed_task_is_parked_changed_and_run_again(spool, run, put, listed):
    """Its batch is not held by that: hold/s alone would park what comes back from a worker."""
    put("failed/s/a~timeout.yaml", "command: x\ntimeout: 3s\n...\n")
    refused = run("edit", "s/a", "timeout=1h", "--yes")
    assert refused.exit_code == 6 and "`requeue --hold` parks it first; then edit and release it" in refused.stderr
    assert run("requeue", "--hold", "s/a").exit_code == 0
    assert listed("hold") == ["s/a"] and (spool / "todo/s").is_dir()
    assert run("edit", "s/a", "timeout=1h", "--yes").exit_code == 0
    assert run("release", "s/a").stdout == "s/a\n"
    (file,) = (spool / "todo/s").iterdir()
    assert file.name.startswith("a~0.") and "timeout: 1h" in file.read_text()


def test_items_of_a_sweep_are_not_parked_to_be_changed(spool, run, put, listed):
    put("failed/s/0-9~items2.yaml", "command: x {n}\nsweep: {product: {n: 0..9}}\n...\n")
    result = run("requeue", "--hold", "s/3")
    assert result.exit_code == 2 and "s/3 is an item of a sweep" in result.stderr
    assert listed("failed") == ["s/0-9~items2"]


def test_requeue_without_a_word_is_a_usage_error(spool, run):
    assert run("requeue").exit_code == 2


def test_nothing_is_overwritten(spool, run, put, listed):
    put("todo/a.yaml", "command: new\n")
    put("failed/a~exit1.yaml", "command: old\n")
    assert run("requeue", "a").exit_code == 0
    assert listed("todo") == ["a", "a"]


def test_requeue_takes_what_failed_for_anothers_sake_last(run, put):
    for name in ("a~dependency", "b~dependency", "c~exit1"):
        put(f"failed/{name}.yaml")
    assert run("requeue", "--failed").stdout.split()[0] == "c"


def test_requeue_takes_names_from_a_file_as_they_are(spool, run, put, listed, tmp_path):
    """None of them is an option or a pattern, a name is no batch, and what is not finished any more is told."""
    for path in (
        "failed/a [b]* c~exit1.yaml",
        "failed/a b c~exit1.yaml",
        "failed/s~exit1.yaml",
        "failed/s/1~exit1.yaml",
    ):
        put(path)
    put("todo/gone.yaml")
    put("done/d.yaml")
    names = tmp_path / "names.txt"
    names.write_text("a [b]* c\ns\ngone\nd\n--failed\n")
    result = run("requeue", "--failed", "--from", names)
    assert (result.exit_code, sorted(result.stdout.splitlines())) == (0, ["a [b]* c", "s"])
    assert "3 of the 5 names are left as they are" in result.stderr
    assert listed("todo") == ["a [b]* c", "gone", "s"]
    assert run("requeue", "--failed", "--from", names).exit_code == 5
    assert run("requeue", "--from", "-", stdin="d\n").stdout == "d\n"


def test_requeue_from_a_file_takes_what_failed_for_anothers_sake_last(run, put):
    for name in ("a~dependency", "b~exit1"):
        put(f"failed/{name}.yaml")
    assert run("requeue", "--from", "-", stdin="a\nb\n").stdout.split() == ["b", "a"]


def test_a_file_of_names_must_be_there_and_goes_without_other_names(run, put, tmp_path):
    put("failed/a~exit1.yaml")
    assert run("requeue", "--from", tmp_path / "none").exit_code == 2
    assert run("requeue", "--from", "-", "a", stdin="a\n").exit_code == 2


def test_a_pause_without_workers_says_that_there_are_none(run, spool):
    result = run("pause")
    assert (result.exit_code, (spool / "PAUSE").exists()) == (0, True)
    assert result.stdout == "paused; no worker is running, and one that starts will take no tasks\n"


@pytest.mark.parametrize("last", ["done/a.yaml", "failed/a~exit1.yaml"])
def test_requeue_runs_a_task_once_that_failed_and_was_done_later(spool, run, put, last):
    """The older text may be the one that was wrong."""
    (first,) = {"done/a.yaml", "failed/a~exit1.yaml"} - {last}
    put(first, "command: old\n")
    wait_for_tick(spool)
    put(last, "command: new\n")
    result = run("requeue", "a")
    assert result.stdout == "a\n" and "older files of the same names stay where they are: 1" in result.stderr
    (file,) = (spool / "todo").glob("a~0.*.yaml")
    assert file.read_text() == "command: new\n" and (spool / first).exists()


def twice(spool, put, *paths):
    """Files of names that ran several times, the last end last."""
    for path in paths:
        put(path)
        wait_for_tick(spool)


@pytest.mark.parametrize("words", [["--failed"], ["--failed", "*"], ["--reason", "exit1"], ["--failed", "--from", "-"]])
def test_requeue_failed_leaves_alone_what_failed_first_and_was_done_later(spool, run, put, listed, words):
    twice(spool, put, "failed/a~exit1.yaml", "done/b.yaml", "done/a.yaml", "failed/b~exit1.yaml")
    result = run("requeue", *words, stdin="a\nb\n")
    assert (result.exit_code, result.stdout, listed("todo")) == (0, "b\n", ["b"])
    assert "older files of the same names stay where they are: 1" in result.stderr
    result = run("requeue", *words, stdin="a\nb\n")
    assert (result.exit_code, listed("failed")) == (5, ["a~exit1"])
    assert "what failed so, 1 of them, ended otherwise since" in result.stderr
    assert run("requeue", "a").stdout == "a\n"


def test_requeue_by_reason_asks_for_the_last_end_of_a_task(spool, run, put, listed):
    twice(spool, put, "failed/a~exit1.yaml", "failed/a~timeout.yaml")
    assert run("requeue", "--reason", "exit*").exit_code == 5
    assert run("requeue", "--reason", "timeout").stdout == "a\n"
