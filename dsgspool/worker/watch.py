"""Wake-up: a hint that todo/ changed, where the kernel of this machine can know it.

The rule: a watcher may be late, deaf or wrong; listing is the truth.  inotify sees nothing that another NFS client did
(watchdog issue 504), so it is used on local file systems only, and only while the worker is idle: a busy one looks
anyway, and each of its own renames would ring the bell.
"""

from __future__ import annotations

import logging
import os
import threading
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver

MAX_CLOSED = 10_000  #: names remembered as seen closed
MAX_ASKED = 3  #: looks during which a file that its writer has not closed is left alone


def heard(ears: int) -> bool:
    """True when something was written to a pipe since the last call; it never waits."""
    try:
        return bool(os.read(ears, 4096))
    except BlockingIOError:
        return False


class Bell:
    """A file descriptor that becomes readable when something arrives in todo/, and the names seen complete."""

    def __init__(self, folder: str, *, usable: bool) -> None:
        self.folder, self.usable = folder, usable
        self.ears, self._mouth = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.trouble = ""
        self._observer: BaseObserver | None = None
        self._inode = 0
        self._new: set[str] = set()  #: folders made while I listen
        self._closed: dict[str, None] = {}
        self._open: dict[str, list[int]] = {}

    @property
    def is_armed(self) -> bool:
        """True while somebody listens."""
        return self._observer is not None

    def arm(self, inode: int) -> bool:
        """Listen to the folder, which has that inode number now; True when this is new: look once more then.

        RACE: a watch goes along with a folder that is moved away; the one that comes in its place has another number.
        """
        if not self.usable or (self._inode == inode and self._is_alive()):
            return False
        self.disarm()
        try:
            self._observer = self._listen()
        except (OSError, RuntimeError) as error:  # no watch or thread to spare, no folder (autofs): poll
            self.trouble = f"no wake-up for {self.folder}, polling only: {error}"
            return False
        self._inode = inode
        return True

    def _listen(self) -> BaseObserver:
        from watchdog import events
        from watchdog.observers.inotify import InotifyObserver

        # It calls the end of a watch that we asked for an error, and warns of a folder that went and came back.
        logging.getLogger("watchdog").setLevel(logging.CRITICAL)
        warnings.filterwarnings("ignore", module=r"watchdog\.")

        class Ringer(events.FileSystemEventHandler):
            def dispatch(_, event: FileSystemEvent) -> None:  # noqa: N805 - `self` is the bell
                if self._observer is observer:  # one that was stopped may still tell what it saw
                    self.on_event(event)

        observer = InotifyObserver(generate_full_events=True)
        kinds: list[type[FileSystemEvent]] = [
            events.FileClosedEvent, events.FileCreatedEvent, events.FileMovedEvent, events.DirCreatedEvent,
            events.DirMovedEvent,
        ]  # fmt: skip
        observer.schedule(Ringer(), self.folder, recursive=True, event_filter=kinds)
        observer.start()
        return observer

    def _is_alive(self) -> bool:
        """False also when the watched folder vanished: watchdog ends the emitter then."""
        observer = self._observer
        return observer is not None and observer.is_alive() and all(e.is_alive() for e in observer.emitters)

    def disarm(self) -> None:
        """Stop listening."""
        observer, self._observer = self._observer, None
        if observer is not None:
            # It joins threads that look up twice a second: that would stop the loop, so nobody waits for it.
            try:
                threading.Thread(target=observer.stop, daemon=True).start()
            except RuntimeError:  # no thread to spare
                observer.stop()
        self._open.clear()
        self._new.clear()
        self._closed.clear()  # from now on nobody sees whether they are written to again

    def heard(self) -> bool:
        """True when it rang since the last call."""
        return heard(self.ears)

    def is_open(self, path: str) -> bool:
        """True for a name that was made while I listened and that its writer has not closed yet.

        Not for ever: a link or fifo is never closed, and a file still being written may well be claimed: then it settles.
        """
        asked = self._open.get(f"{self.folder}/{path}")
        if asked is None:
            return False
        asked[0] += 1
        return asked[0] <= MAX_ASKED

    def saw_closed(self, path: str) -> bool:
        """True once for a name that I saw closed after writing, or renamed in whole."""
        return self._closed.pop(f"{self.folder}/{path}", 0) is None

    def on_event(self, event: FileSystemEvent) -> None:
        """Called by the watcher's thread: what was closed or moved in is whole, what was only made is not."""
        target = os.fsdecode(event.dest_path or event.src_path)
        if event.event_type == "moved" and not event.dest_path:
            return  # out of todo/, by a claim or a person: nothing came
        if event.event_type in ("closed", "moved"):
            if event.is_directory:
                self._new.add(target)
            self.note(target, closed=True)
        elif event.event_type == "created":
            if event.is_directory:
                self._new.add(target)
            self.note(target, closed=event.is_directory)

    def note(self, path: str, *, closed: bool) -> None:
        """Remember a name, and ring unless its writer has only begun."""
        if closed:
            self._open.pop(path, None)
            self._closed[path] = None
            while len(self._closed) > MAX_CLOSED:
                del self._closed[next(iter(self._closed))]
        elif path.endswith((".yaml", ".yml")):
            self._closed.pop(path, None)
            # RACE: a new folder is watched a moment after it was made, so a close in it may have made no sound.
            if os.path.dirname(path) not in self._new:
                self._open[path] = [0]
                return  # its writer has only begun: its close will ring
        try:
            os.write(self._mouth, b"!")
        except BlockingIOError:
            return
