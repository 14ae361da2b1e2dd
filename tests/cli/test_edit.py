"""`dsgspool edit`: a diff before, all or nothing when a text would be wrong, and an undo after."""

import os
import pty
import signal
import subprocess
import sys
from functools import partial

import pytest

from tests.cli.conftest import ROOT

TEXT = "# mine\ncommand: echo hi  # hello\nnice: 1\n...\n"
WID = "n1-abcdefgh"


def texts(spool, folder="todo"):
    return {path.stem.partition("~")[0]: path.read_text() for path in (spool / folder).rglob("*.yaml")}


def test_the_command_of_all_future_tasks_is_one_line(spool, process, put):
    for name in ("1", "2"):
        put(f"todo/s/{name}.yaml", TEXT)
    put("hold/s/3.yaml", TEXT)
    put("todo/t.yaml", TEXT)
    result = process("edit", "s/*", "command=echo new", "--yes")
    assert result.returncode == 0 and "3 files, the same change" in result.stdout, result.stderr
    assert "-command: echo hi  # hello\n+command: echo new  # hello\n" in result.stdout
    assert result.stdout.endswith("s/1\ns/2\ns/3\n") and "edit --undo" in result.stderr
    new = TEXT.replace("hi", "new")
    assert (texts(spool), texts(spool, "hold")) == ({"1": new, "2": new, "t": TEXT}, {"3": new})


def test_nothing_changes_without_a_yes(spool, run, put):
    file = put("todo/a.yaml", TEXT)
    assert run("edit", "a", "retries=1").exit_code == 2
    assert run("edit", "a", "retries=1", "--dry-run").exit_code == 0
    assert file.read_text() == TEXT and not (spool / "edits").exists()


@pytest.mark.parametrize(("answer", "code"), [("n\n", 1), ("\n", 1), ("", 1), ("y\n", 0)])
def test_a_no_is_told_and_ends_with_a_code_of_its_own(run, put, monkeypatch, answer, code):
    file = put("todo/a.yaml", TEXT)
    monkeypatch.setattr("dsgspool.cli.output.is_terminal", lambda *_: True)
    result = run("edit", "a", "retries=1", stdin=answer)
    assert result.exit_code == code and ("dsgspool: nothing was changed\n" in result.stderr) is bool(code)
    assert "bug" not in result.stderr and file.exists() is bool(code)


def test_ctrl_c_at_the_question_is_no_bug(spool, put):
    put("todo/a.yaml", TEXT)
    keyboard, terminal = pty.openpty()
    argv = [sys.executable, "-m", "dsgspool", "edit", "a", "retries=1"]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "DSGSPOOL_SPOOL": str(spool)}
    with subprocess.Popen(argv, stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env) as asked:
        assert asked.stderr
        told = iter(partial(os.read, asked.stderr.fileno(), 1000), b"")
        assert any(b"[y/N]" in part for part in told)
        asked.send_signal(signal.SIGINT)
        _, rest = asked.communicate(timeout=60)
    for end in (keyboard, terminal):
        os.close(end)
    assert asked.returncode == 130 and b"bug" not in rest


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("command=",), "todo/b.yaml, line 1: it says nothing to run"),
        (("timeuot=3",), "did you mean `timeout`?"),
        (("--sed", "s/command/comand/"), "todo/b.yaml, line 2"),
        (("retries=x",), "line 4: `retries` is 'x'"),
    ],
)
def test_what_would_make_one_file_wrong_changes_none(spool, run, put, words, said):
    put("todo/a.yaml", TEXT)
    put("todo/b.yaml", TEXT)
    result = run("edit", "b", "a", *words, "--yes")
    assert result.exit_code not in (0, 2) and said in result.stderr
    assert texts(spool) == {"a": TEXT, "b": TEXT}


@pytest.mark.parametrize("words", [("a",), ("retries=1",), (), ("a", "--sed", "y/a/b/"), ("a", "b", "--undo")])
def test_what_is_not_understood_is_exit_2(run, put, words):
    put("todo/a.yaml", TEXT)
    assert run("edit", *words).exit_code == 2


@pytest.mark.parametrize(("word", "changed"), [("lr=0.1", ["lr=0.1", "x"]), ("lr=0.1/*", ["x"]), ("lr=0.1/x", ["x"])])
def test_a_name_may_look_like_a_change_of_a_key_that_there_is_not(spool, run, put, word, changed):
    put("todo/lr=0.1.yaml", TEXT)
    put("todo/lr=0.1/x.yaml", TEXT)
    assert run("edit", word, "retries=3", "--yes").exit_code == 0
    assert sorted(name for name, text in texts(spool).items() if "retries: 3" in text) == changed


def test_what_runs_is_left_alone_and_told(spool, run, put):
    put(f"running/{WID}/a@{WID}.1.yaml", TEXT)
    result = run("edit", "a", "retries=1", "-y")
    assert result.exit_code == 6 and "a is running" in result.stderr and "`hold` stops and parks it" in result.stderr
    put("todo/a2.yaml", TEXT)
    result = run("edit", "a*", "retries=1", "-y")
    assert result.exit_code == 0 and "1 that run keep their text (a)" in result.stderr
    assert (spool / f"running/{WID}/a@{WID}.1.yaml").read_text() == TEXT


def test_what_is_finished_or_nowhere_is_told(run, put):
    put("done/a.yaml", TEXT)
    assert "a is done" in run("edit", "a", "retries=1").stderr
    assert run("edit", "b", "retries=1").exit_code == 5


def test_what_a_person_has_open_is_left_alone(spool, run, put):
    put("todo/a.yaml", TEXT)
    put("todo/.a.yaml.swp")
    assert "open in an editor" in run("edit", "a", "retries=1", "-y").stderr
    assert texts(spool) == {"a": TEXT}


def test_an_undo_puts_the_old_text_back_where_nothing_has_begun(spool, run, put):
    for name in ("a", "b", "c", "d"):
        put(f"todo/{name}.yaml", TEXT)
    assert run("edit", "*", "retries=1", "-y").exit_code == 0
    file = {path.name[0]: path for path in (spool / "todo").glob("*.yaml")}
    os.rename(file["b"], spool / "done/b.yaml")
    file["c"].write_text("command: other\n")
    file["d"].unlink()
    result = run("edit", "--undo", "-y")
    assert result.stdout.endswith("\na\n") and texts(spool) == {"a": TEXT, "c": "command: other\n"}
    assert [word in result.stderr for word in ("b is done", "c has another text", "d is gone")] == [True] * 3
    assert run("edit", "--undo", "-y").exit_code == 0 and "retries: 1" in texts(spool)["a"]


def test_an_undo_names_what_is_not_there(spool, run):
    assert "holds no edit" in run("edit", "--undo").stderr
    assert "there is no edit x" in run("edit", "--undo", "x").stderr


def test_a_new_moment_takes_a_task_out_of_waiting(spool, run, put):
    put("waiting/until-20991231T000000Z/a.yaml", "command: x\nnot_before: 2099-12-31T00:00Z\n...\n")
    put("waiting/until-20991231T000000Z/b.yaml", TEXT)
    run("edit", "a", "not_before=", "-y")
    run("edit", "b", "retries=1", "-y")
    assert (texts(spool), list(texts(spool, "waiting"))) == ({"a": "command: x\n...\n"}, ["b"])


@pytest.mark.parametrize(
    ("change", "is_judged_anew"),
    [
        ("after={p: any, fold/: success}", True),
        ("after=", True),
        ("retries=1", False),
    ],
)
def test_what_waits_for_others_in_braces_is_judged_anew_when_it_waits_for_something_else(
    spool, run, put, change, is_judged_anew
):
    """A worker's first look sees nothing in braces: what it waited for before kept it there for ever."""
    put("waiting/after-fold/b.yaml", "command: x\nafter: {p: any, fold: success}\n...\n")
    assert run("edit", "b", change, "-y").exit_code == 0
    assert ("b" in texts(spool), "b" in texts(spool, "waiting")) == (is_judged_anew, not is_judged_anew)


@pytest.mark.parametrize(("change", "lies"), [("resources=", "todo/@p5/s"), ("retries=1", "todo/@p5,mem900G=tvlz6n/s")])
def test_a_task_that_wants_something_else_is_looked_at_by_whoever_knew_that_its_lane_was_none_for_him(
    spool, run, put, change, lies
):
    put("todo/@p5,mem900G=tvlz6n/s/big~0.aaaaaaaa-1.yaml", "command: x\nresources: {memory: 900G}\n...\n")
    assert run("edit", "s/big", change, "--yes").exit_code == 0
    assert len(list((spool / lies).glob("big~0.*.yaml"))) == 1


def test_secrets_are_not_shown(spool, run, put):
    put("todo/a.yaml", "command: x\nenv: {MY_TOKEN: hunter22}\n...\n")
    result = run("edit", "a", "env.MY_TOKEN=hunter33", "-y")
    assert "hunter" not in result.stdout and "(the value of a secret)" in result.stdout
    assert "hunter33" in texts(spool)["a"]
    [plan] = (spool / "edits").glob("*/edit.json")
    assert '"env.MY_TOKEN=***"' in plan.read_text()


def test_a_secret_that_goes_or_is_searched_for_is_not_shown_where_it_still_stands(spool, run, put):
    text = "command: x --key hunter22\nenv:\n  MY_TOKEN: hunter22\n...\n"
    put("todo/a.yaml", text)
    result = run("edit", "a", "env.MY_TOKEN=", "-y")
    assert texts(spool)["a"] == "command: x --key hunter22\n...\n" and "hunter22" not in result.stdout
    put("todo/b.yaml", text)
    result = run("edit", "b", "--sed", "s/hunter22/hunter33/g", "-y")
    assert "hunter33" in texts(spool)["b"] and "hunter" not in result.stdout
    assert not [plan for plan in (spool / "edits").glob("*/edit.json") if "hunter" in plan.read_text()]


@pytest.mark.parametrize("plan", ["{", "[]", '{"texts": 3}', "", "[" * 30000])
def test_an_undo_looks_over_what_no_edit_wrote(spool, run, put, plan):
    put("todo/a.yaml", TEXT)
    put("edits/file", "")
    run("edit", "a", "retries=1", "-y")
    put("edits/z/edit.json", plan)
    assert "there is no edit z of yours" in run("edit", "--undo", "z", "-y").stderr
    assert run("edit", "--undo", "-y").exit_code == 0 and texts(spool) == {"a": TEXT}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to have a file of somebody else")
def test_an_undo_never_makes_the_text_of_another_user_mine(spool, run, put):
    put("todo/a.yaml", TEXT)
    run("edit", "a", "retries=1", "-y")
    [edit] = (spool / "edits").iterdir()
    os.chown(edit / "old/todo/a.yaml", 4711, 4711)
    assert "belongs to uid 4711" in run("edit", "--undo", "-y").stderr
    os.chown(edit / "edit.json", 4711, 4711)
    assert "holds no edit of yours" in run("edit", "--undo", "-y").stderr
    assert "retries: 1" in texts(spool)["a"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to have a file of somebody else")
def test_another_users_task_is_not_edited(spool, run, put):
    os.chown(put("todo/a.yaml", TEXT), 4711, 4711)
    assert "it belongs to uid 4711" in run("edit", "a", "retries=1", "-y").stderr
    assert texts(spool) == {"a": TEXT}


def test_old_edits_are_pruned(spool, run, put):
    put("todo/a.yaml", TEXT)
    run("edit", "a", "retries=1", "-y")
    [folder] = (spool / "edits").iterdir()
    assert run("prune", "--older-than", "1d").stdout == ""
    os.utime(folder, (1e9, 1e9))
    assert run("prune", "--older-than", "1d").stdout == f"edits/{folder.name}\n"
    assert list((spool / "edits").iterdir()) == []


def test_what_a_killed_edit_took_out_comes_back_before_the_next_one(spool, run, put):
    put("edits/e.open/out/todo/a.yaml", TEXT)
    assert "another edit has 1 in hand" in run("edit", "a", "retries=1", "-y").stderr
    os.utime(spool / "edits/e.open/out/todo", (1e9, 1e9))
    assert run("edit", "a", "retries=1", "-y").stdout.endswith("\na\n")


@pytest.mark.parametrize(
    ("name", "is_waited_for"), [("a", True), ("a~settling.aaaaaaaa-1", True), ("a~0.aaaaaaaa-1", False)]
)
def test_what_may_not_be_whole_must_stay_as_it_was_read_for_some_seconds(
    spool, run, put, monkeypatch, name, is_waited_for
):
    slept = []
    monkeypatch.setattr("dsgspool.clock.SystemClock.sleep", lambda _, seconds: slept.append(seconds))
    put(f"todo/{name}.yaml", "command: echo hi\n")
    assert run("edit", "a", "retries=1", "-y").exit_code == 0
    assert bool(slept) is is_waited_for
