"""The rule: a policy is a closed world, and a task's own keys are laid over those of its batch."""

import pytest

from dsgspool.codec import parse_task
from dsgspool.errors import InvalidTask, SettingsError
from dsgspool.policy import Policy, batch_of, final_text, parse_policy
from dsgspool.settings import parse_settings
from dsgspool.task import Task


def policy(text):
    return parse_policy(text.encode(), "batches/s.yaml")


def test_a_batch_whose_last_task_would_have_too_long_a_name_says_so_before_it_begins():
    path = f"batches/{'x' * 143}.yaml"
    parse_policy(b"finally: {command: x}", path.replace("x", "", 1))
    with pytest.raises(
        SettingsError, match=r"line 2: `finally`: its task would be called x+.finally: it is longer than 150 bytes"
    ):
        parse_policy(b"priority: 1\nfinally: {command: x}", path)


def test_tasks_of_a_batch_may_come_after_some_of_it():
    assert policy("defaults: {after: [s/setup-*, s/first, t/]}").defaults


def task(text, defaults, spool=Task()):  # noqa: B008
    return parse_task(text.encode(), spool, policy(f"defaults: {defaults}").defaults)


def test_what_a_task_says_in_its_resources_replaces_what_its_batch_says_of_that():
    found = task("command: x\nresources: {cpus: 4, memory: 8G}", "{cpus: 2, limits: {memory: 2G, processes: 9}}")
    assert (found.cpus, found.limits, str(found.request)) == (4, {"processes": 9}, "memory=8G")
    found = task("command: x\nresources: {scratch: 1G}", "{cpus: 2, limits: {memory: 2G}}")
    assert (found.cpus, found.limits) == (2, {"memory": 2 << 30})
    with pytest.raises(InvalidTask, match=r"both `cpus` and `resources\.cpus`"):
        task("command: x\ncpus: 1\nresources: {cpus: 4}", "{cpus: 2}")
    with pytest.raises(InvalidTask, match=r"both `limits\.memory` and `resources\.memory`"):
        task("command: x\nlimits: {memory: 1G}\nresources: {memory: 8G}", "{limits: {memory: 2G}}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prio: 1", "line 1: unknown key `prio` (did you mean `priority`?)"),
        (
            "priority: 1\ncommand: x",
            "line 2: unknown key `command` (write it below `defaults:`, with two spaces in front)",
        ),
        ("priority: 1.5", "line 1: `priority` is '1.5' and must be a whole number (write it plainly, such as 3)"),
        ("paused: maybe", "`paused` is 'maybe' and must be true or false"),
        ("max_running: 0", "`max_running` is 0 and must be from 1 to 999999"),
        ("slots: 3", "(write `max_running: 3`: how many tasks of the batch run at once)"),
        ("notify: ''", "`notify` is empty (write the program and its arguments)"),
        (
            "finally: ./merge.sh",
            "line 1: `finally` must be a mapping (write lines of the form `  key: value` below `finally:`)",
        ),
        ("finally: {}", "it says nothing to run"),
        ("finally: {comand: x}", "unknown key `comand` (did you mean `command`?)"),
        (
            "priority: 1\nfinally:\n  command: x\n  after: y",
            "line 4: unknown key `after` (it comes after all of its batch",
        ),
        ("finally: {command: x, name: y}", "unknown key `name`"),
        (
            "priority: 1\nfinally: {command: x, timeout: soon}",
            "line 2: `finally`: `timeout` is 'soon': that is no duration",
        ),
        ("finally:\n\n  # why\n  command: x\n  resources: {gpu: 3}", "line 5: `finally`: unknown key `gpu`"),
        ("finally:\n  command: x {y}\n  params: {x: 1}", "line 2: `finally`: there is no param `y`"),
        ("defaults: {retries: many}", "`retries` is 'many' and must be a whole number"),
        ("defaults: {command: x, script: '#!/bin/sh'}", "it has both `command` and `script`"),
        ("defaults: {format: 1}", "unknown key `format`"),
        ("defaults: {where: host=n1}", "unknown key `where` (write it in each task: it decides who claims the file"),
        ("defaults: [x]", "`defaults` must be a mapping"),
        (
            "paused: true\ndefaults: {after: [x, s/*]}",
            "line 2: `defaults`: each task of s would wait for all others (s/*) (what comes after all of it is `finally:`",
        ),
        ("defaults: {after: {s/: any}}", "would wait for all others (s/)"),
        ("breaker: 3", "`breaker` must be a mapping"),
        ("where: host=n1", "unknown key `where` (write it in each task"),
        (
            "defaults: {notify: x}",
            "unknown key `notify` (it is said of the whole batch: write it without spaces in front",
        ),
        ("finally:\n  command: x\n  notify: y", "line 3: unknown key `notify` (it is said of the whole batch"),
        ("finally:\n  command: x\n  env: 5", "line 3: `finally`: `env` must be a mapping"),
        ("format: 2", "it has format 2, and this dsgspool knows up to 1"),
        ("", "it is empty (write what it shall say, such as `paused: false`, or remove it)"),
        (" \n", "it is empty"),
        ("paused: true\npaused: false", "line 2: `paused` stands here for the second time, first in line 1"),
        ("a: [", "it is not YAML"),
    ],
)
def test_what_a_policy_cannot_say_is_told_with_path_line_and_remedy(text, said):
    with pytest.raises(SettingsError) as error:
        policy(text)
    assert str(error.value).startswith("batches/s.yaml")
    assert said in str(error.value)


def test_a_policy_of_comments_says_nothing():
    assert policy("# paused: true\n") == Policy(text="# paused: true\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("finally: {command: ./merge.sh}", "command: ./merge.sh\nenv:\n"),
        (
            "finally: {command: [a, 'b c'], resources: {memory: [8G, 16G]}, env: {A: b}}",
            'command: [a, "b c"]\nresources: {memory: ["8G", "16G"]}\nenv:\n  A: b\n',
        ),
        (
            "finally:\n  # why\n  script: |\n    #!/bin/sh\n    : a\nnotify: x",
            "# why\nscript: |\n  #!/bin/sh\n  : a\nenv:\n",
        ),
        ("finally:\n  {command: x,\n   retries: 2}\n", "command: x\nretries: 2\nenv:\n"),
        (
            f"finally: {{command: [{'x' * 200}, 'a b'], env: {{A: '{'y ' * 99}'}}}}",
            f'command: [{"x" * 200}, "a b"]\nenv:\n  A: "{"y " * 99}"\n',
        ),
    ],
)
def test_what_finally_says_is_a_task_file_that_knows_how_the_batch_ended(text, said):
    facts = '  DSGSPOOL_BATCH: "a \\"b"\n  DSGSPOOL_BATCH_DONE: "3"\n  DSGSPOOL_BATCH_FAILED: "0"\n...\n'
    data = final_text(policy(text).final, 'a "b', 3, 0)
    assert data.decode() == said + facts
    assert parse_task(data).env["DSGSPOOL_BATCH"] == 'a "b'


def test_notify_is_a_command_and_null_is_none():
    assert policy("notify: ./tell.sh").notify == "./tell.sh"
    assert policy("notify: [./tell.sh, x]").notify == ("./tell.sh", "x")
    assert policy("notify: null\nfinally: null") == Policy(text="notify: null\nfinally: null")


def test_null_is_no_limit_also_for_the_spool():
    assert policy("max_running: null").max_running is None
    assert policy("max_running: 3").max_running == 3
    assert parse_settings(b"max_running: 3", "spool.yaml").max_running == 3
    assert parse_settings(b"max_running: null", "spool.yaml").max_running is None


@pytest.mark.parametrize(
    ("file", "batch"),
    [
        ("s.yaml", "s"), ("sweep a.yaml", "sweep a"), ("s.yml", ""), (".s.yaml", ""), ("s", ""), ("s~1.yaml", ""),
        ("s.yaml.yaml", ""), (".yaml", ""), ("s%t.yaml", ""),
    ],
)  # fmt: skip
def test_a_policy_is_called_like_its_batch(file, batch):
    assert batch_of(file) == batch


def test_the_command_of_a_batch_is_filled_in_from_the_params_of_the_task():
    assert task("params: {x: a b}", "{command: 'fold {x} ${HOME}'}").command == "fold 'a b' ${HOME}"
    assert task("params: {x: a b}", "{command: [fold, '{x}']}").command == ("fold", "a b")
    assert task("description: x", "{command: 'echo {{x}}'}").command == "echo {x}"


def test_a_param_that_the_task_does_not_give_is_told_without_a_line_of_another_file():
    with pytest.raises(InvalidTask) as error:
        task("\n\nparams: {y: 1}", "\n  command: |\n    echo {x}")
    assert str(error.value) == (
        "there is no param `x`, which the `defaults` of its batch ask for "
        "(declare it in `params`, or write {{x}} for the braces themselves)"
    )


def test_a_command_of_the_tasks_own_replaces_any_program_of_the_batch():
    assert task("command: echo {x}", "{script: '#!/bin/sh'}") == Task(command="echo {x}")
    assert task("script: '#!/bin/sh'", "{command: 'echo {x}'}") == Task(script="#!/bin/sh")


def test_env_params_and_limits_of_both_hold_and_the_tasks_own_win():
    spool = Task(env={"A": "spool", "D": "spool"}, limits={"memory": 1, "processes": 1})
    defaults = "{env: {A: batch, B: '{x}', C: batch}, params: {x: 1, y: 1}, limits: {memory: 2}, timeout: 5s}"
    got = task("command: echo {x} {y}\nenv: {C: own}\nparams: {x: 2}\ntimeout: null", defaults, spool)
    assert got.command == "echo 2 1"
    assert got.env == {"A": "batch", "B": "2", "C": "own", "D": "spool"}
    assert got.limits == {"memory": 2, "processes": 1}
    assert got.params == {"x": "2", "y": "1"}
    assert got.timeout is None


def test_a_wrong_value_of_the_tasks_own_is_told_with_its_line():
    with pytest.raises(InvalidTask, match="line 2: `env` must be a mapping"):
        task("command: x\nenv: 3", "{env: {A: b}}")
