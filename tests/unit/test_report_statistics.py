"""Numbers of the report: bars, quantiles, histograms, rates, the figures of batches and nodes, plots."""

from __future__ import annotations

import json

import pytest

from dsgspool.report import plots
from dsgspool.report.book import Failure, Load
from dsgspool.report.digest import Digest, digest
from dsgspool.report.figures import state_of
from dsgspool.report.statistics import bar, distribution, histogram, log_edges
from dsgspool.snapshot.values import Counts
from tests.support.books import NOW, Made


def made_of(*durations: float) -> Made:
    made = Made()
    made.worker("n1-aaaaaaaa")
    for n, seconds in enumerate(durations):
        made.done(f"a/{n}", seconds=seconds, ago=60.0 * (n + 1))
    return made


def of(made: Made) -> Digest:
    return digest(made.book())


def test_a_bar_is_whole_and_shows_the_smallest_part() -> None:
    parts = bar(Counts(done=99_999, failed=1))
    assert sum(part.percent for part in parts) == pytest.approx(100)
    assert parts[1].percent > 0.3
    assert bar(Counts()) == []


def test_quantiles_lie_between_the_nearest_values() -> None:
    found = distribution([40.0, 10.0, 30.0, 20.0, 50.0])
    assert found is not None
    assert (found.number, found.p50, found.largest, found.sum) == (5, 30.0, 50.0, 150.0)
    assert (found.p10, found.p90) == (pytest.approx(14), pytest.approx(46))
    assert distribution([]) is None


def test_a_histogram_counts_each_value_once_whatever_lies_outside() -> None:
    values = sorted([0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 100.0])
    found = histogram(values, (1.0, 2.0, 4.0, 8.0))
    assert found.counts == (3, 1, 3)
    assert sum(found.counts) == len(values)


def test_edges_grow_by_a_factor_and_all_the_same_values_have_some_too() -> None:
    edges = log_edges(1.0, 1000.0, 3)
    assert edges == pytest.approx((1, 10, 100, 1000))
    same = log_edges(5.0, 5.0)
    assert same[0] < 5.0 < same[-1]
    assert log_edges(0.0, 1.0)[0] > 0


def test_the_figures_of_a_batch_are_those_of_its_attempts() -> None:
    made = made_of(10.0, 20.0, 30.0)
    made.done("b/1", seconds=1000.0, waited=99.0, memory=1 << 30, memory_limit=4 << 30, cpu_seconds=500.0, cpus=2)
    made.failed("a/x", "bad")
    made.task("todo", "b/2")
    batches = {batch.name: batch for batch in of(made).batches}
    assert list(batches) == ["b", "a"], "what is not through comes first"
    assert batches["a"].run is not None and batches["a"].run.values == [10.0, 20.0, 30.0]
    assert (batches["a"].bad, batches["a"].outcomes) == (1, {"done": 3, "exit1": 1})
    b = batches["b"]
    assert b.wait is not None and b.wait.p50 == pytest.approx(99.0)
    assert b.memory is not None and b.memory.largest == 1 << 30
    assert b.use is not None and b.use.cpu is not None and b.use.memory is not None
    assert (b.use.cpu.p50, b.use.memory.p50, b.use.cpus) == (pytest.approx(0.25), pytest.approx(0.25), 2)
    assert made.attempts.task[b.slowest] == "b/1"


def test_only_first_attempts_have_a_wait_because_a_file_keeps_its_moment_when_it_goes_again() -> None:
    made = Made()
    made.worker("n1-aaaaaaaa")
    for n in range(30):
        made.done(f"a/{n}", waited=5.0)
        made.attempt(f"a/{n}", "done", "n1-aaaaaaaa", ago=10.0, number=2, waited=4000.0)
    found = of(made)
    assert found.batches[0].wait is not None and set(found.batches[0].wait.values) == {5.0}
    assert {point[1] for point in plots.series(found)["wait-run"]["points"]} == {5.0}


def test_a_pace_is_that_of_the_time_in_which_something_ran_within_the_last_hour() -> None:
    made = made_of(*[1.0] * 12)
    made.done("a/old", ago=9000.0)
    made.failed("a/bad", "no", ago=720.0)
    made.running("a/now", seconds=5.0)
    found = of(made)
    pace = found.batches[0].pace
    assert pace is not None
    assert pace == found.pace
    assert (pace.done, pace.bad, pace.seconds, pace.is_rate) == (12, 1, 721.0, True)
    assert pace.per_hour == pytest.approx((12 / 721 * 3600, 1 / 721 * 3600))
    made.done("a/long", ago=1.0, seconds=9000.0)
    again = of(made).pace
    assert again is not None
    assert again.seconds == 3600.0


def test_what_is_over_is_told_as_a_number_in_a_time_and_falls_no_more() -> None:
    made = Made()
    made.worker("n1-aaaaaaaa")
    for n in range(90):
        made.done(f"a/{n}", ago=1800.0 - n / 3, seconds=1.0)
        made.done(f"b/{n}", ago=90_000.0 - n / 3, seconds=1.0)
    made.done("c/1", ago=30.0, seconds=10.0)
    made.task("waiting", "c/2", until=600.0)
    first, *others = of(made).batches
    assert [(each.name, each.pace.done, round(each.pace.seconds)) for each in others if each.pace] == [
        ("a", 90, 31),
        ("b", 90, 31),
    ]
    assert first.pace is not None
    assert (first.name, first.pace.done, first.pace.seconds) == ("c", 1, 10.0)
    assert not any(each.pace.is_rate for each in (first, *others) if each.pace)
    assert of(Made()).pace is None


def test_the_last_hour_tells_what_was_tried_again_apart_from_what_failed() -> None:
    made = made_of(5.0, 5.0)
    made.failed("a/bad", "no")
    made.attempt("a/0", "exit7", "n1-aaaaaaaa", ago=600)
    made.attempt("a/given", "stopped", "n1-aaaaaaaa", ago=600)
    changes = of(made).changes
    assert (changes.done, changes.failed, changes.retried, len(changes.causes)) == (2, 1, 1, 1)
    assert not changes.nothing
    assert of(Made()).changes.nothing


def test_a_node_has_done_failed_and_lost_what_its_attempts_say() -> None:
    made = made_of(5.0, 5.0)
    made.worker("n2-bbbbbbbb", how="silent", silent=99.0)
    made.attempt("x", "lost", "n2-bbbbbbbb", ago=100)
    made.failed("y", "no", wid="n2-bbbbbbbb")
    made.attempt("z", "revoked", "n2-bbbbbbbb", ago=100)
    second, first = of(made).nodes
    assert (first.host, first.state, first.done, first.failed, first.lost) == ("n1", "alive", 2, 0, 0)
    assert (second.host, second.state, second.done, second.failed, second.lost) == ("n2", "silent", 0, 1, 1)
    assert second.seen == 99.0


@pytest.mark.parametrize("reason", ["dependency", "expired", "invalid"])
def test_what_never_began_accuses_no_node_and_is_in_no_rate(reason: str) -> None:
    made = made_of(5.0, 5.0)
    made.worker("n2-bbbbbbbb")
    made.failed("a/bad", "no")
    for n in range(20):
        made.failed(f"b/{n}", tag=reason, reason="a/bad has failed", wid="n2-bbbbbbbb")
    found = of(made)
    assert [(node.host, node.failed) for node in found.nodes] == [("n1", 1), ("n2", 0)]
    assert [(cause.count, cause.hosts, cause.suspicion) for cause in found.causes] == [(20, {}, ""), (1, {"n1": 1}, "")]
    assert (found.changes.failed, found.changes.retried, found.changes.started) == (21, 0, 3)
    assert found.matrix is None
    assert found.batches[1].name == "b" and found.batches[1].bad == 0
    assert [dict(node.batches) for node in found.nodes] == [{"a": 3}, {}]


def test_what_a_person_cancelled_accuses_no_node_and_is_no_attempt_that_failed() -> None:
    made = made_of(5.0, 5.0)
    made.worker("n2-bbbbbbbb")
    for n in range(20):
        made.failed(f"b/{n}", tag="cancelled", reason="SIGTERM by a person", wid="n2-bbbbbbbb")
    for n in range(4):
        made.attempt(f"c/{n}", "exit1", "n1-aaaaaaaa", ago=60)
        made.task("failed", f"c/{n}")  # cancelled in waiting/, before it was tried again
        made.failures.append(Failure(f"c/{n}", f"c/{n}~cancelled.yaml", "cancelled", "", "", 22 + n, "n1", 1, NOW - 50))
    found = of(made)
    assert [(node.host, node.done, node.failed) for node in found.nodes] == [("n1", 2, 4), ("n2", 0, 0)]
    assert found.causes == ()
    assert [(group.count, group.hosts, group.suspicion) for group in found.cancelled] == [(24, {}, "")]
    assert {batch.name: batch.bad for batch in found.batches} == {"a": 0, "b": 0, "c": 4}
    assert (found.changes.failed, found.changes.cancelled, found.changes.retried) == (0, 24, 4)
    assert found.matrix is None


@pytest.mark.parametrize("how", ["alive", "silent", "ended"])
def test_a_node_is_what_its_worker_is(how: str) -> None:
    made = Made()
    made.worker("n1-aaaaaaaa", how=how, silent=50.0 if how == "silent" else 0.0)
    assert state_of(made.book().nodes[0]) == how


def test_a_node_that_was_given_up_is_dead_once_it_holds_nothing() -> None:
    made = Made()
    made.worker("n1-aaaaaaaa", how="fenced", silent=50.0)
    assert state_of(made.book().nodes[0]) == "dead"
    made.running("a/1")
    assert state_of(made.book().nodes[0]) == "silent"


def test_a_slot_that_was_busy_for_half_an_hour_was_half_busy() -> None:
    made = Made()
    made.worker("n1-aaaaaaaa", slots=1)
    made.done("a/1", ago=600.0, seconds=1800.0)
    assert of(made).nodes[0].busy == pytest.approx(0.5)


# -- plots -----------------------------------------------------------------------------------------------------------


def test_as_many_run_at_a_time_as_ran() -> None:
    made = Made()
    made.worker("n1-aaaaaaaa")
    for n in range(3):
        made.done(f"a/{n}", ago=1000.0, seconds=2000.0)
    made.running("a/now", seconds=500.0)
    plot = plots.series(of(made))["concurrency"]
    at = dict(zip(plot["x"], plot["lines"][0]["y"], strict=True))
    assert max(at.values()) == 3
    assert at[max(at)] == 1
    assert plot["x"] == sorted(plot["x"])


def test_what_a_silent_node_holds_does_not_run() -> None:
    made = made_of(50.0, 60.0)
    made.worker("n4-dddddddd", how="silent", silent=300.0)
    made.running("a/now", seconds=500.0)
    made.running("a/held", "n4-dddddddd", seconds=900.0)
    assert plots.series(of(made))["concurrency"]["lines"][0]["y"][-1] == 1


def test_throughput_counts_every_attempt_of_a_day_once() -> None:
    made = made_of(*[7.0] * 30)
    made.failed("b/1", "no")
    plot = plots.series(of(made))["throughput"]
    lines = {line["label"]: sum(line["y"]) for line in plot["lines"]}
    assert lines == {"done": 30, "failed": 1}


@pytest.mark.parametrize(("seconds", "step"), [(50, 1), (900, 10), (86_400, 900), (86_400 * 200, 86_400 * 3)])
def test_bins_have_a_round_length_and_hold_it_all(seconds: float, step: float) -> None:
    edges = plots.bins(NOW - seconds, NOW)
    assert edges[0] <= NOW - seconds and edges[-1] >= NOW
    assert edges[1] - edges[0] == step
    assert len(edges) <= plots.BINS + 3


def test_histograms_of_several_batches_have_the_same_edges() -> None:
    made = made_of(*[float(n + 1) for n in range(20)])
    made.done(*(f"b/{n}" for n in range(7)), seconds=500.0)
    made.done("c/few", seconds=9.0)
    found = plots.series(of(made))
    assert [group["label"] for group in found["run"]["groups"]] == ["a", "b"]
    assert all(len(group["y"]) == len(found["run"]["edges"]) - 1 for group in found["run"]["groups"])
    assert sum(found["run:b"]["groups"][0]["y"]) == 7
    assert "run:c" not in found


def test_the_queue_is_drawn_from_what_earlier_pages_counted() -> None:
    made = made_of(5.0)
    for n in range(5):
        made.past(600.0 - 100 * n, todo=50 - n)
    assert plots.series(of(made))["queue"]["lines"][0]["y"] == [50, 49, 48, 47, 46, 0]


def test_the_load_of_a_node_is_a_share_of_it_and_thinned() -> None:
    made = Made()
    made.worker("n1-aaaaaaaa")
    made.loads["n1"] = [Load(NOW - 5000 + n, 4.0, 0.5, 8 << 30, 16 << 30) for n in range(5000)]
    plot = plots.series(of(made))["load:n1"]
    assert 300 < len(plot["x"]) <= plots.MOST_LOADS
    assert {line["label"]: line["y"][0] for line in plot["lines"]} == {
        "CPU busy": 0.5, "load per CPU": 0.5, "memory in use": 0.5,
    }  # fmt: skip


def test_plots_are_json_and_none_of_them_is_drawn_of_nothing() -> None:
    assert plots.series(of(Made())) == {}
    made = made_of(*[float(n % 7) + 0.7 for n in range(3000)])
    for row in range(3000):
        made.attempts.cpu_seconds[row] = 0.5
    found = plots.series(of(made))
    assert len(json.dumps(found, allow_nan=False)) < 200_000
    assert len(found["cpu-used"]["points"]) == plots.MOST_POINTS
