"""The rule: the cheap way to start a command keeps what the long one keeps, and both tell the same of what is missing."""

import errno
import os
import signal
from dataclasses import replace

import pytest

from dsgspool import proc, spawning
from dsgspool.spawning import Launch
from dsgspool.worker.launch import NODE_TROUBLE
from tests.support.waiting import wait_until


@pytest.fixture(params=["plain", "long"])
def run(request, tmp_path, monkeypatch):
    """Runs a command to its end, by posix_spawn or by Popen: (what it printed, how it ended)."""
    if request.param == "long":
        monkeypatch.setattr(spawning, "_keep_descriptors", lambda: False)

    def start(*argv, **changes):
        with (tmp_path / "out").open("w+b") as out, open(os.devnull, "r+b") as null:
            env = {"PATH": "/usr/bin:/bin", "GREETING": "hé\udcff"}
            launch = Launch(argv, str(tmp_path), env, null.fileno(), out.fileno(), out.fileno())
            pid = proc.spawn(replace(launch, **changes))
            end = wait_until(lambda: next((e for e in proc.reap() if e.pid == pid), None), 10)
            out.seek(0)
            return out.read(), end

    return start


def program(folder, text="#!/bin/sh\necho mine\n", mode=0o755):
    folder.mkdir(exist_ok=True)
    (folder / "tool").write_text(text)
    (folder / "tool").chmod(mode)
    return str(folder)


def test_no_descriptor_but_three_is_handed_down(run):
    open_to_all, other = os.pipe()
    os.set_inheritable(open_to_all, True)
    try:
        printed, _ = run("sh", "-c", "ls /proc/$$/fd")
    finally:
        os.close(open_to_all)
        os.close(other)
    assert printed.split()[:3] == [b"0", b"1", b"2"]
    assert str(open_to_all).encode() not in printed.split()


def test_it_is_on_its_own_cpus_from_its_first_instruction_and_the_worker_on_all_of_its_own(run):
    before = os.sched_getaffinity(0)
    for cpu in sorted(before)[:2]:
        printed, _ = run("grep", "Cpus_allowed_list", "/proc/self/status", cpus=(cpu,))
        assert printed.split()[1] == str(cpu).encode()
    assert os.sched_getaffinity(0) == before
    with pytest.raises(FileNotFoundError):
        run("no-such-command", cpus=(min(before),))
    assert os.sched_getaffinity(0) == before


def test_a_command_that_was_started_is_known_even_when_the_worker_cannot_go_back_to_its_cpus(run, monkeypatch):
    calls, real = [], os.sched_setaffinity

    def set_once(pid, cpus):
        calls.append(cpus)
        if len(calls) == 2:
            raise OSError(errno.EINVAL, "Invalid argument")
        real(pid, cpus)

    before = os.sched_getaffinity(0)
    monkeypatch.setattr(os, "sched_setaffinity", set_once)
    assert run("echo", "here", cpus=(min(before),))[0] == b"here\n"
    assert len(calls) == 2
    real(0, before)


def test_cpus_that_are_no_longer_there_are_the_nodes_trouble(run):
    before = os.sched_getaffinity(0)
    for cpus in [(1023,), (min(before), 1023)]:
        with pytest.raises(OSError, match=r"has no CPUs .*1023") as caught:
            run("true", cpus=cpus)
        assert caught.value.errno in NODE_TROUBLE
        assert os.sched_getaffinity(0) == before


def test_it_begins_in_its_folder_and_the_worker_stays_where_it_was(run, tmp_path):
    before = os.getcwd()
    assert run("pwd")[0].decode().strip() == str(tmp_path)
    with pytest.raises(FileNotFoundError):
        run("no-such-command")
    assert os.getcwd() == before


def test_a_program_named_by_a_path_is_looked_for_from_its_folder(run, tmp_path):
    program(tmp_path / "bin")
    assert run("bin/tool")[0] == b"mine\n"


def test_the_path_that_counts_is_the_commands_own(run, tmp_path):
    assert run("tool", env={"PATH": f"/usr/bin:{program(tmp_path / 'mine')}"})[0] == b"mine\n"


def test_an_empty_part_of_path_is_the_commands_folder(run, tmp_path):
    program(tmp_path)
    assert run("tool", env={"PATH": "/nowhere:"})[0] == b"mine\n"


def test_what_may_not_be_run_on_path_is_passed_over(run, tmp_path):
    mine, theirs = program(tmp_path / "mine"), program(tmp_path / "theirs", mode=0o644)
    assert run("tool", env={"PATH": f"{theirs}:{mine}"})[0] == b"mine\n"


def test_that_it_may_not_be_run_is_told_before_that_it_is_missing(run, tmp_path):
    theirs = program(tmp_path / "theirs", mode=0o644)
    with pytest.raises(PermissionError) as caught:
        run("tool", env={"PATH": f"{theirs}:/nowhere"})
    assert caught.value.filename == "tool"


def test_what_is_no_program_is_told(run, tmp_path):
    program(tmp_path / "bin", "echo no first line\n")
    with pytest.raises(OSError, match="Exec format error"):
        run("bin/tool")


def test_signals_that_python_ignores_are_heard_again(run):
    assert signal.getsignal(signal.SIGPIPE) is signal.SIG_IGN
    _, end = run("sh", "-c", "kill -PIPE $$")
    assert end.signal == signal.SIGPIPE


def test_bytes_of_the_environment_that_are_no_utf8_arrive_as_they_were(run):
    assert run("sh", "-c", 'printf %s "$GREETING"')[0] == "hé".encode() + b"\xff"


def test_a_umask_is_set(run, tmp_path):
    run("sh", "-c", "touch made", umask=0o077)
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o600


def test_a_worker_whose_own_folder_was_removed_starts_commands_all_the_same(run, tmp_path):
    here, gone = os.getcwd(), tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    try:
        gone.rmdir()
        printed, end = run("pwd")
        assert (printed.decode().strip(), end.code) == (str(tmp_path), 0)
        assert not os.stat(".").st_nlink
    finally:
        os.chdir(here)
