"""What a task waits for (`after`), and whether that has come.

The rule: what is asked for lies in done/ or failed/, and the folders alone say so: done/NAME.yaml, failed/NAME~*.yaml.
A name that lies there stays finished until somebody moves it.  A batch or a pattern is finished when something of it lies
there and, in two looks one after the other, nothing of it lies anywhere else.  A name that is nowhere is not finished:
it may still be submitted.
"""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import hashlib
import stat
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from itertools import chain, takewhile

from dsgspool import names
from dsgspool.classes import dataclass
from dsgspool.errors import InvalidName
from dsgspool.expressions import expression
from dsgspool.names import TaskName
from dsgspool.spool import Spool, task_name
from dsgspool.spool.editing import under_edit
from dsgspool.task import After, State

OPEN_STATES = (State.RUNNING, State.TODO, State.WAITING, State.HOLD)
NO_FILE = (errno.ELOOP, errno.ENXIO, errno.ENODEV, errno.EINVAL, errno.EACCES, errno.EPERM)  #: answers that last

#: What `Verdict.reason` says, in parts: who, of which batch or pattern, how that has ended and what was wanted, how it has ended.
BLAME = expression(r"(.+?)(?: \(of (.+)\))? has ((failed|succeeded), and `after` wants its \w+)")


class Standing(StrEnum):
    """How far something is that others wait for."""

    OPEN = "open"  # not finished, or not there at all
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Not yet: waits for `entry`.  With a `culprit`, never: that one has ended otherwise than the entry wants."""

    entry: After
    culprit: str = ""

    @property
    def reason(self) -> str:
        """Why the task will not run, for its record."""
        ended = "succeeded" if self.entry.wants == "failure" else "failed"
        part = "" if self.culprit == self.entry.what else f" (of {self.entry.what})"
        return f"{self.culprit}{part} has {ended}, and `after` wants its {self.entry.wants}"


class Dependencies:
    """Asks the folders."""

    def __init__(self, spool: Spool) -> None:
        self.spool, self.fs = spool, spool.fs

    def judge(self, identity: str, after: Iterable[After]) -> Verdict | None:
        """None when `identity` may run; else one thing that it waits for.

        The last name first, since tasks are claimed in the order of names; the others in an order that has nothing to do with
        that in which things end: so a task with k entries is put from one to the next at most about 1 + log k times, however
        they end.  Batches and patterns come last: they cost more to ask.
        """
        plain: list[After] = []
        many: list[After] = []
        for entry in after:
            (many if entry.is_many else plain).append(entry)
        if len(plain) > 1:
            last = max(entry.what for entry in plain)
            plain.sort(key=lambda entry: b"" if entry.what == last else _shuffled(f"{identity} {entry.what}"))
        for entry in plain:
            if verdict := _verdict(entry, *self._as_known(entry.what)):
                return verdict
        if len(many) > 1:
            many.sort(key=lambda each: _shuffled(f"{identity} {each.what}"))
        for entry in many:
            if verdict := _verdict(entry, *self._as_known(entry.what, identity)):
                return verdict
        return None

    def standing(self, what: str, but: str = "") -> tuple[Standing, str]:
        """How far a name, batch or pattern is, and whose name says so.  `but`: a task that is not counted in."""
        return self._of_many(what, but) if After(what).is_many else self._of_one(what)

    def _as_known(self, what: str, but: str = "") -> tuple[Standing, str]:
        """The same; what lies in somebody's private folder is not known, so it is not finished: whoever asks again tells why."""
        try:
            return self.standing(what, but)
        except PermissionError:
            return Standing.OPEN, what

    # -- one name ------------------------------------------------------------------------------------------------

    def _of_one(self, identity: str) -> tuple[Standing, str]:
        if self._lies_in_done(identity):
            return Standing.DONE, identity
        return (Standing.FAILED if self._lies_in_failed(identity) else Standing.OPEN), identity

    def _lies_in_done(self, identity: str) -> bool:
        path = f"{self.spool.done}/{identity}.yaml"
        try:
            self.fs.see(path)
            return stat.S_ISREG(self.fs.status_of_entry(path).st_mode)
        except OSError as error:
            if error.errno in (*NO_FILE, errno.ENOENT, errno.ENOTDIR):
                return False  # nothing that a worker published here
            raise

    def _lies_in_failed(self, identity: str) -> bool:
        folder, _, name = identity.rpartition("/")
        return any(found == identity for found in self._failed_in(folder, name))

    def _failed_in(self, folder: str, start: str = "") -> Iterator[str]:
        """Identities of what lies in one folder of failed/ and begins so."""
        for file, is_folder in self.fs.scan(f"{self.spool.failed}/{folder}"):
            if not is_folder and file.startswith(start) and not names.is_ignored(file):
                found = _name(State.FAILED, f"{folder}/{file}" if folder else file)
                if found and not found.claim:
                    yield found.identity

    def open_names(self, awaited: Iterable[str]) -> Iterator[tuple[str, bool]]:
        """(name, whether it is not finished) of many names; each folder of failed/ is listed once for all of them."""
        folders: dict[str, set[str]] = {}
        for identity in awaited:
            folders.setdefault(identity.rpartition("/")[0], set()).add(identity)
        for folder, wanted in folders.items():
            failed = set[str]()
            with contextlib.suppress(PermissionError):  # somebody's private folder: no reason to wake nobody else
                failed = wanted.intersection(self._failed_in(folder))
            for identity in sorted(wanted):
                yield identity, identity not in failed and not self._lies_in_done(identity)

    # -- many ----------------------------------------------------------------------------------------------------

    def _of_many(self, what: str, but: str) -> tuple[Standing, str]:
        """RACE: a task may go from running/ back to todo/ behind one look; hence two, each from running/ to running/."""
        is_meant = meaning(what)
        for _ in range(2):
            if self.first_open(what, but):
                return Standing.OPEN, what
        top = top_of(what)
        try:
            if failed := next(self._in(State.FAILED, top, is_meant, but), None):
                return Standing.FAILED, failed
            return (Standing.DONE if next(self._in(State.DONE, top, is_meant, but), None) else Standing.OPEN), what
        except FileNotFoundError:
            return Standing.OPEN, what

    def first_open(self, what: str, but: str = "", part: str = "") -> tuple[State, str] | None:
        """(state, identity) of something of a batch or pattern that is not finished; the names of all its files contain
        `part` (to read each of 50,000 names takes a second)."""
        return next(self._open(what, but, part), None)

    def _open(self, what: str, but: str, part: str) -> Iterator[tuple[State, str]]:
        """All of that, some of it twice; `what` itself where it is not known what lies there.

        RACE: what `edit` has taken out lies in none of the folders, for a moment or until a killed one is mended.  And what a
        person moved from running/ to failed/ runs on there until its owner has killed it, and takes its claim off.
        """
        top, is_meant = top_of(what), meaning(what)
        for state in (*OPEN_STATES, State.RUNNING):
            try:
                yield from ((state, identity) for identity in self._in(state, top, is_meant, but, part))
            except FileNotFoundError:
                yield state, what
        under = under_edit(self.spool)
        yield from ((s, name) for s, name in chain(under, self._being_cancelled()) if name != but and is_meant(name))

    def nowhere(self, batch: str, wanted: Iterable[str]) -> list[str]:
        """Names of a batch under which nothing lies, open or finished; for readers, who decide nothing by it.  Two looks, as
        above, and what has ended since they were chosen is seen at the end."""
        left, what = set(wanted), f"{batch}/"
        alike = takewhile(
            lambda letters: len(set(letters)) == 1, zip(*(name.rpartition("/")[2] for name in left), strict=False)
        )
        part = "".join(letters[0] for letters in alike)  # with which the names of all their files begin
        for _ in (1, 2):
            for _, identity in self._open(what, "", part):
                left = left - {identity} if identity != what else set()
                if not left:
                    return []
        return [name for name in sorted(left) if self.standing(name)[0] is Standing.OPEN]

    def _being_cancelled(self) -> Iterator[tuple[State, str]]:
        """What lies in failed/ with a claim, under the flat name that it had in running/."""
        for file, is_folder in self.fs.scan(self.spool.failed):
            if not is_folder and "@" in file and (found := _name(State.FAILED, file)) and found.claim:
                yield State.FAILED, found.identity

    def ended(self, state: State, batch: str) -> Iterator[str]:
        """Names of a batch in done/ or failed/, one for each file; FileNotFoundError as above."""
        return self._in(state, batch, meaning(f"{batch}/"), "")

    def _in(self, state: State, top: str, is_meant: Callable[[str], bool], but: str, part: str = "") -> Iterator[str]:
        """Identities in a state that are meant, as they come."""
        for path in self._paths(state, top, part):
            found = _name(state, path)
            if found and found.identity != but and is_meant(found.identity):
                yield found.identity

    def _paths(self, state: State, top: str, part: str) -> Iterator[str]:
        """Paths below a state's folder that may belong to the batch `top` ('' = any).

        RACE: a folder that is listed and cannot be opened raises FileNotFoundError.  Its tasks have just gone elsewhere and
        it was removed, or a client remembers from before that it did not exist: nobody may conclude that nothing is there.
        What is overlooked in done/ only makes others wait.
        """
        base = self.spool.folder(state)
        folders = [top if state not in (State.RUNNING, State.WAITING) else ""]
        if folders[0] and state is not State.DONE:
            # RACE: what a person moved out of running/ has its flat name (s%1@W.3) until its owner has let go of it.
            flat = f"{top.replace('/', '%')}%"
            for name, is_folder in self.fs.scan(base):
                if is_folder and name[:1] == "@" and state is State.TODO:
                    folders.append(f"{name}/{top}")
                elif not is_folder and flat in name and part in name:
                    yield name
        for folder in folders:
            path, prefix = (f"{base}/{folder}", f"{folder}/") if folder else (base, "")
            if state is State.DONE:
                yield from self.fs.find(path, part, prefix)
            elif self._is_there(path):
                yield from self.fs.find(path, part, prefix, must_be_there=True)

    def _is_there(self, folder: str) -> bool:
        """False when it cannot be opened and the one above it does not list it either."""
        if folder == self.spool.root or self.fs.folder_is_there(folder):
            return True
        above, _, name = folder.rpartition("/")
        if self._is_there(above) and (name, True) in self.fs.scan(above, must_be_there=True):
            raise FileNotFoundError(errno.ENOENT, "it is listed and cannot be opened", folder)
        return False


def _verdict(entry: After, standing: Standing, culprit: str) -> Verdict | None:
    if standing is Standing.OPEN:
        return Verdict(entry)
    is_wanted = entry.wants == "any" or (standing is Standing.DONE) is (entry.wants == "success")
    return None if is_wanted else Verdict(entry, culprit)


def meaning(what: str) -> Callable[[str], bool]:
    """Whether an identity is meant by a batch (`sweep-a/`) or a pattern."""
    if what.endswith("/"):
        return lambda identity: identity.startswith(what)
    return lambda identity: fnmatch.fnmatchcase(identity, what)


def _shuffled(text: str) -> bytes:
    return hashlib.blake2s(text.encode()).digest()


def top_of(what: str) -> str:
    """The folders of a batch or pattern in which no sign stands: `sweep-a` of `sweep-a/x*`."""
    folders: list[str] = []
    for part in what.split("/")[:-1]:
        if any(sign in part for sign in "*?["):
            break
        folders.append(part)
    return "/".join(folders)


def _name(state: State, path: str) -> TaskName | None:
    try:
        return None if names.is_ignored(path.rpartition("/")[2]) else task_name(state, path)
    except InvalidName:
        return None
