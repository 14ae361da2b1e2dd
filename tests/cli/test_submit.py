"""`dsgspool submit`: what is stored, what is refused, what is printed."""

import os

import pytest

from dsgspool import names
from dsgspool.cli import drafting, ordering
from dsgspool.cli.app import build
from dsgspool.codec import dump_task, parse_task
from dsgspool.conditions import parse_where
from dsgspool.requests import Request
from dsgspool.spool.moves import Moves


def task_of(spool, name="*"):
    """The only task in todo/, parsed."""
    (file,) = spool.glob(f"todo/**/{name}.yaml")
    return parse_task(file.read_bytes())


def test_a_command_is_stored_as_a_list_with_the_folder_it_was_typed_in(spool, process, tmp_path):
    result = process("submit", "--", "./fold", "my input.fa", "-v")
    assert result.returncode == 0
    assert result.stdout.startswith("fold-") and len(result.stdout.splitlines()) == 1
    task = task_of(spool)
    assert task.command == ("./fold", "my input.fa", "-v")
    assert task.cwd == str(tmp_path)


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["a | b"], "a | b"),
        (["echo $HOME"], "echo $HOME"),
        (["echo a>b"], "echo a>b"),
        (["true"], ["true"]),
        (["./run.sh"], ["./run.sh"]),
        (["echo", "a b", "$x"], ["echo", "a b", "$x"]),
    ],
)
def test_only_a_single_argument_for_the_shell_is_a_string(words, command):
    assert drafting.as_command(words) == command


@pytest.mark.parametrize(
    ("command", "stem"),
    [
        (["python3", "-u", "train.py", "--x"], "train"),
        ("cat a.txt | sort", "cat"),
        (["/usr/bin/env", "A=1", "Rscript", "fit.R"], "fit"),
        (["bash"], "bash"),
    ],
)
def test_a_generated_name_says_what_it_is_about(command, stem):
    assert drafting.stem_of(command) == stem


def test_options_become_keys_of_the_task(spool, run, monkeypatch):
    monkeypatch.setenv("HERE", "yes it's")
    options = "--cwd sub --env A=b=c --env HERE --timeout 2h --retries 3 --cpus 4 --tag x --tag y --not-before 1h"
    result = run("submit", *options.split(), "--description", "what: for", "--", "true")
    assert result.exit_code == 0, result.output
    task = task_of(spool)
    assert task.env == {"A": "b=c", "HERE": "yes it's"}
    assert (task.timeout, task.retries, task.cpus) == (7200.0, 3, 4)
    assert (task.tags, task.description, task.cwd) == (("x", "y"), "what: for", f"{spool.parent}/sub")
    assert task.not_before == pytest.approx(spool.joinpath("todo").stat().st_mtime + 3600, abs=60)


def test_a_name_and_a_batch_are_kept_and_overwrite_nothing(spool, run, listed):
    for _ in range(2):
        assert run("submit", "--name", "0001", "--batch", "sweep-a", "--", "true").stdout == "sweep-a/0001\n"
    assert listed("todo") == ["sweep-a/0001", "sweep-a/0001"]


def test_hold_parks_it(spool, run, listed):
    assert run("submit", "--hold", "--name", "a", "--", "true").exit_code == 0
    assert (listed("hold"), listed("todo")) == (["a"], [])


def test_files_are_submitted_as_they_are_under_their_names(spool, run, tmp_path, listed):
    text = "# mine\ncommand: true\n"
    for name in ("a.yaml", "b~exit1.yml"):
        (tmp_path / name).write_text(text.replace("true", "echo"))
    result = run("submit", "--batch", "s", tmp_path / "a.yaml", tmp_path / "b~exit1.yml")
    assert (result.exit_code, result.stdout) == (0, "s/a\ns/b\n")
    assert listed("todo") == ["s/a", "s/b"]
    assert next(spool.glob("todo/s/a*")).read_text() == "# mine\ncommand: echo\n"


def test_one_wrong_file_among_many_and_nothing_is_submitted(spool, run, tmp_path, listed):
    (tmp_path / "good.yaml").write_text("command: echo\n")
    (tmp_path / "bad.yaml").write_text("command: echo\ntimeot: 5s\n")
    result = run("submit", tmp_path / "good.yaml", tmp_path / "bad.yaml", tmp_path / "none.yaml")
    assert result.exit_code == 4
    assert "bad.yaml, line 2" in result.stderr and "timeout" in result.stderr
    assert "none.yaml" in result.stderr and "2 of 3 files are wrong" in result.stderr
    assert listed("todo") == []


def test_each_line_puts_the_line_in_as_it_is(spool, process, listed):
    result = process("submit", "--each-line", "--batch", "b", "--", "./fit", "{}", "o={}.txt", stdin="a b\n\n$(rm)\r\n")
    assert result.stdout == "b/000/00001\nb/000/00002\n"
    assert listed("todo") == ["b/000/00001", "b/000/00002"]
    assert task_of(spool, "00001").command == ("./fit", "a b", "o=a b.txt")
    assert task_of(spool, "00002").command == ("./fit", "$(rm)", "o=$(rm).txt")


def test_each_line_is_quoted_in_a_command_for_the_shell(spool, run):
    assert run("submit", "--each-line", "--", "fit {} | tee {}.log", stdin="it's; rm x\n").exit_code == 0
    assert task_of(spool).command == """fit 'it'"'"'s; rm x' | tee 'it'"'"'s; rm x'.log"""


def test_each_line_without_a_command_is_the_command(spool, run):
    assert run("submit", "--each-line", stdin="echo $((1+1))\n").exit_code == 0
    assert task_of(spool).command == "echo $((1+1))"


def test_lines_that_no_task_can_hold_are_refused_before_any_is_accepted(spool, run, listed):
    result = run("submit", "--each-line", "--", "fit", "{}", stdin=b"good\nbad\xff\n")
    assert result.exit_code == 4 and "standard input, line 2" in result.stderr
    assert listed("todo") == []


def test_dry_run_prints_the_task_and_submits_nothing(spool, run, listed):
    result = run("submit", "--dry-run", "--name", "a", "--", "echo", "hi")
    assert result.stdout.startswith("# a\ncommand: [echo, hi]\n")
    assert parse_task(result.stdout.encode()).command == ("echo", "hi")
    assert listed("todo") == [] and os.listdir(spool / "tmp") == []


def test_dry_run_shows_a_file_under_the_name_that_it_would_get(spool, run, tmp_path, listed):
    (tmp_path / "x.yaml").write_text("command: ls\n")
    result = run("submit", "--dry-run", "--batch", "b", "--name", "y", tmp_path / "x.yaml")
    assert (result.stdout.splitlines()[0], listed("todo")) == ("# b/y", [])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("submit", "nothing to submit"),
        ("submit ls", "write -- before a command"),
        ("submit a.yaml -- ls", "not both"),
        ("submit --each-line -- ls", "no {}"),
        ("submit --each-line --name x -- ls {}", "--batch instead"),
        ("submit --timeout 5s a.yaml", "write them into the files"),
        ("submit --name x a.yaml b.yaml", "several files"),
        ("submit --retries -1 -- ls", "--retries"),
        ("submit --cpus 0 -- ls", "--cpus"),
        ("submit --name", "--name"),
    ],
)
def test_what_does_not_go_together_is_a_usage_error(spool, process, listed, words, said):
    result = process(*words.split())
    assert result.returncode == 2
    assert said in result.stderr and len(result.stderr.splitlines()) == 1
    assert listed("todo") == []


def test_a_moment_that_is_none_is_told_with_both_ways_to_write_one(spool, run):
    said = (
        "is 'tomorrow': that is neither a duration nor a date and time (such as 2h or 1d12h, or 2026-11-21T21:00+01:00)"
    )
    assert f"`--not-before` {said}" in run("submit", "--not-before", "tomorrow", "--", "ls").stderr
    assert f"`expires` {said}" in run("submit", "--expires", "tomorrow", "--", "ls").stderr
    assert "neither a duration nor a date and time" in run("submit", "--not-before", "2026-1-1", "--", "ls").stderr


@pytest.mark.parametrize(
    "words",
    [
        ["--timeout", "soon", "--", "ls"],
        ["--not-before", "2026-01-01T10:00", "--", "ls"],
        ["--not-before", "2026-01-01T1x", "--", "ls"],
        ["--expires", "tomorrow", "--", "ls"],
        ["--name", "a~b", "--", "ls"],
        ["--name", "-a", "--", "ls"],
        ["--batch", "x.yaml", "--", "ls"],
        ["--name", "a%b", "--dry-run", "--", "ls"],
        ["--retries", "1000000", "--", "ls"],
        ["--cpus", "100000", "--", "ls"],
        ["--cpus", "2", "--resource", "cpus=2", "--", "ls"],
        ["--env", "NOT_SET_HERE", "--", "ls"],
        ["--", ""],
        ["--", "x" * 300_000],
    ],
    ids=lambda words: " ".join(words)[:30],
)
def test_invalid_values_are_exit_4(spool, run, listed, words):
    result = run("submit", *words)
    assert result.exit_code == 4, result.output
    assert listed("todo") == []


def test_both_parsers_take_a_command_line_alike(spool, monkeypatch):
    options = "--batch=b --each-line --env A=1 --env B --retries 2 --name n --tag t"
    line = ["a.yaml", *options.split(), "b.yml", "--", "x", "--batch", "--", "y"]
    seen = []
    monkeypatch.setattr(ordering, "submit", lambda *arguments: seen.append(arguments[1]))
    build("submit").main(line, standalone_mode=False)
    assert seen == [ordering.parse(line)]


def test_what_is_written_is_what_the_codec_writes():
    keys = {"command": ["a", "b c"], "cwd": "/x y", "env": {"A": "1"}, "cpus": 2, "timeout": "2h"}
    rest = {key: value for key, value in keys.items() if key != "command"}
    assert drafting.text_of(["a", "b c"], rest) == dump_task(keys)


@pytest.mark.parametrize("option", ["--retries", "--cpus", "--gpus"])
def test_a_number_that_is_too_long_to_be_read_is_refused_and_no_traceback(spool, process, option):
    result = process("submit", option, "9" * 5000, "--", "true")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith(f"dsgspool: Invalid value for '{option}'")


def test_hints_say_that_no_worker_is_there_or_that_it_is_paused(spool, run):
    assert "dsgspool worker" in run("submit", "--", "true").stderr
    (spool / "PAUSE").touch()
    assert "dsgspool resume" in run("submit", "--", "true").stderr


def test_a_spool_that_cannot_be_written_to_is_exit_7(spool, run):
    (spool / "tmp").rmdir()
    (spool / "tmp").write_text("")
    result = run("submit", "--", "true")
    assert result.exit_code == 7 and "tmp" in result.stderr


def test_each_line_without_a_line_is_a_usage_error(run, listed):
    result = run("submit", "--each-line", "--", "./fit", "{}", stdin="\n \n")
    assert (result.exit_code, listed("todo")) == (2, [])
    assert "there is none" in result.stderr


# -- after


def test_what_a_command_waits_for_stands_in_its_file_and_an_unknown_name_is_told(spool, run):
    result = run("submit", "--name", "b", "--after", "a", "--", "true")
    assert (result.exit_code, result.stdout) == (0, "b\n")
    assert "nothing is called a yet" in result.stderr
    (file,) = (spool / "waiting/after-a").glob("b~0.*.yaml")
    assert "after: [a]\n" in file.read_text()
    assert "called" not in run("submit", "--name", "c", "--after", "b", "--", "true").stderr


@pytest.mark.parametrize("word", ["prep.yaml", "todo/prep.yaml", "hold/prep", "prep:done"])
def test_who_names_a_file_or_no_end_is_asked_about_the_task(put, run, word):
    put("hold/prep.yaml")
    assert run("submit", "--after", word, "--", "true").stderr.rstrip().count("did you mean prep?") == 1
    assert "did you mean" not in run("submit", "--after", "x.yaml", "--", "true").stderr


def test_who_names_a_batch_without_its_slash_or_one_of_the_own_batch_without_that_is_told(put, run):
    put("done/fold/1.yaml")
    put("batches/empty.yaml", "paused: true\n...\n")
    put("todo/flow/prep.yaml")
    told = run("submit", "--after", "fold", "--after", "empty", "--", "true").stderr
    assert "hint: fold is a batch: write fold/" in told and "hint: empty is a batch: write empty/" in told
    assert "nothing is called" not in told
    assert "did you mean flow/prep?" in run("submit", "--batch", "flow", "--after", "prep", "--", "true").stderr
    assert "did you mean" not in run("submit", "--batch", "other", "--after", "prep", "--", "true").stderr
    assert "hint: nothing is called zip yet" in run("submit", "--after", "zip", "--after", "fold", "--", "true").stderr


def test_who_names_a_task_with_brackets_is_told_how_a_pattern_means_it(put, run):
    put("done/p[1].yaml")
    assert "did you mean p[[]1]?" in run("submit", "--after", "p[1]", "--", "ls").stderr
    assert "nothing is called" not in run("submit", "--after", "p[[]1]", "--", "ls").stderr


def test_how_it_has_to_end_is_written_behind_a_colon(spool, run):
    assert run("submit", "--name", "c", "--after", "a:any", "--after", "s/", "--", "true").exit_code == 0
    (file,) = (spool / "waiting/after-a").glob("c~0.*.yaml")
    assert 'after:\n  a: any\n  "s/": success\n' in file.read_text()


def test_what_can_be_no_name_is_not_waited_for(run):
    result = run("submit", "--after", "-x~1", "--", "true")
    assert result.exit_code == 4 and "--after" in result.stderr


def test_files_that_wait_for_each_other_are_refused_with_the_way_round(spool, run, tmp_path):
    for name, after in (("a", "c"), ("b", "a"), ("c", "[b, other]")):
        (tmp_path / f"{name}.yaml").write_text(f"command: x\nafter: {after}\n")
    result = run("submit", "a.yaml", "b.yaml", "c.yaml")
    assert result.exit_code == 4 and "waits for" in result.stderr and "none of them could ever run" in result.stderr
    assert not list((spool / "todo").iterdir())


def test_a_task_that_its_batch_and_its_last_task_would_wait_for_is_refused(put, run):
    put("batches/s.yaml", "finally: {command: ./merge.sh}\n")
    result = run("submit", "--batch", "s", "--name", "x", "--after", "s.finally", "--", "true")
    assert result.exit_code == 4 and "s.finally waits for s/x waits for s.finally" in result.stderr
    assert run("submit", "--name", "y", "--after", "s.finally", "--", "true").exit_code == 0
    put("done/s.finally.yaml")
    assert run("submit", "--batch", "s", "--name", "x", "--after", "s.finally", "--", "true").exit_code == 0, (
        "it has run"
    )


def test_a_task_that_closes_a_circle_with_waiting_ones_is_refused(put, run):
    put("waiting/after-b/a~0.abcdefgh-1.yaml")
    result = run("submit", "--name", "b", "--after", "a", "--", "true")
    assert (
        result.exit_code == 4 and "b waits for a waits for b" in result.stderr
    ) or "a waits for b waits for a" in result.stderr


def test_a_file_of_params_is_for_a_batch_that_has_the_command(run, put, spool, tmp_path):
    file = put("../1.yaml", "params: {x: 1}\n...\n")
    assert "it says nothing to run" in run("submit", "--batch", "s", file).stderr
    put("batches/s.yaml", "defaults: {command: 'echo {x}'}\n...\n")
    assert run("submit", "--batch", "s", file).stdout == "s/1\n"
    put("batches/s.yaml", "default: 1\n...\n")
    result = run("submit", "--batch", "s", file)
    assert result.exit_code == 4
    assert "what its batch says cannot be used: " in result.stderr
    assert "did you mean `defaults`?" in result.stderr


def test_a_task_with_requests_is_submitted_into_the_lane_that_says_so(spool, run):
    for words in (
        "--name a --memory 16G --gpus 1 --where gpu~A100 -- x",
        "--name b --cpus 4 -- x",
        "--name c --hold --memory 16G -- x",
        "--batch s --memory 16G --each-line -- x {}",
        "--name d --resource licence=2 --resource tape=1 -- x",
        "--name e --resource scratch=1G -- x",
    ):
        assert run("submit", *words.split(), stdin="1\n2\n").exit_code == 0
    found = {str(path.relative_to(spool)).partition("~")[0] for path in spool.glob("[th]o*/**/*.yaml")}
    gpu, memory = (
        Request((16 << 30,), 1, where=parse_where("gpu~A100")),
        f"@{names.lane_for(0, 1, Request((16 << 30,)))}",
    )
    bulk = {f"todo/{memory}/s/000/0000{number}.yaml" for number in (1, 2)}
    assert names.lane_for(0, 1, gpu).startswith("mem16G-gpus1-gpu-A1")
    counted = names.lane_for(0, 1, Request(named=(("licence", 2), ("tape", 1))))
    scratch = names.lane_for(0, 1, Request(scratch=1 << 30))
    assert found == {
        "hold/c", "todo/@cpus4/b", f"todo/@{names.lane_for(0, 1, gpu)}/a", f"todo/@{counted}/d", f"todo/@{scratch}/e", *bulk
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--memory", "lots"), "that is no size"),
        (("--resource", "licence"), "--resource: 'licence' says not how much (write NAME=N, such as licence=1)"),
        (("--resource", "licence=1G"), "--resource: 'licence=1G' says not how much (write NAME=N, such as licence=1)"),
        (("--resource", f"licence={'9' * 5000}"), "9' says not how much"),
        (("--resource", "scratch="), "--resource: 'scratch=' says not how much"),
        (("--resource", "scratch=lots"), "`resources.scratch` is 'lots': that is no size"),
        (("--resource", "a b=1"), "'a b' cannot be a resource's name"),
        (("--where", "ram>>3"), "at character 1"),
        (("--where", ""), "it is empty"),
    ],
)
def test_requests_that_no_task_file_could_say_are_refused(spool, run, words, part):
    result = run("submit", *words, "--", "x")
    assert result.exit_code != 0
    assert part in result.stderr


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_what_is_parked_cannot_be_waited_for(spool, run, more):
    result = run("submit", "--hold", "--wait", *more, "--", "true")
    assert result.exit_code == 2 and "--hold" in result.stderr
    assert list((spool / "hold").iterdir()) == []


SWEEP = "command: echo {n}\nsweep:\n  product: {n: 001..005}\n  exclude: [{n: 3}, {n: '004'}]\n"


def test_a_sweep_that_is_submitted_says_how_many_items_it_has(spool, run, tmp_path, listed):
    (tmp_path / "p.yaml").write_text(SWEEP)
    tried, done = run("submit", "--dry-run", "p.yaml"), run("submit", "--name", "q", "p.yaml")
    assert done.stdout == "q\n" and listed("todo") == ["q"]
    for each, name in ((tried, "p"), (done, "q")):
        assert f"dsgspool: {name} stands for 4 items (1 excluded)\n" in each.stderr
        assert 'hint: `exclude: {"n": "3"}` leaves nothing out' in each.stderr


@pytest.mark.parametrize(
    ("there", "why"),
    [
        ("todo/p~0.abcdefgh-1.yaml", "it lies in todo/ (take another name, or first: dsgspool cancel p)"),
        ("hold/p.yaml", "it lies in hold/"),
        ("running/n1-abcdefgh/p@n1-abcdefgh.1.yaml", "it lies in running/ (take another name"),
        (
            "todo/p/rest-2-4~0.abcdefgh-1.yaml",
            "there is a batch of that name: p/rest-2-4 lies in todo/ (take another name",
        ),
        ("done/p/0-4.yaml", "there was a batch of that name: p/0-4 lies in done/ (take another name"),
        ("logs/p/0-4.1.yaml", "logs/p/ has records of it"),
    ],
)
@pytest.mark.parametrize("words", [["p.yaml"], ["--name", "p", "other.yaml"], ["--dry-run", "p.yaml"]])
def test_a_sweep_whose_name_another_has_is_refused(spool, run, put, tmp_path, there, why, words):
    put(there, SWEEP)
    for name in ("p.yaml", "other.yaml"):
        (tmp_path / name).write_text(SWEEP)
    result = run("submit", *words)
    assert result.exit_code == 4 and f"{words[-1]}: " in result.stderr and why in result.stderr
    assert "stands for" not in result.stderr and not list(spool.glob("todo/p~0.[!a]*"))


def test_a_sweep_that_is_divided_while_it_is_looked_for_is_seen_all_the_same(spool, run, put, tmp_path, monkeypatch):
    taken = put("running/n1-abcdefgh/p@n1-abcdefgh.1.yaml", SWEEP)
    find = Moves.find

    def divided_meanwhile(*words):
        places = find(*words)
        if taken.exists():
            put("todo/p/0-4.yaml", SWEEP)
            taken.unlink()
        return places

    monkeypatch.setattr(Moves, "find", divided_meanwhile)
    (tmp_path / "p.yaml").write_text(SWEEP)
    result = run("submit", "p.yaml")
    assert result.exit_code == 4 and "there is a batch of that name: p/0-4 lies in todo/" in result.stderr


def test_a_mended_sweep_and_a_task_take_a_name_that_failed_or_waits(spool, run, put, tmp_path):
    put("failed/p~invalid.yaml", SWEEP)
    put("todo/t.yaml")
    for name in ("p.yaml", "t.yaml"):
        (tmp_path / name).write_text(SWEEP)
    assert run("submit", "p.yaml", "t.yaml").stdout == "p\nt\n"


def test_a_name_that_is_done_already_is_told(spool, run, put, tmp_path):
    put("done/s/a.yaml")
    told = "dsgspool: hint: done/s/a.yaml is there: it is replaced when this one is done\n"
    (tmp_path / "x.yaml").write_text("command: echo hi\n")
    assert told in run("submit", "--batch", "s", "--name", "a", "--", "true").stderr
    assert told in run("submit", "--name", "s/a", "x.yaml").stderr
    assert told not in run("submit", "--name", "a", "--", "true").stderr
    (tmp_path / "x.yaml").write_text(SWEEP)
    assert told not in run("submit", "--name", "s/a", "x.yaml").stderr
