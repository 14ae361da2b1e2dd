"""A crash at every system call that touches the spool, of real processes: `pytest -m crash`.

The rule: no point is left out and none is tried in vain.  Each story's run is traced once; each of its calls that touches
the spool, tells somebody something or makes a process has a kill of its own, each write a torn one; a trial that did not
strike exactly there counts as invalid and fails the test.  How many were tried is printed at the end.
"""

from __future__ import annotations

import errno
import multiprocessing
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.faults import crash_trials
from tests.faults.conftest import Tally
from tests.faults.crash_laying import LAYING
from tests.faults.crash_lives import LIVES
from tests.faults.crash_mutants import MUTANTS
from tests.faults.crash_repairs import REPAIRS
from tests.faults.crash_stories import COMMANDS, Story
from tests.support import ptrace
from tests.support.crashing import Point, Strike
from tests.support.ptrace import KILL, PROCESS_CALLS, TEAR

pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]

#: Whom a kill at a call of the worker or its guard may hit.
WHO = (("worker",), ("guard",), ("guard", "worker"))


#: Which stories a test is about; `--share` takes each N-th of them.
STORIES = {
    "test_a_command_killed_at_any_call_loses_and_doubles_nothing": (*COMMANDS, *LAYING, *REPAIRS),
    "test_worker_guard_or_both_killed_at_any_call_lose_and_double_nothing": LIVES,
    "test_a_command_refused_any_call_loses_nothing_and_says_so": (*COMMANDS, *LAYING, *REPAIRS),
    "test_a_worker_refused_any_call_goes_on": LIVES,
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "story" in metafunc.fixturenames:
        stories = STORIES[metafunc.function.__name__]
        metafunc.parametrize("story", stories[metafunc.config.getoption("share")], ids=str)
    if (
        "half" in metafunc.fixturenames
    ):  # a sweep has 1,200 calls to be refused, of about 3 s each: too many for one time limit
        metafunc.parametrize("half", (0, 1))


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    """Processes that make trials, one at a time each; more of them than CPUs, since who recovers mostly waits."""
    if reason := ptrace.missing():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"no crash points here: {reason}")
    processes = 2 * len(os.sched_getaffinity(0))
    context = multiprocessing.get_context("spawn")
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with (
        tempfile.TemporaryDirectory(prefix="dsgspool-crash-", dir=memory) as base,
        ProcessPoolExecutor(processes, context, crash_trials.begin_making_trials, (base,)) as pool,
    ):
        yield pool


def try_all(pool: ProcessPoolExecutor, story: Story, strikes: list[Strike], tally: Tally, kind: str) -> list[str]:
    """What is wrong after any of these strikes; every one of them must have been struck."""
    verdicts = list(pool.map(crash_trials.strike, [story.name] * len(strikes), strikes, chunksize=4))
    missed = [verdict for verdict in verdicts if not verdict.reached]
    invalid = [verdict.strike for verdict in missed if not verdict.by_clock]
    tally.add(kind, story.name, len(strikes) - len(missed), len(missed))
    assert strikes
    assert not invalid
    assert len(missed) <= len(strikes) / 20, "looks that go by the clock are few"
    return [f"{verdict.strike}: {'; '.join(verdict.wrong)}\n{verdict.printed}" for verdict in verdicts if verdict.wrong]


def survey(pool: ProcessPoolExecutor, story: Story) -> list[Point]:
    points, wrong = pool.submit(crash_trials.survey, story.name).result()
    assert not wrong, "without any fault"
    return points


def kills(points: list[Point], story: Story) -> list[Strike]:
    """A kill at every point and a torn write at every write.

    Of the looks of a life, a doctor or a demo (CRASH_LOOKS=1 tries them too) each leaves the very state that a kill at the next
    call which is none leaves: what a process knew dies with it.
    """
    looks = story.is_short or os.environ.get("CRASH_LOOKS") == "1"
    tried = [point for point in points if (looks or not point.by_clock) and point.role.startswith(story.only)]
    found = [Strike(point, KILL, who) for point in tried for who in (WHO if story.is_life else ((),))]
    return found + [Strike(point, TEAR) for point in tried if point.can_tear]


def refusals(points: list[Point], story: Story) -> list[Strike]:
    """Every call that touches the spool refused once: as by a full disk, a bad one, a read-only one, a stale handle."""
    found = []
    for point in points:
        name = point.what.partition(" ")[0]
        if name in PROCESS_CALLS or name == "say" or not point.role.startswith(story.only):
            continue
        errors = (errno.EIO, errno.ESTALE) if point.by_clock else (errno.EIO, errno.ENOSPC, errno.EROFS, errno.ESTALE)
        found += [Strike(point, error) for error in errors]
    return found


def test_a_command_killed_at_any_call_loses_and_doubles_nothing(story, pool, tally):
    points = survey(pool, story)
    assert try_all(pool, story, kills(points, story), tally, "kills") == []


def test_worker_guard_or_both_killed_at_any_call_lose_and_double_nothing(story, pool, tally):
    points = survey(pool, story)
    assert {point.role for point in points} >= {"guard", "worker"}
    assert try_all(pool, story, kills(points, story), tally, "kills") == []


def test_a_command_refused_any_call_loses_nothing_and_says_so(story, pool, tally):
    points = survey(pool, story)
    assert try_all(pool, story, refusals(points, story), tally, "errors") == []


def test_a_worker_refused_any_call_goes_on(story, half, pool, tally):
    points = survey(pool, story)
    assert try_all(pool, story, refusals(points, story)[half::2], tally, "errors") == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_the_sweep_misses_a_rule_that_is_taken_away(mutant, pool):
    """The proof that it can fail: the first red point ends each of these."""
    points, wrong = pool.submit(crash_trials.survey, mutant.name).result()
    assert not wrong, "it works as long as nothing is killed"
    strikes = kills(points, mutant.as_story())
    for start in range(0, len(strikes), 16):
        some = strikes[start : start + 16]
        for verdict in pool.map(crash_trials.strike, [mutant.name] * len(some), some):
            if any(mutant.wrong in wrong for wrong in verdict.wrong):
                return
    pytest.fail(f"nobody missed the rule in {len(strikes)} trials")
