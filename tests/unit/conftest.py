"""What tests of single rooms get: a spool with a clock that stands still, and workers without processes."""

import pytest

from tests.support.actors import World


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
