"""`batch`: what there is, and changes that leave what people wrote as it is."""

import json
import os

import pytest

from dsgspool import snapshot

POLICY = """\
# the night's sweep
defaults:
  command: ./fold {seed}   # from Ann
max_running: 40  # the licence
"""


@pytest.fixture
def policy(spool):
    """The file of batch s."""
    return spool / "batches/s.yaml"


def test_a_list_shows_batches_with_tasks_or_a_policy(put, run):
    put("todo/s/1.yaml")
    put("done/t/1.yaml")
    put("batches/s.yaml", "priority: 3\npaused: true\n")
    put("batches/u.yaml", "max_running: 2\n")
    put("batches/v.yaml", "x: 2\n")
    lines = [line.split() for line in run("batch", "list").stdout.splitlines()]
    assert lines[0][:4] == ["BATCH", "STATE", "PRIORITY", "MAX_RUNNING"]
    assert [line[:5] for line in lines[1:]] == [
        ["s", "paused", "3", "-", "1"],
        ["t", "open", "0", "-", "0"],
        ["u", "open", "0", "2", "0"],
        ["v", "stopped", "0", "-", "0"],
    ]
    told = json.loads(run("batch", "list", "--json").stdout)
    assert [(each["batch"], each["state"]) for each in told] == [
        ("s", "paused"), ("t", "open"), ("u", "open"), ("v", "stopped"),
    ]  # fmt: skip
    assert told[0]["counts"]["todo"] == 1


def test_of_a_sweep_items_are_told_beside_its_chunks(put, run, spool):
    (spool / "sweeps/s/00-99").mkdir(parents=True)
    put("done/s/00-19.yaml")
    put("failed/s/20-29~items3.yaml")
    put("todo/s/rest-30-99~0.abcdefgh-1.yaml")
    put("todo/t/1.yaml")
    lines = [line.split() for line in run("batch", "list").stdout.splitlines()]
    assert lines[-2:] == [
        ["ITEMS", "todo", "waiting", "hold", "running", "done", "failed"],
        ["s", "70", "0", "0", "0", "27", "3"],
    ]
    told = run("batch", "show", "s").stdout
    assert "tasks   1 todo, 1 done, 1 failed (chunks of a sweep)\n  items   70 todo, 27 done, 3 failed\n" in told
    document = json.loads(run("batch", "show", "s", "--json").stdout)
    assert (document["counts"]["done"], document["sweeps"]["s"]["done"]) == (1, 27)
    assert "items" not in run("batch", "show", "t").stdout and "chunks" not in run("batch", "show", "t").stdout
    (spool / "done/s/00-19.yaml").unlink()  # pruned
    assert "counted in chunks of a sweep: s\n" in run("batch", "list").stdout


def test_no_batches_are_said_to_be_none(run, spool):
    assert "no batches" in run("batch", "list").stdout


def test_one_is_shown_with_its_policy(put, run, policy):
    put("failed/s/1~exit1.yaml")
    put("batches/s.yaml", POLICY)
    told = run("batch", "show", "s").stdout
    assert "s  open" in told and "1 failed" in told and str(policy) in told
    assert "    # the night's sweep\n" in told
    put("batches/s.yaml", "x: 1\n")
    assert "unknown key `x`" in run("batch", "show", "s").stdout
    assert json.loads(run("batch", "show", "--json", "s").stdout)["state"] == "stopped"


def test_a_change_leaves_all_other_lines_and_comments(put, run, policy):
    put("batches/s.yaml", POLICY)
    result = run("batch", "set", "s", "max_running=60", "priority=5")
    assert result.stdout == "s: max_running: 60\ns: priority: 5\n"
    assert policy.read_text() == POLICY.replace("40", "60") + "priority: 5\n...\n"
    run("batch", "set", "s", "max_running=null", "priority=-1")
    assert policy.read_text() == POLICY.replace("40", "null") + "priority: -1\n...\n"


def test_a_first_change_makes_the_file(run, policy):
    assert run("batch", "set", "s", "max_running=3").exit_code == 0
    assert policy.read_text() == "max_running: 3\n...\n"
    assert os.listdir(policy.parent) == ["s.yaml"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["s", "max_running=0"], 2, "`max_running` is 0"),
        (["s", "paused=maybe"], 2, "must be true or false"),
        (["s", "command=x"], 2, "is no change of a policy"),
        (["s", "paused"], 2, "is no change of a policy"),
        (["s", "paused=true # no"], 2, "is no change of a policy"),
        (["s/000", "paused=true"], 4, "a policy is that of a whole batch: s"),
        (["a~b", "paused=true"], 4, "no batch can be called so"),
    ],
)
def test_what_is_no_change_of_a_policy_is_not_written(run, policy, words, code, said):
    result = run("batch", "set", *words)
    assert (result.exit_code, policy.exists()) == (code, False)
    assert said in result.stderr


@pytest.mark.parametrize(
    "text",
    ["notify: >-\n  mail -s done\n  anna@lab\n", "notify: mail -s done\n  anna@lab\npriority: 3\n", "notify:\n  [mail]\n"]
)  # fmt: skip
@pytest.mark.parametrize("value", ["null", "echo"])
def test_a_value_of_several_lines_is_not_exchanged_by_half(put, run, policy, text, value):
    put("batches/s.yaml", text)
    result = run("batch", "set", "s", f"notify={value}")
    assert (result.exit_code, policy.read_text()) == (2, text)
    assert "`notify` has several lines there" in result.stderr and str(policy) in result.stderr


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [("x: 1\n", 3, "unknown key `x`"), ("{priority: 1}\n", 2, "that would be no policy")],
)
def test_what_an_edit_by_lines_cannot_change_is_left_alone(put, run, policy, text, code, said):
    put("batches/s.yaml", text)
    result = run("batch", "pause", "s")
    assert (result.exit_code, policy.read_text()) == (code, text)
    assert said in result.stderr


def test_a_file_that_a_full_disk_emptied_gets_what_is_asked_for(put, run, policy):
    put("batches/s.yaml", "")
    run("batch", "pause", "s")
    assert policy.read_text() == "paused: true\n...\n"


def test_status_says_which_batches_are_not_started(put, run, policy):
    put("batches/s.yaml", "paused: true\n")
    assert "batch s is not started: batches/s.yaml says `paused: true`" in run("status").stdout
    assert list(json.loads(run("status", "--json").stdout)["stopped_batches"]) == ["s"]


@pytest.mark.parametrize(
    ("place", "is_told"), [("done/s/a.yaml", False), ("hold/s/a.yaml", True), ("waiting/after-x/s/t/a.yaml", True)]
)
def test_status_says_nothing_of_a_batch_of_which_nothing_is_left(put, run, place, is_told):
    put("batches/s.yaml", "paused: true\n")
    for path in ("done/s/b.yaml", "todo/st/a.yaml", place):
        put(path)
    assert ("batch s is not started" in run("status").stdout) is is_told


def test_doctor_names_a_policy_that_is_not_obeyed_and_a_name_that_is_none(put, run, policy):
    put("batches/s.yaml", "x: 1\n")
    put("batches/t.yml", "priority: 1\n")
    for mark in ("s.passed", "s.over/over.json", "s.told-tripped", "s.told-canary"):
        put(f"batches/{mark}", "")
    told = run("doctor", "--quick").stdout
    assert "unknown key `x`" in told and "nothing of the batch s is started" in told
    assert [line for line in told.splitlines() if "is not read" in line and "batches/t.yml" not in line] == []
    assert "batches/t.yml is not read" in told


def test_pause_and_resume_are_a_line_of_the_file(run, policy):
    assert "s is paused" in run("batch", "pause", "s").stdout
    assert policy.read_text() == "paused: true\n...\n"
    assert run("batch", "pause", "s").stdout == "s was paused already\n"
    assert "s is resumed" in run("batch", "resume", "s").stdout
    assert policy.read_text() == "paused: false\n...\n"
    assert run("batch", "resume", "s").stdout == "s was not paused\n"


def test_an_unknown_batch_is_exit_5(run, spool):
    assert run("batch", "show", "nothing").exit_code == 5


def test_canary_and_breaker_are_shown_and_resume_ends_them(put, run, spool):
    (spool / "running/n1-abcdefgh").mkdir()
    put("workers/n1-abcdefgh.lock", "")
    put("workers/n1-abcdefgh.yaml", 'worker: "n1-abcdefgh"\nslots: 4\n...\n')
    put("todo/s/1.yaml")
    put("todo/s/2.yaml")
    assert run("batch", "set", "s", "canary=1", "breaker={of: 4, failures: 2}").exit_code == 0
    assert "s  canary" in run("batch", "show", "s").stdout
    assert (
        "its batch is held back: its first 1, in the order of names, are tried before the others"
        in run("why", "s/2").stdout
    )
    assert "held back" not in run("why", "s/1").stdout
    assert "s is resumed" in run("batch", "resume", "s").stdout
    assert (spool / "batches/s.passed").exists()
    assert run("batch", "resume", "s").stdout == "s was not paused\n"
    put("failed/s/3~exit1.yaml")
    put("failed/s/4~exit1.yaml")
    assert "s  tripped" in run("batch", "show", "s").stdout
    assert "s is resumed" in run("batch", "resume", "s").stdout
    assert "s  open" in run("batch", "show", "s").stdout
    assert sorted(path.name for path in (spool / "batches").iterdir()) == ["s.passed", "s.resumed", "s.yaml"]


def test_a_task_that_is_tried_first_and_was_removed_is_told_everywhere_with_the_way_on(put, run, spool):
    put("batches/s.yaml", "canary: 2\n...\n")
    put("batches/s.canary", "tasks: [s/a, s/b]\n...\n")
    put("failed/s/a~cancelled.yaml")
    put("todo/s/b.yaml")
    put("todo/s/c.yaml")
    gone = "s/a lies nowhere any more, so it will never be done: `dsgspool batch resume s` goes on without that"
    for place in ("hold/s/a.yaml", "waiting/after-x/s/a.yaml", "running/n1-abcdefgh/s%a@n1-abcdefgh.1.yaml"):
        put(place)
        (spool / "failed/s/a~cancelled.yaml").unlink(missing_ok=True)
        assert "nowhere" not in run("batch", "show", "s").stdout, place
        (spool / place).unlink()
    put("workers/n1-abcdefgh.lock", "")
    put("workers/n1-abcdefgh.yaml", 'worker: "n1-abcdefgh"\nslots: 4\n...\n')
    for command in (("batch", "show", "s"), ("status",), ("why", "s/c")):
        told = " ".join(run(*command).stdout.split())
        assert f"are not done: s/a, s/b; {gone}" in told, command
    (listed,) = json.loads(run("batch", "list", "--json").stdout)
    assert gone in listed["why"]
    run("report")
    assert "Batch s is held back by its canary, and 1 task waits" in (spool / "reports/report.txt").read_text()
    assert "s is resumed" in run("batch", "resume", "s").stdout
    assert "s  open" in run("batch", "show", "s").stdout


def test_the_first_policy_of_a_spool_that_has_no_folder_for_it_makes_the_folder(spool, run):
    (spool / "batches").rmdir()
    assert run("batch", "set", "s", "priority=3").exit_code == 0
    assert (spool / "batches/s.yaml").read_text() == "priority: 3\n...\n"


def test_one_says_what_comes_when_it_is_over_and_how_it_ended(put, run):
    put("batches/s.yaml", "finally: {command: ./merge.sh}\nnotify: ./tell.sh\n")
    put("todo/s/1.yaml")
    assert "s.finally comes when it is over" in run("batch", "show", "s").stdout
    put("batches/s.over/over.json", '{"at": "2026-11-21T21:00:00.000Z", "done": 28, "failed": 2}\n')
    shown = run("batch", "show", "s").stdout
    assert shown.startswith("s  open\n") and "was over at " in shown and ": 28 done, 2 failed" in shown
    (told,) = json.loads(run("batch", "list", "--json").stdout)
    assert (told["finally"], told["notify"], told["over"]["failed"]) == ("s.finally", "./tell.sh", 2)


def test_a_batch_that_was_over_and_has_nothing_open_is_called_so(put, run):
    put("batches/s.yaml", "notify: ./tell.sh\n")
    put("done/s/1.yaml")
    assert "notify comes when it is over" in run("batch", "show", "s").stdout
    put("batches/s.over/over.json", '{"at": "?", "done": 1, "failed": 0}')
    shown = run("batch", "show", "s").stdout
    assert shown.startswith("s  over\n") and "was over at some time: 1 done, 0 failed" in shown
    put("batches/s.over/over.json", "[" * 30000)
    assert run("batch", "show", "s").stdout.startswith("s  open\n")


def test_who_is_told_can_be_changed_by_a_word(run, policy):
    assert run("batch", "set", "s", "notify=./tell.sh").exit_code == 0
    assert policy.read_text() == "notify: ./tell.sh\n...\n"


def test_who_comes_after_the_last_task_of_a_batch_waits_for_no_unknown_name(put, run):
    put("batches/s.yaml", "finally: {command: ./merge.sh}\n")
    told = run("submit", "--name", "letter", "--after", "s.finally", "--after", "t.finally", "--", "true")
    assert "nothing is called t.finally yet" in told.stderr


def test_a_first_policy_of_what_is_not_there_yet_says_so(put, run, policy):
    put("todo/t/1.yaml")
    assert "nothing is called s/ yet" in run("batch", "pause", "s").stderr
    assert run("batch", "set", "s", "priority=3").stderr == "", "it is said once"
    assert run("batch", "pause", "t").stderr == ""


def test_what_is_requeued_in_a_batch_that_is_not_started_stays_and_requeue_says_so(put, run, listed):
    for name in ("s/1", "s/2", "t/1"):
        put(f"failed/{name}~exit1.yaml")
    put("batches/s.yaml", "paused: true\n...\n")
    result = run("requeue", "s/*", "t/1")
    assert listed("todo") == ["s/1", "s/2", "t/1"]
    assert result.stderr.count("is not started") == 1
    assert "the batch s is not started: batches/s.yaml says `paused: true`; dsgspool batch resume s" in result.stderr


def test_a_policy_that_cannot_be_read_is_there_all_the_same(put, run, policy):
    put("todo/s/1.yaml")
    policy.mkdir()
    assert f"policy  {policy}" in run("batch", "show", "s").stdout
    assert json.loads(run("batch", "show", "--json", "s").stdout)["policy"] == str(policy)


@pytest.mark.parametrize("verb", ["pause", "resume", "show"])
@pytest.mark.parametrize("length", [149, 300])
def test_what_is_too_long_for_a_batch_is_no_trouble_of_the_disk(spool, run, verb, length):
    result = run("batch", verb, "x" * length)
    assert result.exit_code == 4 and "longer than 150 bytes" in result.stderr


def test_a_policy_that_somebody_lays_there_meanwhile_is_not_replaced(put, run, policy, monkeypatch):
    take = snapshot.take

    def slow(*words, **options):
        put("batches/s.yaml", "paused: true\n")
        return take(*words, **options)

    monkeypatch.setattr(snapshot, "take", slow)
    result = run("batch", "set", "s", "priority=3")
    assert result.exit_code == 2 and "somebody else has just changed" in result.stderr
    assert policy.read_text() == "paused: true\n"


def test_a_value_that_says_something_only_with_the_lines_behind_it_is_refused(put, run, policy):
    put("batches/s.yaml", text := "breaker: {of: 20,\n  failures: 10}\n")
    result = run("batch", "set", "s", "breaker={of: 30,")
    assert (result.exit_code, policy.read_text()) == (2, text)
    assert "`breaker` has several lines there" in result.stderr
