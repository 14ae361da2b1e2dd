"""Many tasks, many workers: each task runs exactly once."""

from __future__ import annotations

import pytest

from dsgspool.snapshot import check
from dsgspool.spool import Spool
from tests.support.history import History
from tests.support.processes import Workers
from tests.support.spools import CALM, SpoolFolder

WORKERS, TASKS = 8, 500


@pytest.mark.load
def test_eight_workers_run_each_of_500_tasks_exactly_once(
    folder: SpoolFolder, workers: Workers, history: History
) -> None:
    folder.configure(CALM)
    (folder / "PAUSE").touch()
    names = {folder.drop(f"batch-{n % 3}/{n:04d}", history.command()) for n in range(TASKS)}
    started = [workers.ready("--until-empty", slots=2) for _ in range(WORKERS)]
    (folder / "PAUSE").unlink()
    for worker in started:
        assert worker.ends(90) == 0, workers.describe()
    history.assert_each_once(names)
    assert folder.states() == {"done": sorted(f"{name}.yaml" for name in names)}
    assert {folder.record(name)["worker"] for name in names} == {worker.wids()[0] for worker in started}
    assert check(Spool.open(str(folder)), accepted=names) == []
