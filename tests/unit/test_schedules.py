"""What a schedule's file says, and which moments are due: the same for all who ask."""

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dsgspool.clock import unix
from dsgspool.errors import InvalidTask
from dsgspool.schedules import MOST, Schedule, parse_schedule, stamp_of, tick_of
from dsgspool.task import Task

TASK = "task:\n  # mine\n  command: x\n  env:\n    A: a\n"
NOON = unix(2026, 11, 29, 12, 0, 0)
HOUR, DAY = 3600.0, 86400.0


def parse(text, timezone=None):
    return parse_schedule(text.encode(), Task(), timezone)


def every(cron, catch_up="last", zone="UTC"):
    return Schedule(cron, ZoneInfo(zone), b"", True, catch_up)


def test_all_keys():
    found = parse('cron: "0 3 * * *"\ntimezone: Europe/Berlin\noverlap: allow\ncatch_up: all\n' + TASK)
    assert found == Schedule(
        "0 3 * * *", ZoneInfo("Europe/Berlin"), b"# mine\ncommand: x\nenv:\n  A: a\n...\n", False, "all"
    )


def test_what_is_not_said():
    found = parse(TASK + "cron: 0 3 * * *\n...\n", "Asia/Tokyo")
    assert (found.zone.key, found.skips, found.catch_up) == ("Asia/Tokyo", True, "last")
    assert found.text == b"# mine\ncommand: x\nenv:\n  A: a\n...\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (TASK, "`cron` is missing"),
        ("cron: 0 3 * * *\n", "`task` is missing"),
        ("cron: 0 3 * *\n" + TASK, "line 1: `cron` is '0 3 \\* \\*': it has not five parts"),
        ("cron: 0 0 3 * * *\n" + TASK, "it has not five parts"),
        ("cron: 0 24 * * *\n" + TASK, "Bad hour"),
        ("cron: 0 0 30 2 *\n" + TASK, "Bad day-of-month"),
        (f"cron: {'5' * 5000} 3 * * *\n" + TASK, "line 1: `cron` is '5"),
        ("cron: 0 3 * * *\ntimezone: Berlin\n" + TASK, "knows no 'Berlin'"),
        ("cron: 0 3 * * *\noverlap: maybe\n" + TASK, "must be skip or allow"),
        ("cron: 0 3 * * *\ncatchup: all\n" + TASK, "did you mean `catch_up`"),
        ("cron: 0 3 * * *\n" + TASK + "  retires: 1\n", "line 7: unknown key `retires`"),
        ("cron: 0 3 * * *\ntask: {command: x}\n", "line 2: `task` must be a block"),
        ("cron: 0 3 * * *\ntask: x\n", "line 2: `task` must be a block"),
    ],
)
def test_a_mistake_is_told_with_its_line(text, reason):
    with pytest.raises(InvalidTask, match=reason):
        parse(text)


def test_what_was_missed_is_made_up_for_as_the_file_says():
    for catch_up, count in (("none", 0), ("last", 1), ("all", 3)):
        assert len(every("0 3 * * *", catch_up).due(NOON - 3 * DAY, NOON)) == count
    assert every("0 12 * * *", "none").due(NOON - 9 * DAY, NOON + 100) == [NOON]
    assert every("0 12 * * *", "none").due(NOON - 9 * DAY, NOON + 200) == []
    assert every("* * * * *", "none").due(NOON - 9 * DAY, NOON + 65) == [NOON, NOON + 60]  # none of them is missed yet
    assert every("0 3 * * *").due(NOON - 3 * DAY, NOON) == [NOON - 9 * HOUR]
    assert every("0 12 * * *").due(NOON, NOON + HOUR) == [] and every("0 12 * * *").due(NOON - 1, NOON) == [NOON]


def test_no_more_than_so_many_are_made_up_for_and_the_oldest_comes_first():
    found = every("* * * * *", "all").due(0.0, NOON)
    assert found == [NOON - 60 * n for n in reversed(range(MOST))]
    assert every("0 0 29 2 *").due(0.0, NOON) == [unix(2024, 2, 29, 0, 0, 0)]


@pytest.mark.parametrize("cron", ["30 2 * * *", "*/20 * * * *", "15 */2 * * *", "5 1,2,3 * * *", "0 0 * * 0"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
def test_on_days_with_a_changed_clock_all_find_the_same_ticks_wherever_they_begin(cron, zone):
    for month in (3, 4, 10, 11):
        begin = datetime(2026, month, 1, tzinfo=UTC).timestamp()
        schedule = every(cron, "all", zone)
        whole = list(itertools.takewhile(lambda t, end=begin + 32 * DAY: t < end, schedule._after(begin)))
        assert whole == sorted(set(whole))
        for hours in range(0, 31 * 24, 29):
            since = begin + timedelta(hours=hours, minutes=17).total_seconds()
            rest = [tick for tick in whole if since < tick <= since + DAY]
            assert schedule.due(since, since + DAY) == rest


def test_the_hour_that_comes_twice_has_two_names():
    ticks = every("30 * * * *", zone="Europe/Berlin").following(unix(2026, 10, 24, 23, 45, 0), 3)
    assert [stamp_of(tick) for tick in ticks] == ["20261025T0030Z", "20261025T0130Z", "20261025T0230Z"]
    assert [tick_of(stamp_of(tick)) for tick in ticks] == ticks and tick_of("tick.json") is None


def test_in_an_hour_that_comes_twice_nothing_is_due_of_before():
    schedule = every("30 2 * * *", zone="Europe/Berlin")
    second = unix(2026, 10, 25, 1, 5, 0)  # 2:05 for the second time
    assert schedule.due(second, second + 60) == []
    assert every("30 2 * * *", "none", "Europe/Berlin").due(second - DAY, second) == []
    assert [stamp_of(t) for t in schedule.following(second, 1)] == ["20261026T0130Z"]


def test_a_missing_hour_is_made_up_for_at_its_end_and_a_fixed_hour_that_comes_twice_counts_once():
    for begin, stamps in (
        (unix(2026, 3, 28, 12, 0, 0), ["20260329T0100Z", "20260330T0030Z"]),
        (unix(2026, 10, 24, 12, 0, 0), ["20261025T0030Z", "20261026T0130Z"]),
    ):
        assert [stamp_of(t) for t in every("30 2 * * *", zone="Europe/Berlin").following(begin, 2)] == stamps


@pytest.mark.parametrize(
    ("cron", "why"),
    [
        ("0 3 31 2 *", "day 31 never comes in month 2"),
        ("0 3 30-31 feb *", "day 30-31 never comes in month feb"),
        ("0 3 32 2 *", r"Bad day-of-month \("),
        ("0 3 31 13 *", r"Bad month \("),
        ("61 3 31 2 *", r"Bad minute \("),
    ],
)
def test_a_day_that_no_such_month_has_is_told_as_that(cron, why):
    with pytest.raises(InvalidTask, match=why):
        parse_schedule(f'cron: "{cron}"\ntask:\n  command: echo\n'.encode(), Task(()), None)


def test_a_key_of_the_task_that_stands_beside_cron_is_told_where_it_belongs():
    with pytest.raises(InvalidTask, match=r"unknown key `command`.*write it below `task:`") as told:
        parse_schedule(b'cron: "0 3 * * *"\ncommand: echo\n', Task(()), None)
    assert told.value.line == 2
