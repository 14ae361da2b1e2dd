"""The rule: what follows from an outcome is one pure function of outcome, budget and retries."""

import pytest

from dsgspool.task import TRANSITIONS, Backoff, Budget, Decision, Kind, Outcome, Retry, State, decide


def follows(kind, budget=None, retries=0, code=None, **retry):
    return decide(Outcome(kind, code), budget or Budget(), Retry(retries, **retry))


def test_done_goes_to_done():
    assert follows(Kind.DONE, code=0) == Decision(State.DONE)


def test_what_was_taken_away_is_not_published():
    assert follows(Kind.REVOKED) is None


def test_what_was_stopped_goes_back_uncounted():
    assert follows(Kind.STOPPED, Budget(1, 2)) == Decision(State.TODO, budget=Budget(1, 2))


@pytest.mark.parametrize(
    ("kind", "code", "tag"),
    [
        (Kind.EXIT, 3, "exit3"),
        (Kind.SIGNAL, 9, "signal9"),
        (Kind.TIMEOUT, None, "timeout"),
        (Kind.LOG_LIMIT, None, "log-limit"),
        (Kind.OOM, None, "oom"),
        (Kind.PROCESS_LIMIT, None, "process-limit"),
    ],
)
def test_an_own_failure_without_retries_fails_by_its_tag(kind, code, tag):
    assert follows(kind, code=code) == Decision(State.FAILED, tag)


def test_an_own_failure_with_retries_left_is_counted_and_goes_back():
    assert follows(Kind.EXIT, Budget(0, 2), retries=1, code=1) == Decision(State.TODO, budget=Budget(1, 2))
    assert follows(Kind.EXIT, Budget(1), retries=1, code=1) == Decision(State.FAILED, "exit1")


def test_a_retry_with_backoff_waits():
    decision = follows(Kind.EXIT, Budget(1), retries=5, code=1, backoff=Backoff(10, jitter=0))
    assert decision == Decision(State.WAITING, budget=Budget(2), delay=20)


def test_losses_are_counted_apart_from_failures():
    assert follows(Kind.LOST, Budget(2, 0)) == Decision(State.TODO, budget=Budget(2, 1))
    assert follows(Kind.LOST, Budget(0, 2)) == Decision(State.FAILED, "lost", unique=True)


def test_what_is_invalid_or_cancelled_is_not_tried_again():
    assert follows(Kind.INVALID, retries=9) == Decision(State.FAILED, "invalid")
    assert follows(Kind.CANCELLED, retries=9) == Decision(State.FAILED, "cancelled", unique=True)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_outcome_has_an_answer(kind):
    decision = follows(kind, code=1)
    assert decision is None or decision.state in State


@pytest.mark.parametrize(("failures", "pause"), [(1, 10), (2, 20), (3, 40), (4, 60), (100, 60), (10_000, 60)])
def test_pauses_grow_up_to_their_limit(failures, pause):
    assert Backoff(10, 2, 60, 0).seconds(failures, 0.5) == pause


def test_pauses_are_spread_by_their_jitter():
    backoff = Backoff(100, jitter=0.1)
    assert [backoff.seconds(1, chance) for chance in (0.0, 0.5)] == [90, 100]
    assert backoff.seconds(1, 0.999999) == pytest.approx(110, abs=0.001)


def test_no_base_means_no_pause():
    assert Backoff().seconds(5, 0.9) == 0


def test_the_largest_pause_that_may_be_written_does_not_overflow():
    assert Backoff(1e6, 100, 1e9, 0).seconds(64, 0.5) == 1e9


def test_a_budget_knows_how_many_attempts_there_were():
    assert Budget(2, 3).attempts == 5


def test_every_verb_leads_somewhere_else():
    assert all(target not in sources for sources, target in TRANSITIONS.values())
    assert TRANSITIONS["requeue"][0] == {State.DONE, State.FAILED}
