"""What a snapshot means: verdicts in seeded spools, causes, bars, words for numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dsgspool.report import statistics
from dsgspool.report.statistics import Verdict
from dsgspool.snapshot import Counts, Snapshot, take
from tests.support.seeded import Seeded


@pytest.fixture
def seeded(tmp_path: Path) -> Seeded:
    return Seeded(str(tmp_path / "spool"))


def look(seeded: Seeded) -> Snapshot:
    return take(seeded.spool, records=True)


def verdict(seeded: Seeded) -> Verdict:
    return statistics.verdict(look(seeded))


def _empty(_: Seeded) -> None:
    return


def _all_done(seeded: Seeded) -> None:
    seeded.worker("n1-aaaaaaaa", ended=True)
    seeded.done("a/1", "a/2", "3")


def _running(seeded: Seeded) -> None:
    seeded.worker("n1-aaaaaaaa")
    seeded.worker("n2-bbbbbbbb")
    seeded.done("1", "2", "3")
    seeded.running("4", "n1-aaaaaaaa")
    seeded.running("5", "n2-bbbbbbbb")
    seeded.write("todo/6.yaml")


def _failing_while_it_runs(seeded: Seeded) -> None:
    _running(seeded)
    seeded.failed("7")


def _finished_with_failures(seeded: Seeded) -> None:
    seeded.done("1")
    seeded.failed("2", "exit1", "exit code 1: no such file: /data/2.csv")
    seeded.failed("3", "exit1", "exit code 1: no such file: /data/3.csv")
    seeded.failed("4", "timeout", "no end after 10 min")


def _no_worker(seeded: Seeded) -> None:
    seeded.worker("n1-aaaaaaaa", ended=True)
    for number in range(5):
        seeded.write(f"todo/{number}.yaml")


def _silent_node(seeded: Seeded) -> None:
    seeded.worker("n1-aaaaaaaa")
    seeded.worker("n4-dddddddd", silent=430)
    seeded.running("1", "n1-aaaaaaaa")
    seeded.running("2", "n4-dddddddd")


def _paused(seeded: Seeded) -> None:
    seeded.worker("n1-aaaaaaaa")
    seeded.running("1")
    seeded.write("todo/2.yaml")
    seeded.write("PAUSE", "")


def _paused_and_empty(seeded: Seeded) -> None:
    seeded.write("PAUSE", "")


def _on_hold(seeded: Seeded) -> None:
    seeded.done("1")
    seeded.write("hold/2.yaml")


def _delayed(seeded: Seeded) -> None:
    seeded.worker("n1-aaaaaaaa")
    seeded.write("waiting/until-20300101T000000Z/x~1.abcdefgh-1.yaml")


def _about_to_start(seeded: Seeded) -> None:
    seeded.worker("n1-aaaaaaaa")
    seeded.write("todo/x.yaml")
    seeded.write("todo/y.yaml")


def _strange_file(seeded: Seeded) -> None:
    seeded.done("1")
    seeded.write("todo/a@b.yaml")


@pytest.mark.parametrize(
    ("seed", "tone", "sentence"),
    [
        (_empty, "idle", "Nothing to do: the spool is empty"),
        (_all_done, "good", "All done: 3 tasks"),
        (_running, "busy", "Running: 3 of 6 done, 2 running on 2 workers"),
        (_failing_while_it_runs, "attention", "Running: 3 of 7 done, 2 running on 2 workers; 1 failure"),
        (_finished_with_failures, "attention", "Finished: 1 of 4 done; 3 failures have 2 causes"),
        (_no_worker, "bad", "No worker is alive and 5 tasks wait"),
        (_silent_node, "attention", "Running: 0 of 2 done, 2 running on 2 workers"),
        (_paused, "attention", "Paused: 1 task waits, 1 still running"),
        (_paused_and_empty, "idle", "Nothing to do: the spool is empty, and the spool is paused"),
        (_on_hold, "attention", "Nothing runs: 1 task is on hold, 1 of 2 done"),
        (_delayed, "idle", "Waiting: 1 task is not due yet"),
        (_about_to_start, "busy", "About to start: 2 tasks wait for 1 worker"),
        (_strange_file, "attention", "All done: 1 task"),
    ],
)
def test_the_verdict_says_what_is_so(seeded: Seeded, seed: Callable[[Seeded], None], tone: str, sentence: str) -> None:
    seed(seeded)
    found = verdict(seeded)
    assert (found.tone, found.sentence) == (tone, sentence)


def test_a_silent_worker_is_named_with_what_it_holds(seeded: Seeded) -> None:
    _silent_node(seeded)
    (note,) = verdict(seeded).notes
    assert note.startswith("n4-dddddddd has been silent for 7 min")
    assert note.endswith("and holds 1 task")


def test_what_differs_from_task_to_task_does_not_make_a_new_cause(seeded: Seeded) -> None:
    for number in range(4):
        seeded.failed(
            f"s/{number}", "exit1", f"exit code 1: '{number}.csv' of /data/r{number}/x: row {number * 7}, 0x{number:x}"
        )
    seeded.failed("other", "signal9", "killed by SIGKILL")
    causes = statistics.causes(look(seeded))
    assert [(cause.tag, len(cause.tasks)) for cause in causes] == [("exit1", 4), ("signal9", 1)]
    assert causes[0].pattern == "exit code #: '...' of /...: row #, #"
    assert causes[0].hosts == ("n1",)


def test_failures_come_newest_first_and_a_lost_one_has_words_of_its_own(seeded: Seeded) -> None:
    seeded.failed("old", ended="2026-01-01T00:00:00.000Z")
    seeded.failed("new", ended="2026-01-02T00:00:00.000Z")
    seeded.write("failed/lost~lost.abcdefgh-1.yaml")
    found = statistics.failures(look(seeded))
    assert [task.identity for task in found] == ["new", "old", "lost"]
    assert "its worker died" in statistics.reason_of(found[-1])


def test_a_bar_is_whole_and_shows_the_smallest_part() -> None:
    parts = statistics.bar(Counts(done=99_999, failed=1))
    assert sum(part.percent for part in parts) == pytest.approx(100)
    assert parts[1].percent > 0.3
    assert statistics.bar(Counts()) == []


def test_what_is_left_is_foretold_only_when_enough_is_known(seeded: Seeded) -> None:
    _running(seeded)
    assert statistics.remaining(look(seeded)) is None
    seeded.done("7", "8")
    assert statistics.remaining(look(seeded)) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.85, "850 ms"),
        (9.94, "9.9 s"),
        (42, "42 s"),
        (59.97, "1 min"),
        (245, "4 min 05 s"),
        (420, "7 min"),
        (725, "12 min"),
        (3599, "1 h 00 min"),
        (7800, "2 h 10 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_a_duration_is_written_for_people(seconds: float, words: str) -> None:
    assert statistics.duration(seconds) == words


@pytest.mark.parametrize(("number", "words"), [(0, "0 B"), (999, "999 B"), (3.44e6, "3.4 MB"), (5e12, "5.0 TB")])
def test_a_size_is_written_for_people(number: float, words: str) -> None:
    assert statistics.size(number) == words


def test_workers_that_ended_come_last_and_not_all_of_them(seeded: Seeded) -> None:
    seeded.worker("n1-aaaaaaaa")
    for letter in "bcdefg":
        seeded.worker(f"n2-{letter * 8}", ended=True)
    shown = statistics.workers_to_show(look(seeded), limit=3)
    assert [worker.alive for worker in shown] == [True, False, False]
