"""Every rule of the protocol is taken away once, and a test misses it: `pytest -m mutation`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.mutation.mutant import Mutant
from tests.mutation.mutants import MUTANTS
from tests.mutation.trial import Result, trials

pytestmark = [pytest.mark.mutation, pytest.mark.timeout(900)]
AT_ONCE = min(2, os.cpu_count() or 1)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """All mutants, or this run's share of them."""
    if "mutant" in metafunc.fixturenames:
        chosen = MUTANTS[metafunc.config.getoption("share")]
        metafunc.parametrize("mutant", chosen, ids=lambda mutant: mutant.title)


@pytest.fixture(scope="module")
def result(request: pytest.FixtureRequest) -> Iterator[Callable[[Mutant | None], Result]]:
    """The result of a trial; all that were asked for run two at a time, in the order of the list."""
    items = [item for item in request.session.items if item.module is request.module]  # type: ignore[attr-defined]
    chosen = [item.callspec.params["mutant"] for item in items if hasattr(item, "callspec")]  # type: ignore[attr-defined]
    with trials() as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        jobs: dict[Mutant | None, Future[Result]] = {}
        jobs[None] = pool.submit(folder.intact, [test for mutant in chosen for test in mutant.tests])
        jobs |= {mutant: pool.submit(folder.mutate, mutant) for mutant in chosen}
        yield lambda mutant: jobs[mutant].result()


def test_a_rule_that_is_taken_away_is_missed(mutant: Mutant, result: Callable[[Mutant | None], Result]) -> None:
    found = result(mutant)
    assert found.is_killed, f"{found.word}: {found.detail}"


def test_the_intact_product_passes_all_of_these_tests(result: Callable[[Mutant | None], Result]) -> None:
    found = result(None)
    assert found.word == "passed", found.detail
