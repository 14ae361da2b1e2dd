"""Commands that make a spool where none was, crashed: init, init for a group, and the demo.

The rule: repeated, such a command brings what it brings in an empty place, to the last byte.
"""

from __future__ import annotations

import grp
import os
import shutil
from collections.abc import Callable, Mapping
from typing import Never

from tests.faults.crash_stories import Story, nothing
from tests.support.crashing import Ground, dsgspool, fork, wait

GROUP = grp.getgrgid(os.getegid()).gr_name  #: one that this user is in


def is_like_new(ground: Ground) -> list[str]:
    """Repeated, init has made what it makes in an empty place, to the last byte."""
    other = f"{ground.folder}/other/spool"
    assert wait(fork(dsgspool(ground, ("init", other), kind="-other"))) == 0
    mine, fresh = tree(ground.root), tree(other)
    wrong = [f"init, repeated, left {path} broken" for path in fresh if mine.get(path) != fresh[path]]
    shutil.rmtree(f"{ground.folder}/other")
    return wrong


def is_like_new_and_shared(ground: Ground) -> list[str]:
    """The same with a group: also modes and groups of everything, where only its members could go on otherwise."""
    other = f"{ground.folder}/other/spool"
    assert wait(fork(dsgspool(ground, ("init", "--group", GROUP, other), kind="-other"))) == 0
    mine, fresh = (permissions(root) for root in (ground.root, other))
    wrong = [f"init, repeated, left {path} as {mine.get(path)}" for path in fresh if mine.get(path) != fresh[path]]
    shutil.rmtree(f"{ground.folder}/other")
    return [*wrong, *is_like_new(ground)]


def permissions(root: str) -> Mapping[str, str]:
    """Mode and group of a folder and of everything below it."""
    found = {}
    for folder, _, files in os.walk(root):
        for path in (folder, *(f"{folder}/{file}" for file in files)):
            status = os.stat(path)
            found[os.path.relpath(path, root)] = f"{status.st_mode:o} {status.st_gid}"
    return found


def lays_another(ground: Ground) -> list[str]:
    """Repeated, the demo lets alone what a first one left, and lays a whole one beside it."""
    made = next(root for root in (f"{ground.root}-2", ground.root) if os.path.exists(root))
    mine, fresh = tree(made), _untouched_demo(ground)
    shutil.rmtree(made)
    return [f"the second demo lacks {path}" for path in fresh if mine.get(path) != fresh[path]]


def _untouched_demo(ground: Ground) -> Mapping[str, bytes]:
    """What one makes that nobody crashes; made once in each process."""
    if not _DEMO:
        other = f"{ground.folder}/other/spool"
        assert wait(fork(_demo(ground, other))) == 0
        _DEMO.update(tree(other))
        shutil.rmtree(f"{ground.folder}/other")
    return _DEMO


_DEMO: dict[str, bytes] = {}


def tree(root: str) -> Mapping[str, bytes]:
    """Every file below a folder and what it holds; folders hold nothing."""
    found: dict[str, bytes] = {}
    for folder, folders, files in os.walk(root):
        below = os.path.relpath(folder, root)
        found.update({os.path.normpath(f"{below}/{name}") + "/": b"" for name in folders})
        for file in files:
            with open(f"{folder}/{file}", "rb") as opened:
                found[os.path.normpath(f"{below}/{file}")] = opened.read().replace(root.encode(), b"ROOT")
    return found


def _demo(ground: Ground, folder: str) -> Callable[[], int]:
    """`dsgspool demo` until it starts workers, whose lives are crashed elsewhere: they take half a minute."""
    inner = dsgspool(ground, ("demo", "--dir", folder))

    def program() -> int:
        from dsgspool.demo import run

        run.Workers.start = _start_nobody
        return inner()

    return program


def _start_nobody(*_: object) -> Never:
    raise SystemExit(0)


LAYING = (
    Story("init", nothing, lambda ground: dsgspool(ground, ("init", ground.root)), again=is_like_new, bare=True),
    Story("init-group", nothing, lambda ground: dsgspool(ground, ("init", "--group", GROUP, ground.root)),
          again=is_like_new_and_shared, bare=True),
    Story("demo", nothing, lambda ground: _demo(ground, ground.root), again=lays_another, bare=True,
          looks=False),
)  # fmt: skip
