"""The checker finds each kind of broken promise in a made-up history, and nothing in a correct one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.nemesis.checker import DONE, excused, violations
from tests.nemesis.history import (
    Accepted,
    Execution,
    History,
    Limits,
    Lying,
    Record,
    Rest,
    Sweep,
    Told,
    Toy,
    Unguarded,
)

LIMITS = Limits(lease=12, fence=5, kill=2, slack=0.01)
A, B = "n1-aaaaaaaa", "n2-bbbbbbbb"


def run(
    task: str, attempt: int = 1, worker: str = A, start: float = 100, last: float = 101, **more: object
) -> Execution:
    ended = bool(more.pop("ended", True))
    its_id = str(more.pop("its_id", task))
    return Execution(task, attempt, worker, f"0:0:0:0:{its_id}", start, last, ended, **more)


def record(task: str, attempt: int = 1, worker: str = A, outcome: str = "done", its_id: str = "") -> Record:
    return Record(task, attempt, worker, outcome, its_id or task, f"digest of {its_id or task}")


def file(name: str, state: str = "done", path: str = "", its_id: str = "") -> Lying:
    its_id = its_id or name
    return Lying(state, path or f"{name}.yaml", name, its_id, f"digest of {its_id}")


@pytest.fixture
def history() -> History:
    """`x` ran well; `y` was lost with n1 and ran again on n2; `p` is a toy that was run once."""
    runs = [run("x"), run("y", last=103, ended=False), run("y", 2, B, 120, 121), run("p", its_id="p1")]
    plain = {name: Accepted(name, name) for name in "xy"}
    return History(plain, {"p": Toy(["p1"])}, runs)


@pytest.fixture
def rest() -> Rest:
    """All three lie in done/."""
    records = [record("x"), record("y", outcome=""), record("y", 2, B), record("p", its_id="p1")]
    return Rest([file("x"), file("y"), file("p", its_id="p1")], records)


def rules(history: History, rest: Rest) -> set[str]:
    return {violation.rule for violation in violations(history, rest, LIMITS)}


def test_a_correct_history_has_no_violation(history: History, rest: Rest) -> None:
    assert violations(history, rest, LIMITS) == []


def test_a_task_that_begins_before_what_it_waits_for_has_ended_is_too_early(history: History, rest: Rest) -> None:
    history.plain["x"].after = ("y",)
    assert rules(history, rest) == {"too-early"}
    history.executions = [replace(each, start=each.start + 30, last=each.last + 30) if each.task == "x" else each
                          for each in history.executions]  # fmt: skip
    assert rules(history, rest) == set()


@pytest.fixture
def swept(history: History, rest: Rest) -> Sweep:
    """A sweep `w` of four items, of which the first ran twice: its line was not written when its worker died."""
    sweep = Sweep("w", "w", 4)
    history.sweeps.append(sweep)
    history.executions += [run(f"w/{item}", start=200 + item, last=200.5 + item, its_id="w") for item in range(4)]
    history.executions.append(run("w/0", 2, B, 300, 301, its_id="w"))
    rest.files += [file("w/0-1", its_id="w"), file("w/2-3", its_id="w")]
    rest.lines = {"w/0-1": [1, 0], "w/2-3": [2, 3]}
    return sweep


def test_a_sweep_of_which_every_item_ran_is_right(history: History, rest: Rest, swept: Sweep) -> None:
    assert violations(history, rest, LIMITS) == []
    rest.lines["w/0-1"].append(0)
    assert violations(history, rest, LIMITS) == [], "both ran to their end"
    swept.sure = False
    assert violations(history, rest, LIMITS) == []


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda _, rest: rest.files.pop(), "lost"),
        (lambda _, rest: rest.files.append(file("w/3-3", its_id="w")), "twice-there"),
        (lambda _, rest: rest.files.append(file("w/rest-3-3", "todo", its_id="w")), "not-done"),
        (lambda _, rest: rest.files.append(file("w/4-4", "failed", its_id="w")), "not-done"),
        (lambda history, _: history.executions.remove(run("w/3", start=203, last=203.5, its_id="w")), "done-without-run"),
        (lambda _, rest: rest.lines["w/2-3"].append(3), "told-twice"),
        (lambda history, _: history.executions.append(run("w/3", 2, B, 203.2, 204, its_id="w")), "overlap"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_sweep_is_seen(
    history: History, rest: Rest, swept: Sweep, change: Callable[[History, Rest], object], rule: str
) -> None:
    change(history, rest)
    assert rule in rules(history, rest) and swept


def test_an_event_is_told_once(history: History, rest: Rest) -> None:
    history.plain["x"].tells = DONE
    history.tellers = frozenset({A})
    assert rules(history, rest) == {"untold"}
    history.tellers = frozenset({B})
    assert rules(history, rest) == set(), "a worker that died may have told nobody"
    history.told = [Told("x", DONE, 1, A)]
    assert rules(history, rest) == set()
    history.told = [Told("x", DONE, 1, A), Told("x", DONE, 1, B)]
    assert rules(history, rest) == {"told-twice"}
    history.told = [Told("y", DONE, 1, A), Told("x", DONE, 1, A)]
    assert rules(history, rest) == {"told-falsely"}


def test_what_always_fails_lies_in_failed(history: History, rest: Rest) -> None:
    history.plain["x"].fails = True
    assert rules(history, rest) == {"not-done"}
    rest.files[0] = file("x", "failed", "x~exit1.yaml")
    rest.records[0] = record("x", outcome="exit1")
    assert rules(history, rest) == set()


def test_a_worker_with_hours_starts_nothing_at_others(history: History, rest: Rest) -> None:
    history.resting, history.hours = frozenset({B}), lambda moment: moment < 110
    assert rules(history, rest) == {"wrong-hours"}
    history.rough = [(90.0, 100.0)]
    assert rules(history, rest) == set(), "what it had begun to start before it stood still"
    history.resting, history.rough = frozenset({A}), []
    assert rules(history, rest) == set()


def test_more_of_a_batch_at_once_than_its_policy_says_are_too_many(history: History, rest: Rest) -> None:
    for name, start in (("m/0", 200), ("m/1", 203), ("m/2", 204), ("m/3", 204.5), ("n", 204.6)):
        history.plain[name] = Accepted(name, name)
        history.executions.append(run(name, worker=B if name == "m/1" else A, start=start, last=start + 2))
        rest.records.append(record(name, worker=B if name == "m/1" else A))
        rest.files.append(file(name))
    history.most = {"m": 2}
    assert rules(history, rest) == {"too-many"}
    assert [found.task for found in violations(history, rest, LIMITS)] == ["m/3"], "one that ended makes room"
    history.most = {"m": 3}
    assert rules(history, rest) == set()
    history.most = {"m": 2}
    history.unguarded = [Unguarded(frozenset({B}), 195, 206)]
    assert rules(history, rest) == set(), "one that no guard could kill is not counted"


# -- tasks that nobody touches -------------------------------------------------------------------------------------------


class Case:
    """A history and what lies there, to be broken."""

    def __init__(self, history: History, rest: Rest) -> None:
        self.history, self.rest = history, rest
        self.runs, self.files, self.records = history.executions, rest.files, rest.records


BREAKS: dict[str, tuple[str, Callable[[Case], object]]] = {
    "it is in no folder": ("lost", lambda c: c.files.pop(0)),
    "it lies in two folders": ("twice-there", lambda c: c.files.append(file("x", "failed"))),
    "another text lies in its place": ("overwritten", lambda c: c.files.__setitem__(0, file("x", its_id="y"))),
    "its text is gone from the file": ("overwritten", lambda c: c.files.__setitem__(0, replace(file("x"), id=""))),
    "the file is not what ran": ("overwritten", lambda c: c.files.__setitem__(0, replace(file("x"), digest="other"))),
    "it failed": ("not-done", lambda c: c.files.__setitem__(0, file("x", "failed", "x~lost.abc-1.yaml"))),
    "it was done twice": (
        "completed-twice", lambda c: (c.runs.append(run("x", 2, B, 110, 111)), c.records.append(record("x", 2, B))),
    ),
    "no record says done": ("done-without-record", lambda c: c.records.pop(0)),
    "the record says done and nothing ran": ("done-without-run", lambda c: c.runs.pop(0)),
    "the run had no end": ("done-without-run", lambda c: c.runs.__setitem__(0, run("x", ended=False))),
    "it ran on after it was done": ("ran-after-done", lambda c: c.runs.append(run("x", 2, B, 110, 111))),
    "two runs lived together": ("overlap", lambda c: c.runs.__setitem__(1, run("y", last=120.5, ended=False))),
    "a run met a living one": ("overlap", lambda c: c.runs.__setitem__(2, run("y", 2, B, 120, 121, together=True))),
    "an attempt's number was given twice": (
        "attempt-twice", lambda c: c.runs.append(run("y", 1, B, 110, 111, ended=False)),
    ),
    "something ran that nobody handed in": ("phantom", lambda c: c.runs.append(run("z"))),
    "something lies there that nobody handed in": ("phantom", lambda c: c.files.append(file("z"))),
    "it still waits": ("stuck", lambda c: c.files.__setitem__(0, file("x", "todo"))),
    "a claim is left": ("leftover-claim", lambda c: c.files.append(file("p", "hold", f"p@{A}.3.yaml", "p1"))),
    "a process is left": ("process", lambda c: c.rest.processes.append("n1: act")),
    "the spool's own check finds something": ("check", lambda c: c.rest.problems.append("chain-gap")),
    "it did not come to rest": ("restless", lambda c: c.rest.restless.append("todo/x.yaml")),
    "a toy vanished": ("lost", lambda c: c.files.pop(2)),
    "a toy's last text vanished": ("lost", lambda c: c.history.toys["p"].ids.append("p2")),
    "a toy was done more often than people asked": (
        "completed-twice", lambda c: c.records.append(record("p", 2, B, its_id="p1")),
    ),
    "a toy is there more often than people copied": (
        "twice-there", lambda c: c.files.append(file("p", "failed", its_id="p1")),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BREAKS)
def test_a_broken_promise_is_found(what: str, history: History, rest: Rest) -> None:
    rule, break_it = BREAKS[what]
    break_it(Case(history, rest))
    assert rule in rules(history, rest)


def test_runs_on_two_nodes_that_differ_by_less_than_the_clocks_are_no_overlap(history: History, rest: Rest) -> None:
    history.executions[1] = run("y", last=120.005, ended=False)
    assert rules(history, rest) == set()


def test_on_one_node_the_clock_is_exact(history: History, rest: Rest) -> None:
    history.executions[1] = run("y", last=120.005, ended=False)
    history.executions[2] = run("y", 2, A, 120, 121)
    rest.records[2] = record("y", 2, A)
    assert rules(history, rest) == {"overlap"}


def test_what_a_finished_run_left_behind_counts_as_alive(history: History, rest: Rest) -> None:
    history.executions[0] = run("x", last=105)
    history.executions.append(run("x", 2, B, 104, 106))
    assert "overlap" in rules(history, rest)


# -- what is not known -----------------------------------------------------------------------------------------------------


def test_a_submission_without_answer_may_be_there_or_not(history: History, rest: Rest) -> None:
    history.plain["z"] = Accepted("z", "z", sure=False)
    assert rules(history, rest) == set()
    history.executions.append(run("z"))
    rest.records.append(record("z"))
    rest.files.append(file("z"))
    assert rules(history, rest) == set()


def test_a_submission_without_answer_that_ran_must_be_somewhere(history: History, rest: Rest) -> None:
    history.plain["z"] = Accepted("z", "z", sure=False)
    history.executions.append(run("z"))
    assert rules(history, rest) == {"lost"}


def test_a_file_whose_writing_broke_off_may_be_invalid(history: History, rest: Rest) -> None:
    history.plain["z"] = Accepted("z", "z", sure=False, whole=False)
    rest.files.append(replace(file("z", "failed", "z~invalid.yaml"), id=""))
    assert rules(history, rest) == set()


def test_what_people_removed_may_be_gone_and_what_they_asked_for_may_run_again(history: History, rest: Rest) -> None:
    history.toys["p"] = Toy(["p1", "p2"], touched=2, excused=True)
    rest.files.pop(2)
    history.executions.append(run("p", 2, B, 110, 111, its_id="p1"))
    rest.records.append(record("p", 2, B, its_id="p1"))
    assert rules(history, rest) == set()


def test_people_excuse_no_overlap(history: History, rest: Rest) -> None:
    history.toys["p"] = Toy(["p1"], touched=9, excused=True)
    history.executions.append(run("p", 2, B, 100.5, 111, its_id="p1"))
    assert rules(history, rest) == {"overlap"}


def test_a_late_end_of_a_fenced_worker_is_no_second_completion(history: History, rest: Rest) -> None:
    history.executions[1] = run("y", last=103)
    rest.records[1:3] = [record("y", 2, B), record("y")]
    assert rules(history, rest) == {"completed-twice"}
    rest.fenced = frozenset({A})
    assert rules(history, rest) == set()


# -- guards that stood still --------------------------------------------------------------------------------------------------


def thawed(history: History, *, begin: float, end: float, last: float, worker: str = A) -> None:
    """`y` on n1 gave signs of life until `last`, its guard stood still from begin to end; n2 had begun at 120."""
    history.executions[1] = run("y", last=last, ended=False)
    history.unguarded = [Unguarded(frozenset({worker}), begin, end)]


def test_a_guard_that_stood_still_for_a_lease_excuses_what_it_kills_after_the_thaw(
    history: History, rest: Rest
) -> None:
    thawed(history, begin=104, end=130, last=130.2)
    assert rules(history, rest) == set()
    assert len(excused(history, LIMITS)) == 1


def test_a_record_that_was_ended_after_the_thaw_is_no_overlap(history: History, rest: Rest) -> None:
    rest.records[1] = record("y")
    rest.problems.append("overlap: y: attempt 2 began 3.605 s before 1 had ended (logs/y.1.yaml, logs/y.2.yaml)")
    rest.fenced = frozenset({A})
    history.executions[1] = run("y", last=103)
    assert rules(history, rest) == {"check"}
    history.unguarded = [Unguarded(frozenset({A}), 102, 125)]
    assert rules(history, rest) == set()


@pytest.mark.parametrize(
    ("begin", "end", "last", "worker"),
    [
        pytest.param(117, 119, 120.5, A, id="it stood still for less than the margin"),
        pytest.param(104, 130, 140, A, id="it did not kill after the thaw"),
        pytest.param(121, 190, 120.5, A, id="it stood still only afterwards"),
        pytest.param(104, 130, 130.2, B, id="it was another worker's guard"),
        pytest.param(20, 90, 120.5, A, id="it stood still long before"),
    ],
)
def test_no_other_freeze_excuses_an_overlap(
    begin: float, end: float, last: float, worker: str, history: History, rest: Rest
) -> None:
    thawed(history, begin=begin, end=end, last=last, worker=worker)
    assert rules(history, rest) == {"overlap"}
