"""What tests of single rooms get: a spool with a clock that stands still, and workers without processes."""

import pytest

from dsgspool.spool.own import OwnFolder
from tests.support.actors import World
from tests.support.doors import ClockedFs
from tests.support.inside import InsideWorker, WorkingClock


@pytest.fixture
def world(tmp_path):
    """An empty spool; its workers let go of their locks at the end."""
    world = World(str(tmp_path / "spool"))
    yield world
    for actor in world.living:
        world.crash(actor)


@pytest.fixture
def actor(world):
    """One worker of it."""
    return world.worker()


@pytest.fixture
def inside(tmp_path, world):
    """Starts a worker inside of this process, on a spool that `world` knows."""
    started = []

    def start(fs=None, slots=2, **options):
        started.append(InsideWorker(world.root, fs or ClockedFs(world.clock), slots, **options))
        return started[-1]

    world.clock.__class__ = WorkingClock
    yield start
    for worker in started:
        worker.bury()


@pytest.fixture
def claims(monkeypatch):
    """The paths that were claimed, in order."""
    found, claim = [], OwnFolder.claim

    def counted(own, path):
        found.append(path)
        return claim(own, path)

    monkeypatch.setattr(OwnFolder, "claim", counted)
    return found
