"""The rule: what waits for ever is named, with what it waits for; what may still come is not."""

from dataclasses import replace

import pytest

from dsgspool import names
from dsgspool.snapshot.awaited import circles, stuck
from dsgspool.snapshot.values import TaskSeen
from dsgspool.task import State


def seen(identity, state=State.TODO, after=""):
    name = names.parse(f"{identity}.yaml")
    return TaskSeen(identity, state, f"{identity}.yaml", name, waits_for=names.after_folder(after) if after else "")


def waiting(**after):
    return [seen(name.replace("_", "/"), State.WAITING, what) for name, what in after.items()]


@pytest.mark.parametrize(
    ("waits", "expected"),
    [
        ({"a": ["b"], "b": ["a"]}, [{"a", "b"}]),
        ({"a": ["a"]}, [{"a"}]),
        ({"a": ["b"], "b": ["c"], "c": []}, []),
        ({"a": ["x", "b"], "b": ["c"], "c": ["a"], "d": ["a"]}, [{"a", "b", "c"}]),
        ({"s/a": ["t/"], "t/b": ["s/*"]}, [{"s/a", "t/b"}]),
        ({"s/a": ["s/"]}, []),
        ({"s/a": ["s/"], "s/b": ["s/"]}, [{"s/a", "s/b"}]),
    ],
)
def test_a_circle_is_found_once_with_all_of_its_names(waits, expected):
    found = [set(circle) for circle in circles(waits)]
    assert all(any(each <= want for want in expected) for each in found)
    assert bool(found) == bool(expected)


def test_a_long_line_is_no_circle_and_costs_no_recursion():
    assert list(circles({f"a{n}": [f"a{n + 1}"] for n in range(20_000)})) == []


def test_who_waits_for_nothing_that_is_there_is_told_by_what_is_missing():
    (found,) = stuck(waiting(b="a", c="a"))
    assert (found.kind, found.what, found.tasks) == ("unknown", "a", ("b", "c"))
    assert found.sentence == "b and 1 more wait for a, which is nowhere in the spool"


@pytest.mark.parametrize(
    ("there", "waiter", "said"),
    [
        ("fold/a", "b", "b waits for prep, which is nowhere in the spool"),
        ("prep/a", "b", "b waits for prep, which is a batch: write prep/"),
        ("prep/x/a", "flow/b", "flow/b waits for prep, which is a batch: write prep/"),
        ("flow/prep", "flow/b", "flow/b waits for prep, which is nowhere in the spool: did you mean flow/prep?"),
        ("flow/prep", "flow/x/b", "flow/x/b waits for prep, which is nowhere in the spool: did you mean flow/prep?"),
        ("flow/prep", "fold/b", "fold/b waits for prep, which is nowhere in the spool"),
        ("flow/x", "flow/prep", "flow/prep waits for prep, which is nowhere in the spool"),
        ("prep/a", "prep/b", "prep/b waits for prep, which is nowhere in the spool"),
        ("prep/x/a", "prep/y/b", "prep/y/b waits for prep, which is nowhere in the spool"),
    ],
)
def test_what_may_be_meant_by_a_name_that_is_no_task_is_told(there, waiter, said):
    (found,) = stuck([seen(there, State.DONE), seen(waiter, State.WAITING, "prep")])
    assert (found.kind, found.sentence) == ("unknown", said)


@pytest.mark.parametrize("state", [State.TODO, State.RUNNING, State.DONE, State.FAILED])
def test_what_may_still_come_is_not_told(state):
    assert stuck([seen("a", state), seen("s/x", state), *waiting(b="a", c="s/")]) == []


def test_who_waits_for_what_is_on_hold_is_told():
    found = stuck([seen("a", State.HOLD), seen("s/x", State.HOLD), seen("s/y", State.DONE), *waiting(b="a", c="s/")])
    assert [(each.kind, each.what) for each in found] == [("hold", "a"), ("hold", "s/")]


def test_a_reader_that_does_not_know_what_is_finished_takes_nothing_for_unknown():
    assert stuck(waiting(b="a"), knows_finished=False) == []


def test_a_circle_is_told_as_the_way_round():
    (found,) = stuck(waiting(a="b", b="a"))
    assert found.sentence == "a waits for b waits for a"


def test_a_batch_that_waits_for_its_own_last_task_waits_in_a_circle():
    finals = {"s.finally": "s", "t.finally": "t"}
    (found,) = stuck([*waiting(**{"s/x": "s.finally", "b": "t.finally"}), seen("t/x", State.RUNNING)], finals=finals)
    assert found.sentence == "s.finally waits for s/x waits for s.finally"
    there = seen("s.finally", State.TODO)
    assert stuck([*waiting(**{"s/x": "s.finally"}), there], finals=finals) == []


def test_a_long_circle_is_told_in_one_line_with_its_length():
    names = [f"a{number:03}" for number in range(100)]
    (found,) = stuck(waiting(**dict(zip(names, [*names[1:], names[0]], strict=True))))
    assert len(found.tasks) == 100
    assert found.sentence.endswith("a004 waits for (94 more) waits for a099 waits for a000")


def test_thousands_that_wait_for_their_own_batch_do_not_fill_the_memory_with_circles():
    found = stuck([seen(f"s/{number:04}", State.WAITING, "s/") for number in range(3000)])
    assert 0 < len([each for each in found if each.kind == "circle"]) <= 100


class Name(str):
    """A name that counts how often it is compared."""

    __slots__ = ()
    compared = 0

    def __eq__(self, other):
        Name.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def test_many_may_wait_for_a_batch_of_many_without_each_being_held_against_each():
    tasks = [replace(seen(f"s/{number}"), identity=Name(f"s/{number}")) for number in range(500)]
    assert stuck([*tasks, *waiting(**{f"t_{number}": "s/" for number in range(500)})]) == []
    assert Name.compared < 20_000
