"""Commands that are proposed work when they are pasted: they name the spool that `--spool` gave."""

import json
import os
import re
import shlex

import pytest

from dsgspool.cli.pasting import GIVEN, pasted

WHOLE = "command: echo hi\n...\n"
THERE = "--spool 'other one' "


@pytest.fixture
def there(spool, run, monkeypatch, tmp_path):
    """Run a command with --spool, in a folder from which nobody finds the spool otherwise; all that it said."""
    (tmp_path / "other one").symlink_to(spool)
    monkeypatch.delenv("DSGSPOOL_SPOOL")

    def ask(*words):
        result = run("--spool", "other one", *words)
        return result.stdout + result.stderr

    return ask


def commands(text):
    """All that are proposed."""
    return [f"dsgspool {words}" for words in re.findall(r"dsgspool (?=[-a-z])([^;,`\n]+)", text)]


def test_those_of_wait_find_the_spool(put, run, there):
    put("failed/x~exit1.yaml", WHOLE)
    told = there("wait")
    wait, requeue, prune = commands(told)
    assert wait == f"dsgspool {THERE}wait NAME" and prune.startswith(f"dsgspool {THERE}prune --state failed")
    assert run(*shlex.split(requeue)[1:]).stdout == "x\n"


def test_those_of_waiting_in_vain_name_the_spool(spool, put, there, monkeypatch):
    from dsgspool.cli import stillness

    monkeypatch.setattr(stillness, "AFTER", 0.0)
    put("todo/a.yaml", WHOLE)
    assert f"ask with: dsgspool {THERE}why a" in there("wait", "--timeout", "1s")


def test_those_of_edit_and_its_undo_find_the_spool(put, run, there):
    put("todo/a.yaml", WHOLE)
    for words in (("a", "retries=3"), ("--undo",)):
        (undo,) = commands(there("edit", *words, "--yes"))
        assert undo.startswith(f"dsgspool {THERE}edit --undo ")
    assert run(*shlex.split(undo)[1:], "--yes").exit_code == 0


def test_those_of_batch_find_the_spool(spool, put, run, there):
    assert f"see them with: dsgspool {THERE}batch list\n" in there("batch", "show", "none")
    assert f"see: dsgspool {THERE}batch list\n" in there("batch", "set", "none", "priority=1")
    put("batches/s.yaml", "canary: 1\n")
    put("batches/s.canary", "tasks: [s/gone]\n...\n")
    put("todo/s/a.yaml", WHOLE)
    resume = f"dsgspool {THERE}batch resume s"
    for words in ("batch", "show", "s"), ("batch", "show", "s", "--json"), ("status",), ("status", "--json"):
        assert f"`{resume}`" in there(*words)
    assert "it goes on within seconds" in run(*shlex.split(resume)[1:]).stdout


def test_those_of_why_for_programs_find_the_spool(put, there, run):
    put("hold/a.yaml", WHOLE)
    (answer,) = json.loads(there("why", "a", "--json"))
    assert answer["remedies"] == [f"dsgspool {THERE}release a"]
    assert run(*shlex.split(answer["remedies"][0])[1:]).stdout == "a\n"


def test_what_a_paused_worker_takes_tasks_after_names_the_spool(spool, put, there):
    put("workers/n1-abcdefgh.lock", "")
    put("workers/n1-abcdefgh.yaml", f'worker: "n1-abcdefgh"\nhost: "n1"\nslots: 4\nuser: {os.getuid()}\n...\n')
    put("workers/n1-abcdefgh.control.yaml", "paused: true\n...\n")
    again = f"after: dsgspool {THERE}workers set n1-abcdefgh paused=false"
    assert again in there("status") and again in there("workers")


def test_without_the_option_nothing_is_added(put, run):
    put("hold/a.yaml", WHOLE)
    assert "-> dsgspool release a\n" in run("why", "a").stdout and GIVEN.get() is None


@pytest.mark.parametrize(
    "text",
    ["dsgspool does not rely on locks", "create one with: dsgspool init x", "no task matches ': dsgspool list'"],
)
def test_what_is_no_command_about_a_spool_stays(text):
    GIVEN.set("x")
    try:
        assert pasted(text) == text and pasted("see: dsgspool list") == "see: dsgspool --spool x list"
    finally:
        GIVEN.set(None)


def test_the_short_way_in_knows_the_spool_too(spool, put, process):
    result = process("--spool", str(spool), "submit", "--", "true", DSGSPOOL_SPOOL="")
    assert f"`dsgspool --spool {spool} worker` starts one" in result.stderr
