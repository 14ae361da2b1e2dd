"""Every promise, broken by hand once: `check` names it, and finds nothing where nothing is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dsgspool.clock import iso
from dsgspool.snapshot import check
from tests.support.seeded import Seeded


@pytest.fixture
def seeded(tmp_path: Path) -> Seeded:
    made = Seeded(str(tmp_path / "spool"))
    made.worker("n1-aaaaaaaa")
    return made


def rules(seeded: Seeded, **how: object) -> list[str]:
    return sorted(violation.rule for violation in check(seeded.spool, **how))  # type: ignore[arg-type]


def test_a_healthy_spool_has_no_violation(seeded: Seeded) -> None:
    seeded.done("a/1", "2")
    seeded.failed("3")
    seeded.running("4")
    seeded.record("5", 1, "exit1")
    seeded.record("5", 2, "done")
    seeded.write("done/5.yaml")
    for path in ("todo/5~0.abcdefgh-1", "hold/6~changed.abcdefgh-2", "failed/7~lost.abcdefgh-3"):
        seeded.write(f"{path}.yaml")
    assert check(seeded.spool, accepted=["a/1", "2", "3", "4", "5", "6", "7"]) == []


def test_the_same_claim_in_two_places_is_one_file_twice(seeded: Seeded) -> None:
    seeded.write("running/n1-aaaaaaaa/x@n1-aaaaaaaa.1.yaml")
    seeded.write("hold/x@n1-aaaaaaaa.1.yaml")
    (violation,) = check(seeded.spool)
    assert str(violation) == (
        "claim-twice: x: 2 files carry the claim n1-aaaaaaaa.1 "
        "(hold/x@n1-aaaaaaaa.1.yaml, running/n1-aaaaaaaa/x@n1-aaaaaaaa.1.yaml)"
    )


def test_the_same_token_in_two_places_is_one_file_twice(seeded: Seeded) -> None:
    seeded.write("todo/x~1.abcdefgh-1.yaml")
    seeded.write("hold/x~1.abcdefgh-1.yaml")
    assert rules(seeded) == ["token-twice"]


def test_two_files_of_one_name_with_tokens_of_their_own_are_legal(seeded: Seeded) -> None:
    seeded.write("todo/x~1.abcdefgh-1.yaml")
    seeded.write("hold/x~1.abcdefgh-2.yaml")
    assert check(seeded.spool) == []


@pytest.mark.parametrize("wid", ["n2-bbbbbbbb", "n3-cccccccc"])
def test_what_a_dead_or_unknown_worker_held_must_not_stay_outside_of_running(seeded: Seeded, wid: str) -> None:
    seeded.worker("n2-bbbbbbbb", ended=True)
    seeded.write(f"todo/x@{wid}.1.yaml")
    assert rules(seeded) == ["ownerless"]


def test_what_a_living_worker_still_holds_may_lie_outside_of_running(seeded: Seeded) -> None:
    seeded.write("todo/x@n1-aaaaaaaa.1.yaml")
    assert check(seeded.spool) == []


def test_a_worker_that_has_lost_its_inventory_is_known_by_its_lock(seeded: Seeded) -> None:
    os.unlink(f"{seeded.root}/workers/n1-aaaaaaaa.yaml")
    seeded.write("todo/x@n1-aaaaaaaa.1.yaml")
    assert check(seeded.spool) == []


def test_a_record_needs_the_one_before_it(seeded: Seeded) -> None:
    seeded.record("x", 1, "exit1")
    seeded.record("x", 3, "done")
    seeded.record("y", 2, "exit1")
    assert rules(seeded) == ["chain-gap", "chain-gap"]
    assert [violation.task for violation in check(seeded.spool, pruned=True)] == ["y"]


def test_no_attempt_begins_while_the_one_before_it_lives(seeded: Seeded) -> None:
    seeded.record("x", 1, worker="n1-aaaaaaaa")
    seeded.record("x", 2, "done")
    assert rules(seeded) == ["chain"]


def test_two_attempts_without_an_end_are_two_live_attempts(seeded: Seeded) -> None:
    seeded.record("x", 1, worker="n1-aaaaaaaa")
    seeded.record("x", 2, worker="n1-aaaaaaaa")
    (violation,) = check(seeded.spool)
    assert violation.rule == "two-live-attempts"
    assert violation.where == ("logs/x.1.yaml", "logs/x.2.yaml")


def test_a_dead_workers_attempt_needs_no_end(seeded: Seeded) -> None:
    seeded.worker("n2-bbbbbbbb", ended=True)
    seeded.record("x", 1, worker="n2-bbbbbbbb")
    seeded.record("x", 2, "exit1")
    assert check(seeded.spool) == []


def test_attempts_of_one_name_do_not_overlap_in_time(seeded: Seeded) -> None:
    seeded.record("x", 1, "exit1", started=iso(seeded.now - 100), ended=iso(seeded.now - 50))
    seeded.record("x", 2, "exit1", started=iso(seeded.now - 90), ended=iso(seeded.now - 80))
    seeded.record("x", 3, "exit1", started=iso(seeded.now - 60), ended=iso(seeded.now - 40))
    found = check(seeded.spool)
    assert [violation.where[0] for violation in found] == ["logs/x.1.yaml", "logs/x.1.yaml"]
    assert "attempt 2 began 40.000 s before 1 had ended" in str(found[0])


def test_one_claim_begins_one_attempt(seeded: Seeded) -> None:
    seeded.record("x", 1, "exit1", claim="n1-aaaaaaaa.7")
    seeded.record("x", 2, "exit1", claim="n1-aaaaaaaa.7")
    assert rules(seeded) == ["claim-used-twice"]


def test_a_record_of_another_task_is_wrong(seeded: Seeded) -> None:
    seeded.record("x", 1, "exit1", task="y")
    assert rules(seeded) == ["wrong-record"]


def test_what_is_done_has_an_attempt_that_ended_so(seeded: Seeded) -> None:
    seeded.write("done/x.yaml")
    seeded.write("done/y.yaml")
    seeded.record("y", 1)
    assert rules(seeded) == ["done-without-record"] * 2


def test_what_is_done_did_not_fail_last_unless_a_second_file_did(seeded: Seeded) -> None:
    seeded.done("x")
    seeded.record("x", 2, "exit1")
    assert rules(seeded) == ["done-but-failed"]
    seeded.write("failed/x~exit1.yaml")
    assert check(seeded.spool) == []


def test_what_failed_without_a_token_has_an_attempt_that_ended_so(seeded: Seeded) -> None:
    seeded.failed("x", "exit1")
    os.rename(f"{seeded.root}/failed/x~exit1.yaml", f"{seeded.root}/failed/x~timeout.yaml")
    assert rules(seeded) == ["failed-without-record"]


def test_an_accepted_task_that_is_nowhere_is_lost(seeded: Seeded) -> None:
    seeded.done("x")
    assert rules(seeded, accepted=["x", "y"]) == ["lost"]


def test_folders_in_tmp_older_than_a_day_are_rubbish(seeded: Seeded) -> None:
    old, new = seeded.write("tmp/abcdefgh/x.yaml"), seeded.write("tmp/ijklmnop/y.yaml")
    # NFS v3 keeps the verifier of an O_EXCL creation in mtime, and there it stays when the maker dies: any moment.
    os.utime(new, (832_000_000, 832_000_000))
    os.utime(os.path.dirname(old), (seeded.now - 90_000, seeded.now - 90_000))
    (violation,) = check(seeded.spool)
    assert violation.where == ("tmp/abcdefgh",)


@pytest.mark.parametrize("name", ["x~cancelled.abcdefgh-1", "x@n1-aaaaaaaa.1"])
def test_what_a_person_moved_out_of_running_into_done_needs_no_record(seeded: Seeded, name: str) -> None:
    """First it keeps its owner's claim; then the owner, who has killed it, makes it ~cancelled."""
    seeded.write(f"done/{name}.yaml")
    assert check(seeded.spool) == []
