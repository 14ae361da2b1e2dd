"""Putting tasks into todo/.

The rule: a task is accepted when its whole text is on the server under a name that nobody can mistake for a finished
one before, and one rename has put it into todo/, or into waiting/ when it comes after a task that is not over.  A
submitter writes in tmp/TOKEN/, which nobody else moves things into or out of; that the file is gone from there is the
proof (R1).  What a crash leaves in tmp/ was promised to nobody.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
from collections.abc import Iterable, Iterator

from dsgspool import chance, names
from dsgspool.classes import dataclass
from dsgspool.errors import InvalidName, StorageError
from dsgspool.names import TaskName
from dsgspool.spool import Spool
from dsgspool.task import After

FOLDER_SIZE = 1000  #: tasks in one sub-folder of a bulk batch
TICK = 0.02  #: seconds after which a change of a folder shows on NFSv3 (hazards, finding 3)


@dataclass(frozen=True, slots=True)
class Draft:
    """A task about to be submitted: its whole text and the identity it shall have; `lane_path` below its state's folder."""

    name: TaskName
    data: bytes
    after: tuple[After, ...] = ()  #: what is known of its `after`: a task that is not over may be filed at once


class Submission:
    """One run of `submit`: a private folder tmp/TOKEN and the moves out of it."""

    def __init__(self, spool: Spool) -> None:
        self.spool, self.fs, self.word = spool, spool.fs, chance.word()
        self.private = f"{spool.tmp}/{self.word}"
        self.fs.make_folder(self.private, exclusive=True)
        self._counter = itertools.count(1)
        self._changed = {spool.todo}  #: shared folders that something of mine went to

    def token(self) -> str:
        """A fresh token of mine."""
        return f"{self.word}-{next(self._counter)}"

    def unique(self, stem: str, batch: str = "") -> TaskName:
        """A generated name: a word and 8 random characters, so that it was never used before."""
        prefix = f"{batch}/" if batch else ""
        return TaskName(names.check_identity(f"{prefix}{_word(stem)}-{chance.word()}"))

    def named(self, identity: str) -> TaskName:
        """A name that somebody chose: with a token, so that it overwrites no other file of that name."""
        return TaskName(names.check_identity(identity), "0", self.token())

    def put(self, drafts: Iterable[Draft], folder: str) -> Iterator[str]:
        """Accept each draft into `folder` (todo/ or hold/); yields the identities as they are accepted."""
        for draft in drafts:
            file, what = draft.name.flat, self._awaited(draft) if folder == self.spool.todo else ""
            self._hold_alone(draft.name.batch, folder)
            into = f"{self.spool.waiting}/{names.after_folder(what)}" if what else folder
            self.fs.create_whole(f"{self.private}/{file}", draft.data)
            self._out(file, f"{into}/{draft.name.lane_path}")
            if not self.spool.fs.mount(folder).is_remote:
                self.fs.sync_folder(os.path.dirname(f"{into}/{draft.name.lane_path}"))
            if what:
                self._look_again(what, draft.name)
            yield draft.name.identity

    def _hold_alone(self, batch: str, folder: str) -> None:
        if folder == self.spool.hold:
            from dsgspool.spool.moves import hold_alone

            hold_alone(self.spool, batch)

    def _awaited(self, draft: Draft) -> str:
        """One task that it comes after and that is not over, '' when there is none: batches are asked by those who claim."""
        if not draft.after:
            return ""
        from dsgspool.spool.dependencies import Dependencies

        verdict = Dependencies(self.spool).judge(
            draft.name.identity, [entry for entry in draft.after if not entry.is_many]
        )
        return verdict.entry.what if verdict and not verdict.culprit else ""

    def _look_again(self, what: str, name: TaskName) -> None:
        """RACE: it was over, and its waiters were looked for, before mine was among them (xxxiv)."""
        from dsgspool.spool.dependencies import Dependencies, Standing
        from dsgspool.spool.moves import Moves

        if Dependencies(self.spool).standing(what)[0] is not Standing.OPEN:
            Moves(self.spool).due(names.after_folder(what), name.lane_path)

    def put_bulk(self, texts: Iterable[bytes], batch: str, folder: str, lane: str = "") -> Iterator[str]:
        """Accept many as BATCH/000/00001 ..., a thousand a sub-folder; each sub-folder goes out by ONE rename."""
        names.check_identity(f"{batch}/000/00001")
        self._hold_alone(batch, folder)
        numbers = iter(self._free_numbers(batch))
        target = f"{folder}/@{lane}/{batch}" if lane else f"{folder}/{batch}"
        counted = enumerate(texts, 1)
        while chunk := list(itertools.islice(counted, FOLDER_SIZE)):
            part = self._reserve(batch, numbers)
            self.fs.make_folder(f"{self.private}/{part}", exclusive=True)
            for number, data in chunk:
                self.fs.create_whole(f"{self.private}/{part}/{number:05d}.yaml", data, sync=False)
            self._flush(part)
            placed = self._out_folder(part, target, numbers)
            if not self.fs.mount(folder).is_remote:
                self.fs.sync_folder(target)
            yield from (f"{batch}/{placed}/{number:05d}" for number, _ in chunk)

    def _flush(self, part: str) -> None:
        """All files of this part are on the disk, or OSError."""
        try:
            self.fs.flush(self.private)
        except OSError:
            # It also fails, once, for what went wrong earlier on this mount in a file of somebody else [m]: ask each of mine.
            for file in self.fs.names(f"{self.private}/{part}"):
                descriptor = self.fs.open_input(f"{self.private}/{part}/{file}")
                try:
                    self.fs.sync(descriptor)
                finally:
                    self.fs.close(descriptor)
            self.fs.sync_folder(f"{self.private}/{part}")

    def _reserve(self, batch: str, numbers: Iterator[int]) -> str:
        """RACE: of two bulks of one batch at once, the folder for the logs is made by one; the other takes the next."""
        while True:
            part = f"{next(numbers):03d}"
            try:
                self.fs.make_folder(f"{self.spool.logs}/{batch}/{part}", exclusive=True)
            except FileExistsError:
                continue
            return part

    def _free_numbers(self, batch: str) -> Iterable[int]:
        """Sub-folder numbers from the first that no state and no log of this batch uses: a second bulk goes on there."""
        used = [-1]
        for place in ("todo", "hold", "waiting", "done", "failed", "logs"):
            used += [int(name) for name, _ in self.fs.scan(f"{self.spool.root}/{place}/{batch}") if name.isdecimal()]
        return itertools.count(max(used) + 1)

    def _out_folder(self, part: str, target: str, numbers: Iterator[int]) -> str:
        """Rename a whole sub-folder out; when its number is taken meanwhile, the next one."""
        self.fs.make_folder(target)
        placed = part
        while True:
            number = self.fs.rename_into(f"{self.private}/{part}", f"{target}/{placed}")
            if part not in self.fs.names(self.private):
                self._changed.add(target)
                return placed
            if number not in (errno.ENOTEMPTY, errno.EEXIST):
                raise StorageError("submit to", f"{target}/{placed}", number)
            placed = f"{next(numbers):03d}"

    def _out(self, file: str, target: str) -> None:
        """Rename out of my private folder until a listing says that it is out."""
        for _ in range(3):
            number = self.fs.rename_into(f"{self.private}/{file}", target)
            if file not in self.fs.names(self.private):
                self._changed.add(os.path.dirname(target))
                return
        raise StorageError("submit to", target, number)

    def close(self) -> None:
        """Remove the private folder; touch what I changed, so that no NFSv3 client overlooks the change for ever."""
        self.fs.remove_folder(self.private)
        if self.spool.fs.mount(self.spool.todo).is_remote:
            self.spool.clock.sleep(TICK)
            for folder in sorted(self._changed):
                with contextlib.suppress(FileNotFoundError):  # moved away meanwhile, with all that I put there
                    self.fs.touch(folder)


def _word(stem: str) -> str:
    """A word that may begin a name, from a command's name."""
    word = "".join(c if c.isalnum() or c in "._-" else "-" for c in os.path.basename(stem))[:40].strip(".-")
    return word or "task"


def valid_batch(batch: str) -> str:
    """The batch's name itself; InvalidName with the reason otherwise."""
    names.check_identity(batch)
    if batch.endswith(names.SUFFIXES):
        raise InvalidName(batch, "a folder's name must not end with .yaml")
    return batch
