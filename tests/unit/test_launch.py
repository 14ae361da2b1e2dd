"""The rule: a string is the shell's, a list nobody's but the program's, a script its own interpreter's."""

import errno

import pytest

from dsgspool.conditions import Gpu
from dsgspool.task import Task
from dsgspool.worker import launch
from dsgspool.worker.launch import NODE_TROUBLE, Who


@pytest.mark.parametrize(
    ("task", "argv"),
    [
        (Task(command="echo $HOME"), ["/bin/sh", "-c", "echo $HOME"]),
        (Task(command="x", shell="/bin/bash"), ["/bin/bash", "-c", "x"]),
        (Task(command="x", setup="module load r"), ["/bin/sh", "-c", "module load r\nx"]),
        (Task(command=("fold", "a b")), ["fold", "a b"]),
        (Task(command=("fold", "$x"), setup="s"), ["/bin/sh", "-c", 's\nexec "$@"', "/bin/sh", "fold", "$x"]),
        (Task(script="#!/bin/sh\necho"), ["/bin/sh", "/tmp/s"]),
        (Task(script="#! /usr/bin/env python3 -u\n"), ["/usr/bin/env", "python3 -u", "/tmp/s"]),
        (Task(script="#!/bin/sh\r\n", setup="s"), ["/bin/sh", "-c", 's\nexec "$@"', "/bin/sh", "/bin/sh", "/tmp/s"]),
    ],
)
def test_the_command_line_of_a_task(task, argv):
    assert launch.argv(task, "/tmp/s") == argv


def test_a_command_learns_who_it_is():
    assert Who("s/x", 3, "n1-aaaaaaaa", "n1-aaaaaaaa.7", "/lab/spool").variables() == {
        "DSGSPOOL_TASK": "s/x",
        "DSGSPOOL_ATTEMPT": "3",
        "DSGSPOOL_WORKER": "n1-aaaaaaaa",
        "DSGSPOOL_SPOOL": "/lab/spool",
        "DSGSPOOL_CPUS": "1",
        "DSGSPOOL_CLAIM": "n1-aaaaaaaa.7",
    }
    who = Who("s/x", 3, "n1-aaaaaaaa", "n1-aaaaaaaa.7", "/lab/spool", 4, 1 << 30, "/scratch").variables()
    assert (who["DSGSPOOL_CPUS"], who["DSGSPOOL_MEMORY"], who["DSGSPOOL_SCRATCH"]) == ("4", "1073741824", "/scratch")


def test_on_a_node_with_gpus_a_task_sees_its_own_and_without_any_none():
    gpus = (Gpu(2, 1 << 34), Gpu(5, 1 << 34))
    added = launch.added_environment(Task(command="x"), {}, gpus)
    assert (added["CUDA_VISIBLE_DEVICES"], added["CUDA_DEVICE_ORDER"]) == ("2,5", "PCI_BUS_ID")
    assert launch.added_environment(Task(command="x"), {"CUDA_VISIBLE_DEVICES": "0"}, ())["CUDA_VISIBLE_DEVICES"] == ""
    own = Task(command="x", env={"CUDA_VISIBLE_DEVICES": "7"})
    assert launch.added_environment(own, {}, gpus)["CUDA_VISIBLE_DEVICES"] == "7"
    assert "CUDA_VISIBLE_DEVICES" not in launch.added_environment(Task(command="x"), {})


def test_one_cpu_means_one_thread_unless_the_scientist_said_otherwise():
    added = launch.added_environment(Task(command="x"), {"OMP_NUM_THREADS": "6"})
    assert "OMP_NUM_THREADS" not in added
    assert added["MKL_NUM_THREADS"] == "1"


def test_more_cpus_mean_as_many_threads_and_the_task_has_the_last_word():
    added = launch.added_environment(Task(command="x", cpus=4, env={"MKL_NUM_THREADS": "2"}), {"OMP_NUM_THREADS": "6"})
    assert (added["OMP_NUM_THREADS"], added["MKL_NUM_THREADS"]) == ("4", "2")


@pytest.mark.parametrize(
    ("cwd", "folder"), [(None, "/lab"), ("/data", "/data"), ("sub", "/lab/sub"), ("~/x", "/home/me/x")]
)
def test_where_a_command_runs(monkeypatch, cwd, folder):
    monkeypatch.setenv("HOME", "/home/me")
    assert launch.folder(Task(command="x", cwd=cwd), "/lab") == folder


@pytest.mark.parametrize(("stdin", "path"), [(None, ""), ("in.txt", "/data/in.txt"), ("/in.txt", "/in.txt")])
def test_what_a_command_reads(stdin, path):
    assert launch.input_path(Task(command="x", stdin=stdin), "/data") == path


@pytest.mark.parametrize(
    ("error", "words", "code"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file", "fold"), "command not found: fold", 127),
        (FileNotFoundError(errno.ENOENT, "No such file", "/data"), "folder cannot be entered: cwd /data", 126),
        (PermissionError(errno.EACCES, "Permission denied", "fold"), "cannot be started: fold: Permission denied", 126),
        (ValueError("embedded null byte"), "embedded null byte", 126),
    ],
)
def test_why_a_command_could_not_be_started(error, words, code):
    reason, number = launch.why(error, ["fold"], "/data")
    assert words in reason
    assert number == code


def test_signals_have_names():
    assert [launch.signal_name(number) for number in (9, 250)] == ["SIGKILL", "signal 250"]


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EIO, errno.ESTALE])
def test_a_node_in_need_is_no_fault_of_the_task(number):
    assert number in NODE_TROUBLE


def test_a_command_that_is_not_there_is():
    assert not {errno.ENOENT, errno.EACCES, errno.ENOEXEC, errno.E2BIG} & NODE_TROUBLE
