"""The table of tasks, the page of a task and the failures: search, sort, filter, links that show the same view, copies."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.conftest import OpenReader
from tests.browser.count import count
from tests.browser.hand import Hand
from tests.browser.reader import WIDE, Reader, render
from tests.browser.seeds import SEEDS, Seed
from tests.support.spools import identity_of

pytestmark = pytest.mark.browser

TO_THE_END = """() => {
  const scrolls = each => each.scrollHeight > each.clientHeight * 4 && /auto|scroll/.test(getComputedStyle(each).overflowY);
  const found = [...document.querySelectorAll('main *')].find(scrolls);
  if (found) found.scrollTo(0, found.scrollHeight);
  else scrollTo(0, document.body.scrollHeight);
}"""
Study = tuple[Hand, Path]


def test_words_and_keys_find_tasks(study: Study, readers: OpenReader) -> None:
    reader = readers(study[1]).open("/tasks")
    everything = sum(sum(batches.values()) for batches in count(str(study[0])).values())
    assert reader.shown() == everything
    for query, expected in {
        "state:failed": 15,
        "batch:sweep": 12,
        "state:failed batch:train": 6,
        "good": 4,
        "train/good-2": 1,
        "outcome:timeout": 2,
        "reason:quota": 4,
        "attempts:>1": 1,
        "attempts:3": 1,
        "-state:done": 15,
        "state:done -batch:sweep": 5,
        "no such thing": 0,
    }.items():
        reader.search(query)
        assert reader.shown() == expected, query


def test_a_click_on_a_column_sorts_by_it_and_another_one_turns_it(study: Study, readers: OpenReader) -> None:
    reader = readers(study[1]).open("/tasks?q=state:failed")
    first = reader.sort("task")
    assert first == sorted(first)
    assert reader.sort("task") == first[::-1]
    assert "sort=" in reader.hash()


def test_a_link_shows_the_same_view_to_somebody_else(study: Study, readers: OpenReader) -> None:
    mine = readers(study[1]).open("/tasks")
    mine.search("state:failed")
    mine.sort("task")
    mine.sort("task")
    theirs = readers(study[1]).open(mine.hash().removeprefix("#"))
    assert theirs.rows() == mine.rows()
    assert theirs.page.locator("input[type=search]:visible").input_value() == "state:failed"


@pytest.mark.parametrize("route", [
    "/tasks?q=seconds>0&sort=-memory&cols=resources", "/tasks?q=code:1&sort=worker", "/tasks?sort=host&cols=all",
    "/timeline?by=batch",
])  # fmt: skip
def test_a_link_that_needs_what_is_read_later_shows_the_same_as_when_all_is_there(
    route: str, study: Study, readers: OpenReader
) -> None:
    def seen(reader: Reader) -> object:
        return reader.rows(), reader.page.locator("main .legend:visible").all_inner_texts()

    mine = readers(study[1]).open("/task/train/good-1").go(route)  # the page of a task reads everything
    assert seen(readers(study[1]).open(route)) == seen(mine)
    assert any(seen(mine))


def test_the_way_back_leads_to_the_view_before(study: Study, readers: OpenReader) -> None:
    reader = readers(study[1]).open("/tasks?q=state:failed")
    shown = reader.rows()
    reader.page.locator("[data-task]:visible a").first.click()
    reader.page.wait_for_function("() => location.hash.startsWith('#/task/')")
    reader.settle()
    reader.page.go_back()
    reader.page.wait_for_function("() => location.hash.startsWith('#/tasks')")
    reader.settle()
    assert reader.rows() == shown


def test_what_is_shown_can_be_saved_as_csv_and_json(study: Study, readers: OpenReader) -> None:
    reader = readers(study[1], accept_downloads=True).open("/tasks?q=batch:align")
    for kind in ("CSV", "JSON"):
        with reader.page.expect_download() as download:
            reader.page.locator("button:visible", has_text=kind).first.click()
        text = Path(download.value.path()).read_text()
        assert sorted(each for each in ("align/s0", "align/s1", "align/s2", "align/s3") if each in text) == [
            f"align/s{n}" for n in range(4)
        ]
        assert "sweep" not in text
        if kind == "JSON":
            assert len(json.loads(text)) == 4
        else:
            assert len(text.splitlines()) == 5


def test_a_selection_gives_a_command_that_does_it(study: Study, readers: OpenReader) -> None:
    reader = readers(study[1], permissions=["clipboard-read", "clipboard-write"]).open(
        "/tasks?q=state:failed%20batch:align"
    )
    for box in reader.page.locator("[data-task]:visible input[type=checkbox]").all()[:2]:
        box.check()
    copied = reader.copy(reader.page.locator("button.copy:visible").first)
    assert copied.startswith("dsgspool --spool ") and " requeue " in copied
    assert copied.count("align/") == 2


@pytest.mark.parametrize("which", ["dsgspool", "cd "])
def test_the_command_of_a_cause_is_copied_and_does_it(
    seeded: Callable[[Seed], Hand], readers: OpenReader, which: str
) -> None:
    spool = seeded(next(seed for seed in SEEDS if seed.name == "several causes"))
    reader = readers(render(spool), permissions=["clipboard-read", "clipboard-write"]).open("/failures")
    cause = reader.page.locator("[data-cause]:visible", has_text="quota").first
    button = cause.locator(f"button.copy[data-copy^='{which}']")
    if not button.is_visible():
        cause.locator("summary").first.click()
    words = reader.copy(button)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", words], env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, (words, done.stderr)
    assert {identity_of(file) for file in spool.ls("todo")} == {f"align/s{n}" for n in range(4)}, words


def test_a_task_tells_all_of_its_attempts(study: Study, readers: OpenReader) -> None:
    text = readers(study[1]).open("/task/flaky").text()
    assert "lost contact, try 2" in text
    for attempt in ("1", "2", "3"):
        assert attempt in text
    assert "exit9" in text or "exit code 9" in text
    assert "DSGSPOOL_ATTEMPT" in text, "the YAML as it was run"


def test_a_task_that_was_never_started_says_whose_fault_that_is_and_claims_no_run(
    tmp_path: Path, readers: OpenReader
) -> None:
    spool = Hand(tmp_path / "lab" / "spool")
    wid = spool.worker("n1-aaaaaaaa")
    spool.failed("prep/7", wid, ago=60, err="ValueError: no\n")
    spool.unstarted("sum", wid, ago=50, culprit="prep/7 (of prep/)", after="[prep/, other: any]")
    spool.unstarted("plot", wid, ago=40, culprit="sum", after="sum")
    spool.done("sweep", wid, ago=30, text="command: 'true'\nafter:\n  - prep/7: failure\n...\n")
    spool.done("bare", wid, ago=20)
    for log in (spool.root / "logs").glob("bare.1.[oe]*"):
        log.unlink()  # somebody made room
    index = render(spool)
    reader = readers(index).open("/task/plot")
    text = " ".join(reader.main.inner_text().split())
    assert re.search(r"Failed Not started, [\d:]+: sum has failed", text), text
    assert "Failed because of sum, Failed; that one because of prep/7, Failed Comes after sum" in text.replace(
        " ,", ","
    )
    assert "Task as it was read" in text and "It was not started" in text
    for wrong in ("0 ms", "Task as it was run", "stderr", "stdout", "cannot be read", "dsgspool logs", "run time of"):
        assert wrong not in text, wrong
    assert hrefs(reader, ".dependencies a") == ["#/task/sum", "#/task/prep/7", "#/task/sum"]
    text = " ".join(reader.go("/task/sum").page.locator(".dependencies").inner_text().split())
    assert text.replace(" ,", ",") == "Failed because of prep/7, Failed Comes after prep/; other, however it ends"
    text = " ".join(reader.go("/task/sweep").page.locator(".dependencies").inner_text().split())
    assert text.replace(" ,", ",") == "Comes after prep/7, Failed, its failure"
    for task in ("plot", "sweep", "prep/7"):
        for link in hrefs(reader.go(f"/task/{task}"), "main a[href^='../logs/']"):
            assert (index.parent / link).exists(), link
    assert hrefs(reader.go("/task/bare"), "main a[href^='../logs/']") == ["../logs/bare.1.yaml"]


def test_a_task_that_was_cancelled_after_an_attempt_does_not_say_that_the_attempt_sent_it_there(
    tmp_path: Path, readers: OpenReader
) -> None:
    spool = Hand(tmp_path / "lab" / "spool")
    facts = {"exit_code": 3, "reason": "exit code 3: no", "next": "waiting"}
    spool.record("fit/1", spool.worker("n1-aaaaaaaa"), ago=900, outcome="exit3", err="no\n", **facts)
    spool.overwrite("failed/fit/1~cancelled.abcdefgh-1.yaml", "command: 'true'\n...\n")
    killed = {"reason": "SIGTERM by a person", "signal": 15, "next": "failed~cancelled"}
    spool.record("fit/2", "n1-aaaaaaaa", ago=600, outcome="cancelled", **killed)
    spool.overwrite("failed/fit/2~cancelled.abcdefgh-2.yaml", "command: 'true'\n...\n")
    reader = readers(render(spool)).open("/task/fit/1")
    told = " ".join(reader.page.locator(".sentence").inner_text().split())
    when = r"(\d+ \w+ )?[\d:]+$"  # just after midnight it was yesterday
    assert re.search(rf"Failed cancelled; last attempt: exit code 3: no after 1\.0 s on n1, {when}", told), told
    assert "cancelled; last attempt: exit code 3: no" in reader.go("/tasks").text()
    assert "cancelled by people 2" in reader.go("/").text(), "both, though one came without an attempt"
    text = reader.go("/nodes").text()
    assert "failed 1 100 %" in text, "what a person cancelled is no failure of the node"
    reader.go("/timeline")
    reader.page.wait_for_function("() => /attempt/.test(document.querySelector('.summary').textContent)")
    assert reader.page.locator(".summary").inner_text() == "2 attempts on 1 node: 1 failed, 1 given back."


def test_an_attempt_that_is_not_the_first_tells_no_wait(tmp_path: Path, readers: OpenReader) -> None:
    spool = Hand(tmp_path / "lab" / "spool")
    spool.record("fit/1", spool.worker("n1-aaaaaaaa"), ago=900, outcome="exit3", waited=10.0, reason="exit code 3")
    spool.record("fit/1", "n1-aaaaaaaa", ago=400, outcome="done", waited=510.0)
    spool.overwrite("done/fit/1.yaml", "command: 'true'\n...\n")
    reader = readers(render(spool)).open("/task/fit/1")
    waits = reader.page.locator(".attempts [data-label=waited]")
    assert waits.all_inner_texts() == ["", "10 s"]
    assert reader.go("/tasks?q=waited%3E1s").shown() == 0
    assert reader.go("/tasks?q=time%3E0s").shown() == 1


def test_the_note_of_what_was_stopped_is_why_and_not_the_last_line_of_its_log(
    tmp_path: Path, readers: OpenReader
) -> None:
    spool = Hand(tmp_path / "lab" / "spool")
    facts = {"reason": "still running after 5 s", "next": "failed~timeout"}
    spool.record(
        "fit/1", spool.worker("n1-aaaaaaaa"), ago=900, outcome="timeout", out="folding inputs/s050.txt\n", **facts
    )
    spool.overwrite("failed/fit/1~timeout.abcdefgh-1.yaml", "command: 'true'\n...\n")
    spool.failed("fit/2", "n1-aaaaaaaa", ago=800, err="boom\n")
    text = readers(render(spool)).open("/tasks").text()
    assert "still running after 5 s" in text and "folding" not in text and "boom" in text


def hrefs(reader: Reader, where: str) -> list[str]:
    return reader.page.locator(f"{where}:visible").evaluate_all("all => all.map(each => each.getAttribute('href'))")


def test_colours_of_a_log_are_colours(study: Study, readers: OpenReader) -> None:
    reader = readers(study[1]).open("/task/sweep/0003")
    ok = reader.page.locator("pre:visible span", has_text="ok").first
    assert ok.evaluate("e => getComputedStyle(e).color") != reader.page.locator("pre:visible").first.evaluate(
        "e => getComputedStyle(e).color"
    )
    log = reader.page.locator("pre[data-tail=out]:visible").inner_text()
    assert log == "ok value 3 of 12"


def test_a_bar_that_was_drawn_over_itself_is_told_by_its_last_state(study: Study, readers: OpenReader) -> None:
    reader = readers(study[1]).open("/task/train/good-1")
    log = reader.page.locator("pre[data-tail=err]:visible").inner_text()
    assert log == "epoch: 100%|==========| 40/40 [00:02<00:00, 20.1it/s]"


def test_a_line_of_a_log_stays_one_line_and_the_log_scrolls(tmp_path: Path, readers: OpenReader) -> None:
    spool = Hand(tmp_path / "lab" / "spool")
    pointing = f"    {'value = ' + 'float(cell) + ' * 12}\n    {'^' * 170}\nValueError: no\n"
    spool.failed("x", spool.worker("n1-aaaaaaaa"), ago=60, err=pointing, out="short\n")
    index = render(spool)
    for width in (1280, 390):
        reader = readers(index, viewport={"width": width, "height": 800})
        for route, log in (("/task/x", "pre[data-tail=err]"), ("/", ".tail pre")):
            pre = reader.open(route).page.locator(f"{log}:visible").first
            height, line, scrolls = pre.evaluate(
                "e => [e.clientHeight, parseFloat(getComputedStyle(e).lineHeight), e.scrollWidth > e.clientWidth]"
            )
            assert scrolls and 3 * line <= height < 5.9 * line, (width, route, height, line)
            assert reader.overflow() <= 0
            pre.focus()
            reader.page.keyboard.press("ArrowRight")
            reader.page.wait_for_function("log => document.querySelector(`main ${log}`).scrollLeft > 0", arg=log)
    wide = readers(index, viewport=WIDE).open("/task/x").page
    boxes = [wide.locator(f"pre[data-tail={key}]").bounding_box() for key in ("err", "out")]
    assert boxes[0] and boxes[1] and boxes[0]["width"] == boxes[1]["width"] > 1000, "one below the other"


def test_raw_files_are_linked_by_a_relative_path_that_leads_to_them(study: Study, readers: OpenReader) -> None:
    index = study[1]
    reader = readers(index).open("/task/align/s2")
    links = reader.page.locator("main a[href^='../logs/']:visible").evaluate_all(
        "all => all.map(each => each.getAttribute('href'))"
    )
    assert {link.rpartition(".")[2] for link in links} >= {"yaml", "out", "err"}
    for link in links:
        assert (index.parent / link).exists(), link


def test_neighbours_of_a_task_are_a_click_away(study: Study, readers: OpenReader) -> None:
    reader = readers(study[1]).open("/task/align/s1")
    links = reader.page.locator("main a[href^='#/task/']:visible").evaluate_all(
        "all => all.map(each => each.getAttribute('href'))"
    )
    assert {"#/task/align/s0", "#/task/align/s2"} <= set(links)


EXTREMES = """() => {
  const { attempts, tasks } = globalThis.dsgspool.tables, found = [];
  for (let at = 0; at < tasks.count; at += 1)
    if (tasks.task[at].startsWith("sweep/") && globalThis.dsgspool.stateOf(at) === "done")
      found.push([attempts.seconds[tasks.row[at]], tasks.task[at]]);
  found.sort((a, b) => a[0] - b[0]);
  return [found[0][1], found[found.length - 1][1]];
}"""


def test_the_page_of_a_task_says_how_its_run_time_stands_among_its_batch(study: Study, readers: OpenReader) -> None:
    reader = readers(study[1]).open("/tasks")
    shortest, longest = reader.page.evaluate(EXTREMES)
    for task, words in ((shortest, "is the shortest of"), (longest, "is the longest of")):
        text = reader.open(f"/task/{task}").text()
        assert re.search(rf"Its run time of \S+( \S+)? {words} the \d+ attempts that ended well in sweep", text), text


def test_a_run_time_of_what_failed_is_none_of_those_that_ended_well(tmp_path: Path, readers: OpenReader) -> None:
    spool = Hand(tmp_path / "lab" / "spool")
    spool.worker("n1-aaaaaaaa")
    for n in range(6):
        spool.record(f"fit/{n}", "n1-aaaaaaaa", ago=900, seconds=10.0 + n, outcome="done")
        spool.overwrite(f"done/fit/{n}.yaml", "command: 'true'\n...\n")
    for name, seconds in (("short", 0.004), ("long", 50.0), ("between", 11.5)):
        spool.record(f"fit/{name}", "n1-aaaaaaaa", ago=900, seconds=seconds, outcome="exit3", reason="exit code 3")
        spool.overwrite(f"failed/fit/{name}~exit3.abcdefgh-1.yaml", "command: 'true'\n...\n")
    reader = readers(render(spool))
    for task, words in (
        ("fit/short", "of 4 ms is shorter than all 6 attempts that ended well in fit"),
        ("fit/long", "of 50 s is longer than all 6 attempts that ended well in fit"),
        ("fit/between", "is shorter than 66 % of the 6 attempts that ended well in fit"),
    ):
        assert words in reader.open(f"/task/{task}").text()


def test_tags_of_a_task_stand_on_its_page_and_find_it_in_the_table(tmp_path: Path, readers: OpenReader) -> None:
    spool = Hand(tmp_path / "lab" / "spool")
    wid = spool.worker("n1-aaaaaaaa")
    spool.done("fit/1", wid, ago=60, text="command: 'true'\ntags: [long, \"x, y\"]\n...\n")
    spool.failed("fit/2", wid, ago=50, text="command: 'true'\ntags:\n  - Long\n...\n")
    spool.done("fit/3", wid, ago=40)
    reader = readers(render(spool)).open("/task/fit/1")
    assert reader.page.locator(".tags a").all_inner_texts() == ["long", "x, y"]
    reader.page.locator(".tags a", has_text="x, y").click()
    reader.page.wait_for_function("() => location.hash.startsWith('#/tasks')")
    reader.settle()
    assert reader.rows() == ["fit/1"]
    for query, found in {"tag:long": 2, "tags:lo*": 2, "-tag:long": 1, "tag:lon": 0, "tag:exit1": 1, "x, y": 1}.items():
        reader.search(query)
        assert reader.shown() == found, query
    assert reader.go("/task/fit/3").page.locator(".tags").count() == 0
    assert "x, y" in reader.go("/tasks?q=fit/1&cols=all").text()


def test_failures_are_clustered_with_all_that_one_asks(study: Study, readers: OpenReader) -> None:
    reader = readers(study[1]).open("/failures")
    causes = reader.page.locator("[data-cause]:visible")
    assert causes.count() == 6
    largest = causes.first.inner_text()
    assert "6" in largest and "could not convert" in largest
    assert "ValueError" in reader.page.locator("[data-cause]:visible pre").first.text_content()


def test_a_long_table_scrolls_through_all_of_it(full: Path, readers: OpenReader) -> None:
    reader = readers(full).open("/tasks")
    everything = reader.shown()
    assert everything == sum(sum(batches.values()) for batches in count(str(full.parent.parent)).values())
    assert reader.page.locator("[data-task]").count() < 300, "only what is seen is in the page"
    seen = set(reader.rows())
    reader.page.locator("[data-task]:visible").first.hover()
    reader.page.evaluate(TO_THE_END)
    reader.page.wait_for_function(
        'seen => !seen.some(task => document.querySelector(`[data-task="${task}"]`))', arg=sorted(seen)
    )
    assert not seen & set(reader.rows())
