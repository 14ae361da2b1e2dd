"""What is made of the kernel's files of a cgroup; plain files here, real groups and real hogs in tests/nfs/test_memory.py."""

import signal

import pytest

from dsgspool import cgroups
from dsgspool.names import Claim, TaskName
from dsgspool.proc import Exit
from dsgspool.spool.own import Held
from dsgspool.task import Kind, Task
from dsgspool.worker.attempt import Attempt
from dsgspool.worker.limits import by_kernel, is_watched

GUARD, WORKER, SHELL = 10, 11, 12
FILES = {
    "cgroup.controllers": "cpu memory pids\n", "cgroup.type": "domain\n", "cgroup.procs": f"{GUARD}\n{WORKER}\n",
    "cgroup.subtree_control": "", "cgroup.kill": "", "memory.max": "max\n", "memory.oom.group": "0\n",
}  # fmt: skip


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A machine without systemd, and this process in its group /lab."""
    monkeypatch.setattr(cgroups, "SYSTEMD", str(tmp_path / "no-systemd"))
    (tmp_path / "own").write_text("9:memory:/elsewhere\n0::/lab\n")
    fill(tmp_path / "lab")
    return tmp_path


def fill(folder, **changed):
    folder.mkdir(exist_ok=True)
    for name, text in {**FILES, **changed}.items():
        (folder / name).write_text(text)


def place(root):
    return cgroups.place({GUARD, WORKER}, str(root), str(root / "own"))


def test_a_group_of_its_own_may_be_divided(root):
    assert place(root) == cgroups.Place(f"{root}/lab")


@pytest.mark.parametrize(
    ("file", "text", "why"),
    [
        ("cgroup.procs", f"{GUARD}\n{WORKER}\n{SHELL}\n", "other processes are in it (12)"),
        ("cgroup.controllers", "cpu pids\n", "it has no memory controller"),
        ("cgroup.type", None, "it is the root of all groups, or one of threads"),
        ("cgroup.type", "threaded\n", "it is the root of all groups, or one of threads"),
        ("cgroup.kill", None, "this kernel has no cgroup.kill (Linux 5.14)"),
        ("cgroup.subtree_control", None, "this user may not write there"),
        ("cgroup.controllers", None, "there is no cgroup v2 with controllers in"),
    ],
)
def test_what_is_not_its_own_is_left_alone_for_a_reason(root, file, text, why):
    path = root / "lab" / file
    path.write_text(text) if text is not None else path.unlink()
    assert why in place(root).obstacle


@pytest.mark.parametrize(("said", "is_free"), [(b"1", True), (b"0", False), (b"", False)])
def test_where_systemd_is_its_word_counts(root, monkeypatch, said, is_free):
    monkeypatch.setattr(cgroups, "SYSTEMD", str(root))
    monkeypatch.setattr(cgroups, "_attribute", lambda _path, name: said if name == "user.delegate" else b"")
    assert (place(root).obstacle == "") is is_free


def test_the_next_incarnation_finds_itself_one_level_down(root):
    (root / "own").write_text("0::/lab/dsgspool.worker\n")
    fill(root / "lab" / cgroups.LEAF)
    (root / "lab/cgroup.procs").write_text("")
    assert place(root) == cgroups.Place(f"{root}/lab")
    fill(root / "lab" / cgroups.LEAF, **{"cgroup.procs": f"{WORKER}\n{SHELL}\n"})
    assert "other processes" in place(root).obstacle  # a worker that is a task of another one


def test_a_group_that_is_refused_leaves_nothing(root):
    tree = cgroups.Tree(str(root / "absent"))
    assert tree.make("n1-aaaaaaaa.1", 1 << 20) is None
    assert sorted(path.name for path in root.iterdir()) == ["lab", "own"]


@pytest.fixture
def attempt(root):
    """One with a limit, whose group the kernel has killed for its own limit."""
    folder = root / "lab/dsgspool-n1-aaaaaaaa.1"
    events = {"memory.events": "max 9\noom 1\noom_kill 2\n", "memory.events.local": "oom 1\noom_kill 2\n"}
    fill(folder, **events)
    held = Held(TaskName("x", claim=Claim("n1-aaaaaaaa", 1)))
    task = Task(limits={"memory": 1000})
    return Attempt(held, 1, -1, task=task, exit=Exit(1, None, signal.SIGKILL, 0.0), group=cgroups.Group(str(folder)))


def test_who_reached_its_own_limit_is_out_of_memory(attempt):
    outcome = by_kernel(attempt)
    assert (outcome.kind, outcome.reason.partition("; ")[2]) == (Kind.OOM, "limits.memory is 1000 B")


def test_a_machine_without_memory_is_no_fault_of_the_task_that_it_kills(attempt, root):
    (root / "lab/dsgspool-n1-aaaaaaaa.1/memory.events.local").write_text("oom 0\noom_kill 2\n")
    outcome = by_kernel(attempt)
    assert (outcome.kind, outcome.code) == (Kind.SIGNAL, signal.SIGKILL)
    assert "had no memory left" in outcome.reason


def test_who_was_not_killed_for_memory_has_another_reason(attempt, root):
    (root / "lab/dsgspool-n1-aaaaaaaa.1/memory.events").write_text("max 9\noom 0\noom_kill 0\n")
    assert by_kernel(attempt) is None


@pytest.mark.parametrize(
    ("most", "stat", "seen", "peak"),
    [
        ("", "", 700, 700),  # before Linux 5.19
        ("1000", "file 0\nshmem 0\n", 0, 1000),
        ("1000", "file 900\nshmem 0\n", 0, 100),  # it has read much
        ("1000", "file 900\nshmem 500\n", 0, 600),  # but files in memory are memory
        ("1000", "file 900\nshmem 0\n", 400, 400),  # it had more before it read
        ("1000", "file 0\nshmem 0\n", 5000, 1000),  # what processes share was counted twice
    ],
)
def test_the_peak_is_what_was_needed_and_not_what_was_cached(root, most, stat, seen, peak):
    fill(root / "g", **{"memory.peak": f"{most}\n", "memory.stat": stat})
    assert cgroups.Group(str(root / "g")).peak(seen) == peak


def test_memory_is_watched_again_when_the_limit_is_gone(attempt, root):
    assert not is_watched(attempt)
    (root / "lab/dsgspool-n1-aaaaaaaa.1/memory.max").unlink()
    assert is_watched(attempt)
