"""The rule: a name that is made is read back as it was, and any text is either a name in its one form or refused."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from dsgspool import names
from dsgspool.errors import InvalidName
from dsgspool.names import Claim, TaskName
from dsgspool.task import REASONS, Budget

WORD = st.text(names.ALPHABET, min_size=8, max_size=8)
COUNT = st.integers(0, 10**8)
PART = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="~@%\\/"), min_size=1, max_size=40
).filter(lambda part: part[0] not in ".-#")
FOLDER = PART.filter(lambda part: not part.endswith(names.SUFFIXES))
IDENTITY = (
    st.tuples(st.lists(FOLDER, max_size=3), PART)
    .map(lambda parts: "/".join([*parts[0], parts[1]]))
    .filter(lambda name: len(name.encode()) <= 150)
)
WID = st.builds(names.worker_id, st.text(max_size=40), WORD)
CLAIM = st.builds(Claim, WID, COUNT)
TOKEN = st.builds("{}-{}".format, WORD, COUNT)
COUNTS = st.builds(lambda failures, losses: f"{failures}l{losses}" if losses else f"{failures}", COUNT, COUNT)
REASON = st.sampled_from(sorted(REASONS)) | st.builds(
    "{}{}".format, st.sampled_from(["exit", "signal"]), st.integers(0, 255)
)
TAGGED = st.one_of(
    st.just(("", "")),
    st.tuples(COUNTS, TOKEN),
    st.tuples(REASON, st.just("") | TOKEN),
)
LANE = st.one_of(st.just(""), st.builds(names.lane_for, st.integers(-9999, 9999), st.integers(1, 9999)), st.just("gpu"))
NAME = st.builds(
    lambda identity, tagged, claim, lane: TaskName(identity, *tagged, claim, lane),
    IDENTITY, TAGGED, st.none() | CLAIM, LANE,
)  # fmt: skip


@given(NAME)
def test_a_name_is_read_back_from_its_path_and_from_its_flat_form(name):
    assert names.parse(name.lane_path) == name
    assert names.parse_flat(name.flat) == name
    assert "/" not in name.flat


@given(NAME)
def test_every_name_fits_a_file_system(name):
    assert all(len(part.encode()) <= 255 for part in (name.flat, *name.lane_path.split("/")))


@given(NAME)
def test_a_name_is_a_candidate_for_nobody_to_ignore(name):
    assert not names.is_ignored(name.flat)
    assert not names.is_ignored(name.plain().path.rpartition("/")[2])


@given(NAME, CLAIM, st.builds(Budget, COUNT, COUNT), TOKEN)
def test_the_identity_lasts_from_birth_to_death(name, claim, budget, token):
    steps = [
        name.claimed(claim),
        name.returned(budget, token),
        name.plain(),
        name.failed("exit1"),
        name.failed("lost", token),
    ]
    assert {names.parse(step.lane_path).identity for step in steps} == {name.identity}
    assert names.parse(name.returned(budget, token).lane_path).budget == budget


@given(st.text(max_size=60) | st.text("ax0~@%./-\n1", max_size=40))
@example("x~1\n")
@example("x@n1-aaaaaaaa.1\n")
@example("x@n1-aaaaaaaa.01")
@example("@a%b/x")
@example("@\udcff/x")
def test_any_text_is_a_name_in_its_one_form_or_refused(text):
    path = f"{text}.yaml"
    try:
        name = names.parse(path)
    except InvalidName as error:
        assert error.reason
        return
    assert name.lane_path == path
    assert names.parse_flat(name.flat) == name


@given(st.binary(max_size=60))
def test_any_bytes_of_a_file_name_are_a_name_or_refused(data):
    text = data.decode("utf-8", "surrogateescape")
    assume("\0" not in text)
    try:
        names.parse_flat(f"{text}.yaml")
    except InvalidName:
        made = names.invalid_name(text, "aaaaaaaa-1")
        assert names.parse(made.path) == made


@given(st.text(max_size=60))
def test_any_text_is_a_lane_for_somebody_or_nobody(text):
    assert isinstance(names.parse_lane(text), names.Lane)


@given(st.integers(-999999, 999999), st.integers(1, 99_999))
def test_a_need_is_read_back_from_its_lane(priority, cpus):
    lane = names.parse_lane(names.lane_for(priority, cpus))
    assert (lane.priority, lane.cpus, lane.known) == (priority, cpus, True)
    assert len(names.lane_for(priority, cpus)) <= names.MAX_LANE


@given(IDENTITY, st.integers(1, 10**6), st.sampled_from(["yaml", "out", "err"]))
def test_records_and_logs_are_found_by_their_paths(identity, attempt, kind):
    path = names.record_path(identity, attempt).removesuffix("yaml") + kind
    assert names.parse_record(path) == (identity, attempt, kind)


@given(st.text(max_size=60), WORD)
def test_any_host_gives_a_worker_id(host, word):
    wid = names.worker_id(host, word)
    assert names.is_wid(wid)
    assert len(wid) <= 33


@pytest.mark.parametrize("suffix", names.SUFFIXES)
def test_the_suffix_is_no_part_of_the_name(suffix):
    assert names.parse(f"x{suffix}") == TaskName("x")
