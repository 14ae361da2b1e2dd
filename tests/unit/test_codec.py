"""The rule: a task file is run as it is meant, or refused with line, reason and remedy."""

import pytest

from dsgspool.codec import NewerFormat, dump_task, is_complete, parse_task
from dsgspool.errors import InvalidTask
from dsgspool.records import Record, parse_record, record_claim, record_is_over, time_at_rest
from dsgspool.snapshot.attempts import parse_attempt
from dsgspool.task import After, Backoff, Expiry, Task
from dsgspool.yamlwriting import dump

FULL = """\
format: 1
description: "a fold"
command: [./fold, input17.fa]
setup: |
  module load gcc
shell: /bin/bash
tags: [fold, night]
cwd: /data/x
env: {OMP_PLACES: cores, N: 4}
umask: 027
nice: 5
cpus: 4
timeout: 2h
grace: 30s
retries: 3
backoff: {base: 30s, factor: 3, max: 1h, jitter: 0.5}
success_codes: [0, 3]
not_before: 2026-11-21T21:00:00Z
max_log: 512M
stdin: in.txt
...
"""


def parse(text, *args, **options):
    return parse_task(text.encode(), *args, **options)


def refused(text, **options):
    with pytest.raises(InvalidTask) as caught:
        parse(text, **options)
    assert caught.value.line
    return caught.value


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("prep", [After("prep")]),
        ("[prep, clean: any, sweep-a/, 'x*']", [After("prep"), After("clean", "any"), After("sweep-a/"), After("x*")]),
        ("{a: failure, b: success}", [After("a", "failure"), After("b")]),
        ("\n- a\n- b: any\n- a", [After("a"), After("b", "any")]),
    ],
)
def test_after_is_one_entry_or_a_list_of_them(text, entries):
    assert parse(f"command: x\nafter: {text}\n").after == tuple(entries)


def test_every_key_is_read():
    assert parse(FULL) == Task(
        command=("./fold", "input17.fa"), description="a fold", setup="module load gcc\n", shell="/bin/bash",
        tags=("fold", "night"), cwd="/data/x", env={"OMP_PLACES": "cores", "N": "4"}, umask=0o27, nice=5, cpus=4,
        timeout=7200, grace=30, retries=3, backoff=Backoff(30, 3, 3600, 0.5), success_codes=frozenset({0, 3}),
        not_before=1795294800, max_log=512 << 20, stdin="in.txt",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("comand: x", "did you mean `command`?"),
        ("retrys: 2", "did you mean `retries`?"),
        ("zzz: 2", "unknown key `zzz`"),
        ("container: [a]", "reserved for a later version"),
        ("priority: 3", "reserved for a later version"),
        ("priority: high", "mkdir -p todo/@p10 && mv todo/NAME.yaml todo/@p10/"),
        ("max_attempts: 3", "write `retries: 2`"),
        ("duration: 3600", "write `timeout: 3600`"),
        ("dependent_on: [a]", "here it is called `after`"),
        ('schedule: "0 3 * * *"', "schedules/NAME.yaml"),
        ("name: fold-1", "save it as fold-1.yaml"),
        ("time_limit: 1h", "write `timeout: 1h`"),
        ("time_request: 1h", "not needed here"),
        ("cores: 4", "write `cpus: 4`"),
        ("workdir: /data", "write `cwd: /data`"),
        ("environment: {}", "here it is called `env`"),
        ("stdout: x.log", "logs/NAME.N.out"),
        ("crash_limit: 5", "`max_lost`"),
        ("max_fails: 5", "each task stands for itself"),
        ("array: 1-10", "--each-line"),
        ("after: [a, b: later]", "success or any or failure"),
        ("after: -x", "begins with"),
        ("after: [[a]]", "must be text"),
        ("after: a~exit1", "has a meaning of its own"),
        ("after: [no]", "YAML reads no"),
        ("cwd: no", "YAML reads no as false"),
        ("cwd: ~/data", "the whole path"),
        ("cwd: ~", "begins with ~"),
        ("stdin: ~", "the whole path"),
        ("timeout: 12:30", "90s"),
        ("timeout: 0", "at least"),
        ("timeout:", "has no value"),
        ("not_before: 2026-01-01", "has no offset"),
        ("not_before: 12:30", "no date and time"),
        ("expires: 2026-01-01", "has no offset"),
        ("expires: 12:30", "colons"),
        ("expires: [2d]", "must be a duration"),
        ("env: {LANG: no}", 'put it in quotes: "no"'),
        ("env: {A: [1]}", "`env.A` is a list"),
        ("env: {A=B: 1}", "cannot be the name"),
        ("env: [A=1]", "`env` must be a mapping"),
        ("tags: night", "write it as `tags: [a, b]`"),
        ("tags: [no]", "YAML reads no"),
        ("umask: 27", "such as 027"),
        ("umask: 0o799", "such as 027"),
        ("nice: -5", "from 0 to 19"),
        ("cpus: 0", "from 1"),
        ("cpus: four", "whole number"),
        ("retries: -1", "from 0"),
        ("retries: yes", "whole number"),
        ("backoff: {bas: 1s}", "did you mean `base`?"),
        ("backoff: {jitter: 2}", "from 0 to 1"),
        ("backoff: soon", "no duration"),
        ("success_codes: []", "nothing could succeed"),
        ("success_codes: [256]", "from 0 to 255"),
        ("max_log: big", "no size"),
        ("max_log: 0", "null for no limit"),
        ("limits: 5", "must be a mapping"),
        ("limits: {mem: 5G}", "here it is called `memory`"),
        ("limits: {timeout: 5}", "beside `limits`"),
        ("limits: {memory: 0}", "null for no limit"),
        ("limits: {processes: 0}", "from 1"),
        ("limits: {open_files: 3}", "from 8"),
        ("limits: {cpu_time: 10ms}", "from 1"),
        ("env_file: ~/x", "whole path"),
        ("shell: bash -l", "one program"),
        ("params: {1a: 2}", "cannot be a param's name"),
        ("params: {a: yes}", "YAML reads yes as true"),
        ("script: |\n  #!/bin/sh\n  true", "both `command` and `script`"),
        ("command: y", "second time"),
        ("format: 0", "at least 1"),
    ],
)
def test_a_wrong_line_is_refused_with_its_number_and_the_remedy(line, part):
    error = refused(f"command: 'true'\n# a remark\n{line}\n")
    assert (error.line, part in str(error)) == (3, True), str(error)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("cwd: /x\n", "nothing to run"),
        ("command: true\n", "YAML reads true as true"),
        ("command: ' '\n", "empty"),
        ("command: []\n", "empty"),
        ("command: [sleep, 1:30]\n", "base 60"),
        ("command: {a: b}\n", "is a mapping"),
        ("command:\n", "has no value"),
        ("script: echo\n", "does not begin with #!"),
        ("script: '#!'\n", "names no interpreter"),
        ("script: |\n  #!  \n  echo\n", "names no interpreter"),
        ("cmd: x\n", "here it is called `command`"),
    ],
)
def test_a_task_must_say_what_to_run(text, part):
    assert part in str(refused(text))


def test_a_newer_format_is_told_apart_before_its_keys_are_looked_at():
    with pytest.raises(NewerFormat, match=r"line 2: it has format 2.*install a newer dsgspool"):
        parse("quantum: 1\nformat: 2\n")


def test_defaults_give_way_and_environments_merge():
    defaults = Task(retries=2, setup="a", env={"A": "1", "B": "1"}, cwd="/d")
    task = parse("command: x\nsetup: b\nenv: {B: 2}\n", defaults)
    assert (task.retries, task.setup, task.env, task.cwd) == (2, "b", {"A": "1", "B": "2"}, "/d")
    assert parse("command: x\n", defaults).env == defaults.env


def test_limits_are_added_to_the_defaults_and_null_takes_one_away():
    defaults = Task(limits={"memory": 1 << 30, "processes": 100})
    task = parse("command: x\nlimits: {processes: null, cpu_time: 1.5s}", defaults)
    assert task.limits == {"memory": 1 << 30, "processes": None, "cpu_time": 2}


def test_null_takes_a_default_away():
    assert parse("command: x\ntimeout: null\n", Task(timeout=60)).timeout is None


@pytest.mark.parametrize("text", ["027", "'027'", "0o027", "0027"])
def test_a_umask_is_octal_however_it_is_written(text):
    assert parse(f"command: x\numask: {text}\n").umask == 0o27


def test_a_time_zone_makes_local_moments_legal():
    assert parse("command: x\nnot_before: 2026-11-21 22:00\n", timezone="Europe/Berlin").not_before == 1795294800


def test_params_are_quoted_in_a_command_line_only():
    task = parse("command: ./f {x} > {y}\nparams: {x: a b, y: 1.50}\ncwd: /d/{x}\nenv: {V: '<{x}>'}\n")
    assert (task.command, task.cwd, task.env) == ("./f 'a b' > 1.50", "/d/a b", {"V": "<a b>"})


def test_params_are_not_quoted_in_a_list():
    assert parse("command: [./f, '--x={x}']\nparams: {x: a b}\n").command == ("./f", "--x=a b")


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{{x}}", "{x}"),
        ("{{{x}}}", "{1}"),
        ("${x} ${y:-{x}}", "${x} ${y:-{x}}"),
        ("${{x}}", "${x}"),
        ("{a,b} {1..3} { }", "{a,b} {1..3} { }"),
        ("{x}{x}", "11"),
        ("${broken {x}", "${broken 1"),
    ],
)
def test_braces_of_the_shell_stay_and_doubled_ones_become_single(text, filled):
    assert parse(f"command: '{text}'\nparams: {{x: 1}}\n").command == filled


def test_without_params_every_brace_stays():
    assert parse("command: awk '{print}' {{x}} {y} ${z}\n").command == "awk '{print}' {{x}} {y} ${z}"


def test_an_unknown_param_is_an_error_in_its_own_line():
    error = refused("command: |\n  echo {sample}\n  echo {sampel}\nparams: {sample: 1}\n")
    assert (error.line, error.remedy) == (3, "did you mean `sample`?")
    assert "write {{other}}" in refused("command: [a, '{other}']\nparams: {x: 1}\n").remedy


def test_scripts_get_params_as_environment_and_env_wins():
    text = "script: |\n  #!/bin/sh\n  echo {x} $x\nparams: {x: a b, y: 1}\nenv: {y: '2{x}'}\n"
    task = parse(text, Task(env={"x": "default", "Z": "z"}))
    assert task.script == "#!/bin/sh\necho {x} $x\n"
    assert task.env == {"x": "a b", "y": "2a b", "Z": "z"}


def test_a_written_task_is_complete_and_reads_back_the_same():
    data = dump_task({"retries": 2, "cwd": "/d", "command": ["a", "no", "12:30"], "env": {"A": "1"}})
    assert data == b'command: [a, "no", "12:30"]\ncwd: /d\nenv:\n  A: "1"\nretries: 2\n...\n'
    assert is_complete(data)
    assert parse_task(data) == Task(command=("a", "no", "12:30"), cwd="/d", env={"A": "1"}, retries=2)


@pytest.mark.parametrize(("data", "complete"), [
    (b"a: 1\n...\n", True), (b"a: 1\r\n...\r\n\r\n", True), (b"...", True), (b"a: 1\n", False),
    (b"a: |\n  ...\n", False), (b"a: x...\n", False), (b"", False), (b"...\na: 1\n", False),
])  # fmt: skip
def test_complete_is_what_ends_with_the_closing_line(data, complete):
    assert is_complete(data) is complete


@pytest.mark.parametrize(
    ("data", "seconds"),
    [
        (b"command: x\n...\n", 0.0),
        (b"command: x\n", 2.0),
        (b"command: x", 10.0),
        (b"script: |\n" + b" : x\n" * ((8192 - 10) // 5) + b"#\n", 10.0),
        (b"script: |\n" + b" : x\n" * ((8192 - 10) // 5) + b"##\n", 2.0),
    ],
)
def test_what_looks_like_a_part_of_a_file_must_rest_five_times_as_long(data, seconds):
    assert time_at_rest(data, 2.0) == seconds


HEAD = {"format": 1, "task": "s/1", "attempt": 2, "worker": "n1-aaaaaaaa", "claim": "n1-aaaaaaaa.17", "pid": 4711}
HEAD |= {
    "started": "2026-11-21T21:00:00.000Z",
    "text": "command: x\n...\n",
    "command": ["a", "b c"],
    "environment": {"A": "1"},
}
TAIL = {"ended": "2026-11-21T21:00:01.000Z", "seconds": 1.5, "exit_code": 137, "outcome": "exit137", "leftovers": 2}
RECORD = f"{dump(HEAD.items())}{dump(TAIL.items())}...\n".encode()


def test_a_record_reads_back_as_it_was_written():
    values = HEAD | TAIL | {"command": ("a", "b c")}
    assert parse_record(RECORD) == Record(**values)
    assert record_is_over(RECORD)


def test_a_record_that_broke_off_anywhere_gives_only_what_is_whole():
    whole = parse_record(RECORD)
    for end in range(len(RECORD) - 5):
        part = parse_record(RECORD[:end])
        assert not record_is_over(RECORD[:end])
        for name in HEAD | TAIL:
            assert getattr(part, name) in (None, getattr(whole, name)) or name in ("text", "environment"), (end, name)


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xff", b"\0" * 512, b"[" * 9999, b"pid: many\nhost: [a]\n", b"x: &a [*a]\n"]
)
def test_reading_a_record_never_raises(data):
    assert parse_record(data) == Record()


@pytest.mark.parametrize("value", ["nan", "inf", "-Infinity", "1e300", "9" * 400, "9" * 5000])
def test_a_number_that_no_attempt_can_have_is_not_known(value):
    keys = ("exit_code", "seconds", "cpu_seconds", "peak_memory_bytes")
    data = "".join(f"{key}: {value}\n" for key in keys).encode()
    assert parse_record(data) == Record()
    found = parse_attempt(data, "x", 1)
    assert [getattr(found, key) for key in keys] == [None] * 4


def test_a_record_that_is_wrong_in_a_thousand_places_is_read_in_no_time():
    data = b"task: x\n" + b"host: a\n" * 50_000 + b"...\n"
    assert parse_record(data) == Record(task="x", host="a")


def test_a_newer_records_keys_are_passed_over():
    assert parse_record(b"format: 2\nquantum: {a: [1]}\npid: 3\n") == Record(format=2, pid=3)


@pytest.mark.parametrize(("data", "claim"), [
    (RECORD, "n1-aaaaaaaa.17"), (b"claim: n1-aaaaaaaa.1", None), (b"text: |\n  claim: n2-aaaaaaaa.1\n", None),
    (b'claim: "1e3-aaaaaaaa.7"\n', "1e3-aaaaaaaa.7"), (b"", None),
])  # fmt: skip
def test_the_claim_is_seen_without_yaml_and_only_when_its_line_is_whole(data, claim):
    assert record_claim(data) == claim


def test_until_when_a_task_may_begin_is_a_moment_or_counts_from_its_file():
    assert parse("command: x\nexpires: 2d\n").expires == Expiry(age=172800)
    moment = parse("command: x\nexpires: 2026-11-21 22:00\n", timezone="Europe/Berlin").expires
    assert moment == Expiry(1795294800) and moment.at(5.0) == 1795294800 and Expiry(age=3).at(5.0) == 8.0
    assert parse("command: x\nexpires: null\n").expires is None
