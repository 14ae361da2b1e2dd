"""The site: never half-written, never a mixture, one writer; what nobody needs any more goes after an hour."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from dsgspool.errors import StorageError
from dsgspool.report import site
from dsgspool.report.site import write_site
from tests.support.seeded import Seeded


@pytest.fixture
def seeded(tmp_path: Path) -> Seeded:
    made = Seeded(str(tmp_path / "spool"))
    made.worker("n1-aaaaaaaa")
    return made


def render(seeded: Seeded) -> Path:
    return Path(write_site(seeded.spool)).parent


def data(folder: Path) -> set[str]:
    return set(os.listdir(folder / "data"))


def referenced(folder: Path) -> set[str]:
    """Data files that the page which is there now needs."""
    index = (folder / "index.html").read_text()
    found = set(re.findall(r'data/([a-z]+-[0-9a-f]{16}\.\w+)"', index))
    (page,) = [name for name in found if name.startswith("page-")]
    return found | set(
        re.findall(r'"((?:runs|names|rest|tasks|details)-[0-9a-f]{16}\.js)"', (folder / "data" / page).read_text())
    )


def watch(monkeypatch: pytest.MonkeyPatch, seeded: Seeded, see: Callable[[str], None]) -> None:
    """Call `see` with the path of each file just before it is put in place."""
    replace = seeded.spool.fs.replace

    def replaced(path: str, content: bytes) -> None:
        see(path)
        replace(path, content)

    monkeypatch.setattr(seeded.spool.fs, "replace", replaced)


def test_the_page_comes_after_all_that_it_names_and_latest_js_after_it(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    watch(monkeypatch, seeded, lambda path: order.append(os.path.relpath(path, f"{seeded.root}/reports")))
    seeded.done("a/1", "b")
    seeded.failed("c")
    folder = render(seeded)
    place = {name: order.index(name) for name in order}
    assert all(place[f"data/{name}"] < place["index.html"] for name in referenced(folder))
    assert all(place[name] < place["index.html"] for name in ("report.txt", "report.json", "metrics.prom"))
    assert place["index.html"] < place["latest.js"] < place[".ledger/ledger.json"]


def test_at_every_moment_the_page_that_is_there_has_all_its_files(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeded.done("a/1")
    folder = render(seeded)
    looks = 0

    def look(_: str) -> None:
        nonlocal looks
        looks += 1
        assert referenced(folder) <= data(folder)

    watch(monkeypatch, seeded, look)
    for number in range(2, 6):
        seeded.done(f"a/{number}")
        render(seeded)
    assert looks > 20


@pytest.mark.parametrize("stop", range(1, 12))
def test_a_writer_that_dies_leaves_the_old_page_whole_and_the_next_one_mends_all(
    stop: int, seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeded.done("a/1")
    folder = render(seeded)
    seeded.failed("a/2")
    left = stop

    def die(_: str) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as context:
        watch(context, seeded, die)
        try:
            write_site(seeded.spool)
        except StorageError as error:
            assert "the disk is full" in str(error)
    assert referenced(folder) <= data(folder)
    render(seeded)
    assert referenced(folder) <= data(folder)
    assert json.loads((folder / "report.json").read_text())["counts"]["failed"] == 1


def test_a_file_that_nobody_needs_any_more_stays_an_hour(seeded: Seeded, monkeypatch: pytest.MonkeyPatch) -> None:
    seeded.done("a/1")
    folder = render(seeded)
    before = referenced(folder)
    seeded.done("a/2")
    render(seeded)
    assert before <= data(folder)
    monkeypatch.setattr(site, "KEEP", 0.0)
    render(seeded)
    assert data(folder) == referenced(folder)
    assert not before <= data(folder)


def test_nothing_is_left_beside_the_files_that_are_meant_to_be_there(seeded: Seeded) -> None:
    seeded.done("a/1")
    folder = render(seeded)
    seeded.write("reports/.index.html.77.tmp", "of a writer that was killed")
    seeded.write("reports/data/.page-0123456789abcdef.js.77.tmp", "the same")
    render(seeded)
    assert set(os.listdir(folder)) == {
        ".ledger", ".lock", "data", "index.html", "latest.js", "metrics.prom", "report.json", "report.txt", "tasks.csv",
    }  # fmt: skip
    assert not [name for name in data(folder) if name.startswith(".")]


def test_a_second_writer_leaves_quietly(seeded: Seeded) -> None:
    path = f"{seeded.root}/reports/index.html"
    with FileLock(f"{seeded.root}/reports/.lock"):
        assert write_site(seeded.spool) == path
    assert not os.path.exists(path)
    assert render(seeded)
    assert os.path.exists(path)


def test_in_a_spool_of_a_group_others_of_it_may_read_and_write_on(tmp_path: Path) -> None:
    seeded = Seeded(str(tmp_path / "spool"))
    os.chmod(f"{seeded.root}/todo", 0o2770)
    seeded = _again(seeded)
    old = os.umask(0o077)
    try:
        seeded.done("a/1")
        folder = render(seeded)
    finally:
        os.umask(old)
    for path in folder.rglob("*"):
        mode = path.stat().st_mode
        assert mode & 0o2070 == 0o2070 if path.is_dir() else mode & 0o040, path
    assert (folder / ".lock").stat().st_mode & 0o060 == 0o060


def _again(seeded: Seeded) -> Seeded:
    from dsgspool.spool import Spool

    seeded.spool = Spool.open(seeded.root)
    return seeded


def test_the_promise_of_the_next_page_is_the_workers_or_the_watchers(seeded: Seeded) -> None:
    def promised(every: float | None = None) -> object:
        folder = Path(write_site(seeded.spool, every)).parent
        return json.loads((folder / "report.json").read_text())["writes_every_s"]

    assert promised() is None
    assert promised(10.0) == 10.0
    seeded.write("spool.yaml", "report_every: 45s\n")
    assert promised() == 45.0
    os.utime(f"{seeded.root}/workers/n1-aaaaaaaa.lock", (seeded.now - 900, seeded.now - 900))
    assert promised() is None  # nobody is there to keep it


def test_a_root_that_is_not_utf_8_can_be_written_about(tmp_path: Path) -> None:
    seeded = Seeded(f"{tmp_path}/sp\udcff")
    seeded.done("a")
    assert os.path.exists(write_site(seeded.spool))


def test_spool_yaml_with_a_mistake_stops_nothing(seeded: Seeded) -> None:
    seeded.write("spool.yaml", "formt: 1\n")
    folder = render(seeded)
    assert "formt" in json.loads((folder / "report.json").read_text())["problems"][0]
