"""The verdict of seeded books: the sentence, its tone, and what stands below it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from dsgspool.conditions import Gpu
from dsgspool.report import words
from dsgspool.report.digest import digest
from dsgspool.report.forecast import Forecast
from dsgspool.report.verdict import Verdict, band, done_about, ends
from dsgspool.snapshot.rules import Stock
from dsgspool.snapshot.standings import Standing
from dsgspool.spool.rest import Rest
from tests.support.books import NOW, Made

CLOCK = r"(\w{3} )?\d\d:\d\d"


def all_well(made: Made) -> None:
    made.worker("n1-aaaaaaaa", how="ended")
    made.done("a/1", "a/2", "3")


def nothing_to_do(_: Made) -> None:
    return


def one_cause(made: Made) -> None:
    all_well(made)
    for n in range(412):
        made.failed(f"b/{n:03d}", f"ValueError: could not convert 'x{n}' in /data/{n}.csv, row {n * 7}")


def several_causes(made: Made) -> None:
    all_well(made)
    made.failed("b/1", "ValueError: row 7")
    made.failed("b/2", "ValueError: row 9", tag="exit2")
    made.failed("c", "Segmentation fault", tag="signal11", reason="killed by SIGSEGV")
    made.failed("d", "step 7", tag="timeout", reason="still running after 60 s")


def one_failure(made: Made) -> None:
    all_well(made)
    made.failed("b/1", "no")


def cancelled(made: Made) -> None:
    all_well(made)
    for n in range(8):
        made.failed(f"c/{n}", tag="cancelled", reason="SIGTERM by a person")


def cancelled_and_failed(made: Made) -> None:
    several_causes(made)
    cancelled(made)


def silent_node(made: Made) -> None:
    made.worker("n1-aaaaaaaa")
    made.worker("n4-dddddddd", how="silent", silent=427)
    made.running("a/1")
    made.running("a/2", "n4-dddddddd")
    made.running("a/3", "n4-dddddddd")


def silent_nodes(made: Made) -> None:
    silent_node(made)
    made.worker("n5-eeeeeeee", how="silent", silent=300)


def given_up_node(made: Made) -> None:
    """It died and others took over what it had: no news any more."""
    made.worker("n1-aaaaaaaa")
    made.worker("n4-dddddddd", how="fenced", silent=3000)
    made.running("a/1")


def paused(made: Made) -> None:
    made.worker("n1-aaaaaaaa")
    made.running("a/1")
    made.task("todo", *(f"a/{n}" for n in range(2, 7)))
    made.paused = True


def full_disk(made: Made) -> None:
    made.worker("n1-aaaaaaaa")
    made.task("todo", "a/1")
    made.problems.append(
        "/lab/spool: only 3.0 MiB are free, less than `min_free` (100.0 MiB): workers take no new tasks"
    )


def broken_settings(made: Made) -> None:
    made.worker("n1-aaaaaaaa")
    made.task("todo", "a/1")
    made.settings = None
    made.problems.append("/lab/spool/spool.yaml:2: there is no key heartbaet")


def stuck_waiting(made: Made) -> None:
    made.worker("n1-aaaaaaaa")
    made.task("waiting", "a/1", "a/2", folder="until-the-cows-come-home")


def stuck_in_a_circle(made: Made) -> None:
    made.worker("n1-aaaaaaaa")
    made.task("waiting", "a/1", folder="after-a%2")
    made.task("waiting", "a/2", folder="after-a%1")


def behind_another(made: Made) -> None:
    made.worker("n1-aaaaaaaa")
    made.task("waiting", "a/1", "a/2", folder="after-a%0")


def too_wide(made: Made) -> None:
    made.worker("n1-aaaaaaaa", slots=4)
    made.task("todo", "huge", lane="cpus64")


def strange_lane(made: Made) -> None:
    made.worker("n1-aaaaaaaa", slots=4)
    made.task("todo", "x", "y", lane="gpu2")


def too_large(made: Made) -> None:
    made.worker("n1-aaaaaaaa", memory=32 << 30)
    made.worker("n2-bbbbbbbb", memory=64 << 30)
    for n in range(3):
        made.wants(f"a/{n}", memory=(900 << 30,))


def nowhere_together(made: Made) -> None:
    """A node with a GPU and one with the slots; no node has both."""
    made.worker("n1-aaaaaaaa", slots=2, gpus=(Gpu(0, 40 << 30, "A100"),))
    made.worker("n2-bbbbbbbb", slots=16)
    made.wants("fit", cpus=8, gpus=1)


def a_paused_batch(made: Made) -> None:
    made.worker("n1-aaaaaaaa")
    made.task("todo", *(f"sweep/{n}" for n in range(5)))
    made.policies["sweep"] = Standing("paused", "/lab/spool/batches/sweep.yaml says `paused: true`", stops=True)


def an_open_breaker(made: Made) -> None:
    a_paused_batch(made)
    made.running("other/1")
    made.policies["sweep"] = Standing("tripped", "10 of the first 12 tasks that ended have failed", stops=True)


def a_canary_that_failed(made: Made) -> None:
    a_paused_batch(made)
    made.policies["sweep"] = Standing("canary", "of the tasks that are tried first sweep/x failed", stops=True)


def a_canary_that_runs(made: Made) -> None:
    """Nobody has to do anything."""
    a_paused_batch(made)
    made.running("sweep/first")
    only = frozenset(["sweep/first", "sweep/0"])
    made.policies["sweep"] = Standing("canary", "the tasks that are tried first are not done", only)


def a_broken_policy(made: Made) -> None:
    a_paused_batch(made)
    made.policies["sweep"] = Standing("stopped", "batches/sweep.yaml:2: there is no key paussed", stops=True)


def no_worker(made: Made) -> None:
    made.worker("n1-aaaaaaaa", how="ended")
    made.task("todo", *(f"a/{n}" for n in range(7)))


def no_slots(made: Made) -> None:
    made.worker("n1-aaaaaaaa", slots=0)
    made.task("todo", "a/1")


def idle_waiting(made: Made) -> None:
    made.worker("n1-aaaaaaaa")
    made.task("waiting", "a/1", "a/2", "a/3", until=7200.0)


def on_hold(made: Made) -> None:
    made.worker("n1-aaaaaaaa")
    made.done("a/0")
    made.task("hold", *(f"a/{n}" for n in range(1, 5)))


def about_to_start(made: Made) -> None:
    made.worker("n1-aaaaaaaa")
    made.task("todo", "a/1", "a/2")


def nothing_starts(made: Made) -> None:
    about_to_start(made)
    made.past(700.0, todo=2)


def outside_of_hours(made: Made) -> None:
    nothing_starts(made)
    made.rest("n1-aaaaaaaa", Rest("run_between", "19:00-08:00", NOW + 7200))
    made.worker("n2-bbbbbbbb")
    made.rest("n2-bbbbbbbb", Rest("only_when_idle", "others' load is above 1"))


def in_use(made: Made) -> None:
    nothing_starts(made)
    made.rest("n1-aaaaaaaa", Rest("only_when_idle", "others' load is above 1"))


def one_of_two_rests(made: Made) -> None:
    outside_of_hours(made)
    made.worker("n3-cccccccc")


def paused_beside_a_task_that_is_too_wide(made: Made) -> None:
    too_wide(made)
    made.paused = True


def all_are_paused_beside_a_silent_node(made: Made) -> None:
    paused_workers(made)
    made.worker("n4-dddddddd", how="silent", silent=427)
    made.running("a/2", "n4-dddddddd")


def paused_workers(made: Made) -> None:
    """Each by itself: no file PAUSE lies there."""
    nothing_starts(made)
    made.rest("n1-aaaaaaaa", Rest("paused", "true"))


def all_are_paused(made: Made) -> None:
    paused_workers(made)
    made.worker("n2-bbbbbbbb")
    made.rest("n2-bbbbbbbb", Rest("paused", "true"))
    made.running("a/now")


def one_drains(made: Made) -> None:
    nothing_starts(made)
    made.rest("n1-aaaaaaaa", Rest("drain", "SIGINT"))
    made.running("a/now")


def one_drains_and_one_is_paused(made: Made) -> None:
    one_drains(made)
    made.rest(made.worker("n2-bbbbbbbb"), Rest("paused", "true"))


def one_drains_and_one_takes_tasks(made: Made) -> None:
    """Only the one that drains has room for a wide one."""
    about_to_start(made)
    made.rest(made.worker("n2-bbbbbbbb", slots=16), Rest("drain", "SIGINT"))
    made.task("todo", "wide", lane="cpus8")


def paused_or_without_slots(made: Made) -> None:
    paused_workers(made)
    made.worker("n2-bbbbbbbb", slots=0)


def paused_with_nothing_to_take(made: Made) -> None:
    made.rest(made.worker("n1-aaaaaaaa"), Rest("paused", "true"))
    made.running("a/now")


def paused_or_at_rest(made: Made) -> None:
    outside_of_hours(made)
    made.rest("n2-bbbbbbbb", Rest("paused", "true"))


def one_of_two_is_paused(made: Made) -> None:
    about_to_start(made)
    made.worker("n2-bbbbbbbb")
    made.rest("n2-bbbbbbbb", Rest("paused", "true"))


def only_a_paused_worker_is_able(made: Made) -> None:
    """One has the memory, one the slots, and both are paused; the third is free and small."""
    about_to_start(made)
    made.worker("n2-bbbbbbbb", memory=512 << 30)
    made.worker("n3-cccccccc", slots=16)
    for wid in ("n2-bbbbbbbb", "n3-cccccccc"):
        made.rest(wid, Rest("paused", "true"))
    for n in range(3):
        made.wants(f"large/{n}", memory=(256 << 30,))
    made.task("todo", "wide", lane="cpus8")


def running(made: Made) -> None:
    for n in range(3):
        made.worker(f"n{n}-aaaaaaa{'abc'[n]}")
        made.running(f"a/now{n}", f"n{n}-aaaaaaa{'abc'[n]}")
    for n in range(40):
        made.done(f"a/{n}", seconds=240.0 + 3 * (n % 10))
    made.task("todo", *(f"a/next{n}" for n in range(30)))


def running_and_failing(made: Made) -> None:
    running(made)
    made.failed("b/1", "no")
    made.failed("b/2", "no")


def running_without_history(made: Made) -> None:
    made.worker("n1-aaaaaaaa")
    made.running("a/1")
    made.task("todo", "a/2")


def a_task_that_hangs(made: Made) -> None:
    running(made)
    made.running("a/slow", "n0-aaaaaaaa", seconds=32400.0)


@pytest.mark.parametrize(
    ("seed", "tone", "sentence"),
    [
        (all_well, "good", "All done: 3 tasks"),
        (nothing_to_do, "idle", "Nothing to do: the spool is empty"),
        (one_cause, "attention", "Finished: 3 of 415 done; 412 failures have 1 cause"),
        (several_causes, "attention", "Finished: 3 of 7 done; 4 failures have 3 causes"),
        (one_failure, "attention", "Finished: 3 of 4 done; 1 failure"),
        (cancelled, "good", "Finished: 3 of 11 done, 8 cancelled"),
        (cancelled_and_failed, "attention", "Finished: 6 of 18 done, 8 cancelled; 4 failures have 3 causes"),
        (silent_node, "attention", "Node n4 has been silent for 7 min and holds 2 tasks; running on 1 node"),
        (silent_nodes, "attention", "Nodes n4 and n5 have been silent for 7 min and hold 2 tasks; running on 1 node"),
        (given_up_node, "busy", "Running on 1 node"),
        (paused, "attention", "Paused: 5 tasks wait, 1 still running"),
        (
            full_disk,
            "bad",
            "The disk is too full: only 3.0 MiB are free, less than `min_free` .*: workers take no new tasks",
        ),
        (broken_settings, "bad", "spool.yaml cannot be understood, so no new task is taken"),
        (
            stuck_waiting,
            "attention",
            "2 tasks wait where nobody takes them: waiting/until-the-cows-come-home names no moment",
        ),
        (stuck_in_a_circle, "attention", "2 tasks wait for each other: a/1 waits for a/2 waits for a/1"),
        (behind_another, "idle", "Waiting: 2 tasks wait for others"),
        (
            too_wide,
            "attention",
            "1 task wants 64 slots, and the largest worker has 4",
        ),
        (too_large, "attention", "No node can run 3 tasks: no living one has memory=900G"),
        (nowhere_together, "attention", "No node can run 1 task: no living one has cpus=8 gpus=1 together"),
        (a_paused_batch, "attention", "Batch sweep is paused, and 5 tasks wait"),
        (an_open_breaker, "attention", "Batch sweep is stopped by its breaker, and 5 tasks wait; running on 1 node"),
        (a_canary_that_failed, "attention", "Batch sweep is held back by its canary, and 5 tasks wait"),
        (a_canary_that_runs, "busy", "Running on 1 node"),
        (a_broken_policy, "attention", "Batch sweep is not started, as its policy cannot be obeyed, and 5 tasks wait"),
        (strange_lane, "attention", "2 tasks lie in a lane that this version does not know"),
        (no_worker, "bad", "No worker is alive, and 7 tasks wait"),
        (no_slots, "bad", "1 worker with 0 slots: nothing can start"),
        (idle_waiting, "idle", f"Waiting: 3 tasks are not due yet, the next at {CLOCK}"),
        (on_hold, "attention", "Nothing runs: 4 tasks are on hold, 1 of 5 done"),
        (about_to_start, "busy", "About to start: 2 tasks for 1 worker"),
        (nothing_starts, "attention", "Nothing has started for 12 min, though 2 tasks wait for 1 worker; .*"),
        (outside_of_hours, "idle", f"Waiting: 2 tasks wait, and no node is to be had before {CLOCK}"),
        (in_use, "idle", "Waiting: 2 tasks wait, and no node is to be had now, as somebody uses them"),
        (one_of_two_rests, "attention", "Nothing has started for 12 min, though 2 tasks wait for 1 worker; .*"),
        (paused_beside_a_task_that_is_too_wide, "attention", "Paused: [0-9]+ tasks? waits?"),
        (
            all_are_paused_beside_a_silent_node,
            "attention",
            "Paused: 2 tasks wait, and the only worker is paused, 1 still running",
        ),
        (paused_workers, "attention", "Paused: 2 tasks wait, and the only worker is paused"),
        (all_are_paused, "attention", "Paused: 2 tasks wait, and all 2 workers are paused, 1 still running"),
        (one_drains, "attention", "Draining: 2 tasks wait, and the only worker is draining, 1 still running"),
        (
            one_drains_and_one_is_paused,
            "attention",
            "Paused: 2 tasks wait, and all 2 workers are paused or draining, 1 still running",
        ),
        (
            one_drains_and_one_takes_tasks,
            "attention",
            "Only n2-bbbbbbbb, which is draining, can run 1 task; about to start: 2 tasks for 1 worker",
        ),
        (paused_or_without_slots, "attention", "Paused: 2 tasks wait, and each worker that has slots is paused"),
        (paused_with_nothing_to_take, "busy", "Running on 1 node"),
        (paused_or_at_rest, "idle", f"Waiting: 2 tasks wait, and no node is to be had before {CLOCK}"),
        (one_of_two_is_paused, "busy", "About to start: 2 tasks for 1 worker"),
        (
            only_a_paused_worker_is_able,
            "attention",
            "Only n2-bbbbbbbb, which is paused, can run 3 tasks; about to start: 2 tasks for 1 worker",
        ),
        (running, "busy", f"Running on 3 nodes, done about {CLOCK}"),
        (running_and_failing, "attention", f"Running on 3 nodes, done about {CLOCK}; 2 failures have 1 cause"),
        (running_without_history, "busy", "Running on 1 node"),
        (
            a_task_that_hangs,
            "attention",
            "a/slow may be stuck: it has run for 9 h 00 min, others .* at most .*; running .*",
        ),
    ],
)
def test_the_verdict_says_what_is_so(seed: Callable[[Made], None], tone: str, sentence: str) -> None:
    found = verdict(seed)
    assert found.tone == tone
    assert re.fullmatch(sentence, found.sentence), found.sentence


def verdict(seed: Callable[[Made], None]) -> Verdict:
    made = Made()
    seed(made)
    return digest(made.book()).verdict


def test_what_is_less_urgent_stands_below_the_sentence() -> None:
    made = Made()
    no_worker(made)
    made.worker("n4-dddddddd", how="silent", silent=500)
    made.running("a/held", "n4-dddddddd")
    made.failed("b/1", "no")
    made.failed("b/2", "nay")
    found = digest(made.book()).verdict
    assert found.sentence == "No worker is alive, and 8 tasks wait"
    assert found.sub.startswith(
        "Node n4 has been silent for 8 min and holds 1 task. 2 failures have 2 causes. Start one"
    )
    assert "`dsgspool --spool /lab/spool worker`" in found.sub


def test_problems_are_notes_unless_the_sentence_says_it_all() -> None:
    assert verdict(broken_settings).notes == ("/lab/spool/spool.yaml:2: there is no key heartbaet",)
    assert verdict(full_disk).notes == ()


@pytest.mark.parametrize(("seed", "sub"), [(full_disk, "1 task waits"), (stuck_waiting, ""), (too_wide, "")])
def test_nothing_is_about_to_start_that_cannot(seed: Callable[[Made], None], sub: str) -> None:
    assert verdict(seed).sub == sub


def test_what_can_start_and_what_cannot_are_told_apart() -> None:
    made = Made()
    too_wide(made)
    made.task("todo", "small")
    found = digest(made.book()).verdict
    assert found.sentence == "1 task wants 64 slots, and the largest worker has 4; about to start: 1 task for 1 worker"


def test_workers_that_are_paused_are_let_go_on_by_a_command() -> None:
    command = "dsgspool --spool /lab/spool workers set '*' paused=false"
    assert verdict(paused_workers).sub == f"`{command}` lets workers take tasks again"


def test_a_worker_that_is_paused_and_alone_able_is_let_go_on_by_a_command() -> None:
    found = verdict(only_a_paused_worker_is_able)
    assert found.sub == "Only n3-cccccccc, which is paused, can run 1 task"
    assert found.notes == tuple(
        f"Worker {wid}: `dsgspool --spool /lab/spool workers set {wid} paused=false` lets it take tasks again"
        for wid in ("n2-bbbbbbbb", "n3-cccccccc")
    )
    made = Made()
    only_a_paused_worker_is_able(made)
    assert made.book().kept.number == 4
    made.worker("n4-dddddddd", slots=16, memory=512 << 30)
    assert made.book().kept.number == 0
    made.rest("n4-dddddddd", Rest("run_between", "19:00-08:00"))
    assert made.book().kept.number == 0, "it will take them by itself"


def test_of_what_no_node_has_the_nearest_and_the_way_to_more_are_told() -> None:
    assert verdict(too_large).notes == (
        "Nearest to memory=900G is n1: has 32G of memory, it wants 900G; `dsgspool --spool /lab/spool why a/0` says more",
    )
    (note,) = verdict(nowhere_together).notes
    assert note.startswith("Nearest to cpus=8 gpus=1 is n1: has 2 slots, it wants 8; ")


def test_where_many_things_are_wrong_each_stands_with_its_remedy() -> None:
    made = Made()
    for seed in (stuck_in_a_circle, too_large, an_open_breaker, a_broken_policy):
        seed(made)
    made.policies["other"] = made.policies["third"] = Standing("paused", "other.yaml says so", stops=True)
    made.policies["sweep"] = Standing("tripped", "10 of 12 have failed", stops=True)
    made.task("todo", "other/1", "third/1")
    made.problems.append("hold/x: what is this")
    program = "`dsgspool --spool /lab/spool"
    assert digest(made.book()).verdict.notes == (
        (
            "No node can run 3 tasks: no living one has memory=900G. Nearest is n1: has 32G of memory, it wants 900G; "
            f"{program} why a/0` says more"
        ),
        "Batches other and third are paused, and 2 tasks wait",
        f"Batch other: other.yaml says so; {program} batch resume other` lets it go on",
        f"Batch third: other.yaml says so; {program} batch resume third` lets it go on",
        (
            "Batch sweep is stopped by its breaker, and 10 tasks wait: 10 of 12 have failed; "
            f"{program} batch resume sweep` lets it go on"
        ),
        "hold/x: what is this",
    )


def test_of_several_wishes_only_those_are_told_that_nobody_meets() -> None:
    made = Made()
    made.worker("n1-aaaaaaaa", labels={"rack": "b"})
    made.wants("fit", memory=(1 << 30,), where="rack=b has:samtools", scratch=1 << 40)
    made.wants("can", memory=(1 << 30,), where="rack=b")
    found = digest(made.book()).verdict
    words = "No node can run 1 task: no living one has scratch=1T has:samtools; about to start: 1 task for 1 worker"
    assert found.sentence == words


def test_what_the_whole_spool_has_is_lacking_nowhere_as_long_as_there_is_enough() -> None:
    made = Made()
    made.worker("n1-aaaaaaaa")
    made.stock.append(Stock("licence", 2, {"n1-aaaaaaaa": 2}))
    made.wants("fit", named=(("licence", 2),))
    assert "No node" not in digest(made.book()).verdict.sentence
    made.wants("more", named=(("licence", 3),))
    assert "No node can run 1 task: no living one has licence=3" in digest(made.book()).verdict.sentence


def test_a_batch_that_is_held_back_says_why_and_how_it_goes_on() -> None:
    (note,) = verdict(an_open_breaker).notes
    resume = "`dsgspool --spool /lab/spool batch resume sweep` lets it go on"
    assert note == f"Batch sweep: 10 of the first 12 tasks that ended have failed; {resume}"
    assert "resume" not in verdict(a_broken_policy).notes[0]


def test_what_nobody_will_start_is_not_foretold() -> None:
    made = Made()
    running(made)
    free = digest(made.book()).forecast
    made.task("todo", *(f"a/held/{n}" for n in range(300)))
    made.policies["a"] = Standing("paused", "paused", frozenset(f"a/next{n}" for n in range(30)), stops=True)
    assert free
    assert digest(made.book()).forecast == free


def test_a_silent_worker_beside_a_living_one_is_a_note() -> None:
    made = Made()
    made.worker("n1-aaaaaaaa")
    made.worker("n1-bbbbbbbb", how="silent", silent=200)
    made.running("a/1", "n1-bbbbbbbb")
    made.running("a/2")
    found = digest(made.book()).verdict
    assert found.sentence.startswith("Running on 1 node")
    assert found.notes == ("Worker n1-bbbbbbbb has been silent for 3 min and holds 1 task",)


@pytest.mark.parametrize(
    ("early", "likely", "late"),
    [(1, 100, 100.1), (119, 120, 121), (3500, 3550, 3599), (4000, 4001, 4300), (30_000, 30_001, 30_002), (40, 41, 42)],
)
def test_the_band_that_is_shown_holds_the_moment_that_is_shown(early: float, likely: float, late: float) -> None:
    step = 5 if likely < 90 else 60 if likely < 3600 else 300 if likely < 21_600 else 900
    begin = 0.0 if likely < 90 else NOW
    first, last = words.around(begin + likely, likely, (begin + early, begin + late))
    assert first < words.rounded(begin + likely, likely) < last
    assert first <= begin + early and begin + late <= last
    assert last - first <= late - early + 3 * step
    shown = ends(Forecast(early, likely, late, 3, 50), NOW)
    assert done_about(Forecast(early, likely, late, 3, 50), NOW).split("about ")[1] not in shown


def test_a_forecast_says_how_many_it_leaves_out() -> None:
    made = Made()
    running(made)
    made.task("waiting", "night", until=600.0)
    made.task("hold", "parked/1", "parked/2")
    expected = digest(made.book()).forecast
    assert expected
    assert band(expected, made.book()).endswith(" at a time, without 3 that wait")


def test_the_band_is_told_with_what_it_rests_on() -> None:
    made = Made()
    running(made)
    expected = digest(made.book()).forecast
    assert expected
    told = band(expected, made.book())
    assert re.fullmatch(f"Eight in ten: between {CLOCK} and {CLOCK}, if 3 tasks go on running at a time", told), told
    soon = band(replace(expected, early=4.0, likely=20.0, late=60.0, concurrency=1), made.book())
    assert soon == "Eight in ten: in 5 s to 60 s, if 1 task goes on running at a time"


def test_nothing_is_foretold_while_too_little_is_known() -> None:
    assert "done about" not in verdict(running_without_history).sentence


def test_the_same_book_gives_the_same_words() -> None:
    made = Made()
    running_and_failing(made)
    assert digest(made.book()) == digest(made.book())
