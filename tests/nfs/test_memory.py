"""Memory that the kernel keeps (cgroup v2): real hogs, in nodes that have a kernel with a memory controller of their own.

The rule: a worker is started in a group as systemd would give it one; what is left of that in the end is the group itself.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import pytest

from tests.grounds import Lab
from tests.grounds.lab import LabWorker
from tests.grounds.node import Node
from tests.nfs.rig.places import MOUNT, PYTHON
from tests.nfs.test_squash import AS_USER, USER, configure

pytestmark = pytest.mark.grounds("v4.2")  # the share is not what these are about

ROOT = "/sys/fs/cgroup"
BASE = f"{ROOT}/lab"
MOUNTED = f"grep -q ' {ROOT} cgroup2' /proc/mounts || mount -t cgroup2 none {ROOT}; echo +memory >{ROOT}/cgroup.subtree_control"
FOLDERS = "sorted(entry.name for entry in os.scandir(path) if entry.is_dir())"
#: 120 MB at once, by a process that no look at parents, sessions or environments would find.
DAEMON = """
import os, sys
if os.fork():
    os.wait()
    os.execv("/bin/sleep", ["sleep", "300"])
os.setsid()
if os.fork():
    os._exit(0)
os.execve(sys.executable, [sys.executable, "-c", "b = bytearray(b'x') * (300 << 20); import time; time.sleep(300)"], {})
"""


def python(code: str) -> str:
    return shlex.join([PYTHON, "-c", code])


@pytest.fixture
def node(lab: Lab) -> Iterator[Node]:
    """Node 1, with an empty group in which a worker may be started."""
    node = lab.ground.nodes[1]
    node.run(f"{MOUNTED}; mkdir {BASE}")
    yield node
    lab.close()  # the worker has to be out of it
    node.run(f"rmdir {BASE}/*/ 2>/dev/null; rmdir {BASE}; rm -rf /run/systemd")


def inside(group: str = BASE) -> list[str]:
    """What starts a program in a group."""
    return ["sh", "-c", f'echo 0 >{group}/cgroup.procs; exec "$@"', "sh"]


def start(lab: Lab, *flags: str, group: str = BASE) -> LabWorker:
    worker = lab.start(1, *flags, prefix=inside(group))
    lab.wait_until(worker.facts, 30)
    return worker


def folders(node: Node) -> list[str]:
    """The groups below the worker's."""
    found = node.python(FOLDERS, path=BASE)
    assert isinstance(found, list)
    return found


def test_a_daemon_that_takes_too_much_is_killed_with_all_of_its_task(lab: Lab, node: Node) -> None:
    worker = start(lab)
    assert worker.facts()["memory_limits"] == "cgroup"
    lab.drop(1, "hog", command=python(DAEMON), limits={"memory": "60M"})
    lab.drop(1, "good", command="sleep 1", limits={"memory": "60M"})
    lab.wait_until(lambda: lab.record("hog").get("outcome"), 60)
    record = lab.record("hog")
    assert record["outcome"] == "oom", (record, lab.read("logs/hog.1.err"))
    assert "the kernel killed all its processes" in str(record["reason"])
    assert "limits.memory is 60.0 MiB" in str(record["reason"])
    assert lab.files("failed") == ["failed/hog~oom.yaml"]
    assert 50 << 20 < int(str(record["peak_memory_bytes"])) <= 60 << 20
    lab.wait_for_done({"good"}, 20)
    lab.wait_until(lambda: folders(node) == ["dsgspool.worker"], 10)
    assert node.run("pgrep -c sleep", check=False).out.strip() == "0"
    worker.signal()
    lab.wait_until(lambda: not worker.is_alive(), 20)
    assert folders(node) == []


def test_a_ladder_of_memory_climbs_when_the_kernel_kills(lab: Lab, node: Node) -> None:
    start(lab)
    command = python("b = bytearray(b'x') * (90 << 20)")
    lab.drop(1, "x", command=command, resources={"memory": ["40M", "150M"]})
    lab.wait_for_done({"x"}, 40)
    assert lab.record("x", 1)["outcome"] == "oom"
    assert "resources.memory is 40.0 MiB" in str(lab.record("x", 1)["reason"])
    assert 90 << 20 < int(str(lab.record("x", 2)["peak_memory_bytes"])) < 150 << 20


def test_a_command_is_in_its_group_from_its_first_instruction_and_one_without_a_limit_beside_the_worker(
    lab: Lab, node: Node
) -> None:
    node.run("echo from-stdin >/tmp/input")
    worker = start(lab)
    limits = {"memory": "60M", "open_files": 99}
    lab.drop(1, "first", command="cat /proc/self/cgroup; ulimit -n; cat", limits=limits, stdin="/tmp/input")
    lab.drop(1, "free", command="cat /proc/self/cgroup")
    lab.drop(1, "nothing", command="/no/such/program", limits={"memory": "60M"})
    lab.wait_for_done({"first", "free"}, 20)
    group, files, text = lab.read("logs/first.1.out").split()
    assert group == f"0::/lab/dsgspool-{lab.record('first')['claim']}"
    assert (files, text) == ("99", "from-stdin")
    assert lab.read("logs/free.1.out") == "0::/lab/dsgspool.worker\n"
    lab.settles("nothing", "failed/nothing~exit127.yaml")
    assert worker.wid in group


def test_what_a_command_leaves_behind_is_killed_and_its_group_goes_even_when_it_made_groups_below(
    lab: Lab, node: Node
) -> None:
    start(lab)
    command = f"setsid env -i sleep 50 & mkdir {ROOT}$(sed s/0::// /proc/self/cgroup)/own; exit 0"
    lab.drop(1, "x", command=command, limits={"memory": "60M"})
    lab.wait_for_done({"x"}, 20)
    assert lab.record("x")["leftovers"] == 1
    lab.wait_until(lambda: folders(node) == ["dsgspool.worker"], 10)
    assert node.run("pgrep -c sleep", check=False).out.strip() == "0"


def test_files_that_a_command_reads_are_no_need_of_memory(lab: Lab, node: Node) -> None:
    node.run("head -c 80M /dev/zero >/var/cold; sync; echo 3 >/proc/sys/vm/drop_caches")
    start(lab)
    lab.drop(1, "x", command="wc -c </var/cold; md5sum /var/cold", limits={"memory": "40M"})
    lab.wait_for_done({"x"}, 40)
    node.run("rm /var/cold")
    assert int(str(lab.record("x")["peak_memory_bytes"])) < 20 << 20


def test_where_the_whole_worker_has_no_memory_left_no_task_is_blamed(lab: Lab, node: Node) -> None:
    start(lab)
    node.run(f"echo 150M >{BASE}/memory.max; echo 0 >{BASE}/memory.swap.max || true")
    lab.drop(1, "x", command=python("b = bytearray(b'x') * (250 << 20)"), limits={"memory": "300M"})
    lab.settles("x", "failed/x~signal9.yaml", 40)
    assert "had no memory left" in str(lab.record("x")["reason"])


def test_when_the_controller_is_taken_away_memory_is_watched(lab: Lab, node: Node) -> None:
    start(lab)
    code = "import time; time.sleep(3)\nb = bytearray(b'x') * (120 << 20)\ntime.sleep(30)"
    lab.drop(1, "x", command=python(code), limits={"memory": "60M"})
    lab.wait_until(lambda: lab.running("x") and len(folders(node)) == 2, 20)
    node.run(f"echo -memory >{BASE}/cgroup.subtree_control")
    lab.settles("x", "failed/x~oom.yaml", 40)
    assert "its processes had" in str(lab.record("x")["reason"])


def test_groups_of_a_worker_that_was_killed_go_with_the_next_one(lab: Lab, node: Node) -> None:
    worker = start(lab)
    lab.drop(1, "x", command="sleep 5", limits={"memory": "60M"})
    lab.wait_until(lambda: len(folders(node)) == 2, 20)
    node.run("kill", "-9", str(worker.facts()["pid"]))
    lab.wait_until(lambda: not worker.is_alive(), 20)
    left = folders(node)
    assert len(left) == 2 and worker.wid in left[0]
    successor = start(lab, group=f"{BASE}/dsgspool.worker")
    lab.wait_for_done({"x"}, 40)
    assert left[0] not in folders(node)
    assert successor.facts()["memory_limits"] == "cgroup"


def test_a_user_who_was_given_a_group_has_his_tasks_in_groups(lab: Lab, node: Node) -> None:
    spool = f"{MOUNT}/{lab.name}-user"
    node.run(*AS_USER, PYTHON, "-m", "dsgspool", "init", spool)
    configure(node, spool, *AS_USER)
    node.run(f"chown {USER} {BASE} {BASE}/cgroup.procs {BASE}/cgroup.subtree_control {BASE}/cgroup.threads")
    submit = (*AS_USER, PYTHON, "-m", "dsgspool", "--spool", spool, "submit", "--name")
    node.run(*submit, "x", "--memory", "60M", "--", "cat", "/proc/self/cgroup")
    node.run(*submit, "hog", "--memory", "60M", "--", PYTHON, "-c", DAEMON)
    worker = (PYTHON, "-m", "dsgspool", "--spool", spool, "worker", "--until-empty")
    answer = node.run(*inside(), *AS_USER, *worker)
    assert "oom     hog" in answer.out + answer.err
    out = node.run(*AS_USER, PYTHON, "-m", "dsgspool", "--spool", spool, "logs", "x").out
    assert "/lab/dsgspool-n1-" in out
    assert folders(node) == []


def test_with_run_as_owner_the_owner_cannot_take_the_limit_off(lab: Lab, node: Node) -> None:
    node.run(f"getent passwd {USER} || echo 'carol:x:{USER}:{USER}::/tmp:/bin/sh' >>/etc/passwd")
    lab.change(run_as="owner", default_cwd="/")
    tries = (
        "G=/sys/fs/cgroup$(sed s/0::// /proc/self/cgroup); echo $G; id -u; echo max >$G/memory.max; echo 0 >$G/../cgroup.procs; "
        "cat $G/memory.max; cat"
    )
    lab.drop(1, "x", command=tries, limits={"memory": "60M"})
    node.run(f"chown {USER} {lab.spool}/todo/x.yaml")
    start(lab)
    lab.wait_for_done({"x"}, 20)
    group, uid, most = lab.read("logs/x.1.out").split()
    assert "/lab/dsgspool-n1-" in group
    assert (uid, most) == (str(USER), str(60 << 20))


@pytest.mark.parametrize("case", ["root", "shared", "systemd", "threads"])
def test_what_is_not_its_own_a_worker_leaves_alone_and_watches(lab: Lab, node: Node, case: str) -> None:
    if case == "shared":
        node.spawn([*inside(), "sleep", "60"], "/dev/null")
        lab.wait_until(lambda: node.run(f"cat {BASE}/cgroup.procs").out, 5)
    if case == "systemd":
        node.run("mkdir -p /run/systemd/system")
    if case == "threads":
        node.run(f"mkdir {BASE}/t; echo threaded >{BASE}/t/cgroup.type")
    group = {"root": ROOT, "threads": f"{BASE}/t"}.get(case, BASE)
    if case == "threads":
        node.run(f"echo 0 >{group}/cgroup.procs", check=False)
    before = node.run(f"find {ROOT} -type d").out
    told = node.run(*inside(group), PYTHON, "-m", "dsgspool", "--spool", lab.spool, "doctor", "--json", check=False).out
    worker = start(lab, group=group)
    assert worker.facts()["memory_limits"] == "watched"
    assert node.run(f"find {ROOT} -type d").out == before
    assert "Delegate=yes" in told
    lab.drop(
        1,
        "x",
        command=python("b = bytearray(b'x') * (120 << 20)\nimport time; time.sleep(30)"),
        limits={"memory": "60M"},
    )
    lab.settles("x", "failed/x~oom.yaml", 40)
    assert "its processes had" in str(lab.record("x")["reason"])
    node.run("pkill sleep", check=False)


def test_what_systemd_has_delegated_is_divided(lab: Lab, node: Node) -> None:
    node.run("mkdir -p /run/systemd/system")
    node.python("os.setxattr(path, 'user.delegate', b'1')\nanswer = 0", path=BASE)
    doctor = node.run(*inside(), PYTHON, "-m", "dsgspool", "--spool", lab.spool, "doctor", check=False).out
    assert f"{BASE} is its own to divide" in doctor
    assert start(lab).facts()["memory_limits"] == "cgroup"
