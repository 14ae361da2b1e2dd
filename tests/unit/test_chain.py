"""The rule: an attempt begins only when the one before it is over, so the records of a name are its lock."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsgspool import names
from dsgspool.names import Claim, TaskName
from dsgspool.spool import Spool
from dsgspool.spool.chain import Begun, Busy, Chain, next_line, next_of
from dsgspool.task import Budget, Decision, State
from tests.support.doors import FlakyFs, NegativeFs, SlowFs

LEASE = 47.0
LIVING, DEAD = "n1-aaaaaaaa", "n2-bbbbbbbb"
OVER = "claim: n2-bbbbbbbb.1\noutcome: exit1\n...\n"


@pytest.fixture
def chain(world):
    return Chain(world.spool, lambda wid: wid == DEAD, lambda: LEASE)


@pytest.fixture
def record(world):
    """Writes record N of a name."""

    def write(text, attempt=1, identity="x"):
        path = f"{world.root}/logs/{names.record_path(identity, attempt)}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)

    return write


def named(tag="", identity="x", count=9):
    return TaskName(identity, tag, "cccccccc-1" if tag else "", Claim(LIVING, count))


def begin(chain, name=None):
    """The attempt that began, or who is alive; the record is closed again."""
    got = chain.begin(name or named())
    if isinstance(got, Begun):
        os.close(got.descriptor)
        return got.attempt
    return got


def test_the_first_attempt_of_a_name_has_record_1(chain, world):
    assert begin(chain) == 1
    assert os.listdir(f"{world.root}/logs") == ["x.1.yaml"]


def test_the_batch_folder_of_the_logs_is_made(chain, world):
    assert begin(chain, named(identity="s/t/x")) == 1
    assert os.path.exists(f"{world.root}/logs/s/t/x.1.yaml")


def test_after_attempts_that_are_over_the_next_number_comes(chain, record):
    record(OVER, 1)
    record(OVER, 2)
    assert begin(chain) == 3


def test_an_attempt_of_a_living_worker_is_alive(chain, record):
    record(f"claim: {LIVING}.4\nstarted: x\n")
    assert begin(chain) == Busy(1, f"{LIVING}.4")


def test_an_attempt_that_has_its_end_is_over_although_its_worker_lives(chain, record):
    record(OVER.replace(DEAD, LIVING))
    assert begin(chain) == 2


def test_an_attempt_of_a_dead_worker_is_over(chain, record):
    record(f"claim: {DEAD}.4\nstarted: x\n")
    assert begin(chain) == 2


def test_the_record_before_decides_also_when_the_tag_knows_its_number(chain, record, world):
    record(OVER, 1)
    record(f"claim: {LIVING}.4\n", 2)
    assert begin(chain, named("2")) == Busy(2, f"{LIVING}.4")
    assert sorted(os.listdir(f"{world.root}/logs")) == ["x.1.yaml", "x.2.yaml"]


def test_a_tag_spares_the_walk(chain, record):
    for attempt in range(1, 6):
        record(OVER, attempt)
    assert begin(chain, named("3l2")) == 6


def test_a_record_after_the_tags_number_counts_too(chain, record):
    for attempt in (1, 2, 3):
        record(OVER, attempt)
    assert begin(chain, named("1")) == 4


def test_when_the_record_before_is_missing_the_walk_begins_at_1(chain, record, world):
    record(OVER, 1)
    assert begin(chain, named("7")) == 2
    assert sorted(os.listdir(f"{world.root}/logs")) == ["x.1.yaml", "x.2.yaml"]


def test_when_the_records_are_pruned_meanwhile_the_attempt_begins_at_1(chain, record, world, monkeypatch):
    record(OVER, 1)
    create = chain._create

    def create_after_prune(path):
        if path.endswith(".2.yaml") and os.path.exists(f"{world.root}/logs/x.1.yaml"):
            os.unlink(f"{world.root}/logs/x.1.yaml")
        return create(path)

    monkeypatch.setattr(chain, "_create", create_after_prune)
    assert begin(chain) == 1
    with open(f"{world.root}/logs/x.2.yaml") as abandoned:
        assert abandoned.read().endswith("\n...\n")
    assert begin(chain, named("1")) == Busy(1, "an attempt that has written nothing yet")


def meanwhile(chain, monkeypatch, suffix, what):
    """Does `what` just before the record whose path ends with `suffix` is created."""
    create = chain._create

    def create_after(path):
        if path.endswith(suffix):
            what()
        return create(path)

    monkeypatch.setattr(chain, "_create", create_after)


def test_an_attempt_that_began_anew_at_1_after_a_prune_is_met_by_who_went_past_1_before(
    chain, record, world, monkeypatch
):
    """prune removes record 1, another worker makes it anew and runs, prune removes its own record 2; I create 2."""
    record(OVER, 1)
    meanwhile(chain, monkeypatch, ".2.yaml", lambda: record(f"claim: {LIVING}.4\n", 1))
    assert begin(chain) == Busy(1, f"{LIVING}.4")
    with open(f"{world.root}/logs/x.2.yaml") as file:
        assert file.read().endswith("...\n")


def test_an_ended_record_above_a_new_attempt_1_hides_it_from_nobody(chain, record, monkeypatch):
    """As before, but a third worker came first: its record 2 has ended again, so only a look at ALL before 3 finds 1."""
    record(OVER, 1)
    record(OVER, 2)
    meanwhile(chain, monkeypatch, ".3.yaml", lambda: record(f"claim: {LIVING}.4\n", 1))
    assert begin(chain) == Busy(1, f"{LIVING}.4")


def test_two_workers_do_not_begin_the_same_attempt(chain, world):
    other = Chain(world.spool, lambda _wid: False, lambda: LEASE)
    assert begin(chain) == 1
    assert isinstance(begin(other), Busy)


def test_a_folder_of_logs_that_another_makes_at_the_same_time_is_no_trouble(chain, record, world):
    record(OVER, 1, "s/x")
    chain.fs = FlakyFs(world.clock, {"create": 2})  # ENOENT, once
    assert begin(chain, named(identity="s/x")) == 2


# -- records that name nobody


def test_an_empty_record_is_alive_until_it_was_unchanged_for_a_lease(chain, record, world):
    record("")
    assert begin(chain) == Busy(1, "an attempt that has written nothing yet")
    world.clock.advance(LEASE - 0.1)
    assert isinstance(begin(chain), Busy)
    world.clock.advance(0.1)
    assert begin(chain) == 2


def test_a_record_that_grows_is_waited_for_anew(chain, record, world):
    record("")
    begin(chain)
    world.clock.advance(LEASE - 1)
    record("claim: n1-aaa")
    assert isinstance(begin(chain), Busy)
    world.clock.advance(LEASE - 1)
    assert isinstance(begin(chain), Busy)


def test_a_record_that_was_made_anew_is_waited_for_anew_although_it_is_as_empty(chain, record, world):
    """prune removed the old one, and another worker has just made record 1 and not signed it yet."""
    record("")
    begin(chain)
    os.rename(f"{world.root}/logs/x.1.yaml", f"{world.root}/logs/.old")
    world.clock.advance(LEASE)
    record("")
    assert isinstance(begin(chain), Busy)


def test_a_claim_whose_line_is_torn_names_nobody(chain, record):
    record(f"task: x\nclaim: {DEAD}.1")
    assert isinstance(begin(chain), Busy)


def lie_in_running(world, wid, identity="x", count=1):
    os.makedirs(f"{world.root}/running/{wid}", exist_ok=True)
    path = f"{world.root}/running/{wid}/{TaskName(identity, claim=Claim(wid, count)).flat}"
    with open(path, "w"):
        return path


def test_while_a_living_worker_holds_the_claim_that_may_have_made_it_an_empty_record_is_alive(chain, record, world):
    record("")
    path = lie_in_running(world, "n3-cccccccc")
    begin(chain)
    world.clock.advance(10 * LEASE)
    assert isinstance(begin(chain), Busy)
    os.unlink(path)
    assert begin(chain) == 2


def test_what_lies_in_a_dead_workers_folder_keeps_no_record_alive(chain, record, world):
    record("")
    lie_in_running(world, DEAD)
    begin(chain)
    world.clock.advance(LEASE)
    assert begin(chain) == 2


def test_two_files_of_one_name_do_not_wait_for_each_other_for_ever(chain, record, world):
    """A claim that came after my first look cannot have made the record."""
    record("")
    lie_in_running(world, "n3-cccccccc", count=1)
    begin(chain)
    world.clock.advance(LEASE)
    os.unlink(f"{world.root}/running/n3-cccccccc/x@n3-cccccccc.1.yaml")
    lie_in_running(world, "n3-cccccccc", count=2)
    assert begin(chain) == 2


def test_to_prune_a_record_that_names_no_writer_is_over_when_it_is_old_and_nobody_holds_the_name(record, world):
    """A command is over before a lease is, so it asks the file server: mtime and now are both its."""
    record("task: x\n")
    path = f"{world.root}/logs/x.1.yaml"
    prune = Chain(world.spool, lambda wid: wid == DEAD, lambda: LEASE, now=10_000.0)
    os.utime(path, (10_000 - LEASE, 10_000 - LEASE))
    assert isinstance(begin(prune), Busy)
    os.utime(path, (9_000, 9_000))
    file = lie_in_running(world, "n3-cccccccc")
    assert isinstance(begin(prune), Busy)
    os.unlink(file)
    assert begin(prune) == 2


def test_a_file_of_another_name_says_nothing(chain, record, world):
    record("")
    lie_in_running(world, "n3-cccccccc", identity="y")
    begin(chain)
    world.clock.advance(LEASE)
    assert begin(chain) == 2


# -- the record of one claim


def test_the_record_of_a_claim_is_found_among_others(chain, record):
    record(OVER, 1)
    record(f"claim: {LIVING}.9\nseconds: 1\n", 2)
    found = chain.of_claim(named(count=9))
    assert found is not None
    assert found[0] == 2
    assert b"seconds" in found[1]


def test_a_claim_that_began_nothing_has_no_record(chain, record):
    record(OVER, 1)
    assert chain.of_claim(named(count=9)) is None


def test_it_is_found_also_when_the_logs_before_it_were_deleted(chain, record):
    record(f"claim: {LIVING}.9\n", 1)
    found = chain.of_claim(named("7", count=9))
    assert found is not None
    assert found[0] == 1


def test_the_newest_record_is_counted(chain, record):
    assert chain.count("x") == 0
    record(OVER, 1)
    record(OVER, 2)
    assert chain.count("x") == 2


# -- what follows, as a record says it

decisions = st.one_of(
    st.just(Decision(State.DONE)),
    st.sampled_from(["exit1", "signal9", "timeout", "log-limit"]).map(lambda tag: Decision(State.FAILED, tag)),
    st.sampled_from(["lost", "invalid", "cancelled"]).map(lambda tag: Decision(State.FAILED, tag, unique=True)),
    st.just(Decision(State.HOLD, "changed")),
    st.builds(
        Decision,
        st.sampled_from([State.TODO, State.HOLD]),
        budget=st.builds(Budget, st.integers(0, 99), st.integers(0, 99)),
    ),
    st.builds(
        Decision,
        st.just(State.WAITING),
        budget=st.builds(Budget, st.integers(0, 99), st.integers(0, 99)),
        delay=st.integers(1, 10**7).map(lambda tenths: tenths / 10),
    ),
)


@given(decisions)
def test_a_decision_is_read_back_from_the_record(decision):
    line = f"outcome: x\nnext: {next_line(decision)}\n...\n"
    assert next_of(line.encode()) == decision
    assert next_of(line.replace(next_line(decision), f'"{next_line(decision)}"').encode()) == decision


@pytest.mark.parametrize("text", ["", "next: nothing\n", "next: elsewhere\n", "next:\n", "text: |\n  next: done\n"])
def test_where_a_record_says_nothing_nothing_is_decided(text):
    assert next_line(None) == "nothing"
    assert next_of(text.encode()) is None


# -- what a client's caches and a slow share make of it


def test_a_record_that_this_client_once_missed_is_seen(world, record):
    chain = Chain(Spool(world.root, NegativeFs(world.clock), world.clock), lambda wid: wid == DEAD, lambda: LEASE)
    assert chain.count("x") == 0
    record(OVER, 1)
    assert chain.count("x") == 1


def test_an_end_that_is_half_written_is_no_end(chain, record):
    record(f"claim: {LIVING}.4\noutcome: done\nnext: do")
    assert begin(chain) == Busy(1, f"{LIVING}.4")


def test_how_long_an_empty_record_was_unchanged_is_counted_between_two_looks(world, record):
    """From after the first look to before the last: while a look is under way the record may still have changed."""
    fs = SlowFs(world.clock, {"read": 5.0})
    chain = Chain(Spool(world.root, fs, world.clock), lambda wid: wid == DEAD, lambda: LEASE)
    record("")
    begin(chain)
    world.clock.advance(LEASE - 1.0)
    assert isinstance(begin(chain), Busy)
    world.clock.advance(LEASE)
    assert begin(chain) == 2
