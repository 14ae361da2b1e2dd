"""Tallies: what several of them say together is what the attempts say one by one, and a copy of a chunk holds them whole."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

import pytest

from dsgspool.report import columns, plots
from dsgspool.report.ledger import Block
from dsgspool.report.statistics import HOUR, Groups
from dsgspool.report.table import NO_END, Attempts, Row
from dsgspool.report.tally import GIVEN_BACK, NEVER_BEGAN, Tally
from tests.support.books import NOW

OUTCOMES = ("done", "done", "done", "exit1", "timeout", "lost", "stopped", "silent", "dependency", "")
ROWS = 300


def table_of(chance: random.Random) -> Attempts:
    """Attempts in any order, of which anything may be unknown; those that run are behind the others, as always."""
    table = Attempts()

    def maybe(value: float) -> float | None:
        return value if chance.random() < 0.8 else None

    for outcome in sorted((chance.choice(OUTCOMES) for _ in range(ROWS)), key=lambda outcome: outcome in NO_END):
        began = NOW - chance.uniform(10, 5 * HOUR)
        seconds = round(chance.lognormvariate(4, 1), 3)
        moments = {"submitted": began - chance.uniform(-5, 99), "started": began, "ended": began + seconds}
        known = {name: maybe(round(moment * 1000)) for name, moment in moments.items() if outcome or name != "ended"}
        sizes = {name: maybe(chance.randrange(10**9)) for name in ("memory", "out", "err")}
        table.append(
            task=chance.choice(("a/{}", "b/{}", "b/c/{}", "{}")).format(len(table)), outcome=outcome,
            number=chance.choice((1, 1, 2)), host=chance.choice(("n1", "n2", "")), seconds=maybe(seconds) if outcome else None,
            cpu_seconds=maybe(seconds / 3), **known, **sizes,
        )  # fmt: skip
        table.settled += outcome not in NO_END
    return table


def pieces(table: Attempts, chance: random.Random) -> list[Tally]:
    cuts = sorted({0, len(table), *(chance.randrange(len(table)) for _ in range(chance.randrange(9)))})
    return [Tally.of(table, first, stop) for first, stop in pairwise(cuts)]


def by_itself(row: Row) -> bool:
    return over(row) and row.outcome not in ("lost", *GIVEN_BACK, *NEVER_BEGAN)


def over(row: Row) -> bool:
    return row.outcome not in NO_END


@pytest.mark.parametrize("seed", range(5))
def test_tallies_say_together_what_the_attempts_say_one_by_one(seed: int) -> None:
    chance = random.Random(seed)
    table = table_of(chance)
    groups = Groups.of(table, NOW, pieces(table, chance))
    every = list(table.rows())
    assert groups.counts == Counter((row.batch, row.host, row.outcome) for row in every)
    ran = [row for row in every if row.outcome not in NEVER_BEGAN]
    recent = [row for row in ran if over(row) and row.ended is not None and row.ended >= NOW - HOUR]
    assert groups.recent == [row.index for row in recent]
    assert Counter(groups.last_hour()) == Counter(row.outcome for row in recent)
    assert groups.running() == [row.index for row in every if not over(row)]
    assert Counter(groups.outcomes(host="n1")) == Counter(row.outcome for row in every if row.host == "n1")
    assert sum(tally.logs for tally in groups.tallies) == sum((row.out or 0) + (row.err or 0) for row in every)
    starts = [round(row.started * 1000) for row in ran if row.started is not None]
    assert sorted(moment for tally in groups.tallies for moment in tally.started) == sorted(starts)
    bad = [row.seconds for row in ran if over(row) and not row.good and row.outcome not in GIVEN_BACK]
    bad = [seconds for seconds in bad if seconds is not None]
    assert sorted(value for tally in groups.tallies for value in tally.bad) == sorted(bad)
    known = [row.cpu_seconds for row in every if row.cpu_seconds is not None]
    assert sum(tally.cpu_seconds for tally in groups.tallies) == pytest.approx(sum(known))
    assert groups.newest(40) == [row.index for row in every if row.good][-40:]
    for batch in ("a", "b", "", "none"):
        _agrees(groups, batch, [row for row in every if row.batch == batch])


def _agrees(groups: Groups, batch: str, every: list[Row]) -> None:
    every = [row for row in every if row.outcome not in NEVER_BEGAN]
    good = [row for row in every if row.good and row.seconds is not None]
    assert groups.seconds(batch) == sorted(row.seconds or 0.0 for row in good)
    assert groups.waits(batch) == pytest.approx(sorted(row.waited for row in every if row.waited is not None), abs=1e-5)
    assert groups.memory(batch) == sorted(row.memory for row in every if row.memory)
    longest = max(good, key=lambda row: row.seconds or 0.0, default=None)
    assert groups.slowest(batch) == (-1 if longest is None else longest.index)
    firsts = [row.started for row in every if row.started is not None]
    lasts = [row.ended for row in every if over(row) and row.ended is not None]
    assert groups.span(batch) == ((min(firsts), max(lasts)) if firsts and lasts else None)
    for most in (1, 20, ROWS):
        assert groups.newest(most, batch) == [row.index for row in every if row.good][-most:]
        assert groups.newest(most, batch, good=False) == [row.index for row in every if by_itself(row)][-most:]


@pytest.mark.parametrize("seed", range(3))
def test_a_copy_of_a_chunk_gives_back_its_rows_and_their_tally(seed: int) -> None:
    table = table_of(random.Random(seed))
    tally = Tally.of(table, 30, 170)
    facts, arrays = columns.of_attempts(table, Block(["f"], 30, 140, full=True, tally=tally))
    again, back = columns.unpack(columns.pack(facts, arrays, [b"part"]), [b"part"])
    assert [each.tobytes() for each in back] == [each.tobytes() for each in arrays]  # NaN is no NaN
    assert again["task"].split("\n") == table.task[30:170]
    assert again["folders"] == ["", "a", "b", "b/c"]
    assert Tally.of_flat(30, 170, again, back[len(arrays) - len(tally.flat()[1]) :]) == tally


@pytest.mark.parametrize("damage", [
    lambda data: data[:-1], lambda data: data + b"\0", lambda data: b"0" * 64 + data[64:], lambda _: b"",
    lambda data: data.replace(b'"task"', b'"tusk"'),
])  # fmt: skip
def test_a_copy_that_is_not_what_its_hash_says_is_refused(damage: object) -> None:
    assert callable(damage)
    data = columns.pack(*columns.of_attempts(table_of(random.Random(1)), Block(["f"], 0, 9)), [b"part"])
    columns.unpack(data, [b"part"])
    with pytest.raises(ValueError):
        columns.unpack(damage(data), [b"part"])
    with pytest.raises(ValueError, match="other chunks"):
        columns.unpack(data, [b"another"])


def test_moments_are_counted_before_each_edge_and_all_before_the_last() -> None:
    assert plots._before([[5, 10, 29], [], [10, 300]], 10, 10, 4) == [1, 3, 4, 5]


@pytest.mark.parametrize("names", [["a"], ["a", "b/c"], ["a\nb", "c"], ["", ""], ["\n"]])
def test_names_that_are_kept_as_one_text_are_the_same_names(names: list[str]) -> None:
    assert columns.split(columns.lines(names)) == names
