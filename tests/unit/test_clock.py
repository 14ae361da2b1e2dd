"""The rule: the file server's time is the mtime of my last heartbeat and what my own clock has run since."""

import time

import pytest

from dsgspool.clock import HALF_A_YEAR, ServerClock, SystemClock, iso, local, stamp, unix
from tests.support.doors import FakeClock

NOON = unix(2026, 11, 21, 12, 0, 0)


def test_before_the_first_heartbeat_the_own_clock_must_do():
    assert ServerClock(FakeClock(wall=NOON)).now() == NOON


def test_the_servers_time_runs_on_with_boottime():
    clock = FakeClock(boot=500, wall=0)
    server = ServerClock(clock)
    server.set(NOON, clock.boot())
    clock.advance(7.5)
    assert server.now() == NOON + 7.5


def test_a_pause_may_be_asked_for_that_is_longer_than_the_kernel_can_count(monkeypatch):
    paused = []
    monkeypatch.setattr(time, "sleep", paused.append)
    SystemClock().sleep(1e17)
    SystemClock().sleep(0.5)
    monkeypatch.undo()
    assert paused[0] < 2**63 / 1e9 and paused[1] == 0.5


def test_a_step_of_the_wall_clock_changes_nothing():
    clock = FakeClock(wall=NOON)
    server = ServerClock(clock)
    server.set(NOON, clock.boot())
    clock._offset += 86400
    assert server.now() == NOON


def test_moments_are_written_in_utc():
    assert iso(NOON + 0.1239) == "2026-11-21T12:00:00.123Z"
    assert stamp(NOON + 0.9) == "20261121T120000Z"


def test_a_moment_after_the_last_that_can_be_written_is_the_last():
    assert stamp(1e15) == "99991231T235959Z"
    assert iso(1e15) == "9999-12-31T23:59:59.000Z"
    assert local(1e15).endswith(":59:59")


def test_a_moment_before_the_first_that_can_be_written_is_the_first():
    """`expires: 0001-01-01T00:00+14:00` is a date that people can write and UTC has not."""
    assert iso(-1e15) == "0001-01-01T00:00:00.000Z"
    assert local(-1e15).endswith(":00:00")


def test_people_read_their_own_time(monkeypatch):
    monkeypatch.setenv("TZ", "Etc/GMT-2")
    time.tzset()
    try:
        assert local(NOON, NOON) == "Sat 21 Nov 14:00:00"
        near, far = HALF_A_YEAR - 60, HALF_A_YEAR + 60
        assert local(NOON, NOON + near) == local(NOON, NOON - near) == "Sat 21 Nov 14:00:00"
        assert local(NOON, NOON + far) == local(NOON, NOON - far) == "Sat 21 Nov 2026 14:00:00"
        assert local(0.0) == "Thu 01 Jan 1970 02:00:00" and " 01 Jun 0068 " in local(unix(68, 6, 1, 0, 0, 0))
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_clocks_of_this_machine_run():
    clock = SystemClock()
    before, wall = clock.boot(), clock.wall()
    clock.sleep(0.001)
    assert clock.boot() - before >= 0.001
    assert clock.wall() == pytest.approx(wall, abs=60)
