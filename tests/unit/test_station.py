"""The rule: an incarnation is new: its folder is made exclusively, and it is known only once its lock is held."""

import errno
import os

import pytest

from dsgspool import chance, proc
from dsgspool.errors import NodeError
from dsgspool.nodes import Rules
from dsgspool.settings import Settings
from dsgspool.spool import Spool
from dsgspool.worker.station import GuardLine, Options, Station
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


def test_more_slots_than_cpus_cannot_be_pinned(station, monkeypatch):
    monkeypatch.setattr(proc, "usable_cpus", lambda: 2)
    for slots, rules in [(2, Rules(pin=True)), (3, Rules()), (3, Rules(pin=False))]:
        station.options = Options(slots=slots, rules=rules)
        station.check(Settings())
    station.options = Options(slots=3)
    with pytest.raises(NodeError, match=r"only 2: start it with --slots 2"):
        station.check(Settings(nodes={"*": Rules(pin=True)}))


def refuse(path: str, **_: object) -> None:
    """As on an export on which this user may look and not write."""
    raise PermissionError(errno.EACCES, "Permission denied", path)


@pytest.mark.parametrize(("owner", "who"), [(31337, "as uid 31337, who owns it"), (0, "give it to a user")])
def test_root_that_is_refused_hears_of_root_squash(station, monkeypatch, owner, who):
    """What root may do everywhere else it may not where the server takes it for nobody."""
    monkeypatch.setattr(Station, "spool_owner", property(lambda _: owner, lambda *_: None), raising=False)
    monkeypatch.setattr("dsgspool.worker.station.obeyed", lambda spool, _: spool.settings())
    monkeypatch.setattr(station.fs, "make_folder", refuse)
    monkeypatch.setattr("dsgspool.worker.station.os.geteuid", lambda: 0)
    monkeypatch.setattr(Station, "check_owner", lambda *_: None)
    with pytest.raises(NodeError, match=rf"root may not use the spool .*root_squash.*{who}"):
        station.found()


def test_a_user_that_is_refused_hears_the_plain_reason(station, monkeypatch):
    monkeypatch.setattr(station.fs, "make_folder", refuse)
    monkeypatch.setattr("dsgspool.worker.station.os.geteuid", lambda: 31337)
    monkeypatch.setattr("dsgspool.worker.station.obeyed", lambda spool, _: spool.settings())
    with pytest.raises(PermissionError):
        station.found()


@pytest.mark.timeout(20)
def test_a_guard_that_reads_nothing_keeps_no_heart_from_beating():
    listen, speak = os.pipe()
    try:
        line = GuardLine(speak)
        for _ in range(5000):
            line.beat(123456.789)
        assert os.read(listen, 1 << 20).endswith(b"\n")
    finally:
        os.close(listen)
        os.close(speak)
