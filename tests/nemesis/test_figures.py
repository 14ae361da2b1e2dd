"""How long it took is counted for the fault that did it, and only where nothing else could have."""

from __future__ import annotations

from tests.nemesis.faults import Done
from tests.nemesis.figures import Rescue, margins, rescued, resumed
from tests.nemesis.history import Execution
from tests.nemesis.schedule import Step

A, B = "n1-aaaaaaaa", "n2-bbbbbbbb"


def done(kind: str, node: int, begin: float, end: float = 0.0) -> Done:
    return Done(Step(0, kind, node, 0, 0), begin, end or begin)


def run(worker: str, start: float, last: float, *, ended: bool = True, attempt: int = 1) -> Execution:
    return Execution("x", attempt, worker, "0:0:0:0:x", start, last, ended)


def hit(fault: Done, run: Execution) -> bool:
    return run.node == f"n{fault.step.node}"


BROKEN = [run(A, 90, 99.9, ended=False), run(B, 130, 131, attempt=2)]


def test_a_rescue_is_counted_from_the_fault_that_hit_its_worker() -> None:
    faults = [done("kill-worker", 1, 100), done("kill-worker", 2, 101)]
    found = rescued([Rescue(100.4, A, "")], faults, lambda fault: [A if fault.step.node == 1 else B])
    assert {kind: [round(each, 3) for each in values] for kind, values in found.items()} == {"kill-worker": [0.4]}


def test_a_rescue_while_the_server_was_away_is_left_out() -> None:
    faults = [done("kill-worker", 1, 100), done("server-freeze", 0, 99, 120)]
    assert rescued([Rescue(121, A, "")], faults, lambda _: [A]) == {}


def test_a_margin_is_from_the_last_sign_of_life_to_the_next_start() -> None:
    found = margins(BROKEN, [done("cut", 1, 95, 120)], hit)
    assert {kind: [round(each, 3) for each in values] for kind, values in found.items()} == {"cut": [30.1]}


def test_what_two_faults_can_have_done_is_left_out() -> None:
    assert margins(BROKEN, [done("cut", 1, 95, 120), done("kill-worker", 1, 100)], hit) == {}


def test_after_a_freeze_of_the_server_the_last_node_counts() -> None:
    runs = [run(A, 90, 91), run(B, 92, 93), run(A, 112, 113), run(B, 115, 116)]
    assert resumed(runs, [done("server-freeze", 0, 95, 110)]) == [5]
