"""The drawing of what comes after what: text, Graphviz, Mermaid, JSON; names that want to be more than names."""

import re

import pytest

from dsgspool.cli import drawn, output
from dsgspool.snapshot.sketch import draw
from dsgspool.task import After, State

HOSTILE = [
    'a"]; evil [label="', "a\\", "<b>&lt;x", "end", "`x`", "style:a#35;", "x|y{z}", "n1-->n2", "\u202eabc", "a\nb",
    "%%{init: 1}%%", "sub graph", "direction TB", "fa:fa-car", "ünïcode 名",
]  # fmt: skip


def graph(after, states=None, **options):
    names = {name for entries in after.values() for name in entries if not name.endswith("/")} | after.keys()
    known = dict.fromkeys(sorted(names), State.TODO) | (states or {})
    known = {name: state for name, state in known.items() if state}
    return draw(known, {name: tuple(map(After, entries)) for name, entries in after.items()}, **options)


def text(found, columns=80):
    return list(drawn.text(found, columns))


def test_a_drawing_for_people():
    sweep = {f"sweep/{number}": ["prep"] for number in range(3)}
    found = graph({"sum": ["sweep/", "lost"], **sweep}, {"prep": State.DONE, "sweep/0": State.FAILED, "lost": None})
    assert text(found) == [
        "prep    done",
        "sweep/  1 failed, 2 todo",
        "  <- prep",
        "sum     todo",
        "  <- lost, which is nowhere in the spool",
        "  <- sweep/",
    ]


def test_only_a_part_is_told_with_its_numbers_and_a_way_back_as_one():
    found = graph({"a/1": ["b/1"], "b/2": ["a/2"]})
    assert text(found) == [
        "b/  2 todo",
        "  <- a/ (1 of 2, for 1 of 2, below)",
        "a/  2 todo",
        "  <- b/ (1 of 2, for 1 of 2)",
    ]


def test_what_is_finished_is_not_missed_among_those_that_come_after():
    sweep = {f"s/{number}": ["prep"] for number in range(3)}
    left = graph(sweep, {"s/8": State.DONE, "s/9": State.FAILED})
    assert text(left)[1:] == ["s/    1 done, 1 failed, 3 todo", "  <- prep"]
    assert text(graph(sweep, {"s/8": State.DONE, "s/9": State.HOLD}))[2:] == ["  <- prep (for 3 of 5)"]


def test_a_batch_in_a_line_comes_after_others_of_it():
    found = graph({f"s/{number:02}": [f"s/{number - 1:02}"] for number in range(1, 40)})
    assert text(found) == ["s/  40 todo", "  <- others of it (39 of 40, for 39 of 40)"]


def test_very_many_arrows_are_cut():
    found = graph({"x": [f"s{number:02}" for number in range(40)]}, each=True)
    assert text(found)[-1] == f"  <- and {40 - drawn.MOST} more"


@pytest.mark.parametrize("columns", [40, 80])
def test_no_line_is_longer_than_the_terminal_is_wide(columns):
    long = "n" * 140
    states = dict(zip((f"{long}/{number}" for number in range(6)), State, strict=True))
    found = graph({f"{long}x": [f"{long}/"], "b": [f"{long}x", f"{long}lost"]}, {**states, f"{long}lost": None})
    rows = text(found, columns)
    assert max(map(output.width, rows)) <= columns
    assert sum(row.startswith("  <- n") for row in rows) == 3


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_stays_a_name_in_text(name):
    rows = text(graph({"z": [name]}))
    assert len(rows) == 3 and all(row.isprintable() for row in rows)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_stays_a_name_in_graphviz(name):
    rows = list(drawn.dot(graph({"z": [name]})))
    quoted = r'"(?:[^"\\]|\\.)*"'
    assert rows[0] == "digraph dsgspool {" and rows[-1] == "}"
    points = [re.fullmatch(rf"  n\d \[label=({quoted})\];", row) for row in rows[3:5]]
    assert all(points) and rows[5:-1] == ["  n1 -> n2;"]
    shown = [match[1][1:-1].removesuffix("\\ntodo") for match in points if match]
    read = [re.sub(r"\\(.)", r"\1", label).replace("&amp;", "&") for label in shown]
    assert output.clean_line(name) in read
    assert all(not re.search("&(?!amp;)", label) for label in shown)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_stays_a_name_in_mermaid(name):
    rows = list(drawn.mermaid(graph({"z": [name]})))
    assert rows[0] == "flowchart LR" and rows[-1] == "  n1 --> n2"
    labels = [re.fullmatch(r'  n\d\["([^"<>`&{}|\[\]\\]*)<br>todo"\]', row) for row in rows[1:3]]
    assert all(labels)
    read = [
        re.sub(r"#(\d+);", lambda sign: chr(int(sign[1])), match[1]).replace("\u2060", "") for match in labels if match
    ]
    assert output.clean_line(name) in read
    assert not re.search("direction|:fa-", "".join(rows))


def test_what_is_nowhere_is_dashed():
    found = graph({"z": ["lost"]}, {"lost": None})
    assert '  n1 [label="lost\\nis nowhere in the spool", style=dashed];' in list(drawn.dot(found))
    assert list(drawn.mermaid(found))[-1] == "  style n1 stroke-dasharray: 4"


def test_programs_get_numbers_names_counts_and_what_comes_before():
    found = drawn.document(graph({"z": ["a/"], "y": ["lost"]}, {"a/1": State.DONE, "lost": None}), 7)
    (point,) = [point for point in found["points"] if point["name"] == "z"]
    (first,) = [point["number"] for point in found["points"] if point["name"] == "a/"]
    assert point["after"] == [{"number": first, "wants": ("success",), "waiters": 1, "awaited": 1}]
    assert point["counts"]["todo"] == 1
    assert [each["sentence"] for each in found["stuck"]] == ["y waits for lost, which is nowhere in the spool"]
    assert (found["tasks_apart"], found["points_left_out"], found["files_not_read"]) == (0, 0, 7)
