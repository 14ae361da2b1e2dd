"""A browser for all tests of a process, a study for all seeds, a reader for each test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import chromium
from tests.browser.hand import Hand
from tests.browser.reader import WIDE, Reader, render
from tests.browser.rich import rich
from tests.browser.seeds import SEEDS, Seed, plant
from tests.browser.work import work

OpenReader = Callable[..., Reader]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    if reason := chromium.missing():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study that real workers went through; to be copied, never changed."""
    base = tmp_path_factory.mktemp("study")
    return work(base / "spool", base).root


@pytest.fixture
def seeded(worked: Path, tmp_path: Path) -> Callable[[Seed], Hand]:
    return lambda seed: plant(seed, worked, tmp_path / "lab" / "spool")


@pytest.fixture
def readers(browser: Any) -> Iterator[OpenReader]:
    """Opens reports in contexts of their own; no page of theirs may have complained at the end."""
    opened: list[Reader] = []

    def start(index: Path | None = None, **options: object) -> Reader:
        context = browser.new_context(**{"viewport": WIDE, "locale": "en-GB", "timezone_id": "UTC", **options})
        opened.append(Reader(context, index))
        return opened[-1]

    yield start
    complaints = [complaint for reader in opened for complaint in reader.complaints]
    for reader in opened:
        reader.context.close()
    assert not complaints, complaints


@pytest.fixture(scope="session")
def study(worked: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Hand, Path]:
    """The study as it is, and its report: for tests that change neither."""
    seed = next(seed for seed in SEEDS if seed.name == "several causes")
    spool = plant(seed, worked, tmp_path_factory.mktemp("read-only") / "spool")
    return spool, render(spool)


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a spool in which everything has happened."""
    spool = Hand(tmp_path_factory.mktemp("full") / "lab" / "spool")
    rich(spool)
    return render(spool)
