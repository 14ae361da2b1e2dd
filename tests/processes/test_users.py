"""Two real users on one spool.  Needs root, to become them."""

from __future__ import annotations

import functools
import grp
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import Workers
from tests.support.shares import counted, told
from tests.support.spools import CALM, FAST, SpoolFolder

pytestmark = pytest.mark.root

ALICE, BOB = 65534, 31337  # nobody, who has an account everywhere, and a number that has none
TEAM, OTHERS = 31000, 31001


@functools.cache
def interpreter_is_reachable() -> bool:
    """Python may lie below a home that others cannot enter (pyenv in /root)."""
    inner = [
        sys.executable,
        "-c",
        "import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-c', '']).returncode)",
    ]
    return subprocess.run([*_become(BOB, BOB), *inner], capture_output=True).returncode == 0


@pytest.fixture
def interpreter_for_all() -> None:
    """A chunk's process is its owner's, and has no right to read what others may not."""
    if not interpreter_is_reachable():
        pytest.skip(f"another user may not run {sys.executable}")


def as_user(uid: int, gid: int | None = None, *groups: int) -> list[str]:
    """A command line that makes what follows run as somebody."""
    reads_all = [] if interpreter_is_reachable() else ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    return [*_become(uid, uid if gid is None else gid, *groups), *reads_all]


def _become(uid: int, gid: int, *groups: int) -> list[str]:
    more = f"--groups={','.join(map(str, groups))}" if groups else "--clear-groups"
    return ["setpriv", f"--reuid={uid}", f"--regid={gid}", more]


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user may enter; pytest's own are root's alone."""
    with tempfile.TemporaryDirectory(prefix="dsgspool-users-") as name:
        os.chmod(name, 0o755)
        if not shutil.which("setpriv") or subprocess.run([*as_user(BOB), sys.executable, "-c", ""]).returncode:
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
    """A task file of somebody, readable for the group."""
    folder.drop(name, command, state="tmp", **keys)
    (folder / f"tmp/{name}.yaml").chmod(0o640)
    os.chown(folder / f"tmp/{name}.yaml", uid, gid)
    folder.mv(f"tmp/{name}.yaml", f"todo/{name}.yaml")


def test_a_worker_runs_only_files_of_its_own_user(folder: SpoolFolder, workers: Workers) -> None:
    drop(folder, "mine", ALICE, ALICE)
    drop(folder, "foreign", BOB, BOB)
    (folder / "todo/foreign.yaml").chmod(0o644)
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
    assert re.search("may not read it|its owner is uid", str(folder.record("secret")["reason"]))


@pytest.fixture
def team(folder: SpoolFolder, monkeypatch: pytest.MonkeyPatch) -> str:
    """The spool belongs to a group that this machine knows; its name."""
    known = [group for group in grp.getgrall() if group.gr_gid not in (0, ALICE)]
    group = next((group for group in known if group.gr_name == "users"), known[0])
    folder.configure(FAST, group=group.gr_name, default_cwd="/")
    give(folder.root, ALICE, group.gr_gid, mode=0o2770)
    os.chmod(folder / "spool.yaml", 0o640)
    return group.gr_name


def test_in_a_group_spool_each_runs_the_files_of_the_group(folder: SpoolFolder, workers: Workers, team: str) -> None:
    gid = grp.getgrnam(team).gr_gid
    drop(folder, "from-bob", BOB, gid)
    drop(folder, "from-alice", ALICE, gid)
    drop(folder, "from-elsewhere", BOB, OTHERS)
    (folder / "todo/from-elsewhere.yaml").chmod(0o644)
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
    assert {oct(path.stat().st_mode & 0o7777) for path in logs if path.is_file()} == {"0o640"}


def test_two_users_workers_share_a_group_spool(folder: SpoolFolder, workers: Workers, team: str) -> None:
    gid = grp.getgrnam(team).gr_gid
    both = [workers.ready(prefix=as_user(uid, uid, gid), umask=0o077, slots=1) for uid in (ALICE, BOB)]
    for n in range(12):
        drop(folder, f"t{n}", (ALICE, BOB)[n % 2], gid, "sleep 0.1; id -u")
    workers.wait_until(lambda: len(folder.done()) == 12)
    assert {folder.out(f"t{n}").strip() for n in range(12)} == {str(ALICE), str(BOB)}
    assert not any("trouble" in worker.output() or "denied" in worker.output() for worker in both)


def test_a_worker_of_one_user_takes_over_from_one_of_another(folder: SpoolFolder, workers: Workers, team: str) -> None:
    gid = grp.getgrnam(team).gr_gid
    first = workers.ready(prefix=as_user(ALICE, ALICE, gid), umask=0o077)
    drop(folder, "x", ALICE, gid, "[ $DSGSPOOL_ATTEMPT = 2 ] || sleep 60")
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
    drop(folder, "command", ALICE, ALICE, "id -u; echo $HOME $USER")
    drop(folder, "script", ALICE, ALICE, None, script="#!/bin/sh\nid -u\n")
    workers.run_until_empty(env={"HOME": "/root"})
    assert folder.done() == {"command", "script"}
    account = pwd.getpwuid(ALICE)
    assert folder.out("command") == f"{ALICE}\n{account.pw_dir} {account.pw_name}\n"
    assert folder.out("script") == f"{ALICE}\n"
    assert (folder / "logs/command.1.out").stat().st_uid == ALICE


def test_root_runs_roots_files_in_roots_spool_only(folder: SpoolFolder, workers: Workers) -> None:
    folder.configure(FAST, run_as="owner", default_cwd="/")
    drop(folder, "a", 0, 0)
    workers.run_until_empty()
    assert "root's files are run only in a spool that root owns" in str(folder.record("a")["reason"])
    os.chown(folder.root, 0, 0)
    drop(folder, "b", 0, 0)
    workers.run_until_empty()
    assert folder.out("b").startswith("0\n")


@pytest.mark.parametrize("keys", [{"stdin": "secret"}, {"cwd": "closed"}])
def test_run_as_owner_opens_nothing_for_a_user_that_the_user_may_not_open(
    keys: dict[str, object], folder: SpoolFolder, workers: Workers, place: Path
) -> None:
    folder.configure(FAST, run_as="owner", default_cwd=str(place))
    (place / "secret").write_text("hush\n")
    (place / "secret").chmod(0o600)
    (place / "closed").mkdir(mode=0o700)
    drop(folder, "x", ALICE, ALICE, "cat; pwd", **keys)
    workers.run_until_empty()
    assert folder.ls("failed") == ["x~exit126.yaml"]
    assert folder.out("x") == ""


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


def test_a_task_is_nicer_than_its_worker_and_never_less_nice(folder: SpoolFolder, workers: Workers) -> None:
    """Less nice may only root: the refusal came when the command already ran, and its file was given back meanwhile."""
    mine = os.getpriority(os.PRIO_PROCESS, 0)
    drop(folder, "x", ALICE, ALICE, "sleep 0.3; cut -d' ' -f19 /proc/$$/stat", nice=5)
    worker = workers.run_until_empty(prefix=["nice", "-n", "9", *as_user(ALICE)])
    assert folder.out("x") == f"{min(mine + 14, 19)}\n"
    assert "cannot start" not in worker.output()


def test_an_env_file_of_somebody_else_is_refused(folder: SpoolFolder, workers: Workers) -> None:
    keys = folder.root.parent / "keys"
    keys.write_text("A=hush\n")
    keys.chmod(0o600)
    for uid in (BOB, 0):
        os.chown(keys, uid, uid)
        drop(folder, f"x{uid}", ALICE, ALICE, env_file=str(keys))
    folder.configure(FAST, run_as="owner", default_cwd="/")
    workers.run_until_empty()
    assert {path.partition("~")[0] for path in folder.ls("failed")} == {f"x{BOB}", "x0"}
    assert "Permission denied" in str(folder.record("x0")["reason"])


def test_an_env_file_is_read_as_the_user_who_owns_the_task(folder: SpoolFolder, workers: Workers) -> None:
    keys = folder.root.parent / "keys"
    keys.write_text("A=hush\n")
    keys.chmod(0o600)
    os.chown(keys, ALICE, ALICE)
    drop(folder, "x", ALICE, ALICE, "echo $A; id -u", env_file=str(keys))
    give(folder.root, ALICE, ALICE)
    folder.configure(FAST, run_as="owner", default_cwd="/")
    workers.run_until_empty()
    assert folder.out("x") == f"hush\n{ALICE}\n"


HIDING = 'mount -t proc -o hidepid=2 proc /proc && exec "$@"'
LOOK = """
import os, sys
from dsgspool import proc
alice, bob, there = map(int, sys.argv[1:])
print(proc.start_time(there) > 0, proc.shows(alice), proc.shows(bob))
"""


def test_where_proc_hides_the_processes_of_others_a_worker_knows_it(place: Path) -> None:
    """proc(5), `hidepid`: what is not shown is not gone (decision xl)."""
    apart = ["unshare", "--mount", "--pid", "--fork", "--mount-proc"]
    if subprocess.run([*apart, "true"], capture_output=True).returncode:
        pytest.skip("no namespaces of its own may be made here (unshare)")
    look = [sys.executable, "-c", LOOK, str(ALICE), str(BOB)]
    script = f'setpriv --reuid={ALICE} --clear-groups sleep 60 & exec "$@" $!'
    for shell, said in ((HIDING, "False False True"), ('exec "$@"', "True True True")):
        argv = [*apart, "sh", "-c", shell, "sh", "sh", "-c", script, "sh", *as_user(BOB), *look]
        found = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True, cwd=os.getcwd())
        assert found.stdout.strip() == said


def test_roots_worker_tells_as_the_owner_of_the_task(folder: SpoolFolder, workers: Workers, place: Path) -> None:
    """Also for a file that it did not parse, and never as root what a spool's settings say."""
    (place / "told").mkdir()
    (place / "told").chmod(0o1777)
    command = f"id -u >> {place}/told/$DSGSPOOL_TASK; cat >> {place}/told/$DSGSPOOL_TASK"
    folder.configure(FAST, run_as="owner", default_cwd="/", defaults={"on_failed": command, "on_done": command})
    os.chown(folder / "spool.yaml", ALICE, ALICE)
    drop(folder, "good", ALICE, ALICE, "true")
    drop(folder, "bad", ALICE, ALICE, "true", nonsense=1)
    workers.run_until_empty()
    for name in ("good", "bad"):
        uid, event = (place / "told" / name).read_text().splitlines()
        assert (uid, json.loads(event)["task"]) == (str(ALICE), name)


def test_the_command_in_a_strangers_file_is_not_run(folder: SpoolFolder, workers: Workers, place: Path) -> None:
    (place / "told").mkdir()
    (place / "told").chmod(0o1777)
    drop(folder, "foreign", BOB, BOB, "true", on_failed=f"touch {place}/told/it")
    workers.run_until_empty(prefix=as_user(ALICE))
    assert folder.ls("failed")
    assert list((place / "told").iterdir()) == []


def test_the_last_task_of_a_batch_is_its_policys_owners_and_tells_as_that_one(
    folder: SpoolFolder, workers: Workers, place: Path
) -> None:
    folder.configure(FAST, run_as="owner", default_cwd="/")
    (place / "told").touch()
    os.chown(place / "told", ALICE, ALICE)
    for batch, uid in (("s", ALICE), ("t", 0), ("u", 0)):
        text = f"notify: 'echo {batch} $(id -u) >> {place}/told'\n...\n"
        if batch != "u":  # root changed, with `batch set`, what somebody else had written
            text = f"finally: {{command: id -u}}\n{text}"
        os.chown(folder.overwrite(f"batches/{batch}.yaml", text), uid, uid)
        drop(folder, batch, ALICE, ALICE)
        (folder / f"todo/{batch}").mkdir()
        folder.mv(f"todo/{batch}.yaml", f"todo/{batch}/x.yaml")
    worker = workers.run_until_empty()
    assert folder.out("s.finally") == f"{ALICE}\n"
    assert (folder / "done/s.finally.yaml").stat().st_uid == ALICE
    assert (place / "told").read_text() == f"s {ALICE}\n"
    assert folder.done() == {"s/x", "t/x", "u/x", "s.finally"}
    for batch in "tu":
        assert (
            f"batches/{batch}.yaml: its `finally` and `notify` are not for this worker: it is root's" in worker.output()
        )


def first(name: str) -> str:
    """Whose it is: the first letter tells."""
    return name[0]


def test_two_users_have_half_each_of_a_thousand_tasks(folder: SpoolFolder, workers: Workers, team: str) -> None:
    gid = grp.getgrnam(team).gr_gid
    folder.configure(CALM, group=team, default_cwd="/")
    os.chown(folder / "spool.yaml", ALICE, gid)
    for n in range(600):
        drop(folder, f"a{n:03d}", ALICE, gid, ["true"])
        drop(folder, f"z{n:03d}", BOB, gid, ["true"])
    (folder / "PAUSE").touch()
    begin = {"prefix": as_user(ALICE, ALICE, gid), "umask": 0o077}
    started = [workers.ready("--until-empty", **begin) for _ in range(2)]
    (folder / "PAUSE").unlink()
    assert [worker.ends(120) for worker in started] == [0, 0]
    found = counted(folder.root, 1000, first)
    assert abs(found["a"] - 500) <= 50, found


@pytest.mark.load
def test_a_user_with_ten_tasks_is_served_soon_among_five_thousand_of_another(
    folder: SpoolFolder, workers: Workers, team: str
) -> None:
    gid = grp.getgrnam(team).gr_gid
    for n in range(5000):
        (folder / f"todo/a{n:04d}.yaml").write_text('command: "sleep 2"\n...\n')
    give(folder / "todo", ALICE, gid)
    os.chmod(folder / "todo", 0o2770)
    worker = workers.ready(prefix=as_user(ALICE, ALICE, gid), umask=0o077)
    worker.wait_until(lambda: len(folder.ls("done")) >= 11, 60)  # so the other had more than all ten take
    (folder / "PAUSE").touch()  # a look in the middle of these would find some of them
    for n in range(10):
        drop(folder, f"z{n}", BOB, gid, "sleep 2")
    before = len(folder.ls("done"))
    (folder / "PAUSE").unlink()
    worker.wait_until(lambda: sum(name[0] == "z" for name in folder.done()) == 10, 60)
    worker.lives_on(2)
    began = [first(str(line["task"])) for line in told(folder.root, "start")]
    at = began.index("z")
    assert began[at : at + 12].count("z") == 10
    assert at - before <= 12


@pytest.mark.load
def test_a_user_with_a_batch_that_sorts_last_is_served_among_many_batches_of_another(
    folder: SpoolFolder, workers: Workers, team: str
) -> None:
    gid = grp.getgrnam(team).gr_gid
    for n in range(100):
        for k in range(5):
            folder.drop(f"a{n:02d}/{k}", "sleep 0.05")
    for n in range(20):
        folder.drop(f"z/{n:02d}", "sleep 0.05")
    give(folder / "todo", ALICE, gid, mode=0o2770)
    give(folder / "todo/z", BOB, gid)
    workers.run_until_empty(seconds=60, prefix=as_user(ALICE, ALICE, gid), umask=0o077)
    assert 17 <= counted(folder.root, 40, first)["z"] <= 20


def test_roots_worker_gives_each_owner_a_turn(folder: SpoolFolder, workers: Workers) -> None:
    folder.configure(FAST, run_as="owner", default_cwd="/")
    os.chown(folder.root, 0, 0)
    for n in range(20):
        drop(folder, f"a{n:02d}", 0, 0, "sleep 0.05")
        drop(folder, f"z{n:02d}", ALICE, ALICE, "sleep 0.05")
    workers.run_until_empty(60, slots=2)
    assert 8 <= counted(folder.root, 20, first)["z"] <= 12


@pytest.mark.usefixtures("interpreter_for_all")
def test_a_sweep_is_divided_and_run_as_its_owner(folder: SpoolFolder, workers: Workers) -> None:
    give(folder.root, 0, 0)
    folder.configure(FAST, run_as="owner", default_cwd="/")
    drop(folder, "s", ALICE, ALICE, "id -u # {n}", sweep={"product": {"n": "1..30"}})
    workers.run_until_empty(slots=2)
    assert {os.stat(folder / f"done/{path}").st_uid for path in folder.ls("done")} == {ALICE}
    printed = [line for path in (folder / "logs/s").glob("*.out") for line in path.read_text().split()]
    assert printed == [str(ALICE)] * 30


@pytest.mark.usefixtures("interpreter_for_all")
def test_the_files_of_a_sweep_are_read_as_its_owner_and_are_the_owners(folder: SpoolFolder, workers: Workers) -> None:
    give(folder.root, 0, 0)
    folder.configure(FAST, run_as="owner", default_cwd="/")
    for name, uid in (("mine", ALICE), ("roots", 0), ("bobs", BOB), ("open", ALICE)):
        path = folder.root.parent / name
        path.write_text("".join(f"{name}{number}\n" for number in range(30)))
        path.chmod({"roots": 0o600, "open": 0o666}.get(name, 0o644))
        os.chown(path, uid, uid)
        drop(folder, f"s-{name}", ALICE, ALICE, "echo {n}", sweep={"lines": {"n": str(path)}})
    workers.run_until_empty(slots=2)
    assert {path.partition("~")[0] for path in folder.ls("failed")} == {"s-roots", "s-bobs", "s-open"}
    assert "Permission denied" in str(folder.record("s-roots")["reason"])
    assert f"it is a file of uid {BOB}" in str(folder.record("s-bobs")["reason"])
    assert "everybody may write to it" in str(folder.record("s-open")["reason"])
    assert os.stat(folder / "sweeps/s-mine/table/rows").st_uid == ALICE
    printed = [line for path in (folder / "logs/s-mine").glob("*.out") for line in path.read_text().split()]
    assert sorted(printed) == sorted(f"mine{number}" for number in range(30))


@pytest.mark.usefixtures("interpreter_for_all")
def test_rows_of_another_users_sweep_are_not_run_with_mine(folder: SpoolFolder, workers: Workers) -> None:
    """Who may rename in sweeps/ could put another one's rows there, and read them in what the items print."""
    give(folder.root, 0, 0)
    folder.configure(FAST, run_as="owner", default_cwd="/")
    (folder / "sweeps/s/table").mkdir(parents=True)
    rows = folder / "sweeps/s/table/rows"
    rows.write_text('0\tsecret\n# {"digest": "x", "mtime": 1, "parts": [[["n"], 1]]}\n')
    rows.chmod(0o600)
    os.chown(rows, BOB, BOB)
    (folder / "tmp/x.yaml").write_text("command: echo {n}\nsweep:\n  lines: {n: x}\n...\n")
    os.chown(folder / "tmp/x.yaml", ALICE, ALICE)
    (folder / "todo/s").mkdir()
    folder.mv("tmp/x.yaml", "todo/s/0-0.yaml")
    workers.run_until_empty()
    assert f"its owner is uid {BOB}" in str(folder.record("s/0-0")["reason"])
    assert not list((folder / "logs/s").glob("*.out")) or "secret" not in folder.out("s/0-0")
