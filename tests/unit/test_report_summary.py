"""report.txt: the page's facts in 80 columns, whatever others called their tasks."""

from __future__ import annotations

import re

import pytest

from dsgspool.conditions import in_words
from dsgspool.report import lines, summary, words
from dsgspool.report.digest import digest
from dsgspool.snapshot.standings import Standing
from dsgspool.snapshot.values import Counts
from tests.support.books import NOW, Made

HOSTILE = "\x1b[31m<b>日本語\u202egpj\x00\t\"'" + "so-long-" * 14


def busy() -> Made:
    made = Made()
    for n in (1, 2):
        made.worker(f"n{n}-aaaaaaa{'ab'[n - 1]}")
    made.worker("n4-dddddddd", how="silent", silent=430.0)
    made.done(*(f"sweep/{n}" for n in range(20)), seconds=95.0, memory=3 << 30)
    made.running("sweep/now", progress=0.37, seconds=40.0)
    made.running("sweep/held", "n4-dddddddd", seconds=700.0)
    made.task("todo", *(f"sweep/next{n}" for n in range(9)))
    made.failed("align/7", "KeyError: 'row 7'", wid="n2-aaaaaaab")
    made.failed("align/8", "KeyError: 'row 8'", wid="n2-aaaaaaab")
    return made


def text(made: Made) -> str:
    return summary.text(digest(made.book()))


def test_it_tells_all_that_the_first_screen_tells() -> None:
    found = text(busy())
    flat = " ".join(found.split())
    for told in (
        "/lab/spool", "Node n4 has been silent for 7 min and holds 1 task; running on 1 node, done about",
        "Eight in ten: ",
        "# 20 done x 2 failed > 2 running . 9 to do", "2 failures have 1 cause", "2 x KeyError: <...>", "on n2 (2)",
        "align/7", "Run all again: dsgspool --spool /lab/spool requeue align/7 align/8",
        "sweep [#", "takes 1 min 35 s", "memory up to 3.0 GiB",
        "n4 silent 7 min", "37 %", "(its worker is silent)", "attempts: 24 started, 20 done; tasks: 2 failed",
    ):  # fmt: skip
        assert told in flat, told


def test_what_people_cancelled_stands_behind_the_causes_without_a_command() -> None:
    made = busy()
    for n in range(12):
        made.failed(f"c/{n}", tag="cancelled", wid="n2-aaaaaaab")
    found = text(made)
    assert "2 FAILURES, 1 CAUSE" in found and "--reason cancelled" not in found
    causes, _, last = found.partition("12 TASKS CANCELLED BY PEOPLE")
    assert "2 x  KeyError" in causes and "and 2 more" in last.partition("IN THE LAST HOUR")[0]
    assert "tasks: 2 failed, 12 cancelled" in last


def test_attempts_that_failed_and_go_again_are_told_as_attempts_and_as_over_when_nothing_is_left_to_try() -> None:
    made = Made()
    made.worker("n1-aaaaaaaa")
    for n in range(3):
        made.attempt(f"a/{n}", "exit1", "n1-aaaaaaaa", ago=100.0)
    made.done("a/0", "a/1", "a/2", ago=50.0)
    assert "attempts: 6 started, 3 done, 3 failed and were tried again\n" in text(made)
    assert re.search(r"attempts that ended\nnode .* done +failed +lost\n", text(made))
    made.task("todo", "a/3")
    assert "3 failed and go again\n" in text(made)


def test_an_empty_spool_is_told_in_few_lines() -> None:
    found = text(Made())
    assert "[--] Nothing to do: the spool is empty" in found
    assert len(found.splitlines()) < 10


def test_names_of_one_batch_are_told_apart_by_their_ends() -> None:
    made = Made()
    made.worker("n1-aaaaaaaa")
    for n in (1, 2):
        made.running(f"fit/a-rather-long-name-of-a-task-{n}")
    rows = [line for line in text(made).splitlines() if line.startswith("fit/a-")]
    assert [row[:26] for row in rows] == ["fit/a-rather...of-a-task-1", "fit/a-rather...of-a-task-2"]


def test_a_batch_that_is_held_back_says_so() -> None:
    made = Made()
    made.worker("n1-aaaaaaaa")
    made.task("todo", "sweep/1", "align/1")
    made.policies["sweep"] = Standing("paused", "batches/sweep.yaml says `paused: true`", stops=True)
    found = text(made)
    assert "[!!] Batch sweep is paused, and 1 task waits; about to start: 1 task" in found
    assert "    PAUSED\n" in found


def test_no_line_is_wider_than_a_terminal_and_nothing_of_strangers_is_hidden() -> None:
    made = busy()
    made.worker(f"{'h' * 20}-aaaaaaaa", slots=1000)
    for n in range(30):
        made.done(f"{HOSTILE}{n}/x", memory=9)
        made.failed(
            f"{HOSTILE}/{n}",
            f"{HOSTILE} {'w' * 300} no {chr(97 + n % 26)} here",
            tag="signal9",
            wid=f"{'h' * 20}-aaaaaaaa",
        )
        made.problems.append(f"todo/{HOSTILE}: {'x' * 200}")
    found = text(made)
    assert max(lines.columns(line) for line in found.splitlines() if not line.startswith("dsgspool ")) <= 80
    assert not set(found) & set("\x1b\x00\t\u202e")
    assert r"\x1b[31m<b>" in found


@pytest.mark.parametrize("width", [1, 5, 26, 78])
def test_a_bar_has_its_width_and_shows_what_is_not_nothing(width: int) -> None:
    drawn = summary.drawn(Counts(todo=1, running=1, done=100_000, failed=1), width)
    assert len(drawn) == width
    assert width < 5 or set(drawn) == set("#x>.")
    assert summary.drawn(Counts(), width) == " " * width


def test_a_silent_node_is_told_however_many_are_alive_and_how_many_are_left_out() -> None:
    made = Made()
    for n in range(summary.MOST_NODES + 1):
        made.worker(f"m{n:03}-aaaaaaaa")
    made.worker("z-bbbbbbbb", how="silent", silent=427)
    found = text(made)
    assert f"{summary.MOST_NODES + 1} NODES ALIVE" in found
    assert re.search(r"(?m)^z +silent 7 min ", found) and "\nand 2 more nodes\n" in found


def test_commands_are_whole_on_a_line_of_their_own() -> None:
    made = busy()
    for each in range(12):
        made.failed(f"align/9 b{each}", "ValueError: something else")
    found = text(made).splitlines()
    names = " ".join(f"'align/9 b{each}'" for each in range(12))
    assert f"dsgspool --spool /lab/spool requeue {names}" in found
    assert "dsgspool --spool /lab/spool requeue align/7 align/8" in found
    assert found.count("         Run all again:") == 2


def test_two_rates_of_a_line_have_one_unit_and_say_since_when() -> None:
    made = Made()
    made.worker("n1-aaaaaaaa")
    made.done(*(f"a/{n}" for n in range(480)), ago=600.0, seconds=120.0)
    made.failed("a/bad", "no")
    made.running("a/now")
    assert "\nattempts: 40 / min done, 0.1 / min failed, over 12 min\n" in text(made)
    assert re.search(r"\nattempts: 480 done, 1 failed, in 11 min, until \d\d:\d\d\n", text(over()))


def over() -> Made:
    made = Made()
    made.done(*(f"a/{n}" for n in range(480)), ago=600.0, seconds=120.0)
    made.failed("a/bad", "no")
    return made


def test_a_command_in_a_sentence_is_never_broken() -> None:
    made = Made()
    made.worker("n1-aaaaaaaa")
    batch = "a-batch-with-a-rather-long-name-that-fills-the-line"
    made.task("todo", "b/1", f"{batch}/1")
    for name in ("b", batch):
        made.policies[name] = Standing("paused", f"{name}.yaml says so", stops=True)
    found = text(made).splitlines()
    assert "   - Batch b: b.yaml says so; `dsgspool --spool /lab/spool batch resume b` lets" in found
    assert f"dsgspool --spool /lab/spool batch resume {batch}" in found
    assert found[found.index(f"dsgspool --spool /lab/spool batch resume {batch}") + 1] == "     lets it go on"


def test_long_lists_say_how_much_is_left_out() -> None:
    made = Made()
    made.worker("n1-aaaaaaaa", slots=99)
    for n in range(60):
        made.running(f"b{n}/x", seconds=n)
    found = text(made)
    assert "and 30 more" in found
    assert "and 40 more" in found


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.85, "850 ms"), (0.9999, "1.0 s"), (9.94, "9.9 s"), (42, "42 s"), (59.97, "1 min"), (245, "4 min 05 s"),
        (420, "7 min"), (725, "12 min"), (3599, "1 h 00 min"), (7800, "2 h 10 min"), (273_600, "3 d 4 h"),
    ],
)  # fmt: skip
def test_a_duration_is_written_for_people(seconds: float, told: str) -> None:
    assert words.duration(seconds) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(3, "5 s"), (42, "40 s"), (95, "90 s"), (200, "3 min"), (5000, "83 min"), (7000, "2 h"), (3e5, "3 d")],
)
def test_what_is_roughly_known_is_told_roughly(seconds: float, told: str) -> None:
    assert words.about(seconds) == told


@pytest.mark.parametrize(
    ("seconds", "told"), [(59.9, "59 s"), (119, "119 s"), (430, "7 min"), (7300, "2 h"), (2e5, "2 d")]
)
def test_an_age_is_told_in_whole_units_that_have_passed(seconds: float, told: str) -> None:
    assert words.age(seconds) == told


@pytest.mark.parametrize(
    ("number", "told"),
    [(0, "0 B"), (1023, "1023 B"), (3 << 29, "1.5 GiB"), (100 << 20, "100.0 MiB"), (5 << 40, "5.0 TiB")],
)
def test_a_size_is_written_for_people_as_on_the_command_line_and_in_the_units_of_task_files(
    number: float, told: str
) -> None:
    assert words.size(number) == told == in_words(number)


@pytest.mark.parametrize(
    ("share", "told"), [(0, "0 %"), (0.001, "< 1 %"), (0.37, "37 %"), (0.999, "> 99 %"), (1, "100 %"), (1.3, "130 %")]
)
def test_almost_all_is_not_all_and_little_is_not_nothing(share: float, told: str) -> None:
    assert words.percent(share) == told


def test_words_in_a_row() -> None:
    assert words.enumeration(["a"]) == "a"
    assert words.enumeration(["a", "b"]) == "a and b"
    assert words.enumeration(["a", "b", "c"]) == "a, b and c"
    assert words.enumeration(list("abcdef"), 2) == "a, b and 4 more"
    assert words.many(1, "batch", "batches") == "1 batch"
    assert words.many(1200, "task") == "1,200 tasks"
    assert words.rates(6000, 428) == ["100 / min", "7.1 / min"]
    assert words.rates(6000, 2) == ["100 / min", "< 0.1 / min"]
    assert (words.over(3600.0), words.over(720.0)) == ("over the last hour", "over 12 min")
    assert (words.rate(3.44), words.rate(120), words.rate(6000)) == ("3.4 / h", "120 / h", "100 / min")


@pytest.mark.parametrize(
    ("ahead", "pattern"),
    [
        (0, r"\d\d:\d\d"),
        (3 * 86400, r"\w{3} \d\d:\d\d"),
        (8 * 86400, r"\d+ \w{3} \d\d:\d\d"),
        (4e7, r"\d{4}-\d\d-\d\d"),
    ],
)
def test_a_moment_is_told_as_seen_from_the_look(ahead: float, pattern: str) -> None:
    import re

    assert re.fullmatch(pattern, words.moment(NOW + ahead, NOW))
    assert words.moment(1e300, NOW).startswith("9999")


def test_a_moment_ahead_is_no_finer_than_it_can_be_known() -> None:
    assert words.rounded(1000.0, 600.0) % 60 == 0
    assert words.rounded(100_000.0, 5000.0) % 300 == 0
    assert words.rounded(100_000.0, 90_000.0) % 900 == 0
