"""Bob shares a spool of a group with Alice and wants her worker to run what he wrote.  Needs root, to become both.

The spool was made with `init --group`, and spool.yaml trusts no group: members may see and move tasks, that is all.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes.test_users import ALICE, BOB, OTHERS, TEAM, as_user, drop, give
from tests.processes.test_users import place as place
from tests.support.processes import Workers
from tests.support.spools import FAST, SpoolFolder

pytestmark = pytest.mark.root

AS_ALICE = (ALICE, ALICE, TEAM)
AS_BOB = (BOB, BOB, TEAM)


@pytest.fixture
def lab(place: Path) -> SpoolFolder:
    """Alice's spool, open to the team."""
    folder = SpoolFolder(place / "spool", {**FAST, "default_cwd": "/"})
    give(folder.root, ALICE, TEAM, mode=0o2770)
    (folder / "spool.yaml").chmod(0o640)
    return folder


@pytest.fixture
def team(lab: SpoolFolder, tmp_path: Path) -> Iterator[Workers]:
    """Workers on it."""
    workers = Workers(lab, tmp_path)
    yield workers
    workers.bury()


def bob(lab: SpoolFolder, script: str) -> None:
    """Bob does something in the spool, as himself."""
    subprocess.run(
        [*as_user(*AS_BOB), "/bin/sh", "-ec", f"umask 007; cd {shlex.quote(str(lab))}; {script}"], check=True
    )


def evil(lab: SpoolFolder) -> str:
    """Shell words that would show whose account was used, and the file in which they would."""
    trophy = lab.root.parent / "trophy"
    trophy.mkdir(exist_ok=True)
    trophy.chmod(0o777)
    return f"id -u >> {trophy}/owned"


def was_owned(lab: SpoolFolder) -> bool:
    return (lab.root.parent / "trophy/owned").exists()


# -- spool.yaml says what runs before every command ----------------------------------------------------------------


def test_a_spool_yaml_that_another_member_put_there_is_not_obeyed(lab: SpoolFolder, team: Workers) -> None:
    worker = team.ready(prefix=as_user(*AS_ALICE))
    bob(lab, f'printf "setup: {evil(lab)}\\nheartbeat: 150ms\\nfence: 2s\\n" > .new && mv -f .new spool.yaml')
    worker.says(f"its owner is uid {BOB}")
    drop(lab, "x", ALICE, ALICE)
    worker.lives_on()
    assert lab.ls("todo") == ["x.yaml"]
    late = team.start(prefix=as_user(*AS_ALICE))
    assert late.ends() == 3
    assert "chown it" in late.output()
    assert not was_owned(lab)


def test_a_spool_yaml_that_the_group_may_write_to_is_not_obeyed(lab: SpoolFolder, team: Workers) -> None:
    (lab / "spool.yaml").chmod(0o660)
    bob(lab, f'printf "setup: {evil(lab)}\\n" >> spool.yaml')
    worker = team.start(prefix=as_user(*AS_ALICE))
    assert worker.ends() == 3
    assert "may write to it" in worker.output()
    assert not was_owned(lab)


# -- task files ----------------------------------------------------------------------------------------------------


def test_a_file_put_in_the_place_of_one_that_is_still_settling_is_not_run(lab: SpoolFolder, team: Workers) -> None:
    lab.configure({**FAST, "settle": "4s", "default_cwd": "/"})
    (lab / "tmp/x.yaml").write_text("command: 'true'\n")  # no `...`: it waits in running/ until it has settled
    os.chown(lab / "tmp/x.yaml", ALICE, TEAM)
    lab.mv("tmp/x.yaml", "todo/x.yaml")
    team.ready(prefix=as_user(*AS_ALICE))  # only now: a file that its watcher saw come would be whole at once
    team.wait_until(lambda: lab.running("x"))
    bob(lab, f'echo "command: {evil(lab)}" > tmp/e && mv -f tmp/e {lab.running("x")}')
    team.wait_until(lambda: lab.ls("failed"), 20)
    assert f"its owner is uid {BOB}" in str(lab.record("x")["reason"])
    assert not was_owned(lab)


def test_a_file_that_members_may_write_to_is_not_run(lab: SpoolFolder, team: Workers) -> None:
    drop(lab, "x", ALICE, TEAM)
    (lab / "todo/x.yaml").chmod(0o660)
    bob(lab, f'echo "command: {evil(lab)}" > todo/x.yaml')
    assert (lab / "todo/x.yaml").stat().st_uid == ALICE
    team.run_until_empty(prefix=as_user(*AS_ALICE))
    assert "may write to it" in str(lab.record("x")["reason"])
    assert not was_owned(lab)


def test_a_file_laid_into_a_workers_folder_is_not_run(lab: SpoolFolder, team: Workers) -> None:
    worker = team.ready(prefix=as_user(*AS_ALICE))
    bob(lab, f'printf "command: {evil(lab)}\\n...\\n" > running/{worker.wid}/a%..%..%x.yaml')
    bob(lab, f'printf "command: {evil(lab)}\\n...\\n" > running/{worker.wid}/x@{worker.wid}.7.yaml')
    team.wait_until(lambda: len(lab.ls("failed")) == 2)
    assert not was_owned(lab)


def test_folders_that_are_links_are_not_entered_and_lend_nobody_an_owner(lab: SpoolFolder, team: Workers) -> None:
    outside = lab.root.parent / "outside"
    outside.mkdir()
    (outside / "x.yaml").write_text("command: 'true'\n...\n")
    os.chown(outside / "x.yaml", ALICE, ALICE)
    outside.chmod(0o777)
    bob(lab, f"ln -s {outside} todo/batch")
    drop(lab, "good", ALICE, ALICE)
    team.run_until_empty(prefix=as_user(*AS_ALICE))
    assert lab.done() == {"good"}
    assert (outside / "x.yaml").exists()
    bob(lab, f'mv todo old; mkdir mine; printf "command: {evil(lab)}\\n...\\n" > mine/y.yaml; ln -s mine todo')
    team.ready(prefix=as_user(*AS_ALICE)).lives_on()
    assert lab.ls("mine") == ["y.yaml"]
    assert not was_owned(lab)


# -- logs ----------------------------------------------------------------------------------------------------------


def hard_link_to_alices_file(lab: SpoolFolder) -> None:
    os.link(lab.root.parent / "private", lab / "logs/x.1.out")


def fifo(lab: SpoolFolder) -> None:
    bob(lab, "mkfifo logs/x.1.err")


def link_to_alices_file(lab: SpoolFolder) -> None:
    bob(lab, f"ln -s {lab.root.parent}/private logs/x.1.out")


@pytest.mark.parametrize("lay", [hard_link_to_alices_file, link_to_alices_file, fifo])
def test_nothing_is_written_through_what_lies_in_the_place_of_a_log(
    lay: object, lab: SpoolFolder, team: Workers
) -> None:
    private = lab.root.parent / "private"
    private.write_text("hush\n")
    private.chmod(0o600)
    os.chown(private, ALICE, ALICE)
    lay(lab)  # type: ignore[operator]
    drop(lab, "x", ALICE, ALICE, "echo written")
    team.run_until_empty(prefix=as_user(*AS_ALICE))
    assert lab.done() == {"x"}
    assert lab.out("x", 2) == "written\n"
    assert (private.read_text(), oct(private.stat().st_mode & 0o777)) == ("hush\n", "0o600")


@pytest.mark.parametrize("run_as", ["worker", "owner"])
@pytest.mark.parametrize("state", ["logs", "done"])
def test_nothing_is_made_through_a_link_in_the_place_of_a_batch(
    state: str, run_as: str, lab: SpoolFolder, team: Workers
) -> None:
    outside = lab.root.parent / "outside"
    outside.mkdir(mode=0o700)
    if run_as == "worker":
        os.chown(outside, ALICE, ALICE)
    lab.configure({**FAST, "run_as": run_as, "default_cwd": "/"})
    if run_as == "owner":  # a spool of Alice's own, into which she lays links for root
        give(lab.root, ALICE, ALICE, mode=0o755)
    bob(lab, f"ln -s {outside} {state}/b") if run_as == "worker" else (lab / f"{state}/b").symlink_to(outside)
    drop(lab, "x", ALICE, ALICE)
    (lab / "todo/b").mkdir()
    lab.mv("todo/x.yaml", "todo/b/x.yaml")
    os.chown(lab / "todo/b", ALICE, ALICE)
    drop(lab, "good", ALICE, ALICE)
    worker = team.ready(prefix=as_user(*AS_ALICE) if run_as == "worker" else [])
    team.wait_until(lambda: lab.done() >= {"good"} and not lab.ls("todo"))
    worker.lives_on()
    assert os.listdir(outside) == []
    (lab / f"{state}/b").unlink()
    team.wait_until(lambda: not lab.ls("running"))


def test_root_gives_nobody_a_file_that_lay_in_the_place_of_a_log(lab: SpoolFolder, team: Workers) -> None:
    lab.configure({**FAST, "run_as": "owner", "default_cwd": "/"})
    (lab / "logs/x.1.out").write_text("bobs secret\n")
    (lab / "logs/x.1.out").chmod(0o600)
    os.chown(lab / "logs/x.1.out", BOB, OTHERS)
    drop(lab, "x", ALICE, ALICE, "echo mine")
    team.run_until_empty()
    assert (lab / "logs/x.1.out").stat().st_uid == BOB
    assert (lab / "logs/x.1.out").read_text() == "bobs secret\n"
    assert lab.out("x", 2) == "mine\n"


def test_roots_environment_is_not_its_users(lab: SpoolFolder, team: Workers) -> None:
    lab.configure({**FAST, "run_as": "owner", "default_cwd": "/"})
    drop(lab, "x", ALICE, ALICE, "env")
    team.run_until_empty(env={"VAULT": "roots own", "LC_TIME": "C"})
    assert "VAULT" not in lab.out("x")
    assert "LC_TIME=C" in lab.out("x")


def test_run_as_owner_runs_nothing_as_an_account_of_the_system(lab: SpoolFolder, team: Workers) -> None:
    lab.configure({**FAST, "run_as": "owner", "default_cwd": "/"})
    drop(lab, "x", 1, ALICE)
    team.run_until_empty()
    assert "account of the system" in str(lab.record("x")["reason"])


# -- what members can do: deny ---------------------------------------------------------------------------------------


def test_what_members_may_say_to_a_worker_stops_it_and_runs_nothing_of_theirs(lab: SpoolFolder, team: Workers) -> None:
    worker = team.ready(prefix=as_user(*AS_ALICE))
    bob(lab, "touch PAUSE")
    worker.lives_on()
    drop(lab, "x", ALICE, ALICE, "sleep 0.1")
    worker.lives_on()
    assert lab.ls("todo") == ["x.yaml"]
    bob(lab, f'rm PAUSE; echo "slots: 0" > workers/{worker.wid}.control.yaml')
    worker.lives_on()
    bob(lab, f'echo "setup: {evil(lab)}" > workers/{worker.wid}.control.yaml')
    worker.says("unknown key `setup`")
    bob(lab, f"rm workers/{worker.wid}.control.yaml; echo gone > workers/{worker.wid}.fenced")
    team.wait_until(lambda: len(worker.wids()) == 2, 20)  # the guard starts a new incarnation
    team.wait_until(lambda: lab.done() == {"x"})
    assert not was_owned(lab)
