"""The rule: a command has a session of its own, carries its claim, and nothing of it outlives its end unnoticed."""

import errno
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from dsgspool import accounts, census, chance, proc
from dsgspool.proc import Identity
from dsgspool.spawning import Launch
from tests.support.waiting import wait_until

ME = Identity("n1", "machine", "boot", "pid:[1]", 10, 100)


@pytest.fixture
def spawn(tmp_path):
    """Starts a command; whatever is left of it is killed and reaped."""
    started = []

    def start(*argv, **changes):
        with open(os.devnull, "r+b") as null:
            streams = (null.fileno(),) * 3
            launch = Launch(argv, str(tmp_path), {"PATH": "/usr/bin:/bin", "DSGSPOOL_CLAIM": "n1-aaaaaaaa.7"}, *streams)
            started.append(proc.spawn(replace(launch, **changes)))
        return started[-1]

    yield start
    for pid in started:
        proc.send_group(pid, signal.SIGKILL)
    wait_until(lambda: list(proc.reap()) or not set(started) & set(proc.children()), 10)


def ended(pid):
    return wait_until(lambda: next((e for e in proc.reap() if e.pid == pid), None), 10)


def test_the_same_machine_is_host_and_machine_id():
    assert ME.same_machine(replace(ME, boot_id="other"))
    assert not ME.same_machine(replace(ME, host="n2"))
    assert not ME.same_machine(replace(ME, machine_id="other"))


def test_without_a_machine_id_no_machine_is_the_same():
    assert not replace(ME, machine_id="").same_machine(replace(ME, machine_id=""))


def test_process_numbers_mean_the_same_in_one_boot_and_namespace():
    assert ME.same_boot(replace(ME, pid=11))
    assert not ME.same_boot(replace(ME, pid_namespace="pid:[2]"))
    assert not replace(ME, boot_id="").same_boot(replace(ME, boot_id=""))


def test_i_am_running_and_nobody_else_is_me():
    me = proc.identity()
    assert proc.is_running(me.pid, me.start)
    assert not proc.is_running(me.pid, me.start + 1)
    assert not proc.is_running(0, 0)
    assert not proc.is_running(2**22 + 1, 0)


def test_a_zombie_is_not_running():
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert proc.start_time(child.pid) == 0
    child.wait()


def test_what_runs_what_runs_without_environment_and_what_has_ended_is_not_in_the_middle_of_exec():
    runs = [subprocess.Popen(["sleep", "60"], env=env) for env in ({}, {"A": "1"})]
    zombie = subprocess.Popen(["true"])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    try:
        mine = {child.pid for child in (*runs, zombie)}
        wait_until(lambda: not mine & set(proc.nascent()), 10)  # for a moment after exec they are
        assert not {1, 2, os.getpid()} & set(proc.nascent())
    finally:
        for child in runs:
            child.kill()
        for child in (*runs, zombie):
            child.wait()


def test_a_command_leads_its_own_session_and_carries_its_claim(spawn):
    pid = spawn("sleep", "60")
    assert proc.session(pid) == pid
    wait_until(lambda: proc.marker(pid) == "n1-aaaaaaaa.7", 10)  # for a moment after exec there is none
    assert pid in proc.marked("n1-aaaaaaaa")
    assert pid not in proc.marked("n1-aaaaaaab")
    assert pid in proc.children()


def test_an_end_tells_code_or_signal(spawn):
    assert ended(spawn("sh", "-c", "exit 3")).code == 3
    killed = spawn("sleep", "60")
    proc.send_group(killed, signal.SIGKILL)
    assert ended(killed).signal == signal.SIGKILL


def test_a_missing_command_is_named(spawn):
    with pytest.raises(FileNotFoundError) as caught:
        spawn("no-such-command")
    assert caught.value.filename == "no-such-command"


def test_a_missing_folder_is_named(spawn, tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        spawn("true", cwd=str(tmp_path / "no"))
    assert str(caught.value.filename) == str(tmp_path / "no")


def test_descendants_are_found_and_killed(spawn):
    pid = spawn("sh", "-c", "sleep 60 & sleep 60; true")
    wait_until(lambda: len(census.descendants(pid)) == 3, 10, lambda: str(proc.descendants(pid)))
    proc.send(census.descendants(pid), signal.SIGKILL)
    assert ended(pid).signal == signal.SIGKILL


def test_a_look_at_this_machine_is_plausible():
    look = proc.node_look()
    assert look.load >= 0
    assert 0 < look.memory_used < look.memory_total
    assert 0 < look.cpu_busy <= look.cpu_seconds
    assert proc.node_look().cpu_seconds >= look.cpu_seconds


def test_the_dead_are_passed_over():
    proc.send([2**22 + 1], signal.SIGKILL)
    proc.send_group(2**22 + 1, signal.SIGKILL)
    proc.set_nice(2**22 + 1, 5)
    assert proc.session(2**22 + 1) == 0
    assert proc.marker(2**22 + 1) == ""
    assert census.descendants(2**22 + 1) == [2**22 + 1]


def test_a_priority_can_be_lowered(spawn):
    pid = spawn("sleep", "60")
    proc.set_nice(pid, 5)
    assert os.getpriority(os.PRIO_PROCESS, pid) == min(os.getpriority(os.PRIO_PROCESS, 0) + 5, 19)


def test_a_priority_that_may_not_be_changed_loses_nobody_the_pid(monkeypatch):
    def refuse(*_args):
        raise PermissionError(errno.EPERM, "another user's, or nicer already")

    monkeypatch.setattr(os, "setpriority", refuse)
    proc.set_nice(os.getpid(), 5)


def test_the_umask_is_the_tasks(spawn, tmp_path):
    assert ended(spawn("sh", "-c", "echo > made", umask=0o027)).code == 0
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o640


def test_an_account_is_a_user_with_groups():
    account = accounts.account(os.getuid())
    assert account.uid == os.getuid()
    assert account.gid in account.groups
    with pytest.raises(KeyError):
        accounts.account(2**31 - 5)


def test_the_worker_is_started_by_a_guard_that_imports_nothing_of_ours():
    command = proc.worker_command(["--slots", "2"])
    assert command[1:3] == ["-I", "-S"]
    assert command[3].endswith("/worker/guard.py")
    assert command[-2:] == ["--slots", "2"]


def test_a_ctrl_c_while_one_program_becomes_the_next_waits_for_that_one():
    then = "import signal; print(signal.sigpending(), signal.pthread_sigmask(signal.SIG_BLOCK, ()))"
    code = f"""
import os, signal, sys
from dsgspool import proc
execv = os.execv
os.execv = lambda *words: (os.kill(os.getpid(), signal.SIGINT), execv(*words))
proc.become([sys.executable, "-c", {then!r}])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{ {signal.SIGINT} } { {signal.SIGINT} }\n"


def test_random_words_are_base32_and_differ():
    words = {chance.word() for _ in range(1000)}
    assert len(words) == 1000
    assert all(len(word) == 8 and set(word) <= set("abcdefghijklmnopqrstuvwxyz234567") for word in words)
