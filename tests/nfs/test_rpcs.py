"""What a task costs the file server: calls counted by the client's kernel (/proc/self/mountstats), operation by operation.

The rule: only the workers' nodes are counted, from the moment at which they may begin until the last task is in done/; what
workers cost while they have nothing to do is measured before, in the same lab, and taken off.  How long the calls took is the
client's own measure too: from the moment at which a call was wanted to its answer.
"""

from __future__ import annotations

import time
from collections import Counter

import pytest

from tests.grounds import Lab, Node
from tests.grounds.fixtures import Figure
from tests.nfs.rig.places import MOUNT

pytestmark = pytest.mark.nfs

TASKS = 300
IDLE = 40.0  #: seconds: four heartbeats
MOST = {"v4.2": 23.0, "v3": 21.5}  #: calls a task; what it was when this was written, and a little room
COUNTS = """
text = Path('/proc/self/mountstats').read_text()
mine = next(part for part in text.split('device ') if f' mounted on {path} ' in part)
rows = [line.split() for line in mine.partition('per-op statistics')[2].splitlines() if ':' in line]
answer = {row[0].rstrip(':'): (int(row[1]), int(row[8])) for row in rows}
"""


def calls(*nodes: Node) -> tuple[Counter[str], Counter[str]]:
    """How often each operation was asked for by these clients, and how many milliseconds they waited for the answers."""
    count: Counter[str] = Counter()
    waited: Counter[str] = Counter()
    for node in nodes:
        found = node.python(COUNTS, path=MOUNT)
        assert isinstance(found, dict)
        count.update({op: each[0] for op, each in found.items()})
        waited.update({op: each[1] for op, each in found.items()})
    return count, waited


def test_calls_of_a_task_and_of_an_idle_worker(patient_lab: Lab, figure: Figure) -> None:
    lab = patient_lab
    leader, other = lab.ground.nodes[1:3]
    lab.ready(1, slots=4)
    lab.ready(2, slots=4)
    time.sleep(20)  # looks begin frequent and grow seldom: nothing tells from outside when they have
    before = calls(leader)[0], calls(other)[0]
    time.sleep(IDLE)  # the time itself is what is measured: calls of workers that wait for nothing
    of_leader, of_other = calls(leader)[0] - before[0], calls(other)[0] - before[1]
    spent, _, seconds = run(lab, leader, other)
    idle = of_leader + of_other
    cost = {op: (count - idle[op] * seconds / IDLE) / TASKS for op, count in spent.items()}
    table = ", ".join(
        f"{op} {each:.2f}" for op, each in sorted(cost.items(), key=lambda item: -item[1]) if each >= 0.01
    )
    figure(f"calls a task: {sum(cost.values()):.1f} ({table}); {TASKS / seconds:.0f} tasks a second")
    for who, each in (("the leader", of_leader), ("any other worker", of_other)):
        rate = ", ".join(f"{op} {count / IDLE:.2f}" for op, count in each.most_common(6))
        figure(f"calls a second of {who}, idle: {each.total() / IDLE:.2f} ({rate})")
    assert sum(cost.values()) < MOST[lab.ground.kind]


def test_how_much_of_a_task_is_waiting_for_the_server(patient_lab: Lab, figure: Figure) -> None:
    lab = patient_lab
    node = lab.ground.nodes[1]
    lab.ready(1, slots=4)
    spent, waited, seconds = run(lab, node)
    each, allowed = waited.total() / TASKS, TASKS / (waited.total() / 1000)
    slowest = ", ".join(f"{op} {waited[op] / count:.2f}" for op, count in spent.most_common(9))
    figure(
        f"one worker, 4 slots: {spent.total() / TASKS:.1f} calls a task take {each:.1f} ms ({slowest} ms), one after the other"
        f" {allowed:.0f} tasks a second; it ran {TASKS / seconds:.0f}, {TASKS / seconds / allowed:.2f} of that"
    )
    assert spent["RENAME"] >= 2 * TASKS and waited["RENAME"] > 0, "the client's own measure"


def run(lab: Lab, *nodes: Node) -> tuple[Counter[str], Counter[str], float]:
    """Let workers that were idle run tasks of `true`: what was asked for, how long that took, and the seconds of it all."""
    lab.person(3, "touch PAUSE")
    names = lab.drop(3, *(f"t{number:04d}" for number in range(TASKS)), command="true", retries=0)
    lab.live_on(2)
    before, began = calls(*nodes), time.monotonic()
    lab.person(3, "rm PAUSE")
    lab.wait_for_done(names, 120)
    seconds, after = time.monotonic() - began, calls(*nodes)
    return after[0] - before[0], after[1] - before[1], seconds
