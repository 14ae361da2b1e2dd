"""The rule: an incarnation is new: its folder is made exclusively, and it is known only once its lock is held."""

import os

import pytest

from dsgspool import chance, proc
from dsgspool.spool import Spool
from dsgspool.worker.station import Options, Station
from tests.support.doors import ClockedFs


@pytest.fixture
def station(world):
    """A station that is not founded yet; this process adopts nobody afterwards."""
    yield Station(Spool(world.root, ClockedFs(world.clock), world.clock), Options(slots=1))
    proc.prctl(proc.PR_SET_CHILD_SUBREAPER, 0)


def test_an_incarnation_has_a_folder_that_nobody_had_before(station, world, monkeypatch):
    words = iter(["aaaaaaaa", "aaaaaaaa", "bbbbbbbb"])
    monkeypatch.setattr(chance, "word", lambda: next(words))
    _, lease = station.found()
    first = station.wid
    _, other = station.found()
    assert first.endswith("-aaaaaaaa")
    assert station.wid.endswith("-bbbbbbbb")
    assert sorted(os.listdir(world.spool.running)) == [first, station.wid]
    for each in (lease, other):
        each.release()


def test_the_others_know_a_worker_only_when_its_lock_is_held(station, world):
    _, lease = station.found()
    assert sorted(os.listdir(world.spool.workers)) == [f"{station.wid}.lock"]
    assert not station.fs.lock_is_free(lease.path)
    station.announce(lease)
    assert f"{station.wid}.yaml" in os.listdir(world.spool.workers)
    lease.release()
