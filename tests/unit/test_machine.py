"""The rule: what cannot be measured is not there, and what a cgroup or CUDA_VISIBLE_DEVICES leaves over is all that counts."""

import os
from types import SimpleNamespace

import psutil
import pytest

from dsgspool import census, machine, proc
from dsgspool.clock import SystemClock
from dsgspool.conditions import Gpu
from tests.support.waiting import wait_until

SAID = """0, GPU-11aa, 40960, NVIDIA A100-SXM4-40GB
1, GPU-22bb, 16384, Tesla T4, odd
2, GPU-33cc, [N/A], broken
No devices were found
"""
A100, T4 = Gpu(0, 40 << 30, "NVIDIA A100-SXM4-40GB", "GPU-11aa"), Gpu(1, 16 << 30, "Tesla T4, odd", "GPU-22bb")


@pytest.mark.parametrize(
    ("chosen", "gpus"),
    [
        (None, (A100, T4)),
        ("", ()),
        ("1", (T4,)),
        ("1,0", (T4, A100)),
        ("GPU-22", (T4,)),
        ("0,-1,1", (A100,)),
        ("MIG-5", ()),
        ("GPU-", ()),
    ],
)
def test_those_gpus_count_that_cuda_visible_devices_leaves(chosen, gpus):
    assert machine.visible(machine.parse_gpus(SAID), chosen) == gpus


@pytest.fixture
def terminal(monkeypatch):
    """A terminal, the only one of this machine, on which nobody has typed yet: its two ends."""
    ours, theirs = os.openpty()
    name = os.path.basename(os.ttyname(theirs))
    monkeypatch.setattr(machine, "_names", lambda _: [name, "ptmx"])
    monkeypatch.setattr(psutil, "users", list)
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


def test_who_typed_on_a_terminal_a_while_ago_uses_the_machine(terminal):
    ours, theirs = terminal
    os.write(ours, b"x\n")
    os.read(theirs, 9)
    read_at = os.fstat(theirs).st_atime
    assert machine.in_use(read_at + 899) == "somebody used a terminal in the last 15 minutes"
    assert machine.in_use(read_at + 901) == ""


@pytest.mark.parametrize(
    ("where", "uses"), [("tty2", True), (":0", True), ("seat0", True), ("pts/3", False), (None, False)]
)
def test_who_is_logged_in_at_the_screen_uses_the_machine(monkeypatch, where, uses):
    monkeypatch.setattr(machine, "_last_reads", list)
    monkeypatch.setattr(psutil, "users", lambda: [SimpleNamespace(name="anna", terminal=where)])
    assert bool(machine.in_use(1e9)) is uses


def test_cpu_time_of_others_leaves_out_what_came_from_me_also_when_it_has_ended(monkeypatch):
    me, times = os.getpid(), SimpleNamespace(user=100.0, nice=10.0, system=5.0, idle=900.0, steal=7.0)
    one = {1: census.Process(1, 0, 1, 0, 50.0), me: census.Process(me, 1, me, 0, 3.0)}
    child, below = census.Process(8, me, 8, 0, 20.0), census.Process(9, 8, 8, 0, 4.0)
    monkeypatch.setattr(psutil, "cpu_times", lambda: times)
    monkeypatch.setattr(census, "table", lambda: {**one, 8: child, 9: below})
    assert census.cpu_of_others() == 115 - 27
    monkeypatch.setattr(census, "table", lambda: {**one, me: census.Process(me, 1, me, 0, 27.0)})
    assert census.cpu_of_others() == 115 - 27


def test_threads_of_a_core_stand_side_by_side_then_cores_of_a_socket(monkeypatch):
    """CPU -> (socket, core): the second threads are counted on behind all first ones."""
    there = {0: (0, 0), 1: (0, 1), 2: (1, 0), 3: (1, 1), 4: (0, 0), 5: (0, 1), 6: (1, 0), 7: (1, 1)}

    def text(path):
        cpu = int(path.split("/cpu/cpu")[1].partition("/")[0])
        return f"{there[cpu][path.endswith('core_id')]}\n"

    monkeypatch.setattr(machine, "text", text)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(there))
    assert machine.cpus() == (0, 4, 1, 5, 2, 6, 3, 7)
    monkeypatch.setattr(machine, "text", lambda _: "")
    assert machine.cpus() == tuple(range(8))


def test_the_least_limit_of_all_cgroups_on_the_way_up_counts(tmp_path):
    files = {
        "cpu.max": "max 100000", "a/cpu.max": "250000 100000", "a/b/cpu.max": "400000 100000",
        "a/memory.max": "max", "a/b/memory.max": "8589934592", "own": "1:x:/y\n0::/a/b\n",
    }  # fmt: skip
    for path, text in files.items():
        os.makedirs(os.path.dirname(f"{tmp_path}/{path}"), exist_ok=True)
        with open(f"{tmp_path}/{path}", "w") as file:
            file.write(f"{text}\n")
    assert machine.limits(str(tmp_path), f"{tmp_path}/own") == (2.5, 8 << 30)
    assert machine.limits(f"{tmp_path}/nowhere", f"{tmp_path}/none") == (0.0, 0)


def _runs(command: str) -> bool:
    """True while some process has this command line."""
    words = command.replace(" ", "\0").encode() + b"\0"
    return any(_content(f"/proc/{pid}/cmdline") == words for pid in filter(str.isdecimal, os.listdir("/proc")))


def test_a_probe_that_fails_or_hangs_finds_nothing_and_its_processes_are_killed():
    mark = f"sleep 6{os.getpid()}"
    shell = {"good": "echo good 1.2; echo more >&2", "bad": "exit 3", "slow": f"{mark} & wait"}
    said = machine.probe({name: ["/bin/sh", "-c", command] for name, command in shell.items()}, SystemClock(), 4.0)
    assert said == {"good": "good 1.2\nmore\n"}
    wait_until(lambda: not _runs(mark), 5)  # a signal was sent; dying takes a moment


def test_a_probe_that_cannot_even_be_killed_is_not_waited_for_and_keeps_no_attempt_from_its_end(inside, monkeypatch):
    with monkeypatch.context() as driver:
        driver.setattr(proc, "send_group", lambda *_: None)
        assert machine.probe({"stuck": ["/bin/sleep", "600"]}, SystemClock(), 0.1) == {}
    (stuck,) = machine.unkilled
    worker = inside()
    worker.drop("x")
    worker.until(lambda: worker.lies() == ["done/x"])
    assert proc.children() == [stuck]
    os.kill(stuck, 9)
    worker.until(lambda: not machine.unkilled)


def test_a_program_that_this_machine_cannot_run_finds_nothing(tmp_path, monkeypatch):
    smi = tmp_path / "nvidia-smi"
    smi.write_text("no script, and of no machine")
    smi.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine.busy_gpus() == frozenset()
    assert machine.measure("/", {}, SystemClock()).gpus == ()


def _content(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def test_a_node_is_measured_with_what_is_on_its_path(tmp_path, monkeypatch):
    with open(tmp_path / "nvidia-smi", "w") as file:
        file.write(f"#!/bin/sh\ncase $1 in *apps*) echo ' GPU-22bb '; exit;; esac\ncat <<'X'\n{SAID}X\n")
    os.chmod(tmp_path / "nvidia-smi", 0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    node = machine.measure(str(tmp_path), {"sh": "echo sh 1", "none": "no-such-program"}, SystemClock())
    assert (node.gpus, node.software) == ((A100, T4), {"sh": "sh 1"})
    assert (node.host, node.cpus <= proc.usable_cpus(), node.scratch > 0) == (os.uname().nodename, True, True)
    assert 0 < node.memory <= proc.node_look().memory_total
    assert machine.measure("/no/such/folder", {}, SystemClock()).scratch == 0
    assert machine.busy_gpus() == {"GPU-22bb"}
