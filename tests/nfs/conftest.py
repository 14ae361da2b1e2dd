"""Tests on real NFS: `pytest -m nfs`.  They boot a server and three clients for each version, see tests/nfs/rig.

The rule: without `-m nfs` they are not selected; where no rig can be booted they are skipped with the missing capability
as the reason, and with CI=true that is a failure.  After each test the rig is mended, whatever the test did to it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.nfs.lab import FAST, Lab
from tests.nfs.rig import Rig, Shape, missing
from tests.nfs.rig.cluster import take_down_abandoned

FIGURES: pytest.StashKey[list[str]] = pytest.StashKey()
Figure = Callable[[str], None]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Boots and faults take minutes: only who asks for them gets them."""
    if re.search(r"\bnfs\b", str(config.option.markexpr)):
        return
    unwanted = [item for item in items if item.get_closest_marker("nfs")]
    if unwanted:
        config.hook.pytest_deselected(items=unwanted)
        items[:] = [item for item in items if not item.get_closest_marker("nfs")]


@pytest.fixture(scope="session", params=["4.2", "3"])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    """The server n0 and its clients n1, n2, n3, booted once for each version."""
    if reason := missing():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"no NFS rig here: {reason}")
    take_down_abandoned()
    rig = Rig.up(str(os.getpid()), Shape(clients=3, version=request.param))
    yield rig
    rig.down()


@pytest.fixture
def make_lab(rig: Rig, request: pytest.FixtureRequest) -> Iterator[Callable[[Mapping[str, object]], Lab]]:
    """Makes a fresh spool with these settings."""
    labs: list[Lab] = []

    def make(settings: Mapping[str, object]) -> Lab:
        stem = re.sub(r"\W+", "-", request.node.name.removeprefix("test_"))[:40]
        labs.append(Lab(rig, f"{stem}-{len(os.listdir(rig.folders.share))}", settings))
        return labs[-1]

    yield make
    for lab in labs:
        lab.close()


@pytest.fixture
def lab(make_lab: Callable[[Mapping[str, object]], Lab]) -> Lab:
    """A fresh spool with short times."""
    return make_lab(FAST)


@pytest.fixture
def patient_lab(make_lab: Callable[[Mapping[str, object]], Lab]) -> Lab:
    """A fresh spool with the default times."""
    return make_lab({})


@pytest.fixture
def figure(request: pytest.FixtureRequest, rig: Rig) -> Figure:
    """Prints a measured figure at the end of the run."""
    figures = request.config.stash.setdefault(FIGURES, [])
    return lambda text: figures.append(f"v{rig.shape.version}: {text}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The figures."""
    if figures := config.stash.get(FIGURES, []):
        terminalreporter.section("NFS, measured")
        for line in sorted(figures):
            terminalreporter.write_line(line)
