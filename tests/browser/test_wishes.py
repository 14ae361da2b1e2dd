"""What was asked for, and what keeps it from running, is to be seen: GPUs, requests, policies of batches, other tasks."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.browser.conftest import OpenReader
from tests.browser.hand import Hand
from tests.browser.reader import NARROW, ROUTES, Reader, render
from tests.browser.test_rules import faults
from tests.browser.wishes import wishes

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spool = Hand(tmp_path_factory.mktemp("wishes") / "lab" / "spool")
    wishes(spool)
    return render(spool)


def words(reader: Reader, where: str) -> str:
    return " ".join(reader.page.locator(f"{where}:visible").first.inner_text().split())


def test_the_first_screen_says_what_nobody_will_start(index: Path, readers: OpenReader) -> None:
    text = readers(index).open().text()
    for told in (
        "2 tasks wait for each other: egg waits for hen waits for egg; running on 2 nodes",
        "late waits for parked, which is on hold",
        "No node can run 3 tasks: no living one has memory=900G",
        "No node can run 1 task: no living one has has:samtools host=n1 together",
        "Batch sweep-b is paused, and 30 tasks wait",
        "Batch probe is stopped by its breaker, and 17 tasks wait",
        "Batch typo is not started, as its policy cannot be obeyed, and 1 task waits",
    ):
        assert told in text, told


def test_each_batch_shows_how_its_policy_stands_there_and_on_its_own_page(index: Path, readers: OpenReader) -> None:
    reader = readers(index).open()
    labels = {
        "sweep-b": "paused", "probe": "breaker tripped", "maps": "canary: 2 tasks are tried first", "typo": "policy not obeyed",
    }  # fmt: skip
    for batch, label in labels.items():
        assert label in words(reader, f"[data-page=overview] [data-batch='{batch}']"), batch
    reader.go("/batches")
    for batch, label in labels.items():
        assert label in words(reader, f"article[data-batch='{batch}']"), batch
    assert "unknown key max_runing" in words(reader, "article[data-batch=typo]")
    assert "batch resume probe" in words(reader, "article[data-batch=probe]")
    fit = words(reader, "article[data-batch=fit]")
    assert "running of max_running 2 of 8" in fit and "priority 5" in fit and "paused" not in fit
    assert reader.page.locator("article[data-batch=fit] .standing").count() == 0


def test_nodes_show_their_gpus_labels_programs_and_counted_resources(index: Path, readers: OpenReader) -> None:
    reader = readers(index).open("/nodes")
    assert words(reader, "[data-page=nodes] .stock") == "bandwidth 6 of 8 gpu1-gggggggg 5, n1-aaaaaaaa matlab 0 of 2"
    gpu = words(reader, "[data-node=gpu1]")
    assert "GPUs 2 × NVIDIA A100-SXM4-40GB40G each" in gpu.replace("40GB ", "40GB") and "GPU Tesla T4" in gpu
    assert "GPUs in use 1 of 3" in gpu
    assert "rack=b licence=2 has:samtools" in gpu
    assert "GPU" not in words(reader, "[data-node=n1]")
    assert "Bus error" in words(reader, "[data-page=nodes] .matrix"), "bad node or bad task?"


def test_the_page_of_a_task_says_why_it_waits_and_who_waits_for_it(index: Path, readers: OpenReader) -> None:
    reader = readers(index).open("/task/fit/big-1")
    assert "It wants memory=900G, and no worker that is alive has that" in words(reader, "main")
    assert "Its batch is paused: batches/sweep-b.yaml says `paused: true`" in words(
        reader.go("/task/sweep-b/001"), "main"
    )
    own = words(reader, ".do")
    assert "Resume batch dsgspool --spool" in own and "batch resume sweep-b Copy" in own
    assert "It is queued: " in words(reader.go("/task/fit/soon"), "main")
    seen = words(reader.go("/task/plot"), "main")
    assert "Waits for collect , Waiting Waits for it paper" in seen.replace("collect,", "collect ,")
    links = reader.page.locator(".dependencies a:visible").evaluate_all(
        "all => all.map(each => each.getAttribute('href'))"
    )
    assert links == ["#/task/collect", "#/task/paper"]
    assert "Waits for fit/" in words(reader.go("/task/collect"), ".dependencies")
    reader.go("/tasks?q=state:waiting")
    assert "It waits for collect, which waits for fit/" in words(reader, "[data-task=plot]")


def test_a_task_of_very_many_is_explained_by_what_is_known_of_all(index: Path, readers: OpenReader) -> None:
    reader = readers(index).open("/tasks")
    reader.page.evaluate("() => { dsgspool.current.kept.tasks = {}; }")
    assert "No node can run it: no living one has memory=900G" in words(reader.go("/task/fit/big-1"), "main")
    assert "Its batch is not started: paused" in words(reader.go("/task/sweep-b/001"), "main")
    assert "Waits for a free slot" in words(reader.go("/task/fit/soon"), "main")
    reader.go("/tasks?q=state:waiting")
    assert "waits for collect" in words(reader, "[data-task=plot]")


def test_what_was_asked_for_and_waited_is_drawn_beside_what_was_used(index: Path, readers: OpenReader) -> None:
    reader = readers(index).open("/batches")
    for series in ("wait-run", "cpu-used", "memory-used"):
        plot = reader.page.locator(f"[data-series='{series}']:visible")
        plot.scroll_into_view_if_needed()
        reader.page.wait_for_function(
            "key => document.querySelector(`[data-series='${key}']`).dataset.ownDrawn", arg=series
        )
        assert plot.locator("canvas").count() == 1, series


def test_the_twins_say_it_too(index: Path) -> None:
    found = json.loads((index.parent / "report.json").read_text())
    assert {name: policy["state"] for name, policy in found["policies"].items()} == {
        "fit": "open", "maps": "canary", "probe": "tripped", "sweep-b": "paused", "typo": "stopped",
    }  # fmt: skip
    assert found["unmet"][0] == {
        "wants": "memory=900G", "tasks": [f"fit/big-{n}" for n in range(3)],
        "nearest": "gpu1: has 128G of memory, it wants 900G",
    }  # fmt: skip
    assert [len(node["has"]["gpus"]) for node in found["nodes"]] == [3, 0]
    text = (index.parent / "report.txt").read_text()
    assert all(f"    {label}\n" in text for label in ("PAUSED", "BREAKER TRIPPED", "POLICY NOT OBEYED"))
    assert "dsgspool_tasks_kept 52\n" in (index.parent / "metrics.prom").read_text()


def test_about_tells_spool_settings_versions_and_what_the_rendering_cost(index: Path, readers: OpenReader) -> None:
    text = words(readers(index).open("/about"), "main")
    assert f"spool {index.parent.parent}" in text
    assert "report_every 30 s" in text and "next one within 30 s" in text
    assert re.search(r"dsgspool \d+\.\d+\.\d+", text)
    assert re.search(r"took [\d.]+ m?s until here; 45 records read", text)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault_in_it(index: Path, readers: OpenReader, scheme: str) -> None:
    reader = readers(index, color_scheme=scheme)
    for route in ("/", "/batches", "/nodes", "/task/plot"):
        assert faults(reader.open(route)) == [], route


@pytest.mark.parametrize("viewport", [None, NARROW], ids=["wide", "narrow"])
def test_nothing_of_it_is_wider_than_the_window(
    index: Path, readers: OpenReader, viewport: dict[str, int] | None
) -> None:
    reader = readers(index, **({"viewport": viewport} if viewport else {}))
    for route in (*ROUTES, "/task/plot", "/task/fit/040", "/task/fit/big-1"):
        assert reader.open(route).overflow() <= 0, route
