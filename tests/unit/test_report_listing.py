"""The rule: a folder is listed again unless it is certain that it holds the same names."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dsgspool.fs import Fs
from dsgspool.report import listing
from dsgspool.report.listing import Sight, Stamp


class Tree:
    """A folder, what was listed of it at the last look, and looks one after the other."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.fs, self.listed = root, Fs(), list[str]()
        self.stamps: dict[str, Stamp] = {}
        content = self.fs.content
        monkeypatch.setattr(self.fs, "content", lambda path, part: self.listed.append(path) or content(path, part))

    def put(self, *paths: str) -> None:
        for path in paths:
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).touch()

    def look(self, *, later: float = 60.0, new: tuple[str, ...] = ()) -> Sight:
        """`later` seconds after the last change; the folders that were listed stand in `listed` ('' = the top)."""
        self.listed.clear()
        sight = listing.look(self.fs, str(self.root), ".yaml", self.stamps, time.time() + later)
        self.stamps = {folder: Stamp.of_json(stamp.as_json()) for folder, stamp in sight.remember(new).items()}
        self.listed[:] = sorted(os.path.relpath(path, self.root).replace(".", "", 1) for path in self.listed)
        return sight


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tree]:
    made = Tree(tmp_path / "top", monkeypatch)
    made.put("x.yaml", "a/1.yaml", "a/1.out", "b/000/2.yaml", ".hidden/3.yaml")
    yield made


def _files(sight: Sight) -> list[str]:
    return sorted(path for path, _ in sight.files)


def test_everything_is_listed_once_and_then_only_what_changed(tree: Tree) -> None:
    assert _files(tree.look()) == ["a/1.yaml", "b/000/2.yaml", "x.yaml"]
    assert tree.listed == ["", "a", "b", "b/000"]
    again = tree.look()
    assert (tree.listed, again.files, again.same) == ([], [], {"", "a", "b", "b/000"})
    tree.put("b/000/4.yaml")
    changed = tree.look()
    assert (tree.listed, _files(changed), changed.same) == (["b/000"], ["b/000/2.yaml", "b/000/4.yaml"], {"", "a", "b"})


@pytest.mark.parametrize("change", ["rename", "remove", "other file", "only its times are put back"])
def test_each_change_of_names_is_seen(tree: Tree, change: str) -> None:
    tree.look()
    times = os.stat(tree.root / "a")
    if change == "rename":
        os.rename(tree.root / "a/1.yaml", tree.root / "a/7.yaml")
    elif change == "other file":
        (tree.root / "a/.new").touch()
        os.rename(tree.root / "a/.new", tree.root / "a/1.yaml")
    else:
        os.remove(tree.root / "a/1.yaml")
    if "times" in change:
        os.utime(tree.root / "a", ns=(times.st_atime_ns, times.st_mtime_ns))
    sight = tree.look()
    assert "a" not in sight.same
    assert _files(sight) == {"rename": ["a/7.yaml"], "other file": ["a/1.yaml"]}.get(change, [])


def test_a_folder_that_went_and_one_that_took_its_name_are_not_the_same(tree: Tree) -> None:
    tree.look()
    shutil.rmtree(tree.root / "b")
    sight = tree.look()
    assert (sight.same, _files(sight)) == ({"a"}, ["x.yaml"])
    os.rename(tree.root / "a", tree.root / "b")
    sight = tree.look()
    assert (sight.same, _files(sight)) == (set(), ["b/1.yaml", "x.yaml"])


def test_a_folder_that_changed_a_moment_ago_is_listed_again(tree: Tree) -> None:
    """RACE: a change in the same tick of the file server's clock gives it no other ctime."""
    tree.look(later=listing.SETTLED / 2)
    assert tree.look().same == set()
    assert tree.look().same == {"", "a", "b", "b/000"}


def test_a_folder_with_a_new_name_is_listed_once_more(tree: Tree) -> None:
    tree.look(new=("a/1.yaml", "x.yaml"))
    assert tree.look().same == {"b", "b/000"}


def test_a_private_folder_is_named_and_the_others_are_listed(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, status = str(tree.root / "a"), tree.fs.status_of_folder

    def refuse(path: str) -> os.stat_result:
        if path == inside:
            raise PermissionError(13, "Permission denied", path)
        return status(path)

    monkeypatch.setattr(tree.fs, "status_of_folder", refuse)  # root, who runs tests in CI, is never refused
    sight = tree.look()
    assert (sight.private, _files(sight)) == (["a"], ["b/000/2.yaml", "x.yaml"])


def test_rows_in_folders_that_are_as_they_were_are_not_looked_at() -> None:
    paths = ["a/1", "a/2", "b/1", "c/1", "x", "a/3", "b/2"]
    known = [listing.Stretch(0, 2, frozenset({"a"})), listing.Stretch(2, 4, frozenset({"b", "c"}))]
    for stretches in ([], known, known[1:]):
        assert listing.outside(paths, {"a", "b"}, stretches) == [3, 4]
        assert listing.outside(paths, {"a", "b", "c", ""}, stretches) == []
        assert listing.outside(paths, set(), stretches) == list(range(7))
    assert listing.outside(paths, {"a"}, [listing.Stretch(1, 4, frozenset({"a"}))]) == [4, 6], "it says so"
