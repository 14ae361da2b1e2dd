"""Who may read and write what dsgspool makes, whatever the umask of whoever started it.

Nothing is ever writable for others than its owner, except for the folders of a group's spool and its locks.
"""

from __future__ import annotations

import grp
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dsgspool.proc import worker_command
from tests.support.processes import CODE

#: (umask, in a group's spool) -> modes of folders, files, locks, tombstones
TABLE = {
    (0o000, False): ("0o755", "0o644", "0o644", "0o644"),
    (0o022, False): ("0o755", "0o644", "0o644", "0o644"),
    (0o077, False): ("0o700", "0o600", "0o600 0o644", "0o600"),  # filelock's own mode: an empty file in a closed folder
    (0o000, True): ("0o2770", "0o640", "0o660", "0o640"),
    (0o022, True): ("0o2770", "0o640", "0o660", "0o640"),
    (0o077, True): ("0o2770", "0o640", "0o660", "0o640"),
}


def run(umask: int, place: Path, *command: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(CODE), "DSGSPOOL_SPOOL": str(place / "spool")}
    subprocess.run(command, cwd=place, umask=umask, env=environment, check=True, capture_output=True, timeout=60)


def kind(path: Path) -> str:
    if path.is_dir():
        return "folder"
    return {".lock": "lock", ".dead": "tombstone"}.get(path.suffix or path.name, "file")


def modes(root: Path) -> Iterator[tuple[str, str, int]]:
    for path in (root, *root.rglob("*")):
        status = path.lstat()
        yield kind(path), oct(status.st_mode & 0o7777), status.st_gid


@pytest.mark.parametrize(("umask", "shared"), TABLE)
def test_what_is_made_has_the_modes_of_the_table(umask: int, shared: bool, tmp_path: Path) -> None:
    group = grp.getgrgid(os.getegid())
    program = (sys.executable, "-m", "dsgspool")
    run(umask, tmp_path, *program, "init", "spool", *(["--group", group.gr_name] if shared else []))
    run(umask, tmp_path, *program, "submit", "--name", "one", "--", "true")
    run(umask, tmp_path, *program, "submit", "--batch", "deep/er", "--", "false")
    run(umask, tmp_path, *program, "submit", "--name", "parked", "--hold", "--", "true")
    worker = ["--spool", str(tmp_path / "spool"), "--slots", "1", "--until-empty"]
    run(umask, tmp_path, *worker_command(worker))
    run(umask, tmp_path, *program, "report")
    found: dict[str, set[str]] = {}
    for what, mode, gid in modes(tmp_path / "spool"):
        found.setdefault(what, set()).add(mode)
        assert not shared or gid == group.gr_gid
    assert found == dict(
        zip(("folder", "file", "lock", "tombstone"), (set(mode.split()) for mode in TABLE[umask, shared]), strict=True)
    )
    assert len(list((tmp_path / "spool/logs").rglob("*.yaml"))) == 2
