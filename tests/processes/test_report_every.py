"""`report_every`: the leading worker renders the report, as a process of its own."""

from __future__ import annotations

from tests.support.processes import Workers
from tests.support.spools import SpoolFolder


def test_a_worker_keeps_the_report_fresh(folder: SpoolFolder, workers: Workers) -> None:
    folder.configure(report_every="1s")
    worker = workers.ready()
    folder.drop("first-task")
    table = folder / "reports/tasks.csv"
    workers.wait_until(lambda: table.exists() and "first-task,done" in table.read_text(), 20)
    folder.drop("second-task", "exit 7")
    workers.wait_until(lambda: "second-task,failed,,exit7" in table.read_text(), 20)
    worker.lives_on()


def test_without_it_nobody_renders(folder: SpoolFolder, workers: Workers) -> None:
    folder.drop("t")
    workers.run_until_empty()
    assert folder.done() == {"t"}
    assert not (folder / "reports/index.html").exists()
