"""The table of commands, global options, errors and exit codes, start-up."""

import errno
import os
import signal
import subprocess
import sys

import pytest

from dsgspool import __main__ as program
from dsgspool import errors
from dsgspool.cli import exits
from dsgspool.cli.app import COMMANDS, build

ROOT = __file__.rpartition("/tests/")[0]
HEAVY = ("yaml", "jinja2", "psutil", "watchdog", "filelock", "rich", "typer", "pydantic", "dsgspool.codec")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_answers_to_it(run, name):
    result = run(name, "--help")
    assert result.exit_code == 0, result.output
    assert build(name).help
    assert name in result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_every_command_has_a_help_text(name):
    assert [param.name for param in build(name).params if not getattr(param, "help", None)] == []


def test_help_lists_every_command(process):
    result = process("--help")
    assert result.returncode == 0
    assert [name for name in COMMANDS if f" {name} " not in result.stdout] == []
    assert [line for line in result.stdout.splitlines() if line.startswith("  ") and line.endswith("...")] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_help_says_of_a_command_what_its_own_help_says(name):
    assert build(name, outline=True).get_short_help_str() == build(name).get_short_help_str() != ""


def test_version_is_printed(process):
    assert process("--version").stdout.startswith("dsgspool 0.")


@pytest.mark.parametrize(
    ("command", "usage"),
    [
        *((name, "{NAME...}") for name in ("why", "hold", "release", "cancel")),
        *((name, "[NAME...]") for name in ("requeue", "wait", "graph", "prune")),
        ("list", "[STATE|NAME...]"),
        ("workers set", "{WID} {KEY=VALUE...}"),
        ("batch set", "{NAME} {KEY=VALUE...}"),
        *((name, "{NAME}") for name in ("show", "logs")),
    ],
)
def test_the_usage_line_says_where_several_names_are_taken(run, command, usage):
    assert run(*command.split(), "--help").stdout.splitlines()[0].endswith(f" {command} [OPTIONS] {usage}")


def test_an_unknown_command_is_a_usage_error_with_a_suggestion(process):
    result = process("submti")
    assert result.returncode == 2
    assert result.stderr == "dsgspool: no command is called 'submti': did you mean `submit`?\n"


def test_an_unknown_option_is_one_line_with_the_way_to_the_help(process):
    result = process("list", "--zzz")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "dsgspool: No such option: --zzz (see: dsgspool list --help)\n"


def test_a_folder_that_is_no_spool_is_exit_3(process, tmp_path):
    result = process("--spool", tmp_path, "status")
    assert result.returncode == 3
    assert "is not a spool" in result.stderr and "dsgspool init" in result.stderr


@pytest.mark.parametrize("command", ["status", "doctor"])
def test_a_folder_that_refuses_a_look_is_not_called_no_spool(process, tmp_path, command):
    (tmp_path / "round").symlink_to("round")
    result = process("--spool", tmp_path / "round", command)
    assert (result.returncode, result.stdout) == (7, "")
    why = "ELOOP, it is a link that is not followed, or that leads round in a circle"
    assert result.stderr == f"dsgspool: cannot look into {tmp_path}/round: {why}\n"


@pytest.mark.root
def test_somebody_elses_private_spool_is_named_as_that_from_outside_and_inside(spool):
    """Root without its right to read everything is as anybody."""
    os.chmod(spool, 0o700)
    os.chown(spool, 65534, 65534)
    anybody = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", sys.executable, "-m", "dsgspool"]
    env = {**os.environ, "PYTHONPATH": ROOT, "DSGSPOOL_SPOOL": ""}
    for words, place in ((["--spool", str(spool), "list"], None), (["list"], spool)):
        result = subprocess.run([*anybody, *words], env=env, cwd=place, capture_output=True, text=True, timeout=60)
        assert (result.returncode, result.stdout) == (7, "")
        assert f"cannot look into {spool}: EACCES, permission denied" in result.stderr


def test_broken_settings_are_exit_3_with_their_line(spool, run, put):
    (spool / "spool.yaml").write_text("format: 1\nhartbeat: 5s\n")
    result = run("submit", put("x.yaml"))
    assert result.exit_code == 3
    assert "spool.yaml, line 2" in result.stderr and "heartbeat" in result.stderr


def test_the_spool_is_found_upwards_from_here(spool, run, monkeypatch):
    monkeypatch.delenv("DSGSPOOL_SPOOL")
    monkeypatch.chdir(spool / "todo")
    assert run("list").exit_code == 0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.NotASpool("/x"), 3),
        (errors.SettingsError("/x", "bad"), 3),
        (errors.InvalidTask("bad"), 4),
        (errors.InvalidName("a~b", "bad"), 4),
        (errors.TaskNotFound("x"), 5),
        (errors.WrongState("x", "done", "hold", "no"), 6),
        (errors.StorageError("use", "/x", errno.EIO), 7),
        (PermissionError(errno.EACCES, "no", "/x"), 7),
        (errors.NodeError("bad"), 8),
        (errors.SpoolError("bad"), 1),
        (ZeroDivisionError("bug"), 1),
        (KeyboardInterrupt(), 130),
        (exits.UsageError("bad"), 2),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_every_error_has_its_exit_code_and_no_traceback(capsys, error, code):
    def fail():
        raise error

    assert exits.guarded(fail) == code
    assert "Traceback" not in capsys.readouterr().err


def test_every_class_of_the_tree_of_errors_is_in_the_table():
    classes = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert [kind for kind in classes if kind not in exits.CODES] == []


def test_the_traceback_is_shown_when_asked_for(process, tmp_path):
    assert "Traceback" in process("--spool", tmp_path, "status", DSGSPOOL_DEBUG="1").stderr


def test_a_reader_that_goes_away_is_no_error(spool, put):
    for number in range(3000):
        put(f"todo/{number:05}.yaml")
    command = f"{sys.executable} -m dsgspool list | head -1; exit ${{PIPESTATUS[0]}}"
    env = {**os.environ, "PYTHONPATH": ROOT}
    result = subprocess.run(["bash", "-c", command], env=env, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("words", ["status", "list", "list --json", "submit --name a -- true", "--help"])
def test_a_stdout_that_is_full_is_told_as_that(spool, put, words):
    for number in range(300):  # more than a buffer
        put(f"todo/b/{number:0100}.yaml")
    command = f"exec {sys.executable} -m dsgspool {words} > /dev/full"
    env = {**os.environ, "PYTHONPATH": ROOT}
    result = subprocess.run(["bash", "-c", command], env=env, capture_output=True, text=True, timeout=60)
    why = "ENOSPC, the disk is full: free some space, nothing is lost"
    assert (result.returncode, result.stderr) == (7, f"dsgspool: cannot write standard output: {why}\n")


@pytest.mark.parametrize(
    ("words", "closed", "code"),
    [("status", ">&-", 0), ("list", ">&-", 0), ("submit -- true", ">&-", 0), ("show x", "2>&-", 5),
     ("submit --each-line -- echo {}", "<&-", 2), ("requeue --from -", "<&-", 5)],
)  # fmt: skip
def test_a_stream_that_is_closed_is_as_one_that_goes_nowhere(spool, words, closed, code):
    command = f"exec {sys.executable} -m dsgspool {words} {closed}"
    env = {**os.environ, "PYTHONPATH": ROOT}
    result = subprocess.run(["bash", "-c", command], env=env, capture_output=True, text=True, timeout=60)
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr and "a bug" not in result.stderr


def test_submit_imports_nothing_heavy(spool, tmp_path):
    code = (
        "import sys; from dsgspool.cli import quick; code = quick.submit(['submit', '--', 'true']);"
        f"print(code, [name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    env = {**os.environ, "PYTHONPATH": ROOT}
    result = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)
    assert result.stderr.splitlines()[-1] == "0 []"
    assert result.stdout.startswith("true-")


@pytest.mark.parametrize("command", ["status", "report"])
def test_a_plain_command_needs_no_typer_and_says_the_same(command, put):
    put("todo/a.yaml")
    code = (
        f"import sys; from dsgspool.cli import quick; code = quick.plain(['{command}']);"
        "print(code, 'typer' in sys.modules, file=sys.stderr)"
    )
    env = {**os.environ, "PYTHONPATH": ROOT}
    quickly = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)
    assert quickly.stderr.splitlines()[-1] == "0 False"
    by_typer = f"from dsgspool.cli.app import app; app(['{command}'])"
    slowly = subprocess.run([sys.executable, "-c", by_typer], env=env, capture_output=True, text=True, timeout=60)
    assert slowly.returncode == 0
    first = 1 if command == "status" else 0  # the status tells its moment
    assert quickly.stdout.splitlines()[first:] == slowly.stdout.splitlines()[first:] != []


def test_a_ctrl_c_before_a_command_is_there_is_exit_130_without_a_traceback(monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr("dsgspool.cli.quick.main", interrupted)
    with pytest.raises((SystemExit, KeyboardInterrupt)) as end:
        program.main()
    assert getattr(end.value, "code", "a traceback") == exits.INTERRUPTED


#: Python runs this before the program: at the first call of a function, once the program is there, Ctrl-C comes.
AT_A_CALL = """
import os, signal, sys
signal.signal(signal.SIGINT, {before})

def look(frame, event, _argument):
    if event == "call" and frame.f_code.co_name == "{name}" and "dsgspool.cli.quick" in sys.modules:
        sys.setprofile(None)
        os.write(1, b"now\\n")
        os.kill(os.getpid(), signal.SIGINT)

sys.setprofile(look)
"""


def _interrupted_at(name, words, tmp_path, before="signal.default_int_handler"):
    (tmp_path / "sitecustomize.py").write_text(AT_A_CALL.format(name=name, before=before))
    env = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    command = [sys.executable, "-m", "dsgspool", *words]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("words", [["status"], ["--help"], ["list"]])
@pytest.mark.parametrize(
    "name", ["cb", "__set_name__", "exec_module", "get_data"]
)  # of an import, or of a class in a module
def test_a_ctrl_c_while_something_is_imported_ends_the_program_without_a_word(name, words, spool, tmp_path):
    result = _interrupted_at(name, words, tmp_path)
    assert result.returncode in (exits.INTERRUPTED, -signal.SIGINT)
    assert (result.stdout, result.stderr) == ("now\n", "")


def test_a_ctrl_c_later_is_exit_130_without_a_word(spool, tmp_path):
    result = _interrupted_at("guarded", ["status"], tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (exits.INTERRUPTED, "now\n", "")


def test_a_ctrl_c_that_is_ignored_stays_so(spool, tmp_path):
    result = _interrupted_at("cb", ["status"], tmp_path, "signal.SIG_IGN")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("now\n") and len(result.stdout) > 10
