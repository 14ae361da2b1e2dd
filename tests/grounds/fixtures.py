"""Grounds and labs for tests.

The rule: a test that asks for `ground` runs on every ground, by parameter, and is the same test on each.  `local` is in
the everyday run; the others are asked for by marker: `-m stale`, `-m nfs`.  Where one cannot be, its tests are skipped with
the missing capability as the reason, and with CI=true that is a failure.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.grounds.ground import Ground
from tests.grounds.lab import Lab
from tests.grounds.local import Local
from tests.grounds.nfs import Nfs3, Nfs42
from tests.grounds.stale import Stale

GROUNDS: Mapping[str, type[Ground]] = {made.kind: made for made in (Local, Stale, Nfs42, Nfs3)}
#: What runs only for who asks for it: ground -> marker.
MARKERS = {"stale": "stale", "v4.2": "nfs", "v3": "nfs"}
FIGURES: pytest.StashKey[list[str]] = pytest.StashKey()
Figure = Callable[[str], None]
MakeLab = Callable[[Mapping[str, object]], Lab]


def parametrize_ground(metafunc: pytest.Metafunc) -> None:
    """Run a test on its grounds: all of them, unless it is marked `nfs` or `grounds(...)`."""
    if "ground" not in metafunc.fixturenames:
        return
    definition = metafunc.definition
    only = definition.get_closest_marker("grounds")
    kinds = only.args if only else ("v4.2", "v3") if definition.get_closest_marker("nfs") else tuple(GROUNDS)
    chosen = [pytest.param(kind, marks=_marks(kind)) for kind in kinds]
    metafunc.parametrize("ground", chosen, indirect=True, scope="session", ids=kinds)


def _marks(kind: str) -> list[pytest.MarkDecorator]:
    return [getattr(pytest.mark, MARKERS[kind])] if kind in MARKERS else []


def deselect_unasked(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mounts, boots and faults take minutes: only who asks for them gets them."""
    asked = set(re.findall(r"\w+", str(config.option.markexpr)))
    heavy = set(MARKERS.values()) - asked
    unwanted = {item for item in items if any(item.get_closest_marker(name) for name in heavy)}
    if unwanted:
        config.hook.pytest_deselected(items=list(unwanted))
        items[:] = [item for item in items if item not in unwanted]


@pytest.fixture(scope="session")
def ground(request: pytest.FixtureRequest) -> Iterator[Ground]:
    """Up for all tests that want it."""
    kind = GROUNDS[request.param]
    if reason := kind.missing():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    made = kind()
    yield made
    made.down()


@pytest.fixture
def make_lab(ground: Ground, request: pytest.FixtureRequest) -> Iterator[MakeLab]:
    """Makes a fresh spool with these settings."""
    labs: list[Lab] = []

    def make(settings: Mapping[str, object]) -> Lab:
        labs.append(Lab(ground, fresh_name(ground, request.node.name), settings))
        return labs[-1]

    yield make
    for lab in labs:
        lab.close()


def fresh_name(ground: Ground, test: str) -> str:
    """Of a spool and a story for a test."""
    stem = re.sub(r"\W+", "-", test.removeprefix("test_"))[:40]
    return f"{stem}-{len(os.listdir(ground.stories))}"


@pytest.fixture
def lab(make_lab: MakeLab, ground: Ground) -> Lab:
    """A fresh spool with short times."""
    return make_lab(ground.fast)


@pytest.fixture
def patient_lab(make_lab: MakeLab) -> Lab:
    """A fresh spool with the default times."""
    return make_lab({})


@pytest.fixture
def figure(request: pytest.FixtureRequest, ground: Ground) -> Figure:
    """Prints a measured figure at the end of the run."""
    figures = request.config.stash.setdefault(FIGURES, [])
    return lambda text: figures.append(f"{ground.kind}: {text}")


def tell_figures(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The figures."""
    if figures := config.stash.get(FIGURES, []):
        terminalreporter.section("measured")
        for line in sorted(figures):
            terminalreporter.write_line(line)
