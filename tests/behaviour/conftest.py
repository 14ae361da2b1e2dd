"""Labs for behaviours; one is at work for all tests that need nothing but tasks of their own names.

The rule: that one is one spool with workers on n1 and n2 for all tests of a module; each test has its own story, leaves no task
queued or running, and keeps off the names of the others.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.grounds import Ground, Lab, Story
from tests.grounds.fixtures import MakeLab, fresh_name
from tests.grounds.ground import CALM

SLOTS = 4


@pytest.fixture
def lab(make_lab: MakeLab, ground: Ground) -> Lab:
    """A fresh spool in which a late heartbeat fences nobody."""
    return make_lab({**ground.fast, **CALM})


@pytest.fixture(scope="module")
def standing_lab(ground: Ground, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """Workers on n1 and n2."""
    stem = request.module.__name__.rpartition(".")[2]
    lab = Lab(ground, fresh_name(ground, stem), {**ground.fast, **CALM})
    lab.ready(1, 2, slots=SLOTS)
    yield lab
    try:
        assert lab.violations() == ""
    finally:
        lab.close()


@pytest.fixture
def busy_lab(standing_lab: Lab, ground: Ground, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """The same, for one test."""
    standing_lab.story = Story(ground.stories, ground.stories_there, fresh_name(ground, request.node.name))
    yield standing_lab
    standing_lab.wait_until(lambda: not standing_lab.files("todo", "running"), 20)
