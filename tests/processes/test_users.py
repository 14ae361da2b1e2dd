"""Two real users on one spool.  Needs root, to become them."""

from __future__ import annotations

import grp
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import Workers
from tests.support.spools import FAST, SpoolFolder

pytestmark = pytest.mark.root

ALICE, BOB = 65534, 31337  # nobody, who has an account everywhere, and a number that has none
TEAM, OTHERS = 31000, 31001


def as_user(uid: int, gid: int | None = None, *groups: int) -> list[str]:
    """A command line that makes what follows run as somebody."""
    more = f"--groups={','.join(map(str, groups))}" if groups else "--clear-groups"
    return ["setpriv", f"--reuid={uid}", f"--regid={uid if gid is None else gid}", more]


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user may enter; pytest's own are root's alone."""
    with tempfile.TemporaryDirectory(prefix="dsgspool-users-") as name:
        os.chmod(name, 0o755)
        if not shutil.which("setpriv") or subprocess.run([*as_user(BOB), sys.executable, "-c", "import yaml"]).returncode:
            pytest.skip(f"another user may not run {sys.executable} (or there is no setpriv)")
        yield Path(name)


@pytest.fixture
def folder(place: Path) -> SpoolFolder:
    """A spool that is Alice's."""
    folder = SpoolFolder(place / "spool", {**FAST, "default_cwd": "/"})
    give(folder.root, ALICE, ALICE)
    return folder


def give(root: Path, uid: int, gid: int, *, mode: int | None = None) -> None:
    """chown -R, and chmod of all folders."""
    for path, _, files in os.walk(root):
        os.chown(path, uid, gid)
        if mode is not None:
            os.chmod(path, mode)
        for file in files:
            os.chown(f"{path}/{file}", uid, gid)


def drop(folder: SpoolFolder, name: str, uid: int, gid: int, command: object = "id -u; id -g", **keys: object) -> None:
    """A task file of somebody."""
    folder.drop(name, command, state="tmp", **keys)
    os.chown(folder / f"tmp/{name}.yaml", uid, gid)
    folder.mv(f"tmp/{name}.yaml", f"todo/{name}.yaml")


def test_a_worker_runs_only_files_of_its_own_user(folder: SpoolFolder, workers: Workers) -> None:
    drop(folder, "mine", ALICE, ALICE)
    drop(folder, "foreign", BOB, BOB)
    workers.run_until_empty(prefix=as_user(ALICE))
    assert folder.out("mine") == f"{ALICE}\n{ALICE}\n"
    assert folder.done() == {"mine"}
    assert folder.ls("failed")[0].startswith("foreign~invalid")
    assert f"its owner is uid {BOB}" in str(folder.record("foreign")["reason"])


def test_a_foreign_file_that_cannot_be_read_is_refused(folder: SpoolFolder, workers: Workers) -> None:
    drop(folder, "secret", BOB, BOB)
    (folder / "todo/secret.yaml").chmod(0o600)
    drop(folder, "mine", ALICE, ALICE)
    workers.run_until_empty(prefix=as_user(ALICE))
    assert folder.done() == {"mine"}
    assert "may not read it" in str(folder.record("secret")["reason"])


@pytest.fixture
def team(folder: SpoolFolder, monkeypatch: pytest.MonkeyPatch) -> str:
    """The spool belongs to a group that this machine knows; its name."""
    known = [group for group in grp.getgrall() if group.gr_gid not in (0, ALICE)]
    group = next((group for group in known if group.gr_name == "users"), known[0])
    folder.configure(FAST, group=group.gr_name, default_cwd="/")
    give(folder.root, ALICE, group.gr_gid, mode=0o2770)
    os.chmod(folder / "spool.yaml", 0o660)
    return group.gr_name


def test_in_a_group_spool_each_runs_the_files_of_the_group(folder: SpoolFolder, workers: Workers, team: str) -> None:
    gid = grp.getgrnam(team).gr_gid
    drop(folder, "from-bob", BOB, gid)
    drop(folder, "from-alice", ALICE, gid)
    drop(folder, "from-elsewhere", BOB, OTHERS)
    for file in folder.ls("todo"):
        (folder / "todo" / file).chmod(0o664)
    workers.run_until_empty(prefix=as_user(ALICE, ALICE, gid))
    assert folder.done() == {"from-bob", "from-alice"}
    assert folder.out("from-bob").startswith(f"{ALICE}\n")
    assert f"its group is {OTHERS}, not {team}" in str(folder.record("from-elsewhere")["reason"])


def test_what_is_made_in_a_group_spool_is_the_groups_whatever_the_umask(
    folder: SpoolFolder, workers: Workers, team: str
) -> None:
    gid = grp.getgrnam(team).gr_gid
    folder.drop("deep/x")
    give(folder / "todo", ALICE, gid, mode=0o2770)
    (folder / "todo/deep/x.yaml").chmod(0o660)
    workers.run_until_empty(prefix=as_user(ALICE, ALICE, gid), umask=0o077)
    logs = [folder / "logs/deep", *(folder / "logs/deep").iterdir(), folder / "done/deep"]
    assert {path.stat().st_gid for path in logs} == {gid}
    assert {oct(path.stat().st_mode & 0o7777) for path in logs if path.is_dir()} == {"0o2770"}
    assert {oct(path.stat().st_mode & 0o7777) for path in logs if path.is_file()} == {"0o660"}


def test_two_users_workers_share_a_group_spool(folder: SpoolFolder, workers: Workers, team: str) -> None:
    gid = grp.getgrnam(team).gr_gid
    both = [workers.ready(prefix=as_user(uid, uid, gid), umask=0o077, slots=1) for uid in (ALICE, BOB)]
    for n in range(12):
        drop(folder, f"t{n}", (ALICE, BOB)[n % 2], gid, "sleep 0.1; id -u")
        (folder / f"todo/t{n}.yaml").chmod(0o660) if (folder / f"todo/t{n}.yaml").exists() else None
    workers.wait_until(lambda: len(folder.done()) == 12)
    assert {folder.out(f"t{n}").strip() for n in range(12)} == {str(ALICE), str(BOB)}
    assert not any("trouble" in worker.output() or "denied" in worker.output() for worker in both)


def test_a_worker_of_one_user_takes_over_from_one_of_another(folder: SpoolFolder, workers: Workers, team: str) -> None:
    gid = grp.getgrnam(team).gr_gid
    first = workers.ready(prefix=as_user(ALICE, ALICE, gid), umask=0o077)
    drop(folder, "x", ALICE, gid, "[ $DSGSPOOL_ATTEMPT = 2 ] || sleep 60")
    (folder / (folder.running("x") or "todo/x.yaml")).chmod(0o660)
    workers.wait_until(lambda: folder.has_begun("x"))
    workers.ready(prefix=as_user(BOB, BOB, gid), umask=0o077)
    os.kill(first.pid, 9)
    workers.wait_until(lambda: folder.done() == {"x"})


def test_root_does_not_work_the_spool_of_another_user(folder: SpoolFolder, workers: Workers) -> None:
    drop(folder, "x", ALICE, ALICE)
    worker = workers.start()
    assert worker.ends() == 8
    assert f"root does not work the spool of uid {ALICE}" in worker.output()
    assert folder.states() == {"todo": ["x.yaml"]}
    assert not os.listdir(folder / "running") + os.listdir(folder / "workers")


def test_run_as_owner_runs_each_command_as_the_user_of_its_file(folder: SpoolFolder, workers: Workers) -> None:
    folder.configure(FAST, run_as="owner", default_cwd="/")
    drop(folder, "command", ALICE, ALICE)
    drop(folder, "script", ALICE, ALICE, None, script="#!/bin/sh\nid -u\n")
    drop(folder, "roots", 0, 0)
    workers.run_until_empty()
    assert folder.done() == {"command", "script", "roots"}
    assert folder.out("command").split()[0] == folder.out("script").split()[0] == str(ALICE)
    assert folder.out("roots").split()[0] == "0"


def test_run_as_owner_refuses_the_file_of_a_user_without_an_account(folder: SpoolFolder, workers: Workers) -> None:
    folder.configure(FAST, run_as="owner", default_cwd="/")
    drop(folder, "stranger", BOB, BOB)
    drop(folder, "good", ALICE, ALICE)
    workers.run_until_empty()
    assert folder.done() == {"good"}
    assert folder.ls("failed")[0].startswith("stranger~invalid")
    assert f"uid {BOB}" in str(folder.record("stranger")["reason"])


def test_run_as_owner_is_for_root_alone(folder: SpoolFolder, workers: Workers) -> None:
    folder.configure(FAST, run_as="owner")
    worker = workers.start(prefix=as_user(ALICE))
    assert worker.ends() == 8
    assert "only root's worker can do" in worker.output()
