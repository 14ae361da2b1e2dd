"""`dsgspool init` and the template that it lays down."""

import errno
import grp
import os
import shlex
import stat
from pathlib import Path

import pytest

from dsgspool import resources
from dsgspool.codec import parse_task
from dsgspool.errors import NodeError
from dsgspool.fs import Fs
from dsgspool.policy import parse_policy
from dsgspool.schedules import parse_schedule
from dsgspool.settings import Settings, parse_settings
from dsgspool.spool import FOLDERS, laying
from dsgspool.task import Task

TEMPLATE = Path(resources.spool_template())
POLICIES, SCHEDULES = (sorted(TEMPLATE.glob(f"examples/{kind}/*.yaml")) for kind in ("batches", "schedules"))
EXAMPLES = sorted({*TEMPLATE.glob("examples/**/*.yaml")} - {*POLICIES, *SCHEDULES})


def test_it_makes_every_folder_and_says_so(process, tmp_path):
    result = process("init", "lab")
    assert result.returncode == 0, result.stderr
    assert {entry.name for entry in (tmp_path / "lab").iterdir() if entry.is_dir()} == {*FOLDERS, "examples"}
    assert f"{tmp_path}/lab is a spool now" in result.stdout and "  made todo/\n" in result.stdout


def test_what_is_proposed_for_a_path_with_spaces_and_quotes_can_be_pasted(tmp_path, run, monkeypatch):
    root = tmp_path / "my lab's"
    assert f"`dsgspool --spool {shlex.quote(str(root))} worker`" in run("init", root).stderr
    monkeypatch.setenv("DSGSPOOL_SPOOL", str(root))
    assert run("edit", "--undo", "x").stderr.endswith(f"; see: ls -l {shlex.quote(f'{root}/edits')}\n")
    monkeypatch.setenv("DSGSPOOL_SPOOL", f"{root}/todo")
    assert run("status").stderr.endswith(f" create one with: dsgspool init {shlex.quote(f'{root}/todo')}\n")


def test_it_overwrites_nothing_and_makes_what_is_missing(tmp_path, run):
    root = tmp_path / "lab"
    run("init", root)
    (root / "spool.yaml").write_text("format: 1\n# mine\n")
    (root / "README.txt").unlink()
    (root / "hold").rmdir()
    result = run("init", root)
    assert "was a spool already" in result.stdout
    assert "made README.txt" in result.stdout and "made hold/" in result.stdout and "made todo/" not in result.stdout
    assert (root / "spool.yaml").read_text() == "format: 1\n# mine\n"


def test_what_a_full_disk_broke_off_is_made_by_the_next_try(tmp_path, monkeypatch):
    """A half spool.yaml would count as there, for ever."""
    append, root = Fs.append, str(tmp_path / "spool")

    def full(fs, descriptor, data, *, sync=False):
        if b"heartbeat" in data:
            raise OSError(errno.ENOSPC, "No space left on device")
        append(fs, descriptor, data, sync=sync)

    monkeypatch.setattr(Fs, "append", full)
    with pytest.raises(OSError, match="No space"):
        list(laying.lay_down(root))
    monkeypatch.undo()
    assert "spool.yaml" in list(laying.lay_down(root))
    assert b"heartbeat" in (tmp_path / "spool/spool.yaml").read_bytes()


def test_a_file_where_a_folder_should_be_is_exit_8(tmp_path, run):
    (tmp_path / "todo").write_text("")
    result = run("init", tmp_path)
    assert result.exit_code == 8 and "is no folder" in result.stderr


def test_placeholders_are_not_copied(tmp_path, monkeypatch):
    template = tmp_path / "template"
    (template / "todo").mkdir(parents=True)
    (template / "todo" / ".gitkeep").touch()
    (template / "spool.yaml").write_text("format: 1\n")
    monkeypatch.setattr(resources, "spool_template", lambda: str(template))
    list(laying.lay_down(str(tmp_path / "new")))
    assert os.listdir(tmp_path / "new" / "todo") == []


def test_a_group_gets_every_folder_and_file(tmp_path, run):
    group = grp.getgrgid(os.getegid()).gr_name
    old = os.umask(0o077)
    try:
        assert run("init", tmp_path / "lab", "--group", group).exit_code == 0
    finally:
        os.umask(old)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "lab").rglob("*") if path.is_dir()}
    assert modes == {0o2770} == {stat.S_IMODE((tmp_path / "lab").stat().st_mode)}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "lab").rglob("*.yaml")} == {0o640}


def test_an_unknown_group_is_refused_before_anything_is_made(tmp_path, run):
    result = run("init", tmp_path / "lab", "--group", "no-such-group")
    assert result.exit_code == 8 and "groupadd" in result.stderr
    assert not (tmp_path / "lab").exists()


def test_who_is_no_member_of_the_group_hears_the_remedy(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    monkeypatch.setattr(os, "getegid", lambda: 12345)
    monkeypatch.setattr(os, "getgroups", lambda: [12345])
    with pytest.raises(NodeError, match="usermod -aG"):
        laying.group_number(grp.getgrgid(0).gr_name)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_is_a_valid_task_with_comments(path):
    text = path.read_text()
    policy = TEMPLATE / f"examples/batches/{path.parent.name}.yaml"
    template = parse_policy(policy.read_bytes(), str(policy)).defaults if policy in POLICIES else {}
    parse_task(text.encode(), template=template)
    assert text.startswith("# ")


def test_the_examples_of_policies_and_schedules_are_valid():
    assert POLICIES and SCHEDULES
    for path in POLICIES:
        assert parse_policy(path.read_bytes(), str(path)).defaults
    for path in SCHEDULES:
        parse_schedule(path.read_bytes(), Task(), None)


def test_there_are_examples_for_each_way_to_say_what_to_run():
    tasks = [parse_task(path.read_bytes()) for path in TEMPLATE.glob("examples/*.yaml")]
    assert len(tasks) >= 6
    assert {type(task.command) for task in tasks} == {str, tuple, type(None)}
    assert (
        any(task.params for task in tasks) and any(task.retries for task in tasks) and any(task.setup for task in tasks)
    )


def test_the_readme_names_every_folder_a_person_should_know_and_fits_a_terminal():
    text = (TEMPLATE / "README.txt").read_text()
    assert text.isascii() and max(map(len, text.splitlines())) <= 120
    assert [
        name for name in ("todo", "waiting", "hold", "running", "done", "failed", "logs", "PAUSE") if name not in text
    ] == []


def test_the_settings_of_the_template_are_all_defaults():
    assert parse_settings((TEMPLATE / "spool.yaml").read_bytes(), "spool.yaml") == Settings()


def test_the_hello_of_the_template_runs_as_it_is(spool, run):
    assert run("submit", spool / "examples" / "1-hello.yaml").stdout == "1-hello\n"


def test_a_folder_without_a_name_is_not_this_one(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("init", "").exit_code == 2
    assert list(tmp_path.iterdir()) == []
