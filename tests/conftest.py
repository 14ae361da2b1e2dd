"""What tests of real spools and real workers get."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.grounds.fixtures import (
    deselect_unasked,
    figure,
    ground,
    lab,
    make_lab,
    parametrize_ground,
    patient_lab,
    tell_figures,
)
from tests.support.history import History
from tests.support.processes import Gate, Workers
from tests.support.spools import SpoolFolder

__all__ = ["figure", "ground", "lab", "make_lab", "patient_lab"]
# Generated examples: what lands is judged by its change and not by luck, so each run draws the same ones. Luck has a run
# of its own, `pytest --hypothesis-profile search tests/property tests/unit`. None is judged by the clock.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=5000)
settings.load_profile("same")
pytest_generate_tests = parametrize_ground
pytest_terminal_summary = tell_figures


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--share 2/3`: of the long lists of mutants and of crash stories only the 2nd, 5th, 8th ..."""
    parser.addoption(
        "--share", default=slice(None), type=_share, help="K/N: each N-th mutant and crash story, from the K-th on"
    )


def _share(text: str) -> slice:
    first, every = map(int, text.split("/"))
    return slice(first - 1, None, every)


def pytest_configure() -> None:
    """Processes behave as a user's do."""
    # Else each of thousands of processes would compile the package anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # And what a command keeps in its buffer while it goes on would be seen here and nowhere else.
    os.environ.pop("PYTHONUNBUFFERED", None)
    sys.dont_write_bytecode = False
    _listen_to_interrupts()


def _listen_to_interrupts() -> None:
    """Ctrl-C is tested: a shell starts what it puts into the background with SIGINT ignored, and children inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what nobody asked for; skip what needs root where there is none, and say so."""
    deselect_unasked(config, items)
    if os.geteuid() != 0:
        for item in items:
            if item.get_closest_marker("root"):
                item.add_marker(pytest.mark.skip(reason="needs root: it works with two real users"))


@pytest.fixture
def folder(tmp_path: Path) -> SpoolFolder:
    """An empty spool with fast times."""
    return SpoolFolder(tmp_path / "spool")


@pytest.fixture
def workers(folder: SpoolFolder, tmp_path: Path) -> Iterator[Workers]:
    """Starts workers on it; none of their processes outlives the test."""
    workers = Workers(folder, tmp_path)
    yield workers
    workers.bury()


@pytest.fixture
def history(tmp_path: Path) -> History:
    """What the tasks did, told by themselves."""
    return History(tmp_path / "history")


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """Holds commands up until the test opens it."""
    return Gate(tmp_path)
