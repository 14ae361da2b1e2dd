"""The doctor's bench: a private folder in tmp/ where calls are tried, removed at the end.

The rule: what a test of the file system makes lies below tmp/.doctor-WORD/ or is a hidden file, so that no worker, no
listing and no person takes it for a task; what a doctor that was killed leaves there is swept with the rest of tmp/.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from dsgspool.chance import word
from dsgspool.fs import Fs
from dsgspool.spool import Spool

PREFIX = ".doctor-"


@contextlib.contextmanager
def bench(spool: Spool, name: str = "") -> Iterator[str]:
    """A fresh folder below tmp/, empty, and gone afterwards."""
    folder = f"{spool.tmp}/{PREFIX}{name or word()}"
    try:
        spool.fs.make_folder(folder, exclusive=True)
        yield folder
    finally:
        clear(spool.fs, folder)


def clear(fs: Fs, folder: str) -> None:
    """Remove a folder of ours with all that is in it; what others remove meanwhile is gone too."""
    with contextlib.suppress(OSError):  # a disk that refuses this was named before; tmp/ is swept by age
        for name, is_folder in list(fs.scan(folder)):
            if is_folder:
                clear(fs, f"{folder}/{name}")
            else:
                fs.remove(f"{folder}/{name}")
        fs.remove_folder(folder)
