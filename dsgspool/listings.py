"""What lies in folders: the part of the door to files that looks.

The rule (R6): an NFS client believes for up to a minute that something does not exist which another one has made, and
opening the folder above is what makes it ask.  So existence is decided by listing, or by opening that folder first and
the name then; and that a folder is not there is believed only when the one above it was opened.  On a file system that
only this kernel changes it knows, and is not asked twice.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator
from itertools import islice

from dsgspool.mounts import Mount, mount_of

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
BLOCK = 1024  #: entries read at once
DEEPEST = 256  #: characters of a folder's path below which nobody looks: longer than any task's own


class Listings:
    """Nothing above `floor` is asked for in vain: it is the spool's own folder, '' = the root."""

    def __init__(self, floor: str = "") -> None:
        self.floor = floor

    def mount(self, path: str) -> Mount:
        """The mount that a path is on."""
        return mount_of(path)

    @functools.cached_property
    def _is_coherent(self) -> bool:
        """True when what this kernel says of the spool's folder is so; its folders cannot lie elsewhere, as files are
        renamed between them."""
        return bool(self.floor) and self.mount(self.floor).is_coherent

    @functools.cached_property
    def _links_count_folders(self) -> bool:
        """True where a folder has a link for each folder in it, as ext4, xfs and what they export do: the spool's own has
        a dozen, so it tells."""
        if not self.floor or not (self._is_coherent or self.mount(self.floor).is_nfs):
            return False  # what opening it does not make this client ask about may be a memory
        return self._links(self.floor) == 2 + sum(is_folder for _, is_folder in self.scan(self.floor))

    def _links(self, folder: str) -> int:
        descriptor = os.open(folder, _FOLDER)
        try:
            return os.fstat(descriptor).st_nlink
        finally:
            os.close(descriptor)

    def may_hold_folders(self, folder: str) -> bool:
        """False when no folder lies in it: one call, however many names are asked for.  True also when nobody knows."""
        return not self._links_count_folders or self._links(folder) != 2

    def names(self, folder: str) -> list[str]:
        """Names in a folder.  Opening it is what makes an NFS client ask the server."""
        return os.listdir(folder)

    def scan(self, folder: str, *, must_be_there: bool = False) -> Iterator[tuple[str, bool]]:
        """(name, is a folder) one by one: a folder of a million names costs no memory.  Nothing when it is gone."""
        try:
            found = self._entries(folder)
        except (FileNotFoundError, NotADirectoryError):
            if must_be_there:
                raise
            return
        with found:
            entries = iter(found)
            while block := [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in islice(entries, BLOCK)]:
                yield from block

    def folders(self, folder: str) -> list[str]:
        """The sub-folders of a folder, also of one with a million files.  Nothing when it is gone."""
        try:
            with self._entries(folder) as found:
                return [entry.name for entry in found if entry.is_dir(follow_symlinks=False)]
        except (FileNotFoundError, NotADirectoryError):
            return []

    def find(self, folder: str, part: str, prefix: str = "", *, must_be_there: bool = False) -> Iterator[str]:
        """Paths below `folder` of everything whose name contains `part` and that is no folder, as they come.

        `must_be_there`: FileNotFoundError for a folder that cannot be opened: it, or one below it that was just listed.
        """
        for name, is_folder in self.scan(folder, must_be_there=must_be_there):
            if is_folder and not name.startswith(".") and len(prefix) < DEEPEST:
                with contextlib.suppress(PermissionError):  # somebody's private folder
                    below = f"{folder}/{name}"
                    yield from self.find(below, part, f"{prefix}{name}/", must_be_there=must_be_there)
            elif part in name:
                yield prefix + name

    def content(self, folder: str, part: str) -> list[tuple[str, int, bool]]:
        """(name, inode number, is a folder) of all folders and of files whose name contains `part`, by one listing."""
        with os.scandir(folder) as found:
            return [
                (entry.name, entry.inode(), is_folder)
                for entry in found
                if (is_folder := entry.is_dir(follow_symlinks=False)) or part in entry.name
            ]

    def inodes(self, folder: str) -> dict[str, int]:
        """Name -> inode number.  After a won rename this refreshes what an NFS client believes of the name."""
        with os.scandir(folder) as found:
            return {entry.name: entry.inode() for entry in found}

    def walk(self, folder: str, prefix: str = "") -> Iterator[tuple[str, os.DirEntry[str]]]:
        """(`prefix` + path below `folder`, entry) of everything that is no folder, each folder's names in order."""
        try:
            with self._entries(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False) or entry.name.startswith("."):
                yield prefix + entry.name, entry
            elif len(prefix) < DEEPEST:
                yield from self.walk(entry.path, f"{prefix}{entry.name}/")

    def see(self, path: str) -> None:
        """Open and close the folder of `path`, so that no cached 'does not exist' answers for it (R6).

        RACE: the same may be believed of that folder itself, and of those above: then they are opened from the top down.
        """
        if self._is_coherent:
            return
        folder = os.path.dirname(path)
        try:
            os.close(os.open(folder, _FOLDER))
        except FileNotFoundError:
            if folder in (self.floor, "/", ""):
                raise
            self.see(folder)
            os.close(os.open(folder, _FOLDER))

    def owner(self, path: str) -> int:
        """The uid of whatever lies there, as this client knows it: for the order of work only, never for what is allowed."""
        return os.stat(path, follow_symlinks=False).st_uid

    def _entries(self, folder: str) -> os._ScandirIterator[str]:
        """scandir(3); that a folder is not there is believed only after those above it were opened (R6)."""
        try:
            return os.scandir(folder)
        except FileNotFoundError:
            if self._is_coherent:
                raise
            self.see(folder)
            return os.scandir(folder)

    def folder_is_there(self, path: str) -> bool:
        """True when a folder can be opened after its parent was: a cached one would still let files be renamed out."""
        try:
            self.see(path)
            os.close(os.open(path, _FOLDER))
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True
