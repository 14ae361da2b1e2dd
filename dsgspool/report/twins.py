"""The same as the page for other readers: report.txt, report.json, tasks.csv, metrics.prom.

The rule: each is put in place by a rename, and each says the same as the page, because it is made of the same book.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dsgspool.report.book import Book
    from dsgspool.report.data import Tasks
    from dsgspool.report.ledger import Block
    from dsgspool.report.shell import Face
    from dsgspool.snapshot import WorkerSeen
    from dsgspool.spool import Spool


def worker_state(worker: WorkerSeen) -> str:
    """`alive`, `silent`, `ended` or `dead`, in one word."""
    if worker.alive:
        return "alive"
    if worker.ended:
        return "ended"
    return "silent" if worker.heartbeat_age is not None else "dead"


def write(spool: Spool, folder: str, book: Book, rows: tuple[Tasks, list[Block]], face: Face) -> None:
    """All of them."""
    spool.fs.replace(f"{folder}/report.txt", face.text.encode(errors="replace"))
