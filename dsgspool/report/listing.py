"""One look at a tree, in which the folders that are as they were are not listed again.

The rule: a folder's ctime changes with each name that comes or goes, and nobody can set it.  So one whose ctime is what
it was holds the same names, if it was old already when they were read: two changes of one clock tick have one ctime.
A folder in which a name was new is listed once more, so that what could not be read is tried again and told again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import field
from typing import TYPE_CHECKING, Any

from dsgspool.classes import dataclass
from dsgspool.listings import DEEPEST

if TYPE_CHECKING:
    from dsgspool.fs import Fs

SETTLED = 10.0  #: seconds since a folder's last change after which another change has another ctime for certain


@dataclass(frozen=True, slots=True)
class Stamp:
    """A folder as it was when its names were read."""

    inode: int
    changed: int  #: its ctime, ns
    folders: tuple[str, ...]

    @classmethod
    def of_json(cls, kept: list[Any]) -> Stamp:
        """What `as_json` made."""
        return cls(int(kept[0]), int(kept[1]), tuple(map(str, kept[2])))

    def as_json(self) -> list[Any]:
        """For the ledger."""
        return [self.inode, self.changed, self.folders]


@dataclass(slots=True)
class Sight:
    """What was seen.  Folders are paths below the top, '' = the top itself."""

    same: set[str] = field(default_factory=set)  #: folders that hold what they held
    files: list[tuple[str, int]] = field(default_factory=list)  #: (path, inode number) in all others
    private: list[str] = field(default_factory=list)  #: folders that may not be read
    stamps: dict[str, Stamp] = field(default_factory=dict)  #: of folders that may be left out next time

    def remember(self, new: Iterable[str]) -> dict[str, Stamp]:
        """Stamps for the next look.  `new`: paths that were not known."""
        for folder in {path.rpartition("/")[0] for path in new}:
            self.stamps.pop(folder, None)
        return self.stamps


def look(fs: Fs, top: str, part: str, known: dict[str, Stamp], now: float) -> Sight:
    """Everything below `top` whose name contains `part`, and that is no folder.  `now`: the file server's clock.

    Nothing when `top` is not there; OSError when it cannot be read.
    """
    sight, folders = Sight(), [""]
    while folders:
        folder = folders.pop()
        path = f"{top}/{folder}" if folder else top
        try:
            status = fs.status_of_folder(path)
            stamp = known.get(folder)
            if stamp and (stamp.inode, stamp.changed) == (status.st_ino, status.st_ctime_ns):
                sight.same.add(folder)
            else:
                content, prefix = fs.content(path, part), f"{folder}/" if folder else ""
                sight.files += [(prefix + name, inode) for name, inode, is_folder in content if not is_folder]
                below = tuple(name for name, _, is_folder in content if is_folder and name[:1] != ".")
                stamp = Stamp(status.st_ino, status.st_ctime_ns, below)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except PermissionError:
            if not folder:
                raise
            sight.private.append(folder)
            continue
        if now - status.st_ctime > SETTLED:
            sight.stamps[folder] = stamp
        if len(folder) < DEEPEST:
            folders += [f"{folder}/{name}" if folder else name for name in stamp.folders]
    return sight


# -- rows of what was seen before ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows [first, stop) of a table of paths, and all the folders that they lie in."""

    first: int
    stop: int
    folders: frozenset[str]


def folders_of(paths: Iterable[str]) -> list[str]:
    """The folders that they lie in, each once."""
    return sorted({path.rpartition("/")[0] for path in paths})


def outside(paths: Sequence[str], same: AbstractSet[str], stretches: Iterable[Stretch]) -> list[int]:
    """Rows of paths in folders that are not the same as last time; of a stretch without such a folder none is looked at."""
    found: list[int] = []
    at = 0
    for stretch in stretches:
        if stretch.folders <= same:
            found += _outside(paths, same, at, stretch.first)
            at = stretch.stop
    return found + _outside(paths, same, at, len(paths))


def _outside(paths: Sequence[str], same: AbstractSet[str], first: int, stop: int) -> list[int]:
    return [row for row in range(first, stop) if paths[row].rpartition("/")[0] not in same]
