"""The rule: the guard kills when the worker ends or falls silent, and leaves the tombstone only when nothing is left."""

import json
import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from dsgspool.worker import guard as module
from dsgspool.worker.guard import Guard, boot
from tests.support.processes import is_alive
from tests.support.waiting import wait_until

GUARD = module.__file__
WORKER = """
import json, os, subprocess, sys, time
speak = int(sys.argv[sys.argv.index("--guard-fd") + 1])
def say(**what): os.write(speak, json.dumps(what).encode() + b"\\n")
say(tombstone=sys.argv[1], fence=float(sys.argv[2]))
say(beat=time.clock_gettime(time.CLOCK_BOOTTIME))
"""


@pytest.fixture
def pipe():
    listen, speak = os.pipe()
    os.set_blocking(listen, False)
    yield listen, speak
    for descriptor in (listen, speak):
        try:
            os.close(descriptor)
        except OSError:
            continue


@pytest.fixture
def guard(pipe):
    return Guard(0, pipe[0])


@pytest.fixture
def run(tmp_path):
    """A guard with a worker that does CODE; its exit code and what it left."""
    started = []

    def start(code, fence=60.0):
        worker = [sys.executable, "-c", WORKER + code, str(tmp_path / "dead"), str(fence)]
        command = [sys.executable, "-I", "-S", GUARD, *worker]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=10)


def end(process):
    """Exit code and error output."""
    _, errors = process.communicate(timeout=20)
    return process.returncode, errors.decode()


def test_it_hears_whole_lines_only(guard, pipe):
    os.write(pipe[1], b'{"tombstone": "/t", "fence": 25}\n{"beat": 9')
    assert guard.hear()
    assert (guard.tombstone, guard.fence) == ("/t", 25)
    before = guard.beat
    os.write(pipe[1], b"9999999}\n")
    assert guard.hear()
    assert guard.beat == 99999999 > before


def test_the_end_of_the_pipe_is_the_end_of_the_worker(guard, pipe):
    os.close(pipe[1])
    assert not guard.hear()
    guard.watch()


def test_an_older_beat_changes_nothing(guard, pipe):
    before = guard.beat
    os.write(pipe[1], b'{"beat": 1}\n')
    guard.hear()
    assert guard.beat == before


def test_a_worker_that_has_said_nothing_yet_is_waited_for(guard):
    assert guard.left() == 3600


def test_silence_ends_the_watch(guard, capfd):
    guard.fence, guard.beat = 5.0, boot() - 6.0
    guard.watch()
    assert "no heartbeat went through for 5 s" in capfd.readouterr().err


def test_a_tombstone_tells_how_it_ended(guard, tmp_path):
    guard.tombstone = str(tmp_path / "dead")
    guard.write_tombstone(-9)
    assert json.loads((tmp_path / "dead").read_text())["exit"] == -9


@pytest.mark.parametrize(("shared", "mode"), [(True, 0o640), (False, 0o600)])
def test_a_group_can_read_the_tombstones_of_its_spool_whatever_the_umask(guard, pipe, tmp_path, shared, mode):
    said = {"tombstone": str(tmp_path / "w.dead"), "fence": 5.0, "shared": shared}
    os.write(pipe[1], json.dumps(said).encode() + b"\n")
    guard.hear()
    before = os.umask(0o077)
    try:
        guard.write_tombstone(0)
    finally:
        os.umask(before)
    assert os.stat(guard.tombstone).st_mode & 0o777 == mode


def test_a_tombstone_that_cannot_be_written_is_told(guard, tmp_path, capfd):
    guard.tombstone = str(tmp_path / "no" / "dead")
    guard.write_tombstone(0)
    assert "no tombstone" in capfd.readouterr().err


def test_it_ends_with_the_code_of_its_worker_and_leaves_the_tombstone(run, tmp_path):
    assert end(run("sys.exit(3)"))[0] == 3
    assert json.loads((tmp_path / "dead").read_text())["exit"] == 3


def test_what_the_worker_left_is_killed_before_the_tombstone(run, tmp_path):
    """Also what called setsid and whose parent is gone."""
    process = run("""
child = subprocess.Popen(['sh', '-c', 'setsid sleep 600 & echo $!; exec sleep 600'], stdout=subprocess.PIPE)
print(child.pid, child.stdout.readline().decode(), flush=True)
os.kill(os.getpid(), 9)
""")
    out = process.stdout.readline()
    assert process.wait(20) == 128 + signal.SIGKILL
    assert (tmp_path / "dead").exists()
    left = [int(pid) for pid in out.split()]
    assert len(left) == 2
    assert [pid for pid in left if os.path.exists(f"/proc/{pid}")] == []


def test_a_silent_worker_is_killed_and_started_anew(run, tmp_path):
    code = f"""
mark = {str(tmp_path / "second")!r}
if os.path.exists(mark): os.rename(sys.argv[1], sys.argv[1] + "1"); sys.exit(0)
open(mark, "w").close()
time.sleep(600)
"""
    status, errors = end(run(code, fence=0.2))
    assert "killing worker and tasks" in errors
    assert (tmp_path / "dead1").exists()
    assert status == 0


def test_a_signal_is_passed_on_to_the_worker(run):
    process = run("""
import signal
def on(number, frame): sys.exit(7)
signal.signal(signal.SIGTERM, on)
print("ready", flush=True)
while True:  # RACE: a signal that comes just before it, or its guard, sleeps is heeded at the end of that sleep
    say(beat=time.clock_gettime(time.CLOCK_BOOTTIME))
    time.sleep(0.1)
""")
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGTERM)
    assert end(process)[0] == 7


def test_a_ctrl_c_before_the_worker_listens_ends_it_quietly(tmp_path):
    """As the interpreter of one that begins has it: nobody is there who could make more of it than a traceback."""
    code = "import time; print('ready', flush=True); time.sleep(600)"
    command = [sys.executable, "-I", "-S", GUARD, sys.executable, "-c", code]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path)
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGINT)
    assert end(process) == (128 + signal.SIGINT, "")


def test_a_ctrl_c_reaches_a_worker_that_has_introduced_itself_as_what_it_is(guard, monkeypatch):
    told = []
    monkeypatch.setattr(module, "told_to_end", False)
    monkeypatch.setattr(module.os, "kill", lambda *words: told.append(words))
    guard.worker, guard.tombstone = 4711, "/t"
    module.forward(guard, signal.SIGINT)
    assert (told, guard.was_interrupted) == ([(4711, signal.SIGINT)], False)


def test_the_worker_is_told_when_the_guard_dies(run, tmp_path):
    process = run(f"""
import signal
def on(number, frame): open({str(tmp_path / "told")!r}, "w").close(); sys.exit(1)
signal.signal(signal.SIGTERM, on)
print("ready", flush=True)
while True:  # RACE: a signal just before it sleeps is heeded at the end of that sleep
    time.sleep(0.1)
""")
    process.stdout.readline()
    process.kill()
    wait_until((tmp_path / "told").exists, 5)


def test_a_worker_that_cannot_be_started_is_told(tmp_path):
    command = [sys.executable, "-I", "-S", GUARD, str(tmp_path / "no")]
    done = subprocess.run(command, capture_output=True, timeout=20, check=False)
    assert done.returncode == 127
    assert b"cannot start" in done.stderr


def test_it_finds_children_and_parents_without_help():
    child = subprocess.Popen(["sleep", "60"])
    assert child.pid in module.children()
    assert module.parent(child.pid) == os.getpid()
    assert module.parent(2**22 + 1) == 0
    child.kill()
    child.wait()


# -- the order of killing and telling


def test_the_tombstone_comes_only_after_the_last_process(guard, tmp_path, monkeypatch):
    guard.tombstone = str(tmp_path / "dead")
    seen = []
    monkeypatch.setattr(guard, "end_worker", lambda: 0)
    monkeypatch.setattr(module, "kill_children", lambda: seen.append((tmp_path / "dead").exists()))
    assert guard.bury() == 0
    assert seen == [False]
    assert (tmp_path / "dead").exists()


def test_nothing_is_left_only_when_two_looks_find_nothing(monkeypatch):
    """A process that is just being adopted is nobody's child for a moment."""
    looks = iter([[], [4711], [], []])
    killed = []

    def waitpid(_pid, _options):
        raise ChildProcessError

    monkeypatch.setattr(module, "children", lambda: next(looks, []))
    monkeypatch.setattr(module, "kill", killed.extend)
    monkeypatch.setattr(module.os, "waitpid", waitpid)
    module.kill_children()
    assert killed == [4711]


def test_the_tasks_of_a_worker_that_cannot_end_are_killed_all_the_same(guard, monkeypatch):
    """On a share that hangs a killed worker stays until the share is back (seen on NFS)."""
    worker = subprocess.Popen(["sh", "-c", "sleep 600 & echo $!; exec sleep 600"], stdout=subprocess.PIPE)
    task = int(worker.stdout.readline())
    guard.worker = worker.pid
    kill = os.kill

    def kill_all_but_the_worker(pid, number):
        if pid != worker.pid or not is_alive(task):
            kill(pid, number)

    monkeypatch.setattr(module.os, "kill", kill_all_but_the_worker)
    looks = iter(range(400))
    monkeypatch.setattr(module.time, "sleep", lambda _seconds: next(looks))
    status = guard.kill_worker()
    assert os.WTERMSIG(status) == signal.SIGKILL
    worker.returncode = -9
    worker.stdout.close()


def test_a_beat_that_was_long_on_its_way_is_old(guard, pipe):
    guard.fence, guard.beat = 25.0, boot() - 100.0
    os.write(pipe[1], json.dumps({"beat": boot() - 30.0}).encode() + b"\n")
    assert guard.hear()
    assert guard.left() < 0


SILENT = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.path.exists({mark!r}): os.rename(sys.argv[1], sys.argv[1] + "1"); sys.exit(0)
open({mark!r}, "w").close()
print("ready", flush=True)
time.sleep(600)
"""


def test_a_silent_worker_that_was_told_to_end_is_not_started_anew(run, tmp_path):
    process = run(SILENT.format(mark=str(tmp_path / "second")), fence=1.5)
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGTERM)
    assert end(process)[0] == 128 + signal.SIGKILL
    assert (tmp_path / "dead").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_between_two_incarnations_ends_the_guard(number, run, tmp_path):
    """Else the next incarnation is one that nobody has told to end."""
    process = run(SILENT.format(mark=str(tmp_path / "second")), fence=1.0)
    assert process.stdout.readline() == b"ready\n"
    wait_until((tmp_path / "dead").exists, 10)
    process.send_signal(number)
    assert end(process)[0] == module.RESTART
    assert not (tmp_path / "dead1").exists(), "another incarnation was started"


def test_signals_reach_the_worker_and_its_commands_unblocked(run):
    process = run("""
import signal
blocked = [line for line in open("/proc/self/status") if line.startswith("SigBlk")][0].split()[1]
print(int(blocked, 16), flush=True)
""")
    assert process.stdout.readline() == b"0\n"
    assert end(process)[0] == 0


@pytest.fixture
def lives(monkeypatch):
    """The exit codes of one incarnation after the other; the code of the guard, and its pauses."""

    def end_with(*codes):
        left, pauses = list(codes), []
        monkeypatch.setattr(module, "one_life", lambda _argv, _heeded: left.pop(0))
        monkeypatch.setattr(module, "libc", SimpleNamespace(prctl=lambda *_args: 0))
        monkeypatch.setattr(module.os, "chdir", lambda _path: None)
        monkeypatch.setattr(module.signal, "signal", lambda *_args: None)
        monkeypatch.setattr(module.signal, "pthread_sigmask", lambda *_args: None)
        monkeypatch.setattr(module.signal, "sigtimedwait", lambda _numbers, seconds: pauses.append(seconds))
        return module.main([]), pauses, left

    return end_with


def test_an_incarnation_that_cannot_start_after_a_fence_is_tried_again(lives):
    assert lives(module.RESTART, module.NODE_TROUBLE, module.NODE_TROUBLE, 0) == (0, [0.2, 5.0, 5.0], [])


def test_a_worker_that_cannot_start_the_first_time_is_not_tried_again(lives):
    assert lives(module.NODE_TROUBLE, 0) == (module.NODE_TROUBLE, [], [0])


def test_a_worker_that_closed_its_pipe_has_a_moment_to_end(run):
    assert end(run("os.close(speak); time.sleep(0.05); os._exit(3)"))[0] == 3


def test_the_worker_of_a_guard_with_closed_streams_has_them_all(tmp_path):
    code = "import os; open('told', 'w').write(' '.join(os.readlink(f'/proc/self/fd/{n}') for n in (0, 1, 2)))"
    code = f"import os; os.chdir({str(tmp_path)!r}); {code}"
    shell = 'exec "$@" <&- >&- 2>&-'
    command = ["/bin/sh", "-c", shell, "sh", sys.executable, "-I", "-S", GUARD, sys.executable, "-c", code]
    assert subprocess.run(command, check=False).returncode == 0
    assert (tmp_path / "told").read_text() == "/dev/null /dev/null /dev/null"


def test_a_guard_whose_starter_ignored_the_ends_of_children_buries_all_the_same(tmp_path):
    worker = [sys.executable, "-c", WORKER + "os._exit(3)", str(tmp_path / "dead"), "60"]
    ignoring = (
        "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    )
    command = [sys.executable, "-c", ignoring, sys.executable, "-I", "-S", GUARD, *worker]
    assert subprocess.run(command, check=False).returncode == 3
    assert (tmp_path / "dead").exists()


def test_ctrl_z_does_not_stop_the_one_that_kills(run, tmp_path):
    process = run(SILENT.format(mark=str(tmp_path / "second")), fence=1.0)
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGTSTP)
    wait_until((tmp_path / "dead").exists, 10)


def test_a_worker_may_write_to_a_terminal_where_it_is_not_in_front(run):
    process = run("import signal; print(signal.getsignal(signal.SIGTTOU).name, flush=True)")
    assert process.stdout.readline() == b"SIG_IGN\n"
    assert end(process)[0] == 0


def test_the_guard_stands_in_no_folder_of_the_share(run):
    process = run("print('ready', flush=True); time.sleep(600)")
    process.stdout.readline()
    assert os.readlink(f"/proc/{process.pid}/cwd") == "/"
    process.terminate()
    end(process)
