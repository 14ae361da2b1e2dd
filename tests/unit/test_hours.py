"""The rule: what `run_between` says is told by the clock on the wall of a node, also on days on which clocks are changed."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from dsgspool.errors import InvalidTask
from dsgspool.hours import Hours, Window, parse_hours
from dsgspool.nodes import Rules, rules_of

BERLIN, UTC = ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")
MONDAY = "2026-11-30"  # and the days after it


def at(text, zone=UTC):
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


@pytest.mark.parametrize(
    ("text", "windows"),
    [
        ("19:00-08:00", (Window(begin=1140, end=480),)),
        (" 9:30-24:00", (Window(begin=570, end=1440),)),
        ("always", (Window(),)),
        ("weekends", (Window(frozenset({5, 6})),)),
        ("Mon-Fri 19:00-08:00,weekends", (Window(frozenset(range(5)), 1140, 480), Window(frozenset({5, 6})))),
        ("sun", (Window(frozenset({6})),)),
        ("sat-mon 00:00-06:00", (Window(frozenset({5, 6, 0}), 0, 360),)),
        ("weekdays 20:00-00:00", (Window(frozenset(range(5)), 1200, 0),)),
    ],
)
def test_what_can_be_written(text, windows):
    assert parse_hours(text) == Hours(text.strip(), windows)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "an entry is empty"),
        ("weekends,", "an entry is empty"),
        ("25:00-08:00", "`25:00` is no time of day"),
        ("24:30-08:00", "`24:30` is no time of day"),
        ("19-08", "`19` is no time of day"),
        ("19:00-", "`` is no time of day"),
        ("19:00", "`19:00` has no end"),
        ("19:00-19:00", "is no time at all (write 00:00-24:00"),
        ("24:00-08:00", "is no time at all"),
        ("mo-fr 19:00-08:00", "`mo` is no day (write mon tue"),
        ("mon-", "`mon-` is no day"),
        ("nights", "`nights` is no day"),
        ("19:00-08:00 weekends", "`19:00-08:00 weekends` is not days and then a time"),
        ("mon tue 19:00-08:00", "is not days and then a time (write such as"),
        ("19:00-08:00; weekends", "`19:00-08:00; weekends` is not"),
    ],
)
def test_other_texts_are_refused_with_the_part_that_is_wrong(text, part):
    with pytest.raises(InvalidTask) as caught:
        parse_hours(text)
    assert part in str(caught.value)


@pytest.mark.parametrize(
    ("text", "moment", "holds", "changes"),
    [
        ("19:00-08:00", "2026-11-30T18:59:59", False, "2026-11-30T19:00"),
        ("19:00-08:00", "2026-11-30T19:00", True, "2026-12-01T08:00"),
        ("19:00-08:00", "2026-12-01T07:59:59", True, "2026-12-01T08:00"),
        ("19:00-08:00", "2026-12-01T08:00", False, "2026-12-01T19:00"),
        ("weekends", "2026-11-30T00:00", False, "2026-12-05T00:00"),
        ("weekends", "2026-11-29T23:59", True, "2026-11-30T00:00"),
        ("mon-fri 19:00-08:00", "2026-12-05T07:00", True, "2026-12-05T08:00"),  # Friday's night
        ("mon-fri 19:00-08:00", "2026-11-30T07:00", False, "2026-11-30T19:00"),  # Sunday's, which there is not
        ("mon-fri 19:00-08:00, weekends", "2026-12-04T20:00", True, "2026-12-07T00:00"),
        ("mon", "2026-12-01T00:00", False, "2026-12-07T00:00"),
        ("mon 12:00-12:01", "2026-11-30T12:01", False, "2026-12-07T12:00"),
        ("always", "2026-11-30T00:00", True, None),
        ("00:00-12:00, 12:00-24:00", "2026-11-30T00:00", True, None),
    ],
)
def test_when_it_holds_and_when_that_changes(text, moment, holds, changes):
    hours = parse_hours(text)
    assert hours.hold(at(moment), UTC) is holds
    assert hours.changes(at(moment), UTC) == (changes and at(changes))


def test_a_day_begins_where_the_node_is():
    hours = parse_hours("19:00-08:00")
    assert hours.hold(at("2026-11-30T18:30"), BERLIN)
    assert hours.changes(at("2026-11-30T17:00"), BERLIN) == at("2026-11-30T18:00")


def test_an_hour_that_is_left_out_never_comes_and_one_that_comes_twice_counts_twice():
    """Clocks in Berlin: 29 March 2:00 -> 3:00, 25 October 3:00 -> 2:00."""
    hours = parse_hours("02:00-03:00")
    assert hours.changes(at("2026-03-28T12:00", BERLIN), BERLIN) == at("2026-03-30T02:00", BERLIN)
    begins = hours.changes(at("2026-10-24T12:00", BERLIN), BERLIN)
    assert hours.changes(begins, BERLIN) - begins == 2 * 3600


def test_a_window_that_begins_in_the_hour_that_is_left_out_begins_at_its_end():
    hours = parse_hours("02:30-05:00")
    begins = hours.changes(at("2026-03-28T12:00", BERLIN), BERLIN)
    assert begins == at("2026-03-29T03:00", BERLIN)
    assert hours.changes(begins, BERLIN) - begins == 2 * 3600


def test_of_several_patterns_the_first_that_fits_and_says_something_holds():
    night, weekend = parse_hours("19:00-08:00"), parse_hours("weekends")
    nodes = {"desk*": Rules(night), "*": Rules(weekend), "n1": Rules(night)}
    assert rules_of(nodes, "desk1").run_between == night
    assert rules_of(nodes, "n1.lab.example").run_between == weekend
    assert rules_of({"n1": Rules(night)}, "n1.lab.example").run_between == night
    assert rules_of({"n1": Rules(night)}, "n2") == Rules()
    assert Rules().over(Rules(night)) == Rules(night)
    assert Rules(weekend).over(Rules(night)) == Rules(weekend)
