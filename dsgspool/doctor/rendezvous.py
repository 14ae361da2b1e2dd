"""Two doctors on two nodes find each other in tmp/ and send each other letters, through the spool itself.

The rule: exactly one host and one guest.  Each makes tmp/.doctor-peer-WORD with two mailboxes; whoever finds a folder
whose word comes before its own asks to be its guest, by an O_EXCL create that one guest only can win, after it has
closed its own door in the same way.  A letter is renamed into its mailbox, which is touched a tick later: an NFS v3
client may otherwise never see it.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import field
from typing import Any

from dsgspool.chance import word
from dsgspool.classes import dataclass
from dsgspool.doctor.bench import PREFIX, clear
from dsgspool.spool import Spool
from dsgspool.spool.submission import TICK

DOOR = f"{PREFIX}peer-"
FRESH = 10.0  #: seconds (the server's) without a sign of life after which a folder was abandoned
LOOK, SIGN = 0.02, 1.0  #: seconds between looks into a mailbox, between signs of life
ANSWER = 15.0  #: seconds that the other may take for one step, beside what it measures

Letter = dict[str, Any]


class Silence(Exception):
    """The other doctor did not come, or went away."""


@dataclass(slots=True)
class Line:
    """What connects two doctors: the host's folder, my role in it, who the other is."""

    spool: Spool
    folder: str
    is_host: bool
    other: Letter
    said: set[str] = field(default_factory=set)

    @property
    def me(self) -> str:
        """My role."""
        return "host" if self.is_host else "guest"

    @property
    def you(self) -> str:
        """The other's role."""
        return "guest" if self.is_host else "host"

    def say(self, subject: str, **letter: object) -> None:
        """Send a letter.  ValueError: that subject was used; the other would take an earlier step's letter for this one's."""
        if subject in self.said:
            raise ValueError(f"a second letter {subject!r}")
        self.said.add(subject)
        box = f"{self.folder}/to-{self.you}"
        _post(self.spool, box, subject, letter)

    def hear(self, subject: str, seconds: float = ANSWER) -> Letter:
        """The letter of that subject, as soon as it is there."""
        box = f"{self.folder}/to-{self.me}"
        until = self.spool.clock.boot() + seconds
        while f"{subject}.json" not in self.spool.fs.names(box):
            if self.spool.clock.boot() > until:
                raise Silence(f"the other doctor ({self.other['host']}) sent no `{subject}` within {seconds:g} s")
            self.spool.clock.sleep(LOOK)
        return dict(json.loads(self.spool.fs.read(f"{box}/{subject}.json")[0]))

    def together(self, subject: str, seconds: float = ANSWER, **letter: object) -> Letter:
        """Both say it, and go on when both have."""
        self.say(subject, **letter)
        return self.hear(subject, seconds)

    def part(self) -> None:
        """The guest leaves first: the host tidies up as soon as it has heard that."""
        if self.is_host:
            self.hear("bye")
        else:
            self.say("bye")

    def close(self) -> None:
        """The host tidies up."""
        if self.is_host:
            clear(self.spool.fs, self.folder)


def _post(spool: Spool, box: str, subject: str, letter: Letter) -> None:
    draft = f"{box}/.{subject}"
    spool.fs.create_whole(draft, json.dumps(letter).encode())
    if spool.fs.rename(draft, f"{box}/{subject}.json"):
        raise Silence("the other doctor has left")
    spool.clock.sleep(TICK)
    with contextlib.suppress(FileNotFoundError):  # it was the last letter, and the host has tidied up
        spool.fs.touch(box)


def meet(spool: Spool, me: Letter, seconds: float) -> Line:
    """Find the other doctor; Silence when nobody came within `seconds`."""
    until = spool.clock.boot() + seconds
    while True:
        door = _Door(spool, me)
        try:
            door.open()
            line = door.wait(until)
        except BaseException:
            clear(spool.fs, door.folder)
            raise
        if line is not None:
            return line
        clear(spool.fs, door.folder)  # somebody was faster at both doors: begin anew


class _Door:
    """My own folder in tmp/ while I look for the other."""

    def __init__(self, spool: Spool, me: Letter) -> None:
        self.spool, self.fs, self.me = spool, spool.fs, me
        self.word = word()
        self.folder = f"{spool.tmp}/{DOOR}{self.word}"

    def open(self) -> None:
        """Make the folder, its mailboxes, and what says who I am."""
        for name in ("", "/to-host", "/to-guest"):
            self.fs.make_folder(f"{self.folder}{name}", exclusive=True)
        self.fs.create_whole(f"{self.folder}/hello", json.dumps(self.me).encode())

    def wait(self, until: float) -> Line | None:
        """The line to the other; None when this door was closed in vain."""
        signed = float("-inf")
        while self.spool.clock.boot() < until:
            if self.spool.clock.boot() - signed > SIGN:
                self.fs.touch(f"{self.folder}/hello")
                # RACE: both doors came within one tick: a client of NFS v3 that listed tmp/ between them sees but one.
                self.fs.touch(self.spool.tmp)
                signed = self.spool.clock.boot()
            if guest := self._guest():
                return Line(self.spool, self.folder, True, guest)
            for host in self._hosts():
                return self._visit(host)
            self.spool.clock.sleep(LOOK * 5)
        raise Silence("nobody")

    def _guest(self) -> Letter | None:
        if "guest.json" not in self.fs.names(f"{self.folder}/to-host"):
            return None
        return dict(json.loads(self.fs.read(f"{self.folder}/to-host/guest.json")[0]))

    def _hosts(self) -> list[str]:
        """Folders of doctors who wait now and whose word comes before mine."""
        now = self.fs.status(f"{self.folder}/hello").st_mtime
        found = []
        for name in sorted(self.fs.names(self.spool.tmp)):
            folder = f"{self.spool.tmp}/{name}"
            if name.startswith(DOOR) and name < f"{DOOR}{self.word}" and self._waits(folder, now):
                found.append(folder)
        return found

    def _waits(self, folder: str, now: float) -> bool:
        try:
            inside = self.fs.names(folder)
            return (
                "hello" in inside and "taken" not in inside and now - self.fs.status(f"{folder}/hello").st_mtime < FRESH
            )
        except OSError:
            return False

    def _visit(self, host: str) -> Line | None:
        """RACE: while I knock there, somebody may knock here; whoever makes `taken` has the door."""
        if not self._take(self.folder):
            guest = self._late_guest()
            return Line(self.spool, self.folder, True, guest)
        if not self._take(host):
            return None
        other = dict(json.loads(self.fs.read(f"{host}/hello")[0]))
        _post(self.spool, f"{host}/to-host", "guest", self.me)
        clear(self.fs, self.folder)
        return Line(self.spool, host, False, other)

    def _take(self, folder: str) -> bool:
        try:
            self.fs.create_whole(f"{folder}/taken", b"", sync=False)
        except (FileExistsError, FileNotFoundError):
            return False
        return True

    def _late_guest(self) -> Letter:
        until = self.spool.clock.boot() + ANSWER
        while (guest := self._guest()) is None:
            if self.spool.clock.boot() > until:
                raise Silence("the other doctor came to the door and left")
            self.spool.clock.sleep(LOOK)
        return guest
