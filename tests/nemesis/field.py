"""The grounds as a nemesis run wants them, and what a round is like on each.

The rule: on a ground of this host the share has a small disk of its own, so that it can be filled up; what tasks prove
lies elsewhere.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.grounds import Ground
from tests.grounds.local import Local
from tests.grounds.nfs import Nfs3, Nfs42
from tests.grounds.stale import Stale
from tests.nemesis import proof
from tests.nemesis.round import Plan

SMALL_DISK = "1g"
GROUNDS: dict[str, type[Ground]] = {"local": Local, "stale": Stale, "nfs4.2": Nfs42, "nfs3": Nfs3}

#: What one round is like by default.  A node of real NFS is one slow CPU.
_SLOW = Plan(0, 5_000, 180, every=2, workers=1, slots=4, bulk=150, lasting=0.01, people_every=3)
PLANS = {
    "local": Plan(0, 50_000, 120, every=0.3),
    "stale": Plan(0, 50_000, 120, every=0.3),
    "nfs4.2": _SLOW,
    "nfs3": _SLOW,
}
#: With default times: longer faults, and so many tasks that live for more than a lease that 12,000 take the whole round.
PATIENT = {"seconds": 900.0, "longest": 300.0, "every": 10.0, "lasting": 0.02, "tasks": 12_000}


def missing(kind: str) -> str:
    """Which capability this machine lacks for it."""
    return proof.missing() or GROUNDS[kind].missing()


@contextmanager
def up(kind: str) -> Iterator[tuple[Ground, bool]]:
    """A ground, and whether its disk may be filled."""
    with ExitStack() as stack:
        disk = "" if kind.startswith("nfs") else stack.enter_context(_small_disk())
        ground = _made_in(disk, kind)
        stack.callback(ground.down)
        yield ground, bool(disk) or kind.startswith("nfs")


def _made_in(folder: str, kind: str) -> Ground:
    before = tempfile.tempdir
    tempfile.tempdir = folder or before
    try:
        return GROUNDS[kind]()
    finally:
        tempfile.tempdir = before


@contextmanager
def _small_disk() -> Iterator[str]:
    """A folder with a disk of its own, '' without root."""
    if os.geteuid():
        yield ""
        return
    folder = tempfile.mkdtemp(prefix="dsgspool-disk-")
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "none", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
        os.rmdir(folder)
