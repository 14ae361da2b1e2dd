"""The page of batches tells how far the items of a sweep are."""

import os
import re

import pytest
from typer.testing import CliRunner

from dsgspool.cli.app import app
from dsgspool.names import parse
from dsgspool.report.swept import Items, Queued, items_of, queued
from dsgspool.snapshot import Counts, TaskSeen
from dsgspool.spool import Spool
from dsgspool.spool.laying import lay_down
from dsgspool.task import State


@pytest.fixture
def spool(tmp_path):
    root = str(tmp_path / "spool")
    list(lay_down(root))
    return Spool.open(root)


def seen(state, path):
    name = parse(f"{path}.yaml")
    return TaskSeen(name.identity, State(state), f"{path}.yaml", name)


def test_items_are_counted_of_the_sweeps_in_each_batch(spool):
    for sweep in ("s", "lab/t", "lab/u"):
        os.makedirs(f"{spool.root}/sweeps/{sweep}/0-9")
    tasks = [
        seen("todo", "s/rest-4-9"),
        seen("failed", "s/1-3~items2"),
        seen("hold", "lab/t/rest-1-9"),
        seen("todo", "x/0-3"),
    ]
    assert items_of(spool, tasks, ["s/0-0", "lab/t/0-0", "lab/u/0-4", "x/4-5"]) == {
        "s": Items(Counts(todo=6, done=2, failed=2), is_all=True), "lab": Items(Counts(hold=9, done=6), is_all=True),
    }  # fmt: skip
    tasks += [seen("todo", "s/merge"), seen("todo", "lab/t2/3-9")]
    mixed = items_of(spool, tasks, ["s/0-0", "lab/t/0-0"])
    assert not any(each.is_all for each in mixed.values()), "tasks beside them, or a sweep of which a part is gone"


def test_what_is_queued_of_a_sweep_is_counted_also_when_a_part_of_it_is_gone(spool):
    for sweep in ("s", "lab/t"):
        os.makedirs(f"{spool.root}/sweeps/{sweep}/00-99")
    tasks = [
        seen("todo", "s/rest-30-99"), seen("todo", "s/20-22"), seen("hold", "s/rest-50-59"), seen("running", "s/10-19"),
        seen("failed", "lab/t/00-09~items2"), seen("todo", "lab/x/0-3"), seen("todo", "y/0-3"), seen("todo", "lab/other"),
    ]  # fmt: skip
    assert queued(spool, tasks) == {"s": Queued(2, 23), "lab/t": Queued()}


def test_a_spool_without_sweeps_is_not_looked_through(spool):
    assert items_of(spool, iter([None]), iter([None])) == {}
    assert queued(spool, iter([None])) == {}


def test_the_page_of_batches_has_them(spool, tmp_path):
    os.makedirs(f"{spool.root}/sweeps/s/0000-1999")
    for path in ("done/s/0000-0999", "failed/s/1000-1099~items7", "todo/s/rest-1100-1899", "hold/s/rest-1900-1999"):
        os.makedirs(os.path.dirname(f"{spool.root}/{path}"), exist_ok=True)
        with open(f"{spool.root}/{path}.yaml", "w") as file:
            file.write("command: 'true'\nsweep: {product: {n: 1..2000}}\n...\n")
    assert CliRunner().invoke(app, ["--spool", spool.root, "report"]).exit_code == 0
    pages = [page for page in (tmp_path / "spool/reports").rglob("*.html") if 'class="items"' in page.read_text()]
    text = re.sub(r"<[^>]+>", "", re.search(r'<p class="items">.*?</p>', pages[0].read_text())[0])
    assert text == "1,093 of 2,000 items done, 7 failed, 800 left, 100 in hold/"
    shown = " ".join(re.sub(r"<[^>]+>", " ", pages[0].read_text()).split())
    assert "A chunk of a sweep counts as one task here." in shown
    assert re.search(r"\d\d % of items 7 failed 1,093 of 2,000 items of sweeps", shown), "the overview"
    assert "1 of 4 chunks done" in shown, "the page of batches"
    told = (tmp_path / "spool/reports/report.txt").read_text()
    assert "\nA chunk of a sweep counts as one task here.\n" in told
    assert re.search(r"s +\[.*\] +1,093/2,000 +7 failed\n +items of sweeps", told)
