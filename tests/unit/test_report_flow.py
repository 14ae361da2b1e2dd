"""The picture of what waits for what: boxes from left to right, few files read, names of others are text."""

from __future__ import annotations

import re

import pytest

from dsgspool.report import waits as module
from dsgspool.report.digest import digest
from dsgspool.report.flow import MOST, flow
from dsgspool.report.render import LABELS, sections
from dsgspool.report.waits import MOST_READ, waits
from dsgspool.snapshot import take
from dsgspool.snapshot.sketch import draw
from dsgspool.spool import Spool
from dsgspool.spool.laying import lay_down
from dsgspool.task import After, State
from tests.support.books import Made

NAME = "\"'><img src=x onerror=alert(2)> \u202e&amp;"


@pytest.fixture
def put(tmp_path):
    list(lay_down(str(tmp_path / "spool")))

    def make(path, text="command: x\n"):
        file = tmp_path / "spool" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    return make


@pytest.fixture
def looked(tmp_path):
    """What a rendering draws."""

    def look():
        spool = Spool.open(str(tmp_path / "spool"))
        seen = take(spool)
        return waits(spool, [task for task in seen.tasks if task.state is not State.DONE], seen.batches)

    return look


def told(graph):
    called = {point.number: point.name for point in graph.points}
    return {(called[line.later], called[line.first]) for line in graph.lines}


def picture(after, **states):
    known = dict.fromkeys([*after, *states], State.WAITING) | states
    graph = draw(known, {name: tuple(map(After, whats)) for name, whats in after.items()})
    return graph, str(flow(graph, LABELS))


def places(svg):
    """Name -> (x, y) of its box."""
    found = re.findall(r'<svg class="\w+" x="(\d+)" y="(\d+)" [^>]*><title>(.*?): ', svg)
    return {name: (int(x), int(y)) for x, y, name in found}


def test_what_waits_is_drawn_with_all_that_its_file_says(put, looked):
    put("waiting/after-s%/sum~0.abcdefgh-1.yaml", "command: x\nafter: [s/, prep, lost]\n...\n")
    put("done/s/1.yaml")
    put("todo/s/2.yaml")
    put("done/prep.yaml")
    graph = looked()
    assert told(graph) == {("sum", "s/"), ("sum", "prep"), ("sum", "lost")}
    assert {point.name: dict(point.counts) for point in graph.points} == {
        "s/": {State.TODO: 1, State.DONE: 1}, "prep": {State.DONE: 1}, "lost": {}, "sum": {State.WAITING: 1},
    }  # fmt: skip


def test_a_batch_that_is_over_is_not_called_nowhere(put, looked):
    put("waiting/after-s%/sum~0.abcdefgh-1.yaml", "command: x\nafter: [s/, t/]\n...\n")
    put("done/s/1.yaml")
    put("done/t/1.yaml")
    assert told(looked()) == set()


def test_of_each_batch_few_files_are_read(put, looked, monkeypatch):
    read = []
    for number in range(300):
        put(f"waiting/after-a%{number}/b/{number}~0.abcdefgh-{number}.yaml", "command: x\nafter: [a/1, prep]\n...\n")
        put(f"waiting/after-lost{number}/x{number}~0.abcdefgh-{number}.yaml", f"command: x\nafter: lost{number}\n...\n")
    said = module._said
    monkeypatch.setattr(module, "_said", lambda spool, task: read.append(task.batch) or said(spool, task))
    looked()
    assert read.count("b") == 1 and len(read) == MOST_READ


def test_a_spool_in_which_nothing_waits_has_no_picture(put, looked):
    put("todo/a.yaml", "command: x\nafter: b\n")
    assert looked().points == ()
    assert "What waits for what" not in sections(digest(Made().book()), {})["batches"]


def test_in_a_spool_of_very_many_there_is_no_picture_that_would_cost_seconds(put, looked, monkeypatch):
    put("waiting/after-a/b~0.abcdefgh-1.yaml", "command: x\nafter: a\n...\n")
    put("todo/a.yaml")
    assert len(looked().points) == 2
    monkeypatch.setattr(module, "MOST", 1)
    assert looked().points == ()


def test_what_comes_after_stands_to_the_right_and_near_to_what_it_comes_after():
    _, svg = picture({"b": ["a"], "c": ["b", "late"], "d": ["b"]}, a=State.DONE, late=State.HOLD)
    at = places(svg)
    assert at["a"][0] < at["b"][0] == at["late"][0] < at["c"][0] == at["d"][0]
    assert len(set(at.values())) == len(at)


def test_a_circle_is_drawn_with_one_way_back():
    _, svg = picture({"a": ["b"], "b": ["c"], "c": ["a"]})
    assert len(re.findall('class="way"', svg)) == 2 and len(re.findall('class="way back"', svg)) == 1


def test_a_picture_has_a_bound():
    graph, svg = picture({f"x{number:03}": [f"y{number:03}"] for number in range(20)} | {
        f"s{number}/1": [f"t{number}/1"] for number in range(100)})  # fmt: skip
    assert len(graph.points) > MOST
    assert len(places(svg)) <= 2 * MOST  # what is nowhere is beside those that wait for it


def test_names_of_others_are_text():
    _, svg = picture({NAME: ["s/"], f"s/{NAME}": [f"{NAME}-lost"]})
    assert "<img" not in svg and "\u202e" not in svg and "&amp;amp;" in svg


def test_a_state_is_told_in_words_too():
    _, svg = picture({"sum": ["s/"]}, **{"s/1": State.FAILED, "s/2": State.TODO})
    assert "1 failed, 1 to do" in svg and ">waiting<" in svg
