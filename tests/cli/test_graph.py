"""`graph`: what waits for what, read from real files, folders, policies and records."""

import json

import pytest

WID = "n1-abcdefgh"


@pytest.fixture
def drawn(run):
    """Rows of `graph ...`."""

    def draw(*words):
        result = run("graph", *words)
        assert result.exit_code == 0, result.stderr
        return result.stdout.splitlines()

    return draw


def test_batches_are_drawn_with_what_they_come_after(put, drawn):
    put("done/prep.yaml")
    put("failed/sweep/0~exit1.yaml")
    put("todo/sweep/1.yaml", "command: x\nafter: prep\n")
    put(f"running/{WID}/sweep%2~0.abcdefgh-1@{WID}.1.yaml", "command: x\nafter: [prep]\n...\n")
    put("hold/sweep/3.yaml", "command: x\nafter:\n  - prep\n")
    put("waiting/after-sweep%/sum~0.abcdefgh-2.yaml", "command: x\nafter: [sweep/, tidy: any]\n...\n")
    put("todo/alone.yaml")
    assert drawn() == [
        "prep    done",
        "sweep/  1 failed, 1 running, 1 todo, 1 on hold",
        "  <- prep",
        "sum     waiting",
        "  <- sweep/",
        "  <- tidy (any), which is nowhere in the spool",
        "stuck: sum waits for tidy, which is nowhere in the spool",
        "apart: 1 task that has nothing to do with others",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "{command: x, after: [a]}",
        '{"command": "x", "after": "a"}',
        "command: x\nafter: {a: success}\n",
        'command: x\n"after": a\n',
    ],
)
def test_after_is_found_however_it_is_written(put, drawn, text):
    put("todo/a.yaml")
    put("todo/b.yaml", text)
    assert drawn() == ["a  todo", "b  todo", "  <- a"]


def test_a_word_in_a_script_is_no_dependency_and_what_cannot_be_read_has_none(put, drawn):
    put("todo/a.yaml")
    put("todo/b.yaml", "script: |\n  #!/bin/sh\n  echo after: a\n")
    put("todo/c.yaml", "after: a\n")  # nothing to run: the peek finds it all the same
    put("todo/d.yaml", "{after: a")
    assert drawn() == ["a  todo", "c  todo", "  <- a", "apart: 2 tasks that have nothing to do with others"]


def test_the_policy_of_a_batch_counts_where_a_task_says_nothing(put, drawn):
    put("batches/s.yaml", "defaults:\n  command: run {x}\n  after: prep\n")
    put("todo/prep.yaml")
    put("todo/s/1.yaml", "params: {x: 1}\n")
    put("todo/s/2.yaml", "params: {x: 2}\nafter: other\n")
    put("todo/other.yaml")
    assert drawn() == [
        "other  todo",
        "prep   todo",
        "s/     2 todo",
        "  <- other (for 1 of 2)",
        "  <- prep (for 1 of 2)",
    ]


def test_a_folder_in_waiting_says_what_a_person_let_it_wait_for(put, drawn):
    put("todo/a.yaml")
    put("waiting/after-a/b~0.abcdefgh-1.yaml")
    assert drawn() == ["a  todo", "b  waiting", "  <- a (any)"]


def test_finished_tasks_are_drawn_from_their_records_when_that_is_asked_for(put, drawn, record):
    put("done/a.yaml")
    put("done/b.yaml")
    record("b", 1, outcome="exit1", text="|\n  command: x\n  after: lost")
    record("b", 2, text="|\n  command: x\n  after: a")
    put("done/s/1.yaml")
    record("s/1", text="|\n  params: {x: 1}", policy="|\n  defaults:\n    command: x\n    after: b")
    put("todo/c.yaml", "command: x\nafter: b\n")
    assert drawn() == ["b  done", "c  todo", "  <- b", "apart: 2 tasks that have nothing to do with others"]
    assert drawn("--all") == ["a   done", "b   done", "  <- a", "c   todo", "  <- b", "s/  1 done", "  <- b"]


def test_a_circle_and_a_batch_that_is_held_are_told(put, drawn):
    put("todo/a.yaml", "command: x\nafter: b\n")
    put("todo/b.yaml", "command: x\nafter: a\n")
    put("hold/s/1.yaml")
    put("todo/c.yaml", "command: x\nafter: s/\n")
    assert drawn()[-2:] == ["stuck: a waits for b waits for a", "stuck: c waits for s/, which is on hold"]


def test_a_name_shows_what_is_before_and_after_it_only(put, drawn):
    for name, after in ("b", "a"), ("c", "b"), ("x", "y"), ("side", "a"):
        put(f"todo/{name}.yaml", f"command: x\nafter: {after}\n")
    put("todo/a.yaml")
    put("todo/y.yaml")
    assert drawn("b") == ["a  todo", "b  todo", "  <- a", "c  todo", "  <- b"]
    assert drawn("y*") == ["y  todo", "x  todo", "  <- y"]


def test_a_name_that_means_nothing_is_exit_5_but_one_that_is_waited_for_is_not(put, run):
    put("todo/b.yaml", "command: x\nafter: [lost, gone/]\n")
    result = run("graph", "zzz")
    assert (result.exit_code, result.stdout) == (5, "")
    assert "no task matches 'zzz'" in result.stderr
    for name in "lost", "gone", "gone/":
        assert "b  todo" in run("graph", name).stdout


def test_a_spool_without_dependencies_says_so(put, drawn):
    put("todo/a.yaml")
    assert drawn() == ["no task comes after another one", "apart: 1 task that has nothing to do with others"]
    assert drawn("a") == ["a  todo"]


def test_what_is_left_out_is_said(put, run):
    put("todo/a0.yaml")
    for number in range(1, 6):
        put(f"todo/a{number}.yaml", f"command: x\nafter: a{number - 1}\n")
    short = run("graph", "-n", "2")
    assert short.stdout.splitlines() == ["a0  todo", "a1  todo", "  <- a0"]
    assert "4 more are not drawn" in short.stderr
    few = run("graph", "--read", "3")
    assert few.stdout.splitlines()[:3] == ["a0  todo", "a1  todo", "  <- a0"]
    assert "3 files were not read" in few.stderr


def test_what_is_no_file_that_can_be_read_is_said(put, run, spool):
    put("todo/a.yaml", "command: x\nafter: b\n")
    (spool / "todo/link.yaml").symlink_to("/etc/passwd")
    result = run("graph")
    assert result.stdout.splitlines()[0] == "a  todo"
    assert "1 files cannot be read by you" in result.stderr


def test_of_many_files_those_are_read_first_that_were_asked_for_and_then_some_of_each_batch(put, run):
    for batch in "a", "b":
        for number in range(20):
            put(f"todo/{batch}/{number:02}.yaml", f"command: x\nafter: prep-{batch}\n")
    found = json.loads(run("graph", "--read", "2", "--json").stdout)
    assert [point["name"] for point in found["points"] if point["kind"] == "nowhere"] == ["prep-a", "prep-b"]
    assert found["files_not_read"] == 38
    put("todo/z.yaml", "command: x\nafter: prep-z\n")
    assert "prep-z" in run("graph", "--read", "1", "z").stdout


def test_tasks_by_themselves(put, drawn):
    put("todo/s/1.yaml")
    put("todo/s/2.yaml")
    put("todo/sum.yaml", "command: x\nafter: s/\n")
    assert drawn("--tasks") == ["s/1  todo", "s/2  todo", "s/   2 todo", "  <- s/1", "  <- s/2", "sum  todo", "  <- s/"]


def test_other_programs_can_draw_it(put, run):
    put("todo/a.yaml")
    put("todo/b.yaml", "command: x\nafter: a\n")
    assert run("graph", "--format", "dot").stdout.splitlines()[3:] == [
        '  n1 [label="a\\ntodo"];', '  n2 [label="b\\ntodo"];', "  n1 -> n2;", "}",
    ]  # fmt: skip
    put("todo/c.yaml", "command: x\nafter: lost\n")
    assert "something waits for ever" in run("graph", "--format", "dot").stderr
    (put("todo/c.yaml")).unlink()
    assert run("graph", "--format", "mermaid").stdout.splitlines()[0] == "flowchart LR"
    assert [point["name"] for point in json.loads(run("graph", "--json").stdout)["points"]] == ["a", "b"]
    result = run("graph", "--format", "dot", "--json")
    assert (result.exit_code, result.stderr) == (2, "dsgspool: --json and --format do not go together: choose one\n")
    assert run("graph", "--format", "svg").exit_code == 2


def test_the_drawing_of_a_study_that_real_workers_have_run(process, spool, tmp_path):
    process("submit", "--name", "prep", "--", "true")
    process("submit", "--name", "bad", "--after", "prep", "--", "false")
    process("submit", "--name", "sum", "--after", "bad", "--", "true")
    process("submit", "--name", "late", "--after", "sum:any", "--after", "lost", "--", "true")
    assert process("worker", "--until-empty", "--slots", "2").returncode == 0
    shown = process("graph", "--all")
    assert shown.returncode == 0 and shown.stdout.splitlines() == [
        "prep  done", "bad   failed", "  <- prep", "sum   failed", "  <- bad", "late  waiting",
        "  <- lost, which is nowhere in the spool", "  <- sum (any)",
        "stuck: late waits for lost, which is nowhere in the spool",
    ]  # fmt: skip
