"""What comes after what, small: batches are points, parts only where they are needed, order, circles, bounds."""

import random

import pytest

from dsgspool.snapshot.graph import Graph, Line, Point, ordered
from dsgspool.snapshot.parts import PARTS
from dsgspool.snapshot.sketch import draw
from dsgspool.task import After, State


def drawn(after, states=None, others=(), **options):
    """The graph of tasks by what they come after: {"sum": ["s/", "t:any"]}; `others` come after nothing."""
    entries = {name: tuple(_entry(word) for word in words) for name, words in after.items()}
    known = dict.fromkeys([*after, *others], State.TODO) | (states or {})
    return draw(known, entries, **options)


def _entry(word):
    what, _, wants = word.partition(":")
    return After(what, wants or "success")


def numbered(prefix, count):
    return [f"{prefix}{number:03}" for number in range(count)]


def names(graph):
    return [point.name for point in graph.points]


def lines(graph):
    """(later, first) by name."""
    called = {point.number: point.name for point in graph.points}
    return {(called[line.later], called[line.first]) for line in graph.lines}


def line_of(graph, later, first):
    called = {point.number: point.name for point in graph.points}
    (found,) = [line for line in graph.lines if (called[line.later], called[line.first]) == (later, first)]
    return found


def test_a_batch_is_one_point_with_its_states_and_stands_behind_what_it_comes_after():
    sweep = {name: ["prep"] for name in numbered("sweep/", 40)}
    graph = drawn({"sum": ["sweep/"], **sweep}, {"sweep/000": State.DONE, "prep": State.DONE})
    assert names(graph) == ["prep", "sweep/", "sum"]
    assert graph.points[1].counts == {State.DONE: 1, State.TODO: 39}
    assert lines(graph) == {("sweep/", "prep"), ("sum", "sweep/")}


def test_a_line_says_of_how_many_tasks_it_speaks_and_how_they_have_to_end():
    graph = drawn({"b/0": ["a/0:any"], "b/1": ["a/1:any", "a/0"]}, others=["a/2", "b/2", "a/0", "a/1"])
    assert line_of(graph, "b/", "a/") == Line(1, 2, waiters=2, awaited=2, wants=("any", "success"))


def test_what_is_nowhere_is_a_point_and_told_as_what_nothing_ends():
    graph = drawn({"a": ["lost", "gone/"]})
    assert {(point.name, point.kind) for point in graph.points} == {
        ("lost", "nowhere"), ("gone/", "nowhere"), ("a", "task"),
    }  # fmt: skip
    assert [(each.kind, each.what) for each in graph.stuck] == [("unknown", "gone/"), ("unknown", "lost")]


def test_very_many_names_of_a_batch_that_is_nowhere_are_one_point():
    graph = drawn({**{f"b/{name}": [f"a/{name}"] for name in numbered("", 60)}, "x": ["lost", "a/z"]})
    assert {point.name: len(point.missing) for point in graph.points if point.missing} == {
        "a/000 and 59 more": 60, "a/z": 1, "lost": 1,
    }  # fmt: skip
    assert line_of(graph, "b/", "a/000 and 59 more") == Line(1, 3, waiters=60, awaited=60)


def test_a_running_task_waits_for_nothing_that_was_removed_since():
    assert drawn({"a": ["lost"]}, {"a": State.RUNNING}).stuck == ()


def test_what_waits_for_what_is_on_hold_is_told():
    (found,) = drawn({"b": ["a"]}, {"a": State.HOLD}).stuck
    assert found.sentence == "b waits for a, which is on hold"


def test_tasks_that_have_nothing_to_do_with_others_are_counted_only():
    graph = drawn({"b": ["a"]}, others=["a", "x", "alone/1", "alone/2"])
    assert names(graph) == ["a", "b"]
    assert graph.apart == 3


def test_who_is_asked_for_by_name_is_drawn_in_any_case():
    others = numbered("x", 10)
    graph = drawn({"b": ["a"]}, others=["a", *others], named={"x003"})
    assert "x003" in names(graph) and graph.apart == 9


# -- parts -----------------------------------------------------------------------------------------------------------


def test_a_few_like_tasks_outside_of_batches_stand_by_themselves_and_many_together():
    few = drawn({name: ["prep"] for name in numbered("x", 3)}, others=["prep"])
    many = drawn({name: ["prep"] for name in numbered("x", 40)}, others=["prep"])
    assert names(few) == ["prep", "x000", "x001", "x002"]
    assert names(many) == ["prep", "x000 and 39 more"]


def test_a_batch_whose_tasks_come_after_each_other_is_taken_apart():
    study = {"s/odd": ["s/prep"], "s/even": ["s/prep"], "s/sum": ["s/odd", "s/even"]}
    assert names(drawn(study, others=["s/prep"])) == ["s/prep", "s/even", "s/odd", "s/sum"]


def test_one_that_comes_after_its_own_batch_comes_after_the_others_of_it():
    graph = drawn({"s/sum": ["s/"]}, others=numbered("s/", 5))
    assert names(graph) == ["s/000 and 4 more", "s/sum"]
    assert lines(graph) == {("s/sum", "s/000 and 4 more")}
    assert graph.stuck == ()


def test_a_batch_with_too_many_different_tasks_is_taken_apart_by_how_far_behind_they_are():
    pairs = {f"s/z{name}": [f"s/{name}"] for name in numbered("", 100)}
    graph = drawn({**pairs, "s/zz": ["s/z*"]}, others=numbered("s/", 100))
    assert names(graph) == ["s/000 and 99 more", "s/z000 and 99 more", "s/zz"]


def test_a_batch_that_is_one_long_line_stays_whole_and_says_so():
    chain = {f"s/{number:03}": [f"s/{number - 1:03}"] for number in range(1, 50)}
    graph = drawn(chain, others=["s/000"])
    assert names(graph) == ["s/"]
    assert graph.lines == (Line(1, 1, waiters=49, awaited=49),)


@pytest.mark.parametrize("prefix", ["s/", ""])
def test_no_batch_has_more_parts_than_the_bound_and_none_of_its_tasks_is_left_out(prefix):
    chance = random.Random(4)
    for size in (5, 30, 200):
        tasks = numbered(prefix, size)
        after = {name: chance.sample(tasks, chance.randrange(3)) for name in tasks}
        graph = drawn(after)
        assert len(graph.points) <= PARTS
        assert sorted(name for point in graph.points for name in point.tasks) == [
            name for name in tasks if name not in _apart(after, prefix)
        ]


def _apart(after, prefix):
    """Outside of batches, those without a line."""
    tied = {name for name, words in after.items() if words} | {word for words in after.values() for word in words}
    return set() if prefix else after.keys() - tied


# -- order, circles --------------------------------------------------------------------------------------------------


def test_what_comes_first_stands_first_whatever_the_names_are():
    chance = random.Random(5)
    for _ in range(50):
        number = 12
        place = chance.sample(range(number), number)
        found = {(a, b) for a in range(number) for b in range(number) if place[a] < place[b] and chance.random() < 0.2}
        order = ordered([str(chance.random()) for _ in range(number)], found)
        assert sorted(order) == list(range(number))
        assert all(order.index(first) < order.index(later) for first, later in found)


def test_the_order_does_not_depend_on_that_of_the_tasks():
    after = {
        "b/1": ["a/", "c"],
        "c": ["a/1"],
        "d": ["b/", "x*"],
        "e": ["d", "lost"],
        "x1": ["e"],
        "y/1": ["y/2", "y/3"],
    }
    others = ["a/1", "a/2", "y/2", "y/3"]
    graphs = set()
    for seed in range(5):
        pairs = list(after.items())
        random.Random(seed).shuffle(pairs)
        graphs.add(repr(drawn(dict(pairs), others=others[seed % 2 :: 1] + others[: seed % 2])))
    assert len(graphs) == 1


def test_a_circle_is_drawn_and_told():
    graph = drawn({"a": ["b"], "b": ["a"], "c": ["a"]})
    assert sorted(names(graph)) == ["a", "b", "c"]
    assert [each.sentence for each in graph.stuck if each.kind == "circle"] == ["a waits for b waits for a"]


def test_batches_that_come_after_each_other_task_by_task_are_no_circle():
    graph = drawn({"a/1": ["b/1"], "b/2": ["a/2"]}, others=["a/2", "b/1"])
    assert lines(graph) == {("a/", "b/"), ("b/", "a/")}
    assert graph.stuck == ()


# -- each task by itself ---------------------------------------------------------------------------------------------


def test_each_task_is_a_point_and_so_is_a_batch_that_is_waited_for():
    graph = drawn({"x": ["s/"], "y": ["s/"]}, others=["s/1", "s/2", "z"], each=True)
    assert names(graph) == ["s/1", "s/2", "s/", "x", "y"]
    assert [point.kind for point in graph.points] == ["task", "task", "asked", "task", "task"]
    assert lines(graph) == {("s/", "s/1"), ("s/", "s/2"), ("x", "s/"), ("y", "s/")}
    assert graph.apart == 1


def test_one_that_waits_for_its_own_batch_is_not_drawn_as_a_circle():
    graph = drawn({"s/sum": ["s/"]}, others=["s/1"], each=True)
    assert lines(graph) == {("s/sum", "s/"), ("s/", "s/1")}


# -- a part of it ----------------------------------------------------------------------------------------------------

CHAIN = {"b": ["a"], "c": ["b"], "d": ["c"], "side": ["a"], "x": ["lost"]}


def test_around_a_task_is_all_that_comes_before_and_after_it_and_nothing_beside():
    graph = drawn(CHAIN, others=["a"]).around(lambda point: point.name == "c")
    assert names(graph) == ["a", "b", "c", "d"]
    assert graph.stuck == ()  # that x waits for what is lost is another story


def test_what_is_nowhere_is_part_of_whatever_waits_for_it():
    after = {"b": ["a"], "c": ["b", "lost"]}
    assert names(drawn(after, others=["a"]).around(lambda point: point.name == "b")) == ["a", "b", "lost", "c"]
    assert names(drawn({"a": ["lost"], "b": ["a"]}).shortened(1)) == ["lost", "a"]


def test_a_shortened_graph_says_how_much_is_cut_and_keeps_whole_lines_only():
    graph = drawn(CHAIN, others=["a"]).shortened(2)
    assert (names(graph), graph.cut) == (["a", "b"], 4)
    assert lines(graph) == {("b", "a")}
    assert [each.what for each in graph.stuck] == ["lost"]


def test_lines_of_a_point_are_found_by_its_number():
    graph = Graph(
        (Point(1, "a", "task"), Point(2, "b", "task"), Point(3, "c", "task")),
        (Line(1, 2, 1, 1), Line(1, 3, 1, 1), Line(2, 3, 1, 1)),
    )
    assert [[line.first for line in graph.before(point.number)] for point in graph.points] == [[], [1], [1, 2]]
