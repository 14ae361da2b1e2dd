"""Short nemesis runs: `pytest -m nemesis` on all grounds, with `-k nfs` on real NFS only, with `-k "not nfs"` elsewhere.
Fixed seeds and a fresh one, which is part of the test's name.

The rule: what is judged here is what `python -m tests.nemesis` judges for hours; only the length differs.
"""

from __future__ import annotations

import os
import random
from dataclasses import replace

import pytest

from tests.grounds.fixtures import FIGURES
from tests.nemesis.field import PLANS, missing, up
from tests.nemesis.round import Round
from tests.nemesis.table import summary, text

FRESH = random.SystemRandom().randrange(1, 1_000_000)
SECONDS = {"local": 20.0, "stale": 20.0, "nfs4.2": 50.0, "nfs3": 50.0}
SHORT = [("local", 1), ("local", FRESH), ("stale", 2), ("stale", FRESH), ("nfs4.2", 3), ("nfs3", FRESH)]


@pytest.mark.nemesis
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("kind", "seed"), SHORT, ids=[f"{kind}-seed-{seed}" for kind, seed in SHORT])
def test_no_promise_breaks_under_faults_and_people(kind: str, seed: int, request: pytest.FixtureRequest) -> None:
    if reason := missing(kind):
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    with up(kind) as (ground, small_disk):
        plan = replace(PLANS[kind], seed=seed, seconds=SECONDS[kind], small_disk=small_disk)
        result = Round(ground, plan, "short").run()
    request.config.stash.setdefault(FIGURES, []).append(text(summary(kind, [seed], [result])))
    assert not result.violations, "\n".join([*map(str, result.violations), *result.stories.values()])
