"""Writes SPOOL/reports: data files, page, twins, and last of all what makes them be found.

The rule: a reader sees the old page or the new one, never a half and never a mixture: data files are called by a hash
of what they hold and stay for an hour after they fell out of use, index.html is renamed when they are there, latest.js
last.  One writer at a time, by the FileLock reports/.lock; who comes second leaves at once, because the first is about
to write the same.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from dsgspool import __version__
from dsgspool.classes import dataclass
from dsgspool.clock import ServerClock
from dsgspool.errors import StorageError
from dsgspool.report import again, chunks, columns, details, ledger, shell, stuck, twins
from dsgspool.report.data import Data, Tasks, write_attempts
from dsgspool.report.explained import Explain, explained
from dsgspool.report.gather import Look
from dsgspool.report.ledger import Block, Ledger, Pack
from dsgspool.report.tally import Tally
from dsgspool.task import State

if TYPE_CHECKING:
    from dsgspool.report.book import Book
    from dsgspool.report.table import Attempts
    from dsgspool.spool import Spool

KEEP = 3600.0  #: seconds that a data file stays after it fell out of use
MOST_FAILED = 2000  #: that have details
MOST_DONE = 500
MOST_WORKERS = 2000  #: that are told of one by one


def write_site(spool: Spool, every: float | None = None, explain: Explain | None = None) -> str:
    """Write the report, unless somebody else is at it; the path of its page.  `every`: when the next one comes.

    `explain` says of tasks why they do not run."""
    folder = f"{spool.root}/reports"
    try:
        spool.fs.make_folder(folder)
        with _alone(spool, f"{folder}/.lock") as mine:
            if mine:
                with _uncollected():
                    Site(spool, folder, explain).write(every)
    except OSError as error:
        raise StorageError.of(error, "write the report to") from error
    return f"{folder}/index.html"


@contextlib.contextmanager
def _alone(spool: Spool, path: str) -> Iterator[bool]:
    """True inside while this is the only writer."""
    lock = FileLock(path, timeout=0, mode=0o660 if spool.fs.group else 0o644, preserve_lock_file=True)
    try:
        lock.acquire()
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Without the collector of cycles: it would walk the columns of all attempts again and again, and find nothing."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _tallies(table: Attempts, blocks: list[Block]) -> tuple[Tally, ...]:
    """Of each block: the one that was kept beside it, or a new one."""
    for block in blocks:
        block.tally = block.tally or Tally.of(table, block.first, block.first + block.rows)
    return tuple(block.tally for block in blocks if block.tally)


@dataclass(slots=True)
class Site:
    """One rendering."""

    spool: Spool
    folder: str
    explain: Explain | None = None
    named: dict[str, list[list[Any]]] = field(default_factory=dict)  #: chunks, as the page names them

    def write(self, every: float | None) -> None:
        """All files, in the order that keeps readers safe."""
        began = self.spool.clock.boot()
        fs = self.spool.fs
        server = self._server(f"{self.folder}/.lock")
        known = ledger.load(fs, self.folder)
        look = Look(self.spool, known, server, every, began)
        book = look.gather()
        known.past = ledger.remember(known.past, book)
        data = Data(fs, f"{self.folder}/data")
        attempt_blocks = write_attempts(data, known.attempts, [] if look.moved else known.attempt_blocks)
        book = replace(book, tallies=_tallies(known.attempts, attempt_blocks))
        tasks = self._tasks(look, book)
        tasks.details = self._details(look, book, data)
        task_blocks = tasks.write(data, known.task_blocks)
        for at, kind in enumerate(chunks.PARTS):
            self.named[kind] = [[block.files[at], block.first, block.rows] for block in attempt_blocks]
        self.named["tasks"] = [[*block.files, block.first, block.rows] for block in task_blocks]
        self._publish(look, book, data, (tasks, task_blocks))
        known.journals, known.took = look.journals.as_json(), round(book.took(), 3)
        self._clean(known, data, book.taken)
        attempts, done = partial(columns.of_attempts, known.attempts), partial(columns.of_tasks, known.finished)
        columns.keep(fs, f"{self.folder}/.ledger", data.folder, [(attempt_blocks, attempts), (task_blocks, done)])
        ledger.save(fs, self.folder, known, known.attempts.settled, (attempt_blocks, task_blocks))

    def _server(self, path: str) -> ServerClock:
        """The file server's time, from a file that is mine to touch."""
        server, before = ServerClock(self.spool.clock), self.spool.clock.boot()
        self.spool.fs.touch(path)
        server.set(self.spool.fs.status(path).st_mtime, before)
        return server

    # -- rows ----------------------------------------------------------------------------------------------------

    def _tasks(self, look: Look, book: Book) -> Tasks:
        rank = {State.RUNNING: 0, State.FAILED: 1}
        open_ = sorted(book.snapshot.tasks, key=lambda task: rank.get(task.state, 2))
        lines = {run.identity: (run.line, run.progress) for run in book.running}
        return Tasks(look.ledger.finished, open_, look.chains, lines=lines, todo=self.spool.todo)

    def _details(self, look: Look, book: Book, data: Data) -> dict[str, int]:
        """Write the chunks of details; task -> index of its chunk."""
        finished = look.ledger.finished
        running = [run.identity for run in book.running]
        stable = [failure.identity for failure in book.failed[:MOST_FAILED]] + finished.task[-1 : -MOST_DONE - 1 : -1]
        rows = look.ledger.attempts.rows_of({*running, *stable})
        reader = details.Reader(self.spool.fs, self.spool.logs, look.ledger.attempts, look.journals, rows)
        wanted = {task: reader.mark(task) for task in stable}
        packs = self._packs(look.ledger, reader, data, wanted)
        look.ledger.packs = packs
        live = details.pack_up((task, "", reader.entry(task)) for task in running)
        all_packs = [*packs, *(self._pack(data, *portion) for portion in live)]
        self.named["details"] = [[pack.file] for pack in all_packs]
        return {task: index for index, pack in enumerate(all_packs) for task in pack.tasks}

    def _packs(self, known: Ledger, reader: details.Reader, data: Data, wanted: dict[str, str]) -> list[Pack]:
        def read(file: str) -> dict[str, details.Entry]:
            try:
                return dict(chunks.parse(file, self.spool.fs.read(f"{data.folder}/{file}")[0])["tasks"])
            except (OSError, ValueError, KeyError, TypeError):
                return {}

        sorted_ = details.Details.sort(known.packs, wanted, read)
        packs = [pack for pack in sorted_.kept if data.has(pack.file, pack.size)]
        data.used.update(pack.file for pack in packs)
        held = {task for pack in packs for task in pack.tasks}
        size = sum(pack.size for pack in packs)

        def entries() -> Iterator[tuple[str, str, details.Entry]]:
            for task, mark in wanted.items():
                if task not in held:
                    known_one = sorted_.again.get(task)
                    yield task, mark, known_one[1] if known_one else reader.entry(task)

        if size < details.MOST_BYTES:
            for marks, text in details.pack_up(entries()):
                packs.append(self._pack(data, marks, text))
                size += packs[-1].size
                if size > details.MOST_BYTES:
                    break
        return packs

    def _pack(self, data: Data, marks: dict[str, str], text: str) -> Pack:
        name, content = chunks.dumped("chunk", "details", text)
        return Pack(data.put(name, content), len(content), marks)

    # -- files ---------------------------------------------------------------------------------------------------

    def _publish(self, look: Look, book: Book, data: Data, rows: tuple[Tasks, list[Block]]) -> None:
        fs = self.spool.fs
        face = shell.face(book)
        files = {
            "first": data.put(*shell.asset("first", "js", shell.first())),
            "style": data.put(*shell.asset("style", "css", shell.style())),
            "app": data.put(*shell.asset("app", "js", shell.script())),
            "page": data.put(*chunks.script("page", "page", self._page(look, book, face, rows[0]))),
        }
        for name, names in again.lists(face.digest):
            data.put(name, names)
        early = {part: [name for name, *_ in self.named[part]] for part in ("tasks", *chunks.PARTS)}
        twins.write(self.spool, self.folder, book, rows, face)
        fs.replace(f"{self.folder}/index.html", shell.index(face, files, early).encode(errors="replace"))
        latest = chunks.dump({"stamp": book.taken, "page": files["page"], "app": files["app"]})
        fs.replace(f"{self.folder}/latest.js", f"dsgspool.latest({latest});\n".encode())

    def _page(self, look: Look, book: Book, face: shell.Face, tasks: Tasks) -> chunks.Payload:
        snapshot = book.snapshot
        silent = sorted(node.host for node in book.nodes if node.silent)
        return {
            "schema": 1, "stamp": book.taken, "writes_every": book.writes_every, "root": book.root,
            "version": __version__, "title": face.title, "tone": face.tone,
            "counts": {state.value: getattr(snapshot.counts, state.value) for state in State},
            "since": {"failures": face.failures, "cancelled": book.cancelled, "nodes_silent": silent},
            "kept": {"lanes": book.kept.lanes, "batches": stuck.reasons(book), "tasks": explained(book, self.explain)},
            "sections": face.sections, "series": face.series,
            "workers": self._workers(look, book), "queued": tasks.queued, "chunks": self.named,
        }  # fmt: skip

    def _workers(self, look: Look, book: Book) -> list[dict[str, Any]]:
        """The living and those that hold tasks, then the newest of the others."""
        workers = sorted(book.snapshot.workers, key=lambda w: (not (w.alive or w.running), -(w.started or 0.0)))
        return [
            {
                "wid": worker.wid, "host": worker.host, "slots": worker.slots, "started": worker.started,
                "ended": look.last_seen(worker.wid) if worker.ended else None, "last": look.last_seen(worker.wid),
                "state": twins.worker_state(worker),
            }
            for worker in workers[:MOST_WORKERS]
        ]  # fmt: skip

    def _clean(self, known: Ledger, data: Data, now: float) -> None:
        """Remove data files that nobody has needed for an hour, and drafts of writers that died: I am the only one."""
        for folder in (self.folder, data.folder):
            for name in self.spool.fs.names(folder):
                if name.startswith(".") and name.endswith(".tmp"):
                    self.spool.fs.remove(f"{folder}/{name}")
                    data.there.discard(name)
        unused = {name: known.unused.get(name, now) for name in data.there - data.used}
        for name, since in list(unused.items()):
            if not 0 <= now - since < KEEP:
                with contextlib.suppress(OSError):
                    self.spool.fs.remove(f"{data.folder}/{name}")
                del unused[name]
        known.unused = unused
