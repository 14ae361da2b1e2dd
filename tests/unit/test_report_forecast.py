"""The forecast: honest bands, silence where too little is known, and always the same."""

from __future__ import annotations

import heapq
import random
import statistics

import pytest

from dsgspool.report.digest import digest
from dsgspool.report.forecast import Dice, Forecast, capped
from dsgspool.report.swept import Queued
from dsgspool.spool.rest import Rest
from tests.support.books import Made

REST = Rest("run_between", "19:00-08:00", None)
HISTORY = [60.0, 70.0, 80.0, 100.0, 90.0, 75.0, 110.0, 65.0, 85.0, 95.0] * 4


def going(*, slots: int = 4, todo: int = 40, history: list[float] = HISTORY, batch: str = "a") -> Made:
    made = Made()
    made.worker("n1-aaaaaaaa", slots=slots)
    for n, seconds in enumerate(history):
        made.done(f"{batch}/{n}", seconds=seconds)
    for n in range(slots):
        made.running(f"{batch}/now{n}", seconds=5.0 * n)
    made.task("todo", *(f"{batch}/next{n}" for n in range(todo)))
    return made


def forecast(made: Made) -> Forecast | None:
    return digest(made.book()).forecast


def test_the_middle_is_the_work_that_is_left_over_what_runs_at_a_time() -> None:
    found = forecast(going())
    assert found is not None
    assert found.likely == pytest.approx((40 + 4) * statistics.fmean(HISTORY) / 4, rel=0.12)
    assert (found.concurrency, found.known) == (4, len(HISTORY))


def test_the_band_is_in_order_and_widens_with_the_spread_of_the_durations() -> None:
    calm, wild = forecast(going()), forecast(going(history=[5.0, 20.0, 40.0, 400.0] * 10))
    assert calm and wild
    assert calm.early < calm.likely < calm.late
    assert (wild.late - wild.early) / wild.likely > 2 * (calm.late - calm.early) / calm.likely


def test_few_known_durations_make_a_wider_band_than_many() -> None:
    few, many = forecast(going(history=HISTORY[:6], todo=200)), forecast(going(history=HISTORY * 5, todo=200))
    assert few and many
    assert few.late - few.early > 1.5 * (many.late - many.early)


def test_four_of_five_such_spools_end_within_the_band() -> None:
    """The same spool, played to its end with other dice than the product's."""
    found = forecast(going(history=HISTORY * 3, todo=60))
    assert found
    dice, ends = random.Random(5), []
    for _ in range(400):
        slots = [dice.choice([s for s in HISTORY if s > 5.0 * n]) - 5.0 * n for n in range(4)]
        heapq.heapify(slots)
        for _ in range(60):
            heapq.heappush(slots, heapq.heappop(slots) + dice.choice(HISTORY))
        ends.append(max(slots))
    inside = sum(found.early <= end <= found.late for end in ends) / len(ends)
    assert 0.7 <= inside <= 0.98


def test_sums_of_very_many_tasks_agree_with_playing_them_one_by_one() -> None:
    some, more = forecast(going(todo=290)), forecast(going(todo=310))
    assert some and more
    assert more.likely / some.likely == pytest.approx(314 / 294, rel=0.04)


def test_a_million_tasks_are_foretold_at_once() -> None:
    made = going(todo=0)
    book = made.book()
    counts = type(book.snapshot.counts)(todo=1_000_000, running=4, done=40)
    object.__setattr__(book.snapshot, "batches", {"a": counts})
    found = digest(book).forecast
    assert found and found.likely == pytest.approx(1_000_000 * statistics.fmean(HISTORY) / 4, rel=0.1)


@pytest.mark.parametrize("how", ["few", "paused", "nothing runs", "unknown batch", "silent"])
def test_nothing_is_foretold_when_it_cannot_be(how: str) -> None:
    made = going(history=HISTORY[:4] if how == "few" else HISTORY, slots=0 if how == "nothing runs" else 4)
    made.paused = how == "paused"
    if how == "unknown batch":
        made.task("todo", *(f"new/{n}" for n in range(10)))
    if how == "silent":
        made = Made()
        made.worker("n1-aaaaaaaa", how="silent", silent=99.0)
        made.done(*(f"a/{n}" for n in range(9)))
        made.running("a/x")
    assert forecast(made) is None


def test_the_slots_of_a_node_at_rest_take_nothing_more() -> None:
    both, one = going(), going()
    for made in (both, one):
        made.worker("n2-bbbbbbbb", slots=4)
        for n in range(4):
            made.running(f"a/there{n}", "n2-bbbbbbbb", seconds=5.0 * n)
    one.rest("n2-bbbbbbbb", REST)
    whole, half = forecast(both), forecast(one)
    assert whole and half
    assert (whole.concurrency, half.concurrency) == (8, 4)
    assert half.likely / whole.likely == pytest.approx(44 / 24, rel=0.15)


def test_a_node_whose_hours_end_before_all_is_done_is_not_counted_upon() -> None:
    far, near, alone = going(), going(), going()
    for made in (far, near):
        made.worker("n2-bbbbbbbb", slots=4)
        for n in range(4):
            made.running(f"a/there{n}", "n2-bbbbbbbb", seconds=5.0 * n)
    far.closes("n2-bbbbbbbb", 1e6)
    near.closes("n2-bbbbbbbb", 1.0)
    alone.closes("n1-aaaaaaaa", 1.0)
    whole, half = forecast(far), forecast(near)
    assert whole and half and forecast(alone) is None
    assert (whole.concurrency, half.concurrency) == (8, 4)
    assert half.early == whole.early and half.likely > 1.5 * whole.likely
    last = going(todo=0)
    last.closes("n1-aaaaaaaa", 1.0)  # what runs goes on to its end
    assert forecast(last)


def test_while_all_that_work_are_at_rest_only_what_runs_is_foretold() -> None:
    some, none = going(), going(todo=0)
    for made in (some, none):
        made.rest("n1-aaaaaaaa", REST)
    assert forecast(some) is None
    found = forecast(none)
    assert found and 0 < found.late < max(HISTORY)


def test_a_task_that_tells_its_progress_is_believed() -> None:
    made = Made()
    made.worker("n1-aaaaaaaa", slots=1)
    made.done(*(f"a/{n}" for n in range(9)), seconds=100.0)
    made.running("a/x", seconds=600.0, progress=0.75)
    found = forecast(made)
    assert found and found.early > 150 and found.late < 250


def test_a_batch_is_over_before_everything_is() -> None:
    made = going()
    made.running("b/one", seconds=1.0)
    made.done(*(f"b/{n}" for n in range(9)), seconds=50.0)
    made.task("todo", *(f"b/next{n}" for n in range(200)))
    found = digest(made.book())
    batch = next(batch for batch in found.batches if batch.name == "b")
    assert batch.forecast and found.forecast
    assert batch.forecast.late <= found.forecast.late
    assert capped(None, found.forecast) is None


def test_the_same_book_gives_the_same_band() -> None:
    assert forecast(going()) == forecast(going())
    dice = Dice()
    throws = [dice() for _ in range(2000)]
    assert all(0 <= each < 1 for each in throws)
    assert statistics.fmean(throws) == pytest.approx(0.5, abs=0.02)
    normal = [dice.normal() for _ in range(2000)]
    assert statistics.fmean(normal) == pytest.approx(0, abs=0.08)
    assert statistics.stdev(normal) == pytest.approx(1, abs=0.08)


def swept(*queued: str, items: int, slots: int = 2) -> Made:
    """A sweep of items of 0.1 s: its chunks of 1, 8, 40 and more items took as long as their items."""
    made = Made()
    made.worker("n1-aaaaaaaa", slots=slots)
    first = 0
    for count in (1, 1, 8, 8, 40, 60, 100):
        made.done(f"s/{first:04d}-{first + count - 1:04d}", seconds=0.02 + 0.1 * count)
        first += count
    for n in range(slots):
        made.running(f"s/{first + 100 * n:04d}-{first + 100 * n + 99:04d}", seconds=5.0, progress=0.99)
    made.task("todo", *queued)
    made.queued["s"] = Queued(len(queued), items)
    return made


@pytest.mark.parametrize("items", [100, 1900])
def test_a_sweep_is_foretold_by_its_items_and_not_by_its_files(items: int) -> None:
    found = forecast(swept(f"s/rest-1000-{999 + items}", items=items))
    assert found and (found.concurrency, found.known) == (2, 7)
    assert found.likely == pytest.approx(0.1 * (items + 2 * 50) / 2, rel=0.15)
    assert found.late < 2 * found.early


def test_how_many_files_a_sweep_is_cut_into_changes_nothing() -> None:
    one, many = (
        forecast(
            swept(*(f"s/rest-{first}-{first + 1900 // n - 1}" for first in range(1000, 2900, 1900 // n)), items=1900)
        )
        for n in (1, 19)
    )
    assert one and one == many


def test_the_items_that_a_second_attempt_left_out_and_chunks_that_broke_off_do_not_count() -> None:
    made = swept("s/rest-1000-2899", items=1900)
    for n in range(20):
        made.attempt("s/0500-0599", "items3", "n1-aaaaaaaa", ago=5.0, seconds=0.3, number=n + 2)
        made.attempt(f"s/{600 + n:04d}-{600 + n:04d}", "oom", "n1-aaaaaaaa", ago=5.0, seconds=90.0)
    assert forecast(made) == forecast(swept("s/rest-1000-2899", items=1900))


def test_tasks_beside_a_sweep_are_foretold_by_their_own_durations() -> None:
    made = swept(items=0)
    made.done(*(f"s/task{n}" for n in range(9)), seconds=600.0)
    made.task("todo", *(f"s/more{n}" for n in range(10)))
    found = forecast(made)
    assert found and found.likely == pytest.approx(600.0 * 10 / 2, rel=0.1)


def test_a_sweep_of_which_too_little_is_known_is_not_foretold_however_many_tasks_are() -> None:
    made = going(todo=100)
    made.task("todo", "s/rest-0001-1999")
    made.queued["s"] = Queued(1, 1999)
    assert forecast(made) is None
