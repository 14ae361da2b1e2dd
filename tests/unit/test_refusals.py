"""The rule: what cannot be taken is told and left alone for a while, and stops nothing else."""

import errno

import pytest

from dsgspool.worker.desk import Exchange
from dsgspool.worker.refusals import OUTAGES, PAUSE


@pytest.fixture
def refusals(inside):
    """Those of a worker, which is `refusals.worker`, and what it told."""
    worker = inside()
    found, told = worker.worker.intake.refusals, []
    worker.worker.tell = lambda event, text="", **_: told.append((event, text))
    found.told = told
    return found


def test_what_was_refused_is_told_once_a_folder_and_tried_again_later(refusals):
    paths = ["s/a.yaml", "s/b.yaml", "c.yaml"]
    for path in paths:
        refusals.heed(Exchange(refused=[(path, errno.EXDEV)]))
    assert [event for event, _ in refusals.told] == ["stuck", "stuck"]
    assert refusals.now() == set(paths)
    refusals.clock.advance(PAUSE)
    assert refusals.now() == set()
    refusals.heed(Exchange(refused=[("s/a.yaml", errno.EXDEV)]))
    assert len(refusals.told) == 2


@pytest.mark.parametrize("number", OUTAGES)
def test_what_is_refused_to_all_files_stops_claims_for_a_moment_and_keeps_none_for_a_minute(refusals, number):
    refusals.heed(Exchange(refused=[("x.yaml", number)]))
    assert [event for event, _ in refusals.told] == ["trouble"]
    assert refusals.now() == set()
    assert not refusals.worker.intake.may_claim()
    refusals.clock.advance(1.0)
    assert refusals.worker.intake.may_claim()


def test_what_is_refused_to_all_files_is_not_told_of_each(refusals):
    told = []
    refusals.worker.tell = lambda _event, text="", **_: told.append(text)
    for _ in range(3):
        refusals.heed(Exchange(refused=[(f"{name}.yaml", errno.EROFS) for name in "ab"]))
        refusals.clock.advance(1.0)
    assert len(told) == 1 and "/todo:" in told[0]


def test_what_an_old_listing_shows_is_not_tried_without_a_pause(inside, claims, monkeypatch):
    """Its folder's stamp is that of the tick in which it was taken: this client lists it until somebody touches the folder."""
    worker = inside()
    scan = worker.fs.scan

    def remembered(folder, **options):
        yield from scan(folder, **options)
        if folder == f"{worker.root}/todo/":
            yield "ghost.yaml", False

    monkeypatch.setattr(worker.fs, "scan", remembered)
    for _ in range(100):
        worker.turn(0.01)
    assert claims.count("ghost.yaml") == 2
    worker.drop("x")
    worker.until(lambda: worker.lies("done") == ["done/x"])
    worker.live(worker.worker.settings.poll_max + 1)
    assert claims.count("ghost.yaml") > 2
