"""A secret reaches the command and nothing else: no record, no screen, no journal, no report."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.processes.test_users import folder as alices  # noqa: F401 - a fixture
from tests.processes.test_users import place as place
from tests.support.processes import Workers
from tests.support.spools import SpoolFolder

SECRET = "hunter-two-0815"


def written(folder: SpoolFolder, worker_output: str) -> str:
    """All that dsgspool wrote or shows, except for the task file itself and what the command printed."""
    skipped = (".out", ".err")
    files = [path for path in folder.root.rglob("*") if path.is_file() and path.suffix not in skipped]
    files = [
        path for path in files if path.relative_to(folder.root).parts[0] not in ("todo", "done", "failed", "waiting")
    ]
    call = [sys.executable, "-m", "dsgspool", "--spool", str(folder)]
    run = [[*call, "report"], [*call, "show", "*"], [*call, "show", "--json", "*"], [*call, "list"], [*call, "status"]]
    shown = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for command in run]
    files += [folder / "reports/index.html"]
    return "\n".join([worker_output, *shown, *(path.read_text(errors="replace") for path in files)])


def private(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_values_of_secrets_are_written_nowhere(folder: SpoolFolder, workers: Workers) -> None:
    drops = {
        "env": {"command": "echo $API_TOKEN", "env": {"API_TOKEN": SECRET, "PLAIN": "to-be-seen"}},
        "param": {"command": "test -z {password}", "params": {"password": SECRET}},
        "list": {"command": ["echo", "--key={secret}"], "params": {"secret": SECRET}},
        "missing": {"command": ["/no/{token}"], "params": {"token": SECRET}},
        "script": {"script": "#!/bin/sh\necho $api_key\n", "params": {"api_key": SECRET}},
        "invalid": {"command": "true", "comand": 1, "env": {"X_SECRET": SECRET}},
        "read-otherwise": {"command": "true", "params": {"my_token": True}},
    }
    for name, keys in drops.items():
        folder.drop(name, keys.pop("command", None), **keys)
    folder.overwrite("todo/broken.yaml", f"env:\n  MY_PASSWORD: {SECRET}\ncommand: [\n...\n")
    worker = workers.run_until_empty()
    assert [folder.out(name).strip() for name in ("env", "list", "script")] == [SECRET, f"--key={SECRET}", SECRET]
    everything = written(folder, worker.output())
    assert SECRET not in everything
    assert "to-be-seen" in everything
    record = folder.record("env")
    assert record["environment"]["API_TOKEN"] == "***"  # type: ignore[index]
    assert 'API_TOKEN: "***"' in str(record["text"])
    assert SECRET in (folder / "done/env.yaml").read_text()
    assert "YAML reads *** as true" in str(folder.record("read-otherwise")["reason"])


def test_what_a_command_prints_is_its_own_affair_but_not_in_the_reason(folder: SpoolFolder, workers: Workers) -> None:
    folder.drop("x", f"echo wrong {SECRET} >&2; exit 3", env={"TOKEN": SECRET})
    worker = workers.run_until_empty()
    assert folder.record("x")["reason"] == "exit code 3: wrong ***"
    assert SECRET not in worker.output()
    assert SECRET in folder.out("x", stream="err")


def test_the_digest_is_of_the_true_bytes(folder: SpoolFolder, workers: Workers) -> None:
    import hashlib

    folder.drop("x", env={"TOKEN": SECRET})
    data = (folder / "todo/x.yaml").read_bytes()
    workers.run_until_empty()
    assert folder.record("x")["digest"] == hashlib.sha256(data).hexdigest()


def test_an_env_file_reaches_the_command_and_no_record(folder: SpoolFolder, workers: Workers, tmp_path: Path) -> None:
    text = f"# of my own\n\nHARMLESS_NAME={SECRET}\nSPACES=  a = b  \nEMPTY=\nWINS=file\n"
    private(tmp_path / "keys", text)
    command = 'echo "$HARMLESS_NAME|$SPACES|$EMPTY|$WINS"'
    folder.drop("x", command, cwd=str(tmp_path), env_file="keys", env={"WINS": "task"})
    worker = workers.run_until_empty()
    assert folder.out("x") == f"{SECRET}|  a = b  ||task\n"
    assert SECRET not in written(folder, worker.output())
    shown = folder.record("x")["environment"]
    assert isinstance(shown, dict)
    assert {name: shown[name] for name in ("HARMLESS_NAME", "SPACES", "EMPTY", "WINS")} == {
        "HARMLESS_NAME": "***", "SPACES": "***", "EMPTY": "***", "WINS": "task",
    }  # fmt: skip


def missing(path: Path) -> None:
    assert not path.exists()


def link(path: Path) -> None:
    private(path.with_name("real"), "A=b\n")
    path.symlink_to("real")


WRONG = {
    "missing": (missing, "No such file"),
    "group-readable": (lambda path: private(path, "A=b\n", 0o640), "mode 640.*chmod 600"),
    "open": (lambda path: private(path, "A=b\n", 0o604), "mode 604.*chmod 600"),
    "link": (link, "symbolic link"),
    "fifo": (lambda path: os.mkfifo(path, 0o600), "no regular file"),
    "folder": (lambda path: path.mkdir(0o700), "no regular file"),
    "no-pair": (lambda path: private(path, f"{SECRET}\n"), "line 1 is no KEY=VALUE"),
    "export": (lambda path: private(path, f"A=1\nexport B={SECRET}\n"), "line 2 is no KEY=VALUE.*without `export`"),
    "quotes": (lambda path: private(path, f'A="{SECRET}"\n'), "line 1 has quotes"),
    "long": (lambda path: private(path, "A=" + "x" * 70000), "longer than 65536"),
}


def test_env_files_that_others_may_read_or_that_are_wrong_make_their_tasks_invalid(
    folder: SpoolFolder, workers: Workers, tmp_path: Path
) -> None:
    for case, (make, _) in WRONG.items():
        (tmp_path / case).mkdir()
        make(tmp_path / case / "keys")  # type: ignore[operator]
        folder.drop(case, env_file=str(tmp_path / case / "keys"))
    worker = workers.run_until_empty()
    assert sorted(folder.ls("failed")) == sorted(f"{case}~invalid.yaml" for case in WRONG)
    for case, (_, reason) in WRONG.items():
        assert re.search(reason, str(folder.record(case)["reason"])), (case, folder.record(case)["reason"])
    assert SECRET not in written(folder, worker.output())
