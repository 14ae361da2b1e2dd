"""`list`, `status`, `show`, `workers`, `pause`: looking, and what --json says."""

import json
import os
import re
import time

import pytest

from dsgspool.cli.overview import show
from dsgspool.cli.watching import News, Watch
from dsgspool.clock import local
from dsgspool.settings import parse_control
from dsgspool.snapshot import take
from dsgspool.snapshot.attempts import moment
from dsgspool.spool import Spool

WID = "n1-abcdefgh"


@pytest.fixture
def worker(spool):
    """A worker that is alive, by hand."""
    (spool / "workers" / f"{WID}.lock").touch()
    (spool / "workers" / f"{WID}.yaml").write_text('worker: "n1-abcdefgh"\nhost: "n1"\nslots: 4\n...\n')
    return WID


@pytest.fixture
def tasks(put):
    """A task in every state."""
    for path in (
        "todo/s/1.yaml",
        "todo/s/2~1l2.abcdefgh-1.yaml",
        "waiting/until-20301121T210000Z/w.yaml",
        "hold/h.yaml",
        f"running/{WID}/s%r@{WID}.1.yaml",
        "done/d.yaml",
        "failed/f~exit3.yaml",
    ):
        put(path)


def listing(result):
    """(state, name) of each row."""
    return [tuple(line.split()[:2]) for line in result.stdout.splitlines()[1:]]


def test_list_shows_every_task_with_what_its_name_says(process, tasks):
    result = process("list")
    assert result.returncode == 0
    rows = {line.split()[1]: line for line in result.stdout.splitlines()[1:]}
    assert set(rows) == {"s/1", "s/2", "w", "h", "s/r", "d", "f"}
    assert "failed 1x, lost 2x" in rows["s/2"] and "exit3" in rows["f"]
    assert "until" in rows["w"] and f"on {WID}" in rows["s/r"]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["failed", "done"], {"d", "f"}),
        (["s/*"], {"s/1", "s/2", "s/r"}),
        (["todo", "s"], {"s/1", "s/2"}),
        (["--batch", "s", "running"], {"s/r"}),
        (["h", "w"], {"h", "w"}),
    ],
)
def test_list_takes_states_names_patterns_and_a_batch(run, tasks, words, names):
    assert {name for _, name in listing(run("list", *words))} == names


def test_list_can_be_limited(run, tasks):
    result = run("list", "-n", "2")
    assert len(listing(result)) == 2 and "5 more" in result.stderr


def test_list_of_an_unknown_name_is_exit_5(run, tasks):
    assert run("list", "nothing").exit_code == 5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["failed", "s/*"], "no task in failed/ matches 's/*': 3 files lie elsewhere; see with: dsgspool list 's/*'"),
        (["failed", "todo", "h"], "no task in todo/ or failed/ matches 'h': 1 file lies elsewhere"),
        (["--batch", "s", "h"], "no task in the batch s matches 'h'"),
        (["nothing", "failed"], "no task matches 'nothing': see the names with: dsgspool list"),
    ],
)
def test_list_says_that_what_matches_lies_elsewhere(run, tasks, words, said):
    result = run("list", *words)
    assert result.exit_code == 5 and said in result.stderr


def test_list_as_json(run, tasks):
    (entry,) = json.loads(run("list", "failed", "--json").stdout)
    assert (entry["task"], entry["state"], entry["reason"], entry["file"]) == (
        "f",
        "failed",
        "exit3",
        "failed/f~exit3.yaml",
    )


def test_status_counts_by_batch(process, tasks, worker):
    result = process("status")
    assert result.returncode == 0, result.stderr
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["s", "2", "0", "0", "1", "0", "0"] in rows
    assert ["all", "2", "1", "1", "1", "1", "1"] in rows
    assert WID in result.stdout and "alive" in result.stdout


def test_status_as_json(run, tasks, worker):
    status = json.loads(run("status", "--json").stdout)
    assert status["counts"] == {"todo": 2, "waiting": 1, "hold": 1, "running": 1, "done": 1, "failed": 1}
    assert status["batches"]["s"]["todo"] == 2 and status["paused"] is False
    assert status["running"][0]["task"] == "s/r" and status["workers"][0]["alive"] is True


def test_status_shows_how_far_running_tasks_are_and_what_they_said_last(run, tasks, worker, spool, record):
    record("s/r", worker=WID, claim=f"{WID}.1", started="2026-11-21T21:00:00.000Z")
    (spool / "logs/s/r.1.out").write_text("reading\n##progress 1/4 \x00epoch\n")
    out = run("status").stdout
    assert "PROGRESS" in out and "25%" in out and "1/4 \\x00epoch" in out
    (running,) = json.loads(run("status", "--json").stdout)["running"]
    assert (running["progress"], running["line"]) == (0.25, "1/4 \x00epoch")


def test_status_has_no_empty_columns(run, tasks, worker):
    assert "PROGRESS" not in run("status").stdout


def test_status_does_not_watch_and_write_json(run, spool):
    assert run("status", "--watch", "--json").exit_code == 2


def test_show_tells_every_attempt_and_where_its_logs_are(spool, process, put, record):
    put("done/s/a.yaml", "# mine\ncommand: echo hi\n")
    record("s/a", 1, "exit3", started="2026-11-21T21:00:00.000Z", exit_code=3, reason="no luck")
    record("s/a", 2, "done", seconds=1.5, stdout_bytes=2048)
    text = process("show", "s/a").stdout
    assert f"{spool}/done/s/a.yaml" in text and "# mine" in text
    assert "no luck" in text and f"{spool}/logs/s/a.1.err" in text
    assert "1.5s" in text and "a.2.out (2.0 KiB)" in text


def test_show_says_of_an_attempt_whose_worker_died_that_it_was_lost(run, put, record):
    put("running/n1-abcdefgh/a~0l1@n1-abcdefgh.1.yaml")
    record("a", 1, outcome=None, over=False)
    record("a", 2, outcome=None, over=False)
    told = run("show", "a").stdout.split("attempt ")
    assert "lost with its worker" in told[1] and "not over" not in told[1]
    assert "not over" in told[2]


def test_show_knows_an_attempt_as_lost_before_the_next_one_begins(spool, run, put, worker, record):
    put("todo/a~0l1.abcdefgh-1.yaml")
    record("a", 1, outcome=None, over=False, worker=WID, claim=f"{WID}.1")
    assert "not over" in run("show", "a").stdout
    for kind in ("dead", "fenced"):
        (spool / "workers" / f"{WID}.{kind}").touch()
        assert "lost with its worker" in run("show", "a").stdout
        (spool / "workers" / f"{WID}.{kind}").unlink()
    for kind in ("yaml", "lock"):
        (spool / "workers" / f"{WID}.{kind}").unlink()
    assert "lost with its worker" in run("show", "a").stdout, "its files were pruned"
    record("a", 1, outcome=None, over=False, worker="n1-abc")  # torn within the name
    assert "not over" in run("show", "a").stdout


def test_show_knows_a_task_whose_file_is_gone(run, spool, record):
    record("gone", 1, "done")
    assert "gone" in run("show", "gone").stdout
    assert run("show", "never").exit_code == 5


def test_show_names_no_log_that_is_not_there(spool, run, put, record):
    put("failed/a~invalid.yaml")
    stem = record("a", 1, "invalid")
    for ending in ("out", "err"):
        os.remove(f"{stem}.{ending}")
    text = run("show", "a").stdout
    assert "record" in text and "stdout" not in text and "stderr" not in text
    (task,) = json.loads(run("show", "a", "--json").stdout)
    assert (task["attempts"][0]["stdout"], task["attempts"][0]["record"]) == (None, "logs/a.1.yaml")


def test_show_as_json(run, put, record):
    put("failed/a~exit1.yaml")
    record("a", 1, "exit1", exit_code=1)
    (task,) = json.loads(run("show", "a", "--json").stdout)
    assert (task["state"], task["text"]) == ("failed", "command: echo hi\n")
    assert task["attempts"][0]["exit_code"] == 1 and task["attempts"][0]["stdout"] == "logs/a.1.out"


def test_workers_lists_them(process, worker):
    result = process("workers")
    assert result.returncode == 0
    assert [line.split()[:3] for line in result.stdout.splitlines()[1:]] == [[WID, "alive", "0/4"]]


@pytest.mark.parametrize("screen", ["workers", "status"])
def test_why_a_worker_is_dead_stands_below_the_table_whose_row_is_no_longer_for_it(run, spool, worker, screen):
    (spool / "workers" / f"{WID}.fenced").touch()
    told = run(screen).stdout
    (row,) = [line for line in told.splitlines() if re.match(rf"{WID} +dead ", line)]
    assert len(row) <= 80
    assert f"\n{WID}: dead: the others gave it up for dead" in told


@pytest.mark.parametrize("screen", ["workers", "status"])
def test_a_dead_worker_that_holds_nothing_is_shown_for_some_minutes(run, spool, worker, put, screen):
    lock, fenced = (spool / "workers" / f"{WID}.{kind}" for kind in ("lock", "fenced"))

    def shown(seconds):
        os.utime(lock, (time.time() - seconds,) * 2)
        return WID in run(screen).stdout

    assert shown(1200), "nobody has given it up: it is silent"
    fenced.touch()
    assert shown(300) and not shown(1200)
    assert WID in run("workers", "--all").stdout
    lock.unlink()
    assert WID in run(screen).stdout, "nobody knows for how long"
    lock.touch()
    put(f"running/{WID}/a@{WID}.1.yaml")
    assert shown(1200)


def test_workers_as_json_and_those_that_ended(run, spool, worker):
    (spool / "workers" / f"{WID}.dead").touch()
    assert json.loads(run("workers", "--json").stdout) == []
    (entry,) = json.loads(run("workers", "--all", "--json").stdout)
    assert (entry["worker"], entry["ended"], entry["slots"]) == (WID, True, 4)


@pytest.mark.parametrize(
    ("text", "state", "code"),
    [
        ('{"exit": -9, "silent_seconds": 1.2}\n', "killed (signal 9)", -9),
        ('{"exit": 0, "silent_seconds": 1.2}\n', "ended", 0),
        ("", "ended", None),  # of an operator
        ("[" * 100_000, "ended", None),
        ('{"exit": "-9"}\n', "ended", None),
    ],
)
def test_workers_says_which_signal_killed_one(run, spool, worker, text, state, code):
    (spool / "workers" / f"{WID}.dead").write_text(text)
    assert re.search(rf"^{WID} +{re.escape(state)} +0/4 ", run("workers", "--all").stdout, re.MULTILINE)
    (entry,) = json.loads(run("workers", "--all", "--json").stdout)
    assert list(entry)[-1] == "exit" and entry["exit"] == code


def test_workers_says_who_rests_why_and_until_when(run, spool, worker):
    (spool / "workers" / f"{WID}.rest").write_text(
        'key: "run_between"\nwhy: "19:00-08:00"\nuntil_unix_s: 2000000000\n...\n'
    )
    told = run("workers").stdout
    assert re.search(rf"{WID} +resting ", told)
    assert f"\n{WID}: takes tasks again at {local(2e9)} (run_between: 19:00-08:00)\n" in told
    (entry,) = json.loads(run("workers", "--json").stdout)
    assert entry["rest"] == {"key": "run_between", "why": "19:00-08:00", "until_unix_s": 2e9}
    (spool / "workers" / f"{WID}.rest").write_text("key: 1\n")  # half written, or by somebody else
    assert json.loads(run("workers", "--json").stdout)[0]["rest"] is None


def test_one_more_is_one(run, spool, put):
    for number in range(21):
        put(f"todo/b{number:02}/x.yaml", "command: x\n...\n")
    assert "\n... and 1 more batch\n" in run("status").stdout
    put("todo/c/x.yaml", "command: x\n...\n")
    assert "\n... and 2 more batches\n" in run("status").stdout


def test_a_worker_that_is_paused_is_shown_as_that(run, spool, worker, put):
    control = spool / "workers" / f"{WID}.control.yaml"
    control.write_text("paused: true\n")
    for told in (run("workers").stdout, run("status").stdout):
        assert re.search(rf"{WID} +paused +0/4 ", told)
        assert f"\n{WID}: takes tasks again after: dsgspool workers set {WID} paused=false\n" in told
    (entry,) = json.loads(run("workers", "--json").stdout)
    assert entry["alive"] and entry["rest"] == {"key": "paused", "why": "true", "until_unix_s": None}
    put("todo/a.yaml", "command: x\n...\n")
    assert "Paused: 1 task waits, and the only worker is paused" in run("report", "--text").stdout
    assert "every worker is paused, draining or has no slots" in run("why", "a").stdout
    control.write_text("paused: maybe\n")  # it goes on as it was started
    assert re.search(rf"{WID} +alive ", run("workers").stdout)
    facts = spool / "workers" / f"{WID}.yaml"
    facts.write_text(f"paused: true\n{facts.read_text()}")
    assert re.search(rf"{WID} +paused ", run("workers").stdout)


@pytest.mark.parametrize(
    ("file", "text", "why"),
    [
        ("rest", 'key: "drain"\nwhy: "SIGINT"\nuntil_unix_s: null\n...\n', "SIGINT"),
        ("control.yaml", "drain: true\n", "control file"),
    ],
)
def test_a_worker_that_drains_is_shown_as_that_and_nobody_takes_it_for_free(run, spool, worker, put, file, text, why):
    (spool / "workers" / f"{WID}.{file}").write_text(text)
    put("todo/a.yaml", "command: x\n...\n")
    for told in (run("workers").stdout, run("status").stdout):
        assert re.search(rf"{WID} +draining +0/4 ", told)
        assert f"\n{WID}: ends when what it runs is over (drain: {why})\n" in told
    (entry,) = json.loads(run("workers", "--json").stdout)
    assert entry["alive"] and entry["rest"] == {"key": "drain", "why": why, "until_unix_s": None}
    told = run("why", "a").stdout
    assert "every worker is draining: it takes nothing more" in told and f"{WID}: draining" in told
    assert "-> dsgspool worker\n" in told and "paused=false" not in told
    told = run("report", "--text").stdout
    assert "Draining: 1 task waits, and the only worker is draining" in told and "About to start" not in told


def test_pause_and_resume_count_workers_that_are_alive_and_that_take_tasks(run, spool, worker):
    for wid, seconds in (("n2-aaaaaaaa", 0), ("n3-aaaaaaaa", 3600)):
        (spool / "workers" / f"{wid}.yaml").write_text(f'worker: "{wid}"\nhost: "n2"\nslots: 4\n...\n')
        (spool / "workers" / f"{wid}.lock").touch()
        os.utime(spool / "workers" / f"{wid}.lock", (time.time() - seconds,) * 2)
    (spool / "workers/n2-aaaaaaaa.fenced").touch()
    assert run("pause").stdout == "paused: 1 worker will take no new tasks; running ones go on\n"
    assert run("resume").stdout == "resumed: 1 worker will take tasks again\n"
    (spool / "workers" / f"{WID}.control.yaml").write_text("drain: true\n")
    assert run("pause").stdout == "paused; no worker takes tasks, and one that starts will take no tasks\n"
    assert run("resume").stdout == "resumed; no worker takes tasks, see: dsgspool workers\n"
    assert run("workers", "set", "n2-*", "slots=1").exit_code != 0


@pytest.mark.parametrize(("paused", "told"), [(False, "about 31"), (True, "6.0 finished a minute\n")])
def test_status_that_is_watched_tells_no_time_left_while_the_spool_is_paused(spool, put, capsys, paused, told):
    put("todo/a.yaml")
    if paused:
        put("PAUSE")
    show(take(Spool.find(str(spool))), News(6.0, 31.0, (), {}))
    assert told in capsys.readouterr().out


def test_workers_set_takes_hours_and_keeps_them(spool, run, worker):
    assert run("workers", "set", WID, "run_between=mon-fri 19:00-08:00, weekends").exit_code == 0
    assert run("workers", "set", WID, "paused=true").exit_code == 0
    text = (spool / "workers" / f"{WID}.control.yaml").read_text()
    control = parse_control(text.encode(), "c")
    assert (control.paused, control.rules.run_between.text) == (True, "mon-fri 19:00-08:00, weekends")
    assert "is no day" in run("workers", "set", WID, "run_between=nights").stderr


def test_workers_set_writes_the_control_file_and_keeps_the_rest(spool, run, worker):
    assert run("workers", "set", "n1-*", "slots=2", "paused=true").exit_code == 0
    assert run("workers", "set", WID, "paused=false").exit_code == 0
    text = (spool / "workers" / f"{WID}.control.yaml").read_text()
    assert sorted(text.splitlines()[:-1]) == ["drain: false", "paused: false", "slots: 2"]
    assert text.endswith("...\n")


def test_a_worker_that_was_started_paused_stays_so_when_something_else_is_set(spool, run, worker):
    (spool / "workers" / f"{WID}.yaml").write_text('worker: "n1-abcdefgh"\nhost: "n1"\nslots: 4\npaused: true\n...\n')
    assert run("workers", "set", WID, "slots=1").exit_code == 0
    text = (spool / "workers" / f"{WID}.control.yaml").read_text()
    assert sorted(text.splitlines()[:-1]) == ["drain: false", "paused: true", "slots: 1"]


@pytest.mark.parametrize(("change", "said"), [("slots=many", "slots"), ("speed=9", "unknown key"), ("slots", "slots")])
def test_workers_set_refuses_what_no_worker_understands(spool, run, worker, change, said):
    result = run("workers", "set", WID, change)
    assert result.exit_code == 2 and said in result.stderr
    assert not (spool / "workers" / f"{WID}.control.yaml").exists()


def test_workers_set_changes_none_when_the_file_of_one_is_broken(spool, run, worker):
    (spool / "workers/n1-zzzzzzzz.yaml").write_bytes((spool / "workers" / f"{WID}.yaml").read_bytes())
    (spool / "workers/n1-zzzzzzzz.control.yaml").write_text("slots: [\n...\n")
    assert run("workers", "set", "n1-*", "slots=1").exit_code == 3
    assert not (spool / "workers" / f"{WID}.control.yaml").exists()


def test_workers_set_for_nobody_is_exit_8(spool, run):
    assert run("workers", "set", "n9-*", "slots=1").exit_code == 8


def test_pause_and_resume_make_and_remove_the_file_and_count_the_workers(spool, process, worker):
    assert "1 worker will take no new tasks" in process("pause").stdout
    assert (spool / "PAUSE").exists()
    assert "already" in process("pause").stdout
    assert "PAUSED" in process("status").stdout
    assert "1 worker will take tasks again" in process("resume").stdout
    assert not (spool / "PAUSE").exists()
    assert "not paused" in process("resume").stdout


def test_status_and_list_say_who_waits_for_what_and_who_waits_for_ever(put, run):
    put("waiting/after-s%/b~0.abcdefgh-1.yaml")
    put("waiting/after-gone/c~0.abcdefgh-1.yaml")
    put("todo/s/1.yaml")
    assert "b     waits for s/" in run("list", "waiting").stdout
    assert [entry["waits_for"] for entry in json.loads(run("list", "waiting", "--json").stdout)] == ["gone", "s/"]
    assert "stuck: c waits for gone, which is nowhere in the spool" in run("status").stdout


def test_schedules_are_listed_with_their_next_ticks_or_with_what_is_wrong(spool, run, put):
    put("schedules/a.yaml", 'cron: "0 3 * * *"\ntimezone: Asia/Tokyo\ntask:\n  command: x\n')
    put("schedules/b.yaml", "cron: x\ntask:\n  command: x\n")
    told = run("schedule", "list").stdout.splitlines()
    assert told[1].split()[:7] == ["a", "0", "3", "*", "*", "*", "Asia/Tokyo"] and ":00:00, " in told[1]
    assert "line 1: `cron` is 'x'" in told[2]
    listed = json.loads(run("schedule", "list", "--next", "5", "--json").stdout)
    assert len(listed[0]["next"]) == 5 and listed[0]["next"][0] % 86400 == 18 * 3600 and listed[1]["wrong"]


def test_schedules_that_no_worker_of_mine_obeys_are_listed_with_the_reason(spool, run, put):
    for name in ("a~1", "b", "c"):
        put(f"schedules/{name}.yaml", 'cron: "0 3 * * *"\ntask:\n  command: x\n')
    os.chmod(f"{spool}/schedules/b.yaml", 0o666)
    put("schedules/d.yaml", 'cron: "0 3 * * *"\ntask:\n  command: x\n')
    os.link(f"{spool}/schedules/d.yaml", f"{spool}/elsewhere")
    told = run("schedule", "list").stdout.splitlines()
    assert "its name cannot be that of a task" in told[1]
    assert "everybody may write to it" in told[2] and "chmod o-w it" in told[2]
    assert ":00:00, " in told[3]
    assert "it is a hard link (copy it instead)" in told[4]


def test_what_is_taken_of_the_whole_spools_resources_is_shown(spool, run, worker):
    assert " taken " not in run("status").stdout
    (spool / "spool.yaml").write_text("resources: {licence: 5, bandwidth: 20}\n")
    for mark in (
        f"licence=1@{worker}.1",
        f"licence=2@{worker}.2",
        "bandwidth=7@n2-abcdefgh.1",
        "other=1@n2-abcdefgh.2",
    ):
        (spool / f"taken/{mark}").touch()
    for command in ("status", "workers"):
        out = run(command).stdout
        assert f"licence: 3 of 5 taken (by {worker} 3)\n" in out
        assert "bandwidth: 7 of 20 taken (by n2-abcdefgh 7)\n" in out
    found = json.loads(run("status", "--json").stdout)["resources"]
    assert found == {
        "licence": {"of": 5, "taken": {worker: 3}},
        "bandwidth": {"of": 20, "taken": {"n2-abcdefgh": 7}},
    }


@pytest.mark.parametrize(
    "words", [["list"], ["list", "--json"], ["graph"], ["batch", "list"], ["why", "a"], ["workers"]]
)
def test_that_a_folder_cannot_be_listed_is_said_where_its_tasks_are_missing(spool, run, put, words):
    put("todo/a.yaml")
    folder = spool / ("workers" if words == ["workers"] else "waiting")
    folder.rmdir()
    folder.symlink_to(folder.name)  # root too is refused
    result = run(*words)
    said = f"dsgspool: not all is shown: cannot list {folder}"
    assert result.stderr.count(said) == 1, result.stderr


def test_a_schedule_that_cannot_be_read_is_told_in_the_words_of_all_others(spool, run):
    (spool / "schedules/s.yaml").symlink_to("s.yaml")
    assert f"cannot read {spool}/schedules/s.yaml: ELOOP" in run("schedule", "list").stdout


@pytest.mark.parametrize("verb", ["show", "logs", "why", "hold"])
def test_a_name_that_no_task_can_have_is_not_found(spool, run, verb):
    assert run(verb, "x" * 300).exit_code == 5


def test_status_tells_a_newline_in_a_name_in_one_line(process, put):
    put("todo/a\nb.yaml")
    (line,) = process("status").stderr.splitlines()
    assert "todo/a\\x0ab.yaml" in line


def test_list_finds_tasks_by_their_tags(spool, run, put):
    put("todo/a.yaml", "command: x\ntags: [paper, second]\n...\n")
    put("done/b.yaml", 'command: x\ntags:\n- "paper"\n...\n')
    put("done/s/c.yaml", "params: {n: 1}\n...\n")
    put("todo/d.yaml", "command: echo tags paper\n...\n")
    put("failed/e~invalid.yaml", "comand: x\ntags: [paper]\n...\n")
    put("batches/s.yaml", "defaults: {command: x, tags: [paper]}\n...\n")

    def named(*words):
        return [name for _, name in listing(run("list", *words))]

    assert sorted(named("--tag", "paper")) == ["a", "b", "s/c"]
    assert sorted(named("done", "--tag", "paper")) == ["b", "s/c"]
    assert named("--tag", "paper", "--tag", "second") == ["a"] and named("--tag", "pape") == []


@pytest.fixture
def ended(put, record):
    """Three that ended, one that was tried twice, and one that never began."""
    times = {"started": "2026-11-30T10:00:00.000Z", "ended": "2026-11-30T10:01:05.000Z", "seconds": 65.0}
    put("failed/a~exit3.yaml")
    record("a", 1, "exit3", reason="exit code 3", err="reading\nValueError: no such fold\n", **times)
    put("failed/s/b~timeout.yaml")
    record("s/b", 1, "exit1", reason="exit code 1", err="first\n", **times)
    record("s/b", 2, "timeout", reason="still running after 60 s", err="reading\n", **times)
    put("done/c.yaml")
    record("c", 1, "done", err="a warning\n", **times)
    put("todo/d.yaml")
    return times


def test_a_long_list_says_when_each_ended_how_long_it_ran_and_what_went_wrong(run, ended):
    when = local(moment(ended["ended"]))
    found = {line.split()[1]: line for line in run("list", "-l").stdout.splitlines()}
    assert found["NAME"].split() == ["STATE", "NAME", "NOTE", "ENDED", "RAN", "LAST"]
    assert all(f"{when}  1m05s  " in found[name] for name in ("a", "s/b", "c"))
    assert found["a"].endswith("  ValueError: no such fold") and found["s/b"].endswith("  still running after 60 s")
    assert found["c"].endswith("  -") and found["d"].split()[2:] == ["-", "-", "-"]
    entries = {each["task"]: each for each in json.loads(run("list", "--json", "-l").stdout)}
    assert entries["a"]["seconds"] == 65.0 and entries["a"]["last"] == "ValueError: no such fold"
    assert entries["d"]["ended_unix_s"] is None and entries["d"]["state"] == "todo"


def test_a_long_list_opens_only_what_a_terminal_shows(spool, run, put, monkeypatch):
    for number in range(60):
        put(f"done/{number:02d}.yaml")
    looked = []
    monkeypatch.setattr("dsgspool.cli.opened.newest", lambda _, identity: looked.append(identity))
    assert len(run("list", "--long").stdout.splitlines()) == 61 and len(looked) == 60
    monkeypatch.setattr("dsgspool.cli.output.is_terminal", lambda *_: True)
    looked.clear()
    told = run("list", "-l")
    assert len(told.stdout.splitlines()) == 51 and len(looked) == 50
    assert told.stderr == "dsgspool: 10 more; all of them: add -n 60, or | less\n"
    assert run("list", "-l", "-n", "55").stderr == "dsgspool: 5 more\n"
    assert len(run("list").stdout.splitlines()) == 61


def test_the_newest_failures_hold_nothing_that_somebody_cancelled(spool, put):
    for name in ("a~exit1", "b~cancelled", "s/10-19~items2"):
        put(f"failed/{name}.yaml")
    _, news = Watch(Spool.open(str(spool))).look()
    assert {row.identity for row in news.failures} == {"a", "s/10-19"}
